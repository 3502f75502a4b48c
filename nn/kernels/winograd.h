/* nn/kernels/winograd.h - Winograd's convolution: 3x3 kernels of stride 1 in float32, on plain arrays. An output tile
 * of m x m pixels needs t^2 = (m + 2)^2 products per pair of channels where the direct form needs 9 m^2:
 *
 *   Y = A' (sum over C of U * V) A,      U = G W G',      V = B' X B      (Lavin & Gray, CVPR 2016, section 4.1, eq. 8)
 *   dW = G' (sum over tiles of V * (A dY A')) G                            (the transpose of the same)
 *   dX = the convolution of dY with W turned by 180 degrees, padding 2 - pad
 *
 * Maps are in blocks of channels, [n][channels / lanes][H][W][lanes]; weights [K][C][3][3]. The transforms
 * add and scale and lose digits. Measured against sums in double, of the largest entry: with 16 lanes 1.2e-6 in
 * outputs, 3e-6 in data gradients (64 to 512 channels), with 8 some 4 times that. Any number of threads gives the same
 * bits. */
#ifndef NN_KERNELS_WINOGRAD_H
#define NN_KERNELS_WINOGRAD_H

#include <stdbool.h>
#include <stdint.h>

/** c [rows, columns] = op(a) op(b) (+ c where @p add), rows of a, b, c lda, ldb, columns apart; called by several
 *  threads at once, each for its own c. @return 0, or a code that the pass returns. */
typedef int (*NnWinogradProduct)(bool transpose_a, bool transpose_b, int64_t rows, int64_t columns, int64_t inner,
                                 const float *a, int64_t lda, const float *b, int64_t ldb, bool add, float *c);

typedef struct {
    int64_t n, C, H, W; /* of the input; C and K multiples of lanes */
    int64_t K;          /* channels of the output, which is H + 2 pad - 2 high, W + 2 pad - 2 wide, both at least 1 */
    int64_t pad;        /* 0 to 2 */
    int64_t tile;       /* m: 2 or 4 */
    int64_t lanes;      /* 8: the products are @p product's; 16: our own, for AVX-512 */
    int64_t threads;    /* for how many the working storage is; with fewer or more the bits are the same */
    NnWinogradProduct product;
} NnWinograd;

/** The m with fewer products for an output of this size; 2, whose transforms lose fewer digits, where equal. */
int64_t nn_winograd_tile(int64_t high, int64_t wide);
/** Tiles of all images, and products per pair of channels (t^2). */
int64_t nn_winograd_tiles(const NnWinograd *g);
int64_t nn_winograd_area(int64_t tile);
/** The convolution that is the data gradient of @p g: of dY, turned, to dX. Its tile is of its own output's size. */
NnWinograd nn_winograd_turned(const NnWinograd *g);

/** How many floats hold transformed weights (or their summed gradients), and what a pass works on. */
int64_t nn_winograd_weight_size(const NnWinograd *g);
int64_t nn_winograd_work_size(const NnWinograd *g);

/** U of @p weight [K, C, 3, 3]; @p turned: of @p g from nn_winograd_turned, with the weight [g->C, g->K, 3, 3] of its
 *  layer, by 180 degrees. */
void nn_winograd_transform(const NnWinograd *g, const float *weight, bool turned, float *u);
/** @p y = the convolution of @p x, + @p bias [K], + @p other as y lies (NULL: none), then ReLU. A NaN stays one.
 *  @return 0, or what the product returned. */
int nn_winograd_convolve(const NnWinograd *g, const float *x, const float *u, bool turned, const float *bias,
                         const float *other, bool relu, float *work, float *y);
/** Of input @p x and the output's gradient @p dy: dU, and of that the weight's gradient [K, C, 3, 3]. */
int nn_winograd_correlate(const NnWinograd *g, const float *x, const float *dy, float *work, float *du);
void nn_winograd_weight_gradient(const NnWinograd *g, const float *du, float *dw);
void nn_winograd_bias_gradient(const NnWinograd *g, const float *dy, float *db);

#endif
