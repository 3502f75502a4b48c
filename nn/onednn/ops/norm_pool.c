/* nn/onednn/ops/norm_pool.c - where the fused kernel applies, and the steps that hand it the network's numbers. */
#include "nn/onednn/ops/norm_pool.h"

#include "nn/kernels/normpool.h"

bool nn_pool_halves(const NnProgram *p, NnNode pool)
{
    const NnNodeInfo *node = nn_prog_node(p, pool), *in = nn_prog_node(p, node->in[0]);
    return node->kind == NN_NODE_MAX_POOL && node->kernel_h == 2 && node->kernel_w == 2 && node->stride == 2 &&
           node->pad_h == 0 && node->more_h == 0 && node->more_w == 0 && in->H % 2 == 0 && in->W % 2 == 0;
}

bool nn_norm_pool_fits(const NnProgram *p, NnNode norm, NnNode pool)
{
    const NnNodeInfo *node = nn_prog_node(p, norm);
    return nn_normpool_built() && nn_isa_has(dnnl_cpu_isa_avx512_core_bf16) && p->mode == NN_MODE_TRAIN &&
           p->type == dnnl_bf16 && nn_pool_halves(p, pool) && node->C % NN_NORMPOOL_LANES == 0 &&
           p->state[node->in[0]].value.md.type == dnnl_bf16 && nn_md_is(&p->state[node->in[0]].value.md, dnnl_nhwc);
}

/* job: n, C, H, W and node of the batch norm */
static NnNormPool shape_of(const NnProgram *p, const NnJob *job)
{
    const float *params = nn_net_params(p->net);
    return (NnNormPool){.n = job->n,
                        .C = job->C,
                        .H = job->H,
                        .W = job->W,
                        .epsilon = job->node->epsilon,
                        .gamma = params + nn_prog_param_slice(p, job->node->weight)->offset,
                        .beta = params + nn_prog_param_slice(p, job->node->bias_slice)->offset};
}

/* job: in [n, H, W, C], out [n, H/2, W/2, C], index = the batch norm's node */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    const NnState *state = &p->state[job->index];
    NnNormPool s = shape_of(p, job);
    return nn_normpool_forward(&s, job->in, job->out, state->workspace.buf->data, state->partial.buf->data,
                               state->mean.buf->data, state->var.buf->data);
}

/* job: in = g [n, H/2, W/2, C], out = dx [n, H, W, C], index = the batch norm's node */
static BaseStatus gradient_run(NnProgram *p, const NnJob *job)
{
    const NnState *state = &p->state[job->index];
    NnNormPool s = shape_of(p, job);
    return nn_normpool_backward(&s, state->src.buf->data, state->workspace.buf->data, state->mean.buf->data,
                                state->var.buf->data, job->in, job->out, state->partial.buf->data,
                                p->grads + nn_prog_param_slice(p, job->node->weight)->offset,
                                p->grads + nn_prog_param_slice(p, job->node->bias_slice)->offset);
}

static NnJob job_of(const NnProgram *p, NnNode norm)
{
    const NnNodeInfo *node = nn_prog_node(p, norm);
    return (NnJob){.n = p->n, .C = node->C, .H = node->H, .W = node->W, .node = node, .index = norm};
}

BaseStatus nn_norm_pool_forward(NnProgram *p, NnNode norm, NnNode pool)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[norm];
    NnJob job = job_of(p, norm);
    const int64_t winners = job.n * (job.H / 2) * (job.W / 2) * job.C;
    NnMd flat = nn_md_vector(p, 2 * job.n * job.C), bytes = nn_md(&p->kit, dnnl_u8, dnnl_x, 1, &winners);
    NnMd down = nn_md_map(p, pool, dnnl_bf16, dnnl_nhwc);
    BASE_TRY(nn_prog_tensor(p, &flat, false, &state->partial));
    BASE_TRY(nn_prog_tensor(p, &bytes, false, &state->workspace));
    BASE_TRY(nn_prog_tensor(p, &down, false, &p->state[pool].value));
    job.in = state->src.buf->data;
    job.out = p->state[pool].value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, nn_prog_name(p, norm), forward_run, job));
out:
    return st;
}

BaseStatus nn_norm_pool_gradient(NnProgram *p, NnNode norm, NnNode pool, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    NnTensor typed = {0};
    NnJob job = job_of(p, norm);
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, norm), g, &p->state[pool].value.md, true, &typed));
    BASE_TRY(nn_prog_tensor(p, &p->state[norm].src.md, true, diff));
    job.in = typed.buf->data;
    job.out = diff->buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, norm), gradient_run, job));
out:
    nn_prog_release(&typed);
    return st;
}
