/* nn/kernels/channels.c - one loop over the blocks of channels of all images, in parallel; within a block, pixels. */
#include "nn/kernels/channels.h"

#include <stdbool.h>

#include "nn/kernels/element.h"

enum { LANES = 16 };

void nn_channels_scale(const NnChannels *s, const void *x, const float *a, int64_t step, void *y)
{
    int64_t blocks = s->C / s->block;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < s->n * blocks * s->area; row++) {
        int64_t image = row / s->area / blocks, first = row / s->area % blocks * s->block;
        const float *by = a + image * step + first;
        for (int64_t k = 0; k < s->block; k++)
            nn_element_set(y, row * s->block + k, s->element,
                           nn_element_get(x, row * s->block + k, s->element) * by[k]);
    }
}

/* Sums over the pixels of @p lanes channels, from element @p at on. */
static void dot(const NnChannels *s, const void *x, const void *g, int64_t at, int64_t lanes, bool negative, float *out)
{
    double sums[LANES] = {0};
    for (int64_t pixel = 0; pixel < s->area; pixel++)
        for (int64_t k = 0; k < lanes; k++) {
            float v = nn_element_get(x, at + pixel * s->block + k, s->element);
            if (negative && v >= 0) continue;
            sums[k] += (double)v * (double)nn_element_get(g, at + pixel * s->block + k, s->element);
        }
    for (int64_t k = 0; k < lanes; k++) out[k] = (float)sums[k];
}

static void dots(const NnChannels *s, const void *x, const void *g, bool negative, float *sums)
{
    int64_t lanes = s->block < LANES ? s->block : LANES, parts = (s->block + lanes - 1) / lanes,
            blocks = s->C / s->block;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->n * blocks * parts; i++) {
        int64_t first = i % parts * lanes, left = s->block - first, block = i / parts;
        dot(s, x, g, block * s->area * s->block + first, left < lanes ? left : lanes, negative,
            sums + block * s->block + first);
    }
}

void nn_channels_dot(const NnChannels *s, const void *x, const void *g, float *sums) { dots(s, x, g, false, sums); }

/* value = x and y, or g and dx */
static void leak(const NnChannels *s, const void *x, const float *a, int64_t step, const void *value, void *out)
{
    int64_t blocks = s->C / s->block;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < s->n * blocks * s->area; row++) {
        int64_t first = row / s->area % blocks * s->block;
        for (int64_t k = 0; k < s->block; k++) {
            int64_t at = row * s->block + k;
            float v = nn_element_get(value, at, s->element);
            nn_element_set(out, at, s->element, nn_element_get(x, at, s->element) > 0 ? v : a[(first + k) * step] * v);
        }
    }
}

void nn_channels_leak(const NnChannels *s, const void *x, const float *a, int64_t step, void *y)
{
    leak(s, x, a, step, x, y);
}

void nn_channels_leak_backward(const NnChannels *s, const void *x, const float *a, int64_t step, const void *g,
                               void *dx, float *sums)
{
    dots(s, x, g, true, sums);
    leak(s, x, a, step, g, dx);
}

/* ---- pooling to any size ---- */

static int64_t first_of(int64_t i, int64_t side, int64_t out) { return i * side / out; }
static int64_t end_of(int64_t i, int64_t side, int64_t out) { return ((i + 1) * side + out - 1) / out; }

void nn_channels_pool(const NnChannels *s, const NnAdaptive *a, const void *x, void *y)
{
#pragma omp parallel for schedule(static)
    for (int64_t at = 0; at < s->n * s->C / s->block * s->area; at++) {
        int64_t b = at / s->area, i = at % s->area / a->wide, j = at % a->wide;
        int64_t y0 = first_of(i, a->H, a->high), y1 = end_of(i, a->H, a->high), x0 = first_of(j, a->W, a->wide),
                x1 = end_of(j, a->W, a->wide);
        for (int64_t k = 0; k < s->block; k++) {
            float sum = 0;
            for (int64_t v = y0; v < y1; v++)
                for (int64_t u = x0; u < x1; u++)
                    sum += nn_element_get(x, ((b * a->H + v) * a->W + u) * s->block + k, s->element);
            nn_element_set(y, at * s->block + k, s->element, sum / (float)((y1 - y0) * (x1 - x0)));
        }
    }
}

/* Of value @p k of input pixel (v, u), which lies in windows floor(v high / H) on, as far as those begin before it. */
static float gather(const NnChannels *s, const NnAdaptive *a, const void *g, int64_t b, int64_t v, int64_t u, int64_t k)
{
    float sum = 0;
    for (int64_t i = v * a->high / a->H; i < a->high && first_of(i, a->H, a->high) <= v; i++)
        for (int64_t j = u * a->wide / a->W; j < a->wide && first_of(j, a->W, a->wide) <= u; j++) {
            int64_t high = end_of(i, a->H, a->high) - first_of(i, a->H, a->high),
                    wide = end_of(j, a->W, a->wide) - first_of(j, a->W, a->wide);
            sum += nn_element_get(g, (b * s->area + i * a->wide + j) * s->block + k, s->element) / (float)(high * wide);
        }
    return sum;
}

void nn_channels_pool_backward(const NnChannels *s, const NnAdaptive *a, const void *g, void *dx)
{
    int64_t pixels = a->H * a->W;
#pragma omp parallel for schedule(static)
    for (int64_t at = 0; at < s->n * s->C / s->block * pixels; at++)
        for (int64_t k = 0; k < s->block; k++)
            nn_element_set(dx, at * s->block + k, s->element,
                           gather(s, a, g, at / pixels, at % pixels / a->W, at % a->W, k));
}
