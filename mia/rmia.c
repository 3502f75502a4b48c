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

#define GAMMA BASE_PARAM_F64(Params, gamma, 2, 1e-6, 1e6, "factor by which the ratio of x must exceed that of z")
#define SHARED                                                                                                         \
    BASE_PARAM_BOOL(Params, strict, false, "demand ratio > gamma instead of ratio >= gamma"),                          \
        BASE_PARAM_CHOICE(Params, signal, MIA_RMIA_SOFTMAX, mia_rmia_signals,                                          \
                          "how the probability of the true label is computed"),                                        \
        BASE_PARAM_F64(Params, temperature, 1, 1e-3, 1e3, "temperature by which the logits are divided"),              \
        BASE_PARAM_F64(Params, trim, 0, 0, 0.49,                                                                       \
                       "share of reference models cut off at each end before the mean is taken"),                      \
        BASE_PARAM_CHOICE(Params, compat, MIA_RMIA_AS_SET, mia_rmia_compats,                                           \
                          "published code whose settings take the place of the parameters above")

static const BaseParam ONLINE[] = {GAMMA, SHARED};
static const BaseParam OFFLINE[] = {
    GAMMA,
    BASE_PARAM_F64(Params, offline_a, 0.3, 0, 1, "constant a in p(x) = (1 + a)/2 mean + (1 - a)/2; 1: the mean itself"),
    BASE_PARAM_BOOL(Params, correct_population, true, "apply the constant a to p(z) as well as to p(x)"),
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
    {.entry = BASE_ENTRY("rmia_online", "compares the likelihood ratio of a point with those of a population",
                         "RMIA, research/2024_rmia of Privacy Meter, online", Params, ONLINE),
     .needs = MIA_NEEDS_SHADOW | MIA_NEEDS_POPULATION | MIA_NEEDS_SHADOW_POPULATION,
     .sets = "member, non-member: points that the target was trained on or not, each in the training set of some "
             "shadow models and not of others; population: points in no training set; audited: any other such points",
     .score = online},
    {.entry = BASE_ENTRY("rmia_offline", "as rmia_online, but only with shadow models that never saw the point",
                         "RMIA, research/2024_rmia of Privacy Meter, offline", Params, OFFLINE),
     .needs = MIA_NEEDS_SHADOW | MIA_NEEDS_POPULATION | MIA_NEEDS_SHADOW_POPULATION,
     .in_auto = true,
     .sets = "member, non-member: points that the target was trained on or not, each missing from the training set of "
             "some shadow models; population: points in no training set; audited: any other such points",
     .score = offline},
};
const BaseRows mia_rmia = BASE_ROWS(TABLE);
