/* math/compare.h - differences of two attacks' results, and what they say: leaks, over-forgotten, indistinguishable, or
 * underpowered. */
#ifndef MATH_COMPARE_H
#define MATH_COMPARE_H

#include "math/roc.h"

typedef struct {
    MathEstimate difference; /* AUC a - AUC b */
    MathAuc a, b;            /* each with its own interval at the same level */
    double se, correlation;  /* of the difference; of the two AUCs (NaN where either has no error of its own) */
} MathAucDifference;
/**
 * Two AUCs of the same points, each scored by two models: DeLong's covariance in
 *     var(A - B) = var(A) + var(B) - 2 cov(A, B),     difference +- z se.
 * Where an AUC is at or near 0 or 1 (math_auc_near_end) its error is 0 or far too small, so the interval joins the two
 * of math_auc_level (math_stats_difference). Where both models rank every
 * point alike nothing is left to estimate: the share of pairs that could differ is bounded by Clopper-Pearson.
 * @p a, @p b [n] scores, @p member [n]. BASE_EARG, BASE_ENUMERIC as math_roc; NaN interval with one point of a kind.
 * O(n log n).
 */
BaseStatus math_auc_paired(const double *a, const double *b, const uint8_t *member, int64_t n, double level,
                           MathAucDifference *out);

/**
 * P(a score of one of A models exceeds a score of one of B other models), all on the same n points: can the two kinds of
 * model be told apart? 1/2 where they are alike. Three sources of chance, first order: which a, which b,
 * which points; a point counts once though it is on both sides:
 *     var = S_a^2 / A + S_b^2 / B + var_i(V10_i + V01_i) / n,     V placements, averaged over the models of a side
 * each part with its own t quantile, on the logit scale; exact over points at 0 and 1. A side of few models
 * (MATH_FEW_MODELS) takes S^2 pooled over both sides, as in math_bootstrap; with one model on either side *over_models is
 * false and the interval speaks of these two models.
 * @p a [A, n], @p b [B, n]. BASE_EARG for n < 2 or an empty side, BASE_ENUMERIC on NaN. O(M n log(M n)), M = A + B.
 */
BaseStatus math_auc_of_models(const double *a, int64_t A, const double *b, int64_t B, int64_t n, double level,
                              MathEstimate *out, bool *over_models);

typedef enum { MATH_LEAKS, MATH_OVER_FORGOTTEN, MATH_INDISTINGUISHABLE, MATH_UNDERPOWERED } MathVerdict;
/** "leaks", "over-forgotten", "indistinguishable", "underpowered". Static storage. */
const char *math_verdict_name(MathVerdict verdict);
/**
 * Two one-sided tests on a difference to the retrained model, more member-like being positive, at
 * level alpha: @p narrow is its interval at 1 - 2 alpha, @p wide at 1 - alpha.
 *     indistinguishable   narrow lies inside (-margin, margin): a false one has probability alpha at most
 *     leaks               else, wide lies above 0        over-forgotten   wide lies below 0 (both together: alpha at most)
 *     underpowered        else, or where an interval is not defined (NaN)
 */
MathVerdict math_verdict(MathEstimate wide, MathEstimate narrow, double margin);

#endif
