/* score_i = -loss_i: members have been trained on, so their loss is lower (Yeom et al. 2018). The paper's threshold,
 * the mean training loss, needs the training set; here the frame chooses the threshold, which leaves the AUC
 * unaffected. */
#include "mia/mia.h"

#include "mia/signal/signal.h"

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    (void)params;
    mia_signal_fill(input->logits, 1, input->labels, input->N, input->K, MIA_SIGNAL_LOSS, MIA_SIGNAL_EXACT, out->score);
    for (int64_t i = 0; i < input->N; i++) out->score[i] = -out->score[i];
    return BASE_OK;
}

const MiaAttack mia_loss = {
    .entry = BASE_ENTRY_PLAIN("loss", "threshold on the cross-entropy loss",
                              "Yeom et al. 2018, arXiv 1709.01604, adversary 2"),
    .sets =
        "member and non-member: the points whose losses are compared; audited: the points whose membership is asked",
    .score = score,
};
