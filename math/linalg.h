/* math/linalg.h - BLAS and LAPACK on row-major float32 matrices.
 *
 * Dimensions are int64_t and checked against LAPACK's 32-bit integers (BASE_ELIMIT, the value in the text). A symmetric
 * matrix is read and written in its lower triangle only, unless said otherwise. Matrices are dense: the row stride is the
 * column count. LAPACK's info != 0 is BASE_ENUMERIC (info > 0: the numbers) or BASE_EBACKEND (info < 0: the call), with
 * routine and code in the text. Same bits for the same thread count.
 */
#ifndef MATH_LINALG_H
#define MATH_LINALG_H

#include <stdint.h>

#include "base/status.h"

/** C = alpha op(A) op(B) + beta C;  C [M, N], op(A) [M, K], op(B) [K, N]; op is the transpose where ta, tb. */
BaseStatus math_gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, float alpha, const float *a, const float *b,
                     float beta, float *c);
/** G = alpha X^T X + beta G;  X [n, f], G [f, f] lower. */
BaseStatus math_gram(int64_t n, int64_t f, float alpha, const float *x, float beta, float *g);
/** K = alpha X X^T + beta K;  X [n, f], K [n, n] lower. */
BaseStatus math_gram_dual(int64_t n, int64_t f, float alpha, const float *x, float beta, float *k);
/** C = W G;  W, C [rows, f], G [f, f] symmetric, lower. */
BaseStatus math_symm(int64_t rows, int64_t f, const float *w, const float *g, float *c);
/** G = L L^T in place (lower). BASE_ENUMERIC where G is not positive definite. */
BaseStatus math_cholesky(int64_t n, float *g);
/** Every row b of B becomes b G^-1, from math_cholesky's @p l;  B [rows, n]. */
BaseStatus math_cholesky_solve(int64_t n, const float *l, int64_t rows, float *b);
/** G = V^T diag(s) V: @p g (lower) in, V out, one eigenvector a ROW; s [n] ascending. n <= 32767: LAPACK's workspace of
 *  1 + 6n + 2n^2 floats must be countable in 32 bits. Takes that much memory for the time. Source: LAPACK ssyevd. */
BaseStatus math_eigen(int64_t n, float *g, float *s);
/** X = U diag(s) V^T, k = min(n, f): @p x [n, f] is overwritten; @p vt [k, f] rows v_i out, s [k] descending.
 *  Source: LAPACK sgesdd, JOBZ = O. min(n, f) <= 20000. */
BaseStatus math_svd(int64_t n, int64_t f, float *x, float *s, float *vt);
/** Rows of Z [r, f], r <= f, become orthonormal and span the same space (Householder QR). */
BaseStatus math_orthonormalise(int64_t r, int64_t f, float *z);

/** Sums in double. */
double math_dot(const float *a, const float *b, int64_t n);
bool math_is_finite(const float *x, int64_t n);
void math_scale(float *x, int64_t n, float factor);

#endif
