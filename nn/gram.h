/* nn/gram.h - bf16 products summed in float32, on oneDNN: what sums of outer products of a layer's inputs are made of.
 */
#ifndef NN_GRAM_H
#define NN_GRAM_H

#include <stdint.h>

#include "base/status.h"

typedef struct NnGram NnGram;

/** BASE_EBACKEND where oneDNN refuses. */
BaseStatus nn_gram_create(NnGram **out);
void nn_gram_free(NnGram *gram);
/**
 * C [M, N] += A^T B (a [K, M], b [K, N]), or with @p dual A B^T (a [M, K], b [N, K]): bf16 (uint16_t) in, float32 sums.
 * Row strides lda, ldb, ldc. Products of bf16 are exact in float32, so the error is that of a float32 sum of K terms.
 * @p gram is an NnGram; the shape is that of math's MathProduct.
 */
BaseStatus nn_gram_product(void *gram, bool dual, int64_t M, int64_t N, int64_t K, const uint16_t *a, int64_t lda,
                           const uint16_t *b, int64_t ldb, float *c, int64_t ldc);

#endif
