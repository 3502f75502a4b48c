/* log N(phi; m_in, s_in) - log N(phi; m_out, s_out) per point (LiRA, online); mia/lira has the
 * centres and spreads. Differs from the authors' code in that nothing saturates in phi (signal exact), and that each
 * side keeps all its shadow models where a design is not exactly half and half. */
#include "mia/lira/lira.h"

typedef struct {
    int64_t variance, signal;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_CHOICE(Params, variance, MIA_LIRA_PER_EXAMPLE, mia_lira_variances, MIA_LIRA_VARIANCE_MEANING),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "how phi is computed, as others do it"),
};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    return mia_lira_score(input, MIA_LIRA_ONLINE, (MiaLiraVariance)p->variance, (MiaSignalMode)p->signal, out);
}

const MiaAttack mia_lira_online = {
    .entry = BASE_ENTRY("lira_online", "likelihood ratio of shadow models with and without each point",
                        "LiRA, mi_lira_2021 in tensorflow/privacy, online", Params, PARAMS),
    .needs = MIA_NEEDS_SHADOW,
    .sets = "member, non-member: points that trained the target or not, each in some shadow models and not in others; "
            "audited: any other such points",
    .score = score,
};
