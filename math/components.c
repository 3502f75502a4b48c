/* math/components.c - mean squares of each set, from deviations. */
#include "math/components.h"

#include <math.h>

MathComponents math_components(const double *y, int64_t sets, int64_t outer, int64_t inner)
{
    double between = 0, within = 0;
    if (sets < 1 || outer < 2 || inner < 2) return (MathComponents){NAN, NAN, false};
    for (int64_t c = 0; c < sets; c++) {
        const double *set = y + c * outer * inner;
        double all = 0;
        for (int64_t i = 0; i < outer * inner; i++) all += set[i] / (double)(outer * inner);
        for (int64_t s = 0; s < outer; s++) {
            double mean = 0;
            for (int64_t j = 0; j < inner; j++) mean += set[s * inner + j] / (double)inner;
            between += (double)inner * (mean - all) * (mean - all);
            for (int64_t j = 0; j < inner; j++) within += (set[s * inner + j] - mean) * (set[s * inner + j] - mean);
        }
    }
    between /= (double)(sets * (outer - 1));
    within /= (double)(sets * outer * (inner - 1));
    double a = (between - within) / (double)inner;
    return (MathComponents){a < 0 ? 0 : a, within, a < 0}; /* NaN stays NaN */
}
