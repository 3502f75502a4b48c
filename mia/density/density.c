/* mia/density/density.c - closed forms in the log domain, with an asymptotic series where erfc would underflow. */
#include "mia/density/density.h"

#include <math.h>

#include "math/special.h"

double mia_density_normal(double x, double mean, double sd)
{
    double z = (x - mean) / sd, log_density = -0.5 * z * z - log(sd) - 0.5 * log(2 * M_PI);
    return log_density > MIA_DENSITY_LEAST ? log_density : MIA_DENSITY_LEAST;
}

/* Below -20, where erfc nears its underflow, Phi(z) = phi(z) / |z| (1 - 1/z^2 + 3/z^4 - 15/z^6 + ...), Abramowitz &
 * Stegun 26.2.12: at z = -20 the twelfth term is below 1e-18. */
double mia_density_normal_cdf(double z)
{
    if (z > 0) return log1p(-erfc(z / M_SQRT2) / 2);
    if (z > -20) return log(erfc(-z / M_SQRT2) / 2);
    double sum = 1, term = 1;
    for (int k = 1; k <= 12; k++) sum += term *= -(2 * k - 1) / (z * z);
    double log_cdf = -0.5 * z * z - log(-z) - 0.5 * log(2 * M_PI) + log(sum);
    return log_cdf > MIA_DENSITY_LEAST ? log_cdf : MIA_DENSITY_LEAST;
}

double mia_density_student_peak(double scale, double df)
{
    return math_log_gamma((df + 1) / 2) - math_log_gamma(df / 2) - 0.5 * log(df * M_PI) - log(scale);
}

double mia_density_student(double x, double centre, double scale, double df, double peak)
{
    double z = fabs(x - centre) / scale;
    double tail = z < 1e100 ? log1p(z * z / df) : 2 * log(z) - log(df);
    double log_density = peak - (df + 1) / 2 * tail;
    return log_density > MIA_DENSITY_LEAST ? log_density : MIA_DENSITY_LEAST;
}

double mia_density_mean(const double *x, int64_t n)
{
    double most = x[0], sum = 0;
    for (int64_t i = 1; i < n; i++) most = fmax(most, x[i]);
    for (int64_t i = 0; i < n; i++) sum += exp(x[i] - most);
    return most + log(sum / (double)n);
}
