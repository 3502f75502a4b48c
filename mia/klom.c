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
#include "mia/models/models.h"

enum { MOST_BINS = 1000 };
typedef enum { UNLEARNED_RETRAINED, RETRAINED_UNLEARNED } Direction;
static const char *const DIRECTIONS[] = {"unlearned_retrained", "retrained_unlearned", NULL};
typedef enum { NONE, PUBLISHED } Compat;
static const char *const COMPATS[] = {"none", "published", NULL};

typedef struct {
    int64_t bins, direction, compat;
    double clip, floor;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_I64(Params, bins, 20, 2, MOST_BINS, "number of equal bins over all margins"),
    BASE_PARAM_F64(Params, clip, 100, 1e-6, 1e9, "largest margin; larger ones are cut to it"),
    BASE_PARAM_F64(Params, floor, 1e-5, 1e-300, 1, "smallest share of q in bins where p is not 0"),
    BASE_PARAM_CHOICE(Params, direction, UNLEARNED_RETRAINED, DIRECTIONS, "order of KL(first || second)"),
    BASE_PARAM_CHOICE(Params, compat, NONE, COMPATS,
                      "published: the largest margins of a point are dropped, and q is scaled to sum to 1"),
};

static double cut(double x, double clip) { return fmin(fmax(x, -clip), clip); }

/* Shares of the bins among the values that have one; *lost: no value had one. @p x [M] with stride @p stride. */
static void shares(const double *x, int64_t M, int64_t stride, const Params *p, double lo, double hi, double *share,
                   bool *lost)
{
    int64_t kept = 0;
    for (int64_t b = 0; b < p->bins; b++) share[b] = 0;
    for (int64_t m = 0; m < M; m++) {
        double v = cut(x[m * stride], p->clip);
        int64_t bin = (int64_t)((v - lo) / (hi - lo) * (double)p->bins);
        if (v >= hi) {
            if (p->compat == PUBLISHED) continue;
            bin = p->bins - 1;
        } else if (bin > p->bins - 1) {
            bin = p->bins - 1; /* the quotient rounded up */
        }
        share[bin]++;
        kept++;
    }
    *lost = kept == 0;
    for (int64_t b = 0; b < p->bins && kept; b++) share[b] /= (double)kept;
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

/* Mean, median and 95% quantile over the points asked about; @p x has room for them. */
static void summarise(const MiaInput *in, MiaRole role, double *x, MiaScores *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < in->N; i++)
        if (in->role[i] == role) x[n++] = out->score[i];
    mia_scores_add(out, "klom_mean", math_stats_mean(x, n, 0.95, NULL));
    qsort(x, (size_t)n, sizeof *x, base_ascending_f64);
    mia_scores_add(out, "klom_median", math_estimate(math_stats_quantile(x, n, 0.5), n));
    mia_scores_add(out, "klom_95_percent", math_estimate(math_stats_quantile(x, n, 0.95), n));
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    double *unlearned = NULL, *retrained = NULL, *share = NULL, *asked_scores = NULL;
    int64_t lost = 0, asked;
    MiaRole role = mia_models_asked(in, &asked);
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, in->U, MIA_SIGNAL_PHI, MIA_SIGNAL_EXACT, &unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, in->R, MIA_SIGNAL_PHI, MIA_SIGNAL_EXACT, &retrained));
    BASE_TRY(BASE_ALLOC_RAW(2 * p->bins, &share));
    BASE_TRY(BASE_ALLOC_RAW(in->N, &asked_scores));
    for (int64_t i = 0; i < in->N; i++) {
        double lo = INFINITY, hi = -INFINITY;
        for (int64_t m = 0; m < in->U + in->R; m++) {
            double v = cut(m < in->U ? unlearned[m * in->N + i] : retrained[(m - in->U) * in->N + i], p->clip);
            lo = fmin(lo, v);
            hi = fmax(hi, v);
        }
        if (!(hi > lo)) hi = lo + 1;
        bool none[2];
        shares(unlearned + i, in->U, in->N, p, lo, hi, share, &none[0]);
        shares(retrained + i, in->R, in->N, p, lo, hi, share + p->bins, &none[1]);
        bool reverse = p->direction == RETRAINED_UNLEARNED;
        out->score[i] = divergence(share + (reverse ? p->bins : 0), share + (reverse ? 0 : p->bins), p);
        lost += none[0] || none[1];
    }
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    summarise(in, role, asked_scores, out);
    int used = snprintf(out->notes, sizeof out->notes,
                        "KL divergence between the histograms of %lld unlearned and %lld retrained models' margins, "
                        "%s; the target is not used; klom_... over %lld points",
                        (long long)in->U, (long long)in->R, DIRECTIONS[p->direction], (long long)asked);
    if (lost)
        snprintf(out->notes + used, sizeof out->notes - (size_t)used,
                 "; %lld points lost all margins of a group with the largest, so their scores are arbitrary",
                 (long long)lost);
out:
    base_free(unlearned);
    base_free(retrained);
    base_free(share);
    base_free(asked_scores);
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
