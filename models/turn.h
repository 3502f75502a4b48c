/* models/turn.h - sequential removal: the classes of a set one after another, each from what the one before left. */
#ifndef MODELS_TURN_H
#define MODELS_TURN_H

#include "unlearn/unlearn.h"

/** Forgets the classes of context->forget in ascending order. Each step's original is the network that the step before
 *  left, its training images are without those of the classes already gone (a deleted class's images may not be used
 *  again), its forget set is the one class. @p net comes in as a copy of the original. The report is the last step's;
 *  its samples, passes and seconds are sums over the steps. */
BaseStatus model_turn(const UnlearnMethod *method, const UnlearnContext *context, const void *params, NnNet *net,
                      UnlearnReport *report);

#endif
