/* mia/lira.c - LiRA, online and offline; mia/lira has the centres and spreads.
 *   online   log N(phi; m_in, s_in) - log N(phi; m_out, s_out) per point. Differs from the authors' code in that nothing
 *            saturates in phi (signal exact), and that each side keeps all its shadow models where a design is not
 *            exactly half and half.
 *   offline  log Phi((phi - m_out) / s_out), or -log N(phi; m_out, s_out), per point from the shadow models that were not
 *            trained on it. The paper's test is one-sided; the authors' code is two-sided and so calls a point a member
 *            that looks less trained on than any. */
#include "mia/lira/lira.h"

typedef enum { ONE, TWO } Sides;
static const char *const SIDES[] = {"one", "two", NULL};

typedef struct {
    int64_t sided, variance, signal;
} Params;

#define SHARED                                                                                                         \
    BASE_PARAM_CHOICE(Params, variance, MIA_LIRA_PER_EXAMPLE, mia_lira_variances, MIA_LIRA_VARIANCE_MEANING),          \
        BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes,                                      \
                          "exact phi, or phi as in the code named")

static const BaseParam ONLINE[] = {SHARED};
static const BaseParam OFFLINE[] = {
    BASE_PARAM_CHOICE(Params, sided, ONE, SIDES,
                      "sides of the test: one, far above the out-models (the paper); two, to either side (its code)"),
    SHARED};

static BaseStatus online(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    return mia_lira_score(input, MIA_LIRA_ONLINE, (MiaLiraVariance)p->variance, (MiaSignalMode)p->signal, out);
}

static BaseStatus offline(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    return mia_lira_score(input, p->sided == ONE ? MIA_LIRA_ONE_SIDED : MIA_LIRA_TWO_SIDED,
                          (MiaLiraVariance)p->variance, (MiaSignalMode)p->signal, out);
}

static const MiaAttack TABLE[] = {
    {.entry = BASE_ENTRY("lira_online", "likelihood ratio between shadow models trained with and without the point",
                         "LiRA, mi_lira_2021 in tensorflow/privacy, online", Params, ONLINE),
     .needs = MIA_NEEDS_SHADOW,
     .in_auto = true,
     .sets = "member, non-member: points that the target was trained on or not, each in the training set of some "
             "shadow models and not of others; audited: any other such points",
     .score = online},
    {.entry = BASE_ENTRY("lira_offline", "how unlikely the point's phi is under shadow models that never saw the point",
                         "LiRA, mi_lira_2021 in tensorflow/privacy, offline", Params, OFFLINE),
     .needs = MIA_NEEDS_SHADOW,
     .in_auto = true,
     .sets = "member, non-member: points that the target was trained on or not, each missing from the training set of "
             "some shadow models; audited: any other such points",
     .score = offline},
};
const BaseRows mia_lira = BASE_ROWS(TABLE);
