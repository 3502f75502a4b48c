/* eval/loss_retain.c - mean of -log softmax(z_i)[y_i] over the images of retained classes, with a t interval. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_part_loss(context, split, EVAL_PART_RETAIN, out);
}

const EvalMetric eval_loss_retain = {
    .entry = BASE_ENTRY_PLAIN("loss_retain", "mean cross-entropy on the retained classes", ""),
    .unit = "nats",
    .title = "loss_r",
    .ideal = EVAL_IDEAL_RETRAINED,
    .decimals = -1,
    .per_split = true,
    .compute = compute,
};
