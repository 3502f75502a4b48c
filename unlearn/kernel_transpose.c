/* unlearn/kernel_transpose.c - transposes the kernels, then trains on (CT, "convolution transpose": fifth in the NeurIPS
 * 2023 unlearning challenge, named so in Cadet et al., "Deep Unlearn", arXiv 2410.01276):
 *   W[k, c, i, j] <-> W[k, c, j, i]  of every convolution,   then E epochs on D_r of CE(f_w(x), y)
 *   lr (1 + cos(pi e / E)) / 2   in epoch e = 0 .. E - 1
 * A kernel of one pixel, and one that is not square, stays as it is; where that leaves none, the network is refused.
 * Norms and their running statistics are the original's and follow the data.
 * Data: retained images; epochs passes with gradients. After the public code of Deep Unlearn, and its defaults.
 */
#include "unlearn/gradient/refine.h"

static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW(""),
    UNLEARN_STEP_ROWS(3, 64, 1e-3, 0.9, 5e-4, NN_SGD),
    UNLEARN_RETAIN_ROW(0),
};

static bool turns(const NnLayer *layer)
{
    return layer->kind == NN_LAYER_CONV && layer->kernel_h == layer->kernel_w && layer->kernel_h > 1;
}

static BaseStatus check(const UnlearnContext *context, const void *values)
{
    (void)values;
    BaseStatus st = BASE_OK;
    int count, found = 0;
    const NnLayer *layers = nn_net_layers(context->original, &count);
    for (int l = 0; l < count; l++) found += turns(&layers[l]);
    BASE_CHECK(
        found > 0, BASE_EUSAGE,
        "the network has no convolution with a square kernel of more than one pixel: there is none to transpose");
out:
    return st;
}

/* @p count weights, kernel after kernel of side x side. */
static void transpose(int64_t side, float *w, int64_t count)
{
    for (float *end = w + count; w < end; w += side * side)
        for (int64_t i = 0; i < side; i++)
            for (int64_t j = 0; j < i; j++) {
                float kept = w[i * side + j];
                w[i * side + j] = w[j * side + i];
                w[j * side + i] = kept;
            }
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    float *w = nn_net_edit_params(net);
    for (int l = 0; l < count; l++)
        if (turns(&layers[l]))
            transpose(layers[l].kernel_h, w + slices[layers[l].weight].offset, slices[layers[l].weight].count);
    const UnlearnRefine refine = {
        .steps = values, .last = count, .rate = UNLEARN_RATE_COSINE, .label = "kernel_transpose"};
    return unlearn_refine(context, &refine, net, report);
}

const UnlearnMethod unlearn_kernel_transpose = {
    .entry =
        BASE_ENTRY("kernel_transpose", "transposes the kernels of convolutions, then trains on the retained classes",
                   "CT in Cadet et al. 2024, code of Deep Unlearn", UnlearnSteps, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = check,
};
