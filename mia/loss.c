/* score_i = -loss_i: members have been trained on, so their loss is lower. The frame chooses the threshold, or
 * mia/threshold does, which for a global one leaves the AUC unaffected. */
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
    return mia_threshold_score(input, &p->t, MIA_SIGNAL_LOSS, mia_signal_loss_mode(p->compat), -1, out);
}

const MiaAttack mia_loss = {
    .entry = BASE_ENTRY("loss", "threshold on the cross-entropy loss",
                        "LOSS in Privacy Meter; TensorFlow Privacy, threshold on the loss", Params, PARAMS),
    .sets = "member and non-member: the points whose signals are compared, thresholds are chosen on them or on shadow "
            "models; "
            "audited: the points whose membership is asked",
    .score = score,
};
