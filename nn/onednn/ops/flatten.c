/* nn/onednn/ops/flatten.c - a map as one vector, channels slowest, as PyTorch flattens. */
#include "nn/onednn/ops/ops.h"

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnState *state = &p->state[x], *from = &p->state[in];
    NnTensor plain = {0};
    NnMd flat = nn_md_map(p, x, from->value.md.type, dnnl_nhwc);
    NnMd order = nn_md(&p->kit, from->value.md.type, dnnl_nchw, 4, from->value.md.dims);
    if (from->value.md.dims[2] == 1 && from->value.md.dims[3] == 1)
        BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &from->value, &flat, false, &state->value));
    else {
        BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &from->value, &order, false, &plain));
        BASE_TRY(nn_prog_view(p, &plain, &flat, &state->value));
    }
    state->owned = state->only >= 0 && from->owned;
out:
    nn_prog_release(&plain);
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnTensor flat = {0};
    NnMd vector = nn_md_map(p, x, g->md.type, dnnl_nhwc);
    bool pixel = nn_prog_node(p, in)->H == 1 && nn_prog_node(p, in)->W == 1;
    NnMd order = nn_md_map(p, in, g->md.type, pixel ? dnnl_nhwc : dnnl_nchw);
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &vector, true, &flat));
    BASE_TRY(nn_prog_view(p, &flat, &order, diff));
out:
    nn_prog_release(&flat);
    return st;
}

const NnOpBackend nn_op_flatten = {.forward = forward, .gradient = gradient};
