/* unlearn/svd/inputs.h - streams the inputs of layers out of ONE forward pass of a network. Memory does not grow
 * with the number of images beyond a limit: windows of some images, at most 64 MiB per layer or one batch, and a chunk of
 * rows are all that is held. */
#ifndef UNLEARN_SVD_INPUTS_H
#define UNLEARN_SVD_INPUTS_H

#include "data/data.h"
#include "nn/backend.h"
#include "unlearn/svd/patches.h"

/** Takes @p count further rows of layer @p layer, [count, sum of widths], 0 outside of @p columns. Their order follows
 *  the images held at a time, and within those the groups of patches (unlearn_patches_group). */
typedef BaseStatus (*UnlearnTakeRows)(void *user, int layer, const void *rows, int64_t count,
                                      const UnlearnColumns *columns);

/**
 * Runs every image of @p view through @p net in eval mode.
 * @param selected [layers] 1: this layer's rows are wanted; @p plans [layers], made for view->n images.
 * @param bf16     [layers] 1: rows as bf16 (uint16_t); 0: as float. NULL: all as float.
 * @param batch    images at a time; 0: 128, fewer where a layer's maps are large.
 * @param label    for the progress bar.
 */
BaseStatus unlearn_inputs_stream(const NnNet *net, const DataView *view, const uint8_t *selected, const uint8_t *bf16,
                                 const UnlearnPatches *plans, NnPrecision precision, int64_t batch, const char *label,
                                 UnlearnTakeRows take, void *user);

#endif
