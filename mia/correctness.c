/* mia/correctness.c - score_i = 1 where the prediction is right, else 0: member iff right, the gap between training and
 * test accuracy as an attack. Where the true class is one of t equals at the top, 1 / t. */
#include "mia/mia.h"

#include <math.h>

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
    BaseStatus st = mia_threshold_score(input, &p->t, MIA_SIGNAL_CORRECT, MIA_SIGNAL_EXACT, 1, out);
    if (st == BASE_OK && isnan(out->threshold)) out->threshold = 0.5; /* global, on points: the attack's own rule */
    return st;
}

const MiaAttack mia_correctness = {
    .entry = BASE_ENTRY("correctness", "calls a point a member if its prediction is right", "ART, rule-based attack",
                        Params, PARAMS),
    .in_auto = true,
    .sets = MIA_THRESHOLD_SETS,
    .score = score,
};
