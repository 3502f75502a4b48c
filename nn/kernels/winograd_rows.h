/* nn/kernels/winograd_rows.h - inside Winograd's convolution: how its working arrays lie, and the work of one tile or
 * of one row of weights, for each width of blocks.
 *
 *   transformed tiles, and sums of products    t^2 matrices [rows of a chunk][channels]
 *   transformed weights U                      t^2 matrices: lanes 8 [K][C] of the layer; 16 [K / 16][C][16] of g
 *   their gradient dU                          t^2 matrices [K][C] */
#ifndef NN_KERNELS_WINOGRAD_ROWS_H
#define NN_KERNELS_WINOGRAD_ROWS_H

#include "nn/kernels/winograd.h"

enum { NN_WINOGRAD_SKEW = 16 };

/* From one row of a matrix to the next, and from one matrix to the next: powers of two would have them share their
 * cache sets. */
static inline int64_t nn_winograd_row(const NnWinograd *g, int64_t channels)
{
    return g->lanes == 16 ? channels + NN_WINOGRAD_SKEW : channels;
}
static inline int64_t nn_winograd_plane(const NnWinograd *g, int64_t rows, int64_t channels)
{
    return rows * nn_winograd_row(g, channels) + NN_WINOGRAD_SKEW;
}
static inline int64_t nn_winograd_high(const NnWinograd *g) { return g->H + 2 * g->pad - 2; }
static inline int64_t nn_winograd_wide(const NnWinograd *g) { return g->W + 2 * g->pad - 2; }

/** Tiles first to first + count - 1 as rows row to row + count - 1 of matrices, of the input's channels plane_in, of
 *  the output's plane_out apart. */
typedef struct {
    int64_t first, row, count, plane_in, plane_out;
} NnWinogradTiles;

/** What follows the sums: bias [K], what is added (NULL: none), ReLU; to map y. */
typedef struct {
    const float *bias, *other;
    bool relu;
    float *y;
} NnWinogradEnd;

typedef struct {
    /** U of one row of weights (lanes 8: a filter of the layer; 16: a block of g's output channels) */
    void (*weights)(const NnWinograd *g, const float *w, bool turned, int64_t row, float *u);
    void (*inputs)(const NnWinograd *g, const NnWinogradTiles *t, const float *x, float *v);     /* B' X B */
    void (*gradients)(const NnWinograd *g, const NnWinogradTiles *t, const float *dy, float *d); /* A dY A' */
    void (*outputs)(const NnWinograd *g, const NnWinogradTiles *t, const float *sums, const NnWinogradEnd *end);
    void (*weight_gradients)(const NnWinograd *g, const float *du, int64_t k, float *dw); /* of filter k */
} NnWinogradRows;

extern const NnWinogradRows nn_winograd_rows8, nn_winograd_rows16;

/** c [rows][panels][16] = or += the sum over inner of a's numbers times b's 16: a + row * a_row + i * a_step,
 *  b + panel * b_panel + i * b_step, c + row * c_row + panel * 16. */
typedef struct {
    int64_t rows, panels, inner;
    const float *a, *b;
    int64_t a_row, a_step, b_panel, b_step;
    float *c;
    int64_t c_row;
    bool add;
} NnWinogradProduct16;
void nn_winograd_product16(const NnWinogradProduct16 *p);
void nn_winograd_product16_plain(const NnWinogradProduct16 *p); /* what runs without AVX-512 */

#endif
