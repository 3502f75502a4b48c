/* mia/klom.c - KLoM, the KL divergence of margins (data-unlearning-bench): per point, with its margins phi under U
 * unlearned and R retrained models clipped to +-clip and counted in `bins` equal bins over their joint range,
 *     score(x) = sum over bins with p > 0 of p log(p / max(q, floor)),      p: unlearned, q: retrained
 * (`direction` exchanges p and q). 0 where both look the same; no model is judged alone. It grows with the number of
 * bins and falls with the number of models even where nothing was left: compare only equal U, R and bins.
 * compat published: that code puts a point's largest margins into a bin after the
 * last, and so drops them; and scipy.stats.entropy, which it calls, divides max(q, floor) by its sum, which the floor
 * has taken above 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/clusters.h"
#include "mia/models/models.h"
#include "mia/models/relabel.h"

enum { MOST_BINS = 1000 };
typedef enum { UNLEARNED_RETRAINED, RETRAINED_UNLEARNED } Direction;
static const char *const DIRECTIONS[] = {"unlearned_retrained", "retrained_unlearned", NULL};
typedef enum { NONE, PUBLISHED } Compat;
static const char *const COMPATS[] = {"none", "published", NULL};

typedef struct {
    int64_t bins, direction, compat, draws;
    double clip, floor;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_I64(Params, bins, 20, 2, MOST_BINS, "number of equal bins over all margins"),
    BASE_PARAM_F64(Params, clip, 100, 1e-6, 1e9, "largest margin; larger ones are cut to it"),
    BASE_PARAM_F64(Params, floor, 1e-5, 1e-300, 1, "smallest share of q in bins where p is not 0"),
    BASE_PARAM_CHOICE(Params, direction, UNLEARNED_RETRAINED, DIRECTIONS, "order of KL(first || second)"),
    BASE_PARAM_CHOICE(Params, compat, NONE, COMPATS,
                      "published: the largest margins of a point are dropped, and q is scaled to sum to 1"),
    MIA_RELABEL_PARAM(Params),
};

static double cut(double x, double clip) { return fmin(fmax(x, -clip), clip); }

/* The bin of one margin; -1: it is dropped. */
static int16_t bin_of(double v, const Params *p, double lo, double hi)
{
    int64_t bin = (int64_t)((v - lo) / (hi - lo) * (double)p->bins);
    if (v >= hi && p->compat == PUBLISHED) return -1;
    return (int16_t)base_smaller(bin, p->bins - 1); /* the largest, and quotients that were rounded up */
}

/* Shares of the bins among the models' margins that have one; *lost: none had one. @p bin of the point's models. */
static void shares(const int16_t *bin, const int64_t *model, int64_t M, int64_t bins, double *share, bool *lost)
{
    int64_t kept = 0;
    for (int64_t b = 0; b < bins; b++) share[b] = 0;
    for (int64_t m = 0; m < M; m++) {
        if (bin[model[m]] < 0) continue;
        share[bin[model[m]]]++;
        kept++;
    }
    *lost = kept == 0;
    for (int64_t b = 0; b < bins && kept; b++) share[b] /= (double)kept;
}

static double divergence(const double *p, const double *q, const Params *how)
{
    double sum = 0, all = 0;
    for (int64_t b = 0; b < how->bins; b++) {
        double least = p[b] > 0 ? fmax(q[b], how->floor) : q[b];
        if (p[b] > 0) sum += p[b] * log(p[b] / least);
        all += least;
    }
    return how->compat == PUBLISHED && all > 0 ? sum + log(all) : sum;
}

/* Each point's margins are counted once: exchanging labels moves no bin. */
typedef struct {
    const MiaInput *in;
    const Params *p;
    MiaRole role;   /* of the points asked about */
    int16_t *bin;   /* [N, U + R] */
    double *share;  /* [2, bins] */
    double *asked;  /* [N] */
    int64_t *model; /* [U + R] 0, 1, .. */
} Work;

static void work_free(Work *w)
{
    base_free(w->bin);
    base_free(w->share);
    base_free(w->asked);
    base_free(w->model);
}

static BaseStatus work_fill(const MiaInput *in, const Params *p, Work *w)
{
    BaseStatus st = BASE_OK;
    double *unlearned = NULL, *retrained = NULL;
    int64_t M = in->U + in->R;
    BASE_TRY(BASE_ALLOC_RAW(in->N * M, &w->bin));
    BASE_TRY(BASE_ALLOC_RAW(2 * p->bins, &w->share));
    BASE_TRY(BASE_ALLOC_RAW(in->N, &w->asked));
    BASE_TRY(BASE_ALLOC_RAW(M, &w->model));
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, in->U, MIA_SIGNAL_PHI, MIA_SIGNAL_EXACT, &unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, in->R, MIA_SIGNAL_PHI, MIA_SIGNAL_EXACT, &retrained));
    for (int64_t m = 0; m < M; m++) w->model[m] = m;
    for (int64_t i = 0; i < in->N; i++) {
        double lo = INFINITY, hi = -INFINITY;
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t m = 0; m < M; m++) {
                double v = cut(m < in->U ? unlearned[m * in->N + i] : retrained[(m - in->U) * in->N + i], p->clip);
                lo = fmin(lo, v);
                hi = fmax(hi, v);
                if (pass == 1) w->bin[i * M + m] = bin_of(v, p, lo, hi);
            }
            if (!(hi > lo)) hi = lo + 1;
        }
    }
out:
    base_free(unlearned);
    base_free(retrained);
    return st;
}

static double point_klom(const Work *w, int64_t i, const int64_t *model, bool *lost)
{
    const Params *p = w->p;
    int64_t U = w->in->U, R = w->in->R;
    bool none[2], reverse = p->direction == RETRAINED_UNLEARNED;
    const int16_t *bin = w->bin + i * (U + R);
    shares(bin, model, U, p->bins, w->share, &none[0]);
    shares(bin, model + U, R, p->bins, w->share + p->bins, &none[1]);
    *lost = none[0] || none[1];
    return divergence(w->share + (reverse ? p->bins : 0), w->share + (reverse ? 0 : p->bins), p);
}

enum { MEAN, MEDIAN, HIGH, NUMBERS };

/* Mean, median and 95% quantile of w->asked [n], which is sorted. */
static void summary(Work *w, int64_t n, double *number)
{
    number[MEAN] = 0;
    for (int64_t k = 0; k < n; k++) number[MEAN] += w->asked[k] / (double)n;
    qsort(w->asked, (size_t)n, sizeof *w->asked, base_ascending_f64);
    number[MEDIAN] = math_stats_quantile(w->asked, n, 0.5);
    number[HIGH] = math_stats_quantile(w->asked, n, 0.95);
}

static void relabelled(void *user, const int64_t *model, double *number)
{
    Work *w = user;
    int64_t n = 0;
    bool lost;
    for (int64_t i = 0; i < w->in->N; i++)
        if (w->in->role[i] == w->role) w->asked[n++] = point_klom(w, i, model, &lost);
    summary(w, n, number);
}

/* Over the points asked about, and what models with exchanged labels would get. */
static BaseStatus summarise(Work *w, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    int32_t *cluster = NULL;
    MathEstimate mean;
    double number[NUMBERS];
    int64_t n = 0;
    for (int64_t i = 0; i < w->in->N; i++)
        if (w->in->role[i] == w->role) w->asked[n++] = out->score[i];
    BASE_TRY(mia_input_clusters(w->in, w->role, &cluster));
    BASE_TRY(math_clusters_mean(w->asked, cluster, n, 0.95, &mean));
    mia_scores_add(out, "klom_mean", mean);
    summary(w, n, number);
    mia_scores_add(out, "klom_median", math_estimate(number[MEDIAN], n));
    mia_scores_add(out, "klom_95_percent", math_estimate(number[HIGH], n));
    const MiaRelabelled numbers[NUMBERS] = {
        {"klom_mean", number[MEAN], 1}, {"klom_median", number[MEDIAN], 1}, {"klom_95_percent", number[HIGH], 1}};
    BASE_TRY(mia_models_relabel(w->in, w->p->draws, numbers, NUMBERS, relabelled, w, out));
out:
    base_free(cluster);
    return st;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    int64_t lost = 0, asked;
    Work w = {.in = in, .p = p, .role = mia_models_asked(in, &asked)};
    BASE_TRY(work_fill(in, p, &w));
    for (int64_t i = 0; i < in->N; i++) {
        bool none;
        out->score[i] = point_klom(&w, i, w.model, &none);
        lost += none;
    }
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    BASE_TRY(summarise(&w, out));
    int used = snprintf(out->notes, sizeof out->notes,
                        "KL divergence between the histograms of %lld unlearned and %lld retrained models' margins, "
                        "%s; the target is not used; klom_... over %lld points",
                        (long long)in->U, (long long)in->R, DIRECTIONS[p->direction], (long long)asked);
    if (lost)
        snprintf(out->notes + used, sizeof out->notes - (size_t)used,
                 "; %lld points lost all margins of a group with the largest, so their scores are arbitrary",
                 (long long)lost);
out:
    work_free(&w);
    return st;
}

const MiaAttack mia_klom = {
    .entry = BASE_ENTRY("klom", "KL divergence of margins between unlearned and retrained models, per point",
                        "KLoM, code of data-unlearning-bench", Params, PARAMS),
    .needs = MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED | MIA_WITHOUT_ROLES,
    .in_auto = true,
    .sets =
        "member: trained on, then unlearned; non-member: never trained on; audited: the forgotten points; the score "
        "says how far unlearned and retrained models are apart on a point",
    .score = score,
};
