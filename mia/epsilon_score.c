/* mia/epsilon_score.c - per-point epsilon of the NeurIPS 2023 unlearning challenge (the organisers' metric): for each
 * point, over attacks that tell its phi under U unlearned from that under R retrained models by one threshold,
 *     epsilon = max over attacks of max(log(1 - delta - FPR) - log FNR, log(1 - delta - FNR) - log FPR), at least 0,
 * and forgetting_quality F = mean of 2 / 2^n, where epsilon lies in the n-th of bins 0.5 wide, the 13th open-ended.
 * estimate:
 *   - smoothed: rates (k + 1/2) / (n + 1), both directions of the threshold;
 *   - bound: a lower bound at level 1 - alpha per point. Threshold and direction are chosen on every other model, the
 *     rates bounded on the rest (Clopper-Pearson, alpha / 2 each);
 *   - published: raw rates, "above is unlearned" only. An attack with just one of FPR and FNR at 0 is DISCARDED, which
 *     hides nearly perfect ones; both 0 is infinite, written as 6, where the published bins end.
 *
 * epsilon_ceiling: what these intervals give all models with no errors; nothing above it can be shown with so many
 * (`bound` judges on half of them, and has that half's ceiling).
 * The challenge also runs trained attacks on each point; a threshold is all that one number and few models carry. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "mia/models/models.h"

typedef enum { SMOOTHED, BOUND, PUBLISHED } Estimate;
static const char *const ESTIMATES[] = {"smoothed", "bound", "published", NULL};
static const double LAST_BIN = 6, BIN = 0.5;

typedef struct {
    double delta, alpha;
    int64_t estimate, signal;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, delta, 1e-5, 0, 0.5, "delta of (epsilon, delta)-unlearning"),
    BASE_PARAM_F64(Params, alpha, 0.05, 1e-9, 0.5, "error probability of the bound, and of the ceiling"),
    BASE_PARAM_CHOICE(Params, estimate, SMOOTHED, ESTIMATES,
                      "epsilon from error rates: smoothed; a bound that holds; or as published, defect included"),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "exact phi, or phi as in the code named"),
};

static double epsilon_of(double fpr, double fnr, double delta)
{
    double one = fpr < 1 - delta ? log(1 - delta - fpr) - log(fnr) : -INFINITY;
    double two = fnr < 1 - delta ? log(1 - delta - fnr) - log(fpr) : -INFINITY;
    return fmax(0, fmax(one, two));
}

static double epsilon_published(double fpr, double fnr, double delta)
{
    bool undefined = fpr > 1 - delta && fnr > 1 - delta; /* both logarithms NaN: counted as infinite there */
    if ((fpr == 0 && fnr == 0) || undefined) return LAST_BIN;
    if (fpr == 0 || fnr == 0) return 0;
    return fmin(LAST_BIN, epsilon_of(fpr, fnr, delta));
}

typedef struct {
    double value, threshold;
    bool above; /* unlearned: above the threshold */
} Best;

/* The best threshold on sorted u [U], r [R]. */
static Best best_threshold(const double *u, int64_t U, const double *r, int64_t R, const Params *p)
{
    Best best = {0, -INFINITY, true};
    int64_t i = 0, j = 0;
    while (i < U || j < R) {
        double t = j == R || (i < U && u[i] <= r[j]) ? u[i] : r[j];
        while (i < U && u[i] <= t) i++;
        while (j < R && r[j] <= t) j++;
        for (int above = 1; above >= (p->estimate == PUBLISHED ? 1 : 0); above--) {
            int64_t misses = above ? i : U - i, alarms = above ? R - j : j;
            double e = p->estimate == PUBLISHED
                           ? epsilon_published((double)alarms / (double)R, (double)misses / (double)U, p->delta)
                           : epsilon_of(((double)alarms + 0.5) / ((double)R + 1),
                                        ((double)misses + 0.5) / ((double)U + 1), p->delta);
            double next = i < U && (j == R || u[i] <= r[j]) ? u[i] : j < R ? r[j] : t;
            if (e > best.value) best = (Best){e, t + (next - t) / 2, above};
        }
    }
    return best;
}

/* Upper Clopper-Pearson bounds of k of n for every k: *table [n + 1], owned by the caller. */
static BaseStatus upper_table(int64_t n, double alpha, double **table)
{
    BaseStatus st = BASE_ALLOC_RAW(n + 1, table);
    for (int64_t k = 0; st == BASE_OK && k <= n; k++) (*table)[k] = math_stats_share_upper(k, n, alpha);
    return st;
}

typedef struct {
    double *u, *r;           /* [U], [R] of one point */
    double *misses, *alarms; /* upper bounds by count: of the models that the bound is computed on */
    int64_t judge_u, judge_r;
} Work;

/* Values with an even index choose, those with an odd one judge. x [n] -> even ones first; returns how many. */
static int64_t split(double *x, int64_t n, double *spare)
{
    int64_t even = 0, odd = 0;
    for (int64_t k = 0; k < n; k++) {
        if (k % 2)
            spare[odd++] = x[k];
        else
            x[even++] = x[k];
    }
    for (int64_t k = 0; k < odd; k++) x[even + k] = spare[k];
    return even;
}

static double bound(const Params *p, int64_t U, int64_t R, Work *w, double *spare)
{
    int64_t u = split(w->u, U, spare), r = split(w->r, R, spare), misses = 0, alarms = 0;
    qsort(w->u, (size_t)u, sizeof *w->u, base_ascending_f64);
    qsort(w->r, (size_t)r, sizeof *w->r, base_ascending_f64);
    Best best = best_threshold(w->u, u, w->r, r, p);
    for (int64_t k = u; k < U; k++) misses += (w->u[k] > best.threshold) != best.above;
    for (int64_t k = r; k < R; k++) alarms += (w->r[k] > best.threshold) == best.above;
    return epsilon_of(w->alarms[alarms], w->misses[misses], p->delta);
}

static double point_epsilon(const Params *p, int64_t U, int64_t R, Work *w, double *spare)
{
    if (p->estimate == BOUND) return bound(p, U, R, w, spare);
    qsort(w->u, (size_t)U, sizeof *w->u, base_ascending_f64);
    qsort(w->r, (size_t)R, sizeof *w->r, base_ascending_f64);
    return best_threshold(w->u, U, w->r, R, p).value;
}

/* 2 / 2^n for epsilon in the n-th bin. */
static double quality(double epsilon)
{
    double n = epsilon >= LAST_BIN ? LAST_BIN / BIN + 1 : floor(epsilon / BIN) + 1;
    return exp2(1 - n);
}

/* Over the points asked about; @p x has room for them. */
static void summarise(const MiaInput *in, MiaRole role, double *x, MiaScores *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < in->N; i++)
        if (in->role[i] == role) x[n++] = quality(out->score[i]);
    mia_scores_add(out, "forgetting_quality", math_stats_mean(x, n, 0.95, NULL));
    n = 0;
    for (int64_t i = 0; i < in->N; i++)
        if (in->role[i] == role) x[n++] = out->score[i];
    qsort(x, (size_t)n, sizeof *x, base_ascending_f64);
    mia_scores_add(out, "epsilon_median", math_estimate(math_stats_quantile(x, n, 0.5), n));
    mia_scores_add(out, "epsilon_most", math_estimate(x[n - 1], n));
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    double *unlearned = NULL, *retrained = NULL, *spare = NULL, *asked_scores = NULL;
    int64_t asked, U = in->U, R = in->R;
    MiaRole role = mia_models_asked(in, &asked);
    Work w = {.judge_u = p->estimate == BOUND ? U / 2 : U, .judge_r = p->estimate == BOUND ? R / 2 : R};
    BASE_CHECK(U >= 2 && R >= 2, BASE_EARG, "%lld unlearned and %lld retrained models; at least 2 of each are needed",
               (long long)U, (long long)R);
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, U, MIA_SIGNAL_PHI, (MiaSignalMode)p->signal, &unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, R, MIA_SIGNAL_PHI, (MiaSignalMode)p->signal, &retrained));
    BASE_TRY(BASE_ALLOC_RAW(U, &w.u));
    BASE_TRY(BASE_ALLOC_RAW(R, &w.r));
    BASE_TRY(BASE_ALLOC_RAW(U + R, &spare));
    BASE_TRY(BASE_ALLOC_RAW(in->N, &asked_scores));
    BASE_TRY(upper_table(w.judge_u, p->alpha / 2, &w.misses));
    BASE_TRY(upper_table(w.judge_r, p->alpha / 2, &w.alarms));
    for (int64_t i = 0; i < in->N; i++) {
        for (int64_t m = 0; m < U; m++) w.u[m] = unlearned[m * in->N + i];
        for (int64_t m = 0; m < R; m++) w.r[m] = retrained[m * in->N + i];
        out->score[i] = point_epsilon(p, U, R, &w, spare);
    }
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    summarise(in, role, asked_scores, out);
    double ceiling = epsilon_of(w.alarms[0], w.misses[0], p->delta);
    mia_scores_add(out, "epsilon_ceiling", math_estimate(ceiling, U + R));
    snprintf(out->notes, sizeof out->notes,
             "epsilon per point, %s, delta = %.3g, from %lld unlearned and %lld retrained models; the target is not "
             "used; with this many models no epsilon above %.2f can be shown at %.3g%%, even by a faultless attack",
             ESTIMATES[p->estimate], p->delta, (long long)U, (long long)R, ceiling, 100 * (1 - p->alpha));
out:
    base_free(unlearned);
    base_free(retrained);
    base_free(w.u);
    base_free(w.r);
    base_free(w.misses);
    base_free(w.alarms);
    base_free(spare);
    base_free(asked_scores);
    return st;
}

const MiaAttack mia_epsilon_score = {
    .entry =
        BASE_ENTRY("epsilon_score", "epsilon per point between unlearned and retrained models, and a score from it",
                   "NeurIPS 2023 unlearning challenge, metric of its organisers", Params, PARAMS),
    .needs = MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED | MIA_WITHOUT_ROLES,
    .in_auto = true,
    .sets =
        "member: trained on, then unlearned; non-member: never trained on; audited: the forgotten points; the score "
        "says how well unlearned and retrained models are distinguished on a point",
    .score = score,
};
