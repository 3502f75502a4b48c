/* session/setup.h - what every command sets up before its own work: data, weights, splits, parameters, threads. */
#ifndef SESSION_SETUP_H
#define SESSION_SETUP_H

#include "data/data.h"
#include "eval/eval.h"
#include "io/json.h"
#include "io/tensors.h"
#include "nn/arch/arch.h"
#include "nn/backend.h"
#include "nn/train.h"
#include "nn/tuning.h"

/** Key of the weights' metadata: SessionData.prep of the images they were trained on, or that they were used with. */
#define SESSION_META_PREP "expunge.preprocessing"
/** Key of the metadata of what was made with a tuning table: its hash. */
#define SESSION_META_TUNING     "expunge.tuning"
#define SESSION_PROGRAM_VERSION "0.1.0"

/** Sets the one thread count of oneDNN and OpenBLAS; 0: OMP_NUM_THREADS or all CPUs. @p used, or NULL: the count. */
BaseStatus session_threads_set(int64_t threads, int *used);
/** A process's share of them, at least one. */
int session_threads_share(int threads, int processes);
/** File names of the numerical and container libraries this process has loaded: "libdnnl.so.2.6 libgomp.so.1.0.0 ...".
 */
void session_libraries(BaseText *out);

/** Before any work: @p out can be written and is none of the inputs. @p data "name[:path]", @p weights or NULL. */
BaseStatus session_output_check(const char *out, const char *data, const char *weights);

/** Both splits of a data set. */
typedef struct {
    char *spec;
    DataSet *train, *test;
    char *prep;               /* how the images are prepared: data_prep_text */
    char hash[BASE_HASH_HEX]; /* over both splits' hashes */
} SessionData;
/** @p options of --data, or NULL. */
BaseStatus session_data_open(const char *spec, const DataOptions *options, SessionData *out);
void session_data_free(SessionData *data);

/** The training split without, and only, its validation share; stratified, by the seed. Borrows the data. */
typedef struct {
    DataIndex kept, held;
    DataView train, validation, test;
} SessionSplit;
BaseStatus session_split_make(const SessionData *data, double fraction, uint64_t seed, SessionSplit *out);
void session_split_free(SessionSplit *split);

/** A network, and the file its weights came from (NULL for a fresh one). */
typedef struct {
    const NnArch *arch;
    NnNet *net;
    IoTensors *tensors;
    char hash[BASE_HASH_HEX]; /* of the weights */
    NnTuning *tuning;         /* NULL: none */
} SessionModel;
/** What session_model_open would refuse without any images: a file that is no checkpoint, an unknown architecture, one whose
 *  tensors the file does not name (BASE_ESHAPE). Asked before images are read, which may take minutes. */
BaseStatus session_weights_check(const char *arch, const char *weights);
/** Reads weights, under other people's names too (nn/naming.h). @p arch "auto": recognised, and said in a notice. Their
 * class count must be the data's (BASE_ESHAPE names both). Data that came without a list of classes take the weights'
 * count: open the model before naming classes. Warns where the weights' metadata say that their images were prepared in
 * another way. */
BaseStatus session_model_open(const char *arch, const char *weights, SessionData *data, SessionModel *out);
/** A network with the data's class count and zero weights; BASE_ESHAPE where the images cannot be fed to it. */
BaseStatus session_model_create(const char *arch, const SessionData *data, SessionModel *out);
/** The network and its copies follow the tuning table at @p path from here on; NULL: nothing to do. */
BaseStatus session_model_tune(SessionModel *model, const char *path);
/** The table's hash; "" without one. */
const char *session_model_tuning(const SessionModel *model);
void session_model_free(SessionModel *model);

/** Logits and labels of one network on one view; owned. `p` views them. */
typedef struct {
    float *logits;   /* [n, K] */
    int32_t *labels; /* [n] */
    EvalPredictions p;
} SessionPredictions;
BaseStatus session_predict(NnNet *net, const DataView *view, NnPrecision precision, const char *label,
                           SessionPredictions *out);
void session_predictions_free(SessionPredictions *predictions);

/** Right answers among retained and forgotten classes; @p forget NULL: all are retained. */
typedef struct {
    int64_t n, n_retain, n_forget, right, right_retain, right_forget;
} SessionTally;
SessionTally session_tally(const EvalPredictions *predictions, const DataClasses *forget);
double session_percent(int64_t right, int64_t n); /* NaN where n = 0 */
/** Warns, naming likely causes, where the answers are hardly better than guessing. */
BaseStatus session_chance_warn(const SessionPredictions *predictions, const SessionData *data);
void session_percent_text(int64_t right, int64_t n, char out[32]); /* "91.30%", "no images" */
/* "91.30% [90.10, 92.30]": with its exact 95% interval */
void session_percent_interval_text(int64_t right, int64_t n, char out[48]);

/** "3,7", ascending, "Dress, Sneaker", and "3,7 (Dress, Sneaker)", which is how whatever a person reads says them. */
void session_classes_text(const DataClasses *classes, BaseText *out);
void session_classes_names(const DataClasses *classes, const DataSet *set, BaseText *out);
void session_classes_both(const DataClasses *classes, const DataSet *set, BaseText *out);
/** "3,#7": what data_classes_parse reads as just these. */
void session_classes_words(const DataClasses *classes, const DataSet *set, BaseText *out);
/** [3, 7] and ["Dress", "Sneaker"]. */
IoJson *session_classes_json(const DataClasses *classes);
IoJson *session_classes_names_json(const DataClasses *classes, const DataSet *set);

/** A plug-in's parameters at their defaults; owned (base_free), a valid block also where it has none. */
BaseStatus session_params_defaults(const BaseEntry *entry, void **out);
/** "{alpha_r: 100, route: auto}": every value used, readable by session_params_read. */
void session_params_text(const BaseParam *table, size_t count, const void *values, BaseText *out);
/** Sets the values that a text of session_params_text names. @p where: the file, for messages. */
BaseStatus session_params_read(const BaseParam *table, size_t count, void *values, const char *text, const char *owner,
                               const char *where);

/** What `train` and `unlearn` take through --set beside their own keys. */
typedef struct {
    double val_fraction;
} SessionCommon;
extern const BaseParam session_common_params[];
extern const size_t session_common_param_count;
/** Applies "key=value" texts to a table and the common one. @p owner as in base_param_set. */
BaseStatus session_assign(const char *const *assignments, size_t assignment_count, const BaseParam *table, size_t count,
                          void *values, SessionCommon *common, const char *owner);

#endif
