/* mia/modified_entropy.c - score_i = -M(p, y), the entropy in which a confident wrong answer counts as high (Song &
 * Mittal, eq. 8). */
#include "mia/mia.h"

#include "mia/threshold/threshold.h"

static const BaseParam PARAMS[] = {MIA_THRESHOLD_CUT_PARAMS};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const MiaThresholdCut *p = params;
    return mia_threshold_score(input, &p->t, MIA_SIGNAL_MODIFIED_ENTROPY, mia_signal_loss_mode(p->compat), -1, out);
}

const MiaAttack mia_modified_entropy = {
    .entry = BASE_ENTRY("modified_entropy", "thresholds the modified entropy, which takes the true class into account",
                        "Song and Mittal, eq. 8", MiaThresholdCut, PARAMS),
    .in_auto = true,
    .sets = MIA_THRESHOLD_SETS,
    .score = score,
};
