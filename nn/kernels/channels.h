/* nn/kernels/channels.h - maps whose channels are scaled, summed or averaged each by itself, in whatever order they lie:
 * [n, C / block, area, block], which is nchw with block 1, nhwc with block C, and oneDNN's blocked orders between them. */
#ifndef NN_KERNELS_CHANNELS_H
#define NN_KERNELS_CHANNELS_H

#include <stdint.h>

typedef struct {
    int64_t n, C, area, block; /* block divides C */
    int64_t element;           /* bytes of a value of a map: 4, float; 2, bf16 */
} NnChannels;

/** y_ic = a_ic x_ic for every pixel; a [n, C], or with @p step 0 in place of C, [C]. y may be x. */
void nn_channels_scale(const NnChannels *s, const void *x, const float *a, int64_t step, void *y);
/** sums [n, C]: the sum of x g over the pixels of a channel. */
void nn_channels_dot(const NnChannels *s, const void *x, const void *g, float *sums);
/** y = x, or a_c x where x < 0; a [C], or with @p step 0 in place of 1 one number. */
void nn_channels_leak(const NnChannels *s, const void *x, const float *a, int64_t step, void *y);
/** Of that: dx = g, or a_c g where x < 0; sums [n, C]: the sum of x g over pixels where x < 0. */
void nn_channels_leak_backward(const NnChannels *s, const void *x, const float *a, int64_t step, const void *g,
                               void *dx, float *sums);

/** Average pooling of H x W pixels to any size: pixel (i, j) is the mean of rows floor(i H / high) to
 *  ceil((i + 1) H / high) - 1, and columns alike, as torch.nn.AdaptiveAvgPool2d. s->area is that of the output. */
typedef struct {
    int64_t H, W, high, wide;
} NnAdaptive;
void nn_channels_pool(const NnChannels *s, const NnAdaptive *a, const void *x, void *y);
void nn_channels_pool_backward(const NnChannels *s, const NnAdaptive *a, const void *g, void *dx);

#endif
