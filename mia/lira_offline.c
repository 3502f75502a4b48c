/* log Phi((phi - m_out) / s_out), or -log N(phi; m_out, s_out), per point from the shadow models that were not trained
 * on it (LiRA, offline); mia/lira has the centres and spreads. The paper's test is
 * one-sided; the authors' code is two-sided and so calls a point a member that looks less trained on than any. */
#include "mia/lira/lira.h"

typedef enum { ONE, TWO } Sides;
static const char *const SIDES[] = {"one", "two", NULL};

typedef struct {
    int64_t sided, variance, signal;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_CHOICE(Params, sided, ONE, SIDES, "one: far above the out-models (the paper); two: far away (its code)"),
    BASE_PARAM_CHOICE(Params, variance, MIA_LIRA_PER_EXAMPLE, mia_lira_variances, MIA_LIRA_VARIANCE_MEANING),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "how phi is computed, as others do it"),
};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    return mia_lira_score(input, p->sided == ONE ? MIA_LIRA_ONE_SIDED : MIA_LIRA_TWO_SIDED,
                          (MiaLiraVariance)p->variance, (MiaSignalMode)p->signal, out);
}

const MiaAttack mia_lira_offline = {
    .entry = BASE_ENTRY("lira_offline", "how unlikely a point is under shadow models that never saw it",
                        "LiRA, mi_lira_2021 in tensorflow/privacy, offline", Params, PARAMS),
    .needs = MIA_NEEDS_SHADOW,
    .sets = "member, non-member: points that trained the target or not, each missing in some shadow models; audited: "
            "any other such points",
    .score = score,
};
