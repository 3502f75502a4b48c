/* unlearn/finetune.c - training on, on retained images alone, in the hope that what is not rehearsed fades ("FT"):
 *   w <- argmin  1/|D_r| sum over D_r of CE(f_w(x), y)        from the original w, by a few epochs of SGD
 * Data: retained images; epochs passes with gradients. Defaults: the arguments of Unlearn-Sparse (10 epochs, lr 0.01).
 */
#include "unlearn/gradient/refine.h"

static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("augment=as_training"),
    UNLEARN_STEP_ROWS(10, 256, 0.01, 0.9, 5e-4, NN_SGD),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_LAYERS_ROW,
};

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    return unlearn_refine(context, &(UnlearnRefine){.steps = values, .label = "finetune"}, net, report);
}

const UnlearnMethod unlearn_finetune = {
    .entry = BASE_ENTRY("finetune", "trains further on the retained classes", "FT in the code of Unlearn-Sparse",
                        UnlearnSteps, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
