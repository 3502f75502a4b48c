/* eval/zrf.c - ZRF = 1 - mean over the images of forgotten classes of JS(p_u(x), p_0(x)), in nats, with p_0 a network
 * of the same shape that was never trained (Bad Teaching): 1 - log 2 to 1. High: the answers look like
 * those of a network that knows nothing. A retrained network does not reach 1, so its value is the one to come near to.
 */
#include "eval/compare/compare.h"

static double one(const double *log_p, const double *log_q, int64_t K) { return 1 - eval_compare_js(log_p, log_q, K); }

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->untrained_split, one, out);
}

const EvalMetric eval_zrf = {
    .entry = BASE_ENTRY_PLAIN("zrf",
                              "1 - Jensen-Shannon divergence (nats) from an untrained network on the forgotten classes",
                              "Bad Teaching"),
    .unit = "1",
    .title = "ZRF",
    .ideal = EVAL_IDEAL_RETRAINED,
    .direction = EVAL_UP,
    .decimals = -1,
    .in_scores = 96,
    .per_split = true,
    .on_train = true,
    .compute = compute,
};
