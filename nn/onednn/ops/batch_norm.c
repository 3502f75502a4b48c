/* nn/onednn/ops/batch_norm.c - batch norm (arXiv 1502.03167) with the ReLU after it, on the batch's statistics or on
 * the running ones. */
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/norm_pool.h"
#include "nn/onednn/ops/ops.h"
#include "nn/onednn/reload.h"

/* Running statistics as PyTorch keeps them: r += momentum (batch - r), the variance over m - 1. job: in = mean, aux = var */
static BaseStatus move_statistics(NnProgram *p, const NnJob *job)
{
    float *buffers = nn_net_edit_buffers(p->net);
    float *running_mean = buffers + nn_prog_buffer_slice(p, job->node->mean)->offset,
          *running_var = buffers + nn_prog_buffer_slice(p, job->node->var)->offset;
    const float *mean = job->in, *var = job->aux;
    double momentum = job->node->momentum;
    double unbiased = (double)job->rows / (double)(job->rows - 1);
    for (int64_t k = 0; k < job->C; k++) {
        running_mean[k] = (float)((1 - momentum) * running_mean[k] + momentum * mean[k]);
        running_var[k] = (float)((1 - momentum) * running_var[k] + momentum * unbiased * var[k]);
    }
    return BASE_OK;
}

static BaseStatus norm_vectors(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    if (p->mode == NN_MODE_TRAIN) {
        NnMd md = nn_md_vector(p, node->C);
        BASE_TRY(nn_prog_tensor(p, &md, false, &state->mean));
        BASE_TRY(nn_prog_tensor(p, &md, false, &state->var));
    } else {
        BASE_TRY(nn_prog_buffer(p, node->mean, &state->mean));
        BASE_TRY(nn_prog_buffer(p, node->var, &state->var));
    }
out:
    return st;
}

static BaseStatus norm_moves(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    if (p->mode == NN_MODE_TRAIN) {
        NnJob job = {.in = state->mean.buf->data,
                     .aux = state->var.buf->data,
                     .C = node->C,
                     .rows = p->n * node->H * node->W,
                     .node = node};
        BASE_CHECK(job.rows > 1, BASE_ESHAPE,
                   "%s: batch statistics over one value per channel: a training batch of 1 needs maps larger than 1x1 "
                   "here",
                   node->name);
        BASE_TRY(nn_prog_own_step(&p->forward, node->name, move_statistics, job));
    }
out:
    return st;
}

static BaseStatus pooled_forward(NnProgram *p, NnNode x, NnNode relu, NnNode pool)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(nn_norm_pool_forward(p, x, pool));
    BASE_TRY(norm_moves(p, x));
    p->state[relu].done = p->state[pool].done = true;
    p->state[pool].normpool = x;
    p->state[pool].owned = p->state[pool].only >= 0;
out:
    return st;
}

static NnOp describe(const NnProgram *p, NnNode x, dnnl_prop_kind_t prop)
{
    return (NnOp){.kind = NN_OP_BATCH_NORM,
                  .prop = prop,
                  .src = &p->state[x].src.md,
                  .epsilon = (float)nn_prog_node(p, x)->epsilon,
                  .fixed = p->mode != NN_MODE_TRAIN,
                  .relu = p->state[x].relu};
}

static BaseStatus forward_step(NnProgram *p, NnNode x, const NnTensor *dst)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    NnOp op = describe(p, x, nn_prog_forward(p));
    NnTensor scale, shift;
    BASE_TRY(nn_kit_pd(&p->kit, &op, node->name, &state->pd));
    NnMd workspace = nn_pd_md(state->pd, dnnl_query_workspace_md);
    if (nn_md_bytes(&workspace)) BASE_TRY(nn_prog_tensor(p, &workspace, false, &state->workspace));
    BASE_TRY(nn_prog_param(p, node->weight, &scale));
    BASE_TRY(nn_prog_param(p, node->bias_slice, &shift));
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src},
                              {DNNL_ARG_SCALE, &scale},
                              {DNNL_ARG_SHIFT, &shift},
                              {DNNL_ARG_DST, dst},
                              {DNNL_ARG_WORKSPACE, &state->workspace},
                              {DNNL_ARG_MEAN, &state->mean},
                              {DNNL_ARG_VARIANCE, &state->var},
                              {0}};
    BASE_TRY(nn_prog_step(p, &p->forward, node->name, state->pd, args));
out:
    return st;
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    NnNode relu = nn_prog_next(p, x, NN_NODE_RELU);
    NnNode pool = relu >= 0 ? nn_prog_next(p, relu, NN_NODE_MAX_POOL) : -1;
    NnNode last = relu >= 0 ? relu : x;
    state->relu = relu >= 0;
    state->src = p->state[nn_prog_node(p, x)->in[0]].value;
    nn_prog_hold(&state->src);
    BASE_TRY(norm_vectors(p, x));
    if (pool >= 0 && nn_norm_pool_fits(p, x, pool)) return pooled_forward(p, x, relu, pool);
    BASE_TRY(nn_prog_tensor(p, &state->src.md, p->reuse, &p->state[last].value));
    BASE_TRY(forward_step(p, x, &p->state[last].value));
    BASE_TRY(norm_moves(p, x));
    if (relu >= 0) p->state[relu].done = true;
    p->state[last].owned = p->state[last].only >= 0;
out:
    return st;
}

static BaseStatus backward(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    NnTensor diff_dst = {0}, diff_src = {0}, scale, shift, diff_scale, diff_shift;
    NnOp op = describe(p, x, dnnl_backward);
    const_dnnl_primitive_desc_t pd;
    BASE_TRY(nn_gradient_in_place_take(p, node->name, g, &state->src.md, &diff_dst, &diff_src));
    op.diff = &diff_dst.md;
    op.hint = state->pd;
    BASE_TRY(nn_kit_pd(&p->kit, &op, node->name, &pd));
    BASE_TRY(nn_prog_param(p, node->weight, &scale));
    BASE_TRY(nn_prog_param(p, node->bias_slice, &shift));
    BASE_TRY(nn_gradient_vector(p, node->weight, &diff_scale));
    BASE_TRY(nn_gradient_vector(p, node->bias_slice, &diff_shift));
    const NnStepArg args[] = {
        {DNNL_ARG_SRC, &state->src},
        {DNNL_ARG_MEAN, &state->mean},
        {DNNL_ARG_VARIANCE, &state->var},
        {DNNL_ARG_DIFF_DST, &diff_dst},
        {DNNL_ARG_SCALE, &scale},
        {DNNL_ARG_SHIFT, nn_pd_wants_shift(pd, 5 + (state->workspace.mem != NULL)) ? &shift : NULL},
        {DNNL_ARG_WORKSPACE, &state->workspace},
        {DNNL_ARG_DIFF_SRC, &diff_src},
        {DNNL_ARG_DIFF_SCALE, &diff_scale},
        {DNNL_ARG_DIFF_SHIFT, &diff_shift},
        {0}};
    BASE_TRY(nn_prog_step(p, &p->backward, node->name, pd, args));
    nn_prog_release(&diff_dst);
    BASE_TRY(nn_gradient_add_take(p, node->in[0], &diff_src));
out:
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_src);
    return st;
}

const NnOpBackend nn_op_batch_norm = {.forward = forward, .backward = backward};
