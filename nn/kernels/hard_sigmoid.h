/* nn/kernels/hard_sigmoid.h - min(max(x / 6 + 1 / 2, 0), 1) (arXiv 1905.02244) and its gradient. */
#ifndef NN_KERNELS_HARD_SIGMOID_H
#define NN_KERNELS_HARD_SIGMOID_H

#include <stdint.h>

/** x, y [count] of @p element bytes: float, or bf16 as uint16_t; y may be x. */
void nn_hard_sigmoid_forward(int64_t count, int64_t element, const void *x, void *y);
/** dx = g / 6 where -3 < x < 3, else 0. */
void nn_hard_sigmoid_backward(int64_t count, int64_t element, const void *x, const void *g, void *dx);

#endif
