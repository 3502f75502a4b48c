/* mia/ulira.c - U-LiRA (Hayes et al., arXiv 2403.01218, Algorithm 1): was point x trained on and then unlearned, or
 * never trained on? With phi of x under other models that unlearned it, o1, and under models that never saw it, o0,
 *     score(x) = log p(phi | o1) - log p(phi | o0),      p_member = 1 / (1 + exp(-score)),      member iff score >= 0.
 * Which o0, parameter `null`: models retrained without x, or unlearned models that never trained on x (their
 * /unlearned/keep is 0). Differs from published code: the densities are Student-t predictives (parameter `predictive`),
 * since normals fitted to a handful of models are overconfident; all in the log domain; and next to the target,
 * unlearned and retrained models are left out in turn and judged by the rest (loo_...), since one target has no spread.
 */
#include <stdio.h>

#include "mia/models/models.h"
#include "mia/ulira/point.h"

static const char *const NULLS[] = {"retrained", "never_trained", NULL}; /* as MiaUliraNull */

typedef struct {
    int64_t predictive, null, signal;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_CHOICE(Params, predictive, MIA_ULIRA_STUDENT, mia_ulira_predictives,
                      "density of a new model's phi: Student-t, right for few models; or the published normal"),
    BASE_PARAM_CHOICE(Params, null, MIA_ULIRA_RETRAINED, NULLS,
                      "models that never saw a point: retrained ones, or unlearned ones with /unlearned/keep 0"),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "exact phi, or phi as in the code named"),
};

typedef struct {
    const MiaUliraGroups *g;
    MiaUliraPredictive how;
    MiaSpread unit[2][MIA_ULIRA_ALL_UNITS], all[2];
    MiaUliraFit fit[2];
} Fits;

static void fits_fill(Fits *f)
{
    for (int side = 0; side < 2; side++) {
        f->all[side] = (MiaSpread){0, 0, 0};
        for (int unit = 0; unit < f->g->units; unit++) {
            const int64_t *start = f->g->start[side] + unit;
            f->unit[side][unit] = mia_ulira_spread(f->g->x[side] + start[0], start[1] - start[0]);
            f->all[side] = mia_ulira_join(f->all[side], f->unit[side][unit]);
        }
    }
}

static bool without(void *user, int a, int b, int c)
{
    Fits *f = user;
    bool enough = true;
    for (int side = 0; side < 2; side++) {
        MiaSpread rest = mia_ulira_rest(f->unit[side], f->g->units, f->all[side], a, b, c);
        enough &= rest.n >= 2;
        if (enough) f->fit[side] = mia_ulira_fit(rest, f->how);
    }
    return enough;
}

static double ratio_at(const MiaUliraFit fit[2], double x)
{
    return mia_ulira_log_density(&fit[1], x) - mia_ulira_log_density(&fit[0], x);
}

static double log_ratio(const void *user, int side, int64_t k)
{
    const Fits *f = user;
    return ratio_at(f->fit, f->g->x[side][k]);
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    int64_t asked, fewest[2] = {INT64_MAX, INT64_MAX};
    MiaRole role = mia_models_asked(in, &asked);
    MiaUliraPlan plan = {0};
    MiaUliraGroups g;
    MiaUliraLeftOut left = {0};
    Fits fits = {.g = &g, .how = (MiaUliraPredictive)p->predictive};
    const MiaUliraRatio ratio = {&fits, without, log_ratio};
    BASE_CHECK(p->null == MIA_ULIRA_RETRAINED || in->unlearned_keep, BASE_EARG,
               "null never_trained needs /unlearned/keep [U, N]: which points trained each unlearned model");
    BASE_TRY(mia_ulira_plan(in, (MiaUliraNull)p->null, (MiaSignalMode)p->signal, &plan));
    for (int64_t i = 0; i < in->N; i++) {
        BASE_TRY(mia_ulira_groups(&plan, i, &g));
        fits_fill(&fits);
        for (int side = 0; side < 2; side++) {
            fits.fit[side] = mia_ulira_fit(fits.all[side], fits.how);
            if (g.count[side] < fewest[side]) fewest[side] = g.count[side];
        }
        out->score[i] = ratio_at(fits.fit, plan.target[i]);
        if (in->role[i] == role) mia_ulira_leave_out(&g, &ratio, &left);
    }
    out->threshold = 0;
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    mia_ulira_left_out_add(&plan, &left, out);
    snprintf(out->notes, sizeof out->notes,
             "%s predictive from at least %lld models that unlearned and %lld that never saw a point (null %s); loo: "
             "%lld points under models left out in turn, interval over models",
             mia_ulira_predictives[fits.how], (long long)fewest[1], (long long)fewest[0], NULLS[p->null],
             (long long)asked);
out:
    mia_ulira_plan_free(&plan);
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
