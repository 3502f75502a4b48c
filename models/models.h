/* models/models.h - trained networks, kept as safetensors so that a killed sweep does not train twice.
 *
 * A model is found again by a hash of everything that made it: architecture, data, split, excluded classes, training,
 * precision, seed, algorithm version. What its making cost stands in the file's metadata, so that a model taken from
 * the cache is reported with the cost of its training, not of its reading.
 */
#ifndef MODELS_MODELS_H
#define MODELS_MODELS_H

#include "experiment/config.h"

/** Grows whenever the same config would give other numbers or another file: part of every run's id. */
enum { EXPERIMENT_FORMAT_VERSION = 6 };
/** The same for networks and searches alone, which outlive a new metric: part of their keys. */
enum { MODEL_VERSION = 3 };

typedef struct {
    double wall_seconds, cpu_seconds;
    int64_t peak_memory; /* bytes */
    int64_t samples_retain, samples_forget;
    double passes;         /* images through the network */
    NnTrainEpoch *history; /* owned; NULL where the maker keeps none */
    int64_t epochs;
} ModelCost;
void model_cost_free(ModelCost *cost);

/** Key of a model: SHA-256 of the canonical config, the data's hash, the seed, what it is, and MODEL_VERSION. */
BaseStatus model_key(const ExperimentConfig *e, const SessionData *data, uint64_t seed, const char *what,
                     char key[BASE_HASH_HEX]);
/** "<folder>/<name>-<first 12 of key>.safetensors"; owned. */
BaseStatus model_path(const char *folder, const char *name, const char *key, char **out);
/** @p found false where there is no such file or it holds another key (a damaged one is told with a notice). */
BaseStatus model_load(const char *path, const char *key, NnNet *net, ModelCost *cost, bool *found);
/** @p prep: SessionData.prep, for the metadata. */
BaseStatus model_save(const char *path, const char *key, const char *provenance, const char *prep, NnNet *net,
                      const ModelCost *cost);

/** Key and file of a seed's original; *path owned. */
BaseStatus model_original_path(const ExperimentConfig *e, const SessionData *data, uint64_t seed, const char *folder,
                               char key[BASE_HASH_HEX], char **path);
/** The original of a seed: from the cache, or trained on the split's training part and put there. */
BaseStatus model_original(const ExperimentConfig *e, const SessionData *data, const SessionSplit *split, uint64_t seed,
                          const char *folder, NnNet *net, ModelCost *cost, char **path);

/** What makes an unlearned network; borrowed. */
typedef struct {
    const ExperimentConfig *e;
    const SessionData *data;
    const UnlearnMethod *method;
    const void *params;
    const UnlearnContext *context;
    const char *forget; /* "3,7" */
    const char *folder;
    bool in_turn; /* the classes of the set one after another */
    bool keep;    /* as a file, whatever the config keeps */
} ModelMaking;
/** Whether its network is kept as a file: retrained ones always; others that gradients made, unless the config keeps
 *  references alone; and what is to be kept. */
bool model_kept(const ModelMaking *making);
/** Its key and file; *path owned. */
BaseStatus model_unlearned_path(const ModelMaking *making, char key[BASE_HASH_HEX], char **path);
/** Runs the method on @p net (a copy of the original), timed, or takes its network from the cache: the report is then
 *  empty. *path is owned, NULL where no file was kept. */
BaseStatus model_unlearned(const ModelMaking *making, NnNet *net, UnlearnReport *report, ModelCost *cost, char **path);

#endif
