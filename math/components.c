/* math/components.c - mean squares of each set, from deviations. */
#include "math/components.h"

#include <math.h>

/* From the first number on: the mean of equal numbers is that number to the last bit, and their variance 0. */
static double mean_of(const double *x, int64_t n)
{
    double off = 0;
    for (int64_t i = 1; i < n; i++) off += (x[i] - x[0]) / (double)n;
    return x[0] + off;
}

MathComponents math_components(const double *y, int64_t sets, int64_t outer, int64_t inner)
{
    double between = 0, within = 0;
    if (sets < 1 || outer < 2 || inner < 2) return (MathComponents){NAN, NAN, false};
    for (int64_t c = 0; c < sets; c++) {
        const double *set = y + c * outer * inner;
        double all = 0;
        for (int64_t s = 0; s < outer; s++) all += (mean_of(set + s * inner, inner) - set[0]) / (double)outer;
        for (int64_t s = 0; s < outer; s++) {
            const double mean = mean_of(set + s * inner, inner), off = mean - set[0] - all;
            between += (double)inner * off * off;
            for (int64_t j = 0; j < inner; j++) within += (set[s * inner + j] - mean) * (set[s * inner + j] - mean);
        }
    }
    between /= (double)(sets * (outer - 1));
    within /= (double)(sets * outer * (inner - 1));
    double a = (between - within) / (double)inner;
    return (MathComponents){a < 0 ? 0 : a, within, a < 0}; /* NaN stays NaN */
}
