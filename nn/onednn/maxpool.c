/* 2x2 max pooling of float32 maps in blocks of 8 channels, for CPUs without AVX-512: oneDNN's needs seven times as long
 * as the bytes it reads when it notes the winners, which made it a tenth of VGG's training. The first of equal values
 * wins, as there; a NaN comes through. */
#include "nn/onednn/lanes.h"
#include "nn/onednn/program.h"

typedef uint8_t LaneBytes __attribute__((vector_size(LANES), aligned(1), may_alias));

/* One row of outputs, [W / 2][8]; x: the upper of its two rows of inputs. @p winner, or NULL. */
KERNEL static void pool_row(const float *x, int64_t W, float *y, uint8_t *winner)
{
    for (int64_t i = 0; i < W / 2; i++) {
        const Lanes *upper = (const Lanes *)(x + 2 * i * LANES), *lower = (const Lanes *)(x + (W + 2 * i) * LANES);
        const Lanes four[4] = {upper[0], upper[1], lower[0], lower[1]};
        LaneBits at = {0};
        LaneBits best = (LaneBits)four[0];
        for (int k = 1; k < 4; k++) {
            LaneBits larger = (four[k] > (Lanes)best) | (four[k] != four[k]);
            best = (larger & (LaneBits)four[k]) | (~larger & best);
            at = (larger & k) | (~larger & at);
        }
        *(Lanes *)(y + i * LANES) = (Lanes)best;
        if (winner) *(LaneBytes *)(winner + i * LANES) = __builtin_convertvector(at, LaneBytes);
    }
}

/* The transpose: the gradient goes to the winner, 0 to the others. */
KERNEL static void spread_row(const float *g, int64_t W, const uint8_t *winner, float *dx)
{
    for (int64_t i = 0; i < W / 2; i++) {
        LaneBits at = __builtin_convertvector(*(const LaneBytes *)(winner + i * LANES), LaneBits);
        LaneBits value = (LaneBits) * (const Lanes *)(g + i * LANES);
        for (int k = 0; k < 4; k++)
            *(Lanes *)(dx + ((k >> 1) * W + 2 * i + (k & 1)) * LANES) = (Lanes)((at == k) & value);
    }
}

/* job: in [n, C, H, W], out [n, C, H / 2, W / 2], bytes: the winners, one byte each; NULL: not wanted */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    int64_t rows = job->n * (job->C / LANES) * (job->H / 2), in = 2 * job->W * LANES, out = job->W / 2 * LANES;
    (void)p;
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < rows; r++)
        pool_row((const float *)job->in + r * in, job->W, (float *)job->out + r * out,
                 job->bytes ? job->bytes + r * out : NULL);
    return BASE_OK;
}

/* job: in [n, C, H / 2, W / 2], out [n, C, H, W], bytes as above */
static BaseStatus backward_run(NnProgram *p, const NnJob *job)
{
    int64_t rows = job->n * (job->C / LANES) * (job->H / 2), out = 2 * job->W * LANES, in = job->W / 2 * LANES;
    (void)p;
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < rows; r++)
        spread_row((const float *)job->in + r * in, job->W, job->bytes + r * in, (float *)job->out + r * out);
    return BASE_OK;
}

static NnJob job_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *in = nn_prog_node(p, nn_prog_node(p, x)->in[0]);
    return (NnJob){.n = p->n, .C = in->C, .H = in->H, .W = in->W};
}

bool nn_maxpool_fits(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    dnnl_memory_desc_t blocked = nn_md_map(p, node->in[0], dnnl_f32, dnnl_nChw8c);
    return !nn_has_avx512() && node->kind == NN_NODE_MAX_POOL && node->kernel_h == 2 && node->kernel_w == 2 &&
           node->stride == 2 && node->pad == 0 && in->H % 2 == 0 && in->W % 2 == 0 && in->C % LANES == 0 &&
           dnnl_memory_desc_equal(&p->state[x].src.md, &blocked);
}

BaseStatus nn_maxpool_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    NnJob job = job_of(p, x);
    const int64_t winners = job.n * job.C * (job.H / 2) * (job.W / 2);
    dnnl_memory_desc_t out = nn_md_map(p, x, dnnl_f32, dnnl_nChw8c), bytes = nn_md(dnnl_u8, dnnl_x, 1, &winners);
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

BaseStatus nn_maxpool_backward(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    NnJob job = job_of(p, x);
    job.bytes = p->state[x].workspace.buf->data;
    job.in = g->buf->data;
    job.out = diff->buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, x), backward_run, job));
out:
    return st;
}
