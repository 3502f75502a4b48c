/* eval/relearning.c - how soon training brings the forgotten classes back (eval/relearn/relearn.h); means over repeats
 * that differ in the order of images, with a t interval.
 *   relearn_steps  steps on a small sample of all classes until the forgotten classes are answered as well as the
 *                  original answers them, less a margin: few steps mean that much was still there. A repeat that gave
 *                  up counts as its limit: a lower bound.
 *   anamnesis      AIN = steps(u) / steps(r): those of the network under test over those of the retrained one, from the
 *                  same batches. About 1: forgotten as by retraining; far below: much was still there. Not defined
 *                  where one of the two did not relearn within the limit in some repeat (the ratio would only be a
 *                  bound), nor where the retrained one needed no step. */
#include <math.h>

#include "eval/eval.h"

/* NaN for no repeats; none is below 0, nor is their mean. */
static MathEstimate mean_of(const double *x, int64_t repeats)
{
    MathEstimate mean = math_stats_mean(x, repeats, 0.95, NULL);
    if (mean.lo < 0) mean.lo = 0;
    return mean;
}

static BaseStatus relearn_steps(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    const EvalRelearned *u = context->relearned;
    double steps[EVAL_REPEATS_MAX] = {0};
    (void)split;
    for (int64_t i = 0; u && i < u->repeats; i++) steps[i] = (double)u->steps[i];
    *out = mean_of(steps, u ? u->repeats : 0);
    return BASE_OK;
}

static BaseStatus anamnesis(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    const EvalRelearned *u = context->relearned, *r = context->relearned_retrained;
    double ratio[EVAL_REPEATS_MAX] = {0};
    (void)split;
    *out = math_estimate(NAN, 0);
    if (!u || !r || u->repeats != r->repeats) return BASE_OK;
    for (int64_t i = 0; i < u->repeats; i++) {
        if (!u->reached[i] || !r->reached[i] || r->steps[i] == 0) return BASE_OK;
        ratio[i] = (double)u->steps[i] / (double)r->steps[i];
    }
    *out = mean_of(ratio, u->repeats);
    return BASE_OK;
}

#define SHARED .unit = "1", .range = {0, INFINITY}, .decimals = -1
static const EvalMetric TABLE[] = {
    {.entry = BASE_ENTRY_PLAIN("relearn_steps", "training steps until the forgotten classes are recognised again",
                               "AIN in metrics.py of zero-shot-unlearning"),
     .title = "relearn steps",
     .ideal = EVAL_IDEAL_RETRAINED,
     .in_scores = 94,
     .compute = relearn_steps,
     SHARED},
    {.entry = BASE_ENTRY_PLAIN("anamnesis", "anamnesis index: relearning steps relative to retraining's",
                               "AIN in metrics.py of zero-shot-unlearning"),
     .title = "AIN",
     .ideal = EVAL_IDEAL_NUMBER,
     .ideal_value = 1,
     .in_scores = 93,
     .compute = anamnesis,
     SHARED},
};
const BaseRows eval_relearning = BASE_ROWS(TABLE);
