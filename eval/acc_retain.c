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
    .direction = EVAL_UP,
    .role = EVAL_ROLE_RETAINED,
    .range = {0, 100},
    .decimals = 2,
    .in_results = 100,
    .per_split = true,
    .compute = compute,
};
