/* Share of population points z with (p(x | target) / p(x)) / (p(z | target) / p(z)) >= gamma, p(x) from reference
 * models without x alone: (1 + a)/2 mean + (1 - a)/2 (RMIA, offline); mia/rmia has the formulas. The authors tune a by
 * attacking a reference model; here it is a parameter. */
#include "mia/rmia/rmia.h"

typedef struct {
    double gamma, offline_a, temperature, trim;
    bool strict, correct_population;
    int64_t signal, compat;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, gamma, 2, 1e-6, 1e6, "how many times the ratio of x must exceed that of z"),
    BASE_PARAM_F64(Params, offline_a, 0.3, 0, 1, "a in p(x) = (1 + a)/2 mean + (1 - a)/2; 1: the mean itself"),
    BASE_PARAM_BOOL(Params, correct_population, true, "a corrects p(z) too, not p(x) alone"),
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
    MiaRmia how = {.gamma = p->gamma, .offline_a = p->offline_a, .temperature = p->temperature, .trim = p->trim};
    how.strict = p->strict;
    how.correct_population = p->correct_population;
    how.signal = (MiaRmiaSignal)p->signal;
    how.compat = (MiaRmiaCompat)p->compat;
    return mia_rmia_score(input, how, out);
}

const MiaAttack mia_rmia_offline = {
    .entry = BASE_ENTRY("rmia_offline", "as rmia_online, from shadow models that never saw a point",
                        "RMIA, research/2024_rmia of Privacy Meter, offline", Params, PARAMS),
    .needs = MIA_NEEDS_SHADOW | MIA_NEEDS_POPULATION | MIA_NEEDS_SHADOW_POPULATION,
    .sets = "member, non-member: points that trained the target or not, each missing in some shadow models; "
            "population: points in no training set; audited: any other such points",
    .score = score,
};
