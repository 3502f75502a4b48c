/* unlearn/gradient/learner.h - optimiser steps on a network in train mode (batch statistics, dropout): gradients of one
 * or more batches are summed, then one step moves the parameters that may move. */
#ifndef UNLEARN_GRADIENT_LEARNER_H
#define UNLEARN_GRADIENT_LEARNER_H

#include "data/pipeline/loader.h"
#include "unlearn/gradient/loss.h"
#include "unlearn/gradient/steps.h"
#include "unlearn/gradient/watch.h"

typedef struct UnlearnLearner UnlearnLearner;

typedef struct {
    const uint8_t *selected; /* [layers] 1: may move; NULL: those that steps->layers names. Norms left out keep their
                                running statistics too, */
    bool statistics;         /* unless those of all norms move */
    const uint8_t *mask;     /* [param_count] 1: may move, beside that; NULL: no mask */
    int64_t batch;           /* the largest batch */
    const char *label;       /* of the progress bar */
    double total;            /* images it will be given */
    bool nesterov;           /* sgd */
} UnlearnLearnerConfig;

/** For t->learner. @p net and @p steps are borrowed. What may not move is not touched by weight decay or momentum
 *  either. */
BaseStatus unlearn_learner_create(const UnlearnContext *context, NnNet *net, const UnlearnSteps *steps,
                                  const UnlearnLearnerConfig *config, UnlearnLearner **out);
/** A fresh optimiser: no momentum is left. */
BaseStatus unlearn_learner_restart(UnlearnLearner *learner, const UnlearnSteps *steps);

/** Adds the gradient of @p loss on @p batch. BASE_ENUMERIC where it is not finite, the step in the text. */
BaseStatus unlearn_learner_add(UnlearnLearner *learner, const DataBatch *batch, const UnlearnLoss *loss);

/** The gradient of @p loss on @p batch alone, @p out [param_count], 0 where nothing may move; nothing is added.
 *  BASE_ENUMERIC as above. */
BaseStatus unlearn_learner_gradient(UnlearnLearner *learner, const DataBatch *batch, const UnlearnLoss *loss,
                                    float *out);
/** Adds @p weight times @p gradient [param_count]. */
void unlearn_learner_take(UnlearnLearner *learner, const float *gradient, double weight);

/** Cuts what was added so far, of parameters that move, to the norm @p most, as clip_grad_norm_ of PyTorch; 0: no limit. */
void unlearn_learner_clip(UnlearnLearner *learner, double most);

typedef struct {
    double lr;
    const float *scale;  /* [param_count] multiples of the gradient, before all else; NULL: 1 */
    double l1;           /* adds l1 * sign(w): the gradient of l1 * ||w||_1 */
    double clip;         /* largest norm of the summed gradient; 0: any */
    UnlearnWatch *watch; /* of unlearn_learner_epoch; NULL: it takes every step */
} UnlearnUpdate;
/** One step along what was added, which is forgotten then. */
BaseStatus unlearn_learner_update(UnlearnLearner *learner, const UnlearnUpdate *update);

/** One epoch: a step per batch. A last batch of one image is left out, unless it is the only one. Ends before the first
 *  step at which update->watch is done. */
BaseStatus unlearn_learner_epoch(UnlearnLearner *learner, DataLoader *loader, int64_t epoch, const UnlearnLoss *loss,
                                 const UnlearnUpdate *update);

/** Shuffled batches of @p view, as @p net takes them; order from stream (seed, "order", epoch). Augmented as nn_train does
 *  where @p steps say so and the original's training was. */
BaseStatus unlearn_loader(const UnlearnContext *context, const NnNet *net, const UnlearnSteps *steps,
                          const DataView *view, int64_t batch, DataLoader **out);

/** Batches without end: epoch after epoch of a loader. */
typedef struct {
    DataLoader *loader; /* borrowed */
    int64_t epoch;      /* of the next start */
    bool started;
} UnlearnCycle;
BaseStatus unlearn_cycle_next(UnlearnCycle *cycle, DataBatch *out);

/** What a method trains with. Closing zeroes it; what is not opened stays 0. */
typedef struct {
    UnlearnSides sides;
    DataLoader *retain, *forget; /* shuffled batches of the sides; forget: or of both, mixed */
    DataIndex both;              /* of a loader over both sides */
    UnlearnLearner *learner;
    UnlearnWatch *watch;
    double passes; /* images passed but by learner and watch: for labels, a mask, noise */
    double judged; /* of them, those looked at to decide when to stop */
} UnlearnTraining;
/** The learner, and the loader of each side that has images, where it is not open yet. @p config: batch 0 is that of
 *  @p steps, total 0 an epoch over both sides as often as they say. */
BaseStatus unlearn_training_open(const UnlearnContext *context, NnNet *net, const UnlearnSteps *steps,
                                 const UnlearnLearnerConfig *config, UnlearnTraining *t);
/** The same with one loader of both sides, which are open, mixed: t->forget. */
BaseStatus unlearn_training_open_mixed(const UnlearnContext *context, NnNet *net, const UnlearnSteps *steps,
                                       const UnlearnLearnerConfig *config, UnlearnTraining *t);
/** Fills the counts of @p report. */
void unlearn_training_report(const UnlearnTraining *t, UnlearnReport *report);
void unlearn_training_close(UnlearnTraining *t);

/** A network that only answers, in eval mode. */
typedef struct {
    NnNet *net;
    NnEngine *engine;
} UnlearnTeacher;
BaseStatus unlearn_teacher_create(const UnlearnContext *context, const NnNet *net, int64_t batch, UnlearnTeacher *out);
void unlearn_teacher_free(UnlearnTeacher *teacher);

#endif
