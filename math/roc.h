/* math/roc.h - receiver operating characteristics of scores; higher = more member-like. */
#ifndef MATH_ROC_H
#define MATH_ROC_H

#include "math/stats.h"

/** Operating points from "nobody" to "everybody", ties grouped: one point per distinct score. Owned. */
typedef struct {
    double *fpr, *tpr, *threshold; /* [count]; member iff score >= threshold; threshold[0] = +inf */
    int64_t count, P, N;           /* members, non-members */
} MathRoc;
/** @p member [n] 0/1. BASE_EARG where one class is empty, BASE_ENUMERIC on NaN. O(n log n). */
BaseStatus math_roc(const double *score, const uint8_t *member, int64_t n, MathRoc *out);
void math_roc_free(MathRoc *roc);

typedef struct {
    double value, lo, hi, se; /* se: DeLong */
    int64_t P, N;
} MathAuc;
/** AUC with DeLong's standard error by midranks and a 95% interval on the logit scale;
 *  at exactly 0 or 1, where DeLong's error is 0, the bound is exact (Clopper-Pearson on min(P, N) independent pairs).
 *  Near the ends (math_auc_near_end) the error rests on few points and is often too small: coverage would fall to
 *  80%, with many points to 93%. There the interval also takes in Clopper-Pearson's on as many trials as have DeLong's variance, at most min(P, N). */
BaseStatus math_auc(const double *score, const uint8_t *member, int64_t n, MathAuc *out);
/** Beyond 0.01 or 0.99, or where less than half a point of the smaller kind is out of order: min(AUC, 1 - AUC) min(P, N) <
 *  1/2. */
bool math_auc_near_end(const MathAuc *auc);
/** Fills lo and hi of an AUC from value, se, P and N, as above; @p quantile that of the error's distribution, @p untied
 *  false: every pair is tied. */
void math_auc_bounds(MathAuc *auc, bool untied, double quantile, double level);
/** The same with an interval at @p level in (0, 1). */
BaseStatus math_auc_level(const double *score, const uint8_t *member, int64_t n, double level, MathAuc *out);
/** DeLong's placements: of a member the share of non-members below it, of a non-member the share of members above it,
 *  ties half. @p out [n]. Errors as math_roc. O(n log n). */
BaseStatus math_auc_placements(const double *score, const uint8_t *member, int64_t n, double *out);

/** Scores that only compare within a fold, on one scale: each point's rank among the points of its fold, of both kinds,
 *  ties in the middle, as a share of the fold. It does not look at who is a member, so that without a difference within
 *  folds there is none between them; and where folds are alike in
 *  size and members and nothing ties, the AUC of ranks is the mean of the folds' AUCs, as it is linear in the sum of the
 *  members' ranks (Mann and Whitney 1947). One fold: the ROC stays.
 *  @p out [n], may be @p score. BASE_EARG where a fold has no members or no non-members. O(n log n). */
BaseStatus math_roc_within(const double *score, const uint8_t *member, const int32_t *fold, int64_t n, double *out);

/** The true-positive rate at a true false-positive rate. */
typedef struct {
    double value, lo, hi; /* 95% */
    double within;        /* the largest TPR with at most fpr of these non-members above the threshold, as most tools
                             print it: on average its true rate is higher, by half where one is allowed */
    double realised_fpr;  /* the share that `within` allowed */
    int64_t n;            /* N */
} MathTprAtFpr;
/**
 * Of N non-members the k-th largest has k / (N + 1) of the others above it on average, so the value is the share of
 * members above the k-th largest, k = fpr (N + 1), between two of them linearly; ties half. NaN ("not resolvable") where
 * N + 1 < 1 / fpr.
 *
 * Two independent sources of chance, joined as MOVER does (Zou and Donner 2008): where the true threshold is - with K ~
 * Bin(N, fpr) non-members above it, it lies between the K-th and the (K+1)-th largest, K between its 2.5% and 97.5%
 * quantiles - and who lies above a threshold (Clopper-Pearson over members).
 */
MathTprAtFpr math_roc_tpr_at_fpr(const MathRoc *roc, double fpr);

/** Its value alone. */
double math_roc_tpr(const MathRoc *roc, double fpr);

/** max over thresholds of (TPR + 1 - FPR) / 2 and the threshold, the smallest FPR among equals. Optimistic: chosen on the same data. */
double math_roc_best_balanced(const MathRoc *roc, double *threshold);

#endif
