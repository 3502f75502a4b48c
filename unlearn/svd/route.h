/* unlearn/svd/route.h - the routes to W P(alpha) and W (I - P(alpha)), one object each, and the state that they work on.
 * What alpha does not enter is done once, so that a grid of alphas pays for it once.
 *
 *                coordinates z   factor(alpha)                    back: W P                     and W (I - P)
 *     reference  W               P = U diag(lambda) U^T           z P                           W - z P
 *     svd        W U             lambda                           z diag(lambda) U^T            as eigen, if U is square
 *     eigen      W U             lambda                           z diag(lambda) U^T            z diag(1 - lambda) U^T
 *     eigen_dual W X^T Q         1 / ((alpha - 1) s + 1)          alpha z diag(factor) Q^T X    W - W P
 *     closed     W G             A = (alpha - 1) G + I = L L^T    alpha z A^-1                  (W - z) A^-1
 *     dual       W X^T           B = (alpha - 1) K + I = L L^T    alpha z B^-1 X                W - W P
 *
 * with G = X^T X / t = U diag(s) U^T [f, f], its dual K = X X^T / t = Q diag(s) Q^T [n, n], and X divided by sqrt(t).
 */
#ifndef UNLEARN_SVD_ROUTE_H
#define UNLEARN_SVD_ROUTE_H

#include "unlearn/svd/space.h"

/** P(alpha) of a space as a route holds it. */
typedef struct {
    const UnlearnSpace *space; /* NULL: none */
    double alpha;
    float *matrix; /* one of these where the route needs one: L, or P */
    double *matrix_f64;
} UnlearnFactor;

/** What a route makes of the rows as they come. */
typedef enum {
    UNLEARN_MAKES_G, /* their sum X^T X; they are not kept */
    UNLEARN_MAKES_K, /* kept; X X^T at the end */
    UNLEARN_KEEPS_X  /* kept whole */
} UnlearnMaking;

/** What a route answers, of a space whose matrix is in one precision, which z has too. Called where t > 0. */
typedef struct {
    /** z [rows, width] from W [rows, f]. */
    BaseStatus (*coordinates)(const UnlearnSpace *space, const float *w, int64_t rows, void *z);
    /** NULL: alpha is all it needs. */
    BaseStatus (*factor)(const UnlearnSpace *space, double alpha, UnlearnFactor *out);
    /** out = W P; *response = tr(out G out^T), NaN where it is no by-product. With @p w (not NULL) out = W (I - P). */
    BaseStatus (*back)(const UnlearnFactor *factor, const float *w, const void *z, int64_t rows, float *out,
                       double *response);
    /** tr(W G W^T) from z. */
    double (*response)(const UnlearnSpace *space, const float *w, const void *z, int64_t rows);
    /** The same of G where z is not needed for anything else; NULL: by z. */
    BaseStatus (*quadratic)(const UnlearnSpace *space, const float *w, int64_t rows, double *out);
} UnlearnCalls;

typedef struct {
    const char *name;
    UnlearnMaking making;
    bool spectral; /* knows s */
    bool removes;  /* W (I - P) itself, where its vectors span all of W's rows; else it is W - W P */
    /** From G or K (normalised) or X; NULL: nothing is to be done. */
    BaseStatus (*build)(UnlearnSpace *space);
    const UnlearnCalls *f32, *f64; /* NULL for a precision that its matrix never has */
} UnlearnRoute;
extern const UnlearnRoute unlearn_route_reference, unlearn_route_svd, unlearn_route_eigen, unlearn_route_eigen_dual,
    unlearn_route_closed, unlearn_route_dual;

/** Kept rows that share their columns, stored side by side: [rows, width]. */
typedef struct {
    int64_t first, rows, width, offset; /* number of the first row; offset: of its first value in the store */
    UnlearnColumns columns;
} UnlearnGroup;

struct UnlearnSpace {
    int64_t n, f, seen;
    int64_t total; /* rows over all processes */
    const UnlearnRoute *route;
    bool open; /* n grows with the rows that come */
    bool finished;
    double trace, rank;
    float *x;             /* kept rows, [n, f] at most, later divided by sqrt(t) but for the reference */
    uint16_t *x_bf16;     /* the same, not divided, where rows come as bf16 */
    double scale;         /* what kept rows are still to be multiplied by: 1, or 1 / sqrt(t) */
    UnlearnGroup *groups; /* of the kept rows */
    int64_t group_count, stored;
    NnGram *products;   /* not NULL: rows come as bf16 */
    int64_t side;       /* of G or K */
    float *matrix;      /* G or K, lower triangle; of spectral routes then vectors as rows, [count, f or n] */
    double *matrix_f64; /* the same in float64 where the side is small */
    double *s;          /* [count] in the order of the vectors; NULL where the route is not spectral */
    double *descending; /* [count] */
    int64_t count;
};

/* ---- rows.c ---- */

/** Adds the rows to the store, in the form that the route wants. */
BaseStatus unlearn_rows_keep(UnlearnSpace *space, const void *x, int64_t rows, const UnlearnColumns *columns);
/** Sum of the squares of all kept rows. */
double unlearn_rows_squares(const UnlearnSpace *space);
/** z [rows, n] = W X^T, W [rows, f]. */
BaseStatus unlearn_rows_respond(const UnlearnSpace *space, const float *w, int64_t rows, float *z);
/** out [rows, f] = alpha Y X, Y [rows, n]. */
BaseStatus unlearn_rows_combine(const UnlearnSpace *space, double alpha, const float *y, int64_t rows, float *out);
int64_t unlearn_columns_width(const UnlearnColumns *columns);

/* ---- gram.c ---- */

/** G += X^T X of these rows, lower. */
BaseStatus unlearn_gram_add(UnlearnSpace *space, const void *x, int64_t rows, const UnlearnColumns *columns);
/** K += X X^T of the rows as kept, lower. */
BaseStatus unlearn_gram_dual(UnlearnSpace *space);
/** Divides G or K by @p by and sets the rank: 1 / ||G||_F^2 = 1 / ||K||_F^2. */
BaseStatus unlearn_gram_divide(UnlearnSpace *space, double by);

/* ---- stream.c: routes behind one set of calls, and P = 0 where there is no input ---- */

int64_t unlearn_space_coordinate_bytes(const UnlearnSpace *space, int64_t rows);
BaseStatus unlearn_space_coordinates(const UnlearnSpace *space, const float *w, int64_t rows, void *z);
double unlearn_space_response_of(const UnlearnSpace *space, const float *w, const void *z, int64_t rows);
BaseStatus unlearn_factor_make(const UnlearnSpace *space, double alpha, UnlearnFactor *out);
void unlearn_factor_drop(UnlearnFactor *factor);
BaseStatus unlearn_factor_project(const UnlearnFactor *factor, const void *z, int64_t rows, float *out,
                                  double *response);
BaseStatus unlearn_factor_remove(const UnlearnFactor *factor, const float *w, const void *z, int64_t rows, float *out);

#endif
