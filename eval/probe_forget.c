/* eval/probe_forget.c - 100 * #{i : a linear probe on the network's last features answers y_i} / n over test images of
 * forgotten classes (eval/probe/probe.h), with the Clopper-Pearson interval. A classifier that hides a class can stand
 * on features that still tell it apart; a retrained network's features tell it apart too, to some degree, and that is
 * the ideal. */
#include "eval/eval.h"

#include <math.h>

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = math_estimate(NAN, 0);
    if (!context->probed || context->probed->n == 0) return BASE_OK;
    MathEstimate share = math_stats_share(context->probed->right, context->probed->n, 0.95);
    *out = (MathEstimate){100 * share.value, 100 * share.lo, 100 * share.hi, share.n};
    return BASE_OK;
}

const EvalMetric eval_probe_forget = {
    .entry = BASE_ENTRY_PLAIN("probe_forget",
                              "accuracy that a linear probe on the last features recovers on the forgotten classes",
                              "a probe as in arXiv 2604.08271"),
    .unit = "%",
    .title = "probe_f",
    .ideal = EVAL_IDEAL_RETRAINED,
    .range = {0, 100},
    .decimals = 2,
    .in_scores = 92,
    .only_classes = true,
    .compute = compute,
};
