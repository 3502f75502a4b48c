/* mia/models/relabel.c - every labelling where there are few, else a seeded draw of them. */
#include "mia/models/relabel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"

typedef struct {
    const MiaInput *in;
    int64_t M;
    int64_t *model, *partner; /* [M]; [U] the retrained model of a pair, NULL: there are no pairs */
    uint8_t *first;           /* [M] called unlearned; with pairs [U] whether the pair is exchanged */
} Labels;

/* Each model of one kind has one partner of the other. */
static BaseStatus find_pairs(Labels *l)
{
    BaseStatus st = BASE_OK;
    const MiaInput *in = l->in;
    bool all = in->unlearned_pair && in->retrained_pair && in->U == in->R;
    if (!all) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(in->U, &l->partner));
    for (int64_t u = 0; u < in->U && all; u++) {
        int64_t same = 0, partners = 0;
        for (int64_t k = 0; k < in->U; k++) {
            same += in->unlearned_pair[k] == in->unlearned_pair[u];
            if (in->retrained_pair[k] != in->unlearned_pair[u]) continue;
            partners++;
            l->partner[u] = in->U + k;
        }
        all = same == 1 && partners == 1;
    }
    if (!all) {
        base_free(l->partner);
        l->partner = NULL;
    }
out:
    return st;
}

/* How many labellings there are, or more than @p most. */
static int64_t count_labellings(const Labels *l, int64_t most)
{
    double count = 1;
    for (int64_t k = 1; k <= l->in->U && count <= (double)most; k++)
        count = l->partner ? 2 * count : count * (double)(l->in->R + k) / (double)k;
    return count <= (double)most ? llround(count) : most + 1;
}

/* The next labelling in order; the first is the truth. */
static void next(Labels *l)
{
    int64_t U = l->in->U, k = 0, passed = 0;
    if (l->partner) { /* counts up in binary */
        while (k < U && l->first[k]) l->first[k++] = 0;
        if (k < U) l->first[k] = 1;
        return;
    }
    while (k + 1 < l->M && !(l->first[k] && !l->first[k + 1])) passed += l->first[k++]; /* the next set of U */
    if (k + 1 >= l->M) return;
    l->first[k] = 0;
    l->first[k + 1] = 1;
    for (int64_t m = 0; m < k; m++) l->first[m] = m < passed;
}

static void draw(Labels *l, BaseRandom *random)
{
    if (l->partner) {
        for (int64_t u = 0; u < l->in->U; u++) l->first[u] = (uint8_t)base_random_below(random, 2);
        return;
    }
    base_random_choose(random, l->M, l->in->U, l->model);
    for (int64_t m = 0; m < l->M; m++) l->first[m] = 0;
    for (int64_t u = 0; u < l->in->U; u++) l->first[l->model[u]] = 1;
}

static void order(Labels *l)
{
    int64_t at[2] = {0, l->in->U};
    for (int64_t u = 0; l->partner && u < l->in->U; u++) {
        l->model[u] = l->first[u] ? l->partner[u] : u;
        l->model[l->in->U + u] = l->first[u] ? u : l->partner[u];
    }
    for (int64_t m = 0; !l->partner && m < l->M; m++) l->model[at[!l->first[m]]++] = m;
}

static void add(const MiaRelabelled *number, double *null, int64_t draws, bool exact, MiaScores *out)
{
    char name[sizeof out->numbers->name];
    double sum = 0, least = 1e-12 * fabs(number->observed); /* the same models may be summed in another order */
    int64_t bad = 0;
    for (int64_t d = 0; d < draws; d++) {
        sum += null[d];
        bad += number->worse * (null[d] - number->observed) >= -least;
    }
    qsort(null, (size_t)draws, sizeof *null, base_ascending_f64);
    snprintf(name, sizeof name, "%s_null", number->name);
    mia_scores_add(out, name,
                   (MathEstimate){sum / (double)draws, math_stats_quantile(null, draws, 0.025),
                                  math_stats_quantile(null, draws, 0.975), draws});
    snprintf(name, sizeof name, "%s_p", number->name);
    double p = exact ? (double)bad / (double)draws : (double)(bad + 1) / (double)(draws + 1);
    mia_scores_add(out, name, math_estimate(p, draws));
}

BaseStatus mia_models_relabel(const MiaInput *in, int64_t draws, const MiaRelabelled *numbers, int count,
                              MiaRelabel compute, void *user, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    Labels l = {.in = in, .M = in->U + in->R};
    double *null = NULL, *drawn = NULL;
    if (draws == 0) return BASE_OK;
    BaseRandom random = base_random_make(in->seed, "relabel", 0);
    BASE_TRY(BASE_ALLOC_RAW(l.M, &l.model));
    BASE_TRY(BASE_ALLOC(l.M, &l.first));
    BASE_TRY(find_pairs(&l));
    int64_t all = count_labellings(&l, draws + 1);
    bool exact = all <= draws + 1;
    if (exact) draws = all;
    BASE_TRY(BASE_ALLOC_RAW(draws * count, &null));
    BASE_TRY(BASE_ALLOC_RAW(count, &drawn));
    for (int64_t u = 0; u < in->U && !l.partner; u++) l.first[u] = 1;
    for (int64_t d = 0; d < draws; d++) {
        if (!exact) draw(&l, &random);
        order(&l);
        compute(user, l.model, drawn);
        for (int k = 0; k < count; k++) null[k * draws + d] = drawn[k];
        if (exact) next(&l);
    }
    for (int k = 0; k < count; k++) add(&numbers[k], null + k * draws, draws, exact, out);
out:
    base_free(l.model);
    base_free(l.partner);
    base_free(l.first);
    base_free(null);
    base_free(drawn);
    return st;
}
