/* mia/line/line.h - a C-SVC on one number per point, exactly and in O(n r) per iteration.
 *
 *     min_{w,b}  |w|^2 / 2 + C sum_i max(0, 1 - y_i d(x_i))
 *     d(x) = w . phi(x) + b        phi(x) . phi(x') = exp(-gamma (x - x')^2)
 *
 * Formulas, rank and error bound: fit.c. */
#ifndef MIA_LINE_LINE_H
#define MIA_LINE_LINE_H

#include <stdint.h>

#include "base/status.h"

/** Features kept at most, and how far a decision value may be from the exact solution's. */
enum { MIA_LINE_RANK = 64 };
#define MIA_LINE_ERROR 1e-3

typedef struct {
    double middle, half, gamma, b;
    double p[MIA_LINE_RANK]; /* d(x) = exp(-gamma (x - middle)^2) sum_k p_k t^k + b, t = (x - middle) / half */
    int rank, iterations;
    double error; /* proven: |d - d*| <= error for every x, over rounding of the sums below */
    bool solved;  /* false: too many features, or not within MIA_LINE_ERROR; p and b say nothing then */
} MiaLine;

/** @p x [n] finite, @p member [n] 0/1, both classes there; @p C, @p gamma > 0. Same bits for any thread count.
 *  BASE_ENOMEM; where only the problem is too hard, BASE_OK and not solved. O(n (log n + iterations * rank)). */
BaseStatus mia_line_fit(const double *x, const uint8_t *member, int64_t n, double C, double gamma, MiaLine *out);
/** d(x), positive on the members' side. */
double mia_line_decide(const MiaLine *line, double x);

#endif
