/* eval/aus.c - AUS = (1 - (a_o - a_u)) / (1 + f_u): a_o, a_u the accuracies of the original and of the network under
 * test on retained classes, f_u the latter's on forgotten ones, as shares (DUCK, class removal).
 * Above 1 where the retained accuracy rose. Interval: of a_o - a_u over its paired images, of f_u by Clopper-Pearson,
 * combined on the side that moves the ratio the same way (MOVER). */
#include <math.h>

#include "eval/compare/compare.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    EvalPaired kept;
    int64_t right, n;
    *out = math_estimate(NAN, 0);
    BaseStatus st = eval_compare_accuracy(context, split, EVAL_PART_RETAIN, context->original_split, &kept);
    if (st != BASE_OK || isnan(kept.difference)) return st;
    st = eval_part_count(context, split, EVAL_PART_FORGET, &right, &n);
    if (st != BASE_OK || n == 0) return st;
    MathEstimate f = math_stats_share(right, n, 0.95);
    double whole = 1 + f.value, half = math_stats_normal_quantile(0.975) * kept.error / whole;
    out->value = (1 + kept.difference) / whole;
    out->lo = out->value - hypot(half, out->value / whole * (f.hi - f.value));
    out->hi = out->value + hypot(half, out->value / whole * (f.value - f.lo));
    out->n = kept.n + n;
    return BASE_OK;
}

const EvalMetric eval_aus = {
    .entry = BASE_ENTRY_PLAIN("aus",
                              "adaptive unlearning score: rewards retained accuracy, penalises forgotten accuracy left",
                              "code of DUCK, class removal"),
    .unit = "1",
    .title = "AUS",
    .ideal = EVAL_IDEAL_RETRAINED,
    .direction = EVAL_UP,
    .range = {0, INFINITY},
    .decimals = -1,
    .in_scores = 99,
    .per_split = true,
    .only_classes = true,
    .compute = compute,
};
