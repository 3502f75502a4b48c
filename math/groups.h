/* math/groups.h - points by a number that they share: a class, a cluster. */
#ifndef MATH_GROUPS_H
#define MATH_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/** Group g has the points point[start[g]] .. point[start[g + 1] - 1], ascending; groups by ascending key. Owned. */
typedef struct {
    int32_t *point; /* [n] */
    int64_t *start; /* [count + 1] */
    int64_t count;
} MathGroups;
/** @p key [n]; NULL: one group of all points, with @p apart each point by itself. n < 2^31. O(n log n). *out is empty on
 *  failure. */
BaseStatus math_groups_make(const int32_t *key, int64_t n, bool apart, MathGroups *out);
void math_groups_free(MathGroups *groups);

#endif
