/* mia/mlp.c - a small network on what is seen of a prediction, trained on points whose membership is known: score =
 * log-odds of "member", threshold 0, members and non-members of equal weight. Each fold is judged by a fit to the
 * folds before it. Defaults are those of scikit-learn's MLPClassifier, which TensorFlow Privacy uses, but for the
 * folds and the passes: as many as fit in seconds, fixed, where theirs stop when the loss does. */
#include "mia/fit/mlp.h"

typedef struct {
    MiaMlp net;
    int64_t features, folds;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_CHOICE(Params, features, MIA_FEATURES_SIGNALS, mia_features_names, "features taken from a prediction"),
    BASE_PARAM_I64(Params, folds, 5, 0, 100, "number of folds; 0: the attack judges the points it is fitted to"),
    {"hidden", BASE_KIND_I64, offsetof(Params, net.hidden), 64, 1, 4096, 0, 0, "units of the hidden layer"},
    {"epochs", BASE_KIND_I64, offsetof(Params, net.epochs), 50, 1, 100000, 0, 0, "passes over the points"},
    {"batch_size", BASE_KIND_I64, offsetof(Params, net.batch_size), 200, 1, 1e9, 0, 0, "points per step"},
    {"lr", BASE_KIND_F64, offsetof(Params, net.lr), 1e-3, 1e-9, 10, 0, 0, "learning rate of Adam"},
    {"alpha", BASE_KIND_F64, offsetof(Params, net.alpha), 1e-4, 0, 1e3, 0, 0, "weight of the L2 penalty"},
};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    static const MiaFitKind KIND = {mia_mlp_size, mia_mlp_fit, mia_mlp_decide};
    return mia_fit_cross(input, (MiaFeatures)p->features, p->folds, true, &KIND, &p->net, out);
}

const MiaAttack mia_mlp = {
    .entry = BASE_ENTRY("mlp", "network with one hidden layer on signals of the prediction",
                        "TensorFlow Privacy, attack mlp", Params, PARAMS),
    .sets = "member and non-member: the points that the attack is fitted to, each judged by a fit to others; the "
            "first fold is not judged; audited: judged by a fit to all of them",
    .score = score,
};
