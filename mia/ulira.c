/* U-LiRA (Hayes et al. 2024, arXiv 2403.01218, Algorithm 1): was point x trained on and then unlearned, or never
 * trained on? With phi of x under other models that unlearned it, o1, and under models that never saw it, o0,
 *     score(x) = log p(phi | o1) - log p(phi | o0),      p_member = 1 / (1 + exp(-score)),      member iff score >= 0.
 * Which o0, parameter `null`: models retrained without x, or unlearned models that never trained on x (their
 * /unlearned/keep is 0). Differs from published code: the densities are Student-t predictives (parameter `predictive`),
 * since normals fitted to a handful of models are overconfident; all in the log domain; and next to the target, each
 * pair of an unlearned and a retrained model is judged by the others (loo_...), since one target gives no spread.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "mia/models/models.h"
#include "mia/ulira/ulira.h"

typedef enum { RETRAINED, NEVER_TRAINED } Null;
static const char *const NULLS[] = {"retrained", "never_trained", NULL};

typedef struct {
    int64_t predictive, null, signal;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_CHOICE(Params, predictive, MIA_ULIRA_STUDENT, mia_ulira_predictives,
                      "density of a new model's phi: Student-t, right for few models; or the published normal"),
    BASE_PARAM_CHOICE(Params, null, RETRAINED, NULLS,
                      "models that never saw a point: retrained ones, or unlearned ones with /unlearned/keep 0"),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "how phi is computed, as others do it"),
};

/* The two groups of one point; a value's model is its index, retrained models counting from U. */
typedef struct {
    double *x[2];     /* [U + R] each: 0 never saw it, 1 unlearned it */
    int64_t *from[2]; /* [U + R] */
    int64_t n[2];
} Groups;

static void groups_fill(const MiaInput *in, const double *unlearned, const double *retrained, Null null, int64_t i,
                        Groups *g)
{
    g->n[0] = g->n[1] = 0;
    for (int64_t m = 0; m < in->U + in->R; m++) {
        bool is_unlearned = m < in->U;
        int side = is_unlearned && (!in->unlearned_keep || in->unlearned_keep[m * in->N + i]);
        if (!side && is_unlearned != (null == NEVER_TRAINED)) continue;
        g->from[side][g->n[side]] = m;
        g->x[side][g->n[side]++] = is_unlearned ? unlearned[m * in->N + i] : retrained[(m - in->U) * in->N + i];
    }
}

enum { BINS = 10 };
/* What leaving pairs of models out says, over the points asked about. */
typedef struct {
    int64_t models;
    double *right, *seen;                       /* [models, models]: verdicts by pair, the one that unlearned first */
    double predicted[2][BINS], weight[2][BINS]; /* per side and bin of p_member: sums of p, and of points */
} LeftOut;

/* The spread without value k. A difference of sums keeps no digits where that value made up nearly all of it. */
static MiaSpread without(const double *x, int64_t n, int64_t k, MiaSpread all)
{
    MiaSpread rest = mia_ulira_part(all, (MiaSpread){1, x[k], 0});
    if (rest.squares > 1e-6 * all.squares || all.squares == 0) return rest;
    double sum = 0;
    rest.squares = 0;
    for (int64_t j = 0; j < n; j++) sum += j == k ? 0 : x[j];
    rest.mean = sum / (double)(n - 1);
    for (int64_t j = 0; j < n; j++) rest.squares += j == k ? 0 : (x[j] - rest.mean) * (x[j] - rest.mean);
    return rest;
}

static void leave_out(const Groups *g, const MiaSpread spread[2], MiaUliraPredictive how, LeftOut *left)
{
    if (g->n[0] < 3 || g->n[1] < 3) return;
    int64_t pairs = mia_ulira_pair_count(g->n[1], g->n[0]);
    for (int64_t at = 0; at < pairs; at++) {
        int64_t k[2];
        MiaSpread rest[2];
        mia_ulira_pair(g->n[1], g->n[0], at, &k[1], &k[0]);
        for (int side = 0; side < 2; side++) rest[side] = without(g->x[side], g->n[side], k[side], spread[side]);
        int64_t pair = g->from[1][k[1]] * left->models + g->from[0][k[0]];
        for (int side = 0; side < 2; side++) {
            double x = g->x[side][k[side]];
            double one = mia_ulira_log_predict(rest[1], how, x), zero = mia_ulira_log_predict(rest[0], how, x);
            double p = 1 / (1 + exp(zero - one));
            int bin = p >= 1 ? BINS - 1 : (int)(p * BINS);
            left->right[pair] += (one >= zero) == side;
            left->seen[pair]++;
            left->predicted[side][bin] += p;
            left->weight[side][bin]++;
        }
    }
}

/* Expected calibration error of p_member, both sides weighing the same (Naeini et al. 2015, equal-width bins). */
static double calibration_error(const LeftOut *left)
{
    double total[2] = {0, 0}, error = 0;
    for (int side = 0; side < 2; side++)
        for (int b = 0; b < BINS; b++) total[side] += left->weight[side][b];
    if (total[0] == 0 || total[1] == 0) return NAN;
    for (int b = 0; b < BINS; b++) {
        double members = left->weight[1][b] / total[1];
        double p = left->predicted[0][b] / total[0] + left->predicted[1][b] / total[1];
        error += fabs(p - members) / 2;
    }
    return error;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    MiaUliraPredictive how = (MiaUliraPredictive)p->predictive;
    MiaSignalMode mode = (MiaSignalMode)p->signal;
    double *unlearned = NULL, *retrained = NULL, *target = NULL, *values = NULL, *verdicts = NULL;
    int64_t *from = NULL, models = in->U + in->R, asked, fewest[2] = {INT64_MAX, INT64_MAX};
    MiaRole role = mia_models_asked(in, &asked);
    BASE_CHECK(p->null == RETRAINED || in->unlearned_keep, BASE_EARG,
               "null never_trained needs /unlearned/keep [U, N]: which points trained each unlearned model");
    BASE_TRY(mia_ulira_check(in));
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, in->U, MIA_SIGNAL_PHI, mode, &unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, in->R, MIA_SIGNAL_PHI, mode, &retrained));
    BASE_TRY(mia_models_signal(in, in->logits, 1, MIA_SIGNAL_PHI, mode, &target));
    BASE_TRY(BASE_ALLOC(2 * models, &values));
    BASE_TRY(BASE_ALLOC(2 * models, &from));
    BASE_TRY(BASE_ALLOC(2 * models * models, &verdicts));
    Groups g = {{values, values + models}, {from, from + models}, {0, 0}};
    LeftOut left = {.models = models, .right = verdicts, .seen = verdicts + models * models};
    for (int64_t i = 0; i < in->N; i++) {
        groups_fill(in, unlearned, retrained, (Null)p->null, i, &g);
        BASE_CHECK(g.n[0] >= 2 && g.n[1] >= 2, BASE_EARG,
                   "point %lld: %lld models unlearned it and %lld never saw it; a spread needs at least 2 of each",
                   (long long)i, (long long)g.n[1], (long long)g.n[0]);
        MiaSpread spread[2];
        for (int side = 0; side < 2; side++) {
            spread[side] = mia_ulira_spread(g.x[side], g.n[side]);
            if (g.n[side] < fewest[side]) fewest[side] = g.n[side];
        }
        out->score[i] =
            mia_ulira_log_predict(spread[1], how, target[i]) - mia_ulira_log_predict(spread[0], how, target[i]);
        if (in->role[i] == role) leave_out(&g, spread, how, &left);
    }
    out->threshold = 0;
    mia_scores_add(out, "loo_balanced_accuracy", mia_ulira_balanced(left.right, left.seen, models));
    mia_scores_add(out, "loo_calibration_error", math_estimate(calibration_error(&left), models));
    snprintf(out->notes, sizeof out->notes,
             "%s predictive from at least %lld models that unlearned and %lld that never saw a point (null %s); loo: "
             "%lld points judged without each pair of them, the interval over models",
             mia_ulira_predictives[how], (long long)fewest[1], (long long)fewest[0], NULLS[p->null], (long long)asked);
out:
    base_free(unlearned);
    base_free(retrained);
    base_free(target);
    base_free(values);
    base_free(from);
    base_free(verdicts);
    return st;
}

const MiaAttack mia_ulira = {
    .entry = BASE_ENTRY("ulira", "likelihood ratio of unlearned against retrained models, point by point",
                        "Hayes et al. 2024, arXiv 2403.01218, Algorithm 1; Kurmanji et al. 2023, arXiv 2302.09880",
                        Params, PARAMS),
    .needs = MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED,
    .sets = "member: trained on, then unlearned; non-member: never trained on; audited: the forgotten points; the "
            "target is one more unlearned model",
    .score = score,
};
