/* eval/loss_forget.c - mean of -log softmax(z_i)[y_i] over the images of forgotten classes, with a t interval. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_part_loss(context, split, EVAL_PART_FORGET, out);
}

const EvalMetric eval_loss_forget = {
    .entry = BASE_ENTRY_PLAIN("loss_forget", "mean cross-entropy on the forgotten classes", ""),
    .unit = "nats",
    .title = "loss_f",
    .ideal = EVAL_IDEAL_RETRAINED,
    .decimals = -1,
    .per_split = true,
    .compute = compute,
};
