/* expunge.h - the public interface of libexpunge: remove classes from the weights of a network without gradients, and
 * measure what a model still gives away. This first stage works on arrays, from any framework.
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
 * Process.   Signal handlers, environment, locale, floating-point modes and flags, standard streams and HDF5's
 *            error printing are after a call as they were before it.
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
    EXPUNGE_ECANCEL = 11   /* not returned at present */
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
 *  at most. */
EXPUNGE_API void expunge_trim(void);

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
 * Adds @p rows rows by their finished Gram matrix X^T X [features, features], as another device may have computed it; the lower
 * triangle is read. Types: F32, F64. May be mixed with expunge_space_add. Cost: features^2 / 2 additions.
 * @return EXPUNGE_EARG (as above; a diagonal value below 0 or not finite), EXPUNGE_EUSAGE (the space keeps rows: route svd
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

#ifdef __cplusplus
}
#endif

#endif
