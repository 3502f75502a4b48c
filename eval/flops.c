/* Floating-point operations of the images passed through the network, 10^9: nn_net_flops a forward pass, three times
 * that for each pass of a method that needs gradients (a backward pass costs two forward ones). An upper bound where
 * such a method has forward passes without a backward one (a teacher's). A method's own linear algebra is not in it. */
#include <math.h>

#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    double each = context->net ? (double)nn_net_flops(context->net) : (double)NAN;
    *out = eval_cost(context, context->passes * each * (context->gradients ? 3 : 1) / 1e9);
    return BASE_OK;
}

const EvalMetric eval_flops = {
    .entry = BASE_ENTRY_PLAIN("flops", "operations of the network passes of the unlearning", ""),
    .unit = "GFLOP",
    .title = "FLOPs",
    .ideal = EVAL_IDEAL_LOW,
    .compute = compute,
};
