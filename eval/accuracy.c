/* eval/accuracy.c - 100 * #{i : argmax z_i = y_i} / n over every image of the split, with the Clopper-Pearson
 * interval. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_part_accuracy(context, split, EVAL_PART_ALL, out);
}

const EvalMetric eval_accuracy = {
    .entry = BASE_ENTRY_PLAIN("accuracy", "share of the split's images that are predicted correctly", ""),
    .unit = "%",
    .title = "ACC",
    .ideal = EVAL_IDEAL_RETRAINED,
    .direction = EVAL_UP,
    .range = {0, 100},
    .decimals = 2,
    .per_split = true,
    .compute = compute,
};
