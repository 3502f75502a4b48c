/* eval/loss.c - mean of -log softmax(z_i)[y_i] over the images of retained or of forgotten classes, with an interval for
 * skewed numbers. */
#include "eval/score/score.h"

static BaseStatus retained(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_part_loss(context, split, EVAL_PART_RETAIN, out);
}

static BaseStatus forgotten(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_part_loss(context, split, EVAL_PART_FORGET, out);
}

#define LOSS .unit = "nats", .ideal = EVAL_IDEAL_RETRAINED, .decimals = -1, .per_split = true
static const EvalMetric TABLE[] = {
    {.entry = BASE_ENTRY_PLAIN("loss_retain", "mean cross-entropy on the retained classes", ""),
     .title = "loss_r",
     .compute = retained,
     LOSS},
    {.entry = BASE_ENTRY_PLAIN("loss_forget", "mean cross-entropy on the forgotten classes", ""),
     .title = "loss_f",
     .of_forgotten = true,
     .compute = forgotten,
     LOSS},
};
const BaseRows eval_loss = BASE_ROWS(TABLE);
