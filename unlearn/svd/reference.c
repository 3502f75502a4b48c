/* unlearn/svd/reference.c - route reference: the paper's equations (Kodge, Saha and Roy, TMLR 2024; names as in
 * docs/method.md) one by one, in float64 and with P written out; results are rounded to float32. Slow on purpose: what
 * a reader checks the others by. W (I - P_r) and then (W (I - P_r)) P_f is W P_dis^T, so that edit.c makes the rest of the method of it:
 *
 *     P_dis = P_f - P_f P_r = P_f (I - P_r)        W <- W (I - P_dis)^T = W - W (I - P_r) P_f
 */
#include <math.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "unlearn/svd/real.h"
#include "unlearn/svd/route.h"

/* X^T = U S V^T; the columns of U [f, r] become the rows of the matrix. */
static BaseStatus build(UnlearnSpace *space)
{
    BaseStatus st = BASE_OK;
    double *X = NULL, *sigma = space->s, squares = 0;
    const double *unused;
    const int64_t n = space->n, f = space->f, r = space->count;
    BASE_TRY(unlearn_real_f64(space->x, n * f, &X, &unused));
    BASE_TRY(BASE_ALLOC_RAW(r * f, &space->matrix_f64));
    BASE_TRY(math_svd_f64(n, f, X, sigma, space->matrix_f64));
    for (int64_t i = 0; i < r; i++) squares += sigma[i] * sigma[i];
    for (int64_t i = 0; i < r; i++) space->s[i] = sigma[i] * sigma[i] / squares; /* normalised importance */
out:
    base_free(X);
    return st;
}

static BaseStatus factor(const UnlearnSpace *space, double alpha, UnlearnFactor *out)
{
    BaseStatus st = BASE_OK;
    const double *U = space->matrix_f64, *s = space->s;
    const int64_t f = space->f, r = space->count;
    double *U_lambda = NULL, *P;
    BASE_TRY(BASE_ALLOC_RAW(r * f, &U_lambda));
    BASE_TRY(BASE_ALLOC_RAW(f * f, &out->matrix_f64));
    P = out->matrix_f64;
    for (int64_t i = 0; i < r; i++) {
        double lambda = alpha * s[i] / ((alpha - 1) * s[i] + 1);
        for (int64_t j = 0; j < f; j++) U_lambda[i * f + j] = lambda * U[i * f + j];
    }
    BASE_TRY(math_gemm_f64(true, false, f, f, r, 1, U_lambda, U, 0, P)); /* P = U diag(lambda) U^T */
out:
    base_free(U_lambda);
    return st;
}

static BaseStatus coordinates(const UnlearnSpace *space, const float *w, int64_t rows, void *z)
{
    for (int64_t i = 0; i < rows * space->f; i++) ((double *)z)[i] = (double)w[i];
    return BASE_OK;
}

/* ||W X^T||_F^2 / t = sum_i s_i ||W u_i||^2 */
static double response(const UnlearnSpace *space, const float *unused, const void *z, int64_t rows)
{
    const double *W = z;
    const int64_t f = space->f;
    double sum = 0;
    (void)unused;
    for (int64_t k = 0; k < rows; k++)
        for (int64_t i = 0; i < space->count; i++) {
            double along = 0;
            for (int64_t j = 0; j < f; j++) along += W[k * f + j] * space->matrix_f64[i * f + j];
            sum += space->s[i] * along * along;
        }
    return sum;
}

/* W P, or W (I - P) where @p w is not NULL */
static BaseStatus back(const UnlearnFactor *of, const float *w, const void *z, int64_t rows, float *out,
                       double *responds)
{
    BaseStatus st = BASE_OK;
    const int64_t f = of->space->f;
    const double *W = z;
    double *W_P = NULL;
    BASE_TRY(BASE_ALLOC_RAW(rows * f, &W_P));
    BASE_TRY(math_gemm_f64(false, false, rows, f, f, 1, W, of->matrix_f64, 0, W_P));
    for (int64_t i = 0; i < rows * f; i++) out[i] = (float)(w ? W[i] - W_P[i] : W_P[i]);
    *responds = w ? NAN : response(of->space, NULL, W_P, rows);
out:
    base_free(W_P);
    return st;
}

static const UnlearnCalls CALLS = {.coordinates = coordinates, .factor = factor, .back = back, .response = response};
const UnlearnRoute unlearn_route_reference = {
    .name = "reference", .making = UNLEARN_KEEPS_X, .spectral = true, .removes = true, .build = build, .f64 = &CALLS};
