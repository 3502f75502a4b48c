/* data/set/split.c - partitions, splits and samples of a view (data/set/set.h). */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "data/set/set.h"

DataView data_view_all(const DataSet *set) { return (DataView){set, NULL, set->N}; }
int64_t data_view_at(const DataView *view, int64_t i) { return view->index ? view->index[i] : i; }
int32_t data_view_label(const DataView *view, int64_t i) { return view->set->labels[data_view_at(view, i)]; }
DataView data_view_of(const DataSet *set, const DataIndex *index) { return (DataView){set, index->at, index->n}; }

void data_index_free(DataIndex *index)
{
    base_free(index->at);
    *index = (DataIndex){0};
}

BaseStatus data_partition(const DataView *view, const DataClasses *classes, DataIndex *inside, DataIndex *outside)
{
    BaseStatus st = BASE_OK;
    *inside = *outside = (DataIndex){0};
    BASE_CHECK(classes->K == view->set->K, BASE_ESHAPE, "a set of %lld classes cannot select from data of %lld",
               (long long)classes->K, (long long)view->set->K);
    int64_t n = 0;
    for (int64_t i = 0; i < view->n; i++) n += classes->in[data_view_label(view, i)];
    BASE_TRY(BASE_ALLOC_RAW(n, &inside->at));
    BASE_TRY(BASE_ALLOC_RAW(view->n - n, &outside->at));
    for (int64_t i = 0; i < view->n; i++) {
        DataIndex *to = classes->in[data_view_label(view, i)] ? inside : outside;
        to->at[to->n++] = data_view_at(view, i);
    }
out:
    if (st != BASE_OK) data_index_free(inside); /* outside is the last to be made */
    return st;
}

/* The view's places by class: those of class k are place[first[k]] .. place[first[k + 1] - 1], in the view's order; how
 * many of each are drawn, and which. */
typedef struct {
    int64_t *first; /* [K + 1] */
    int64_t *place; /* [n] */
    int64_t *take;  /* [K] */
    uint8_t *drawn; /* [n] */
} Classwise;

static BaseStatus classwise_make(const DataView *view, Classwise *out)
{
    BaseStatus st = BASE_OK;
    int64_t K = view->set->K, *next = NULL;
    *out = (Classwise){0};
    BASE_TRY(BASE_ALLOC(K, &out->take));
    BASE_TRY(BASE_ALLOC(view->n, &out->drawn));
    BASE_TRY(BASE_ALLOC(K + 1, &out->first));
    BASE_TRY(BASE_ALLOC_RAW(view->n, &out->place));
    BASE_TRY(BASE_ALLOC(K, &next));
    for (int64_t i = 0; i < view->n; i++) out->first[data_view_label(view, i) + 1]++;
    for (int64_t k = 0; k < K; k++) {
        next[k] = out->first[k];
        out->first[k + 1] += out->first[k];
    }
    for (int64_t i = 0; i < view->n; i++) out->place[next[data_view_label(view, i)]++] = i;
out:
    base_free(next);
    return st; /* on failure too the caller frees */
}

static void classwise_free(Classwise *c)
{
    base_free(c->first);
    base_free(c->place);
    base_free(c->take);
    base_free(c->drawn);
}

/* Marks take[k] places of each class k, drawn by stream (seed, stream, k). */
static BaseStatus draw(const DataView *view, uint64_t seed, const char *stream, const Classwise *by)
{
    int64_t *chosen;
    BaseStatus st = BASE_ALLOC_RAW(view->n, &chosen);
    if (st != BASE_OK) return st;
    for (int64_t k = 0; k < view->set->K; k++) {
        BaseRandom r = base_random_make(seed, stream, (uint64_t)k);
        base_random_choose(&r, by->first[k + 1] - by->first[k], by->take[k], chosen);
        for (int64_t j = 0; j < by->take[k]; j++) by->drawn[by->place[by->first[k] + chosen[j]]] = 1;
    }
    base_free(chosen);
    return BASE_OK;
}

static BaseStatus collect(const DataView *view, const uint8_t *drawn, uint8_t want, DataIndex *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < view->n; i++) n += drawn[i] == want;
    BaseStatus st = BASE_ALLOC_RAW(n, &out->at);
    if (st != BASE_OK) return st;
    for (int64_t i = 0; i < view->n; i++)
        if (drawn[i] == want) out->at[out->n++] = data_view_at(view, i);
    qsort(out->at, (size_t)out->n, sizeof *out->at, base_ascending_i64);
    return BASE_OK;
}

BaseStatus data_split(const DataView *view, double fraction, uint64_t seed, DataIndex *kept, DataIndex *held)
{
    BaseStatus st = BASE_OK;
    Classwise by = {0};
    *kept = *held = (DataIndex){0};
    BASE_CHECK(fraction >= 0 && fraction < 1, BASE_EARG, "held-out fraction %g: must be at least 0 and below 1",
               fraction);
    BASE_TRY(classwise_make(view, &by));
    for (int64_t k = 0; k < view->set->K; k++) by.take[k] = llround(fraction * (double)(by.first[k + 1] - by.first[k]));
    BASE_TRY(draw(view, seed, "split", &by));
    BASE_TRY(collect(view, by.drawn, 0, kept));
    BASE_TRY(collect(view, by.drawn, 1, held));
out:
    if (st != BASE_OK) {
        data_index_free(kept);
        data_index_free(held);
    }
    classwise_free(&by);
    return st;
}

BaseStatus data_sample(const DataView *view, int64_t per_class, uint64_t seed, const char *stream, DataIndex *out)
{
    BaseStatus st = BASE_OK;
    Classwise by = {0};
    *out = (DataIndex){0};
    BASE_CHECK(per_class >= 0, BASE_EARG, "%lld images per class: must be 0 (all) or more", (long long)per_class);
    BASE_TRY(classwise_make(view, &by));
    for (int64_t k = 0; k < view->set->K; k++) {
        int64_t n = by.first[k + 1] - by.first[k];
        by.take[k] = per_class == 0 || per_class > n ? n : per_class;
    }
    BASE_TRY(draw(view, seed, stream, &by));
    BASE_TRY(collect(view, by.drawn, 1, out));
out:
    if (st != BASE_OK) data_index_free(out);
    classwise_free(&by);
    return st;
}
