/* mia/rmia.c - RMIA, online and offline: the share of population points z with (p(x | target) / p(x)) / (p(z | target) /
 * p(z)) >= gamma; mia/rmia has the formulas. For one target and one population the score rises with p(x | target) / p(x),
 * so gamma decides which thresholds can be resolved, not the ranking.
 *   online   p(x) from reference models with and without x
 *   offline  p(x) from reference models without x alone: (1 + a)/2 mean + (1 - a)/2. The authors tune a by attacking a
 *            reference model; here it is a parameter. */
#include "mia/rmia/rmia.h"

typedef struct {
    double gamma, offline_a, temperature, trim;
    bool strict, correct_population;
    int64_t signal, compat;
} Params;

#define GAMMA BASE_PARAM_F64(Params, gamma, 2, 1e-6, 1e6, "how many times the ratio of x must exceed that of z")
#define SHARED                                                                                                         \
    BASE_PARAM_BOOL(Params, strict, false, "ratio > gamma instead of >= gamma"),                                       \
        BASE_PARAM_CHOICE(Params, signal, MIA_RMIA_SOFTMAX, mia_rmia_signals, "probability of the true label"),        \
        BASE_PARAM_F64(Params, temperature, 1, 1e-3, 1e3, "divides the logits"),                                       \
        BASE_PARAM_F64(Params, trim, 0, 0, 0.49, "share of reference models cut off at either end before the mean"),   \
        BASE_PARAM_CHOICE(Params, compat, MIA_RMIA_AS_SET, mia_rmia_compats,                                           \
                          "settings of published code in place of the parameters above")

static const BaseParam ONLINE[] = {GAMMA, SHARED};
static const BaseParam OFFLINE[] = {
    GAMMA,
    BASE_PARAM_F64(Params, offline_a, 0.3, 0, 1, "a in p(x) = (1 + a)/2 mean + (1 - a)/2; 1: the mean itself"),
    BASE_PARAM_BOOL(Params, correct_population, true, "a corrects p(z) too, not p(x) alone"),
    SHARED,
};

static MiaRmia shared_of(const Params *p)
{
    return (MiaRmia){.gamma = p->gamma,
                     .temperature = p->temperature,
                     .trim = p->trim,
                     .strict = p->strict,
                     .signal = (MiaRmiaSignal)p->signal,
                     .compat = (MiaRmiaCompat)p->compat};
}

static BaseStatus online(const MiaInput *input, const void *params, MiaScores *out)
{
    MiaRmia how = shared_of(params);
    how.online = true;
    return mia_rmia_score(input, how, out);
}

static BaseStatus offline(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    MiaRmia how = shared_of(p);
    how.offline_a = p->offline_a;
    how.correct_population = p->correct_population;
    return mia_rmia_score(input, how, out);
}

static const MiaAttack TABLE[] = {
    {.entry = BASE_ENTRY("rmia_online", "likelihood ratios of points against those of a population",
                         "RMIA, research/2024_rmia of Privacy Meter, online", Params, ONLINE),
     .needs = MIA_NEEDS_SHADOW | MIA_NEEDS_POPULATION | MIA_NEEDS_SHADOW_POPULATION,
     .sets = "member, non-member: points that trained the target or not, each in some shadow models and not in others; "
             "population: points in no training set; audited: any other such points",
     .score = online},
    {.entry = BASE_ENTRY("rmia_offline", "as rmia_online, from shadow models that never saw a point",
                         "RMIA, research/2024_rmia of Privacy Meter, offline", Params, OFFLINE),
     .needs = MIA_NEEDS_SHADOW | MIA_NEEDS_POPULATION | MIA_NEEDS_SHADOW_POPULATION,
     .sets = "member, non-member: points that trained the target or not, each missing in some shadow models; "
             "population: points in no training set; audited: any other such points",
     .score = offline},
};
const BaseRows mia_rmia = BASE_ROWS(TABLE);
