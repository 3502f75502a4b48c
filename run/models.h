/* run/models.h - trained networks, kept as safetensors so that a killed sweep does not train twice.
 *
 * A model is found again by a hash of everything that made it: architecture, data, split, excluded classes, training,
 * precision, seed, algorithm version. What its making cost stands in the file's metadata, so that a model taken from
 * the cache is reported with the cost of its training, not of its reading.
 */
#ifndef RUN_MODELS_H
#define RUN_MODELS_H

#include "run/config.h"

/** Grows whenever the same config would give other numbers or another file: part of every run's id. */
enum { RUN_FORMAT_VERSION = 6 };
/** The same for networks and searches alone, which outlive a new metric: part of their keys. */
enum { RUN_MODEL_VERSION = 3 };

typedef struct {
    double wall_seconds, cpu_seconds;
    int64_t peak_memory; /* bytes */
    int64_t samples_retain, samples_forget;
    double passes;         /* images through the network */
    NnTrainEpoch *history; /* owned; NULL where the maker keeps none */
    int64_t epochs;
} RunCost;
void run_cost_free(RunCost *cost);

/** Key of a model: SHA-256 of the canonical config, the data's hash, the seed, what it is, and RUN_MODEL_VERSION. */
BaseStatus run_models_key(const RunExperiment *e, const RunData *data, uint64_t seed, const char *what,
                          char key[BASE_HASH_HEX]);
/** "<folder>/<name>-<first 12 of key>.safetensors"; owned. */
BaseStatus run_models_path(const char *folder, const char *name, const char *key, char **out);
/** @p found false where there is no such file or it holds another key (a damaged one is told with a notice). */
BaseStatus run_models_load(const char *path, const char *key, NnNet *net, RunCost *cost, bool *found);
/** @p prep: RunData.prep, for the metadata. */
BaseStatus run_models_save(const char *path, const char *key, const char *provenance, const char *prep, NnNet *net,
                           const RunCost *cost);

/** Key and file of a seed's original; *path owned. */
BaseStatus run_models_original_path(const RunExperiment *e, const RunData *data, uint64_t seed, const char *folder,
                                    char key[BASE_HASH_HEX], char **path);
/** The original of a seed: from the cache, or trained on the split's training part and put there. */
BaseStatus run_models_original(const RunExperiment *e, const RunData *data, const RunSplit *split, uint64_t seed,
                               const char *folder, NnNet *net, RunCost *cost, char **path);

/** What makes an unlearned network; borrowed. */
typedef struct {
    const RunExperiment *e;
    const RunData *data;
    const UnlearnMethod *method;
    const void *params;
    const UnlearnContext *context;
    const char *forget; /* "3,7" */
    const char *folder;
    bool in_turn; /* the classes of the set one after another */
    bool keep;    /* as a file, whatever the config keeps */
} RunMaking;
/** Whether its network is kept as a file: retrained ones always; others that gradients made, unless the config keeps
 *  references alone; and what is to be kept. */
bool run_models_kept(const RunMaking *making);
/** Its key and file; *path owned. */
BaseStatus run_models_unlearned_path(const RunMaking *making, char key[BASE_HASH_HEX], char **path);
/** Runs the method on @p net (a copy of the original), timed, or takes its network from the cache: the report is then
 *  empty. *path is owned, NULL where no file was kept. */
BaseStatus run_models_unlearned(const RunMaking *making, NnNet *net, UnlearnReport *report, RunCost *cost, char **path);

#endif
