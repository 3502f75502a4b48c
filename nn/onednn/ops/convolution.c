/* nn/onednn/ops/convolution.c - convolutions: which algorithm runs each pass, by the network's tuning table or by fixed
 * rules, never by timing. */
#include "nn/onednn/ops/conv/conv.h"
#include "nn/onednn/ops/ops.h"
#include "nn/tuning.h"

static NnConvAlgorithm rule(const NnProgram *p, NnNode x, NnPass pass)
{
    bool winograd = nn_winograd_pays(p, x);
    if (nn_unfold_pays(p, x, pass) && !winograd) return NN_CONV_UNFOLD;
    return winograd ? NN_CONV_WINOGRAD : NN_CONV_DIRECT;
}

/* Notes what it chooses where there is a choice. */
static NnConvAlgorithm choose(NnProgram *p, NnNode x, NnPass pass)
{
    const NnTuning *tuning = nn_net_tuning(p->net);
    if (!nn_conv_is_plain(p, x)) return NN_CONV_DIRECT;
    NnTuningRow row = nn_conv_row(p, x, pass);
    NnConvAlgorithm chosen = rule(p, x, pass);
    /* a table made for fewer images may name what these would need too much memory for */
    if (tuning && nn_tuning_find(tuning, &row, &row.algorithm) && nn_backend_possible(&row)) chosen = row.algorithm;
    p->state[x].used[pass] = (uint8_t)(1 + chosen);
    return chosen;
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    switch (choose(p, x, nn_conv_forward_pass(p))) {
    case NN_CONV_UNFOLD: return nn_unfold_forward(p, x);
    case NN_CONV_WINOGRAD: return nn_winograd_forward(p, x);
    default: return nn_direct_forward(p, x);
    }
}

/* oneDNN wants to see the forward pass, also of one that another algorithm ran. */
static BaseStatus hint_of(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t *out)
{
    *out = p->state[x].pd;
    return *out ? BASE_OK : nn_direct_forward_pd(p, x, NULL, out);
}

static BaseStatus weights(NnProgram *p, NnNode x, const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    const NnTensor *src = state->unfolded ? &p->state[nn_prog_node(p, x)->in[0]].value : &state->src;
    const_dnnl_primitive_desc_t hint;
    switch (choose(p, x, NN_PASS_WEIGHTS)) {
    case NN_CONV_UNFOLD: BASE_TRY(nn_unfold_weights(p, x, g)); break;
    case NN_CONV_WINOGRAD: BASE_TRY(nn_winograd_weights(p, x, src, g)); break;
    default: BASE_TRY(hint_of(p, x, &hint)); BASE_TRY(nn_direct_weights(p, x, hint, src, g));
    }
out:
    return st;
}

static BaseStatus data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const_dnnl_primitive_desc_t hint;
    switch (choose(p, x, NN_PASS_DATA)) {
    case NN_CONV_UNFOLD: BASE_TRY(nn_unfold_data(p, x, g, diff)); break;
    case NN_CONV_WINOGRAD: BASE_TRY(nn_winograd_data(p, x, g, diff)); break;
    default: BASE_TRY(hint_of(p, x, &hint)); BASE_TRY(nn_direct_data(p, x, hint, g, diff));
    }
out:
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = weights(p, x, g);
    p->state[x].data_step = p->backward.count;
    bool wanted = p->state[nn_prog_node(p, x)->in[0]].needs_grad;
    return st == BASE_OK && wanted ? data(p, x, g, diff) : st;
}

const NnOpBackend nn_op_convolution = {.forward = forward, .gradient = gradient};
