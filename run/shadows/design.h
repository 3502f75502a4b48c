/* run/shadows/design.h - which images of a pool train which network. */
#ifndef RUN_SHADOWS_DESIGN_H
#define RUN_SHADOWS_DESIGN_H

#include "run/config.h"

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
} RunDesign;

/** BASE_EUSAGE where the pool is larger than the training split, or a class has fewer than two images in it. */
BaseStatus run_design_make(const RunData *data, const RunShadowConfig *config, RunDesign *out);
void run_design_free(RunDesign *design);

/** Seed of a half's networks; RUN_HALVES_MAX and more: of others. */
uint64_t run_design_seed(const RunShadowConfig *config, int64_t half);

/** The images of config->half as the training part of a split, those of the test split, and for validation @p fraction
 *  times as many images as the half has, of every class alike, from outside the pool (none for a shadow's half):
 *  BASE_EUSAGE where there are not so many. */
BaseStatus run_design_split(const RunDesign *design, const RunData *data, const RunShadowConfig *config,
                            double fraction, uint64_t seed, RunSplit *out);

#endif
