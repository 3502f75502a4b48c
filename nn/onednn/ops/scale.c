/* nn/onednn/ops/scale.c - channels scaled by a gate [n, C], or by a learned vector [C]:
 *
 *   y_ic = a_ic x_ic    dx_ic = a_ic dy_ic    da_ic = sum over pixels of x_ic dy_ic, for a vector over images too */
#include "nn/onednn/ops/channels.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/ops.h"

static bool is_vector(const NnProgram *p, NnNode x)
{
    return nn_prog_node(p, nn_prog_node(p, x)->in[1])->kind == NN_NODE_VECTOR;
}

static int64_t offset_of(const NnProgram *p, NnNode x)
{
    return nn_prog_param_slice(p, nn_prog_node(p, nn_prog_node(p, x)->in[1])->weight)->offset;
}

/* job: in -> out by weight [n, C], or where it is NULL by the vector of node @p index; channels */
static BaseStatus scale_run(NnProgram *p, const NnJob *job)
{
    const float *a = job->weight ? job->weight : nn_net_params(p->net) + offset_of(p, job->index);
    nn_channels_scale(&job->channels, job->in, a, job->weight ? job->C : 0, job->out);
    return BASE_OK;
}

/* job: in: x; in2: dy; aux [n, C]: da, summed for the vector of node @p index where count is 1; channels */
static BaseStatus dot_run(NnProgram *p, const NnJob *job)
{
    nn_channels_dot(&job->channels, job->in, job->in2, job->aux);
    if (job->count) nn_channels_total(job->aux, job->n, job->C, true, p->grads + offset_of(p, job->index));
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x, const NnMd *md)
{
    return (NnJob){.n = p->n, .C = nn_prog_node(p, x)->C, .index = x, .channels = nn_channels_of(md)};
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    BASE_TRY(nn_channels_open(p, &p->forward, x, &p->state[node->in[0]].value, p->type, p->reuse, &state->src));
    NnJob job = job_of(p, x, &state->src.md);
    if (!is_vector(p, x)) {
        NnMd gate = nn_md_map(p, node->in[1], dnnl_f32, dnnl_nhwc);
        BASE_TRY(nn_prog_convert(p, &p->forward, name, &p->state[node->in[1]].value, &gate, p->reuse, &state->mean));
        job.weight = state->mean.buf->data;
    }
    BASE_TRY(nn_prog_tensor(p, &state->src.md, p->reuse, &state->value));
    job.in = state->src.buf->data;
    job.out = state->value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, name, scale_run, job));
    state->owned = state->only >= 0;
    if (p->reuse) nn_prog_release(&state->mean);
out:
    return st;
}

static BaseStatus data(NnProgram *p, NnNode x, const NnTensor *dout)
{
    BaseStatus st = BASE_OK;
    NnTensor diff = {0};
    const NnState *state = &p->state[x];
    NnJob job = job_of(p, x, &dout->md);
    BASE_TRY(nn_prog_tensor(p, &dout->md, true, &diff));
    job.in = dout->buf->data;
    job.out = diff.buf->data;
    if (state->mean.mem) job.weight = state->mean.buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, x), scale_run, job));
    BASE_TRY(nn_gradient_add_take(p, nn_prog_node(p, x)->in[0], &diff));
out:
    nn_prog_release(&diff);
    return st;
}

static BaseStatus gate(NnProgram *p, NnNode x, const NnTensor *dout)
{
    BaseStatus st = BASE_OK;
    const NnNode by = nn_prog_node(p, x)->in[1];
    NnTensor diff = {0};
    NnMd md = nn_md_map(p, by, dnnl_f32, dnnl_nhwc);
    NnJob job = job_of(p, x, &dout->md);
    BASE_TRY(nn_prog_tensor(p, &md, true, &diff));
    job.in = p->state[x].src.buf->data;
    job.in2 = dout->buf->data;
    job.aux = diff.buf->data;
    job.count = is_vector(p, x);
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, x), dot_run, job));
    if (!is_vector(p, x)) BASE_TRY(nn_gradient_add_take(p, by, &diff));
out:
    nn_prog_release(&diff);
    return st;
}

static BaseStatus backward(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor dout = {0};
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &p->state[x].src.md, true, &dout));
    nn_prog_release(g);
    if (p->state[node->in[1]].needs_grad) BASE_TRY(gate(p, x, &dout));
    if (p->state[node->in[0]].needs_grad) BASE_TRY(data(p, x, &dout));
out:
    nn_prog_release(&dout);
    return st;
}

const NnOpBackend nn_op_vector = {0}; /* its reader takes it from the network's numbers */
const NnOpBackend nn_op_scale = {.forward = forward, .backward = backward};
