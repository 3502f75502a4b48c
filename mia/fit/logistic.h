/* mia/fit/logistic.h - weighted logistic regression with an L2 penalty,
 *     min_{w, b}  C sum_i weight_i log(1 + exp(-y_i (w . x_i + b))) + |w|^2 / 2,   y = +-1,
 * as scikit-learn's LogisticRegression poses it (the intercept goes free). */
#ifndef MIA_FIT_LOGISTIC_H
#define MIA_FIT_LOGISTIC_H

#include "mia/fit/cross.h"

/** By Newton's method with halved steps until the largest entry of the gradient is below 1e-10 of its value at w = 0,
 * or no step lowers the objective any more. @p model [d + 1]: w, then b. BASE_ENOMEM, BASE_ENUMERIC. O(n d^2 + d^3) a
 * step. */
BaseStatus mia_logistic_fit(const MiaFitRows *rows, double C, double *model);
/** The objective, and its gradient [d + 1] where not NULL. */
double mia_logistic_loss(const MiaFitRows *rows, double C, const double *model, double *gradient);
double mia_logistic_decide(const double *x, int64_t d, const double *model); /* w . x + b */

#endif
