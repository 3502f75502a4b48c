/* eval/tow.c - ToW = product over S of 1 - |acc_u(S) - acc_r(S)|, with S the forgotten training images, the retained
 * training images and the whole test split; u the network under test, r the retrained one: 1 where all three are equal.
 * Interval: the delta method on the product, with each difference's standard error over images; the two networks are
 * taken as given. A difference of 0 is a fold of |.|, where the delta method is conservative. */
#include <math.h>

#include "eval/compare/compare.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    static const struct {
        EvalSplit split;
        EvalPart part;
    } SETS[] = {{EVAL_TRAIN, EVAL_PART_FORGET}, {EVAL_TRAIN, EVAL_PART_RETAIN}, {EVAL_TEST, EVAL_PART_ALL}};
    double value = 1, relative = 0;
    int64_t n = 0;
    (void)split;
    *out = math_estimate(NAN, 0);
    for (int i = 0; i < 3; i++) {
        EvalPaired pair;
        BaseStatus st = eval_compare_accuracy(context, SETS[i].split, SETS[i].part, context->retrained_split, &pair);
        if (st != BASE_OK) return st;
        if (isnan(pair.difference)) return BASE_OK;
        double factor = 1 - fabs(pair.difference);
        if (factor <= 0)
            return *out = (MathEstimate){0, 0, 0, n + pair.n}, BASE_OK; /* wrong where r is right, always */
        value *= factor;
        relative += pow(pair.error / factor, 2);
        n += pair.n;
    }
    double half = math_stats_normal_quantile(0.975) * value * sqrt(relative);
    *out = (MathEstimate){value, fmax(0, value - half), fmin(1, value + half), n};
    return BASE_OK;
}

const EvalMetric eval_tow = {
    .entry =
        BASE_ENTRY_PLAIN("tow", "tug-of-war: closeness to retraining's accuracy on forgotten, retained and test images",
                         "ToW in the code of RUM"),
    .unit = "1",
    .title = "ToW",
    .ideal = EVAL_IDEAL_NUMBER,
    .ideal_value = 1,
    .direction = EVAL_UP,
    .range = {0, 1},
    .decimals = -1,
    .in_scores = 100,
    .compute = compute,
};
