/* nn/onednn/ops/prelu.c - PReLU: y = x, or a x where x < 0; da = sum of x dy where x < 0. */
#include "nn/onednn/ops/channels.h"
#include "nn/onednn/ops/ops.h"

static int64_t offset_of(const NnProgram *p, NnNode x)
{
    return nn_prog_param_slice(p, nn_prog_node(p, x)->weight)->offset;
}

/* job: in -> out, index, K: 1 where every channel has a slope, else 0; channels */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    const float *a = nn_net_params(p->net) + offset_of(p, job->index);
    nn_channels_leak(&job->channels, job->in, a, job->K, job->out);
    return BASE_OK;
}

/* job: in: x; in2: dy; out: dx; aux [n, C]; the others as above */
static BaseStatus gradient_run(NnProgram *p, const NnJob *job)
{
    int64_t offset = offset_of(p, job->index);
    const float *a = nn_net_params(p->net) + offset;
    nn_channels_leak_backward(&job->channels, job->in, a, job->K, job->in2, job->out, job->aux);
    nn_channels_total(job->aux, job->n, job->C, job->K != 0, p->grads + offset);
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    return (NnJob){.in = state->src.buf->data,
                   .n = p->n,
                   .C = node->C,
                   .K = node->groups == node->C,
                   .index = x,
                   .channels = nn_channels_of(&state->src.md)};
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    const NnTensor *from = &p->state[nn_prog_node(p, x)->in[0]].value;
    BASE_TRY(nn_channels_open(p, &p->forward, x, from, p->type, p->reuse, &state->src));
    BASE_TRY(nn_prog_tensor(p, &state->src.md, p->reuse, &state->value));
    NnJob job = job_of(p, x);
    job.out = state->value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, nn_prog_name(p, x), forward_run, job));
    state->owned = state->only >= 0;
out:
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    NnTensor dout = {0}, sums = {0};
    NnJob job = job_of(p, x);
    NnMd md = nn_md_vector(p, job.n * job.C);
    BASE_TRY(nn_prog_convert(p, &p->backward, name, g, &state->src.md, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &state->src.md, true, diff));
    BASE_TRY(nn_prog_tensor(p, &md, true, &sums));
    job.in2 = dout.buf->data;
    job.out = diff->buf->data;
    job.aux = sums.buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, name, gradient_run, job));
out:
    nn_prog_release(&dout);
    nn_prog_release(&sums);
    return st;
}

const NnOpBackend nn_op_prelu = {.forward = forward, .gradient = gradient};
