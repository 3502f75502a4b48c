/* eval/tow.c - ToW = product over S of 1 - |acc_u(S) - acc_r(S)|, with S the forgotten training images, the retained
 * training images and the whole test split; u the network under test, r the retrained one: 1 where all three are equal.
 * Interval: the delta method, with each difference's standard error a_i over images; the two networks are taken as given.
 * A difference of 0 is a fold of |.|: all errors make the product smaller, the sum of logarithms by sum a_i sqrt(2 / pi)
 * on average with a variance of (1 - 2 / pi) sum a_i^2. So the upper end, on that scale, lies as far above as this sum's 95%
 * quantile, with a normal's for the spread; for one difference that is 1.96 a. */
#include <math.h>

#include "eval/compare/compare.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    static const struct {
        EvalSplit split;
        EvalPart part;
    } SETS[] = {{EVAL_TRAIN, EVAL_PART_FORGET}, {EVAL_TRAIN, EVAL_PART_RETAIN}, {EVAL_TEST, EVAL_PART_ALL}};
    double value = 1, relative = 0, folded = 0;
    int64_t n = 0;
    (void)split;
    *out = math_estimate(NAN, 0);
    for (int i = 0; i < 3; i++) {
        EvalPaired pair;
        BaseStatus st = eval_compare_accuracy(context, SETS[i].split, SETS[i].part, context->retrained_split, &pair);
        if (st != BASE_OK) return st;
        if (isnan(pair.difference)) return BASE_OK;
        double factor = 1 - fabs(pair.difference);
        if (factor <= 0) { /* wrong where r is right, always */
            *out = (MathEstimate){0, 0, math_stats_share_upper(0, pair.n, 0.025), n + pair.n};
            return BASE_OK;
        }
        value *= factor;
        relative += pow(pair.error / factor, 2);
        if (fabs(pair.difference) < 3 * pair.error) folded += pair.error / factor;
        n += pair.n;
    }
    double all = sqrt(relative), below = math_stats_normal_quantile(0.975) * all, mean = sqrt(2 / M_PI);
    double above = mean * fmax(folded, all) + (math_stats_normal_quantile(0.975) - mean) * all;
    *out = (MathEstimate){value, fmax(0, value * (1 - below)), fmin(1, value * exp(above)), n};
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
