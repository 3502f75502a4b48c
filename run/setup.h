/* run/setup.h - what every command sets up before its own work: data, weights, splits, parameters, threads. */
#ifndef RUN_SETUP_H
#define RUN_SETUP_H

#include "data/data.h"
#include "eval/eval.h"
#include "io/json.h"
#include "io/tensors.h"
#include "nn/arch/arch.h"
#include "nn/backend.h"
#include "nn/train.h"
#include "nn/tuning.h"

/** Key of the weights' metadata: RunData.prep of the images they were trained on, or that they were used with. */
#define RUN_META_PREP "expunge.preprocessing"
/** Key of the metadata of what was made with a tuning table: its hash. */
#define RUN_META_TUNING     "expunge.tuning"
#define RUN_PROGRAM_VERSION "0.1.0"

/** Sets the one thread count of oneDNN and OpenBLAS; 0: OMP_NUM_THREADS or all CPUs. @p used, or NULL: the count. */
BaseStatus run_threads_set(int64_t threads, int *used);
/** A process's share of them, at least one. */
int run_threads_share(int threads, int processes);
/** File names of the numerical and container libraries this process has loaded: "libdnnl.so.2.6 libgomp.so.1.0.0 ...".
 */
void run_libraries(BaseText *out);

/** Before any work: @p out can be written and is none of the inputs. @p data "name[:path]", @p weights or NULL. */
BaseStatus run_output_check(const char *out, const char *data, const char *weights);

/** Both splits of a data set. */
typedef struct {
    char *spec;
    DataSet *train, *test;
    char *prep;               /* how the images are prepared: data_prep_text */
    char hash[BASE_HASH_HEX]; /* over both splits' hashes */
} RunData;
/** @p options of --data, or NULL. */
BaseStatus run_data_open(const char *spec, const DataOptions *options, RunData *out);
void run_data_free(RunData *data);

/** The training split without, and only, its validation share; stratified, by the seed. Borrows the data. */
typedef struct {
    DataIndex kept, held;
    DataView train, validation, test;
} RunSplit;
BaseStatus run_split_make(const RunData *data, double fraction, uint64_t seed, RunSplit *out);
void run_split_free(RunSplit *split);

/** A network, and the file its weights came from (NULL for a fresh one). */
typedef struct {
    const NnArch *arch;
    NnNet *net;
    IoTensors *tensors;
    char hash[BASE_HASH_HEX]; /* of the weights */
    NnTuning *tuning;         /* NULL: none */
} RunModel;
/** What run_model_open would refuse without any images: a file that is no checkpoint, an unknown architecture, one whose
 *  tensors the file does not name (BASE_ESHAPE). Asked before images are read, which may take minutes. */
BaseStatus run_weights_check(const char *arch, const char *weights);
/** Reads weights, under other people's names too (nn/naming.h). @p arch "auto": recognised, and said in a notice. Their
 * class count must be the data's (BASE_ESHAPE names both). Data that came without a list of classes take the weights'
 * count: open the model before naming classes. Warns where the weights' metadata say that their images were prepared in
 * another way. */
BaseStatus run_model_open(const char *arch, const char *weights, RunData *data, RunModel *out);
/** A network with the data's class count and zero weights; BASE_ESHAPE where the images cannot be fed to it. */
BaseStatus run_model_create(const char *arch, const RunData *data, RunModel *out);
/** The network and its copies follow the tuning table at @p path from here on; NULL: nothing to do. */
BaseStatus run_model_tune(RunModel *model, const char *path);
/** The table's hash; "" without one. */
const char *run_model_tuning(const RunModel *model);
void run_model_free(RunModel *model);

/** Logits and labels of one network on one view; owned. `p` views them. */
typedef struct {
    float *logits;   /* [n, K] */
    int32_t *labels; /* [n] */
    EvalPredictions p;
} RunPredictions;
BaseStatus run_predict(NnNet *net, const DataView *view, NnPrecision precision, const char *label, RunPredictions *out);
void run_predictions_free(RunPredictions *predictions);

/** Right answers among retained and forgotten classes; @p forget NULL: all are retained. */
typedef struct {
    int64_t n, n_retain, n_forget, right, right_retain, right_forget;
} RunTally;
RunTally run_tally(const EvalPredictions *predictions, const DataClasses *forget);
double run_percent(int64_t right, int64_t n); /* NaN where n = 0 */
/** Warns, naming likely causes, where the answers are hardly better than guessing. */
BaseStatus run_chance_warn(const RunPredictions *predictions, const RunData *data);
void run_percent_text(int64_t right, int64_t n, char out[32]); /* "91.30%", "no images" */
/* "91.30% [90.10, 92.30]": with its exact 95% interval */
void run_percent_interval_text(int64_t right, int64_t n, char out[48]);

/** "3,7", ascending, "Dress, Sneaker", and "3,7 (Dress, Sneaker)", which is how whatever a person reads says them. */
void run_classes_text(const DataClasses *classes, BaseText *out);
void run_classes_names(const DataClasses *classes, const DataSet *set, BaseText *out);
void run_classes_both(const DataClasses *classes, const DataSet *set, BaseText *out);
/** "3,#7": what data_classes_parse reads as just these. */
void run_classes_words(const DataClasses *classes, const DataSet *set, BaseText *out);
/** [3, 7] and ["Dress", "Sneaker"]. */
IoJson *run_classes_json(const DataClasses *classes);
IoJson *run_classes_names_json(const DataClasses *classes, const DataSet *set);

/** A plug-in's parameters at their defaults; owned (base_free), a valid block also where it has none. */
BaseStatus run_params_defaults(const BaseEntry *entry, void **out);
/** "{alpha_r: 100, route: auto}": every value used, readable by run_params_read. */
void run_params_text(const BaseParam *table, size_t count, const void *values, BaseText *out);
/** Sets the values that a text of run_params_text names. @p where: the file, for messages. */
BaseStatus run_params_read(const BaseParam *table, size_t count, void *values, const char *text, const char *owner,
                           const char *where);

/** What `train` and `unlearn` take through --set beside their own keys. */
typedef struct {
    double val_fraction;
} RunCommon;
extern const BaseParam run_common_params[];
extern const size_t run_common_param_count;
/** Applies "key=value" texts to a table and the common one. @p owner as in base_param_set. */
BaseStatus run_assign(const char *const *assignments, size_t assignment_count, const BaseParam *table, size_t count,
                      void *values, RunCommon *common, const char *owner);

#endif
