/* unlearn/gradient/gradients.h - gradients of the original network as deployed (eval mode), batch by batch, and what
 * methods sum of them. */
#ifndef UNLEARN_GRADIENT_GRADIENTS_H
#define UNLEARN_GRADIENT_GRADIENTS_H

#include "data/pipeline/loader.h"
#include "nn/backend.h"
#include "unlearn/unlearn.h"

/** A copy of the original whose gradients are taken, and the images of a view, in its order. */
typedef struct {
    NnNet *net;
    NnEngine *engine;
    DataLoader *loader;              /* started; NULL without a view */
    float *logits, *dlogits, *grads; /* [batch, K] twice, [param_count] */
    int64_t K;
} UnlearnProber;
/** @p mode NN_MODE_EVAL_GRAD, or with the gradient of images NN_MODE_EVAL_INPUT. @p view: or NULL. */
BaseStatus unlearn_prober_open(const UnlearnContext *context, NnMode mode, const DataView *view, int64_t batch,
                               UnlearnProber *out);
/** Cross-entropy under labels @p y of the @p n images whose logits were made last: the gradient, to p->grads. */
BaseStatus unlearn_prober_gradient(UnlearnProber *p, const int32_t *y, int64_t n);
void unlearn_prober_close(UnlearnProber *p);

typedef enum {
    UNLEARN_LABELS_TRUE,
    UNLEARN_LABELS_DRAWN, /* from the network's own softmax: the expected square is the Fisher information */
    UNLEARN_LABELS_NONE,  /* no label and no cross-entropy: the gradient of the mean of ||f(x)||^2, f(x) the logits */
} UnlearnLabels;

/** @p grad [param_count]: of the mean loss of a batch of @p n images, cross-entropy unless there are no labels. */
typedef BaseStatus (*UnlearnTakeGradient)(void *user, const float *grad, int64_t n);
/** Hands every batch of @p view, in its order, to @p take. Draws: stream (seed, "own_label", position in the set). */
BaseStatus unlearn_gradients(const UnlearnContext *context, const DataView *view, int64_t batch, UnlearnLabels labels,
                             const char *label, UnlearnTakeGradient take, void *user);

/** out [param_count] = mean over batches of the squared batch-mean gradient; without labels of its absolute value. */
BaseStatus unlearn_importance(const UnlearnContext *context, const DataView *view, int64_t batch, UnlearnLabels labels,
                              const char *label, float *out);
/** out [param_count] = |sum over batches of the batch-mean gradient|. */
BaseStatus unlearn_saliency(const UnlearnContext *context, const DataView *view, int64_t batch, float *out);
/** mask[i] = 1 for the floor(share n) largest of v [n], of equal ones the first; v >= 0, finite. */
BaseStatus unlearn_top_share(const float *v, int64_t n, double share, uint8_t *mask);
/** *out = percentile @p percent (0..100) of v [n], between two values as numpy.percentile interpolates; n > 0, v >= 0,
 *  finite. */
BaseStatus unlearn_percentile(const float *v, int64_t n, double percent, double *out);

#endif
