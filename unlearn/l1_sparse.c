/* unlearn/l1_sparse.c - fine-tuning on retained images with a sparsity penalty that fades (Unlearn-Sparse, with the
 * linearly decreasing weight of its code):
 *   min over w   1/|D_r| sum over D_r of CE(f_w(x), y)  +  l1 (1 - e / E) ||w||_1        epoch e = 0 .. E - 1
 * The penalty's subgradient at 0 is 0; it covers all parameters, biases and norms too.
 * Data: retained images; epochs passes with gradients. 10 epochs of lr 0.01 as that code's
 * fine-tuning. An l1 of 5e-4 costs a small network several points.
 */
#include "unlearn/gradient/refine.h"

typedef struct {
    UnlearnSteps steps;
    double l1;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("augment=as_training"),
    BASE_PARAM_F64(Params, l1, 1e-4, 0, 1, "weight of the L1 norm in the first epoch"),
    UNLEARN_STEP_ROWS(10, 256, 0.01, 0.9, 5e-4, NN_SGD),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_LAYERS_ROW,
};

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    const Params *p = values;
    return unlearn_refine(context, &(UnlearnRefine){.steps = &p->steps, .l1 = p->l1, .label = "l1_sparse"}, net,
                          report);
}

const UnlearnMethod unlearn_l1_sparse = {
    .entry = BASE_ENTRY("l1_sparse", "trains further on the retained classes with a fading L1 penalty",
                        "code of Unlearn-Sparse", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
