/* A population attack on unlearned models: one attacker for all points (Hayes et al. 2024, arXiv 2403.01218, section 4,
 * "population U-MIA"). phi of all asked points under all unlearned models is one group, under all retrained models the
 * other:  score(x) = log p(phi | unlearned) - log p(phi | retrained).
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
    BASE_PARAM_CHOICE(Params, predictive, MIA_ULIRA_STUDENT, mia_ulira_predictives, "density of a new phi"),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "how phi is computed, as others do it"),
};

/* Of phi [M, N] on the points asked about: each model's spread to each [M]; returns all of them joined. */
static MiaSpread spreads(const MiaInput *in, MiaRole role, const double *phi, int64_t M, MiaSpread *each)
{
    MiaSpread all = {0, 0, 0};
    for (int64_t m = 0; m < M; m++) {
        each[m] = (MiaSpread){0, 0, 0};
        for (int64_t i = 0; i < in->N; i++)
            if (in->role[i] == role) each[m] = mia_ulira_join(each[m], (MiaSpread){1, phi[m * in->N + i], 0});
        all = mia_ulira_join(all, each[m]);
    }
    return all;
}

/* Verdicts on the asked points of models u and r by the spreads without both. */
static double judge_pair(const MiaInput *in, MiaRole role, MiaUliraPredictive how, MiaSpread one, MiaSpread zero,
                         const double *unlearned, const double *retrained)
{
    int64_t right = 0;
    for (int64_t i = 0; i < in->N; i++) {
        if (in->role[i] != role) continue;
        double u = unlearned[i], r = retrained[i];
        right += mia_ulira_log_predict(one, how, u) >= mia_ulira_log_predict(zero, how, u);
        right += mia_ulira_log_predict(one, how, r) < mia_ulira_log_predict(zero, how, r);
    }
    return (double)right;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    MiaUliraPredictive how = (MiaUliraPredictive)p->predictive;
    MiaSignalMode mode = (MiaSignalMode)p->signal;
    double *unlearned = NULL, *retrained = NULL, *target = NULL, *verdicts = NULL;
    MiaSpread *each = NULL;
    int64_t asked, models = in->U + in->R;
    MiaRole role = mia_models_asked(in, &asked);
    BASE_TRY(mia_ulira_check(in));
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, in->U, MIA_SIGNAL_PHI, mode, &unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, in->R, MIA_SIGNAL_PHI, mode, &retrained));
    BASE_TRY(mia_models_signal(in, in->logits, 1, MIA_SIGNAL_PHI, mode, &target));
    BASE_TRY(BASE_ALLOC(2 * models * models, &verdicts));
    BASE_TRY(BASE_ALLOC(models, &each));
    MiaSpread one = spreads(in, role, unlearned, in->U, each), zero = spreads(in, role, retrained, in->R, each + in->U);
    for (int64_t i = 0; i < in->N; i++)
        out->score[i] = mia_ulira_log_predict(one, how, target[i]) - mia_ulira_log_predict(zero, how, target[i]);
    out->threshold = 0;
    for (int64_t at = 0, u, r; at < mia_ulira_pair_count(in->U, in->R); at++) {
        mia_ulira_pair(in->U, in->R, at, &u, &r);
        MiaSpread one_less = mia_ulira_part(one, each[u]), zero_less = mia_ulira_part(zero, each[in->U + r]);
        if (one_less.n < 2 || zero_less.n < 2) continue;
        double right = judge_pair(in, role, how, one_less, zero_less, unlearned + u * in->N, retrained + r * in->N);
        verdicts[u * models + in->U + r] += right;
        verdicts[models * models + u * models + in->U + r] += 2 * (double)asked;
    }
    mia_scores_add(out, "loo_balanced_accuracy", mia_ulira_balanced(verdicts, verdicts + models * models, models));
    snprintf(out->notes, sizeof out->notes,
             "one pair of densities for all points, from %lld unlearned and %lld retrained models on %lld points; loo: "
             "judged without each pair of them, the interval over models",
             (long long)in->U, (long long)in->R, (long long)asked);
out:
    base_free(unlearned);
    base_free(retrained);
    base_free(target);
    base_free(verdicts);
    base_free(each);
    return st;
}

const MiaAttack mia_population_umia = {
    .entry = BASE_ENTRY("population_umia", "likelihood ratio of unlearned against retrained models, all points alike",
                        "Hayes et al. 2024, arXiv 2403.01218, section 4", Params, PARAMS),
    .needs = MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED,
    .sets =
        "member: trained on, then unlearned; non-member: never trained on; audited: the forgotten points, whose phi "
        "under all models is what the attack is fitted to",
    .score = score,
};
