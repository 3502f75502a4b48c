/* mia/quantile.c - quantile regression (Bertran 2023): how high is the hinge z_y - max_{j != y} z_j for such a point,
 * among points that were not trained on? Member iff it is above the quantile 1 - fpr predicted from the point's
 * features. The paper regresses on the image with a second network; arrays only hold predictions, so here the features
 * are the class and the log probabilities of the other classes among themselves, which do not depend on z_y.
 *   head = gaussian: score (hinge - mu(x)) / sd(x), threshold the normal quantile 1 - fpr
 *   head = pinball:  score hinge - q_{1 - fpr}(x), threshold 0
 * It is fitted to the population, where there is one, else to the non-members, every point judged by a fit without
 * its fold and compared within it. No fit chooses on which side members lie, so that the AUCs of folds are hardly
 * correlated. realised_fpr says whether the predicted quantile holds: share of non-members above it. */
#include "base/order.h"
#include "mia/mia.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "math/clusters.h"
#include "mia/fit/classes.h"
#include "mia/fit/folds.h"
#include "mia/fit/quantile.h"
#include "mia/signal/signal.h"

typedef enum { BOTH, CLASS, OTHERS } Features;
static const char *const FEATURES[] = {"both", "class", "others", NULL};
typedef enum { GAUSSIAN, PINBALL } Head;
static const char *const HEADS[] = {"gaussian", "pinball", NULL};

typedef struct {
    double fpr, ridge;
    int64_t features, head, folds;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, fpr, 0.1, 1e-6, 0.999999, "false-positive rate at which a point is called a member"),
    BASE_PARAM_CHOICE(Params, head, GAUSSIAN, HEADS,
                      "regression target: mean and deviation of a normal, or one quantile"),
    BASE_PARAM_CHOICE(Params, features, BOTH, FEATURES,
                      "what the quantile depends on: the class, the other classes' log probabilities, or both"),
    BASE_PARAM_I64(Params, folds, 5, 2, 100, "number of folds, if the attack is fitted to non-members"),
    BASE_PARAM_F64(Params, ridge, 1e-6, 1e-12, 1e6, "ridge penalty, relative to the sum of squares of each column"),
};

static int64_t width(Features features, int64_t K) { return 1 + (features == BOTH ? 2 * K : K); }

typedef struct {
    const MiaInput *in;
    const Params *p;
    int64_t d;
    double *x, *value;     /* rows to fit to */
    double *a, *b, *point; /* [d] */
    int64_t *order;        /* [K] the class of each column */
    int32_t *fold;         /* [N] */
    double resolution;     /* of the last fit */
} Work;

/* 1, then one-hot y, then log p_j over j != y (0 at y). */
static void fill_row(const Work *w, const double *z, int32_t y, double *x)
{
    int64_t at = 1, K = w->in->K;
    *x = 1;
    if (w->p->features != OTHERS) {
        for (int64_t k = 0; k < K; k++) x[at++] = w->order[k] == y;
    }
    if (w->p->features == CLASS) return;
    double others = mia_signal_log_sum_exp(z, K, y);
    for (int64_t k = 0; k < K; k++) x[at++] = w->order[k] == y ? 0 : z[w->order[k]] - others;
}

static void work_free(Work *w)
{
    base_free(w->x);
    base_free(w->value);
    base_free(w->a);
    base_free(w->b);
    base_free(w->point);
    base_free(w->order);
    base_free(w->fold);
}

static BaseStatus work_alloc(Work *w, int64_t rows)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(rows * w->d, &w->x));
    BASE_TRY(BASE_ALLOC_RAW(rows, &w->value));
    BASE_TRY(BASE_ALLOC(w->d, &w->a));
    BASE_TRY(BASE_ALLOC(w->d, &w->b));
    BASE_TRY(BASE_ALLOC(w->d, &w->point));
    BASE_TRY(BASE_ALLOC_RAW(w->in->K, &w->order));
    BASE_TRY(BASE_ALLOC(w->in->N, &w->fold));
out:
    return st;
}

static void add_row(Work *w, int64_t at, const double *z, int32_t y)
{
    int64_t K = w->in->K;
    fill_row(w, z, y, w->x + at * w->d);
    w->value[at] = mia_signal_value(z, K, y, MIA_SIGNAL_HINGE, MIA_SIGNAL_EXACT);
}

static BaseStatus fit(Work *w, int64_t n)
{
    MiaQuantileRows rows = {n, w->d, w->x, w->value, w->p->ridge};
    w->resolution = mia_quantile_resolution(&rows);
    return w->p->head == PINBALL ? mia_quantile_pinball(&rows, 1 - w->p->fpr, w->a)
                                 : mia_quantile_gaussian(&rows, w->a, w->b);
}

static double judge(Work *w, int64_t i)
{
    const double *z = w->in->logits + i * w->in->K;
    fill_row(w, z, w->in->labels[i], w->point);
    double hinge = mia_signal_value(z, w->in->K, w->in->labels[i], MIA_SIGNAL_HINGE, MIA_SIGNAL_EXACT);
    double above = hinge - mia_quantile_dot(w->a, w->point, w->d);
    if (fabs(above) < w->resolution) above = 0; /* a fit to the digit: what is left is no signal */
    if (w->p->head == PINBALL) return above;
    /* exp must not overflow where the features lie far from what was fitted */
    double log_sd = fmin(fmax(mia_quantile_dot(w->b, w->point, w->d), -300), 300);
    return above * exp(-log_sd);
}

static BaseStatus by_population(Work *w, MiaScores *out)
{
    const MiaInput *in = w->in;
    for (int64_t i = 0; i < in->Z; i++) add_row(w, i, in->population_logits + i * in->K, in->population_labels[i]);
    BaseStatus st = fit(w, in->Z);
    for (int64_t i = 0; st == BASE_OK && i < in->N; i++) out->score[i] = judge(w, i);
    snprintf(out->notes, sizeof out->notes, "quantiles fitted to %lld population points", (long long)in->Z);
    return st;
}

static BaseStatus by_nonmembers(Work *w, int64_t nonmembers, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const MiaInput *in = w->in;
    int64_t units[MIA_AUDITED];
    BASE_TRY(mia_folds_units(in, units));
    /* a fold needs both kinds; one member is compared with half of the non-members */
    int64_t folds = base_smaller(w->p->folds, base_smaller(units[MIA_NONMEMBER], base_larger(units[MIA_MEMBER], 2)));
    BASE_CHECK(folds >= 2, BASE_EARG,
               "quantiles are fitted to non-members, of which there is only one%s, as there is no /population/logits",
               in->cluster ? " cluster" : "");
    BASE_TRY(mia_folds_make(in, folds, w->fold));
    for (int32_t fold = -1; fold < folds; fold++) {
        int64_t n = 0;
        for (int64_t i = 0; i < in->N; i++)
            if (in->role[i] == MIA_NONMEMBER && w->fold[i] != fold)
                add_row(w, n++, in->logits + i * in->K, in->labels[i]);
        BASE_CHECK(n > 0, BASE_EARG, "all non-members lie in one fold with their clusters: there are too few clusters");
        BASE_TRY(fit(w, n));
        for (int64_t i = 0; i < in->N; i++)
            if (w->fold[i] == fold) out->score[i] = judge(w, i);
    }
    out->fitted = MIA_CROSS_FITTED;
    out->fold = w->fold;
    w->fold = NULL;
    snprintf(out->notes, sizeof out->notes,
             "quantiles fitted to %lld non-members; members and non-members judged by a fit on the other %lld of %lld "
             "folds and compared within their fold, audited points judged by a fit on all",
             (long long)nonmembers, (long long)folds - 1, (long long)folds);
out:
    return st;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    Work w = {.in = in, .p = p, .d = width((Features)p->features, in->K)};
    bool population = in->Z > 0 && in->population_logits && in->population_labels;
    int64_t nonmembers = 0, n = 0;
    uint8_t *above = NULL;
    int32_t *cluster = NULL;
    MathEstimate realised;
    for (int64_t i = 0; i < in->N; i++) nonmembers += in->role[i] == MIA_NONMEMBER;
    BASE_TRY(work_alloc(&w, population ? in->Z : nonmembers));
    BASE_TRY(mia_classes_order(in, w.order));
    BASE_TRY(population ? by_population(&w, out) : by_nonmembers(&w, nonmembers, out));
    out->threshold = p->head == PINBALL ? 0 : math_stats_normal_quantile(1 - p->fpr);
    BASE_TRY(BASE_ALLOC_RAW(in->N, &above));
    for (int64_t i = 0; i < in->N; i++)
        if (in->role[i] == MIA_NONMEMBER) above[n++] = out->score[i] >= out->threshold;
    BASE_TRY(mia_input_clusters(in, MIA_NONMEMBER, &cluster));
    BASE_TRY(math_clusters_share(above, cluster, n, 0.95, &realised));
    mia_scores_add(out, "target_fpr", math_estimate(p->fpr, nonmembers));
    mia_scores_add(out, "realised_fpr", realised);
out:
    base_free(above);
    base_free(cluster);
    work_free(&w);
    return st;
}

const MiaAttack mia_quantile = {
    .entry = BASE_ENTRY("quantile",
                        "hinge loss relative to a quantile predicted from the class and the other classes' shares",
                        "Bertran 2023; code of quantile-mia", Params, PARAMS),
    .sets =
        "member and audited: judged only; non-member: judged, and, if the file holds no population, the points that "
        "the attack is fitted to (each judged by a fit that did not see it, and compared within its fold)",
    .score = score,
};
