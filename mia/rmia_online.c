/* Share of population points z with (p(x | target) / p(x)) / (p(z | target) / p(z)) >= gamma, p(x) from reference
 * models with and without x (RMIA, online); mia/rmia has the formulas. For one target and one
 * population the score rises with p(x | target) / p(x), so gamma decides which thresholds can be resolved, not the
 * ranking. */
#include "mia/rmia/rmia.h"

typedef struct {
    double gamma, temperature, trim;
    bool strict;
    int64_t signal, compat;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, gamma, 2, 1e-6, 1e6, "how many times the ratio of x must exceed that of z"),
    BASE_PARAM_BOOL(Params, strict, false, "ratio > gamma instead of >= gamma"),
    BASE_PARAM_CHOICE(Params, signal, MIA_RMIA_SOFTMAX, mia_rmia_signals, "probability of the true label"),
    BASE_PARAM_F64(Params, temperature, 1, 1e-3, 1e3, "divides the logits"),
    BASE_PARAM_F64(Params, trim, 0, 0, 0.49, "share of reference models cut off at either end before the mean"),
    BASE_PARAM_CHOICE(Params, compat, MIA_RMIA_AS_SET, mia_rmia_compats,
                      "settings of published code in place of the parameters above"),
};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    MiaRmia how = {.gamma = p->gamma, .temperature = p->temperature, .trim = p->trim, .strict = p->strict};
    how.signal = (MiaRmiaSignal)p->signal;
    how.compat = (MiaRmiaCompat)p->compat;
    how.online = true;
    return mia_rmia_score(input, how, out);
}

const MiaAttack mia_rmia_online = {
    .entry = BASE_ENTRY("rmia_online", "likelihood ratios of points against those of a population",
                        "RMIA, research/2024_rmia of Privacy Meter, online", Params, PARAMS),
    .needs = MIA_NEEDS_SHADOW | MIA_NEEDS_POPULATION | MIA_NEEDS_SHADOW_POPULATION,
    .sets = "member, non-member: points that trained the target or not, each in some shadow models and not in others; "
            "population: points in no training set; audited: any other such points",
    .score = score,
};
