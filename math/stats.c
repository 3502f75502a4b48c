/* Shares by Clopper & Pearson (1934): the lower bound L of k of n solves P(X >= k | L) = I_L(k, n - k + 1) = alpha, the
 * upper bound U solves P(X <= k | U) = 1 - I_U(k + 1, n - k) = alpha. Both are found by bisection: GSL's own inverse
 * (gsl_cdf_beta_Pinv) gives NaN or gives up on ordinary inputs such as 5000 of 10000. */
#include "math/stats.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <pthread.h>

static void handler_off(void) { gsl_set_error_handler_off(); } /* GSL's default handler aborts the process */

void math_stats_ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, handler_off);
}

MathEstimate math_estimate(double value, int64_t n) { return (MathEstimate){value, NAN, NAN, n}; }

/* GSL's continued fraction stops after 512 terms, too few where a and b are of the order of 1e6. */
enum { FRACTION_TERMS = 100000 };

/* I_x(a, b) for x <= (a + 1) / (a + b + 2): continued fraction 8.17.22 of the DLMF, by the modified Lentz method. */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m < FRACTION_TERMS; m++) {
        for (int odd = 0; odd < 2; odd++) {
            double term = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                              : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            if (fabs(c) < tiny) c = tiny;
            f *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15) break;
    }
    int sign; /* lgamma itself writes a global */
    double front = a * log(x) + b * log1p(-x) + lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign);
    return exp(front) * f / a;
}

/* I_x(a, b), or 1 - I_x(a, b) where @p upper. */
static double beta_tail(double x, double a, double b, bool upper)
{
    double value = upper ? gsl_cdf_beta_Q(x, a, b) : gsl_cdf_beta_P(x, a, b);
    if (!isnan(value)) return value;
    bool flip = x > (a + 1) / (a + b + 2);
    value = flip ? beta_fraction(1 - x, b, a) : beta_fraction(x, a, b);
    return flip == upper ? value : 1 - value;
}

/* The x in (0, 1) with tail(x) = alpha, halving until no double lies between. */
static double bisect(double a, double b, bool upper, double alpha)
{
    math_stats_ready();
    double lo = 0, hi = 1;
    for (;;) {
        double mid = lo + (hi - lo) / 2;
        if (mid <= lo || mid >= hi) return mid;
        double tail = beta_tail(mid, a, b, upper);
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

double math_stats_normal_quantile(double p)
{
    math_stats_ready();
    return p >= 0 && p <= 1 ? gsl_cdf_ugaussian_Pinv(p) : NAN;
}

double math_stats_t_quantile(double p, double df)
{
    math_stats_ready();
    return p >= 0 && p <= 1 && df > 0 ? gsl_cdf_tdist_Pinv(p, df) : NAN;
}

double math_stats_binomial_upper(int64_t k, int64_t n, double p)
{
    if (n <= 0 || !(p >= 0 && p <= 1)) return NAN;
    if (k <= 0) return 1;
    if (k > n || p == 0) return 0;
    if (p == 1) return 1;
    math_stats_ready();
    return beta_tail(p, (double)k, (double)(n - k + 1), false);
}

/* sqrt(x^2 + y^2 - 2 r x y), a correlation of 1 rounded over 0 kept out */
static double joined(double x, double y, double r)
{
    double square = x * x + y * y - 2 * r * x * y;
    return square > 0 ? sqrt(square) : 0 * square; /* 0 * NaN stays NaN */
}

MathEstimate math_stats_difference(MathEstimate a, MathEstimate b, double correlation)
{
    MathEstimate out = math_estimate(a.value - b.value, a.n < b.n ? a.n : b.n);
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
