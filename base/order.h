/* base/order.h - the smaller and the larger of two numbers, and ascending orders for qsort. */
#ifndef BASE_ORDER_H
#define BASE_ORDER_H

#include <stdint.h>
#include <string.h>

static inline int64_t base_smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t base_larger(int64_t a, int64_t b) { return a > b ? a : b; }

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
