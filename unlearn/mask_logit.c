/* unlearn/mask_logit.c - control. For every forgotten class c the classifier's row W_c becomes 0 and its bias
 * b_c = -10000, so that c is never predicted and its softmax probability is 0. Nothing inside the network is forgotten;
 * any metric that calls this perfect measures the output alone. -10000 is finite in float32, bfloat16 and float16. */
#include <string.h>

#include "unlearn/unlearn.h"

static const float MASKED = -1e4f;

static BaseStatus check(const UnlearnContext *context, const void *params)
{
    (void)params;
    int count;
    const NnLayer *layers = nn_net_layers(context->original, &count);
    if (!nn_net_ends_linear(context->original))
        return base_error_set(BASE_EUSAGE,
                              "the logits are not outputs of the classifier %s but made of them: no number in it "
                              "fixes the logit of a class",
                              layers[count - 1].name);
    if (layers[count - 1].bias >= 0) return BASE_OK;
    return base_error_set(BASE_EUSAGE, "the classifier %s has no bias to mask a class with", layers[count - 1].name);
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *params, NnNet *net,
                        UnlearnReport *report)
{
    (void)state, (void)params, (void)report;
    int count;
    const NnLayer *last = nn_net_layers(net, &count);
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    last += count - 1;
    float *values = nn_net_edit_params(net);
    float *w = values + slices[last->weight].offset; /* [K, features] */
    float *b = values + slices[last->bias].offset;   /* [K] */
    for (int64_t c = 0; c < context->forget->classes.K; c++) {
        if (!context->forget->classes.in[c]) continue;
        memset(w + c * last->features, 0, (size_t)last->features * sizeof *w);
        b[c] = MASKED;
    }
    return BASE_OK;
}

const UnlearnMethod unlearn_mask_logit = {
    .entry = BASE_ENTRY_PLAIN("mask_logit", "control: fixes the logits of the forgotten classes at -10000", ""),
    .needs = UNLEARN_CONTROL | UNLEARN_ONLY_CLASSES,
    .apply = apply,
    .check = check,
};
