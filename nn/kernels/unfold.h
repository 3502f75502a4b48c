/* nn/kernels/unfold.h - the patches of a convolution as rows [n * out_h * out_w, kernel * kernel * C], C fastest, from
 * maps with channels last, and back. Elements are float32, or bf16 where @p element is 2. */
#ifndef NN_KERNELS_UNFOLD_H
#define NN_KERNELS_UNFOLD_H

#include <stdint.h>

typedef struct {
    int64_t n, C, H, W;
    int64_t kernel, stride, pad, out_h, out_w;
    int64_t element; /* bytes: 4 or 2 */
} NnUnfold;

/** @p in [n, H, W, C] -> @p out, the rows; what lies outside the map is 0. */
void nn_unfold_patches(const NnUnfold *s, const void *in, void *out);
/** The transpose: @p in, rows, summed in float32 into @p out [n, H, W, C]. */
void nn_unfold_fold_patches(const NnUnfold *s, const void *in, void *out);
/** Sums of the columns of @p in [rows, C]; bf16: in float32 within a chunk of rows, else in double. */
void nn_unfold_column_sums(int64_t rows, int64_t C, int64_t element, const void *in, float *out);

#endif
