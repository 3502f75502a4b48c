/* experiment/shadows/design.h - which images of a pool train which network. */
#ifndef EXPERIMENT_SHADOWS_DESIGN_H
#define EXPERIMENT_SHADOWS_DESIGN_H

#include "experiment/config.h"

/**
 * Halves 2j and 2j + 1 are complements: each image of the pool is in exactly one of them, hence in exactly half of all,
 * and any even number of the first ones is such a design too (so more pairs can be added later, and a learning curve
 * needs no new networks). Within a class the two differ by one image at most, and so do they over all classes. The
 * target's half is drawn in the same way from a stream of its own: who is in it says nothing about who is in a
 * shadow's.
 */
typedef struct {
    DataIndex pool; /* positions in the training split, ascending */
    int64_t pairs;
    uint8_t *keep;   /* [pairs, pool.n] 1: trains that half's networks */
    uint8_t *target; /* [pool.n] 1: trains the target */
} ExperimentDesign;

/** BASE_EUSAGE where the pool is larger than the training split, or a class has fewer than two images in it. */
BaseStatus experiment_design_make(const SessionData *data, const ExperimentShadows *config, ExperimentDesign *out);
void experiment_design_free(ExperimentDesign *design);

/** Seed of a half's networks; EXPERIMENT_HALVES_MAX and more: of others. */
uint64_t experiment_design_seed(const ExperimentShadows *config, int64_t half);

/** The images of a half (MODEL_HALF_TARGET: of the target's) as the training part of a split, those of the test split, and for validation @p fraction
 *  times as many images as the half has, of every class alike, from outside the pool (none for a shadow's half):
 *  BASE_EUSAGE where there are not so many. */
BaseStatus experiment_design_split(const ExperimentDesign *design, const SessionData *data, int64_t half,
                                   double fraction, uint64_t seed, SessionSplit *out);

#endif
