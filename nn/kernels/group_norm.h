/* nn/kernels/group_norm.h - group norm (arXiv 1803.08494): of each image, channels c / (C / groups) alike are one group,
 *
 *   y = gamma_c (x - mean) / sqrt(var + epsilon) + beta_c, mean and biased variance over the group's pixels */
#ifndef NN_KERNELS_GROUP_NORM_H
#define NN_KERNELS_GROUP_NORM_H

#include "nn/kernels/channels.h"

/** statistics [n, groups, 2]: mean and 1 / sqrt(var + epsilon), for the way back. */
void nn_group_norm_forward(const NnChannels *s, int64_t groups, double epsilon, const float *gamma, const float *beta,
                           const void *x, void *y, float *statistics);
/** dx, and of each image, [n, C], what it adds to the gradients of gamma and beta. */
void nn_group_norm_backward(const NnChannels *s, int64_t groups, const float *gamma, const void *x,
                            const float *statistics, const void *g, void *dx, float *dgamma, float *dbeta);

#endif
