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
#include "math/clusters.h"
#include "mia/models/models.h"
#include "mia/models/relabel.h"

typedef enum { SMOOTHED, BOUND, PUBLISHED } Estimate;
static const char *const ESTIMATES[] = {"smoothed", "bound", "published", NULL};
static const double LAST_BIN = 6, BIN = 0.5;

typedef struct {
    double delta, alpha;
    int64_t estimate, signal, draws;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, delta, 1e-5, 0, 0.5, "delta of (epsilon, delta)-unlearning"),
    BASE_PARAM_F64(Params, alpha, 0.05, 1e-9, 0.5, "error probability of the bound, and of the ceiling"),
    BASE_PARAM_CHOICE(Params, estimate, SMOOTHED, ESTIMATES,
                      "epsilon from error rates: smoothed; a bound that holds; or as published, defect included"),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "exact phi, or phi as in the code named"),
    MIA_RELABEL_PARAM(Params),
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

/* epsilon by the counts of both errors among the models that choose: *table [U + 1, R + 1], misses first. */
static BaseStatus epsilon_table(const Params *p, int64_t U, int64_t R, double **table)
{
    BaseStatus st = BASE_ALLOC_RAW((U + 1) * (R + 1), table);
    for (int64_t misses = 0; st == BASE_OK && misses <= U; misses++)
        for (int64_t alarms = 0; alarms <= R; alarms++)
            (*table)[misses * (R + 1) + alarms] =
                p->estimate == PUBLISHED
                    ? epsilon_published((double)alarms / (double)R, (double)misses / (double)U, p->delta)
                    : epsilon_of(((double)alarms + 0.5) / ((double)R + 1), ((double)misses + 0.5) / ((double)U + 1),
                                 p->delta);
    return st;
}

/* The best threshold on sorted u [U], r [R]. */
static Best best_threshold(const double *u, int64_t U, const double *r, int64_t R, const Params *p, const double *table)
{
    Best best = {0, -INFINITY, true};
    int64_t i = 0, j = 0;
    while (i < U || j < R) {
        double t = j == R || (i < U && u[i] <= r[j]) ? u[i] : r[j];
        while (i < U && u[i] <= t) i++;
        while (j < R && r[j] <= t) j++;
        for (int above = 1; above >= (p->estimate == PUBLISHED ? 1 : 0); above--) {
            int64_t misses = above ? i : U - i, alarms = above ? R - j : j;
            double e = table[misses * (R + 1) + alarms];
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
    const MiaInput *in;
    const Params *p;
    MiaRole role;            /* of the points asked about */
    double *phi;             /* [N, U + R] */
    double *table, *asked;   /* of epsilon_table; [N] */
    double *spare;           /* [U + R] */
    int64_t *model;          /* [U + R] 0, 1, .. */
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

static double bound(const Params *p, int64_t U, int64_t R, Work *w)
{
    int64_t u = split(w->u, U, w->spare), r = split(w->r, R, w->spare), misses = 0, alarms = 0;
    qsort(w->u, (size_t)u, sizeof *w->u, base_ascending_f64);
    qsort(w->r, (size_t)r, sizeof *w->r, base_ascending_f64);
    Best best = best_threshold(w->u, u, w->r, r, p, w->table);
    for (int64_t k = u; k < U; k++) misses += (w->u[k] > best.threshold) != best.above;
    for (int64_t k = r; k < R; k++) alarms += (w->r[k] > best.threshold) == best.above;
    return epsilon_of(w->alarms[alarms], w->misses[misses], p->delta);
}

/* @p model [U + R]: the first U are called unlearned. */
static double point_epsilon(Work *w, int64_t i, const int64_t *model)
{
    const Params *p = w->p;
    int64_t U = w->in->U, R = w->in->R;
    const double *phi = w->phi + i * (U + R);
    for (int64_t m = 0; m < U; m++) w->u[m] = phi[model[m]];
    for (int64_t m = 0; m < R; m++) w->r[m] = phi[model[U + m]];
    if (p->estimate == BOUND) return bound(p, U, R, w);
    qsort(w->u, (size_t)U, sizeof *w->u, base_ascending_f64);
    qsort(w->r, (size_t)R, sizeof *w->r, base_ascending_f64);
    return best_threshold(w->u, U, w->r, R, p, w->table).value;
}

/* 2 / 2^n for epsilon in the n-th bin. */
static double quality(double epsilon)
{
    double n = epsilon >= LAST_BIN ? LAST_BIN / BIN + 1 : floor(epsilon / BIN) + 1;
    return exp2(1 - n);
}

enum { QUALITY, MEDIAN, MOST, NUMBERS };

/* Of w->asked [n], which is sorted. */
static void summary(Work *w, int64_t n, double *number)
{
    qsort(w->asked, (size_t)n, sizeof *w->asked, base_ascending_f64);
    number[QUALITY] = 0;
    for (int64_t k = 0; k < n; k++) number[QUALITY] += quality(w->asked[k]) / (double)n;
    number[MEDIAN] = math_stats_quantile(w->asked, n, 0.5);
    number[MOST] = w->asked[n - 1];
}

static void relabelled(void *user, const int64_t *model, double *number)
{
    Work *w = user;
    int64_t n = 0;
    for (int64_t i = 0; i < w->in->N; i++)
        if (w->in->role[i] == w->role) w->asked[n++] = point_epsilon(w, i, model);
    summary(w, n, number);
}

/* Over the points asked about, and what models with exchanged labels would get. */
static BaseStatus summarise(Work *w, MiaScores *out, double *number)
{
    BaseStatus st = BASE_OK;
    int32_t *cluster = NULL;
    MathEstimate mean;
    int64_t n = 0;
    for (int64_t i = 0; i < w->in->N; i++)
        if (w->in->role[i] == w->role) w->asked[n++] = quality(out->score[i]);
    BASE_TRY(mia_input_clusters(w->in, w->role, &cluster));
    BASE_TRY(math_clusters_mean(w->asked, cluster, n, 0.95, &mean));
    mia_scores_add(out, "forgetting_quality", mean);
    n = 0;
    for (int64_t i = 0; i < w->in->N; i++)
        if (w->in->role[i] == w->role) w->asked[n++] = out->score[i];
    summary(w, n, number);
    mia_scores_add(out, "epsilon_median", math_estimate(number[MEDIAN], n));
    mia_scores_add(out, "epsilon_most", math_estimate(number[MOST], n));
    const MiaRelabelled numbers[NUMBERS] = {{"forgetting_quality", number[QUALITY], -1},
                                            {"epsilon_median", number[MEDIAN], 1},
                                            {"epsilon_most", number[MOST], 1}};
    BASE_TRY(mia_models_relabel(w->in, w->p->draws, numbers, NUMBERS, relabelled, w, out));
out:
    base_free(cluster);
    return st;
}

static void work_free(Work *w)
{
    base_free(w->phi);
    base_free(w->table);
    base_free(w->asked);
    base_free(w->spare);
    base_free(w->model);
    base_free(w->u);
    base_free(w->r);
    base_free(w->misses);
    base_free(w->alarms);
}

static BaseStatus work_fill(Work *w)
{
    BaseStatus st = BASE_OK;
    const MiaInput *in = w->in;
    const Params *p = w->p;
    int64_t U = in->U, R = in->R, M = U + R;
    double *unlearned = NULL, *retrained = NULL;
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, U, MIA_SIGNAL_PHI, (MiaSignalMode)p->signal, &unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, R, MIA_SIGNAL_PHI, (MiaSignalMode)p->signal, &retrained));
    BASE_TRY(BASE_ALLOC_RAW(in->N * M, &w->phi));
    BASE_TRY(BASE_ALLOC_RAW(in->N, &w->asked));
    BASE_TRY(BASE_ALLOC_RAW(M, &w->spare));
    BASE_TRY(BASE_ALLOC_RAW(M, &w->model));
    BASE_TRY(BASE_ALLOC_RAW(U, &w->u));
    BASE_TRY(BASE_ALLOC_RAW(R, &w->r));
    BASE_TRY(epsilon_table(p, p->estimate == BOUND ? U - U / 2 : U, p->estimate == BOUND ? R - R / 2 : R, &w->table));
    BASE_TRY(upper_table(w->judge_u, p->alpha / 2, &w->misses));
    BASE_TRY(upper_table(w->judge_r, p->alpha / 2, &w->alarms));
    for (int64_t m = 0; m < M; m++) {
        w->model[m] = m;
        const double *from = m < U ? unlearned + m * in->N : retrained + (m - U) * in->N;
        for (int64_t i = 0; i < in->N; i++) w->phi[i * M + m] = from[i];
    }
out:
    base_free(unlearned);
    base_free(retrained);
    return st;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    int64_t asked, U = in->U, R = in->R;
    double number[NUMBERS];
    Work w = {.in = in,
              .p = p,
              .role = mia_models_asked(in, &asked),
              .judge_u = p->estimate == BOUND ? U / 2 : U,
              .judge_r = p->estimate == BOUND ? R / 2 : R};
    BASE_CHECK(U >= 2 && R >= 2, BASE_EARG, "%lld unlearned and %lld retrained models; at least 2 of each are needed",
               (long long)U, (long long)R);
    BASE_TRY(work_fill(&w));
    for (int64_t i = 0; i < in->N; i++) out->score[i] = point_epsilon(&w, i, w.model);
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    BASE_TRY(summarise(&w, out, number));
    double ceiling = epsilon_of(w.alarms[0], w.misses[0], p->delta);
    mia_scores_add(out, "epsilon_ceiling", math_estimate(ceiling, U + R));
    snprintf(out->notes, sizeof out->notes,
             "epsilon per point, %s, delta = %.3g, from %lld unlearned and %lld retrained models; the target is not "
             "used; with this many models no epsilon above %.2f can be shown at %.3g%%, even by a faultless attack%s",
             ESTIMATES[p->estimate], p->delta, (long long)U, (long long)R, ceiling, 100 * (1 - p->alpha),
             number[MEDIAN] > ceiling
                 ? ": epsilon_median and epsilon_most lie above it, and are estimates without proof"
             : number[MOST] > ceiling ? ": epsilon_most lies above it, and is an estimate without proof"
                                      : "");
out:
    work_free(&w);
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
