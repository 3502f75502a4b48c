/* Time on the wall clock from the method's start to its edited weights; loading and measuring are not in it. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = eval_cost(context, context->wall_seconds);
    return BASE_OK;
}

const EvalMetric eval_wall_seconds = {
    .entry = BASE_ENTRY_PLAIN("wall_seconds", "time the unlearning took", ""),
    .unit = "s",
    .title = "wall",
    .ideal = EVAL_IDEAL_LOW,
    .compute = compute,
};
