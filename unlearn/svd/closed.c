/* unlearn/svd/closed.c - routes closed and dual: lambda is a rational function of s, so P needs no eigenvectors.
 *
 *     P = alpha G A^-1        I - P = (I - G) A^-1        A = (alpha - 1) G + I
 *
 * A is positive definite for every alpha > 0: one Cholesky factorisation for each alpha, then solves with W's rows, no
 * f x f projection. Where n < f the dual factorises an n x n matrix instead, with K = X X^T:
 *
 *     P = alpha X^T B^-1 X    B = (alpha - 1) K + I
 *
 * (X divided by sqrt(t)). Never P = alpha / (alpha - 1) (I - A^-1): 0/0 at alpha = 1.
 */
#ifndef REAL /* the body, further down, stands twice: in float and in double */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "unlearn/svd/real.h"
#include "unlearn/svd/route.h"

/* Whether (x - y) / (alpha - 1) is accurate enough for a share. */
static bool separable(double alpha) { return fabs(alpha - 1) > 0.1; }

#define BODY "unlearn/svd/closed.c"
#include "unlearn/svd/twice.h"

const UnlearnRoute unlearn_route_closed = {.name = "closed",
                                           .making = UNLEARN_MAKES_G,
                                           .removes = true,
                                           .f32 = &calls,
                                           .f64 = &calls_f64},
                   unlearn_route_dual = {.name = "closed", .making = UNLEARN_MAKES_K, .f32 = &calls, .f64 = &calls_f64};
#else

/* z = W G, or W X^T */
static BaseStatus NAME(coordinates)(const UnlearnSpace *space, const float *w, int64_t rows, void *to)
{
    BaseStatus st = BASE_OK;
    REAL *z = to;
    float *narrow = NULL;
    REAL *room = NULL;
    const REAL *wide;
    if (!unlearn_space_is_dual(space)) {
        BASE_TRY(NAME(unlearn_real)(w, rows * space->f, &room, &wide));
        BASE_TRY(NAME(math_symm)(rows, space->f, wide, MATRIX(space), z));
    } else if (sizeof(REAL) == sizeof(float)) {
        BASE_TRY(unlearn_rows_respond(space, w, rows, to));
    } else {
        BASE_TRY(BASE_ALLOC_RAW(rows * space->n, &narrow));
        BASE_TRY(unlearn_rows_respond(space, w, rows, narrow));
        for (int64_t i = 0; i < rows * space->n; i++) z[i] = (REAL)narrow[i];
    }
out:
    base_free(narrow);
    base_free(room);
    return st;
}

static BaseStatus NAME(factor)(const UnlearnSpace *space, double alpha, UnlearnFactor *out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(space->side * space->side, &MATRIX(out)));
    BASE_TRY(NAME(math_cholesky_shifted)(space->side, (REAL)(alpha - 1), MATRIX(space), MATRIX(out)));
out:
    return st;
}

/* (alpha z) A^-1, or of @p w (not NULL) what is left, (W - z) A^-1, which does not cancel where P is near I; of the
 * dual alpha (z B^-1) X. */
static BaseStatus NAME(back)(const UnlearnFactor *of, const float *w, const void *from, int64_t rows, float *out,
                             double *response)
{
    BaseStatus st = BASE_OK;
    const REAL *z = from;
    const UnlearnSpace *space = of->space;
    bool dual = unlearn_space_is_dual(space);
    const double alpha = of->alpha;
    int64_t size = rows * space->side;
    REAL *room = NULL;
    float *y = NULL; /* dual: [rows, n] */
    if (dual) BASE_TRY(BASE_ALLOC_RAW(size, &y));
    float *to = dual ? y : out;
    if (sizeof(REAL) != sizeof(float)) BASE_TRY(BASE_ALLOC_RAW(size, &room));
    REAL *b = room ? room : (REAL *)(void *)to;
    for (int64_t i = 0; i < size; i++) b[i] = w ? (REAL)w[i] - z[i] : dual ? z[i] : (REAL)alpha * z[i];
    BASE_TRY(NAME(math_cholesky_solve)(space->side, MATRIX(of), rows, b));
    *response = w || !separable(alpha) ? NAN : 0;
    for (int64_t i = 0; !isnan(*response) && i < size; i++) {
        double after = (double)b[i], before = (double)z[i];
        if (dual) { /* out X^T = alpha y K = alpha (z - y) / (alpha - 1) */
            double left = alpha * (before - after) / (alpha - 1);
            *response += left * left;
        } else { /* out A = alpha W G, so out G = (alpha W G - out) / (alpha - 1) */
            *response += after * (alpha * before - after) / (alpha - 1);
        }
    }
    for (int64_t i = 0; room && i < size; i++) to[i] = (float)room[i];
    if (dual) BASE_TRY(unlearn_rows_combine(space, alpha, y, rows, out));
out:
    base_free(room);
    base_free(y);
    return st;
}

/* tr(W G W^T) = <W G, W>; of the dual ||W X^T||^2 */
static double NAME(response)(const UnlearnSpace *space, const float *w, const void *from, int64_t rows)
{
    const REAL *z = from;
    double sum = 0;
    bool dual = unlearn_space_is_dual(space);
    for (int64_t i = 0; i < rows * space->side; i++) sum += (double)z[i] * (dual ? (double)z[i] : (double)w[i]);
    return sum;
}

static BaseStatus NAME(quadratic)(const UnlearnSpace *space, const float *w, int64_t rows, double *out)
{
    BaseStatus st = BASE_OK;
    REAL *room = NULL;
    const REAL *wide;
    BASE_TRY(NAME(unlearn_real)(w, rows * space->f, &room, &wide));
    BASE_TRY(NAME(math_trace_form)(space->f, MATRIX(space), rows, wide, out));
out:
    base_free(room);
    return st;
}

static const UnlearnCalls NAME(calls) = {
    NAME(coordinates), NAME(factor), NAME(back), NAME(response), NAME(quadratic),
};
#endif
