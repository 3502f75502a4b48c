/* math/groups.c - sorted by key, then by point. */
#include "math/groups.h"

#include <stdlib.h>

#include "base/memory.h"

typedef struct {
    int32_t key, point;
} Keyed;

static int ascending(const void *a, const void *b)
{
    const Keyed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->point > y->point) - (x->point < y->point);
}

void math_groups_free(MathGroups *groups)
{
    base_free(groups->point);
    base_free(groups->start);
    *groups = (MathGroups){0};
}

BaseStatus math_groups_make(const int32_t *key, int64_t n, bool apart, MathGroups *out)
{
    BaseStatus st = BASE_OK;
    Keyed *all = NULL;
    *out = (MathGroups){0};
    BASE_TRY(BASE_ALLOC(n, &out->point));
    BASE_TRY(BASE_ALLOC(n + 1, &out->start));
    BASE_TRY(BASE_ALLOC(n, &all));
    for (int64_t i = 0; i < n; i++) all[i] = (Keyed){key ? key[i] : apart ? (int32_t)i : 0, (int32_t)i};
    qsort(all, (size_t)n, sizeof *all, ascending);
    for (int64_t i = 0; i < n; i++) {
        out->point[i] = all[i].point;
        if (i + 1 == n || all[i + 1].key != all[i].key) out->start[++out->count] = i + 1;
    }
out:
    base_free(all);
    if (st != BASE_OK) math_groups_free(out);
    return st;
}
