/* math/importance.h - the importance projection of Deep Unlearning (Kodge, Saha, Roy, TMLR 2024), three
 * routes to one answer.
 *
 * X [n, f] holds a layer's inputs as rows, t = ||X||_F^2, G = X^T X / t = V diag(s) V^T (so sum s = 1). With
 *     lambda_i = alpha s_i / ((alpha - 1) s_i + 1)        P(alpha) = V diag(lambda) V^T
 *     P = alpha G A^-1        I - P = (I - G) A^-1        A = (alpha - 1) G + I, positive definite for alpha > 0
 * svd     singular value decomposition of the stored X, as published
 * eigen   symmetric eigensolver on G: one factorisation serves every alpha, and the spectrum s is known
 * closed  Cholesky of A for each alpha, applied to the rows of W: no f x f projection is formed
 * Where n < f, eigen and closed work on the dual K = X X^T / t [n, n] instead:
 *     P = alpha X^T B^-1 X / t        B = (alpha - 1) K + I
 * Never P = alpha / (alpha - 1) (I - A^-1): 0/0 at alpha = 1. Zero trace (no input at all) means P = 0.
 *
 * Memory, in floats: primal f^2; dual n f (less where rows have few columns, half in bf16) + n^2; svd n f + min(n, f)
 * f. Applying the closed form takes one more f^2 (n^2).
 */
#ifndef MATH_IMPORTANCE_H
#define MATH_IMPORTANCE_H

#include <stdint.h>

#include "base/status.h"

typedef enum { MATH_ROUTE_AUTO, MATH_ROUTE_SVD, MATH_ROUTE_EIGEN, MATH_ROUTE_CLOSED } MathRoute;
/** NULL-ended names by value, for parameter tables. */
extern const char *const math_route_names[];

/** X that the svd route may store, in bytes: it cannot stream. */
#define MATH_SVD_LIMIT ((int64_t)4 << 30)

typedef struct MathImportance MathImportance;

/**
 * @param n, f   rows that will be added in total (in a primal one by this process, which may have none), and their
 * length.
 * @param route  auto is closed, and the dual where n < f.
 * @param primal never the dual: the Gram matrix of several processes can be summed, stored rows cannot.
 * @return BASE_OK; BASE_EARG; BASE_ELIMIT (svd beyond MATH_SVD_LIMIT, naming eigen); BASE_ENOMEM.
 */
BaseStatus math_importance_create(int64_t n, int64_t f, MathRoute route, bool primal, MathImportance **out);
void math_importance_free(MathImportance *m);
/** Streams @p rows further rows in; x [rows, f]. BASE_EARG beyond n. */
BaseStatus math_importance_add(MathImportance *m, const float *x, int64_t rows);

/** Runs of columns, ascending and apart. */
typedef struct {
    int64_t from, width;
} MathSpan;
enum { MATH_SPANS = 16 };
typedef struct {
    MathSpan at[MATH_SPANS];
    int count;
} MathColumns;
/** The same for rows that are 0 outside of @p columns and hold only those: x [rows, sum of widths], float, or bf16 (as
 *  uint16_t) after math_importance_use_bf16. Costs the squares of the widths and not f^2. */
BaseStatus math_importance_add_columns(MathImportance *m, const void *x, int64_t rows, const MathColumns *columns);

/** C [M, N] += A^T B (a [K, M], b [K, N]) or with @p dual A B^T (a [M, K], b [N, K]), summed in float32; ld: row
 * strides. */
typedef BaseStatus (*MathProduct)(void *user, bool dual, int64_t M, int64_t N, int64_t K, const uint16_t *a,
                                  int64_t lda, const uint16_t *b, int64_t ldb, float *c, int64_t ldc);
/** From the first row on, rows come as bf16 and @p product (kept until finish) multiplies them; nothing is rounded on
 * the way. Has no effect, and rows stay float32, on the svd route and where the work is in float64: ask takes_bf16. */
BaseStatus math_importance_use_bf16(MathImportance *m, MathProduct product, void *user);
bool math_importance_takes_bf16(const MathImportance *m);
/** Adds the rows that @p part was given, as if given to @p m behind its own; both primal and not finished. The sums are
 *  made of the two Gram matrices, so that the order of all additions is the caller's. */
BaseStatus math_importance_absorb(MathImportance *m, const MathImportance *part);
/** Sums n floats, or doubles where wide, over processes, in place. */
typedef BaseStatus (*MathReduce)(void *user, void *x, int64_t n, bool wide);
/** Ends the stream. @p reduce (NULL: none; primal Gram only) sums over processes.
 *  BASE_ENUMERIC where an input was not finite or the decomposition failed, BASE_EARG where rows are missing. */
BaseStatus math_importance_finish(MathImportance *m, MathReduce reduce, void *user);

/* After finish. W, out [rows, f]; they may not overlap. Many alphas may follow each other; @p m does not change. */
/** out = W P(alpha). alpha > 0. */
BaseStatus math_importance_apply(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out);
/** out = W (I - P(alpha)). */
BaseStatus math_importance_complement(const MathImportance *m, double alpha, const float *w, int64_t rows, float *out);
/** tr(W G W^T) = ||W X^T||_F^2 / t: the layer's response to these inputs. */
BaseStatus math_importance_response(const MathImportance *m, const float *w, int64_t rows, double *out);

int64_t math_importance_rows(const MathImportance *m); /* over all processes */
double math_importance_trace(const MathImportance *m); /* t */
double math_importance_rank(const MathImportance *m); /* effective rank 1 / sum s^2 = 1 / ||G||_F^2; 0 for zero trace */
/** s, descending, [*count = min(n, f) or f]: owned by @p m. NULL on the closed route. */
const double *math_importance_spectrum(const MathImportance *m, int64_t *count);
bool math_importance_is_dual(const MathImportance *m);

#endif
