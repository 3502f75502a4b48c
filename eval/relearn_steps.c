/* eval/relearn_steps.c - steps of training on a small sample of all classes until the forgotten classes are answered as
 * well as the original answers them, less a margin (eval/relearn/relearn.h): few steps mean that much was still there.
 * Mean over repeats that differ in the order of images, with a t interval. A repeat that gave up counts as its limit: a
 * lower bound. */
#include <math.h>

#include "eval/eval.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    const EvalRelearned *u = context->relearned;
    double steps[EVAL_REPEATS_MAX];
    (void)split;
    *out = math_estimate(NAN, 0);
    if (!u || u->repeats == 0) return BASE_OK;
    for (int64_t i = 0; i < u->repeats; i++) steps[i] = (double)u->steps[i];
    *out = math_stats_mean(steps, u->repeats, 0.95, NULL);
    if (out->lo < 0) out->lo = 0;
    return BASE_OK;
}

const EvalMetric eval_relearn_steps = {
    .entry = BASE_ENTRY_PLAIN("relearn_steps", "training steps until the forgotten classes are recognised again",
                              "AIN in metrics.py of zero-shot-unlearning"),
    .unit = "1",
    .title = "relearn steps",
    .ideal = EVAL_IDEAL_RETRAINED,
    .range = {0, INFINITY},
    .decimals = -1,
    .in_scores = 94,
    .compute = compute,
};
