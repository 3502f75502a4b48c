/* base/order.h - the smaller and the larger of two numbers, and their order for qsort. */
#ifndef BASE_ORDER_H
#define BASE_ORDER_H

#include <stdint.h>

static inline int64_t base_smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t base_larger(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
