/* mia/curve/curve.c - random selections of models for each size, each attacked by itself; their AUCs are averaged with both errors. */
#include "mia/curve/curve.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

/* The models of one kind, taken in units: complements together, else one by one. */
typedef struct {
    const MiaAttack *attack;
    const MiaInput *in;
    const void *params;
    bool shadows;   /* which kind: else unlearned and retrained ones together */
    int64_t each;   /* models per unit */
    int64_t units;  /* there are */
    uint8_t *taken; /* [draws, units] selections so far */
    double *value;  /* [3, draws] value, and how far its interval reaches below and above */
    MiaInput part;  /* the arrays of a selection, owned */
} Curve;

static void part_free(MiaInput *part)
{
    base_free((void *)part->shadow_logits);
    base_free((void *)part->shadow_keep);
    base_free((void *)part->shadow_population_logits);
    base_free((void *)part->unlearned_logits);
    base_free((void *)part->unlearned_keep);
    base_free((void *)part->retrained_logits);
}

static bool complements(const MiaInput *in)
{
    for (int64_t s = 0; s + 1 < in->S; s += 2)
        for (int64_t i = 0; i < in->N; i++)
            if (in->shadow_keep[s * in->N + i] + in->shadow_keep[(s + 1) * in->N + i] != 1) return false;
    return in->S % 2 == 0;
}

/* Rows of the models that a selection takes, for the first @p models of a kind. *out owned; NULL stays NULL. */
static BaseStatus pick(const Curve *c, const void *rows, int64_t models, size_t row, const uint8_t *taken,
                       const void **out)
{
    char *copy = NULL;
    int64_t n = 0;
    *out = NULL;
    if (!rows) return BASE_OK;
    BaseStatus st = base_alloc_raw((size_t)models, row, (void **)&copy);
    if (st != BASE_OK) return st;
    for (int64_t m = 0; m < models; m++)
        if (taken[m / c->each]) memcpy(copy + (size_t)n++ * row, (const char *)rows + (size_t)m * row, row);
    *out = copy;
    return BASE_OK;
}

static BaseStatus make_part(Curve *c, const uint8_t *taken, int64_t models)
{
    BaseStatus st = BASE_OK;
    const MiaInput *in = c->in;
    size_t points = (size_t)(in->N * in->K) * sizeof(double), keep = (size_t)in->N,
           population = (size_t)(in->Z * in->K) * sizeof(double);
    int64_t all = c->units * c->each;
    const void *part[6] = {0};
    if (c->shadows) {
        BASE_TRY(pick(c, in->shadow_logits, all, points, taken, &part[0]));
        BASE_TRY(pick(c, in->shadow_keep, all, keep, taken, &part[1]));
        BASE_TRY(pick(c, in->shadow_population_logits, all, population, taken, &part[2]));
    } else {
        BASE_TRY(pick(c, in->unlearned_logits, all, points, taken, &part[3]));
        BASE_TRY(pick(c, in->unlearned_keep, all, keep, taken, &part[4]));
        BASE_TRY(pick(c, in->retrained_logits, all, points, taken, &part[5]));
    }
out:
    c->part.shadow_logits = part[0];
    c->part.shadow_keep = part[1];
    c->part.shadow_population_logits = part[2];
    c->part.unlearned_logits = part[3];
    c->part.unlearned_keep = part[4];
    c->part.retrained_logits = part[5];
    c->part.S = c->shadows ? models : 0;
    c->part.U = c->part.R = c->shadows ? 0 : models;
    return st;
}

/* Units of one selection, other than those before it; false where none was found. */
static bool draw(const Curve *c, int64_t take, int64_t number, BaseRandom *random, int64_t *place)
{
    uint8_t *taken = c->taken + number * c->units;
    for (int attempt = 0; attempt < 100; attempt++) {
        bool fresh = true;
        memset(taken, 0, (size_t)c->units);
        base_random_choose(random, c->units, take, place);
        for (int64_t i = 0; i < take; i++) taken[place[i]] = 1;
        for (int64_t d = 0; d < number && fresh; d++)
            fresh = memcmp(c->taken + d * c->units, taken, (size_t)c->units) != 0;
        if (fresh) return true;
    }
    return false;
}

static MathEstimate found(const MiaResult *r, const char *number)
{
    for (int i = 0; number && i < r->number_count; i++)
        if (strcmp(r->numbers[i].name, number) == 0) return r->numbers[i].value;
    if (number) return (MathEstimate){NAN, NAN, NAN, 0};
    return (MathEstimate){r->auc.value, r->auc.lo, r->auc.hi, r->auc.P + r->auc.N};
}

/* Mean over selections; each side of its interval joins the mean reach of one selection's interval and the spread
 * between selections, as independent errors. */
static MathEstimate join(const double *value, int64_t stride, int64_t draws, int64_t n)
{
    double mean = 0, squares = 0, below = 0, above = 0;
    for (int64_t d = 0; d < draws; d++) {
        mean += value[d] / (double)draws;
        below += value[stride + d] / (double)draws;
        above += value[2 * stride + d] / (double)draws;
    }
    for (int64_t d = 0; d < draws; d++) squares += (value[d] - mean) * (value[d] - mean);
    double spread = draws > 1 ? math_stats_normal_quantile(0.975) * sqrt(squares / (double)(draws - 1)) : 0;
    return (MathEstimate){mean, fmax(0, mean - hypot(below, spread)), fmin(1, mean + hypot(above, spread)), n};
}

/* One size; *works false where the attack needs more models than that. */
static BaseStatus do_size(Curve *c, int64_t take, int64_t draws, const char *number, MiaCurvePoint *out, bool *works)
{
    BaseStatus st = BASE_OK;
    int64_t *place = NULL, n = 0, done = 0;
    BaseRandom random = base_random_make(c->in->seed, "curve", (uint64_t)take);
    *works = true;
    BASE_TRY(BASE_ALLOC_RAW(c->units, &place));
    for (int64_t d = 0; d < (take == c->units ? 1 : draws) && *works; d++) {
        MiaResult result = {0};
        if (!draw(c, take, d, &random, place)) break;
        part_free(&c->part);
        BASE_TRY(make_part(c, c->taken + d * c->units, take * c->each));
        st = mia_attack(c->attack, &c->part, c->params, &result);
        MathEstimate e = st == BASE_OK ? found(&result, number) : (MathEstimate){NAN, NAN, NAN, 0};
        mia_result_free(&result);
        *works = st == BASE_OK && !isnan(e.value);
        if (st == BASE_EARG) st = BASE_OK;
        BASE_TRY(st);
        c->value[d] = e.value;
        c->value[draws + d] = isnan(e.lo) ? 0 : e.value - e.lo;
        c->value[2 * draws + d] = isnan(e.hi) ? 0 : e.hi - e.value;
        n = e.n;
        done++;
    }
    if (*works) *out = (MiaCurvePoint){take * c->each, done, join(c->value, draws, done, n)};
out:
    base_free(place);
    return st;
}

BaseStatus mia_curve(const MiaAttack *attack, const MiaInput *input, const void *params, int64_t draws,
                     const char **what, MiaCurvePoint *curve, int *count)
{
    BaseStatus st = BASE_OK;
    bool shadows = (attack->needs & MIA_NEEDS_SHADOW) != 0;
    Curve c = {.attack = attack, .in = input, .params = params, .shadows = shadows, .part = *input, .each = 1};
    const char *number = shadows ? NULL : attack->curve;
    c.part.shadow_logits = c.part.shadow_population_logits = c.part.unlearned_logits = c.part.retrained_logits = NULL;
    c.part.shadow_keep = c.part.unlearned_keep = NULL;
    c.part.unlearned_pair = c.part.retrained_pair = NULL;
    *what = NULL;
    *count = 0;
    if (!shadows && !number) return BASE_OK;
    BASE_CHECK(draws > 0, BASE_EARG, "a curve over %lld selections: at least one is needed", (long long)draws);
    BASE_TRY(mia_input_check(input, attack->needs));
    *what = number ? number : "AUC";
    if (shadows && complements(input)) c.each = 2;
    c.units = shadows ? input->S / c.each : input->U < input->R ? input->U : input->R;
    BASE_TRY(BASE_ALLOC(draws * c.units, &c.taken));
    BASE_TRY(BASE_ALLOC(3 * draws, &c.value));
    for (int64_t take = c.each == 2 ? 1 : 2; c.units > 0 && *count < MIA_CURVE_POINTS; take *= 2) {
        bool works;
        if (take > c.units) take = c.units;
        BASE_TRY(do_size(&c, take, draws, number, &curve[*count], &works));
        *count += works;
        if (take == c.units) break;
    }
out:
    if (st != BASE_OK) *count = 0;
    base_free(c.taken);
    base_free(c.value);
    part_free(&c.part);
    return st;
}
