/* audit/points.c - who was trained on, who was forgotten, and who is held out beside whom. */
#include "audit/points.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"

/* Trained on, with a label that held-out images of its class may have: what a coin left out was not trained on, and a wrong
 * label sets an image apart from every held-out one, under a retrained model too. */
static bool may_be_member(const SessionCanaries *canaries, int64_t at)
{
    if (canaries->n && canaries->kind == SESSION_CANARY_LABEL) return !session_canaries_has(canaries, at);
    return !session_canaries_left_out(canaries, at);
}

/* 1 for half of the test images of a class, rounded up. @p at, @p chosen: room for all of them. */
static void mark_half(const DataSet *test, int64_t c, uint64_t seed, int64_t *at, int64_t *chosen, uint8_t *mark)
{
    int64_t n = 0;
    BaseRandom random = base_random_make(seed, "audit_held_out", (uint64_t)c);
    for (int64_t i = 0; i < test->N; i++)
        if (test->labels[i] == c) at[n++] = i;
    base_random_choose(&random, n, (n + 1) / 2, chosen);
    for (int64_t i = 0; i < (n + 1) / 2; i++) mark[at[chosen[i]]] = 1;
}

/* Of listed images: 1 for the held-out ones that stand beside them. *mark [test->N] owned. */
static BaseStatus mark_beside(const SessionData *data, const DataForget *forget, uint64_t seed, uint8_t **mark)
{
    BaseStatus st = BASE_OK;
    const DataSet *train = data->train, *test = data->test;
    int64_t *at = NULL, *chosen = NULL;
    uint8_t *kept = NULL;
    BASE_TRY(BASE_ALLOC(test->N, mark));
    BASE_TRY(BASE_ALLOC_RAW(test->N, &at));
    BASE_TRY(BASE_ALLOC_RAW(test->N, &chosen));
    BASE_TRY(BASE_ALLOC(train->K, &kept));
    for (int64_t i = 0; i < train->N; i++)
        if (!data_forget_holds(forget, train->labels[i], i)) kept[train->labels[i]] = 1;
    for (int64_t i = 0; i < test->N; i++) (*mark)[i] = forget->classes.in[test->labels[i]] && !kept[test->labels[i]];
    for (int64_t c = 0; c < train->K; c++)
        if (forget->classes.in[c] && kept[c]) mark_half(test, c, seed, at, chosen, *mark);
out:
    base_free(at);
    base_free(chosen);
    base_free(kept);
    return st;
}

/* The held-out points of listed images, or of the kept ones. */
static BaseStatus add_marked(ModelPoints *points, const DataSet *test, const uint8_t *mark, bool inside, int64_t most,
                             uint64_t seed)
{
    int64_t *at = NULL, n = 0;
    BaseStatus st = BASE_ALLOC_RAW(test->N, &at);
    for (int64_t i = 0; st == BASE_OK && i < test->N; i++)
        if ((mark[i] != 0) == inside) at[n++] = i;
    if (st == BASE_OK) st = model_points_take(points, true, at, n, most, seed);
    base_free(at);
    return st;
}

BaseStatus audit_points_choose(const SessionData *data, const DataForget *forget, const SessionCanaries *canaries,
                               AuditSignals *s, ModelPoints *points)
{
    BaseStatus st = BASE_OK;
    const int64_t most = s->options.points;
    uint8_t *mark = NULL;
    int64_t end[AUDIT_POPULATION];
    if (data_forget_by_image(forget)) BASE_TRY(mark_beside(data, forget, s->seed, &mark));
    for (int g = 0; g < AUDIT_POPULATION; g++) {
        bool test = g == AUDIT_FORGET_TEST || g == AUDIT_RETAIN_TEST, inside = g < AUDIT_RETAIN_TRAIN;
        int64_t before = points->n;
        BASE_TRY(mark && test ? add_marked(points, data->test, mark, inside, most, s->seed)
                              : model_points_add(points, data, test, forget, inside, most, s->seed));
        int64_t n = before;
        for (int64_t i = before; i < points->n; i++)
            if (test || may_be_member(canaries, points->item[i].at)) points->item[n++] = points->item[i];
        points->n = n;
        end[g] = points->n;
    }
    s->N = points->n;
    BASE_TRY(BASE_ALLOC(s->N, &s->group));
    BASE_TRY(BASE_ALLOC(s->N, &s->labels));
    BASE_TRY(BASE_ALLOC(s->N, &s->point));
    if (s->N) memcpy(s->point, points->item, (size_t)s->N * sizeof *s->point);
    model_points_labels(points, data, s->labels);
    for (int64_t i = 0, g = 0; i < s->N; i++) {
        while (i >= end[g]) g++;
        s->group[i] = (uint8_t)g;
    }
out:
    base_free(mark);
    return st;
}
