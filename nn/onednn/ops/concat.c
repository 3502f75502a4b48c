/* nn/onednn/ops/concat.c - the channels of two maps one after the other: runs are copied, which are whole images where
 * both lie in blocks of as many channels, else pixels. The way back takes them apart. */
#include <string.h>

#include "nn/onednn/ops/channels.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/ops.h"

/* job: in, in2 -> out; rows of C and K values of @p element bytes */
static BaseStatus join_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    size_t a = (size_t)(job->C * job->element), b = (size_t)(job->K * job->element);
    const uint8_t *in = job->in, *in2 = job->in2;
    uint8_t *out = job->out;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < job->rows; i++) {
        uint8_t *to = out + (size_t)i * (a + b);
        memcpy(to, in + (size_t)i * a, a);
        memcpy(to + a, in2 + (size_t)i * b, b);
    }
    return BASE_OK;
}

/* job: in -> out, the first C values of each row, or with @p count 1 the last K */
static BaseStatus part_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    size_t a = (size_t)(job->C * job->element), b = (size_t)(job->K * job->element);
    const uint8_t *in = (const uint8_t *)job->in + (job->count ? a : 0);
    uint8_t *out = job->out;
    size_t run = job->count ? b : a;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < job->rows; i++) memcpy(out + (size_t)i * run, in + (size_t)i * (a + b), run);
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnMd *md = &p->state[x].value.md;
    int64_t area = node->H * node->W, C = nn_prog_node(p, node->in[0])->C;
    bool pixels = nn_md_is(md, dnnl_nhwc);
    return (NnJob){.rows = pixels ? p->n * area : p->n,
                   .C = C * (pixels ? 1 : area),
                   .K = (node->C - C) * (pixels ? 1 : area),
                   .element = (int64_t)dnnl_data_type_size(md->type)};
}

/* Blocks that both maps have; 0: pixel by pixel. */
static int64_t common_block(const NnProgram *p, const NnNodeInfo *node)
{
    const NnMd *a = &p->state[node->in[0]].value.md, *b = &p->state[node->in[1]].value.md;
    int64_t block = nn_md_block(a);
    bool alike = a->type == p->type && b->type == p->type && block == nn_md_block(b);
    return alike && (block == 16 || block == 8) && !nn_md_is(a, dnnl_nhwc) && !nn_md_is(b, dnnl_nhwc) ? block : 0;
}

static dnnl_format_tag_t tag_of(int64_t block)
{
    return block == 16 ? dnnl_nChw16c : block == 8 ? dnnl_nChw8c : dnnl_nhwc;
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    const char *name = nn_prog_name(p, x);
    dnnl_format_tag_t tag = tag_of(common_block(p, node));
    NnTensor a = {0}, b = {0}, *parts[2] = {&a, &b};
    NnMd whole = nn_md_map(p, x, p->type, tag);
    for (int k = 0; k < 2; k++) {
        NnMd part = nn_md_map(p, node->in[k], p->type, tag);
        BASE_TRY(nn_prog_convert(p, &p->forward, name, &p->state[node->in[k]].value, &part, true, parts[k]));
    }
    BASE_TRY(nn_prog_tensor(p, &whole, p->reuse, &state->value));
    NnJob job = job_of(p, x);
    job.in = a.buf->data;
    job.in2 = b.buf->data;
    job.out = state->value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, name, join_run, job));
    state->owned = state->only >= 0;
out:
    nn_prog_release(&a);
    nn_prog_release(&b);
    return st;
}

static BaseStatus backward(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnMd *md = &p->state[x].value.md;
    const char *name = nn_prog_name(p, x);
    NnTensor whole = {0}, part = {0};
    BASE_TRY(nn_prog_convert(p, &p->backward, name, g, md, true, &whole));
    nn_prog_release(g);
    for (int k = 0; k < 2; k++) {
        if (!p->state[node->in[k]].needs_grad) continue;
        NnMd own = nn_channels_md(p, node->in[k], md);
        BASE_TRY(nn_prog_tensor(p, &own, true, &part));
        NnJob job = job_of(p, x);
        job.in = whole.buf->data;
        job.out = part.buf->data;
        job.count = k;
        BASE_TRY(nn_prog_own_step(&p->backward, name, part_run, job));
        BASE_TRY(nn_gradient_add_take(p, node->in[k], &part));
    }
out:
    nn_prog_release(&whole);
    nn_prog_release(&part);
    return st;
}

const NnOpBackend nn_op_concat = {.forward = forward, .backward = backward};
