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

/* Share of the asked points of each model that the others place on its own side. */
static void leave_out(const MiaInput *in, MiaRole role, int64_t asked, MiaUliraPredictive how, const double *phi,
                      int64_t M, const MiaSpread *each, MiaSpread own, MiaSpread other, bool is_unlearned, double *hit)
{
    for (int64_t m = 0; m < M; m++) {
        MiaSpread rest = mia_ulira_part(own, each[m]);
        int64_t right = 0;
        for (int64_t i = 0; i < in->N; i++) {
            if (in->role[i] != role) continue;
            double x = phi[m * in->N + i], mine = mia_ulira_log_predict(rest, how, x);
            double theirs = mia_ulira_log_predict(other, how, x);
            right += is_unlearned ? mine >= theirs : mine > theirs;
        }
        hit[m] = rest.n < 2 ? NAN : (double)right / (double)asked;
    }
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    MiaUliraPredictive how = (MiaUliraPredictive)p->predictive;
    MiaSignalMode mode = (MiaSignalMode)p->signal;
    double *unlearned = NULL, *retrained = NULL, *target = NULL, *hit = NULL;
    MiaSpread *each = NULL;
    int64_t asked;
    MiaRole role = mia_models_asked(in, &asked);
    BASE_TRY(mia_ulira_check(in));
    BASE_TRY(mia_models_signal(in, in->unlearned_logits, in->U, MIA_SIGNAL_PHI, mode, &unlearned));
    BASE_TRY(mia_models_signal(in, in->retrained_logits, in->R, MIA_SIGNAL_PHI, mode, &retrained));
    BASE_TRY(mia_models_signal(in, in->logits, 1, MIA_SIGNAL_PHI, mode, &target));
    BASE_TRY(BASE_ALLOC(in->U + in->R, &hit));
    BASE_TRY(BASE_ALLOC(in->U + in->R, &each));
    MiaSpread one = spreads(in, role, unlearned, in->U, each), zero = spreads(in, role, retrained, in->R, each + in->U);
    for (int64_t i = 0; i < in->N; i++)
        out->score[i] = mia_ulira_log_predict(one, how, target[i]) - mia_ulira_log_predict(zero, how, target[i]);
    out->threshold = 0;
    leave_out(in, role, asked, how, unlearned, in->U, each, one, zero, true, hit);
    leave_out(in, role, asked, how, retrained, in->R, each + in->U, zero, one, false, hit + in->U);
    mia_scores_add(out, "loo_balanced_accuracy", mia_ulira_balanced(hit, in->U, hit + in->U, in->R));
    snprintf(out->notes, sizeof out->notes,
             "one pair of densities for all points, from %lld unlearned and %lld retrained models on %lld points; loo: "
             "each model as target once, the interval over models",
             (long long)in->U, (long long)in->R, (long long)asked);
out:
    base_free(unlearned);
    base_free(retrained);
    base_free(target);
    base_free(hit);
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
