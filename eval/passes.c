/* Images passed through the network, each as often as it was passed: a cost that is free of the machine. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = eval_cost(context, context->passes);
    return BASE_OK;
}

const EvalMetric eval_passes = {
    .entry = BASE_ENTRY_PLAIN("passes", "images passed through the network while unlearning", ""),
    .unit = "1",
    .title = "passes",
    .ideal = EVAL_IDEAL_LOW,
    .compute = compute,
};
