/* nn/onednn/ops/elementwise.c - ReLU. */
#include "nn/onednn/ops/elementwise.h"

#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/ops.h"

BaseStatus nn_elementwise_value(NnProgram *p, NnNode x, bool may_overwrite)
{
    NnState *state = &p->state[x], *from = &p->state[nn_prog_node(p, x)->in[0]];
    state->owned = state->only >= 0;
    state->src = from->value;
    nn_prog_hold(&state->src);
    if (!from->owned || !may_overwrite) return nn_prog_tensor(p, &from->value.md, p->reuse, &state->value);
    state->value = from->value;
    nn_prog_hold(&state->value);
    return BASE_OK;
}

static BaseStatus relu_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    BASE_TRY(nn_elementwise_value(p, x, true));
    NnOp op = {
        .kind = NN_OP_ELEMENTWISE, .prop = nn_prog_forward(p), .algorithm = dnnl_eltwise_relu, .src = &state->src.md};
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src}, {DNNL_ARG_DST, &state->value}, {0}};
    BASE_TRY(nn_prog_op(p, &p->forward, nn_prog_name(p, x), &op, args, &state->pd));
out:
    return st;
}

/* From the output, since the input may have been overwritten. */
static BaseStatus relu_backward(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    const NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    NnTensor diff_dst = {0}, diff_src = {0};
    if (p->state[in].relu) return nn_gradient_add_take(p, in, g); /* the batch norm before it does both */
    BASE_TRY(nn_gradient_in_place_take(p, name, g, &state->value.md, &diff_dst, &diff_src));
    NnOp op = {.kind = NN_OP_ELEMENTWISE,
               .prop = dnnl_forward_training,
               .algorithm = dnnl_eltwise_relu_use_dst_for_bwd,
               .src = &state->value.md};
    BASE_TRY(nn_kit_pd(&p->kit, &op, name, &op.hint));
    op.prop = dnnl_backward_data;
    op.diff = &diff_dst.md;
    const NnStepArg args[] = {
        {DNNL_ARG_DST, &state->value}, {DNNL_ARG_DIFF_DST, &diff_dst}, {DNNL_ARG_DIFF_SRC, &diff_src}, {0}};
    BASE_TRY(nn_prog_op(p, &p->backward, name, &op, args, NULL));
    nn_prog_release(&diff_dst);
    BASE_TRY(nn_gradient_add_take(p, in, &diff_src));
out:
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_src);
    return st;
}

const NnOpBackend nn_op_relu = {.forward = relu_forward, .backward = relu_backward};
