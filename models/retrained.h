/* models/retrained.h - retrained networks on a user's own data: what an unlearned network is compared with. */
#ifndef MODELS_RETRAINED_H
#define MODELS_RETRAINED_H

#include "models/make.h"

/** Borrowed. */
typedef struct {
    ModelRecipe recipe;    /* network i's own seed comes from a stream (seed, "retrained", i) */
    const DataView *train; /* what the original was trained on; what is forgotten is left out of it here */
    const DataForget *forget;
    int64_t count;
    const char *folder; /* where the networks are kept, and taken from; made where it is missing */
} ModelRetrainTask;

/** Trains what the folder does not hold yet; a call that was killed continues where it stopped. @p paths [count] owned
 *  texts, @p costs [count] (of the training, also where it was cached); caller's storage, freed and emptied on failure.
 */
BaseStatus model_retrained_make(const ModelRetrainTask *task, char **paths, ModelCost *costs);

#endif
