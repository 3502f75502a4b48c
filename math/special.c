/* math/special.c - continued fractions (DLMF 7.9, 8.17) and Loader's form of the binomial density. */
#include "math/special.h"

#include <math.h>

enum { FRACTION_TERMS = 100000, HAZARD_TERMS = 40 };

double math_log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* log n! less Stirling's formula. Below 15 the difference of logarithms is exact enough, its terms being small. */
static double stirling_error(double n)
{
    if (n < 15) return math_log_gamma(n + 1) - (n + 0.5) * log(n) + n - 0.5 * log(2 * M_PI);
    double s = 1 / (n * n);
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - s / 1188) * s) * s) * s) / n;
}

/* a log(a / m) + m - a without its cancellation close to a = m: the series of log in v = (a - m) / (a + m). */
static double deviance(double a, double m)
{
    if (fabs(a - m) >= 0.1 * (a + m)) return a * log(a / m) + m - a;
    double v = (a - m) / (a + m), sum = (a - m) * v, power = 2 * a * v;
    for (int k = 1;; k++) {
        power *= v * v;
        double next = sum + power / (2 * k + 1);
        if (next == sum) return sum;
        sum = next;
    }
}

/* x^a y^b / B(a, b), y = 1 - x, as C. Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000), writes
 * the binomial density: the saddle point, so that no large logarithms cancel. */
static double beta_front(double x, double y, double a, double b)
{
    double n = a + b;
    double log_ratio =
        stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y);
    return exp(log_ratio) * sqrt(a / n * b / (2 * M_PI));
}

/* I_x(a, b) for x <= (a + 1) / (a + b + 2), y = 1 - x: the even part of continued fraction 8.17.22 of the DLMF (DiDonato
 * and Morris, ACM TOMS 18, 1992), by the modified Lentz method. It knows x only by x itself and a y - b x, and so loses
 * nothing where 8.17.22 subtracts numbers close to 1. */
static double beta_fraction(double x, double y, double a, double b)
{
    const double tiny = 1e-300, drift = a * y - b * x;
    double f = a * (drift + 1) / (a + 1), c, d = 0;
    if (fabs(f) < tiny) f = tiny;
    c = f;
    for (int m = 1; m < FRACTION_TERMS; m++) {
        double above = (a + m - 1) / (a + 2 * m - 1) * ((a + b + m - 1) / (a + 2 * m - 1)) * m * (b - m) * x * x;
        double below = m + m * (b - m) * x / (a + 2 * m - 1) + (a + m) * (drift + 1 + m * (1 + y)) / (a + 2 * m + 1);
        d = below + above * d;
        c = below + above / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        if (fabs(c) < tiny) c = tiny;
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return beta_front(x, y, a, b) / f;
}

double math_incomplete_beta(double x, double a, double b, bool upper)
{
    if (!(x >= 0 && x <= 1 && a > 0 && b > 0 && isfinite(a) && isfinite(b))) return NAN;
    if (x == 0 || x == 1) return (x == 1) != upper;
    bool flip = x > (a + 1) / (a + b + 2);
    double value = flip ? beta_fraction(1 - x, x, b, a) : beta_fraction(x, 1 - x, a, b);
    return flip == upper ? value : 1 - value;
}

double math_normal_upper(double x) { return 0.5 * erfc(x * M_SQRT1_2); }
double math_normal_density(double x) { return exp(-0.5 * x * x) / sqrt(2 * M_PI); }

/* From 5 on 1 / hazard is Laplace's continued fraction 1 / (x + 1 / (x + 2 / (x + ...))), DLMF 7.9.2. */
double math_normal_hazard(double x)
{
    if (x < 5) return math_normal_density(x) / math_normal_upper(x);
    double tail = x;
    for (int k = HAZARD_TERMS; k >= 1; k--) tail = x + k / tail;
    return tail;
}

/* Newton's method on log P(Z > x), which is concave, so that every step from an upper bound stays one. */
double math_normal_quantile(double p)
{
    if (!(p >= 0 && p <= 1)) return NAN;
    if (p == 0 || p == 1) return p == 0 ? -INFINITY : INFINITY;
    if (p == 0.5) return 0;
    double tail = p < 0.5 ? p : 1 - p, x = sqrt(-2 * log(tail)); /* P(Z > x) <= exp(-x^2 / 2) */
    for (int i = 0; i < 100; i++) {
        double hazard = math_normal_hazard(x);
        double excess =
            x < 5 ? log(math_normal_upper(x) / tail) : -0.5 * x * x - log(sqrt(2 * M_PI) * hazard) - log(tail);
        double next = x + excess / hazard;
        if (!(next < x)) break;
        x = next;
    }
    return p < 0.5 ? -x : x;
}
