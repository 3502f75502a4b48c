/* mia/fit/cross.h - an attacker that is trained: fitted to members against non-members, each judged by a fit that
 * did not see it. The known points are cut into folds, and a fold is judged by a fit to the folds before it:
 * progressive validation (Blum, Kalai and Langford 1999, "Beating the hold-out"). With every fold judged by all
 * others (tensorflow/privacy), the AUCs of folds depend on each other: what happens to hold of two folds counts for
 * both, twice the variance for five folds, and no estimator of it is unbiased (Bengio and Grandvalet 2004, JMLR 5).
 * Here, given the folds before it, a fold without a difference between members and non-members has the expected AUC
 * 1/2, so that deviations of folds are uncorrelated and DeLong's variance holds. */
#ifndef MIA_FIT_CROSS_H
#define MIA_FIT_CROSS_H

#include "mia/fit/features.h"

/** Rows to fit on; weights are balanced: members and non-members weigh n / 2 each. Borrowed. */
typedef struct {
    int64_t n, d;
    const double *x;       /* [n, d] */
    const uint8_t *member; /* [n] */
    const double *weight;  /* [n] */
} MiaFitRows;

/** A kind of model: `size` doubles, and how to fit and use them. @p how: the attack's parameters. */
typedef struct {
    int64_t (*size)(int64_t d, const void *how);
    BaseStatus (*fit)(const MiaFitRows *rows, const void *how, uint64_t seed, double *model);
    double (*decide)(const double *x, int64_t d, const void *how, const double *model); /* log-odds of "member" */
} MiaFitKind;

/** out->score of every point from its @p features, with @p standardise scaled to mean 0 and sd 1 over what is fitted
 *  on (a constant column becomes 0). @p folds 0: one fit on all points judges all of them, as published; else audited
 *  points are judged by the fit on all, those of fold 0, which nothing precedes, by one on the other folds: they have
 *  scores, and are not compared. Sets the threshold 0, fitted, fold and the notes. */
BaseStatus mia_fit_cross(const MiaInput *input, MiaFeatures features, int64_t folds, bool standardise,
                         const MiaFitKind *kind, const void *how, MiaScores *out);

#endif
