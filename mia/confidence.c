/* mia/confidence.c - score_i = p_y: members are the more confident ones. The order is that of the loss, but p_y rounds
 * to 1 beyond phi = 37, where the loss still tells points apart. */
#include "mia/mia.h"

#include "mia/threshold/threshold.h"

typedef struct {
    MiaThreshold t;
} Params;

static const BaseParam PARAMS[] = {
    MIA_THRESHOLD_PARAMS(Params),
};

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    return mia_threshold_score(input, &p->t, MIA_SIGNAL_CONFIDENCE, MIA_SIGNAL_EXACT, 1, out);
}

const MiaAttack mia_confidence = {
    .entry = BASE_ENTRY("confidence", "thresholds the probability of the true class",
                        "the feature confidence of Unlearn-Sparse", Params, PARAMS),
    .sets = MIA_THRESHOLD_SETS,
    .score = score,
};
