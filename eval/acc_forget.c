/* eval/acc_forget.c - 100 * #{i : argmax z_i = y_i} / n over the images of forgotten classes (a micro-average), with
 * the Clopper-Pearson interval. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_part_accuracy(context, split, EVAL_PART_FORGET, out);
}

const EvalMetric eval_acc_forget = {
    .entry = BASE_ENTRY_PLAIN("acc_forget", "accuracy on the forgotten classes, over their images together",
                              "Kodge et al. 2024"),
    .unit = "%",
    .title = "ACC_f",
    .ideal = EVAL_IDEAL_RETRAINED,
    .direction = EVAL_DOWN,
    .role = EVAL_ROLE_FORGOTTEN,
    .range = {0, 100},
    .decimals = 2,
    .in_results = 99,
    .per_split = true,
    .compute = compute,
};
