/* unlearn/gradient/gradients.h - gradients of the original network as deployed (eval mode), batch by batch, and what
 * methods sum of them. */
#ifndef UNLEARN_GRADIENT_GRADIENTS_H
#define UNLEARN_GRADIENT_GRADIENTS_H

#include "unlearn/unlearn.h"

typedef enum {
    UNLEARN_LABELS_TRUE,
    UNLEARN_LABELS_DRAWN, /* from the network's own softmax: the expected square is the Fisher information */
} UnlearnLabels;

/** @p grad [param_count]: of the mean cross-entropy of a batch of @p n images. */
typedef BaseStatus (*UnlearnTakeGradient)(void *user, const float *grad, int64_t n);
/** Hands every batch of @p view, in its order, to @p take. Draws: stream (seed, "own_label", position in the set). */
BaseStatus unlearn_gradients(const UnlearnContext *context, const DataView *view, int64_t batch, UnlearnLabels labels,
                             const char *label, UnlearnTakeGradient take, void *user);

/** out [param_count] = mean over batches of the squared batch-mean gradient. */
BaseStatus unlearn_importance(const UnlearnContext *context, const DataView *view, int64_t batch, UnlearnLabels labels,
                              const char *label, float *out);
/** out [param_count] = |sum over batches of the batch-mean gradient|. */
BaseStatus unlearn_saliency(const UnlearnContext *context, const DataView *view, int64_t batch, float *out);
/** mask[i] = 1 where v[i] >= the floor(share n)-th largest of v [n] (at least the largest); v >= 0, finite. */
BaseStatus unlearn_top_share(const float *v, int64_t n, double share, uint8_t *mask);

#endif
