/* Batch norm on batch statistics, ReLU and 2x2 max pooling as one pass over bf16 maps: in training the maps between
 * them are the largest there are, and only the pooled ones are ever read again.
 *
 *   a = gamma / sqrt(var + eps), b = beta - mean a        y = max(0, max over the 4 pixels of a x + b)
 *   d beta = sum g, d gamma = sum g xhat over the winners, xhat = (x - mean) / sqrt(var + eps)
 *   dx = a (g at the winner, 0 elsewhere - (d beta + xhat d gamma) / M),   M = n H W
 *
 * Sums are float32 within an image and double over images, in the same order for any number of threads. The variance is
 * that of x - shift with the first pixel as shift: as long as that is within some deviations of the mean, nothing
 * cancels. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/onednn/program.h"

enum { LANES = 16, DEAD = 4 }; /* channels at once; the winner where the ReLU stops the value */
#define KERNEL __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

/* Left to the compiler these loops, of 1, 2 and 4 byte types at once, run a third as fast. */
KERNEL static inline __m512 load(const uint16_t *x)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)x)), 16));
}

KERNEL static inline void store(uint16_t *y, __m512 v)
{
    union {
        __m256bh from;
        __m256i to;
    } half = {.from = _mm512_cvtneps_pbh(v)};
    _mm256_storeu_si256((void *)y, half.to);
}

/* One image's sums of x - shift and its square; x [pixels, C]. */
KERNEL static void image_moments(const uint16_t *x, int64_t pixels, int64_t C, const float *shift, float *sum,
                                 float *square)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t c = 0; c < C; c += LANES) {
            __m512 v = _mm512_sub_ps(load(x + i * C + c), _mm512_loadu_ps(shift + c));
            _mm512_storeu_ps(sum + c, _mm512_add_ps(_mm512_loadu_ps(sum + c), v));
            _mm512_storeu_ps(square + c, _mm512_fmadd_ps(v, v, _mm512_loadu_ps(square + c)));
        }
}

/* One row of outputs; x: the upper of its two rows of inputs. */
KERNEL static void pool_row(const uint16_t *x, int64_t W, int64_t C, const float *a, const float *b, uint16_t *y,
                            uint8_t *winner)
{
    for (int64_t i = 0; i < W / 2; i++, x += 2 * C, y += C, winner += C)
        for (int64_t c = 0; c < C; c += LANES) {
            __m512 scale = _mm512_loadu_ps(a + c), offset = _mm512_loadu_ps(b + c);
            __m512 best = _mm512_fmadd_ps(scale, load(x + c), offset);
            __m512i at = _mm512_setzero_si512();
            for (int k = 1; k < 4; k++) {
                __m512 v = _mm512_fmadd_ps(scale, load(x + (k & 1) * C + (k >> 1) * W * C + c), offset);
                __mmask16 larger = _mm512_cmp_ps_mask(v, best, _CMP_GT_OQ);
                best = _mm512_mask_mov_ps(best, larger, v);
                at = _mm512_mask_mov_epi32(at, larger, _mm512_set1_epi32(k));
            }
            /* a NaN is kept: the engine finds it in the logits */
            __mmask16 dead = _mm512_cmp_ps_mask(best, _mm512_setzero_ps(), _CMP_LE_OQ);
            store(y + c, _mm512_mask_mov_ps(best, dead, _mm512_setzero_ps()));
            at = _mm512_mask_mov_epi32(at, dead, _mm512_set1_epi32(DEAD));
            _mm_storeu_si128((void *)(winner + c), _mm512_cvtepi32_epi8(at));
        }
}

/* Sums of g and of g (x - mean) over the winners of one row of outputs. */
KERNEL static void row_sums(const uint16_t *x, int64_t W, int64_t C, const float *mean, const uint16_t *g,
                            const uint8_t *winner, float *sum, float *dot)
{
    for (int64_t i = 0; i < W / 2; i++, x += 2 * C, g += C, winner += C)
        for (int64_t c = 0; c < C; c += LANES) {
            __m128i at = _mm_loadu_si128((const void *)(winner + c));
            __m512 chosen = load(x + c);
            for (int k = 1; k < 4; k++)
                chosen = _mm512_mask_mov_ps(chosen, _mm_cmpeq_epi8_mask(at, _mm_set1_epi8((char)k)),
                                            load(x + (k & 1) * C + (k >> 1) * W * C + c));
            __m512 d = _mm512_maskz_mov_ps(_mm_cmpneq_epi8_mask(at, _mm_set1_epi8(DEAD)), load(g + c));
            _mm512_storeu_ps(sum + c, _mm512_add_ps(_mm512_loadu_ps(sum + c), d));
            chosen = _mm512_sub_ps(chosen, _mm512_loadu_ps(mean + c));
            _mm512_storeu_ps(dot + c, _mm512_fmadd_ps(d, chosen, _mm512_loadu_ps(dot + c)));
        }
}

/* dx = a g [winner] + b x + c0 for one row of outputs */
KERNEL static void spread_row(const uint16_t *x, int64_t W, int64_t C, const float *a, const float *b, const float *c0,
                              const uint16_t *g, const uint8_t *winner, uint16_t *dx)
{
    for (int64_t i = 0; i < W / 2; i++, x += 2 * C, dx += 2 * C, g += C, winner += C)
        for (int64_t c = 0; c < C; c += LANES) {
            __m128i at = _mm_loadu_si128((const void *)(winner + c));
            __m512 d = _mm512_mul_ps(_mm512_loadu_ps(a + c), load(g + c));
            __m512 slope = _mm512_loadu_ps(b + c), offset = _mm512_loadu_ps(c0 + c);
            for (int k = 0; k < 4; k++) {
                int64_t off = (k & 1) * C + (k >> 1) * W * C + c;
                __m512 v = _mm512_fmadd_ps(slope, load(x + off), offset);
                __mmask16 won = _mm_cmpeq_epi8_mask(at, _mm_set1_epi8((char)k));
                store(dx + off, _mm512_mask_add_ps(v, won, v, d));
            }
        }
}

/* partial [n, 2, C] summed over images: total [2, C] */
static void sum_images(const float *partial, int64_t n, int64_t C, double *total)
{
    memset(total, 0, (size_t)(2 * C) * sizeof *total);
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < 2 * C; c++) total[c] += (double)partial[i * 2 * C + c];
}

static const float *param_of(const NnProgram *p, int slice)
{
    int count;
    return nn_net_params(p->net) + nn_net_param_slices(p->net, &count)[slice].offset;
}

/* job: in [n, H, W, C], out [n, H/2, W/2, C], index = the batch norm's node */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[job->index];
    const int64_t n = job->n, C = job->C, H = job->H, W = job->W;
    const uint16_t *x = job->in;
    uint16_t *y = job->out;
    uint8_t *winner = state->workspace.buf->data;
    float *partial = state->partial.buf->data, *mean = state->mean.buf->data, *var = state->var.buf->data;
    const float *gamma = param_of(p, job->norm->weight), *beta = param_of(p, job->norm->bias_slice);
    float *a = NULL, *b, *shift;
    double *total = NULL;
    BASE_TRY(BASE_ALLOC(3 * C, &a));
    BASE_TRY(BASE_ALLOC(2 * C, &total));
    b = a + C;
    shift = b + C;
    for (int64_t c = 0; c < C; c++) shift[c] = nn_bf16_to_f32(x[c]);
    memset(partial, 0, (size_t)(n * 2 * C) * sizeof *partial);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        image_moments(x + i * H * W * C, H * W, C, shift, partial + i * 2 * C, partial + i * 2 * C + C);
    sum_images(partial, n, C, total);
    for (int64_t c = 0; c < C; c++) {
        double m = total[c] / (double)(n * H * W), v = fmax(total[C + c] / (double)(n * H * W) - m * m, 0);
        mean[c] = (float)(shift[c] + m);
        var[c] = (float)v;
        a[c] = (float)(gamma[c] / sqrt(v + NN_NORM_EPSILON));
        b[c] = (float)(beta[c] - (shift[c] + m) * (double)a[c]);
    }
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < n * (H / 2); row++)
        pool_row(x + row * 2 * W * C, W, C, a, b, y + row * (W / 2) * C, winner + row * (W / 2) * C);
out:
    base_free(a);
    base_free(total);
    return st;
}

/* job: in = g [n, H/2, W/2, C], out = dx [n, H, W, C], index = the batch norm's node */
static BaseStatus backward_run(NnProgram *p, const NnJob *job)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[job->index];
    const int64_t n = job->n, C = job->C, H = job->H, W = job->W;
    const uint16_t *x = state->src.buf->data, *g = job->in;
    uint16_t *dx = job->out;
    const uint8_t *winner = state->workspace.buf->data;
    float *partial = state->partial.buf->data;
    const float *mean = state->mean.buf->data, *var = state->var.buf->data, *gamma = param_of(p, job->norm->weight);
    int count;
    const NnSlice *slices = nn_net_param_slices(p->net, &count);
    float *dgamma = p->grads + slices[job->norm->weight].offset;
    float *dbeta = p->grads + slices[job->norm->bias_slice].offset, *a = NULL, *b, *c0;
    double *total = NULL;
    BASE_TRY(BASE_ALLOC(3 * C, &a));
    BASE_TRY(BASE_ALLOC(2 * C, &total));
    b = a + C;
    c0 = b + C;
    memset(partial, 0, (size_t)(n * 2 * C) * sizeof *partial);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        for (int64_t row = i * (H / 2); row < (i + 1) * (H / 2); row++)
            row_sums(x + row * 2 * W * C, W, C, mean, g + row * (W / 2) * C, winner + row * (W / 2) * C,
                     partial + i * 2 * C, partial + i * 2 * C + C);
    sum_images(partial, n, C, total);
    for (int64_t c = 0; c < C; c++) {
        double inv = 1 / sqrt(var[c] + NN_NORM_EPSILON), M = (double)(n * H * W), dot = total[C + c] * inv;
        dbeta[c] = (float)total[c];
        dgamma[c] = (float)dot;
        a[c] = (float)(gamma[c] * inv);
        b[c] = (float)(-gamma[c] * inv * inv * dot / M);
        c0[c] = (float)(-gamma[c] * inv * total[c] / M - (double)b[c] * (double)mean[c]);
    }
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < n * (H / 2); row++)
        spread_row(x + row * 2 * W * C, W, C, a, b, c0, g + row * (W / 2) * C, winner + row * (W / 2) * C,
                   dx + row * 2 * W * C);
out:
    base_free(a);
    base_free(total);
    return st;
}

bool nn_normpool_fits(const NnProgram *p, NnNode norm, NnNode pool)
{
    const NnNodeInfo *node = nn_prog_node(p, norm), *down = nn_prog_node(p, pool);
    dnnl_memory_desc_t plain = nn_md_map(p, norm, dnnl_bf16, dnnl_nhwc);
    bool isa = (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
    return isa && p->mode == NN_MODE_TRAIN && p->type == dnnl_bf16 && down->kind == NN_NODE_MAX_POOL &&
           down->kernel_h == 2 && down->kernel_w == 2 && down->stride == 2 && down->pad == 0 && node->H % 2 == 0 &&
           node->W % 2 == 0 && node->C % LANES == 0 && dnnl_memory_desc_equal(&p->state[node->in[0]].value.md, &plain);
}

static NnJob job_of(const NnProgram *p, NnNode norm)
{
    const NnNodeInfo *node = nn_prog_node(p, norm);
    return (NnJob){.n = p->n, .C = node->C, .H = node->H, .W = node->W, .norm = node, .index = norm};
}

BaseStatus nn_normpool_forward(NnProgram *p, NnNode norm, NnNode pool)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[norm];
    NnJob job = job_of(p, norm);
    const int64_t sums = 2 * job.n * job.C, winners = job.n * (job.H / 2) * (job.W / 2) * job.C;
    dnnl_memory_desc_t flat = nn_md(dnnl_f32, dnnl_x, 1, &sums), bytes = nn_md(dnnl_u8, dnnl_x, 1, &winners);
    dnnl_memory_desc_t down = nn_md_map(p, pool, dnnl_bf16, dnnl_nhwc);
    BASE_TRY(nn_prog_tensor(p, &flat, false, &state->partial));
    BASE_TRY(nn_prog_tensor(p, &bytes, false, &state->workspace));
    BASE_TRY(nn_prog_tensor(p, &down, false, &p->state[pool].value));
    job.in = state->src.buf->data;
    job.out = p->state[pool].value.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, nn_prog_name(p, norm), forward_run, job));
out:
    return st;
}

BaseStatus nn_normpool_backward(NnProgram *p, NnNode norm, NnNode pool, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    NnTensor typed = {0};
    NnJob job = job_of(p, norm);
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, norm), g, &p->state[pool].value.md, true, &typed));
    BASE_TRY(nn_prog_tensor(p, &p->state[norm].src.md, true, diff));
    job.in = typed.buf->data;
    job.out = diff->buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, norm), backward_run, job));
out:
    nn_prog_release(&typed);
    return st;
}
