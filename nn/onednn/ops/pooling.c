/* nn/onednn/ops/pooling.c - max and average pooling: oneDNN's, or where that is slow our own (nn/kernels/maxpool.h). */
#include "nn/kernels/maxpool.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/norm_pool.h"
#include "nn/onednn/ops/ops.h"

/* ---- our own ---- */

static bool is_ours(const NnProgram *p, NnNode x)
{
    const NnMd *src = &p->state[x].src.md;
    return nn_isa_has(dnnl_cpu_isa_sse41) && !nn_isa_has(dnnl_cpu_isa_avx512_core) && nn_pool_halves(p, x) &&
           nn_prog_node(p, x)->C % NN_MAXPOOL_LANES == 0 && src->type == dnnl_f32 && nn_md_is(src, dnnl_nChw8c);
}

/* job: in [n, C, H, W], out [n, C, H / 2, W / 2], bytes: the winners, or NULL */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    nn_maxpool_forward(job->n, job->C, job->H, job->W, job->in, job->out, job->bytes);
    return BASE_OK;
}

/* job: in [n, C, H / 2, W / 2], out [n, C, H, W], bytes as above */
static BaseStatus backward_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    nn_maxpool_backward(job->n, job->C, job->H, job->W, job->in, job->bytes, job->out);
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *in = nn_prog_node(p, nn_prog_node(p, x)->in[0]);
    return (NnJob){.n = p->n, .C = in->C, .H = in->H, .W = in->W};
}

static BaseStatus own_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    NnJob job = job_of(p, x);
    const int64_t winners = job.n * job.C * (job.H / 2) * (job.W / 2);
    NnMd out = nn_md_map(p, x, dnnl_f32, dnnl_nChw8c), bytes = nn_md(&p->kit, dnnl_u8, dnnl_x, 1, &winners);
    BASE_TRY(nn_prog_tensor(p, &out, p->reuse, &state->value));
    if (p->mode != NN_MODE_EVAL) {
        BASE_TRY(nn_prog_tensor(p, &bytes, false, &state->workspace));
        job.bytes = state->workspace.buf->data;
    }
    job.in = state->src.buf->data;
    job.out = state->value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, nn_prog_name(p, x), forward_run, job));
out:
    return st;
}

static BaseStatus own_backward(NnProgram *p, NnNode x, const NnTensor *g, const NnTensor *diff)
{
    NnJob job = job_of(p, x);
    job.bytes = p->state[x].workspace.buf->data;
    job.in = g->buf->data;
    job.out = diff->buf->data;
    return nn_prog_own_step(&p->backward, nn_prog_name(p, x), backward_run, job);
}

/* ---- oneDNN's ---- */

static NnOp describe(const NnNodeInfo *node, dnnl_prop_kind_t prop, const NnMd *src, const NnMd *dst)
{
    return (NnOp){.kind = NN_OP_POOLING,
                  .prop = prop,
                  .algorithm = node->kind == NN_NODE_MAX_POOL ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding,
                  .src = src,
                  .dst = dst,
                  .stride = {node->stride, node->stride},
                  .kernel = {node->kernel_h, node->kernel_w},
                  .pad = {node->pad_h, node->pad_w},
                  .end = {node->pad_h + node->more_h, node->pad_w + node->more_w}};
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    state->src = p->state[node->in[0]].value;
    nn_prog_hold(&state->src);
    state->owned = state->only >= 0;
    if (is_ours(p, x)) return own_forward(p, x);
    NnMd any = nn_md_map(p, x, state->src.md.type, dnnl_format_tag_any);
    NnOp op = describe(node, nn_prog_forward(p), &state->src.md, &any);
    BASE_TRY(nn_kit_pd(&p->kit, &op, name, &state->pd));
    NnMd dst = nn_pd_md(state->pd, dnnl_query_dst_md), workspace = nn_pd_md(state->pd, dnnl_query_workspace_md);
    BASE_TRY(nn_prog_tensor(p, &dst, p->reuse, &state->value));
    if (nn_md_bytes(&workspace)) BASE_TRY(nn_prog_tensor(p, &workspace, false, &state->workspace));
    const NnStepArg args[] = {
        {DNNL_ARG_SRC, &state->src}, {DNNL_ARG_DST, &state->value}, {DNNL_ARG_WORKSPACE, &state->workspace}, {0}};
    BASE_TRY(nn_prog_step(p, &p->forward, name, state->pd, args));
out:
    return st;
}

static BaseStatus backward_step(NnProgram *p, NnNode x, const NnTensor *diff_dst, const NnTensor *diff_src)
{
    NnOp op = describe(nn_prog_node(p, x), dnnl_backward_data, &diff_src->md, &diff_dst->md);
    const NnStepArg args[] = {{DNNL_ARG_DIFF_DST, diff_dst},
                              {DNNL_ARG_WORKSPACE, &p->state[x].workspace},
                              {DNNL_ARG_DIFF_SRC, diff_src},
                              {0}};
    op.hint = p->state[x].pd;
    return nn_prog_op(p, &p->backward, nn_prog_name(p, x), &op, args, NULL);
}

static BaseStatus backward(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    NnTensor diff_dst = {0}, diff_src = {0};
    if (state->normpool) {
        BASE_TRY(nn_norm_pool_gradient(p, state->normpool, x, g, &diff_src));
        nn_prog_release(g);
        BASE_TRY(nn_gradient_add_take(p, nn_prog_node(p, state->normpool)->in[0], &diff_src));
        goto out;
    }
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &state->value.md, true, &diff_dst));
    nn_prog_release(g);
    BASE_TRY(nn_prog_tensor(p, &state->src.md, true, &diff_src));
    BASE_TRY(is_ours(p, x) ? own_backward(p, x, &diff_dst, &diff_src) : backward_step(p, x, &diff_dst, &diff_src));
    nn_prog_release(&diff_dst);
    BASE_TRY(nn_gradient_add_take(p, nn_prog_node(p, x)->in[0], &diff_src));
out:
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_src);
    return st;
}

const NnOpBackend nn_op_max_pool = {.forward = forward, .backward = backward};
const NnOpBackend nn_op_avg_pool = {.forward = forward, .backward = backward};
