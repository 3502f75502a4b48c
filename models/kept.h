/* models/kept.h - trained networks kept as safetensors, so that a killed sweep does not train twice.
 *
 * A network is found again by the key of its recipe (models/recipe.h). What its making cost stands in the file's
 * metadata, so that a network taken from the cache is reported with the cost of its training, not of its reading.
 */
#ifndef MODELS_KEPT_H
#define MODELS_KEPT_H

#include "models/recipe.h"

typedef struct {
    double wall_seconds, cpu_seconds;
    int64_t peak_memory; /* bytes */
    int64_t samples_retain, samples_forget;
    double passes;         /* images through the network */
    NnTrainEpoch *history; /* owned; NULL where the maker keeps none */
    int64_t epochs;
} ModelCost;
void model_cost_free(ModelCost *cost);

/** @p found false where there is no such file or it holds another key (a notice names a damaged one). */
BaseStatus model_load(const char *path, const char *key, NnNet *net, ModelCost *cost, bool *found);
/** @p prep: SessionData.prep, for the metadata. */
BaseStatus model_save(const char *path, const char *key, const char *provenance, const char *prep, NnNet *net,
                      const ModelCost *cost);

#endif
