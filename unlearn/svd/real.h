/* unlearn/svd/real.h - W in the precision of a space's matrix: float as it is, or a widened copy. */
#ifndef UNLEARN_SVD_REAL_H
#define UNLEARN_SVD_REAL_H

#include "base/memory.h"

/** *out is @p x, or what *room (owned by the caller) holds. */
static inline BaseStatus unlearn_real(const float *x, int64_t n, float **room, const float **out)
{
    (void)n;
    *room = NULL;
    *out = x;
    return BASE_OK;
}

static inline BaseStatus unlearn_real_f64(const float *x, int64_t n, double **room, const double **out)
{
    BaseStatus st = BASE_ALLOC_RAW(n, room);
    for (int64_t i = 0; st == BASE_OK && i < n; i++) (*room)[i] = (double)x[i];
    *out = *room;
    return st;
}

#endif
