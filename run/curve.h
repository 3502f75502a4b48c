/* run/curve.h - an attack's AUC against the number of shadow models: how many are enough. */
#ifndef RUN_CURVE_H
#define RUN_CURVE_H

#include "mia/mia.h"

typedef struct {
    int64_t models;   /* shadow models used (for attacks on unlearned and retrained models: of each kind) */
    int64_t draws;    /* different selections that were averaged; 1 where all models are used */
    MathEstimate auc; /* 95%, over points (DeLong) and over which models were selected; n = points */
} RunCurvePoint;
enum { RUN_CURVE_POINTS = 12 };

/**
 * AUC with 2, 4, 8, ... models and with all. A selection takes shadows 2j and 2j+1 together where they are complements
 * (every point in exactly one of them), so that each point has as many models that saw it as did not. An attack that
 * needs unlearned and retrained models gets the same number of each; one that needs none of these has no curve (*count
 * = 0).
 *
 * @param curve [RUN_CURVE_POINTS] out.
 * @param draws selections of each size that are averaged where there are so many; 10 is good.
 * A size at which the attack has too few models (the first ones) is left out.
 */
BaseStatus run_curve(const MiaAttack *attack, const MiaInput *input, const void *params, int64_t draws,
                     RunCurvePoint *curve, int *count);

#endif
