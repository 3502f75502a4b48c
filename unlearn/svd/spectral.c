/* unlearn/svd/spectral.c - routes svd, eigen and eigen_dual: the directions themselves, and lambda of each.
 *
 *     svd         X = V S U^T of the rows as kept, as published
 *     eigen       G = U diag(s) U^T: one factorisation serves every alpha, and rows need not be kept
 *     eigen_dual  K = Q diag(s) Q^T, where n < f: U = X^T Q diag(s)^-1/2, so that with X divided by sqrt(t)
 *                 P = alpha X^T Q diag(1 / ((alpha - 1) s + 1)) Q^T X
 */
#ifndef REAL /* the body, further down, stands twice: in float and in double */
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "unlearn/svd/real.h"
#include "unlearn/svd/route.h"

static double lambda(double s, double alpha) { return alpha * s / ((alpha - 1) * s + 1); }
static double rest(double s, double alpha) { return (1 - s) / ((alpha - 1) * s + 1); } /* 1 - lambda */
static double inverse(double s, double alpha) { return 1 / ((alpha - 1) * s + 1); }

#define BODY "unlearn/svd/spectral.c"
#include "unlearn/svd/twice.h"

static BaseStatus build_svd(UnlearnSpace *space)
{
    BaseStatus st = BASE_OK;
    float *sigma = NULL;
    double sum = 0; /* 1 but for rounding */
    BASE_TRY(BASE_ALLOC(space->count, &sigma));
    BASE_TRY(BASE_ALLOC(space->count * space->f, &space->matrix));
    BASE_TRY(math_svd(space->n, space->f, space->x, sigma, space->matrix));
    for (int64_t i = 0; i < space->count; i++) sum += (double)sigma[i] * (double)sigma[i];
    for (int64_t i = 0; i < space->count; i++) space->s[i] = (double)sigma[i] * (double)sigma[i] / sum;
    base_free(space->x);
    space->x = NULL;
out:
    base_free(sigma);
    return st;
}

static BaseStatus build_eigen(UnlearnSpace *space) { return space->matrix_f64 ? eigen_f64(space) : eigen(space); }

#define SPECTRAL .spectral = true, .f32 = &calls, .f64 = &calls_f64
const UnlearnRoute
    unlearn_route_svd = {.name = "svd", .making = UNLEARN_KEEPS_X, .build = build_svd, .removes = true, SPECTRAL},
    unlearn_route_eigen = {.name = "eigen", .making = UNLEARN_MAKES_G, .build = build_eigen, .removes = true, SPECTRAL},
    unlearn_route_eigen_dual = {.name = "eigen", .making = UNLEARN_MAKES_K, .build = build_eigen, SPECTRAL};
#undef SPECTRAL
#else

static BaseStatus NAME(eigen)(UnlearnSpace *space)
{
    BaseStatus st = BASE_OK;
    REAL *s = NULL;
    BASE_TRY(BASE_ALLOC_RAW(space->side, &s));
    BASE_TRY(NAME(math_eigen)(space->side, MATRIX(space), s));
    for (int64_t i = 0; i < space->side; i++)
        space->s[i] = s[i] > 0 ? (double)s[i] : 0; /* rounding leaves some below 0 */
out:
    base_free(s);
    return st;
}

/* z = W U, or W X^T Q */
static BaseStatus NAME(coordinates)(const UnlearnSpace *space, const float *w, int64_t rows, void *z)
{
    BaseStatus st = BASE_OK;
    bool dual = unlearn_space_is_dual(space);
    int64_t width = dual ? space->n : space->f;
    float *seen = NULL; /* [rows, n] = W X^T */
    REAL *room = NULL;
    const REAL *wide;
    if (dual) {
        BASE_TRY(BASE_ALLOC_RAW(rows * width, &seen));
        BASE_TRY(unlearn_rows_respond(space, w, rows, seen));
    }
    BASE_TRY(NAME(unlearn_real)(dual ? seen : w, rows * width, &room, &wide));
    BASE_TRY(NAME(math_gemm)(false, true, rows, space->count, width, 1, wide, MATRIX(space), 0, z));
out:
    base_free(seen);
    base_free(room);
    return st;
}

/* c = z diag(weight), then out = c U^T, or alpha c Q^T X. Through U everything is diagonal, and through Q: out X^T =
 * alpha c Q^T K. */
static BaseStatus NAME(back)(const UnlearnFactor *of, const float *w, const void *from, int64_t rows, float *out,
                             double *response)
{
    BaseStatus st = BASE_OK;
    const UnlearnSpace *space = of->space;
    const REAL *z = from;
    const double alpha = of->alpha;
    bool dual = unlearn_space_is_dual(space);
    double (*weight)(double s, double alpha) = w ? rest : dual ? inverse : lambda;
    int64_t count = space->count, width = dual ? space->n : space->f;
    REAL *c = NULL, *room = NULL;
    float *y = NULL; /* dual: [rows, n] */
    BASE_TRY(BASE_ALLOC_RAW(rows * count, &c));
    if (dual) BASE_TRY(BASE_ALLOC_RAW(rows * width, &y));
    float *to = dual ? y : out;
    if (sizeof(REAL) != sizeof(float)) BASE_TRY(BASE_ALLOC_RAW(rows * width, &room));
    *response = 0;
    for (int64_t i = 0; i < rows * count; i++) {
        double s = space->s[i % count];
        c[i] = (REAL)(weight(s, alpha) * (double)z[i]);
        double left = dual ? alpha * s * (double)c[i] : (double)c[i];
        *response += dual ? left * left : s * left * left;
    }
    BASE_TRY(
        NAME(math_gemm)(false, false, rows, width, count, 1, c, MATRIX(space), 0, room ? room : (REAL *)(void *)to));
    for (int64_t i = 0; room && i < rows * width; i++) to[i] = (float)room[i];
    if (dual) BASE_TRY(unlearn_rows_combine(space, alpha, y, rows, out));
out:
    base_free(c);
    base_free(room);
    base_free(y);
    return st;
}

/* tr(W G W^T) = sum_i s_i ||W u_i||^2; of the dual ||W X^T||^2 */
static double NAME(response)(const UnlearnSpace *space, const float *w, const void *from, int64_t rows)
{
    const REAL *z = from;
    double sum = 0;
    bool dual = unlearn_space_is_dual(space);
    (void)w;
    for (int64_t i = 0; i < rows * space->count; i++)
        sum += (dual ? 1 : space->s[i % space->count]) * (double)z[i] * (double)z[i];
    return sum;
}

static const UnlearnCalls NAME(calls) = {
    .coordinates = NAME(coordinates), .back = NAME(back), .response = NAME(response)};
#endif
