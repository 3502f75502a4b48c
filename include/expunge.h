/* expunge.h - the public interface of libexpunge: remove classes from the weights of a network without gradients, and
 * measure what a model still gives away. Spaces, statistics, signals and audits work on arrays, from any framework; data
 * and models are the program's own networks, weights files and data sets.
 *
 * Calls.     A function that can fail returns an expunge_status, 0 for success; expunge_error_text() then has one
 *            sentence that says what is wrong and what would be right. No call prints, exits, or calls back.
 * Arrays.    Row-major. A stride is the number of VALUES (not bytes) from the start of one row to the start of the next;
 *            where a function reads, it may be anything, also negative. Arrays are borrowed for the time of the call.
 *            `type` says what the values are. A value has its type's natural alignment.
 * Ownership. A handle that *_create, *_open or a call made belongs to the caller, who gives it to the *_free function of its
 *            kind, which takes NULL, too. On failure the handle's pointer is set to NULL. Texts returned as `char *` are
 *            the caller's, for expunge_free; `const char *` are borrowed.
 * Threads.   Several threads may call at once, with different handles. One handle is for one thread at a time, except for
 *            functions that take it as `const`, which any number of threads may call together. The work itself is shared
 *            between OpenMP threads, as many as the calling thread's OpenMP settings say (omp_set_num_threads,
 *            OMP_NUM_THREADS). The library changes no such setting, nor OpenBLAS's. As with every program that uses
 *            libgomp, a process that was forked after a call must call exec before it calls again.
 * Process.   Signal handlers, environment, locale, floating-point modes and flags, standard streams, HDF5's
 *            error printing and its loading of filters are after a call as they were before it.
 * Numbers.   The same arrays, seed and number of threads give the same bits.
 */
#ifndef EXPUNGE_H
#define EXPUNGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EXPUNGE_API __attribute__((visibility("default")))
#else
#define EXPUNGE_API
#endif

/* ---- status ---- */

typedef enum {
    EXPUNGE_OK = 0,
    EXPUNGE_EUSAGE = 1,    /* an option or a name that does not exist, or not here */
    EXPUNGE_EARG = 2,      /* an argument is outside its range */
    EXPUNGE_ESHAPE = 3,    /* shapes do not match */
    EXPUNGE_EFORMAT = 4,   /* a file does not hold what it should */
    EXPUNGE_EIO = 5,       /* the operating system refused a read or write */
    EXPUNGE_ENOMEM = 6,    /* not enough memory */
    EXPUNGE_ENUMERIC = 7,  /* an input or a result is not finite, or a decomposition failed */
    EXPUNGE_EBACKEND = 8,  /* a library reported an error */
    EXPUNGE_ENOTFOUND = 9, /* no such name */
    EXPUNGE_ELIMIT = 10,   /* refused: over a stated limit */
    EXPUNGE_ECANCEL = 11   /* stopped by expunge_cancel */
} expunge_status;

/** "EARG" for EXPUNGE_EARG; "?" for a number that is no status. Static storage. */
EXPUNGE_API const char *expunge_status_name(expunge_status status);
/** The sentence of this thread's last call that returned a status: "" if that was EXPUNGE_OK. Without a line end. Valid
 *  until the next such call on this thread. */
EXPUNGE_API const char *expunge_error_text(void);
/** Warnings of this thread's last call that returned a status, one per line, "" if there were none: what a reader of the
 *  result should know. Valid until the next such call on this thread; at most 8 KiB are kept. */
EXPUNGE_API const char *expunge_notices(void);
/** The library's version, "0.1.0". Static storage. */
EXPUNGE_API const char *expunge_version(void);

/** Releases a text that the library returned as `char *`. NULL is fine. */
EXPUNGE_API void expunge_free(char *text);
/** Gives memory back to the system that the library keeps for its next call: freed blocks of 8 MiB and more, 1 GiB of them
 *  at most. Decoded images of open data stay (expunge_data_open: "memory"); expunge_data_free and this call give back theirs. */
EXPUNGE_API void expunge_trim(void);

/**
 * Asks all calls that are at work in this process, on any thread, to stop: within a batch of images, a layer, an attack or
 * an image file they then return EXPUNGE_ECANCEL. What such a call was to make does not exist; its other arguments are as
 * they were, but for arrays that it was to fill. Calls that take no time may still succeed, and those that begin later
 * are not concerned: nothing is to be taken back. Any thread may call it, a signal handler too.
 */
EXPUNGE_API void expunge_cancel(void);

/* ---- arrays ---- */

typedef enum {
    EXPUNGE_F32 = 0,
    EXPUNGE_F64 = 1,
    EXPUNGE_F16 = 2,  /* IEEE binary16, as uint16_t */
    EXPUNGE_BF16 = 3, /* the upper half of a float32, as uint16_t */
    EXPUNGE_I32 = 4,
    EXPUNGE_I64 = 5,
    EXPUNGE_U8 = 6
} expunge_type;

/* ---- spaces: what a layer's inputs span ---- */

/**
 * The space of a layer's inputs X [n, features], each direction weighted by its importance (Kodge, Saha and Roy, "Deep
 * Unlearning", TMLR 2024). With X^T = U S V^T and s_i = S_i^2 / sum_j S_j^2:
 *
 *     lambda_i = alpha s_i / ((alpha - 1) s_i + 1)        P(alpha) = U diag(lambda) U^T
 *
 * A row of X is what one row of the weight matrix is multiplied with: an input of a linear layer (a token, in a transformer), or
 * one unfolded patch of a convolution, its columns in the order of the weight's.
 */
typedef struct expunge_space expunge_space;

/**
 * @param features  length of a row, 1 to 2^31 - 1.
 * @param rows      how many rows will be added in all; 0: not known. With 0, or with as many rows as features or more, memory does
 *                  not grow with the rows: it is that of the Gram matrix X^T X, features^2 values, in float64 up to 1024
 *                  features and in float32 beyond. With fewer rows than features the rows are kept (rows x features
 *                  float32) beside their own Gram matrix (rows^2), which takes less time.
 * @param route     how P is computed; NULL or "auto": "closed", by Cholesky factorisation. "eigen": by eigenvectors,
 *                  which knows the spectrum. "svd", "reference" (float64): from X itself, kept; rows must be known.
 * @return EXPUNGE_EARG, EXPUNGE_ENOTFOUND (route), EXPUNGE_EUSAGE (rows 0 with a route that keeps X), EXPUNGE_ELIMIT (X over
 *         4 GiB), EXPUNGE_ENOMEM.
 */
EXPUNGE_API expunge_status expunge_space_create(int64_t features, int64_t rows, const char *route,
                                                expunge_space **space);
/** NULL is fine. */
EXPUNGE_API void expunge_space_free(expunge_space *space);
/**
 * Adds @p count rows; @p rows: the first one. Types: F32, F64 (rounded to float32), F16, BF16. The result is the same bits,
 * however rows are divided between calls. Cost: features^2 multiplications per row.
 * @return EXPUNGE_EARG (more rows than announced, or after expunge_space_finish), EXPUNGE_ENOMEM. Values that are not finite
 *         are found by expunge_space_finish.
 */
EXPUNGE_API expunge_status expunge_space_add(expunge_space *space, const void *rows, int64_t count, int64_t stride,
                                             expunge_type type);
/**
 * Adds @p count rows that are 0 outside of some columns and hold only those: spans [span_count] of columns first[i] to
 * first[i] + width[i] - 1, ascending and apart, at most 16 (none: rows of zeros). Patches at the border of a map are such rows. Costs
 * the square of the columns held. The order of additions follows the calls.
 * @return as expunge_space_add; EXPUNGE_ESHAPE (spans).
 */
EXPUNGE_API expunge_status expunge_space_add_columns(expunge_space *space, const void *rows, int64_t count,
                                                     int64_t stride, expunge_type type, const int64_t *first,
                                                     const int64_t *width, int span_count);
/**
 * Adds @p rows rows by their finished Gram matrix X^T X [features, features], as another device may have computed it; the lower
 * triangle is read. Types: F32, F64. May be mixed with expunge_space_add. Cost: features^2 / 2 additions.
 * @return EXPUNGE_EARG (as above; a diagonal value below 0 or not finite, another of more than 1.01 of the
 *         root of the two diagonal values beside it), EXPUNGE_EUSAGE (the space keeps rows: route svd
 *         or reference, or fewer announced rows than features), EXPUNGE_ENOMEM.
 */
EXPUNGE_API expunge_status expunge_space_add_gram(expunge_space *space, const void *gram, int64_t stride,
                                                  expunge_type type, int64_t rows);
/**
 * Ends the stream of rows: the space may then be used, any number of times. No rows at all, or only zeros, mean P = 0.
 * Cost: routes closed: features^2; eigen: about 9 features^3 (with fewer rows n than features: n^3); svd: n features
 * min(n, features).
 * @return EXPUNGE_EARG (fewer rows than announced, or finished before), EXPUNGE_ENUMERIC (an input was not finite), EXPUNGE_ENOMEM.
 */
EXPUNGE_API expunge_status expunge_space_finish(expunge_space *space);

/** Of a finished space; else, and for NULL, 0 rows and NaN. */
EXPUNGE_API int64_t expunge_space_rows(const expunge_space *space);
/** ||X||_F^2, the sum of squares of all inputs. */
EXPUNGE_API double expunge_space_trace(const expunge_space *space);
/** The effective rank 1 / sum s_i^2: 1 to min(n, features), 0 where the trace is 0. */
EXPUNGE_API double expunge_space_rank(const expunge_space *space);
/**
 * The spectrum s, descending, its sum 1: the first @p room values go to @p s; *count is how many there are: min(n, features) or
 * features. NULL with room 0 only asks for their number.
 * @return EXPUNGE_EUSAGE where the route does not know it (closed), EXPUNGE_EARG where the space is not finished.
 */
EXPUNGE_API expunge_status expunge_space_spectrum(const expunge_space *space, double *s, int64_t room, int64_t *count);

/* ---- edits ---- */

/**
 * result = W P(alpha), the part of the weights that acts on the space.
 * @param space   finished.
 * @param alpha   above 0, to 1e30: how far directions of little importance count, too; 1: by their share.
 * @param weight  W [outputs, features], of F32, F64 (computed in float32), F16 or BF16.
 * @param result  [outputs, features] of the same type, apart from @p weight; |result_stride| >= features.
 * @return EXPUNGE_EARG, EXPUNGE_ENUMERIC (weights or result not finite), EXPUNGE_ENOMEM. On failure @p result is undefined.
 */
EXPUNGE_API expunge_status expunge_space_project(const expunge_space *space, double alpha, const void *weight,
                                                 int64_t outputs, int64_t stride, expunge_type type, void *result,
                                                 int64_t result_stride);

/** What an edit did. */
typedef struct {
    double retain_share; /* of the layer's response to retained inputs, the part that D takes: tr(D G_r D^T) /
                            tr(W G_r W^T); NaN where the layer does not respond */
    double forget_share; /* the same of forgotten inputs */
    double changed;      /* ||D||_F^2 */
} expunge_edit_info;

/**
 * Removes from a layer's weights what serves the forgotten inputs and not the retained ones, W' = W - D with
 * D = W (I - P_r) P_f: the method "svd" of `expunge unlearn`, for one layer. Biases stay as they are.
 * @param retain, forget  finished spaces of the layer's inputs, of equal features; the original network's for every layer.
 * @param alpha_retain, alpha_forget  scaling of P_r and P_f, above 0; the program's defaults are 100 and 3.
 * @param weight          W [outputs, features], of F32, F64 (D is computed in float32), F16 or BF16.
 * @param result          W' [outputs, features] of the same type, which may be @p weight itself with the same stride, else
 *                        apart from it; |result_stride| >= features. Rounded to nearest even where it is F16 or BF16.
 * @param info            NULL, or what the edit did, which costs two products more.
 * @return EXPUNGE_ESHAPE (features differ), EXPUNGE_EARG, EXPUNGE_ENUMERIC (weights or D not finite, W' over its type's range),
 *         EXPUNGE_ENOMEM. On failure @p result is undefined.
 * Cost: two Cholesky factorisations (features^3 / 3 each, or rows^3 / 3 with fewer rows) and four products of
 * outputs x features^2. Memory: outputs x features float64 and one more Gram matrix.
 */
EXPUNGE_API expunge_status expunge_edit(const expunge_space *retain, const expunge_space *forget, const void *weight,
                                        int64_t outputs, int64_t stride, expunge_type type, double alpha_retain,
                                        double alpha_forget, void *result, int64_t result_stride,
                                        expunge_edit_info *info);

/* ---- random draws ---- */

/* A stream of random numbers follows from a seed, the name of what it is for, and an index; no stream depends on another. These
 * are the program's, so that a host can look at the same patches as `expunge unlearn` (unlearn/svd/patches.h). */

/** numbers[i]: 0 to limits[i] - 1, drawn one after another from one stream; @p limits [count], each at least 1. EXPUNGE_EARG. */
EXPUNGE_API expunge_status expunge_random_below(uint64_t seed, const char *purpose, uint64_t index,
                                                const int64_t *limits, int64_t count, int64_t *numbers);
/** numbers [count]: different ones of 0 to n - 1, ascending, each subset equally likely. EXPUNGE_EARG (count above n). Cost: n. */
EXPUNGE_API expunge_status expunge_random_choose(uint64_t seed, const char *purpose, uint64_t index, int64_t n,
                                                 int64_t count, int64_t *numbers);

/* ---- statistics of scores ---- */

/* score [n]: higher is more member-like. member [n]: 1 a member, 0 none; both kinds must occur. Errors of all:
 * EXPUNGE_EARG (a kind is missing, a value out of range), EXPUNGE_ENUMERIC (a score is NaN), EXPUNGE_ENOMEM. Cost: n log n. */

typedef struct {
    double value, lo, hi; /* a number and its interval; NaN where it is not defined for these points */
} expunge_estimate;

/** The share @p count / @p n, such as an accuracy, with its exact interval at @p level (Clopper-Pearson); NaN for n = 0. EXPUNGE_EARG
 *  (count outside 0 to n, level outside 0 to 1). */
EXPUNGE_API expunge_status expunge_share(int64_t count, int64_t n, double level, expunge_estimate *share);
/** The area under the ROC curve with DeLong's interval at @p level, such as 0.95 (exact at 0 and 1). */
EXPUNGE_API expunge_status expunge_auc(const double *score, const uint8_t *member, int64_t n, double level,
                                       expunge_estimate *auc);
/** The true-positive rate at the false-positive rate @p fpr, above 0 and below 1, with a 95% interval. NaN with fewer than
 *  1 / fpr - 1 non-members, who cannot resolve it. */
EXPUNGE_API expunge_status expunge_tpr_at_fpr(const double *score, const uint8_t *member, int64_t n, double fpr,
                                              expunge_estimate *tpr);
/** The ROC curve from "nobody" (0, 0) to "everybody" (1, 1), one point per distinct score: member iff score >= threshold;
 *  threshold[0] is infinite. The first @p room points go to the arrays, each of which may be NULL; n + 1 always suffice. *count: how
 *  many there are. */
EXPUNGE_API expunge_status expunge_roc(const double *score, const uint8_t *member, int64_t n, double *fpr, double *tpr,
                                       double *threshold, int64_t room, int64_t *count);

typedef struct {
    double epsilon;   /* the lower bound, at least 0: "no evidence", never "private" */
    double largest;   /* what a faultless attack would prove with these n, delta and alpha */
    double threshold; /* NaN where epsilon is 0, and for one run */
} expunge_epsilon_bound;

/**
 * An empirical lower bound on the epsilon of (epsilon, delta)-differential privacy, at confidence 1 - alpha whatever the scores are.
 * @param method  "split" (a threshold chosen on a quarter of the points), "simultaneous" (ranks fixed beforehand, Bonferroni),
 *                "gaussian" (the same under Gaussian differential privacy: stronger, and true of such mechanisms only).
 * @param delta   0 or more, below 1; gaussian: above 0.
 * @param alpha   above 0, below 1.
 * @param seed    of split's draw; else without meaning.
 * @return EXPUNGE_ENOTFOUND (method), and as above.
 */
EXPUNGE_API expunge_status expunge_epsilon(const char *method, const double *score, const uint8_t *member, int64_t n,
                                           double delta, double alpha, uint64_t seed, expunge_epsilon_bound *bound);
/**
 * The same from one run (Steinke, Nasr and Jagielski, arXiv 2305.08846): the @p in highest scores are guessed members, the @p out
 * lowest non-members; these numbers must not depend on the points.
 * @param independent_coins  the caller's word that each point was put in or left out by its own fair coin; false: EXPUNGE_EARG.
 */
EXPUNGE_API expunge_status expunge_epsilon_one_run(const double *score, const uint8_t *member, int64_t n, int64_t in,
                                                   int64_t out, bool independent_coins, double delta, double alpha,
                                                   uint64_t seed, expunge_epsilon_bound *bound);

/* ---- data: labelled images in two splits ---- */

/** A training and a test split: of equal classes and image shapes. Never changed once made. */
typedef struct expunge_data expunge_data;

/**
 * A data set by its name, as `--data`.
 * @param spec     "name[:path]": `expunge list datasets` names them all.
 * @param options  [option_count] texts "key=value"; NULL: none. Those of the command line: "mean=0.5", "std=0.25", "resize=256",
 *                 "crop=224", "interpolation=bicubic", "class-map=FILE", "train-index=FILE", "test-index=FILE", "broken=skip".
 *                 Also "memory=2G": what the process should stay below, for all its data, until another call says so; by default
 *                 half of what the machine, the control group and ulimit -v allow. It decides which images stay in memory that
 *                 are read one by one, and refuses nothing.
 * @return EXPUNGE_ENOTFOUND (name), EXPUNGE_EUSAGE (options, path), EXPUNGE_EFORMAT, EXPUNGE_EIO, EXPUNGE_ELIMIT, EXPUNGE_ENOMEM,
 *         EXPUNGE_ECANCEL.
 * Cost: reads all images; memory: a byte (or a float32) for each channel of each pixel. Of "imagefolder" and "wds" every file is
 * read for its hash where that is not known yet, and up to 256 MiB of prepared images (with broken=skip any number) are decoded
 * at once; of larger sets an image is decoded when a call needs it, and its files must stay as they are until then.
 */
EXPUNGE_API expunge_status expunge_data_open(const char *spec, const char *const *options, size_t option_count,
                                             expunge_data **data);

/** Images [count, channels, height, width] without gaps, and labels [count], from 0. */
typedef struct {
    const void *images;
    const int32_t *labels;
    int64_t count;
} expunge_split;

/**
 * A data set of arrays, which are copied.
 * @param train, test  of count 1 or more each.
 * @param type         F32: as the network takes them. U8: scaled to 0..1, then normalised where options give mean and std.
 * @param shape        [3]: channels (at most 16), height, width.
 * @param classes      their number; 0: one more than the highest label, or the network's, if that is larger.
 * @param class_names  [classes], copied; NULL: "0", "1", ..
 * @param options      as for expunge_data_open, without "memory"; of F32 only the index files and "class-map".
 * @return EXPUNGE_EARG, EXPUNGE_EFORMAT (labels out of range, images not finite, shape), EXPUNGE_EUSAGE (options), EXPUNGE_ELIMIT,
 *         EXPUNGE_ENOMEM. Cost: a copy, and its SHA-256.
 */
EXPUNGE_API expunge_status expunge_data_create(const expunge_split *train, const expunge_split *test, expunge_type type,
                                               const int64_t *shape, int64_t classes, const char *const *class_names,
                                               const char *const *options, size_t option_count, expunge_data **data);
/** NULL is fine. Models that were opened with it keep what they need: the order makes no difference. */
EXPUNGE_API void expunge_data_free(expunge_data *data);

/** Images of the split "train" or "test"; 0 for another name, and for NULL. */
EXPUNGE_API int64_t expunge_data_count(const expunge_data *data, const char *split);
/** Classes; 0 for NULL. */
EXPUNGE_API int64_t expunge_data_classes(const expunge_data *data);
/** The labels [count] of a split, in the order of expunge_model_logits. EXPUNGE_EUSAGE (split), EXPUNGE_ESHAPE (count). */
EXPUNGE_API expunge_status expunge_data_labels(const expunge_data *data, const char *split, int32_t *labels,
                                               int64_t count);

/* ---- models: networks with their weights ---- */

/** A network, its weights file as it was read, and the data that it is used with. */
typedef struct expunge_model expunge_model;

/**
 * Reads a weights file: .safetensors (or its .index.json), .pt, .pth, .h5. Its class count must be the data's, and its images'
 * shape one that the network takes; a network that normalises its images itself does so in place of the data's mean and std.
 * @param arch     a name of `expunge list archs`, or "graph:FILE.json" (docs/graph.md; uint8 images are normalised as its
 *                 "normalize" says, and a "mean" or "std" of expunge_data_open that says something else is EXPUNGE_EUSAGE);
 *                 NULL or "auto": recognised, and said in expunge_notices.
 * @param data     not changed; it may be freed before the model, and serve any number of models.
 * @param options  "precision=f32" or "precision=bf16" (f32 where the CPU lacks it, with a notice), "tuning=FILE" (a table of
 *                 `expunge bench --tune`).
 * @return EXPUNGE_ENOTFOUND (arch), EXPUNGE_EUSAGE (options), EXPUNGE_ESHAPE (weights and data, or arch, do not fit),
 *         EXPUNGE_EFORMAT, EXPUNGE_EIO, EXPUNGE_ENOMEM. Cost: the file, twice in memory.
 */
EXPUNGE_API expunge_status expunge_model_open(const char *weights, const char *arch, const expunge_data *data,
                                              const char *const *options, size_t option_count, expunge_model **model);
/** NULL is fine. Waits for calls that read or write files. */
EXPUNGE_API void expunge_model_free(expunge_model *model);
/** "resnet18". Valid until the model is freed. NULL for NULL. */
EXPUNGE_API const char *expunge_model_arch(const expunge_model *model);
/** Columns of its logits; 0 for NULL. */
EXPUNGE_API int64_t expunge_model_classes(const expunge_model *model);

/**
 * Logits [count, classes] of every image of the split "train" or "test", in eval mode: those of `expunge predict`, bit for bit
 * with the same number of threads and OpenBLAS kernels.
 * @return EXPUNGE_EUSAGE (split), EXPUNGE_ESHAPE (count, classes), EXPUNGE_ENUMERIC (a logit is not finite), EXPUNGE_EFORMAT,
 *         EXPUNGE_EIO, EXPUNGE_ELIMIT (an image that is read only now), EXPUNGE_ENOMEM, EXPUNGE_ECANCEL.
 */
EXPUNGE_API expunge_status expunge_model_logits(expunge_model *model, const char *split, float *logits, int64_t count,
                                                int64_t classes);
/**
 * Accuracies with their intervals, of each class too, and the confusion matrix: the text that `expunge eval --json` prints, for
 * expunge_free.
 * @param split   "train" or "test".
 * @param forget  classes ("3,7", or names) of which accuracies are told apart; NULL: none.
 * @return EXPUNGE_EUSAGE (split, classes), and as expunge_model_logits.
 */
EXPUNGE_API expunge_status expunge_model_evaluate(expunge_model *model, const char *split, const char *forget,
                                                  char **json);
/** The same on the training split, of a list of its images in place of classes, as `expunge eval --forget-index`.
 *  @param images  [count] positions in the training split as the data were opened, in any order, none twice.
 *  @return EXPUNGE_EUSAGE (positions; no image is left), and as expunge_model_evaluate. */
EXPUNGE_API expunge_status expunge_model_evaluate_images(expunge_model *model, const int64_t *images, int64_t count,
                                                         char **json);

/**
 * Removes classes from a copy of the network, as `expunge unlearn`: the same bits.
 * @param original   not changed.
 * @param method     a name of `expunge list methods`: "svd", ..
 * @param forget     classes, "3,7", or their names; at least one must stay.
 * @param options    [option_count] texts; NULL: none. "seed=0", "beside=unlearn" (copies of the weights in the file: or drop, keep),
 *                   and the keys of the method's `--set`: "alpha_r=100", "val_fraction=0", ..
 * @param unlearned  a model of its own: the original may be freed.
 * @param json       the text that `expunge unlearn --json` prints, for expunge_free. NULL: none, and the test split is not
 *                   looked at before and after.
 * @return EXPUNGE_ENOTFOUND (method), EXPUNGE_EUSAGE (options, classes), EXPUNGE_EARG, EXPUNGE_ENUMERIC (the method diverged),
 *         EXPUNGE_EFORMAT (what the file says of its training), EXPUNGE_ENOMEM, EXPUNGE_ECANCEL; of images that are read only now
 *         as expunge_model_logits. On failure *unlearned and *json are NULL. expunge_notices has what `expunge unlearn` warns of.
 * Cost: the method's, in images that it looks at (the JSON's samples); memory: three copies of the weights beside that.
 */
EXPUNGE_API expunge_status expunge_unlearn(expunge_model *original, const char *method, const char *forget,
                                           const char *const *options, size_t option_count, expunge_model **unlearned,
                                           char **json);
/** The same of a list of training images in place of classes, as `expunge unlearn --forget-index`.
 *  @param images  as for expunge_model_evaluate_images.
 *  @return EXPUNGE_EUSAGE (positions; a method that removes whole classes only), and as expunge_unlearn. */
EXPUNGE_API expunge_status expunge_unlearn_images(expunge_model *original, const char *method, const int64_t *images,
                                                  int64_t count, const char *const *options, size_t option_count,
                                                  expunge_model **unlearned, char **json);
/**
 * Writes the weights, atomically; the container by the extension, as above. In the container that they were read from, the file keeps
 * its structure, and its tensors their names and types. It is that of `expunge unlearn -o`, byte for byte.
 * @return EXPUNGE_EUSAGE (extension; the file that was read, or the data's, or in an image folder's train, test or val), EXPUNGE_ENUMERIC (a value is over its type's range),
 *         EXPUNGE_EIO, EXPUNGE_ENOMEM.
 */
EXPUNGE_API expunge_status expunge_model_save(const expunge_model *model, const char *path);

/* ---- signals: what models say about points ---- */

/** Logits, labels and roles under the names that they have in a file: docs/signals.md for expunge_attack ("target/logits" [N,K],
 *  "target/labels" [N], "target/role" [N], ...), docs/audit.md for expunge_audit ("points/labels", "unlearned/logits", ...). */
typedef struct expunge_signals expunge_signals;

EXPUNGE_API expunge_status expunge_signals_create(expunge_signals **signals);
/** Signals that are in an HDF5 file, whoever wrote it; it is read by each call that uses them, after a process of its own
 *  (expunge_set_helper) has found it readable. EXPUNGE_EIO. */
EXPUNGE_API expunge_status expunge_signals_open(const char *path, expunge_signals **signals);
/** NULL is fine. */
EXPUNGE_API void expunge_signals_free(expunge_signals *signals);
/**
 * Sets one array, in place of one of that name. It is NOT copied: it must stay as it is until it is replaced, or until
 * expunge_signals_free.
 * @param name    as above, without a leading "/".
 * @param type    logits: F32, F64, F16, BF16; all else: I32, I64, U8.
 * @param ndim    1 to 3; @p shape [ndim].
 * @param stride  [ndim], in values, of any sign; NULL: without gaps.
 * @return EXPUNGE_ENOTFOUND (name, "did you mean"), EXPUNGE_EARG, EXPUNGE_EUSAGE (signals of a file), EXPUNGE_ENOMEM. Whether
 *         shapes fit each other is found by the call that uses them.
 */
EXPUNGE_API expunge_status expunge_signals_set(expunge_signals *signals, const char *name, const void *data,
                                               expunge_type type, int ndim, const int64_t *shape,
                                               const int64_t *stride);
/** The same of texts, which are copied: "class_names" [K]. */
EXPUNGE_API expunge_status expunge_signals_set_texts(expunge_signals *signals, const char *name,
                                                     const char *const *texts, int64_t count);

/* ---- attacks ---- */

/** What attacks found. */
typedef struct expunge_attacks expunge_attacks;

/**
 * Membership-inference attacks, as `expunge attack`.
 * @param names       "loss,svc" (`expunge list attacks` names them all), or "all": then those that these signals have no arrays
 *                    for are left out.
 * @param parameters  [parameter_count] texts "attack.key=value", as of `--set`; NULL: none.
 * @param seed        of all draws, at most INT64_MAX.
 * @return EXPUNGE_ENOTFOUND, EXPUNGE_EUSAGE (names, parameters), EXPUNGE_ESHAPE, EXPUNGE_EARG, EXPUNGE_EFORMAT (signals), EXPUNGE_EIO,
 *         EXPUNGE_ENUMERIC, EXPUNGE_ENOMEM. expunge_notices has what was left out.
 * Cost: of the attacks (loss: N K; svc and those on shadow models far more). Memory: the arrays as float64.
 */
EXPUNGE_API expunge_status expunge_attack(const expunge_signals *signals, const char *names,
                                          const char *const *parameters, size_t parameter_count, uint64_t seed,
                                          expunge_attacks **attacks);
/** What `expunge attack --json` prints (docs/signals.md); `signals` and `signals_sha256` are null for arrays. Borrowed from
 *  @p attacks. NULL for NULL. */
EXPUNGE_API const char *expunge_attacks_json(const expunge_attacks *attacks);
/** The scores [count] of one attack, higher more member-like; @p count must be the number of points, N. EXPUNGE_ENOTFOUND,
 *  EXPUNGE_ESHAPE. */
EXPUNGE_API expunge_status expunge_attacks_scores(const expunge_attacks *attacks, const char *name, double *scores,
                                                  int64_t count);
/** NULL is fine. */
EXPUNGE_API void expunge_attacks_free(expunge_attacks *attacks);

/* ---- audits ---- */

/**
 * The audit of a model that was to forget, as `expunge audit --signals` (docs/audit.md): writes the folder @p out with report,
 * signals.h5 and manifest, all of it or nothing. An earlier audit there is replaced; anything else is not touched (EXPUNGE_EUSAGE).
 * @param options  [option_count] texts; NULL: none. "attacks=loss,entropy" (or auto, all), "forget=3" (to be checked), "seed=0",
 *                 "command=.." (what the page says to repeat it), "meta.KEY=value", "ATTACK.KEY=value", and the keys of
 *                 `expunge audit --set`: "alpha=0.05", "margin=0.05", ..
 * @param json     the text of report.json, for expunge_free. Its "verdict" may be "invalid", where a control failed: the audit
 *                 is then written, and the call succeeds.
 * @return EXPUNGE_EUSAGE, EXPUNGE_ENOTFOUND (options), EXPUNGE_EARG, EXPUNGE_EFORMAT (signals), EXPUNGE_EIO, EXPUNGE_ENUMERIC, EXPUNGE_ENOMEM.
 * Starts processes: gnuplot, where there is one, for the figures. Audits of one process run one after another.
 * Cost: seconds for thousands of points; "draws" (1000) is what takes longest. Memory: the arrays as float64.
 */
EXPUNGE_API expunge_status expunge_audit(const expunge_signals *signals, const char *out, const char *const *options,
                                         size_t option_count, char **json);

/**
 * The audit of models in files, as `expunge audit` (docs/audit.md): the same folder, beside the models' own answers to images.
 * @param weights  of the model that was to forget, as for expunge_model_open.
 * @param data     "name[:path]", as for expunge_data_open.
 * @param forget   the classes that were to be forgotten: "3,7", or their names; NULL with "forget-index=FILE" among the options,
 *                 which names images as `--forget-index` does.
 * @param options  as of expunge_audit but for "forget"; those of expunge_data_open ("memory" for this call) and expunge_model_open; "arch=auto",
 *                 "original=FILE", "retrained=FILE,FILE", "make-retrained=N" (trained now, with the keys of `expunge train
 *                 --set`: "epochs=6", ..), "shadow=DIR", "pictures=N".
 * @param json     as of expunge_audit.
 * @return as expunge_audit, expunge_data_open and expunge_model_open; EXPUNGE_ECANCEL.
 * Cost: one pass of each model over the audited images, the attacks, and what is to be trained, which is kept in OUT.cache
 * for a second audit. No other call that reads or writes files works meanwhile.
 */
EXPUNGE_API expunge_status expunge_audit_models(const char *weights, const char *data, const char *forget,
                                                const char *out, const char *const *options, size_t option_count,
                                                char **json);

/** Names the program that reads HDF5 files before this process does (libhdf5 crashes on some damaged ones): expunge-helper, or
 *  expunge itself. Needed only where it is not found beside the library, as LIBDIR/../libexec/expunge/expunge-helper,
 *  LIBDIR/../../libexec/expunge/expunge-helper or LIBDIR/expunge-helper, such as with a static library. Never is the host's own
 *  program started. EXPUNGE_EIO where there is no such program. */
EXPUNGE_API expunge_status expunge_set_helper(const char *path);

#ifdef __cplusplus
}
#endif

#endif
