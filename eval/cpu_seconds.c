/* Processor time of all threads during the unlearning: does not shrink with more cores. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = eval_cost(context, context->cpu_seconds);
    return BASE_OK;
}

const EvalMetric eval_cpu_seconds = {
    .entry = BASE_ENTRY_PLAIN("cpu_seconds", "processor time of the unlearning, all threads", ""),
    .unit = "s",
    .title = "CPU",
    .ideal = EVAL_IDEAL_LOW,
    .compute = compute,
};
