/* score_i = -loss_i: members have been trained on, so their loss is lower (Yeom et al. 2018). The paper's threshold,
 * the mean training loss, needs the training set; here the frame chooses the threshold, or mia/threshold does, which
 * for a global one leaves the AUC unaffected. */
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
                        "Yeom et al. 2018, arXiv 1709.01604, adversary 2", Params, PARAMS),
    .sets = "member and non-member: the points whose signals are compared, thresholds are chosen on them or on shadow "
            "models; "
            "audited: the points whose membership is asked",
    .score = score,
};
