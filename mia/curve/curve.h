/* mia/curve/curve.h - an attack's AUC against the number of shadow models: how many are enough. */
#ifndef MIA_CURVE_CURVE_H
#define MIA_CURVE_CURVE_H

#include "mia/mia.h"

typedef struct {
    int64_t models;     /* used; for attacks on unlearned and retrained models: of each kind */
    int64_t draws;      /* different selections that were averaged; 1 where all models are used */
    MathEstimate value; /* 95%: over points or models as the attack says, and over which models were selected */
} MiaCurvePoint;
enum { MIA_CURVE_POINTS = 12 };

/**
 * What an attack finds with 2, 4, 8, ... models and with all. Where shadows 2j and 2j + 1 are complements for every j
 * (each point in exactly one of them), a selection takes both, so that every point has as many models that saw it as
 * did not. An attack on unlearned and retrained models gets the same number of each.
 *
 * @param what  out: "AUC" or, for attacks on unlearned and retrained models, the number that counts more
 *              ("loo_balanced_accuracy"); static storage. NULL where the attack needs neither kind of model.
 * @param curve [MIA_CURVE_POINTS] out; *count points. A size with which the attack cannot work (the first ones) is
 *              left out.
 * @param draws selections of each size that are averaged, where there are so many; 10 is good.
 */
BaseStatus mia_curve(const MiaAttack *attack, const MiaInput *input, const void *params, int64_t draws,
                     const char **what, MiaCurvePoint *curve, int *count);

#endif
