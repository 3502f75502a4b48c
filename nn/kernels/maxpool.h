/* nn/kernels/maxpool.h - 2x2 max pooling of float32 maps in blocks of 8 channels. For CPUs without AVX-512: oneDNN's
 * needs seven times as long as the bytes it reads when it notes the winners, which made it a tenth of VGG's training.
 * The first of equal values wins, as there; a NaN comes through. */
#ifndef NN_KERNELS_MAXPOOL_H
#define NN_KERNELS_MAXPOOL_H

#include <stdint.h>

enum { NN_MAXPOOL_LANES = 8 };

/** @p x [n, C/8, H, W, 8], H and W even; @p y [n, C/8, H/2, W/2, 8], @p winner of its shape: which of the four pixels,
 *  row by row; NULL: not wanted. */
void nn_maxpool_forward(int64_t n, int64_t C, int64_t H, int64_t W, const float *x, float *y, uint8_t *winner);
/** The transpose: the gradient @p g goes to the winner in @p dx, 0 to the others. */
void nn_maxpool_backward(int64_t n, int64_t C, int64_t H, int64_t W, const float *g, const uint8_t *winner, float *dx);

#endif
