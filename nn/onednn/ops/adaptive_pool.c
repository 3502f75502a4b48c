/* nn/onednn/ops/adaptive_pool.c - average pooling to any size (nn/kernels/channels.h). */
#include "nn/onednn/ops/channels.h"
#include "nn/onednn/ops/ops.h"

/* job: in -> out; channels (of the output), adaptive */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    nn_channels_pool(&job->channels, &job->adaptive, job->in, job->out);
    return BASE_OK;
}

static BaseStatus gradient_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    nn_channels_pool_backward(&job->channels, &job->adaptive, job->in, job->out);
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnJob){.channels = nn_channels_of(&p->state[x].value.md),
                   .adaptive = {.H = in->H, .W = in->W, .high = node->H, .wide = node->W}};
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    const NnTensor *from = &p->state[nn_prog_node(p, x)->in[0]].value;
    BASE_TRY(nn_channels_open(p, &p->forward, x, from, p->type, p->reuse, &state->src));
    NnMd md = nn_channels_md(p, x, &state->src.md);
    BASE_TRY(nn_prog_tensor(p, &md, p->reuse, &state->value));
    NnJob job = job_of(p, x);
    job.in = state->src.buf->data;
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
    NnTensor dout = {0};
    NnJob job = job_of(p, x);
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &state->value.md, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &state->src.md, true, diff));
    job.in = dout.buf->data;
    job.out = diff->buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, x), gradient_run, job));
out:
    nn_prog_release(&dout);
    return st;
}

const NnOpBackend nn_op_adaptive_pool = {.forward = forward, .gradient = gradient};
