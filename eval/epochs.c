/* Epochs-equivalent: the operations of metric flops over those of one training epoch on the whole training split. 1: as
 * dear as one epoch of the original's training; a pass without gradients counts a third. */
#include "eval/score/score.h"

#include <math.h>

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = math_estimate(NAN, 0);
    if (context->train_images > 0)
        *out = eval_cost(context, context->passes / (double)context->train_images / (context->gradients ? 1 : 3));
    return BASE_OK;
}

const EvalMetric eval_epochs = {
    .entry = BASE_ENTRY_PLAIN("epochs", "epochs-equivalent: cost of the unlearning in training epochs", ""),
    .unit = "1",
    .title = "epochs",
    .ideal = EVAL_IDEAL_LOW,
    .compute = compute,
};
