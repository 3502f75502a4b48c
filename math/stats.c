/* math/stats.c - shares by Clopper & Pearson (1934): the lower bound L of k of n solves P(X >= k | L) =
 * I_L(k, n - k + 1) = alpha, the upper bound U solves P(X <= k | U) = 1 - I_U(k + 1, n - k) = alpha. Both are found by
 * bisection. */
#include "math/stats.h"

#include <math.h>

#include "base/order.h"
#include "math/special.h"

MathEstimate math_estimate(double value, int64_t n) { return (MathEstimate){value, NAN, NAN, n}; }

/* The x in (0, 1) with tail(x) = alpha, halving until no double lies between. */
static double bisect(double a, double b, bool upper, double alpha)
{
    double lo = 0, hi = 1;
    for (;;) {
        double mid = lo + (hi - lo) / 2;
        if (mid <= lo || mid >= hi) return mid;
        double tail = math_incomplete_beta(mid, a, b, upper);
        if (isnan(tail)) return NAN;
        if (upper ? tail > alpha : tail < alpha)
            lo = mid;
        else
            hi = mid;
    }
}

double math_stats_share_lower(int64_t k, int64_t n, double alpha)
{
    if (n <= 0 || k < 0 || k > n) return NAN;
    return k == 0 ? 0 : bisect((double)k, (double)(n - k + 1), false, alpha);
}

double math_stats_share_upper(int64_t k, int64_t n, double alpha)
{
    if (n <= 0 || k < 0 || k > n) return NAN;
    return k == n ? 1 : bisect((double)(k + 1), (double)(n - k), true, alpha);
}

MathEstimate math_stats_share(int64_t k, int64_t n, double level)
{
    if (n <= 0 || k < 0 || k > n) return math_estimate(NAN, n > 0 ? n : 0);
    double alpha = (1 - level) / 2;
    return (MathEstimate){(double)k / (double)n, math_stats_share_lower(k, n, alpha),
                          math_stats_share_upper(k, n, alpha), n};
}

MathEstimate math_stats_share_effective(double value, double n, double level)
{
    if (!(value > 0 && value < 1 && n > 0)) return math_estimate(NAN, 0);
    double k = value * n, alpha = (1 - level) / 2;
    return (MathEstimate){value, bisect(k, n - k + 1, false, alpha), bisect(k + 1, n - k, true, alpha), (int64_t)n};
}

MathEstimate math_stats_mean(const double *x, int64_t n, double level, double *sd)
{
    if (sd) *sd = NAN;
    if (n <= 0) return math_estimate(NAN, 0);
    long double sum = 0, squares = 0, rest = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    double mean = (double)(sum / n);
    for (int64_t i = 0; i < n; i++) {
        long double off = (long double)x[i] - mean;
        squares += off * off;
        rest += off; /* what rounding the mean to a double left over (Chan, Golub & LeVeque) */
    }
    MathEstimate out = math_estimate(mean, n);
    if (n == 1) return out;
    long double left = squares - rest * rest / n;
    double s = sqrt(left > 0 ? (double)(left / (n - 1)) : (double)(0 * squares)); /* 0 * NaN stays NaN */
    double half = math_stats_t_quantile((1 + level) / 2, (double)(n - 1)) * s / sqrt((double)n);
    out.lo = mean - half;
    out.hi = mean + half;
    if (sd) *sd = s;
    return out;
}

/* Hall's cubic g(W) = W + c W^2 / 3 + c^2 W^3 / 27 + c / (6 n) of W = (mean - mu) / s is free of the skewness c to the order
 * n^(-1/2). Its inverse at q / sqrt(n), in standard errors. */
static double unskewed(double q, double c, double n)
{
    double y = q / sqrt(n), moved = y - c / (6 * n);
    return sqrt(n) * (fabs(c) < 1e-8 ? moved : 3 / c * (cbrt(1 + c * moved) - 1));
}

void math_stats_skewed_reach(double skewness, int64_t n, double level, double *below, double *above)
{
    double t = math_stats_t_quantile((1 + level) / 2, (double)(n - 1)), c = isfinite(skewness) ? skewness : 0;
    *below = fmax(t, unskewed(t, c, (double)n));
    *above = fmax(t, -unskewed(-t, c, (double)n));
}

MathEstimate math_stats_mean_skewed(const double *x, int64_t n, double level)
{
    double sd, square = 0, cube = 0, below, above;
    MathEstimate out = math_stats_mean(x, n, level, &sd);
    if (isnan(out.lo)) return out;
    for (int64_t i = 0; i < n; i++) {
        double off = x[i] - out.value;
        square += off * off / (double)n;
        cube += off * off * off / (double)n;
    }
    math_stats_skewed_reach(cube / (square * sqrt(square)), n, level, &below, &above);
    out.lo = out.value - below * sd / sqrt((double)n);
    out.hi = out.value + above * sd / sqrt((double)n);
    return out;
}

double math_stats_quantile(const double *sorted, int64_t n, double q)
{
    if (n <= 0 || !(q >= 0 && q <= 1)) return NAN;
    double at = q * (double)(n - 1);
    int64_t below = (int64_t)at;
    if (below >= n - 1) return sorted[n - 1];
    double part = at - (double)below;
    if (part == 0) return sorted[below]; /* not 0 * inf */
    return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

double math_stats_normal_quantile(double p) { return math_normal_quantile(p); }

/* P(|T| > t) = I_x(df / 2, 1 / 2) with x = df / (df + t^2): by the smaller of x and y = 1 - x, which a double holds better. */
double math_stats_t_quantile(double p, double df)
{
    const double LARGE = 1e8; /* from here on the first two terms of the expansion in 1 / df are exact to 1e-14 */
    if (!(p >= 0 && p <= 1 && df > 0)) return NAN;
    double z = math_normal_quantile(p), tails = 2 * (p < 0.5 ? p : 1 - p);
    if (!isfinite(z) || z == 0 || !isfinite(df)) return z;
    if (df >= LARGE) return z + (z * z * z + z) / (4 * df);
    double y = tails < 0.5 ? bisect(0.5, df / 2, true, tails) : bisect(0.5, df / 2, false, 1 - tails), x = 1 - y;
    if (y > 0.5) x = bisect(df / 2, 0.5, false, tails), y = 1 - x;
    return copysign(sqrt(df * y / x), z);
}

double math_stats_binomial_upper(int64_t k, int64_t n, double p)
{
    if (n <= 0 || !(p >= 0 && p <= 1)) return NAN;
    if (k <= 0) return 1;
    if (k > n || p == 0) return 0;
    if (p == 1) return 1;
    return math_incomplete_beta(p, (double)k, (double)(n - k + 1), false);
}

/* sqrt(x^2 + y^2 - 2 r x y), a correlation of 1 rounded over 0 kept out */
static double joined(double x, double y, double r)
{
    double square = x * x + y * y - 2 * r * x * y;
    return square > 0 ? sqrt(square) : 0 * square; /* 0 * NaN stays NaN */
}

MathEstimate math_stats_difference(MathEstimate a, MathEstimate b, double correlation)
{
    MathEstimate out = math_estimate(a.value - b.value, base_smaller(a.n, b.n));
    out.lo = out.value - joined(a.value - a.lo, b.hi - b.value, correlation);
    out.hi = out.value + joined(a.hi - a.value, b.value - b.lo, correlation);
    return out;
}

MathEstimate math_stats_mean_of(const MathEstimate *part, int64_t count)
{
    double sum = 0, below = 0, above = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += part[i].value;
        below += (part[i].value - part[i].lo) * (part[i].value - part[i].lo);
        above += (part[i].hi - part[i].value) * (part[i].hi - part[i].value);
        n += part[i].n;
    }
    double m = (double)count;
    return (MathEstimate){sum / m, sum / m - sqrt(below) / m, sum / m + sqrt(above) / m, n};
}
