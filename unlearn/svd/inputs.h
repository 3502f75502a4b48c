/* unlearn/svd/inputs.h - streams the inputs of layers out of ONE forward pass of a network. Memory does not grow
 * with the number of images beyond a limit: windows of some images, at most 64 MiB per layer or one batch (or the rows
 * taken from them where those are less), and a chunk of rows are all that is held. */
#ifndef UNLEARN_SVD_INPUTS_H
#define UNLEARN_SVD_INPUTS_H

#include "data/data.h"
#include "nn/backend.h"
#include "unlearn/svd/patches.h"

/** Takes @p count further rows of layer @p layer, [count, sum of widths], 0 outside of @p columns. Their order follows
 *  the images held at a time, and within those the groups of patches (unlearn_patches_group). */
typedef BaseStatus (*UnlearnTakeRows)(void *user, int layer, const void *rows, int64_t count,
                                      const UnlearnColumns *columns);

/** How many images go through the network at once, and bytes of windows that a layer may hold. The order of all additions
 *  follows from these: they depend on the layers wanted in the end, and not on those of one pass. */
typedef struct {
    int64_t batch, bytes;
} UnlearnHolding;
UnlearnHolding unlearn_inputs_holding(const NnNet *net, const uint8_t *wanted);
typedef struct {
    const NnNet *net;
    const uint8_t *selected;     /* [layers] 1: this layer's rows are wanted */
    const uint8_t *bf16;         /* [layers] 1: rows as bf16 (uint16_t); 0: as float. NULL: all as float */
    const UnlearnPatches *plans; /* [layers], made for the view's images */
    NnPrecision precision;
    UnlearnHolding holding;
    bool whole; /* the network runs on to its logits, which must be finite, and not only to the last layer wanted */
    const char *label; /* for the progress bar */
} UnlearnInputs;
/** What the stream of @p images images will hold: @p held [layers] bytes for each layer, *fixed for all else, of which the
 *  network's storage is most. Costs the network's compilation, unless a rough bound of *fixed is at most @p enough: then it
 *  is that bound. */
BaseStatus unlearn_inputs_sizes(const UnlearnInputs *inputs, int64_t images, int64_t enough, int64_t *held,
                                int64_t *fixed);
/** Runs every image of @p view through the network in eval mode. */
BaseStatus unlearn_inputs_stream(const UnlearnInputs *inputs, const DataView *view, UnlearnTakeRows take, void *user);

#endif
