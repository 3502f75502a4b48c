/* nn/onednn/ops/elementwise.c - ReLU, and GELU (arXiv 1606.08415) by the error function:
 * gelu(x) = x (1 + erf(x / sqrt(2))) / 2. */
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

static BaseStatus forward_step(NnProgram *p, NnNode x, dnnl_alg_kind_t algorithm)
{
    NnState *state = &p->state[x];
    NnOp op = {.kind = NN_OP_ELEMENTWISE, .prop = nn_prog_forward(p), .algorithm = algorithm, .src = &state->src.md};
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src}, {DNNL_ARG_DST, &state->value}, {0}};
    return nn_prog_op(p, &p->forward, nn_prog_name(p, x), &op, args, &state->pd);
}

/* ---- ReLU ---- */

static BaseStatus relu_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = nn_elementwise_value(p, x, true);
    return st == BASE_OK ? forward_step(p, x, dnnl_eltwise_relu) : st;
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

/* ---- GELU ---- */

static BaseStatus gelu_forward(NnProgram *p, NnNode x)
{
    /* its gradient needs the input */
    BaseStatus st = nn_elementwise_value(p, x, p->mode == NN_MODE_EVAL);
    return st == BASE_OK ? forward_step(p, x, dnnl_eltwise_gelu_erf) : st;
}

static BaseStatus gelu_gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    NnTensor dout = {0};
    BASE_TRY(nn_prog_convert(p, &p->backward, name, g, &state->src.md, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &state->src.md, true, diff));
    NnOp op = {.kind = NN_OP_ELEMENTWISE,
               .prop = dnnl_backward_data,
               .algorithm = dnnl_eltwise_gelu_erf,
               .src = &state->src.md,
               .diff = &dout.md,
               .hint = state->pd};
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src}, {DNNL_ARG_DIFF_DST, &dout}, {DNNL_ARG_DIFF_SRC, diff}, {0}};
    BASE_TRY(nn_prog_op(p, &p->backward, name, &op, args, NULL));
out:
    nn_prog_release(&dout);
    return st;
}

const NnOpBackend nn_op_gelu = {.forward = gelu_forward, .gradient = gelu_gradient};
