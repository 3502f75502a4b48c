/* mia/entropy.c - score_i = -H(p): a member's prediction is the more certain one, whatever class it is. Between models
 * that says nothing: of a forgotten class a retrained model may be certain, too. */
#include "mia/mia.h"

#include "mia/threshold/threshold.h"

static const BaseParam PARAMS[] = {MIA_THRESHOLD_CUT_PARAMS};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const MiaThresholdCut *p = params;
    return mia_threshold_score(input, &p->t, MIA_SIGNAL_ENTROPY, mia_signal_loss_mode(p->compat), -1, out);
}

const MiaAttack mia_entropy = {
    .entry = BASE_ENTRY("entropy", "thresholds the entropy of the prediction",
                        "TensorFlow Privacy, threshold on the entropy", MiaThresholdCut, PARAMS),
    .needs = MIA_UNDIRECTED,
    .in_auto = true,
    .sets = MIA_THRESHOLD_SETS,
    .score = score,
};
