/* nn/onednn/ops/activation.c - functions of one number, a row each; their gradients need the input. */
#include "nn/onednn/ops/activation.h"

#include "nn/kernels/hard_sigmoid.h"
#include "nn/onednn/ops/elementwise.h"
#include "nn/onednn/ops/ops.h"

/* Of oneDNN's; none: our own loop, since its version 2 has no hard sigmoid. */
static const NnEltwise ROWS[] = {
    [NN_SIGMOID] = {dnnl_eltwise_logistic, 0, 0},
    [NN_TANH] = {dnnl_eltwise_tanh, 0, 0},
    [NN_SILU] = {dnnl_eltwise_swish, 1, 0},
    [NN_HARD_SIGMOID] = {dnnl_alg_kind_undef, 0, 0},
    [NN_HARD_SWISH] = {dnnl_eltwise_hardswish, 1.0F / 6, 0.5F},
    [NN_RELU6] = {dnnl_eltwise_clip_v2, 0, 6}, /* whose slope at both ends is 0, as PyTorch's */
    [NN_LEAKY_RELU] = {dnnl_eltwise_relu, 0, 0},
    [NN_GELU] = {dnnl_eltwise_gelu_erf, 0, 0},
    [NN_GELU_TANH] = {dnnl_eltwise_gelu_tanh, 0, 0},
    [NN_HALF] = {dnnl_eltwise_linear, 0.5F, 0},
};

NnEltwise nn_activation_eltwise(const NnNodeInfo *node)
{
    if (node->kind == NN_NODE_RELU) return (NnEltwise){dnnl_eltwise_relu, 0, 0};
    NnEltwise row = ROWS[node->function];
    if (node->function == NN_LEAKY_RELU) row.alpha = (float)node->slope;
    return row;
}

static NnOp describe(const NnProgram *p, NnNode x, dnnl_prop_kind_t prop)
{
    NnEltwise row = nn_activation_eltwise(nn_prog_node(p, x));
    return (NnOp){.kind = NN_OP_ELEMENTWISE,
                  .prop = prop,
                  .algorithm = row.algorithm,
                  .alpha = row.alpha,
                  .beta = row.beta,
                  .src = &p->state[x].src.md};
}

/* job: in, out [count] of @p element bytes */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    nn_hard_sigmoid_forward(job->count, job->element, job->in, job->out);
    return BASE_OK;
}

/* job: in: x; in2: g; out: dx */
static BaseStatus gradient_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    nn_hard_sigmoid_backward(job->count, job->element, job->in, job->in2, job->out);
    return BASE_OK;
}

static NnJob job_of(const NnState *state)
{
    int64_t element = (int64_t)dnnl_data_type_size(state->src.md.type);
    return (NnJob){
        .in = state->src.buf->data, .element = element, .count = (int64_t)nn_md_bytes(&state->src.md) / element};
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    BASE_TRY(nn_elementwise_value(p, x, p->mode == NN_MODE_EVAL));
    const NnOp op = describe(p, x, nn_prog_forward(p));
    if (op.algorithm == dnnl_alg_kind_undef) {
        NnJob job = job_of(state);
        job.out = state->value.buf->data;
        return nn_prog_own_step(&p->forward, nn_prog_name(p, x), forward_run, job);
    }
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src}, {DNNL_ARG_DST, &state->value}, {0}};
    BASE_TRY(nn_prog_op(p, &p->forward, nn_prog_name(p, x), &op, args, &state->pd));
out:
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    NnTensor dout = {0};
    NnOp op = describe(p, x, dnnl_backward_data);
    BASE_TRY(nn_prog_convert(p, &p->backward, name, g, &state->src.md, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &state->src.md, true, diff));
    if (op.algorithm == dnnl_alg_kind_undef) {
        NnJob job = job_of(state);
        job.in2 = dout.buf->data;
        job.out = diff->buf->data;
        BASE_TRY(nn_prog_own_step(&p->backward, name, gradient_run, job));
        goto out;
    }
    op.diff = &dout.md;
    op.hint = state->pd;
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src}, {DNNL_ARG_DIFF_DST, &dout}, {DNNL_ARG_DIFF_SRC, diff}, {0}};
    BASE_TRY(nn_prog_op(p, &p->backward, name, &op, args, NULL));
out:
    nn_prog_release(&dout);
    return st;
}

const NnOpBackend nn_op_activation = {.forward = forward, .gradient = gradient};
