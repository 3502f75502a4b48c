/* unlearn/svd/patches.h - a layer's inputs as rows of a matrix X [n, features]: a convolution's unfolded patches
 * (kernel row slowest, then kernel column, then channel, so that a tap of the kernel is one run of columns), a linear
 * layer's input vectors, one per token where it has tokens. A weight [K, C, kh, kw] has the order channel, row, column:
 * unlearn_patches_order. */
#ifndef UNLEARN_SVD_PATCHES_H
#define UNLEARN_SVD_PATCHES_H

#include "nn/net.h"
#include "unlearn/svd/space.h"

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
 * them; all: every patch of the whole map. Tokens: at most @p most of all, or all. A vector per image: every one.
 * Streams (seed, "<side>_window", number) and (seed, "<side>_patches", number); @p side is "retain" or "forget", @p
 * number the layer's.
 */
BaseStatus unlearn_patches_plan(const NnLayer *layer, int number, int64_t images, UnlearnPatchKind kind, int64_t most,
                                uint64_t seed, const char *side, UnlearnPatches *out);
void unlearn_patches_free(UnlearnPatches *patches);
/** What @p whole takes of @p images images from @p first on, as a plan for those images alone. */
BaseStatus unlearn_patches_slice(const UnlearnPatches *whole, int64_t first, int64_t images, UnlearnPatches *out);

/** The part of a kernel, rows y0..y1 - 1 and columns x0..x1 - 1, that is inside of the window. */
typedef struct {
    int64_t y0, y1, x0, x1;
} UnlearnTaps;
/** Patches with the same kernel taps inside of the window; where that saves little, everything is one group. */
typedef struct {
    UnlearnTaps *kinds; /* [count], owned */
    int *kind;          /* [out_h * out_w] of each position, owned */
    int count;
} UnlearnTapGroups;
BaseStatus unlearn_patches_group(const NnLayer *layer, const UnlearnPatches *patches, UnlearnTapGroups *out);
void unlearn_patches_groups_free(UnlearnTapGroups *groups);
/** The columns of X that @p taps make: as many runs as kernel rows, or one. */
UnlearnColumns unlearn_patches_columns(const NnLayer *layer, const UnlearnTaps *taps);

/** Cuts the window out of @p n maps [n, H, W, C]: out [n, h, w, C]; values of @p element bytes. */
void unlearn_patches_cut(const NnLayer *layer, const UnlearnPatches *patches, const void *maps, int64_t n,
                         int64_t element, void *out);
/** Unfolds the @p count patches numbered @p which out of the windows of images first_image...: windows [images here, h,
 * w, C], out [count, taps * C]: only @p taps, zero where they are outside. Values of @p element bytes. In parallel. */
void unlearn_patches_gather(const NnLayer *layer, const UnlearnPatches *patches, const UnlearnTaps *taps,
                            const void *windows, int64_t first_image, const int64_t *which, int64_t count,
                            int64_t element, void *out);
/** Weights [K, features] from the network's order of columns to X's, or with @p back the other way. */
void unlearn_patches_order(const NnLayer *layer, int64_t K, const float *from, bool back, float *to);
/** Number of rows taken that belong to images before @p image. */
int64_t unlearn_patches_before(const UnlearnPatches *patches, int64_t image);

#endif
