/* mia/population_umia.c - a population attack on unlearned models: one attacker for all points (Hayes et al., arXiv
 * 2403.01218, "population U-MIA"). phi of all asked points under all unlearned models is one group, under all retrained
 * models the other:  score(x) = log p(phi | unlearned) - log p(phi | retrained).
 * It is ulira without what is known of the single point, and stands beside it to show how much that hides. Published
 * population attacks fit a logistic regression to the two groups instead of two densities. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "mia/models/models.h"
#include "mia/ulira/ulira.h"

typedef struct {
    int64_t predictive, signal;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_CHOICE(Params, predictive, MIA_ULIRA_STUDENT, mia_ulira_predictives,
                      "predictive density of phi: Student-t, or the published normal"),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "exact phi, or phi as in the code named"),
};

enum { ALL_UNITS = 2 * MIA_ULIRA_UNITS };

typedef struct {
    const MiaInput *in;
    MiaRole role; /* of the points asked about */
    MiaUliraPredictive how;
    MiaUnits units;
    double *phi[2]; /* [R, N] retrained, [U, N] unlearned */
    MiaSpread unit[2][ALL_UNITS], all[2];
} Pool;

/* Every unit's spread of phi over its models and the asked points. */
static void pool_fill(Pool *pool)
{
    const MiaInput *in = pool->in;
    for (int64_t m = 0; m < in->U + in->R; m++) {
        int side = m < in->U;
        const double *phi = pool->phi[side] + (side ? m : m - in->U) * in->N;
        MiaSpread one = {0, 0, 0}, *unit = &pool->unit[side][mia_ulira_unit_of(in, pool->units, m)];
        for (int64_t i = 0; i < in->N; i++)
            if (in->role[i] == pool->role) one = mia_ulira_join(one, (MiaSpread){1, phi[i], 0});
        *unit = mia_ulira_join(*unit, one);
        pool->all[side] = mia_ulira_join(pool->all[side], one);
    }
}

/* Verdicts on the asked points of the models of unit @p a (unlearned) and @p b (retrained). */
static void judge(const Pool *pool, int a, int b, const MiaUliraFit fit[2], MiaVerdicts *v)
{
    const MiaInput *in = pool->in;
    for (int64_t m = 0; m < in->U + in->R; m++) {
        int side = m < in->U, unit = mia_ulira_unit_of(in, pool->units, m);
        const double *phi = pool->phi[side] + (side ? m : m - in->U) * in->N;
        if (unit != a && unit != b) continue;
        for (int64_t i = 0; i < in->N; i++) {
            if (in->role[i] != pool->role) continue;
            bool one = mia_ulira_log_density(&fit[1], phi[i]) >= mia_ulira_log_density(&fit[0], phi[i]);
            v->right[side] += one == side;
            v->seen[side]++;
        }
    }
}

static void leave_out(const Pool *pool, MiaVerdicts runs[MIA_ULIRA_RUNS])
{
    int unlearned = pool->units.unlearned, units = unlearned + pool->units.retrained;
    for (int run = 0; run <= units; run++) /* run 1 + c: without unit c */
        for (int a = 0; a < unlearned; a++)
            for (int b = unlearned; b < units; b++) {
                MiaSpread one = mia_ulira_rest(pool->unit[1], units, pool->all[1], a, b, run - 1);
                MiaSpread zero = mia_ulira_rest(pool->unit[0], units, pool->all[0], a, b, run - 1);
                if (a == run - 1 || b == run - 1 || one.n < 2 || zero.n < 2) continue;
                const MiaUliraFit fit[2] = {mia_ulira_fit(zero, pool->how), mia_ulira_fit(one, pool->how)};
                judge(pool, a, b, fit, &runs[run]);
            }
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    MiaSignalMode mode = (MiaSignalMode)p->signal;
    MiaVerdicts runs[MIA_ULIRA_RUNS] = {0};
    double *target = NULL;
    int64_t asked;
    Pool pool = {.in = in, .role = mia_models_asked(in, &asked), .how = (MiaUliraPredictive)p->predictive};
    BASE_TRY(mia_ulira_check(in));
    pool.units = mia_ulira_units(in, MIA_ULIRA_UNITS);
    BASE_TRY(mia_models_signal(in, in->retrained_logits, in->R, MIA_SIGNAL_PHI, mode, &pool.phi[0]));
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, in->U, MIA_SIGNAL_PHI, mode, &pool.phi[1]));
    BASE_TRY(mia_models_signal(in, in->logits, 1, MIA_SIGNAL_PHI, mode, &target));
    pool_fill(&pool);
    const MiaUliraFit one = mia_ulira_fit(pool.all[1], pool.how), zero = mia_ulira_fit(pool.all[0], pool.how);
    for (int64_t i = 0; i < in->N; i++)
        out->score[i] = mia_ulira_log_density(&one, target[i]) - mia_ulira_log_density(&zero, target[i]);
    out->threshold = 0;
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    leave_out(&pool, runs);
    mia_scores_add(out, "loo_balanced_accuracy", mia_ulira_balanced(runs, pool.units, in->U + in->R));
    snprintf(out->notes, sizeof out->notes,
             "one pair of densities for all points, from %lld unlearned and %lld retrained models on %lld points; loo: "
             "models left out in turn, interval over models",
             (long long)in->U, (long long)in->R, (long long)asked);
out:
    base_free(pool.phi[0]);
    base_free(pool.phi[1]);
    base_free(target);
    return st;
}

const MiaAttack mia_population_umia = {
    .entry = BASE_ENTRY("population_umia", "likelihood ratio between unlearned and retrained models, all points alike",
                        "Hayes et al., arXiv 2403.01218", Params, PARAMS),
    .needs = MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED,
    .in_auto = true,
    .curve = "loo_balanced_accuracy",
    .sets =
        "member: trained on, then unlearned; non-member: never trained on; audited: the forgotten points, to whose phi "
        "under all models the attack is fitted",
    .score = score,
};
