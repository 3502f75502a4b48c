/* nn/onednn/ops/dropout.c - dropout with inverted scaling; in training only, elsewhere the value passes through. */
#include "base/bf16.h"
#include "base/random.h"
#include "nn/onednn/ops/elementwise.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/ops.h"

/* job: in, out [count] of @p element bytes, p, index = node; rows: elements of an image that share one fate, 0: none
 * do. An element's fate is a function of (key, node, position), so that the backward pass finds the same one. */
static BaseStatus run(NnProgram *p, const NnJob *job)
{
    uint64_t stream = base_random_mix(p->dropout_key + base_random_mix((uint64_t)job->index + 1));
    uint64_t limit = (uint64_t)(job->p * 0x1p53);
    float scale = (float)(1 / (1 - job->p));
    const float *in = job->in;
    float *out = job->out;
    const uint16_t *in16 = job->in;
    uint16_t *out16 = job->out;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < job->count; i++) {
        uint64_t of = (uint64_t)(job->rows ? i / job->rows : i);
        float keep = base_random_mix(stream + of * 0x9e3779b97f4a7c15u) >> 11 < limit ? 0 : scale;
        if (job->element == sizeof(float)) {
            out[i] = keep > 0 ? in[i] * keep : 0;
        } else {
            out16[i] = keep > 0 ? base_bf16_from_f32(base_bf16_to_f32(in16[i]) * keep) : 0;
        }
    }
    return BASE_OK;
}

static BaseStatus step(NnProgram *p, NnSteps *steps, NnNode x, const NnTensor *from, const NnTensor *to)
{
    int64_t bytes = (int64_t)dnnl_data_type_size(from->md.type);
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnJob job = {.in = from->buf->data,
                 .out = to->buf->data,
                 .element = bytes,
                 .count = (int64_t)nn_md_bytes(&from->md) / bytes,
                 .p = node->p,
                 .index = x};
    if (node->whole) job.rows = job.count / p->n;
    return nn_prog_own_step(steps, nn_prog_name(p, x), run, job);
}

static bool passes(const NnProgram *p, NnNode x) { return p->mode != NN_MODE_TRAIN || nn_prog_node(p, x)->p <= 0; }

static BaseStatus forward(NnProgram *p, NnNode x)
{
    NnState *state = &p->state[x], *from = &p->state[nn_prog_node(p, x)->in[0]];
    if (passes(p, x)) {
        state->value = from->value;
        nn_prog_hold(&state->value);
        state->owned = state->only >= 0 && from->owned;
        return BASE_OK;
    }
    BaseStatus st = nn_elementwise_value(p, x, true);
    return st == BASE_OK ? step(p, &p->forward, x, &state->src, &state->value) : st;
}

static BaseStatus backward(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnTensor diff_dst = {0}, diff_src = {0};
    if (passes(p, x)) return nn_gradient_add_take(p, in, g);
    BASE_TRY(nn_gradient_in_place_take(p, nn_prog_name(p, x), g, &p->state[x].value.md, &diff_dst, &diff_src));
    BASE_TRY(step(p, &p->backward, x, &diff_dst, &diff_src));
    nn_prog_release(&diff_dst);
    BASE_TRY(nn_gradient_add_take(p, in, &diff_src));
out:
    nn_prog_release(&diff_dst);
    nn_prog_release(&diff_src);
    return st;
}

const NnOpBackend nn_op_dropout = {.forward = forward, .backward = backward};
