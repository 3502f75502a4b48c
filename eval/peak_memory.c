/* The highest resident set of the process while the method ran, in units of 2^20 bytes. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = eval_cost(context, (double)context->peak_memory / (1 << 20));
    return BASE_OK;
}

const EvalMetric eval_peak_memory = {
    .entry = BASE_ENTRY_PLAIN("peak_memory", "largest resident memory while unlearning", ""),
    .unit = "MiB",
    .title = "memory",
    .ideal = EVAL_IDEAL_LOW,
    .compute = compute,
};
