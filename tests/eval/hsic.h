/* tests/eval/hsic.h - the unbiased HSIC by its definition. */
#ifndef TESTS_EVAL_HSIC_H
#define TESTS_EVAL_HSIC_H

#include <stdint.h>

/* Song et al. 2012: (tr(K~ L~) + 1'K~1 1'L~1 / ((n - 1) (n - 2)) - 2 / (n - 2) 1'K~ L~1) / (n (n - 3)), K~ = K without its
 * diagonal; nothing is centred. @p x [n, p], @p y [n, q]. */
static inline long double naive_hsic(const double *x, int64_t p, const double *y, int64_t q, int64_t n)
{
    long double trace = 0, all[2] = {0}, cross = 0;
    for (int64_t i = 0; i < n; i++) {
        long double row[2] = {0};
        for (int64_t j = 0; j < n; j++) {
            long double k = 0, l = 0;
            if (i == j) continue;
            for (int64_t d = 0; d < p; d++) k += (long double)x[i * p + d] * (long double)x[j * p + d];
            for (int64_t d = 0; d < q; d++) l += (long double)y[i * q + d] * (long double)y[j * q + d];
            trace += k * l;
            row[0] += k;
            row[1] += l;
        }
        all[0] += row[0];
        all[1] += row[1];
        cross += row[0] * row[1];
    }
    long double m = (long double)n;
    return (trace + all[0] * all[1] / ((m - 1) * (m - 2)) - 2 / (m - 2) * cross) / (m * (m - 3));
}

#endif
