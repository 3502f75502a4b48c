/* math/linalg.h - BLAS and LAPACK on row-major matrices: in float32 and in float64.
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

#define MATH_LINALG_LIST(REAL, S)                                                                                          \
    /** C = alpha op(A) op(B) + beta C;  C [M, N], op(A) [M, K], op(B) [K, N]; op is the transpose where ta, tb. */        \
    BaseStatus math_gemm##S(bool ta, bool tb, int64_t M, int64_t N, int64_t K, REAL alpha, const REAL *a,                  \
                            const REAL *b, REAL beta, REAL *c);                                                            \
    /** The same on blocks of larger matrices, whose row strides are lda, ldb, ldc. */                                     \
    BaseStatus math_gemm_block##S(bool ta, bool tb, int64_t M, int64_t N, int64_t K, REAL alpha, const REAL *a,            \
                                  int64_t lda, const REAL *b, int64_t ldb, REAL beta, REAL *c, int64_t ldc);               \
    /** G += X^T X, or with @p dual G += X X^T, on blocks;  X [n, f] of row stride ldx, G lower of row stride ldg. */      \
    BaseStatus math_gram_block##S(bool dual, int64_t n, int64_t f, const REAL *x, int64_t ldx, REAL *g, int64_t ldg);      \
    /** C = W G;  W, C [rows, f], G [f, f] symmetric, lower. */                                                            \
    BaseStatus math_symm##S(int64_t rows, int64_t f, const REAL *w, const REAL *g, REAL *c);                               \
    /** G = L L^T in place (lower). BASE_ENUMERIC where G is not positive definite. */                                     \
    BaseStatus math_cholesky##S(int64_t n, REAL *g);                                                                       \
    /** Every row b of B becomes b G^-1, from math_cholesky's @p l;  B [rows, n]. */                                       \
    BaseStatus math_cholesky_solve##S(int64_t n, const REAL *l, int64_t rows, REAL *b);                                    \
    /** L L^T = factor G + I: @p l [n, n] lower, which may be @p g itself. */                                              \
    BaseStatus math_cholesky_shifted##S(int64_t n, REAL factor, const REAL *g, REAL *l);                                   \
    /** G /= by; *squares = ||G||_F^2 after it. Divided, not multiplied by an inverse: g_11 / g_11 is 1. */                \
    BaseStatus math_divide##S(int64_t n, REAL *g, REAL by, double *squares);                                               \
    /** *out = tr(W G W^T), at half the work of W G;  W [rows, n]. */                                                      \
    BaseStatus math_trace_form##S(int64_t n, const REAL *g, int64_t rows, const REAL *w, double *out);                     \
    /** X = U diag(s) V^T, k = min(n, f): @p x [n, f] is overwritten; @p vt [k, f] rows v_i out, s [k] descending.       \
     *  Source: LAPACK gesdd, JOBZ = O. min(n, f) <= 20000. */ \
    BaseStatus math_svd##S(int64_t n, int64_t f, REAL *x, REAL *s, REAL *vt);                                              \
    /** G = V^T diag(s) V: @p g (lower) in, V out, one vector per ROW; s [n] ascending. n <= 32765: LAPACK's          \
     *  workspace of 1 + 6n + 2n^2 numbers must be countable in 32 bits, and is taken. Source: LAPACK syevd. */    \
    BaseStatus math_eigen##S(int64_t n, REAL *g, REAL *s);
MATH_LINALG_LIST(float, )
MATH_LINALG_LIST(double, _f64)
#undef MATH_LINALG_LIST

/** Rows of Z [r, f], r <= f, become orthonormal and span the same space (Householder QR). */
BaseStatus math_orthonormalise(int64_t r, int64_t f, float *z);

/** Sums in double. */
double math_dot(const float *a, const float *b, int64_t n);
bool math_is_finite(const float *x, int64_t n);
void math_scale(float *x, int64_t n, float factor);

#endif
