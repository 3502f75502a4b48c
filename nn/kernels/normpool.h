/* nn/kernels/normpool.h - batch norm on batch statistics, ReLU and 2x2 max pooling as one pass over bf16 maps with
 * channels last: in training the maps between them are the largest there are, and only the pooled ones are ever read
 * again.
 *
 *   a = gamma / sqrt(var + eps), b = beta - mean a        y = max(0, max over the 4 pixels of a x + b)
 *   d beta = sum g, d gamma = sum g xhat over the winners, xhat = (x - mean) / sqrt(var + eps)
 *   dx = a (g at the winner, 0 elsewhere - (d beta + xhat d gamma) / M),   M = n H W
 *
 * Sums are float32 within an image and double over images, in the same order for any number of threads. */
#ifndef NN_KERNELS_NORMPOOL_H
#define NN_KERNELS_NORMPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    int64_t n, C, H, W; /* of the batch norm; C a multiple of NN_NORMPOOL_LANES, H and W even */
    double epsilon;
    const float *gamma, *beta; /* [C] */
} NnNormPool;

enum { NN_NORMPOOL_LANES = 16 };

/** Whether this build has it: x86-64 only. The CPU must have AVX-512 BF16, which the caller asks. */
bool nn_normpool_built(void);
/** @p x [n, H, W, C] -> @p y [n, H/2, W/2, C], @p winner of its shape; @p mean, @p var [C]; @p partial [n, 2, C] is
 *  working storage. */
BaseStatus nn_normpool_forward(const NnNormPool *s, const uint16_t *x, uint16_t *y, uint8_t *winner, float *partial,
                               float *mean, float *var);
/** What the forward pass left, and @p g of y's shape -> @p dx [n, H, W, C], @p dgamma, @p dbeta [C]. */
BaseStatus nn_normpool_backward(const NnNormPool *s, const uint16_t *x, const uint8_t *winner, const float *mean,
                                const float *var, const uint16_t *g, uint16_t *dx, float *partial, float *dgamma,
                                float *dbeta);

#endif
