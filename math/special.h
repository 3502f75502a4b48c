/* math/special.h - the incomplete beta function and the normal distribution, relative errors of about 1e-14 (tested
 * against values of 30 digits, tests/math/test_special.c). Pure functions. */
#ifndef MATH_SPECIAL_H
#define MATH_SPECIAL_H

#include <stdbool.h>

/** I_x(a, b), or 1 - I_x(a, b) where @p upper: 0 <= x <= 1, a, b > 0. NaN outside. Up to about sqrt(max(a, b)) terms. */
double math_incomplete_beta(double x, double a, double b, bool upper);
/** P(Z > x), its density phi(x), and their ratio phi(x) / P(Z > x), also where both are below the smallest double. */
double math_normal_upper(double x);
double math_normal_density(double x);
double math_normal_hazard(double x);
/** The x with P(Z <= x) = p; -inf, inf at 0, 1; NaN outside. */
double math_normal_quantile(double p);

/** log |Gamma(x)|; unlike lgamma it writes no global, so that threads may call it at once. */
double math_log_gamma(double x);

#endif
