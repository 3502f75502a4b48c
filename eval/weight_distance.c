/* eval/weight_distance.c - ||theta - theta_0|| / ||theta_0|| over all trainable parameters; theta_0 = the original
 * network. Running statistics are not parameters and stay out. How far a method moved, not how well it forgot: no value
 * is the right one. */
#include <math.h>

#include "eval/eval.h"

/* ||now - then||^2, and ||then||^2. */
static double moved_of(const float *now, const float *then, int64_t n, double *norm)
{
    double moved = 0;
    *norm = 0;
    for (int64_t i = 0; i < n; i++) {
        double off = (double)now[i] - then[i];
        moved += off * off;
        *norm += (double)then[i] * then[i];
    }
    return moved;
}

void eval_weight_changes(const NnNet *original, const NnNet *net, double *out)
{
    int layers, slices;
    const NnLayer *layer = nn_net_layers(net, &layers);
    const NnSlice *slice = nn_net_param_slices(net, &slices);
    for (int l = 0; l < layers; l++) {
        const NnSlice *w = &slice[layer[l].weight];
        double norm,
            moved = moved_of(nn_net_params(net) + w->offset, nn_net_params(original) + w->offset, w->count, &norm);
        out[l] = norm > 0 ? sqrt(moved / norm) : (double)NAN;
    }
}

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = math_estimate(NAN, 0);
    if (!context->original || !context->net) return BASE_OK;
    int64_t n = nn_net_param_count(context->net), original_n = nn_net_param_count(context->original);
    if (n != original_n)
        return base_error_set(BASE_ESHAPE, "the network has %lld parameters, the original %lld", (long long)n,
                              (long long)original_n);
    double norm, moved = moved_of(nn_net_params(context->net), nn_net_params(context->original), n, &norm);
    if (!isfinite(moved) || !isfinite(norm)) return base_error_set(BASE_ENUMERIC, "the parameters are not all finite");
    if (norm > 0) *out = math_estimate(sqrt(moved / norm), n);
    return BASE_OK;
}

const EvalMetric eval_weight_distance = {
    .entry =
        BASE_ENTRY_PLAIN("weight_distance", "distance of the parameters from the original's, relative to its norm", ""),
    .unit = "1",
    .title = "||dW||/||W||",
    .ideal = EVAL_IDEAL_NONE,
    .decimals = -1,
    .in_results = 30,
    .compute = compute,
};
