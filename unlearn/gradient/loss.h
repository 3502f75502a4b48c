/* unlearn/gradient/loss.h - the losses of gradient methods: cross-entropy and the distance to a teacher. */
#ifndef UNLEARN_GRADIENT_LOSS_H
#define UNLEARN_GRADIENT_LOSS_H

#include "data/data.h"
#include "data/forget/forget.h"
#include "data/pipeline/loader.h"
#include "nn/backend.h"

/** A loss of a method's own: the value for @p batch, whose logits the network gave as @p logits [n, K], and its gradient
 *  @p dlogits [n, K]. */
typedef BaseStatus (*UnlearnOwnLoss)(void *user, const DataBatch *batch, const float *logits, float *dlogits,
                                     double *value);

/**
 * L = mean over images of   ce * CE(softmax(z), y)  +  kl * T^2 KL(softmax(t / T) || softmax(z / T))
 * with z the network's logits and t a teacher's; KL in nats, summed over classes. The mean of CE is weighted where
 * power is not 0: image i has the weight 1 / (CE_i^power + 1e-15) over the batch's sum of these, which is taken as a
 * constant by the gradient.
 */
typedef struct {
    double ce;             /* weight; negative: ascent */
    double power;          /* 0: a plain mean */
    const int32_t *labels; /* y by position in the data set; NULL: the images' own */
    double kl, temperature;
    NnEngine *teacher; /* of an eval mode; NULL where kl is 0 */
    NnEngine *other;   /* the teacher of the images that other_for holds; NULL: none */
    const DataForget *other_for;
    /** What is compared with in place of the teachers' logits [n, K], which it changes; NULL: they themselves. */
    void (*alter)(void *user, const DataBatch *batch, int64_t K, float *logits);
    UnlearnOwnLoss own; /* in place of all above; NULL: none */
    void *user;
} UnlearnLoss;

/** Value, and its gradient @p dlogits [n, K]. @p y [n]; @p teacher [n, K], NULL where kl is 0. In double. */
double unlearn_loss(const UnlearnLoss *loss, const float *logits, const int32_t *y, const float *teacher, int64_t n,
                    int64_t K, float *dlogits);

#endif
