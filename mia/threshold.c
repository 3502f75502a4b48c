/* mia/threshold.c - one signal of the prediction against a threshold. The frame chooses the threshold, or mia/threshold
 * does, which for a global one leaves the AUC unaffected.
 *   loss              -loss_i: members have been trained on, so their loss is lower
 *   confidence        p_y: members are the more confident ones. The order is that of the loss, but p_y rounds to 1
 *                     beyond phi = 37, where the loss still tells points apart
 *   entropy           -H(p): a member's prediction is the more certain one, whatever class it is. Between models that
 *                     says nothing: of a forgotten class a retrained model may be certain, too
 *   modified_entropy  -M(p, y), the entropy in which a confident wrong answer counts as high (Song & Mittal, eq. 8)
 *   correctness       1 where the prediction is right, else 0: member iff right, the gap between training and test
 *                     accuracy as an attack. Where the true class is one of t equals at the top, 1 / t */
#include "mia/threshold/threshold.h"

#include <math.h>

typedef struct {
    MiaThreshold t;
    int64_t compat; /* index of mia_signal_loss_modes; where it has a row */
} Params;

#define ROWS                                                                                                           \
    BASE_PARAM_CHOICE(MiaThreshold, thresholds, MIA_THRESHOLD_GLOBAL, mia_threshold_kinds,                             \
                      "one threshold, or one for each class that has members and non-members"),                        \
        BASE_PARAM_CHOICE(                                                                                             \
            MiaThreshold, chosen_on, MIA_THRESHOLD_POINTS, mia_threshold_sources,                                      \
            "where thresholds are chosen: points, members and non-members (the other half for class); or shadows")
static const BaseParam EXACT[] = {ROWS};
/* Of signals that the literature also computes with their logarithms cut off. */
static const BaseParam CUT[] = {
    ROWS,
    BASE_PARAM_CHOICE(Params, compat, 0, mia_signal_loss_modes,
                      "how the signal is computed: exactly, or with logarithms cut off as in tensorflow/privacy"),
};

static BaseStatus negative(const MiaInput *input, const Params *p, MiaSignalKind kind, MiaScores *out)
{
    return mia_threshold_score(input, &p->t, kind, mia_signal_loss_mode(p->compat), -1, out);
}

static BaseStatus loss(const MiaInput *input, const void *params, MiaScores *out)
{
    return negative(input, params, MIA_SIGNAL_LOSS, out);
}

static BaseStatus entropy(const MiaInput *input, const void *params, MiaScores *out)
{
    return negative(input, params, MIA_SIGNAL_ENTROPY, out);
}

static BaseStatus modified_entropy(const MiaInput *input, const void *params, MiaScores *out)
{
    return negative(input, params, MIA_SIGNAL_MODIFIED_ENTROPY, out);
}

static BaseStatus confidence(const MiaInput *input, const void *params, MiaScores *out)
{
    return mia_threshold_score(input, &((const Params *)params)->t, MIA_SIGNAL_CONFIDENCE, MIA_SIGNAL_EXACT, 1, out);
}

static BaseStatus correctness(const MiaInput *input, const void *params, MiaScores *out)
{
    const Params *p = params;
    BaseStatus st = mia_threshold_score(input, &p->t, MIA_SIGNAL_CORRECT, MIA_SIGNAL_EXACT, 1, out);
    if (st == BASE_OK && isnan(out->threshold)) out->threshold = 0.5; /* global, on points: the attack's own rule */
    return st;
}

#define SETS                                                                                                           \
    .sets =                                                                                                            \
        "member and non-member: the points whose signals are compared; thresholds are chosen on them or on shadow "    \
        "models; audited: the points whose membership is in question"
static const MiaAttack TABLE[] = {
    {.entry = BASE_ENTRY("loss", "thresholds the cross-entropy loss",
                         "LOSS in Privacy Meter; TensorFlow Privacy, threshold on the loss", Params, CUT),
     .in_auto = true,
     .panel = true,
     .score = loss,
     SETS},
    {.entry = BASE_ENTRY("confidence", "thresholds the probability of the true class",
                         "the feature confidence of Unlearn-Sparse", Params, EXACT),
     .score = confidence,
     SETS},
    {.entry = BASE_ENTRY("entropy", "thresholds the entropy of the prediction",
                         "TensorFlow Privacy, threshold on the entropy", Params, CUT),
     .needs = MIA_UNDIRECTED,
     .in_auto = true,
     .panel = true,
     .score = entropy,
     SETS},
    {.entry = BASE_ENTRY("modified_entropy", "thresholds the modified entropy, which takes the true class into account",
                         "Song and Mittal, eq. 8", Params, CUT),
     .in_auto = true,
     .panel = true,
     .score = modified_entropy,
     SETS},
    {.entry = BASE_ENTRY("correctness", "calls a point a member if its prediction is right", "ART, rule-based attack",
                         Params, EXACT),
     .in_auto = true,
     .score = correctness,
     SETS},
};
const BaseRows mia_threshold = BASE_ROWS(TABLE);
