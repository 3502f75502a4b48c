/* eval/activation_distance.c - mean over the images of forgotten classes of ||p_u(x) - p_r(x)||_2, with p the softmax
 * outputs of the network under test (u) and of the retrained one (r). 0: the same answers, to every class. The interval
 * is over images; a second retraining from another seed does not reach 0 either. */
#include <math.h>

#include "eval/compare/compare.h"

static double distance(const double *log_p, const double *log_q, int64_t K)
{
    double sum = 0;
    for (int64_t k = 0; k < K; k++) {
        double off = exp(log_p[k]) - exp(log_q[k]);
        sum += off * off;
    }
    return sqrt(sum);
}

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->retrained_split, distance, out);
}

const EvalMetric eval_activation_distance = {
    .entry = BASE_ENTRY_PLAIN("activation_distance",
                              "mean distance to the retrained network's outputs on the forgotten classes",
                              "Golatkar et al.; Bad Teaching, metrics.py of its repository"),
    .unit = "1",
    .title = "act. dist.",
    .ideal = EVAL_IDEAL_NUMBER,
    .ideal_value = 0,
    .direction = EVAL_DOWN,
    .range = {0, 1.4142135623730951},
    .decimals = -1,
    .in_scores = 97,
    .per_split = true,
    .compute = compute,
};
