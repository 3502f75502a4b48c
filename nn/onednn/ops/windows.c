/* nn/onednn/ops/windows.c - attention inside windows by our own loops (nn/kernels/windows.h), on maps with channels last. */
#include "nn/kernels/windows.h"

#include "math/threads.h"
#include "nn/onednn/ops/channels.h"
#include "nn/onednn/ops/ops.h"

static int64_t table_offset(const NnProgram *p, const NnNodeInfo *node)
{
    return nn_prog_param_slice(p, nn_prog_node(p, node->in[1])->weight)->offset;
}

/* job: in -> out; aux: scratch; node; windows */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    nn_windows_forward(&job->windows, job->in, nn_net_params(p->net) + table_offset(p, job->node), job->out, job->aux);
    return BASE_OK;
}

/* job: in: Q, K, V; in2: dO; out: their gradient; bytes: the table's of each image; aux: scratch; node; windows */
static BaseStatus gradient_run(NnProgram *p, const NnJob *job)
{
    const NnWindows *s = &job->windows;
    int64_t offset = table_offset(p, job->node), side = 2 * s->window - 1;
    float *each = (float *)(void *)job->bytes;
    nn_windows_backward(s, job->in, nn_net_params(p->net) + offset, job->in2, job->out, each, job->aux);
    nn_channels_total(each, s->n, side * side * s->heads, true, p->grads + offset);
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnJob){.in = p->state[x].src.buf->data,
                   .node = node,
                   .windows = {.n = p->n,
                               .H = in->H,
                               .W = in->W,
                               .high = node->H,
                               .wide = node->W,
                               .E = node->C,
                               .heads = node->heads,
                               .window = node->window,
                               .shift_h = node->shift_h,
                               .shift_w = node->shift_w,
                               .element = (int64_t)dnnl_data_type_size(p->type),
                               .threads = math_threads_get()}};
}

static BaseStatus take_scratch(NnProgram *p, NnJob *job, NnTensor *out)
{
    NnMd md = nn_md_vector(p, job->windows.threads * nn_windows_scratch(&job->windows));
    BaseStatus st = nn_prog_tensor(p, &md, true, out);
    if (st == BASE_OK) job->aux = out->buf->data;
    return st;
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnState *state = &p->state[x];
    NnTensor scratch = {0};
    NnMd stacked = nn_md_map(p, in, p->type, dnnl_nhwc), map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &p->state[in].value, &stacked, p->reuse, &state->src));
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &state->value));
    NnJob job = job_of(p, x);
    BASE_TRY(take_scratch(p, &job, &scratch));
    job.out = state->value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, nn_prog_name(p, x), forward_run, job));
    state->owned = state->only >= 0;
out:
    nn_prog_release(&scratch);
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    NnTensor dout = {0}, scratch = {0}, each = {0};
    NnJob job = job_of(p, x);
    int64_t side = 2 * job.windows.window - 1;
    NnMd map = nn_md_map(p, x, p->type, dnnl_nhwc), md = nn_md_vector(p, p->n * side * side * job.windows.heads);
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &map, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &p->state[x].src.md, true, diff));
    BASE_TRY(nn_prog_tensor(p, &md, true, &each));
    BASE_TRY(take_scratch(p, &job, &scratch));
    job.in2 = dout.buf->data;
    job.out = diff->buf->data;
    job.bytes = each.buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, x), gradient_run, job));
out:
    nn_prog_release(&dout);
    nn_prog_release(&each);
    nn_prog_release(&scratch);
    return st;
}

const NnOpBackend nn_op_position_bias = {0}; /* read where it is used */
const NnOpBackend nn_op_window_attention = {.forward = forward, .gradient = gradient};
