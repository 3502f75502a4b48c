/* unlearn/layers/patches.h - a layer's inputs as rows of a matrix X [n, features]: a convolution's unfolded patches
 * (channel slowest, then kernel row, then kernel column, as its weight [K, C*kh*kw] lies), a linear layer's input
 * vectors. */
#ifndef UNLEARN_LAYERS_PATCHES_H
#define UNLEARN_LAYERS_PATCHES_H

#include "nn/net.h"

typedef enum { UNLEARN_PATCHES_PAPER, UNLEARN_PATCHES_ALL } UnlearnPatchKind;

/** Which rows of one layer are taken, fixed before any image is seen. */
typedef struct {
    int64_t y, x, h, w;   /* the window of the map that is looked at; cut out first, then unfolded with the layer's own
                             stride   and padding, so the cut's border is padded with zeros like the map's */
    int64_t out_h, out_w; /* patches down and across the window */
    int64_t total, rows;  /* patches of all images; those taken */
    int64_t *chosen;      /* [rows] ascending numbers (image * out_h + i) * out_w + j; NULL: all. Owned. */
} UnlearnPatches;

/**
 * paper: one random window of at most 3k x 3k for all images, then at most @p most (0: no cap) random patches of all of
 * them; all: every patch of the whole map. Linear layers: every image's vector. Streams (seed, "<side>_window", number)
 * and (seed, "<side>_patches", number); @p side is "retain" or "forget", @p number the layer's.
 */
BaseStatus unlearn_patches_plan(const NnLayer *layer, int number, int64_t images, UnlearnPatchKind kind, int64_t most,
                                uint64_t seed, const char *side, UnlearnPatches *out);
void unlearn_patches_free(UnlearnPatches *patches);

/** Unfolds rows number @p from to @p to - 1 (of the rows taken) out of the maps of images first_image...:
 *  map [images here, C, H, W], out [to - from, features]. In parallel. */
void unlearn_patches_gather(const NnLayer *layer, const UnlearnPatches *patches, const float *map, int64_t first_image,
                            int64_t from, int64_t to, float *out);
/** Number of rows taken that belong to images before @p image. */
int64_t unlearn_patches_before(const UnlearnPatches *patches, int64_t image);

#endif
