/* eval/anamnesis.c - AIN = steps(u) / steps(r): relearning steps of the network under test over those of the retrained
 * one, from the same batches (eval/relearn/relearn.h). About 1: forgotten as by retraining; far below: much was still
 * there. Mean of the repeats' ratios with a t interval. Not defined where one of the two did not relearn within the
 * limit in some repeat (the ratio would only be a bound), nor where the retrained one needed no step. */
#include <math.h>

#include "eval/eval.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    const EvalRelearned *u = context->relearned, *r = context->relearned_retrained;
    double ratio[EVAL_REPEATS_MAX];
    (void)split;
    *out = math_estimate(NAN, 0);
    if (!u || !r || u->repeats == 0 || u->repeats != r->repeats) return BASE_OK;
    for (int64_t i = 0; i < u->repeats; i++) {
        if (!u->reached[i] || !r->reached[i] || r->steps[i] == 0) return BASE_OK;
        ratio[i] = (double)u->steps[i] / (double)r->steps[i];
    }
    *out = math_stats_mean(ratio, u->repeats, 0.95, NULL);
    if (out->lo < 0) out->lo = 0;
    return BASE_OK;
}

const EvalMetric eval_anamnesis = {
    .entry = BASE_ENTRY_PLAIN("anamnesis", "anamnesis index: relearning steps relative to retraining's",
                              "AIN in metrics.py of zero-shot-unlearning"),
    .unit = "1",
    .title = "AIN",
    .ideal = EVAL_IDEAL_NUMBER,
    .ideal_value = 1,
    .range = {0, INFINITY},
    .decimals = -1,
    .in_scores = 93,
    .compute = compute,
};
