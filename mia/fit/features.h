/* mia/fit/features.h - what a trained attacker sees of a prediction. */
#ifndef MIA_FIT_FEATURES_H
#define MIA_FIT_FEATURES_H

#include "mia/mia.h"

typedef enum {
    MIA_FEATURES_CORRECTNESS,
    MIA_FEATURES_CONFIDENCE,
    MIA_FEATURES_ENTROPY,
    MIA_FEATURES_MODIFIED_ENTROPY,
    MIA_FEATURES_PROBABILITIES,
    MIA_FEATURES_MODIFIED_ENTROPY_PUBLISHED, /* as Unlearn-Sparse's code had it, features.c says how */
    MIA_FEATURES_LOSS,
    MIA_FEATURES_SIGNALS, /* loss, phi, entropy, modified entropy, hinge, correctness together */
} MiaFeatures;
/** NULL-ended, index = MiaFeatures. */
extern const char *const mia_features_names[];

/** Columns: 1; K of probabilities; 6 of signals. */
int64_t mia_features_width(MiaFeatures features, int64_t K);
/** @p x [N, width] of the target's logits; probabilities in the order of mia/fit/classes.h. BASE_ENOMEM. */
BaseStatus mia_features_fill(const MiaInput *input, MiaFeatures features, double *x);

#endif
