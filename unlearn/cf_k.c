/* unlearn/cf_k.c - catastrophic forgetting of the last k layers (CF-k; Goel et al. 2022, arXiv 2201.06640): all layers but
 * the last k are frozen, and those are trained on, on retained images alone.
 * A layer is a convolution or a linear layer with the norms after it; k = 1 is the classifier, or both of
 * two whose logits are averaged. Frozen parameters and (statistics = frozen) frozen running statistics do not move at
 * all; batch statistics and dropout are those of training throughout. Data: retained images; epochs passes with gradients.
 */
#include "unlearn/gradient/refine.h"

static const BaseParam PARAMS[] = {UNLEARN_PRESET_ROW(UNLEARN_LAST_PUBLISHED), UNLEARN_LAST_ROWS};

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    const UnlearnRefine refine = unlearn_last_refine(values, UNLEARN_RENEW_NOTHING, "cf_k");
    return unlearn_refine(context, &refine, net, report);
}

const UnlearnMethod unlearn_cf_k = {
    .entry = BASE_ENTRY("cf_k", "trains the last k layers further on the retained classes", "Goel, CF-k", UnlearnLast,
                        PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_last_check,
};
