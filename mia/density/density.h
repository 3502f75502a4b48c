/* mia/density/density.h - logarithms of densities, finite however far out: an attack adds and subtracts them, and a
 * spread of 0 must make a score large, not NaN. */
#ifndef MIA_DENSITY_DENSITY_H
#define MIA_DENSITY_DENSITY_H

#include <stdint.h>

/** Added to a standard deviation before it divides, as in the published LiRA. */
#define MIA_DENSITY_TINY 1e-30
/** No log density is below this, so that a difference of two is finite. */
#define MIA_DENSITY_LEAST (-1e300)

/** log N(x; mean, sd); sd > 0. */
double mia_density_normal(double x, double mean, double sd);
/** log Phi(z), to about (1 + z^2) 1e-16 relative in both tails. */
double mia_density_normal_cdf(double z);
/** log of Student's t density with @p df degrees of freedom, shifted to @p centre and stretched by @p scale > 0; @p
 * peak: its value at the centre, from the second function. */
double mia_density_student(double x, double centre, double scale, double df, double peak);
double mia_density_student_peak(double scale, double df);
/** log((exp(x[0]) + .. + exp(x[n - 1])) / n), n >= 1: of logarithms of densities that of their mean. */
double mia_density_mean(const double *x, int64_t n);

#endif
