/* mia/other_classes.c - what a model says of the classes other than a point's own, unlearned against retrained: where a
 * whole class is forgotten its probability is near 0 in both, and says little, while the way the rest is shared out may
 * still differ (CMIA, PMLR 306: neighbouring classes give a forgotten one away).
 * q_j = p_j / (1 - p_y), j != y, from the logits without y's. Per label, with f = log q - (mean of log q of that point
 * under the retrained models, a retrained model's own left out), Fisher's linear discriminant between unlearned (1) and
 * retrained (0) models:
 *     score(x) = w . (f - (mu_1 + mu_0) / 2),      ((1 - shrinkage) Sigma + shrinkage tr(Sigma) / d I) w = mu_1 - mu_0,
 * Sigma the covariance within the groups: the log likelihood ratio of two normals, so the threshold is 0. Fitted to the
 * label's members and audited points, or to all its points where it has none.
 * Cross-validated by models, since the points of one model are not independent: cv_balanced_accuracy.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "mia/fit/classes.h"
#include "mia/models/models.h"
#include "mia/ulira/ulira.h"

typedef struct {
    double shrinkage;
    int64_t folds;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, shrinkage, 0.1, 1e-6, 1, "shrinkage of the covariance towards a multiple of the identity"),
    BASE_PARAM_I64(Params, folds, 5, 2, MIA_ULIRA_UNITS, "number of groups of models left out in turn"),
};

/* The points of one label. d = K - 1. */
typedef struct {
    const MiaInput *in;
    int64_t d, count, n;  /* points, of which the first n are fitted to */
    const int64_t *point; /* [count] */
    int64_t own;          /* the label's own class */
    int64_t *order;       /* [K] classes, so that their numbers change no bit */
    double *base;         /* [count, d] sum of log q over the retrained models in use */
    int64_t base_count;
    double *x;               /* [n, d] one model's features */
    double *g, *w, *mean[2]; /* [d, d], [d], [d] */
    double bias;
} Label;

static const double *logits_of(const MiaInput *in, int64_t model, int64_t i)
{
    const double *all = model < in->U ? in->unlearned_logits + model * in->N * in->K
                                      : in->retrained_logits + (model - in->U) * in->N * in->K;
    return all + i * in->K;
}

/* Models left out of a fit: those of unit @p fold of each kind, and of unit @p without; -1: none. */
typedef struct {
    MiaUnits units;
    int fold, without;
} Omit;

static bool is_judged(const MiaInput *in, const Omit *omit, int64_t model)
{
    int unit = mia_ulira_unit_of(in, omit->units, model);
    return omit->fold >= 0 && unit != omit->without && unit == omit->fold + (model < in->U ? 0 : omit->units.unlearned);
}

static bool is_fitted(const MiaInput *in, const Omit *omit, int64_t model)
{
    return !is_judged(in, omit, model) && mia_ulira_unit_of(in, omit->units, model) != omit->without;
}

/* log q [d] of one row */
static void log_shares(const Label *l, const double *z, double *q)
{
    int64_t K = l->in->K, at = 0;
    double others = mia_signal_log_sum_exp(z, K, l->own);
    for (int64_t k = 0; k < K; k++)
        if (l->order[k] != l->own) q[at++] = z[l->order[k]] - others;
}

/* base: the sum of log q over the retrained models that are fitted to. */
static void base_fill(Label *l, const Omit *omit)
{
    const MiaInput *in = l->in;
    l->base_count = 0;
    memset(l->base, 0, (size_t)(l->count * l->d) * sizeof *l->base);
    for (int64_t m = in->U; m < in->U + in->R; m++) {
        if (!is_fitted(in, omit, m)) continue;
        l->base_count++;
        for (int64_t k = 0; k < l->count; k++) {
            log_shares(l, logits_of(in, m, l->point[k]), l->w);
            for (int64_t j = 0; j < l->d; j++) l->base[k * l->d + j] += l->w[j];
        }
    }
}

/* f [d] of the label's k-th point; @p in_base: these very logits are part of the base. */
static void features(const Label *l, const double *logits, int64_t k, bool in_base, double *f)
{
    log_shares(l, logits, f);
    for (int64_t j = 0; j < l->d; j++) {
        double rest = l->base[k * l->d + j] - (in_base ? f[j] : 0);
        f[j] -= rest / (double)(l->base_count - in_base);
    }
}

/* w and the bias. */
static BaseStatus fit(Label *l, double shrinkage, const Omit *omit)
{
    BaseStatus st = BASE_OK;
    const MiaInput *in = l->in;
    int64_t d = l->d;
    double rows[2] = {0, 0}, trace = 0;
    base_fill(l, omit);
    memset(l->g, 0, (size_t)(d * d) * sizeof *l->g);
    for (int side = 0; side < 2; side++) memset(l->mean[side], 0, (size_t)d * sizeof *l->w);
    for (int64_t m = 0; m < in->U + in->R; m++) {
        if (!is_fitted(in, omit, m)) continue;
        int side = m < in->U;
        for (int64_t k = 0; k < l->n; k++) {
            double *f = l->x + k * d;
            features(l, logits_of(in, m, l->point[k]), k, !side, f);
            for (int64_t j = 0; j < d; j++) l->mean[side][j] += f[j];
        }
        rows[side] += (double)l->n;
        BASE_TRY(math_gram_block_f64(false, l->n, d, l->x, d, l->g, d));
    }
    for (int side = 0; side < 2; side++)
        for (int64_t j = 0; j < d; j++) l->mean[side][j] /= rows[side];
    double scale = 1 / (rows[0] + rows[1]);
    for (int64_t r = 0; r < d; r++)
        for (int64_t c = 0; c <= r; c++) {
            double between = rows[0] * l->mean[0][r] * l->mean[0][c] + rows[1] * l->mean[1][r] * l->mean[1][c];
            double within = (l->g[r * d + c] - between) * scale;
            if (r == c) trace += within;
            l->g[r * d + c] = within * (1 - shrinkage);
        }
    /* nothing varies within the groups: any multiple of the identity gives the same side of the threshold */
    double ridge = trace > 0 ? shrinkage * trace / (double)d : 1;
    for (int64_t j = 0; j < d; j++) {
        l->g[j * d + j] += ridge;
        l->w[j] = l->mean[1][j] - l->mean[0][j];
    }
    BASE_TRY(math_cholesky_f64(d, l->g));
    BASE_TRY(math_cholesky_solve_f64(d, l->g, 1, l->w));
    l->bias = 0;
    for (int64_t j = 0; j < d; j++) l->bias -= l->w[j] * (l->mean[1][j] + l->mean[0][j]) / 2;
out:
    return st;
}

/* w . f + bias; @p f [d] is scratch. */
static double decide(const Label *l, const double *logits, int64_t k, double *f)
{
    double sum = l->bias;
    features(l, logits, k, false, f);
    for (int64_t j = 0; j < l->d; j++) sum += l->w[j] * f[j];
    return sum;
}

/* What models say of those left out of their fit, on the label's points of @p role, added to runs[1 + omit.without]. */
static BaseStatus cross_validate(Label *l, double shrinkage, Omit omit, MiaRole role, MiaVerdicts *run)
{
    BaseStatus st = BASE_OK;
    const MiaInput *in = l->in;
    int folds = omit.units.unlearned < omit.units.retrained ? omit.units.unlearned : omit.units.retrained;
    for (omit.fold = 0; omit.fold < folds; omit.fold++) {
        int64_t fitted[2] = {0, 0};
        for (int64_t m = 0; m < in->U + in->R; m++) fitted[m < in->U] += is_fitted(in, &omit, m);
        if (fitted[0] < 2 || fitted[1] < 1) continue; /* a retrained model's base is another one */
        BASE_TRY(fit(l, shrinkage, &omit));
        for (int64_t m = 0; m < in->U + in->R; m++) {
            if (!is_judged(in, &omit, m)) continue;
            int side = m < in->U;
            for (int64_t k = 0; k < l->count; k++) {
                if (in->role[l->point[k]] != role) continue;
                run->right[side] += (decide(l, logits_of(in, m, l->point[k]), k, l->x) >= 0) == side;
                run->seen[side]++;
            }
        }
    }
out:
    return st;
}

/* order [N]: points by label, within a label those of role non-member last; start [2 K + 1]: where each such run
 * begins.
 */
static void sort_points(const MiaInput *in, int64_t *order, int64_t *start)
{
    memset(start, 0, (size_t)(2 * in->K + 1) * sizeof *start);
    for (int64_t i = 0; i < in->N; i++) start[2 * in->labels[i] + (in->role[i] == MIA_NONMEMBER) + 1]++;
    for (int64_t c = 0; c < 2 * in->K; c++) start[c + 1] += start[c];
    for (int64_t i = 0; i < in->N; i++) order[start[2 * in->labels[i] + (in->role[i] == MIA_NONMEMBER)]++] = i;
    for (int64_t c = 2 * in->K; c > 0; c--) start[c] = start[c - 1];
    start[0] = 0;
}

static bool has_role(const MiaInput *in, const Label *l, MiaRole role)
{
    for (int64_t k = 0; k < l->count; k++)
        if (in->role[l->point[k]] == role) return true;
    return false;
}

static BaseStatus label_alloc(const MiaInput *in, const int64_t *start, Label *l)
{
    BaseStatus st = BASE_OK;
    int64_t most = 0;
    for (int64_t c = 0; c < in->K; c++)
        if (start[2 * c + 2] - start[2 * c] > most) most = start[2 * c + 2] - start[2 * c];
    l->in = in;
    l->d = in->K - 1;
    BASE_TRY(BASE_ALLOC_RAW(in->K, &l->order));
    BASE_TRY(mia_classes_order(in, l->order));
    BASE_TRY(BASE_ALLOC_RAW(most * l->d, &l->base));
    BASE_TRY(BASE_ALLOC_RAW(most * l->d, &l->x));
    BASE_TRY(BASE_ALLOC_RAW(l->d * l->d, &l->g));
    BASE_TRY(BASE_ALLOC_RAW(l->d, &l->w));
    for (int side = 0; side < 2; side++) BASE_TRY(BASE_ALLOC_RAW(l->d, &l->mean[side]));
out:
    return st;
}

static void label_free(Label *l)
{
    base_free(l->order);
    base_free(l->base);
    base_free(l->x);
    base_free(l->g);
    base_free(l->w);
    base_free(l->mean[0]);
    base_free(l->mean[1]);
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    Label l = {0};
    int64_t *order = NULL, *start = NULL, asked;
    MiaUnits units = mia_ulira_units(in, (int)p->folds);
    MiaVerdicts runs[MIA_ULIRA_RUNS] = {0};
    MiaRole role = mia_models_asked(in, &asked);
    BASE_TRY(mia_ulira_check(in));
    BASE_CHECK(in->K >= 3, BASE_EARG, "logits of %lld classes; a share among the other classes needs at least 3",
               (long long)in->K);
    BASE_TRY(BASE_ALLOC(in->N, &order));
    BASE_TRY(BASE_ALLOC(2 * in->K + 1, &start));
    sort_points(in, order, start);
    BASE_TRY(label_alloc(in, start, &l));
    for (int64_t c = 0; c < in->K; c++) {
        l.point = order + start[2 * c];
        l.count = start[2 * c + 2] - start[2 * c];
        l.n = start[2 * c + 1] - start[2 * c];
        if (l.count == 0) continue;
        if (l.n == 0) l.n = l.count;
        l.own = c;
        Omit omit = {units, -1, -1};
        for (int run = 0; run <= units.unlearned + units.retrained && has_role(in, &l, role); run++) {
            omit.without = run - 1;
            BASE_TRY(cross_validate(&l, p->shrinkage, omit, role, &runs[run]));
        }
        omit.without = -1;
        BASE_TRY(fit(&l, p->shrinkage, &omit));
        for (int64_t k = 0; k < l.count; k++)
            out->score[l.point[k]] = decide(&l, in->logits + l.point[k] * in->K, k, l.x);
    }
    mia_scores_add(out, "cv_balanced_accuracy", mia_ulira_balanced(runs, units, in->U + in->R));
    out->threshold = 0;
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    snprintf(
        out->notes, sizeof out->notes,
        "one discriminant per label on log q of the %lld other classes, %lld unlearned against %lld retrained models; "
        "cv: %lld points under models left out in turn, interval over models",
        (long long)l.d, (long long)in->U, (long long)in->R, (long long)asked);
out:
    label_free(&l);
    base_free(order);
    base_free(start);
    return st;
}

const MiaAttack mia_other_classes = {
    .entry = BASE_ENTRY("other_classes", "discriminant on how unlearned models spread points over the other classes",
                        "after CMIA, PMLR 306", Params, PARAMS),
    .needs = MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED,
    .in_auto = true,
    .curve = "cv_balanced_accuracy",
    .sets =
        "member: trained on, then unlearned; non-member: never trained on; audited: the forgotten points; the target "
        "is one more unlearned model",
    .score = score,
};
