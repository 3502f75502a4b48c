/* Distinct training images the method looked at: what must still exist when a class is to be forgotten. */
#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = eval_cost(context, (double)context->samples);
    return BASE_OK;
}

const EvalMetric eval_samples = {
    .entry = BASE_ENTRY_PLAIN("samples", "distinct training images the method looked at", ""),
    .unit = "1",
    .title = "samples",
    .ideal = EVAL_IDEAL_LOW,
    .compute = compute,
};
