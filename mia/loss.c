/* mia/loss.c - score_i = -loss_i: members have been trained on, so their loss is lower. The frame chooses the
 * threshold, or mia/threshold does, which for a global one leaves the AUC unaffected. */
#include "mia/mia.h"

#include "mia/threshold/threshold.h"

static const BaseParam PARAMS[] = {MIA_THRESHOLD_CUT_PARAMS};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const MiaThresholdCut *p = params;
    return mia_threshold_score(input, &p->t, MIA_SIGNAL_LOSS, mia_signal_loss_mode(p->compat), -1, out);
}

const MiaAttack mia_loss = {
    .entry = BASE_ENTRY("loss", "thresholds the cross-entropy loss",
                        "LOSS in Privacy Meter; TensorFlow Privacy, threshold on the loss", MiaThresholdCut, PARAMS),
    .in_auto = true,
    .sets = MIA_THRESHOLD_SETS,
    .score = score,
};
