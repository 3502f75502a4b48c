/* mia/fit/classes.c - classes by the first point that bears them; those without points by their columns of logits. */
#include "mia/fit/classes.h"

#include <stdlib.h>

#include "base/memory.h"

/* A class, and the point that names it first; N: none does. */
typedef struct {
    const MiaInput *in;
    int64_t class, first;
} Column;

static int by_logits(const double *logits, int64_t rows, int64_t K, int64_t a, int64_t b)
{
    for (int64_t i = 0; i < rows && logits; i++, logits += K)
        if (logits[a] != logits[b]) return logits[a] < logits[b] ? -1 : 1;
    return 0;
}

static int compare(const void *left, const void *right)
{
    const Column *a = left, *b = right;
    const MiaInput *in = a->in;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    int order = by_logits(in->logits, in->N, in->K, a->class, b->class);
    if (!order) order = by_logits(in->population_logits, in->Z, in->K, a->class, b->class);
    if (!order) order = by_logits(in->unlearned_logits, in->U * in->N, in->K, a->class, b->class);
    if (!order) order = by_logits(in->retrained_logits, in->R * in->N, in->K, a->class, b->class);
    return order ? order : (a->class > b->class) - (a->class < b->class); /* nothing tells them apart */
}

BaseStatus mia_classes_order(const MiaInput *in, int64_t *order)
{
    BaseStatus st = BASE_OK;
    Column *columns = NULL;
    BASE_TRY(BASE_ALLOC_RAW(in->K, &columns));
    for (int64_t c = 0; c < in->K; c++) columns[c] = (Column){in, c, in->N};
    for (int64_t i = in->N - 1; i >= 0; i--) columns[in->labels[i]].first = i;
    qsort(columns, (size_t)in->K, sizeof *columns, compare);
    for (int64_t k = 0; k < in->K; k++) order[k] = columns[k].class;
out:
    base_free(columns);
    return st;
}
