/* mia/fit/quantile.h - how high a value is for its features: linear regressions of a distribution, not of a mean.
 * Column 0 of x is 1. A ridge of `ridge` times each column's weighted square sum, none on column 0, settles what the
 * data leave open: a column without data gets coefficient 0. Both are O(steps n d^2). */
#ifndef MIA_FIT_QUANTILE_H
#define MIA_FIT_QUANTILE_H

#include <stdint.h>

#include "base/status.h"

typedef struct {
    int64_t n, d;
    const double *x;     /* [n, d] */
    const double *value; /* [n] */
    double ridge;        /* > 0 */
} MiaQuantileRows;

/** A normal whose mean mu . x and log standard deviation g . x are linear: least negative log-likelihood
 *  sum_i g . x_i + (value_i - mu . x_i)^2 exp(-2 g . x_i) / 2 (Bertran 2023, the Gaussian head), by turns in mu
 *  (weighted least squares) and g (Newton). Residuals below 1e-6 of the values' spread count as that. @p mu, @p g [d].
 */
BaseStatus mia_quantile_gaussian(const MiaQuantileRows *rows, double *mu, double *g);

/** The quantile at @p level in (0, 1), q . x: least pinball loss sum_i max(level r, (level - 1) r), r = value - q . x
 *  by majorising steps, which round the loss's corner off within 1e-6 of the values' spread. @p q [d]. */
BaseStatus mia_quantile_pinball(const MiaQuantileRows *rows, double level, double *q);

/** Values nearer than this to what was fitted to @p rows are told from it by rounding and the ridge alone. */
double mia_quantile_resolution(const MiaQuantileRows *rows);

double mia_quantile_dot(const double *a, const double *b, int64_t d);

#endif
