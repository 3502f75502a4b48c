/* nn/onednn/ops/patches.c - padding and the merging of patches, on maps with channels last: block q of C channels of
 * pixel (i, j) is pixel (side i + q mod side, side j + q / side) of the input, with side 1 and 2. Each pixel of the input goes to
 * one place, from which its gradient comes back. */
#include <string.h>

#include "nn/onednn/ops/ops.h"

/* job: in -> out; n, H, W of the larger side, C, count = side, K, rows = H and W of the other map, element */
static BaseStatus gather_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    int64_t side = job->count, blocks = side * side;
    size_t run = (size_t)(job->C * job->element);
    const uint8_t *in = job->in;
    uint8_t *out = job->out;
#pragma omp parallel for schedule(static)
    for (int64_t pixel = 0; pixel < job->n * job->K * job->rows; pixel++) {
        int64_t image = pixel / job->rows / job->K, i = pixel / job->rows % job->K, j = pixel % job->rows;
        for (int64_t q = 0; q < blocks; q++) {
            int64_t y = side * i + q % side, x = side * j + q / side;
            uint8_t *to = out + (size_t)(pixel * blocks + q) * run;
            if (y < job->H && x < job->W)
                memcpy(to, in + (size_t)((image * job->H + y) * job->W + x) * run, run);
            else
                memset(to, 0, run); /* 0 has the bits 0 in float and bf16 */
        }
    }
    return BASE_OK;
}

static BaseStatus scatter_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    int64_t side = job->count, blocks = side * side;
    size_t run = (size_t)(job->C * job->element);
    const uint8_t *in = job->in;
    uint8_t *out = job->out;
#pragma omp parallel for schedule(static)
    for (int64_t pixel = 0; pixel < job->n * job->H * job->W; pixel++) {
        int64_t image = pixel / job->W / job->H, y = pixel / job->W % job->H, x = pixel % job->W;
        int64_t from = (image * job->K + y / side) * job->rows + x / side;
        memcpy(out + (size_t)pixel * run, in + (size_t)(from * blocks + y % side + x % side * side) * run, run);
    }
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnJob){.n = p->n,
                   .C = in->C,
                   .H = in->H,
                   .W = in->W,
                   .K = node->H,
                   .rows = node->W,
                   .count = node->kind == NN_NODE_PATCH_MERGE ? 2 : 1,
                   .element = (int64_t)dnnl_data_type_size(p->type)};
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnState *state = &p->state[x];
    NnTensor from = {0};
    NnMd plain = nn_md_map(p, in, p->type, dnnl_nhwc), map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &p->state[in].value, &plain, p->reuse, &from));
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &state->value));
    NnJob job = job_of(p, x);
    job.in = from.buf->data;
    job.out = state->value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, nn_prog_name(p, x), gather_run, job));
    state->owned = state->only >= 0;
out:
    nn_prog_release(&from);
    return st;
}

static BaseStatus gradient(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnNode in = nn_prog_node(p, x)->in[0];
    NnTensor dout = {0};
    NnMd plain = nn_md_map(p, in, p->type, dnnl_nhwc), map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &map, true, &dout));
    BASE_TRY(nn_prog_tensor(p, &plain, true, diff));
    NnJob job = job_of(p, x);
    job.in = dout.buf->data;
    job.out = diff->buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, x), scatter_run, job));
out:
    nn_prog_release(&dout);
    return st;
}

const NnOpBackend nn_op_pad = {.forward = forward, .gradient = gradient};
const NnOpBackend nn_op_patch_merge = {.forward = forward, .gradient = gradient};
