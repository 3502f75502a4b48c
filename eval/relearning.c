/* eval/relearning.c - how soon training brings the forgotten classes back (eval/relearn/relearn.h); means over repeats
 * that differ in the order of images, with an interval.
 *   relearn_steps  steps on a small sample of all classes until the forgotten classes are answered as well as the
 *                  original answers them, less a margin: few steps mean that much was still there. A repeat that gave
 *                  up counts as its limit: a lower bound.
 *   anamnesis      AIN = steps(u) / steps(r): those of the network under test over those of the retrained one, from the
 *                  same batches. About 1: forgotten as by retraining; far below: much was still there. Not defined
 *                  where one of the two did not relearn within the limit in some repeat (the ratio would only be a
 *                  bound), nor where the retrained one needed no step.
 *   recovered_forget  100 * right / n: accuracy on test images of the forgotten classes after training on retained
 *                  images alone, the highest after any epoch, the mean over repeats. No forgotten image was shown: what
 *                  comes back is what the network still knows, and what comes back by itself. A retrained network's
 *                  value is the latter alone, so that only what is above it speaks of something left. Each side of the
 *                  interval joins the t interval over repeats (none for a single one) and the Clopper-Pearson interval
 *                  of the mean over the judged images, as independent errors. */
#include <math.h>

#include "eval/eval.h"

/* NaN for no repeats; none is below 0, nor is their mean. */
static MathEstimate mean_of(const double *x, int64_t repeats)
{
    MathEstimate mean = math_stats_mean_skewed(x, repeats, 0.95);
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

static BaseStatus recovered_forget(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    const EvalRelearned *u = context->relearned;
    double share[EVAL_REPEATS_MAX] = {0};
    (void)split;
    *out = math_estimate(NAN, 0);
    if (!u || u->retain_repeats == 0) return BASE_OK;
    for (int64_t i = 0; i < u->retain_repeats; i++) share[i] = (double)u->recovered[i] / (double)u->judged;
    MathEstimate mean = math_stats_mean(share, u->retain_repeats, 0.95, NULL);
    MathEstimate images = math_stats_share(llround(mean.value * (double)u->judged), u->judged, 0.95);
    double repeats = isnan(mean.lo) ? 0 : mean.value - mean.lo;
    out->value = 100 * mean.value;
    out->lo = 100 * fmax(0, mean.value - hypot(repeats, fmax(0, mean.value - images.lo)));
    out->hi = 100 * fmin(1, mean.value + hypot(repeats, fmax(0, images.hi - mean.value)));
    out->n = u->judged;
    return BASE_OK;
}

#define SHARED .unit = "1", .range = {0, INFINITY}, .decimals = -1, .only_classes = true
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
    {.entry = BASE_ENTRY_PLAIN("recovered_forget",
                               "accuracy on the forgotten classes after training on retained images alone, the highest "
                               "of retain_epochs (of per_class images, with lr: keys of relearn)",
                               "after arXiv 2505.22310"),
     .unit = "%",
     .title = "recovered ACC_f",
     .ideal = EVAL_IDEAL_RETRAINED,
     .direction = EVAL_DOWN,
     .range = {0, 100},
     .decimals = 2,
     .in_scores = 90,
     .only_classes = true,
     .compute = recovered_forget},
};
const BaseRows eval_relearning = BASE_ROWS(TABLE);
