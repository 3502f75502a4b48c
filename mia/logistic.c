/* mia/logistic.c - logistic regression of membership on what is seen of a prediction: score = log-odds of "member",
 * threshold 0, with members and non-members of equal weight. Each fold is judged by a fit to the folds before it.
 * The published ones: SCRUB's (and learn_to_forget's) features=loss; SSD's features=entropy folds=0 standardise=false
 * C=2, because its multinomial form counts each weight twice; there efficacy is 1 - the published share of members. */
#include "mia/fit/logistic.h"

typedef struct {
    double C;
    int64_t features, folds;
    bool standardise;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, C, 1, 1e-9, 1e9, "weight of the loss relative to |w|^2 / 2"),
    BASE_PARAM_CHOICE(Params, features, MIA_FEATURES_SIGNALS, mia_features_names, "features taken from a prediction"),
    BASE_PARAM_I64(Params, folds, 5, 0, 100, "number of folds; 0: the attack judges the points it is fitted to"),
    BASE_PARAM_BOOL(Params, standardise, true, "scale every feature to mean 0 and standard deviation 1"),
};

static int64_t size(int64_t d, const void *how)
{
    (void)how;
    return d + 1;
}

static BaseStatus fit(const MiaFitRows *rows, const void *how, uint64_t seed, double *model)
{
    (void)seed;
    return mia_logistic_fit(rows, ((const Params *)how)->C, model);
}

static double decide(const double *x, int64_t d, const void *how, const double *model)
{
    (void)how;
    return mia_logistic_decide(x, d, model);
}

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    static const MiaFitKind KIND = {size, fit, decide};
    return mia_fit_cross(input, (MiaFeatures)p->features, p->folds, p->standardise, &KIND, p, out);
}

const MiaAttack mia_logistic = {
    .entry = BASE_ENTRY("logistic", "logistic regression on signals of the prediction",
                        "Kurmanji et al. 2023 (SCRUB); Foster et al. 2024 (SSD); TensorFlow Privacy", Params, PARAMS),
    .in_auto = true,
    .panel = true,
    .sets = "member and non-member: the points that the attack is fitted to, each judged by a fit to others; the "
            "first fold is not judged; audited: judged by a fit to all of them",
    .score = score,
};
