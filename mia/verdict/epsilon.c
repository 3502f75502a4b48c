/* mia/verdict/epsilon.c - how surely scores are those of a privacy loss above 0: Fisher's p of the members among the highest
 * scores, and of the others among the lowest. */
#include "mia/verdict/epsilon.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "math/fisher.h"
#include "math/special.h"

typedef struct {
    double score;
    int32_t point, stratum;
} Ranked;

static int highest_first(const void *a, const void *b)
{
    const Ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->point > y->point) - (x->point < y->point);
}

typedef struct {
    Ranked *order; /* [n] */
    int64_t n;
    MathStratum *stratum; /* [strata] */
    int64_t strata;
} Work;

static void rank(Work *w, const double *score, const uint8_t *member, const uint8_t *counts, int64_t point,
                 int64_t stratum)
{
    if (!counts[point]) return;
    w->order[w->n++] = (Ranked){score[point], (int32_t)point, (int32_t)stratum};
    w->stratum[stratum].n++;
    w->stratum[stratum].marked += member[point] != 0;
}

/* Draws at most the @p k highest (@p bottom: lowest) into the strata; how many of them are members (non-members). */
static int64_t draw(Work *w, const uint8_t *member, int64_t k, bool bottom)
{
    int64_t used = 0, right = 0;
    for (int64_t c = 0; c < w->strata; c++) w->stratum[c].drawn = 0;
    while (used < w->n) {
        int64_t end = used; /* a run of equal scores stands there as a whole, or not at all */
        while (end < w->n &&
               w->order[bottom ? w->n - 1 - end : end].score == w->order[bottom ? w->n - 1 - used : used].score)
            end++;
        if (end > k) break;
        for (; used < end; used++) {
            const Ranked *p = &w->order[bottom ? w->n - 1 - used : used];
            w->stratum[p->stratum].drawn++;
            right += (member[p->point] != 0) != bottom;
        }
    }
    return right;
}

BaseStatus mia_epsilon_quantile(const double *score, const uint8_t *member, const uint8_t *counts,
                                const MathGroups *classes, int64_t n, double *z, int64_t *looks)
{
    BaseStatus st = BASE_OK;
    Work w = {.strata = classes ? classes->count : 1};
    *z = -INFINITY;
    *looks = 0;
    BASE_TRY(BASE_ALLOC_RAW(n, &w.order));
    BASE_TRY(BASE_ALLOC(w.strata, &w.stratum));
    for (int64_t i = 0; i < n && !classes; i++) rank(&w, score, member, counts, i, 0);
    for (int64_t c = 0; classes && c < classes->count; c++)
        for (int64_t k = classes->start[c]; k < classes->start[c + 1]; k++)
            rank(&w, score, member, counts, classes->point[k], c);
    qsort(w.order, (size_t)w.n, sizeof *w.order, highest_first);
    for (int bottom = 0; bottom < 2; bottom++) {
        for (int64_t k = 4; k <= w.n / 2; k *= 2) {
            double p;
            BASE_TRY(math_fisher(w.stratum, w.strata, draw(&w, member, k, bottom), &p));
            *z = fmax(*z, -math_normal_quantile(fmin(fmax(p, 1e-15), 1 - 1e-15)));
            ++*looks;
        }
        for (int64_t c = 0; c < w.strata; c++) w.stratum[c].marked = w.stratum[c].n - w.stratum[c].marked;
    }
out:
    base_free(w.order);
    base_free(w.stratum);
    return st;
}
