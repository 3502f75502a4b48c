/* eval/acc_retain.c - 100 * #{i : argmax z_i = y_i} / n over the images of retained classes (a micro-average), with the
 * Clopper-Pearson interval. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_part_accuracy(context, split, EVAL_PART_RETAIN, out);
}

const EvalMetric eval_acc_retain = {
    .entry = BASE_ENTRY_PLAIN("acc_retain", "accuracy on the retained classes, over their images together",
                              "Kodge et al. 2024"),
    .unit = "%",
    .title = "ACC_r",
    .ideal = EVAL_IDEAL_RETRAINED,
    .per_split = true,
    .compute = compute,
};
