/* unlearn/layers/inputs.h - streams the inputs of layers out of ONE forward pass of a network. Memory does not grow
 * with the number of images: a batch's maps and a chunk of rows are all that is held. */
#ifndef UNLEARN_LAYERS_INPUTS_H
#define UNLEARN_LAYERS_INPUTS_H

#include "data/data.h"
#include "nn/engine.h"
#include "unlearn/layers/patches.h"

/** Takes @p count further rows [count, features] of layer @p layer, in the order of the plan. */
typedef BaseStatus (*UnlearnTakeRows)(void *user, int layer, const float *rows, int64_t count);

/**
 * Runs every image of @p view through @p net in eval mode.
 * @param selected [layers] 1: this layer's rows are wanted; @p plans [layers], made for view->n images.
 * @param batch    images at a time; 0: 128, fewer where a layer's maps are large.
 * @param label    for the progress bar.
 */
BaseStatus unlearn_inputs_stream(const NnNet *net, const DataView *view, const uint8_t *selected,
                                 const UnlearnPatches *plans, NnPrecision precision, int64_t batch, const char *label,
                                 UnlearnTakeRows take, void *user);

#endif
