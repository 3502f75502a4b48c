/* mia/ulira/point.c - values are gathered unit by unit, so that what is left out is a few runs of them. */
#include "mia/ulira/point.h"

#include <math.h>

#include "base/memory.h"
#include "mia/models/models.h"

BaseStatus mia_ulira_plan(const MiaInput *in, MiaUliraNull null, MiaSignalMode signal, MiaUliraPlan *plan)
{
    BaseStatus st = BASE_OK;
    int64_t k = 0;
    *plan = (MiaUliraPlan){.in = in, .null = null, .units = mia_ulira_units(in, MIA_ULIRA_UNITS)};
    BASE_TRY(mia_ulira_check(in));
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, in->U, MIA_SIGNAL_PHI, signal, &plan->unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, in->R, MIA_SIGNAL_PHI, signal, &plan->retrained));
    BASE_TRY(mia_models_signal(in, in->logits, 1, MIA_SIGNAL_PHI, signal, &plan->target));
    BASE_TRY(BASE_ALLOC(in->U + in->R, &plan->model));
    BASE_TRY(BASE_ALLOC(2 * (in->U + in->R), &plan->values));
    for (int unit = 0; unit < plan->units.unlearned + plan->units.retrained; unit++)
        for (int64_t m = 0; m < in->U + in->R; m++)
            if (mia_ulira_unit_of(in, plan->units, m) == unit) plan->model[k++] = m;
out:
    return st;
}

void mia_ulira_plan_free(MiaUliraPlan *plan)
{
    base_free(plan->unlearned);
    base_free(plan->retrained);
    base_free(plan->target);
    base_free(plan->model);
    base_free(plan->values);
    *plan = (MiaUliraPlan){0};
}

BaseStatus mia_ulira_groups(const MiaUliraPlan *plan, int64_t i, MiaUliraGroups *g)
{
    BaseStatus st = BASE_OK;
    const MiaInput *in = plan->in;
    int64_t models = in->U + in->R, k = 0;
    *g = (MiaUliraGroups){.x = {plan->values, plan->values + models},
                          .units = plan->units.unlearned + plan->units.retrained};
    for (int unit = 0; unit < g->units; unit++) {
        g->start[0][unit] = g->count[0];
        g->start[1][unit] = g->count[1];
        for (; k < models && mia_ulira_unit_of(in, plan->units, plan->model[k]) == unit; k++) {
            int64_t m = plan->model[k];
            bool is_unlearned = m < in->U;
            int side = is_unlearned && (!in->unlearned_keep || in->unlearned_keep[m * in->N + i]);
            if (!side && is_unlearned != (plan->null == MIA_ULIRA_NEVER_TRAINED)) continue;
            g->x[side][g->count[side]++] =
                is_unlearned ? plan->unlearned[m * in->N + i] : plan->retrained[(m - in->U) * in->N + i];
        }
    }
    g->start[0][g->units] = g->count[0];
    g->start[1][g->units] = g->count[1];
    BASE_CHECK(g->count[0] >= 2 && g->count[1] >= 2, BASE_EARG,
               "point %lld: %lld models unlearned it and %lld never saw it; a spread needs at least 2 of each",
               (long long)i, (long long)g->count[1], (long long)g->count[0]);
out:
    return st;
}

static void judge(const MiaUliraGroups *g, const MiaUliraRatio *ratio, int side, int unit, int run,
                  MiaUliraLeftOut *left)
{
    for (int64_t k = g->start[side][unit]; k < g->start[side][unit + 1]; k++) {
        double gap = ratio->log_ratio(ratio->user, side, k);
        left->runs[run].right[side] += (gap >= 0) == side;
        left->runs[run].seen[side]++;
        if (run > 0) continue;
        double p = 1 / (1 + exp(-gap));
        int bin = p >= 1 ? MIA_ULIRA_BINS - 1 : (int)(p * MIA_ULIRA_BINS);
        left->predicted[side][bin] += p;
        left->weight[side][bin]++;
    }
}

static bool empty(const MiaUliraGroups *g, int side, int unit)
{
    return g->start[side][unit + 1] == g->start[side][unit];
}

void mia_ulira_leave_out(const MiaUliraGroups *g, const MiaUliraRatio *ratio, MiaUliraLeftOut *left)
{
    for (int run = 0; run <= g->units; run++) /* run 1 + c: without unit c */
        for (int a = 0; a < g->units; a++)
            for (int b = 0; b < g->units; b++) {
                if (a == b || a == run - 1 || b == run - 1 || empty(g, 1, a) || empty(g, 0, b)) continue;
                if (!ratio->without(ratio->user, a, b, run - 1)) continue;
                judge(g, ratio, 1, a, run, left);
                judge(g, ratio, 0, b, run, left);
            }
}

/* Expected calibration error of p_member, both sides weighing the same (equal-width bins). */
static double calibration_error(const MiaUliraLeftOut *left)
{
    double total[2] = {0, 0}, error = 0;
    for (int side = 0; side < 2; side++)
        for (int b = 0; b < MIA_ULIRA_BINS; b++) total[side] += left->weight[side][b];
    if (total[0] == 0 || total[1] == 0) return NAN;
    for (int b = 0; b < MIA_ULIRA_BINS; b++) {
        double members = left->weight[1][b] / total[1];
        double p = left->predicted[0][b] / total[0] + left->predicted[1][b] / total[1];
        error += fabs(p - members) / 2;
    }
    return error;
}

void mia_ulira_left_out_add(const MiaUliraPlan *plan, const MiaUliraLeftOut *left, MiaScores *out)
{
    int64_t models = plan->in->U + plan->in->R;
    MiaUnits units = plan->units;
    if (plan->null == MIA_ULIRA_NEVER_TRAINED) units.retrained = 0;
    mia_scores_add(out, "loo_balanced_accuracy", mia_ulira_balanced(left->runs, units, models));
    mia_scores_add(out, "loo_calibration_error", math_estimate(calibration_error(left), models));
}
