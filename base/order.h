/* base/order.h - the smaller and the larger of two numbers, the largest of many, and ascending orders for qsort. */
#ifndef BASE_ORDER_H
#define BASE_ORDER_H

#include <stdint.h>
#include <string.h>

static inline int64_t base_smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t base_larger(int64_t a, int64_t b) { return a > b ? a : b; }

/** Where the largest of @p x [n] is, of equals the first; n >= 1. */
static inline int64_t base_largest_at(const float *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

static inline int base_ascending_f64(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline int base_ascending_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/** Of pointers to texts, by their bytes. */
static inline int base_ascending_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#endif
