/* nn/kernels/maxpool.c - four pixels compared in vector registers; the winner's number, 0 to 3, is kept per lane. */
#include "nn/kernels/maxpool.h"

#include <stddef.h>

#include "nn/kernels/lanes.h"

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

void nn_maxpool_forward(int64_t n, int64_t C, int64_t H, int64_t W, const float *x, float *y, uint8_t *winner)
{
    int64_t rows = n * (C / LANES) * (H / 2), in = 2 * W * LANES, out = W / 2 * LANES;
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < rows; r++) pool_row(x + r * in, W, y + r * out, winner ? winner + r * out : NULL);
}

void nn_maxpool_backward(int64_t n, int64_t C, int64_t H, int64_t W, const float *g, const uint8_t *winner, float *dx)
{
    int64_t rows = n * (C / LANES) * (H / 2), out = 2 * W * LANES, in = W / 2 * LANES;
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < rows; r++) spread_row(g + r * in, W, winner + r * in, dx + r * out);
}
