/* nn/onednn/ops/group_norm.c - group norm by our own loops (nn/kernels/group_norm.h). */
#include "nn/kernels/group_norm.h"

#include "nn/onednn/ops/channels.h"
#include "nn/onednn/ops/ops.h"

static const float *param(const NnProgram *p, int slice)
{
    return nn_net_params(p->net) + nn_prog_param_slice(p, slice)->offset;
}

/* job: in -> out; aux: statistics; node; channels */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    nn_group_norm_forward(&job->channels, job->node->groups, job->node->epsilon, param(p, job->node->weight),
                          param(p, job->node->bias_slice), job->in, job->out, job->aux);
    return BASE_OK;
}

/* job: in: x; in2: dy; out: dx; weight: statistics; aux [2, n, C]; node; channels */
static BaseStatus gradient_run(NnProgram *p, const NnJob *job)
{
    const NnNodeInfo *node = job->node;
    float *of_beta = job->aux + job->n * job->C;
    nn_group_norm_backward(&job->channels, node->groups, param(p, node->weight), job->in, job->weight, job->in2,
                           job->out, job->aux, of_beta);
    nn_channels_total(job->aux, job->n, job->C, true, p->grads + nn_prog_param_slice(p, node->weight)->offset);
    nn_channels_total(of_beta, job->n, job->C, true, p->grads + nn_prog_param_slice(p, node->bias_slice)->offset);
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    return (NnJob){
        .in = state->src.buf->data, .n = p->n, .C = node->C, .node = node, .channels = nn_channels_of(&state->src.md)};
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    NnMd statistics = nn_md_vector(p, 2 * p->n * node->groups);
    BASE_TRY(nn_channels_open(p, &p->forward, x, &p->state[node->in[0]].value, p->type, p->reuse, &state->src));
    BASE_TRY(nn_prog_tensor(p, &state->src.md, p->reuse, &state->value));
    BASE_TRY(nn_prog_tensor(p, &statistics, false, &state->mean));
    NnJob job = job_of(p, x);
    job.out = state->value.buf->data;
    job.aux = state->mean.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, node->name, forward_run, job));
    state->owned = state->only >= 0;
out:
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    NnTensor dout = {0}, sums = {0};
    NnJob job = job_of(p, x);
    NnMd md = nn_md_vector(p, 2 * job.n * job.C);
    BASE_TRY(nn_prog_convert(p, &p->backward, job.node->name, g, &state->src.md, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &state->src.md, true, diff));
    BASE_TRY(nn_prog_tensor(p, &md, true, &sums));
    job.in2 = dout.buf->data;
    job.out = diff->buf->data;
    job.aux = sums.buf->data;
    job.weight = state->mean.buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, job.node->name, gradient_run, job));
out:
    nn_prog_release(&dout);
    nn_prog_release(&sums);
    return st;
}

const NnOpBackend nn_op_group_norm = {.forward = forward, .gradient = gradient};
