/* run/models.h - trained networks, kept as safetensors so that a killed sweep does not train twice.
 *
 * A model is found again by a hash of everything that made it: architecture, data, split, excluded classes, training,
 * precision, seed, algorithm version. What its making cost stands in the file's metadata, so that a model taken from
 * the cache is reported with the cost of its training, not of its reading.
 */
#ifndef RUN_MODELS_H
#define RUN_MODELS_H

#include "run/config.h"

/** Grows whenever the same config would give other numbers or another file: part of every model's key and run's id. */
enum { RUN_FORMAT_VERSION = 2 };

typedef struct {
    double wall_seconds, cpu_seconds;
    int64_t peak_memory; /* bytes */
    int64_t samples_retain, samples_forget;
    double passes;         /* images through the network */
    NnTrainEpoch *history; /* owned; NULL where the maker keeps none */
    int64_t epochs;
} RunCost;
void run_cost_free(RunCost *cost);

/** Key of a model: SHA-256 of the canonical config, the data's hash, the seed, what it is, and RUN_FORMAT_VERSION. */
BaseStatus run_models_key(const RunExperiment *e, const RunData *data, uint64_t seed, const char *what,
                          char key[BASE_HASH_HEX]);
/** "<folder>/<name>-<first 12 of key>.safetensors"; owned. */
BaseStatus run_models_path(const char *folder, const char *name, const char *key, char **out);
/** @p found false where there is no such file or it holds another key (a damaged one is told with a notice). */
BaseStatus run_models_load(const char *path, const char *key, NnNet *net, RunCost *cost, bool *found);
/** @p prep: RunData.prep, for the metadata. */
BaseStatus run_models_save(const char *path, const char *key, const char *provenance, const char *prep, NnNet *net,
                           const RunCost *cost);

/** The original of a seed: from the cache, or trained on the split's training part and put there. */
BaseStatus run_models_original(const RunExperiment *e, const RunData *data, const RunSplit *split, uint64_t seed,
                               const char *folder, NnNet *net, RunCost *cost, char **path);

#endif
