/* math/holdout.h - a threshold chosen on some points and judged on others, so that the number is not optimistic. */
#ifndef MATH_HOLDOUT_H
#define MATH_HOLDOUT_H

#include "math/roc.h"

/** Marks round(share P) members and round(share N) non-members, drawn under @p seed, as the points to choose on:
 *  @p choosing [n] 0/1. BASE_EARG where a class has fewer than 2 points or share is outside (0, 1): each part gets at
 *  least one point of each kind. O(n). */
BaseStatus math_holdout_split(const uint8_t *member, int64_t n, double share, uint64_t seed, uint8_t *choosing);
/** The marked (@p part 1) or unmarked (0) points, packed: @p score_out, @p member_out [n]. Returns their count. */
int64_t math_holdout_take(const double *score, const uint8_t *member, const uint8_t *choosing, int64_t n, int part,
                          double *score_out, uint8_t *member_out);

/** The threshold half-way between point @p at of a curve and the next lower score: as good on these points, and in the
 *  middle of the gap for others. */
double math_holdout_between(const MathRoc *roc, int64_t at);

/** (TPR + TNR) / 2 at one threshold, member iff score >= threshold. Exact intervals (Clopper-Pearson) for the two shares,
 *  joined for their mean by math_stats_mean_of. The threshold must not depend on these points. */
typedef struct {
    MathEstimate balanced, tpr, tnr;
    double threshold;
} MathBalanced;
/** BASE_EARG where one class is empty. O(n). */
BaseStatus math_holdout_balanced(const double *score, const uint8_t *member, int64_t n, double threshold, double level,
                                 MathBalanced *out);
/** The threshold of best balanced accuracy on a drawn half of the points, judged on the other half. O(n log n). */
BaseStatus math_holdout_best_balanced(const double *score, const uint8_t *member, int64_t n, uint64_t seed,
                                      double level, MathBalanced *out);

#endif
