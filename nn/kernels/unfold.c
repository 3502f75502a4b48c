/* nn/kernels/unfold.c - patches are copied row by row; folding gathers per pixel, so no two threads share a sum. */
#include "nn/kernels/unfold.h"

#include <string.h>

#include "base/bf16.h"
#include "base/target.h"

void nn_unfold_patches(const NnUnfold *s, const void *from, void *to_rows)
{
    const uint8_t *in = from;
    uint8_t *out = to_rows;
    const int64_t rows = s->n * s->out_h * s->out_w;
    int64_t run = s->C * s->element, taps = s->kernel * s->kernel; /* run: bytes of a pixel */
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        int64_t ox = row % s->out_w, oy = row / s->out_w % s->out_h, image = row / (s->out_w * s->out_h);
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t y = oy * s->stride + tap / s->kernel - s->pad;
            int64_t x = ox * s->stride + tap % s->kernel - s->pad;
            uint8_t *to = out + (row * taps + tap) * run;
            if (y < 0 || y >= s->H || x < 0 || x >= s->W)
                memset(to, 0, (size_t)run);
            else
                memcpy(to, in + ((image * s->H + y) * s->W + x) * run, (size_t)run);
        }
    }
}

enum { WIDTH = 64 };
/* sum[i] += row[i]. One version for each instruction set that matters. */
BASE_CLONES("avx512f", "avx2", "default") static void add_lanes(float *restrict sum, const uint16_t *restrict row)
{
    for (int i = 0; i < WIDTH; i++) sum[i] += base_bf16_to_f32(row[i]);
}

BASE_CLONES("avx512f", "avx2", "default") static void round_lanes(uint16_t *restrict out, const float *restrict sum)
{
    for (int i = 0; i < WIDTH; i++) out[i] = base_bf16_from_f32(sum[i]);
}

/* The sum, in float32, over the patches that hold pixel (y, x) of an image, for lanes c to c + width. */
static void fold_pixel(const NnUnfold *s, const uint8_t *in, int64_t image, int64_t y, int64_t x, int64_t c,
                       int64_t width, void *out)
{
    float sum[WIDTH] = {0};
    for (int64_t tap = 0; tap < s->kernel * s->kernel; tap++) {
        int64_t top = y + s->pad - tap / s->kernel, left = x + s->pad - tap % s->kernel;
        if (top < 0 || left < 0 || top % s->stride || left % s->stride) continue;
        int64_t oy = top / s->stride, ox = left / s->stride;
        if (oy >= s->out_h || ox >= s->out_w) continue;
        int64_t row = (image * s->out_h + oy) * s->out_w + ox;
        const uint8_t *from = in + ((row * s->kernel * s->kernel + tap) * s->C + c) * s->element;
        if (s->element == sizeof *sum)
            for (int64_t i = 0; i < width; i++) sum[i] += ((const float *)(const void *)from)[i];
        else if (width == WIDTH)
            add_lanes(sum, (const uint16_t *)(const void *)from);
        else
            for (int64_t i = 0; i < width; i++) sum[i] += base_bf16_to_f32(((const uint16_t *)(const void *)from)[i]);
    }
    if (s->element == sizeof *sum)
        memcpy(out, sum, (size_t)width * sizeof *sum);
    else if (width == WIDTH)
        round_lanes(out, sum);
    else
        for (int64_t i = 0; i < width; i++) ((uint16_t *)out)[i] = base_bf16_from_f32(sum[i]);
}

void nn_unfold_fold_patches(const NnUnfold *s, const void *in, void *to)
{
    uint8_t *out = to;
#pragma omp parallel for schedule(static)
    for (int64_t pixel = 0; pixel < s->n * s->H * s->W; pixel++) {
        int64_t x = pixel % s->W, y = pixel / s->W % s->H, image = pixel / (s->W * s->H);
        for (int64_t c = 0; c < s->C; c += WIDTH)
            fold_pixel(s, in, image, y, x, c, s->C - c < WIDTH ? s->C - c : WIDTH,
                       out + (pixel * s->C + c) * s->element);
    }
}

enum { CHUNK = 256 };
static void sums_f32(int64_t rows, int64_t C, const float *in, float *out)
{
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < C; c++) {
        double sum = 0;
        for (int64_t row = 0; row < rows; row++) sum += (double)in[row * C + c];
        out[c] = (float)sum;
    }
}

/* float32 within a chunk of rows, double over chunks */
static void sums_bf16(int64_t rows, int64_t C, const uint16_t *in, float *out)
{
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < C; c += WIDTH) {
        double total[WIDTH] = {0};
        int64_t width = C - c < WIDTH ? C - c : WIDTH;
        for (int64_t first = 0; first < rows; first += CHUNK) {
            float sum[WIDTH] = {0};
            int64_t end = first + CHUNK < rows ? first + CHUNK : rows;
            for (int64_t row = first; row < end; row++) {
                const uint16_t *from = in + row * C + c;
                if (width == WIDTH)
                    add_lanes(sum, from);
                else
                    for (int64_t i = 0; i < width; i++) sum[i] += base_bf16_to_f32(from[i]);
            }
            for (int64_t i = 0; i < width; i++) total[i] += sum[i];
        }
        for (int64_t i = 0; i < width; i++) out[c + i] = (float)total[i];
    }
}

void nn_unfold_column_sums(int64_t rows, int64_t C, int64_t element, const void *in, float *out)
{
    if (element == sizeof(float))
        sums_f32(rows, C, in, out);
    else
        sums_bf16(rows, C, in, out);
}
