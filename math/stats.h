/* math/stats.h - estimates with intervals. Doubles throughout; NaN means "not defined". */
#ifndef MATH_STATS_H
#define MATH_STATS_H

#include <stdint.h>

#include "base/status.h"

/** A number with what it rests on. lo and hi are NaN where no interval is defined. Level 95% unless said otherwise. */
typedef struct {
    double value, lo, hi;
    int64_t n;
} MathEstimate;

MathEstimate math_estimate(double value, int64_t n); /* without an interval */
/** Share k/n with its Clopper-Pearson interval at @p level (0.95): exact, by bisection of the incomplete beta. n = 0: NaN. */
MathEstimate math_stats_share(int64_t k, int64_t n, double level);
/** One-sided Clopper-Pearson bounds: lower and upper at error @p alpha each. 0 for k = 0 (lower), 1 for k = n (upper). */
double math_stats_share_lower(int64_t k, int64_t n, double alpha);
double math_stats_share_upper(int64_t k, int64_t n, double alpha);
/** The interval of a share that n trials gave, both real: k = value n. For an n worked out from a variance. 0 < value < 1. */
MathEstimate math_stats_share_effective(double value, double n, double level);
/** Mean with its t interval; sd (ddof 1) to *sd where not NULL. n = 1: value without an interval. */
MathEstimate math_stats_mean(const double *x, int64_t n, double level, double *sd);
/** The same for numbers that may be skewed (losses, divergences, distances): each end is the further one of the t interval and of
 *  Hall's for a skewed mean (1992, JRSS B 54), with Student's quantile. As wide as t without skewness, to a few percent from 30
 *  numbers on; conservative for few. */
MathEstimate math_stats_mean_skewed(const double *x, int64_t n, double level);
/** The reach of that interval below and above, in standard errors of a mean of n numbers of this skewness; n >= 2. */
void math_stats_skewed_reach(double skewness, int64_t n, double level, double *below, double *above);
/** Linear-interpolated quantile (type 7) of values sorted ascending. */
double math_stats_quantile(const double *sorted, int64_t n, double q);
double math_stats_normal_quantile(double p);
double math_stats_t_quantile(double p, double df);
/** P(X >= k) of X ~ Binomial(n, p), n >= 1: 1 for k <= 0, 0 for k > n. */
double math_stats_binomial_upper(int64_t k, int64_t n, double p);
/** a - b from two intervals of one level and the correlation of the two estimates (MOVER):
 *  lo = a - b - sqrt((a - a.lo)^2 + (b.hi - b)^2 - 2 r (a - a.lo) (b.hi - b)), hi likewise. Keeps skewed intervals and
 *  those at 0 and 1, where a standard error is 0. n: the smaller. */
MathEstimate math_stats_difference(MathEstimate a, MathEstimate b, double correlation);
/** Mean of @p count independent estimates of one level, by the same method. n: the sum. count >= 1. */
MathEstimate math_stats_mean_of(const MathEstimate *part, int64_t count);

#endif
