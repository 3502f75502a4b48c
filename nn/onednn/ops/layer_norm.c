/* nn/onednn/ops/layer_norm.c - layer norm (arXiv 1607.06450) over the features of each token:
 *
 *   y = (x - mean) / sqrt(var + epsilon) gamma + beta, var biased */
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/ops.h"
#include "nn/onednn/reload.h"

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    NnTensor dst = {0}, scale, shift;
    NnMd map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_rows(p, &p->forward, node->in[0], &p->state[node->in[0]].value, p->reuse, &state->src));
    NnMd statistics = nn_md_vector(p, state->src.md.dims[0]);
    NnOp op = {.kind = NN_OP_LAYER_NORM,
               .prop = nn_prog_forward(p),
               .src = &state->src.md,
               .statistics = &statistics,
               .epsilon = (float)node->epsilon};
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &state->value));
    BASE_TRY(nn_prog_view(p, &state->value, &state->src.md, &dst));
    BASE_TRY(nn_kit_pd(&p->kit, &op, node->name, &state->pd));
    BASE_TRY(nn_prog_param(p, node->weight, &scale));
    BASE_TRY(nn_prog_param(p, node->bias_slice, &shift));
    if (p->mode != NN_MODE_EVAL) {
        BASE_TRY(nn_prog_tensor(p, &statistics, false, &state->mean));
        BASE_TRY(nn_prog_tensor(p, &statistics, false, &state->var));
    }
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src},
                              {DNNL_ARG_SCALE, &scale},
                              {DNNL_ARG_SHIFT, &shift},
                              {DNNL_ARG_MEAN, &state->mean},
                              {DNNL_ARG_VARIANCE, &state->var},
                              {DNNL_ARG_DST, &dst},
                              {0}};
    BASE_TRY(nn_prog_step(p, &p->forward, node->name, state->pd, args));
    state->owned = state->only >= 0;
out:
    nn_prog_release(&dst);
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    NnTensor dout = {0}, din = {0}, scale, shift, dscale, dshift;
    NnMd map = nn_md_map(p, x, p->type, dnnl_nhwc);
    const_dnnl_primitive_desc_t pd;
    BASE_TRY(nn_prog_rows(p, &p->backward, x, g, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &map, true, diff));
    BASE_TRY(nn_prog_view(p, diff, &state->src.md, &din));
    NnOp op = {.kind = NN_OP_LAYER_NORM,
               .prop = dnnl_backward,
               .src = &state->src.md,
               .diff = &dout.md,
               .statistics = &state->mean.md,
               .epsilon = (float)node->epsilon,
               .hint = state->pd};
    BASE_TRY(nn_kit_pd(&p->kit, &op, node->name, &pd));
    BASE_TRY(nn_prog_param(p, node->weight, &scale));
    BASE_TRY(nn_prog_param(p, node->bias_slice, &shift));
    BASE_TRY(nn_gradient_vector(p, node->weight, &dscale));
    BASE_TRY(nn_gradient_vector(p, node->bias_slice, &dshift));
    const NnStepArg args[] = {
        {DNNL_ARG_SRC, &state->src},      {DNNL_ARG_MEAN, &state->mean},
        {DNNL_ARG_VARIANCE, &state->var}, {DNNL_ARG_DIFF_DST, &dout},
        {DNNL_ARG_SCALE, &scale},         {DNNL_ARG_SHIFT, nn_pd_wants_shift(pd, 5) ? &shift : NULL},
        {DNNL_ARG_DIFF_SRC, &din},        {DNNL_ARG_DIFF_SCALE, &dscale},
        {DNNL_ARG_DIFF_SHIFT, &dshift},   {0}};
    BASE_TRY(nn_prog_step(p, &p->backward, node->name, pd, args));
out:
    nn_prog_release(&dout);
    nn_prog_release(&din);
    return st;
}

const NnOpBackend nn_op_layer_norm = {.forward = forward, .gradient = gradient};
