/* experiment/shadows/make.h - the shadow models of an experiment: trained, unlearned, retrained, and described in
 * "<results>/<name>/shadows/shadows.json". */
#ifndef EXPERIMENT_SHADOWS_MAKE_H
#define EXPERIMENT_SHADOWS_MAKE_H

#include "experiment/seed.h"
#include "models/shadows/shadows.h"

/** Borrowed. */
typedef struct {
    const ExperimentSetting *setting; /* its design must be there */
    const DataClasses *forget;        /* [forget_count] */
    size_t forget_count;
    const char *folder; /* of shadow models */
} ExperimentShadowMaking;

/**
 * For each half of the design an original; for each forget set what the marked methods make of it, and a network
 * retrained on the half without the set. Networks that the folder holds are taken from there, so a call that was killed
 * continues where it stopped. Beside them an index file for each half, and the target: the experiment's own networks of
 * every seed, and what else of them is not a file yet. At the end shadows.json, with the cost of every network.
 * Several processes that do the same share the halves: one that is at work on a half holds the lock of its index file.
 */
BaseStatus experiment_shadows_make(const ExperimentShadowMaking *making);

/** One kind of network of a dry run. */
typedef struct {
    char label[128]; /* "shadows: original" */
    int networks, cached;
    const ExperimentMethod *method; /* NULL: originals */
} ExperimentShadowCount;
/** *counts owned (base_free). */
BaseStatus experiment_shadows_count(const ExperimentShadowMaking *making, ExperimentShadowCount **counts,
                                    size_t *count);

#endif
