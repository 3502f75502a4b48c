/* mia/ulira.c - U-LiRA (Hayes et al., arXiv 2403.01218, Algorithm 1): was point x trained on and then unlearned, or
 * never trained on? With phi of x under other models that unlearned it, o1, and under models that never saw it, o0,
 *     score(x) = log p(phi | o1) - log p(phi | o0),      p_member = 1 / (1 + exp(-score)),      member iff score >= 0.
 * Which o0, parameter `null`: models retrained without x, or unlearned models that never trained on x (their
 * /unlearned/keep is 0). Differs from published code: the densities are Student-t predictives (parameter `predictive`),
 * since normals fitted to a handful of models are overconfident; all in the log domain; and next to the target,
 * unlearned and retrained models are left out in turn and judged by the rest (loo_...), since one target has no spread.
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
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "exact phi, or phi as in the code named"),
};

enum { ALL_UNITS = 2 * MIA_ULIRA_UNITS, BINS = 10 };

/* The two groups of one point, 0 never saw it, 1 unlearned it, each in the order of units. */
typedef struct {
    double *x[2];                    /* [U + R] each */
    int64_t start[2][ALL_UNITS + 1]; /* where a unit's values begin */
    MiaSpread unit[2][ALL_UNITS], all[2];
} Groups;

/* What is known of every point before any is looked at. @p model [U + R]: models in the order of units. */
typedef struct {
    const MiaInput *in;
    MiaUliraPredictive how;
    Null null;
    MiaUnits units;
    int64_t *model;
    double *unlearned, *retrained; /* phi [U, N], [R, N] */
} Plan;

static int64_t size_of(const Groups *g, int side, int unit) { return g->start[side][unit + 1] - g->start[side][unit]; }

static void groups_fill(const Plan *plan, int64_t i, Groups *g)
{
    const MiaInput *in = plan->in;
    int64_t n[2] = {0, 0}, k = 0;
    int units = plan->units.unlearned + plan->units.retrained;
    g->all[0] = g->all[1] = (MiaSpread){0, 0, 0};
    for (int unit = 0; unit < units; unit++) {
        g->start[0][unit] = n[0];
        g->start[1][unit] = n[1];
        for (; k < in->U + in->R && mia_ulira_unit_of(in, plan->units, plan->model[k]) == unit; k++) {
            int64_t m = plan->model[k];
            bool is_unlearned = m < in->U;
            int side = is_unlearned && (!in->unlearned_keep || in->unlearned_keep[m * in->N + i]);
            if (!side && is_unlearned != (plan->null == NEVER_TRAINED)) continue;
            g->x[side][n[side]++] =
                is_unlearned ? plan->unlearned[m * in->N + i] : plan->retrained[(m - in->U) * in->N + i];
        }
        for (int side = 0; side < 2; side++) {
            g->unit[side][unit] = mia_ulira_spread(g->x[side] + g->start[side][unit], n[side] - g->start[side][unit]);
            g->all[side] = mia_ulira_join(g->all[side], g->unit[side][unit]);
        }
    }
    g->start[0][units] = n[0];
    g->start[1][units] = n[1];
}

/* What leaving units out says, over the points asked about; p_member of the run without none but the judged. */
typedef struct {
    MiaVerdicts runs[MIA_ULIRA_RUNS];
    double predicted[2][BINS], weight[2][BINS]; /* per side and bin of p_member: sums of p, and of verdicts */
} LeftOut;

static void judge(const Groups *g, int side, int unit, const MiaUliraFit fit[2], int run, LeftOut *left)
{
    for (int64_t k = g->start[side][unit]; k < g->start[side][unit + 1]; k++) {
        double x = g->x[side][k], gap = mia_ulira_log_density(&fit[1], x) - mia_ulira_log_density(&fit[0], x);
        left->runs[run].right[side] += (gap >= 0) == side;
        left->runs[run].seen[side]++;
        if (run > 0) continue;
        double p = 1 / (1 + exp(-gap));
        int bin = p >= 1 ? BINS - 1 : (int)(p * BINS);
        left->predicted[side][bin] += p;
        left->weight[side][bin]++;
    }
}

static void leave_out(const Plan *plan, const Groups *g, LeftOut *left)
{
    int units = plan->units.unlearned + plan->units.retrained;
    for (int run = 0; run <= units; run++) /* run 1 + c: without unit c */
        for (int a = 0; a < units; a++)
            for (int b = 0; b < units; b++) {
                if (a == b || a == run - 1 || b == run - 1 || !size_of(g, 1, a) || !size_of(g, 0, b)) continue;
                MiaUliraFit fit[2];
                bool enough = true;
                for (int side = 0; side < 2; side++) {
                    MiaSpread rest = mia_ulira_rest(g->unit[side], units, g->all[side], a, b, run - 1);
                    enough &= rest.n >= 2;
                    if (enough) fit[side] = mia_ulira_fit(rest, plan->how);
                }
                if (!enough) continue;
                judge(g, 1, a, fit, run, left);
                judge(g, 0, b, fit, run, left);
            }
}

/* Expected calibration error of p_member, both sides weighing the same (equal-width bins). */
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

static BaseStatus plan_make(const MiaInput *in, const Params *p, Plan *plan)
{
    BaseStatus st = BASE_OK;
    MiaSignalMode mode = (MiaSignalMode)p->signal;
    int64_t k = 0;
    plan->in = in;
    plan->how = (MiaUliraPredictive)p->predictive;
    plan->null = (Null)p->null;
    plan->units = mia_ulira_units(in, MIA_ULIRA_UNITS);
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, in->U, MIA_SIGNAL_PHI, mode, &plan->unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, in->R, MIA_SIGNAL_PHI, mode, &plan->retrained));
    BASE_TRY(BASE_ALLOC(in->U + in->R, &plan->model));
    for (int unit = 0; unit < plan->units.unlearned + plan->units.retrained; unit++)
        for (int64_t m = 0; m < in->U + in->R; m++)
            if (mia_ulira_unit_of(in, plan->units, m) == unit) plan->model[k++] = m;
out:
    return st;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    double *target = NULL, *values = NULL;
    int64_t models = in->U + in->R, asked, fewest[2] = {INT64_MAX, INT64_MAX};
    MiaRole role = mia_models_asked(in, &asked);
    Plan plan = {0};
    LeftOut left = {0};
    BASE_CHECK(p->null == RETRAINED || in->unlearned_keep, BASE_EARG,
               "null never_trained needs /unlearned/keep [U, N]: which points trained each unlearned model");
    BASE_TRY(mia_ulira_check(in));
    BASE_TRY(plan_make(in, p, &plan));
    BASE_TRY(mia_models_signal(in, in->logits, 1, MIA_SIGNAL_PHI, (MiaSignalMode)p->signal, &target));
    BASE_TRY(BASE_ALLOC(2 * models, &values));
    Groups g = {.x = {values, values + models}};
    for (int64_t i = 0; i < in->N; i++) {
        groups_fill(&plan, i, &g);
        BASE_CHECK(g.all[0].n >= 2 && g.all[1].n >= 2, BASE_EARG,
                   "point %lld: %.0f models unlearned it and %.0f never saw it; a spread needs at least 2 of each",
                   (long long)i, g.all[1].n, g.all[0].n);
        const MiaUliraFit one = mia_ulira_fit(g.all[1], plan.how), zero = mia_ulira_fit(g.all[0], plan.how);
        out->score[i] = mia_ulira_log_density(&one, target[i]) - mia_ulira_log_density(&zero, target[i]);
        for (int side = 0; side < 2; side++)
            if ((int64_t)g.all[side].n < fewest[side]) fewest[side] = (int64_t)g.all[side].n;
        if (in->role[i] == role) leave_out(&plan, &g, &left);
    }
    out->threshold = 0;
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    MiaUnits units = plan.units;
    if (plan.null == NEVER_TRAINED) units.retrained = 0;
    mia_scores_add(out, "loo_balanced_accuracy", mia_ulira_balanced(left.runs, units, models));
    mia_scores_add(out, "loo_calibration_error", math_estimate(calibration_error(&left), models));
    snprintf(out->notes, sizeof out->notes,
             "%s predictive from at least %lld models that unlearned and %lld that never saw a point (null %s); loo: "
             "%lld points under models left out in turn, interval over models",
             mia_ulira_predictives[plan.how], (long long)fewest[1], (long long)fewest[0], NULLS[p->null],
             (long long)asked);
out:
    base_free(plan.unlearned);
    base_free(plan.retrained);
    base_free(plan.model);
    base_free(target);
    base_free(values);
    return st;
}

const MiaAttack mia_ulira = {
    .entry = BASE_ENTRY("ulira", "likelihood ratio between unlearned and retrained models, point by point",
                        "Hayes et al., arXiv 2403.01218, Algorithm 1; Kurmanji et al. 2023", Params, PARAMS),
    .needs = MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED,
    .in_auto = true,
    .curve = "loo_balanced_accuracy",
    .sets = "member: trained on, then unlearned; non-member: never trained on; audited: the forgotten points; the "
            "target is one more unlearned model",
    .score = score,
};
