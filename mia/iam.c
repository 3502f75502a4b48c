/* mia/iam.c - IAM (interpolated approximate measurement, USENIX Security 2025; its public iam_score.py): how far did
 * unlearning get on the way from the original to a model that never saw the point? With the signal phi of a point, o
 * under the original, s_m under the M shadow models that were not trained on it (keep = 0), and u under the target,
 *     score = sum_a a F_a(u) / sum_a a,     F_a: distribution of s_m + a (o - s_m),     a on a grid of `steps` in (0, 1),
 * about 1 where the target answers as the original does, about 0 where it answers as models that never saw the point; the
 * published score is 1 minus this. F_a is a Gumbel distribution of the largest value or a normal one, both by the mean and
 * standard deviation of the interpolated values, or their empirical one (parameter `distribution`); one shadow model is
 * enough.
 * As we read it: a at the middles of equal parts, so that no F_a is a step; the right-skewed Gumbel distribution; a
 * standard deviation per point only from 32 shadow models (ddof 1), else shared by all points (parameter `spread`).
 *
 * The score of a point knows whether the original knew it. So members and non-members are comparable only where the
 * original was trained on both: forgotten points, of which the members are those that it failed to forget. With held-out
 * points as non-members the AUC of a model that forgot everything is not 1/2: an audit has it compare models on the same
 * points. Retrained models are no shadow models in an audit: they are what the audited model is compared with, and a model
 * scored by the others and one scored by all are not alike. O(steps) or, empirical, O(steps M) a point. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "mia/models/models.h"

typedef enum { GUMBEL, NORMAL, EMPIRICAL } Distribution;
static const char *const DISTRIBUTIONS[] = {"gumbel", "normal", "empirical", NULL};
typedef enum { AUTO, PER_EXAMPLE, POOLED_WITHIN, OVER_POINTS } Spread;
static const char *const SPREADS[] = {"auto", "per_example", "pooled_within", "over_points", NULL};
enum { ENOUGH = 32 };

typedef struct {
    int64_t steps, distribution, spread, signal;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_I64(Params, steps, 100, 2, 100000, "number of interpolations between shadow models and original"),
    BASE_PARAM_CHOICE(Params, distribution, GUMBEL, DISTRIBUTIONS, "distribution of the interpolated signals"),
    BASE_PARAM_CHOICE(Params, spread, AUTO, SPREADS,
                      "spread of a point's signal over shadow models: of each point; pooled within points; over all "
                      "points; auto: the first from 32 models, else the second, or the third if no point has 2"),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "exact phi, or phi as in the code named"),
};

/* Mean and sum of squares about it, per point. */
typedef struct {
    int64_t n;
    double mean, squares;
} Out;

typedef struct {
    const MiaInput *in;
    double *shadow, *original, *target; /* phi [S, N], [N], [N] */
    Out *out;                           /* [N] */
    double within, over;                /* standard deviations that points share; NaN where there is none */
    int64_t fewest, most;
} World;

static void world_free(World *w)
{
    base_free(w->shadow);
    base_free(w->original);
    base_free(w->target);
    base_free(w->out);
}

static Out out_of(const World *w, int64_t i)
{
    const MiaInput *in = w->in;
    Out o = {0, 0, 0};
    for (int64_t s = 0; s < in->S; s++) {
        if (in->shadow_keep[s * in->N + i]) continue;
        o.n++;
        o.mean += w->shadow[s * in->N + i];
    }
    o.mean /= (double)o.n; /* none: refused */
    for (int64_t s = 0; s < in->S; s++)
        if (!in->shadow_keep[s * in->N + i]) o.squares += pow(w->shadow[s * in->N + i] - o.mean, 2);
    return o;
}

/* The shared standard deviations, both by Bessel's correction. */
static void share_spreads(World *w)
{
    double squares = 0, freedom = 0, all = 0, sum = 0;
    for (int64_t i = 0; i < w->in->N; i++) {
        squares += w->out[i].squares;
        freedom += (double)(w->out[i].n - 1);
        all += (double)w->out[i].n;
        sum += (double)w->out[i].n * w->out[i].mean;
    }
    w->within = freedom > 0 ? sqrt(squares / freedom) : NAN;
    for (int64_t i = 0; i < w->in->N; i++) squares += (double)w->out[i].n * pow(w->out[i].mean - sum / all, 2);
    w->over = all > 1 ? sqrt(squares / (all - 1)) : NAN;
}

static BaseStatus world_make(const MiaInput *in, MiaSignalMode mode, World *w)
{
    BaseStatus st = BASE_OK;
    *w = (World){.in = in, .fewest = in->S};
    BASE_TRY(mia_models_check_target(in, in->shadow_logits, in->S, "shadow"));
    BASE_TRY(mia_models_signal(in, in->shadow_logits, in->S, MIA_SIGNAL_PHI, mode, &w->shadow));
    BASE_TRY(mia_models_signal(in, in->original_logits, 1, MIA_SIGNAL_PHI, mode, &w->original));
    BASE_TRY(mia_models_signal(in, in->logits, 1, MIA_SIGNAL_PHI, mode, &w->target));
    BASE_TRY(BASE_ALLOC(in->N, &w->out));
    for (int64_t i = 0; i < in->N; i++) {
        w->out[i] = out_of(w, i);
        BASE_CHECK(w->out[i].n > 0, BASE_EARG,
                   "point %lld was trained on by all %lld shadow models; one that was not (keep = 0) is needed for "
                   "every point",
                   (long long)i, (long long)in->S);
        if (w->out[i].n < w->fewest) w->fewest = w->out[i].n;
        if (w->out[i].n > w->most) w->most = w->out[i].n;
    }
    share_spreads(w);
out:
    return st;
}

/* Replaces AUTO by what it means here, or says what a choice lacks. */
static BaseStatus settle(const World *w, Spread *spread)
{
    BaseStatus st = BASE_OK;
    if (*spread == AUTO) *spread = w->fewest >= ENOUGH ? PER_EXAMPLE : w->most >= 2 ? POOLED_WITHIN : OVER_POINTS;
    BASE_CHECK(*spread != PER_EXAMPLE || w->fewest >= 2, BASE_EARG,
               "spread per_example needs 2 shadow models that were not trained on a point, and some point has %lld",
               (long long)w->fewest);
    BASE_CHECK(
        *spread != POOLED_WITHIN || w->most >= 2, BASE_EARG,
        "spread pooled_within needs a point with 2 shadow models that were not trained on it, and there is none");
out:
    return st;
}

/* F at @p z standard deviations from the mean: both have mean 0 and variance 1. */
static double cdf(Distribution d, double z)
{
    const double EULER = 0.57721566490153286;
    if (d == NORMAL) return erfc(-z / M_SQRT2) / 2;
    return exp(-exp(-(z * M_PI / sqrt(6) + EULER)));
}

static double share_below(const World *w, int64_t i, double a)
{
    const MiaInput *in = w->in;
    int64_t below = 0;
    for (int64_t s = 0; s < in->S; s++) {
        double x = w->shadow[s * in->N + i];
        if (!in->shadow_keep[s * in->N + i]) below += x + a * (w->original[i] - x) <= w->target[i];
    }
    return (double)below / (double)w->out[i].n;
}

static double score_of(const World *w, const Params *p, Spread spread, int64_t i)
{
    double sum = 0, all = 0, mean = w->out[i].mean;
    double sd = spread == PER_EXAMPLE     ? sqrt(w->out[i].squares / (double)(w->out[i].n - 1))
                : spread == POOLED_WITHIN ? w->within
                                          : w->over;
    for (int64_t k = 0; k < p->steps; k++) {
        double a = ((double)k + 0.5) / (double)p->steps;
        double z = (w->target[i] - mean - a * (w->original[i] - mean)) / ((1 - a) * sd + 1e-30);
        sum += a * (p->distribution == EMPIRICAL ? share_below(w, i, a) : cdf((Distribution)p->distribution, z));
        all += a;
    }
    return sum / all;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    Spread spread = (Spread)p->spread;
    double *left = NULL;
    int64_t asked, n = 0;
    MiaRole role = mia_models_asked(in, &asked);
    World w = {0};
    BASE_TRY(world_make(in, (MiaSignalMode)p->signal, &w));
    if (p->distribution != EMPIRICAL) BASE_TRY(settle(&w, &spread));
    BASE_TRY(BASE_ALLOC(asked, &left));
    for (int64_t i = 0; i < in->N; i++) {
        out->score[i] = score_of(&w, p, spread, i);
        if (in->role[i] == role) left[n++] = 1 - out->score[i];
    }
    out->fitted = MIA_FITTED; /* the original was trained on the members */
    mia_scores_add(out, "completeness_mean", math_stats_mean(left, n, 0.95, NULL));
    snprintf(out->notes, sizeof out->notes,
             "%s%s%s, at least %lld shadow models that never saw a point; completeness (1 - score) over %lld points; "
             "comparable only between points that the original was trained on",
             DISTRIBUTIONS[p->distribution], p->distribution == EMPIRICAL ? "" : ", spread ",
             p->distribution == EMPIRICAL ? "" : SPREADS[spread], (long long)w.fewest, (long long)asked);
out:
    base_free(left);
    world_free(&w);
    return st;
}

/* Not in_auto: lira_offline, which needs no original, finds as much (tests/mia/test_iam.c), and each test costs the others
 * power. It is for those who have one shadow model, or ask how far unlearning got. */
const MiaAttack mia_iam = {
    .entry = BASE_ENTRY("iam", "where a point lies between models that never saw it and the original",
                        "IAM, USENIX Security 2025, and its public code", Params, PARAMS),
    .needs = MIA_NEEDS_SHADOW | MIA_NEEDS_ORIGINAL,
    .sets =
        "member: forgotten, but still there; non-member: truly forgotten; audited: the forgotten points; the original "
        "must have been trained on all of them, and some shadow model on none",
    .score = score,
};
