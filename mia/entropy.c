/* score_i = -H(p): a member's prediction is the more certain one, whatever class it is. */
#include "mia/mia.h"

#include "mia/threshold/threshold.h"

typedef struct {
    MiaThreshold t;
    int64_t compat;
} Params;

static const BaseParam PARAMS[] = {
    MIA_THRESHOLD_PARAMS(Params),
    BASE_PARAM_CHOICE(Params, compat, 0, mia_signal_loss_modes,
                      "exact, or with the logarithms cut off as in tensorflow/privacy"),
};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    return mia_threshold_score(input, &p->t, MIA_SIGNAL_ENTROPY, mia_signal_loss_mode(p->compat), -1, out);
}

const MiaAttack mia_entropy = {
    .entry = BASE_ENTRY("entropy", "threshold on the entropy of the prediction",
                        "TensorFlow Privacy, threshold on the entropy", Params, PARAMS),
    .sets = "member and non-member: the points whose signals are compared, thresholds are chosen on them or on shadow "
            "models; "
            "audited: the points whose membership is asked",
    .score = score,
};
