/* nn/kernels/normpool.c - AVX-512, bf16 widened in registers; partial sums per image, added in fixed order. */
#include "nn/kernels/normpool.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "base/memory.h"

enum { LANES = NN_NORMPOOL_LANES, DEAD = 4 }; /* channels at once; the winner where the ReLU stops the value */
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

bool nn_normpool_built(void) { return true; }

/* The variance is that of x - shift with the first pixel as shift: as long as that is within some deviations of the
 * mean, nothing cancels. */
BaseStatus nn_normpool_forward(const NnNormPool *s, const uint16_t *x, uint16_t *y, uint8_t *winner, float *partial,
                               float *mean, float *var)
{
    BaseStatus st = BASE_OK;
    const int64_t n = s->n, C = s->C, H = s->H, W = s->W;
    float *a = NULL, *b, *shift;
    double *total = NULL;
    BASE_TRY(BASE_ALLOC(3 * C, &a));
    BASE_TRY(BASE_ALLOC(2 * C, &total));
    b = a + C;
    shift = b + C;
    for (int64_t c = 0; c < C; c++) shift[c] = base_bf16_to_f32(x[c]);
    memset(partial, 0, (size_t)(n * 2 * C) * sizeof *partial);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        image_moments(x + i * H * W * C, H * W, C, shift, partial + i * 2 * C, partial + i * 2 * C + C);
    sum_images(partial, n, C, total);
    for (int64_t c = 0; c < C; c++) {
        double m = total[c] / (double)(n * H * W), v = fmax(total[C + c] / (double)(n * H * W) - m * m, 0);
        mean[c] = (float)(shift[c] + m);
        var[c] = (float)v;
        a[c] = (float)(s->gamma[c] / sqrt(v + s->epsilon));
        b[c] = (float)(s->beta[c] - (shift[c] + m) * (double)a[c]);
    }
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < n * (H / 2); row++)
        pool_row(x + row * 2 * W * C, W, C, a, b, y + row * (W / 2) * C, winner + row * (W / 2) * C);
out:
    base_free(a);
    base_free(total);
    return st;
}

BaseStatus nn_normpool_backward(const NnNormPool *s, const uint16_t *x, const uint8_t *winner, const float *mean,
                                const float *var, const uint16_t *g, uint16_t *dx, float *partial, float *dgamma,
                                float *dbeta)
{
    BaseStatus st = BASE_OK;
    const int64_t n = s->n, C = s->C, H = s->H, W = s->W;
    float *a = NULL, *b, *c0;
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
        double inv = 1 / sqrt(var[c] + s->epsilon), M = (double)(n * H * W), dot = total[C + c] * inv;
        dbeta[c] = (float)total[c];
        dgamma[c] = (float)dot;
        a[c] = (float)(s->gamma[c] * inv);
        b[c] = (float)(-s->gamma[c] * inv * inv * dot / M);
        c0[c] = (float)(-s->gamma[c] * inv * total[c] / M - (double)b[c] * (double)mean[c]);
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

#else
bool nn_normpool_built(void) { return false; }

BaseStatus nn_normpool_forward(const NnNormPool *s, const uint16_t *x, uint16_t *y, uint8_t *winner, float *partial,
                               float *mean, float *var)
{
    (void)s, (void)x, (void)y, (void)winner, (void)partial, (void)mean, (void)var;
    return base_error_set(BASE_EBACKEND, "batch norm and max pooling in one step: needs an x86-64 CPU");
}

BaseStatus nn_normpool_backward(const NnNormPool *s, const uint16_t *x, const uint8_t *winner, const float *mean,
                                const float *var, const uint16_t *g, uint16_t *dx, float *partial, float *dgamma,
                                float *dbeta)
{
    (void)s, (void)x, (void)winner, (void)mean, (void)var, (void)g, (void)dx, (void)partial, (void)dgamma, (void)dbeta;
    return base_error_set(BASE_EBACKEND, "batch norm and max pooling in one step: needs an x86-64 CPU");
}
#endif
