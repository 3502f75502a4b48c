/* eval/js_retrained.c - mean over the images of forgotten classes of JS(p_u(x), p_r(x)) =
 * KL(p_u || m) / 2 + KL(p_r || m) / 2 in nats, with m = (p_u + p_r) / 2: 0 to log 2. Unlike an accuracy it sees where
 * the forgotten images went. The published code of LoTUS divides the probabilities by their sum over all images
 * first, and by the number of images again: not done. */
#include "eval/compare/compare.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->retrained_split, eval_compare_js, out);
}

const EvalMetric eval_js_retrained = {
    .entry = BASE_ENTRY_PLAIN("js_retrained",
                              "Jensen-Shannon divergence from the retrained network on the forgotten classes",
                              "Bad Teaching; LoTUS"),
    .unit = "nats",
    .title = "JS to retrained",
    .ideal = EVAL_IDEAL_NUMBER,
    .ideal_value = 0,
    .direction = EVAL_DOWN,
    .range = {0, 0.69314718055994531},
    .decimals = -1,
    .in_scores = 98,
    .per_split = true,
    .compute = compute,
};
