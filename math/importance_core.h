/* math/importance_core.h - inside the importance core: its state, and the part that holds inputs (importance_rows.c).
 */
#ifndef MATH_IMPORTANCE_CORE_H
#define MATH_IMPORTANCE_CORE_H

#include "math/importance.h"

/** Rows that share their columns, stored side by side: [rows, width]. */
typedef struct {
    int64_t first, rows, width, offset; /* number of the first row; offset: of its first value in the store */
    MathColumns columns;
} MathGroup;

struct MathImportance {
    int64_t n, f, seen, side; /* side: of the symmetric matrix; f, or n in the dual */
    int64_t total;            /* rows over all processes */
    MathRoute route;
    bool dual, finished;
    double trace, rank;
    float *x;          /* rows, [n, f] at most, later divided by sqrt(t): dual, and svd until it is decomposed */
    uint16_t *x_bf16;  /* the same, not divided, where rows come as bf16 */
    double factor;     /* what stored rows are still to be multiplied with: 1, or 1 / sqrt(t) */
    MathGroup *groups; /* of the stored rows */
    int64_t group_count, stored;
    MathProduct product; /* not NULL: rows come as bf16 */
    void *product_user;
    float *gram;        /* [side, side] lower triangle of G or K; on the eigen route then one eigenvector a row */
    double *gram_f64;   /* the same where the side is small */
    float *basis;       /* svd: [count, f] right singular vectors as rows */
    double *spectrum;   /* [count] in the order of the eigenvectors; NULL on the closed route */
    double *descending; /* [count] */
    int64_t count;
};

/** Sum of the squares of all stored rows. */
double math_rows_squares(const MathImportance *m);
/** K += X X^T of the rows as stored, lower, in m->gram or m->gram_f64. */
BaseStatus math_rows_dual(MathImportance *m);
/** z [rows, n] = W X^T, W [rows, f]. */
BaseStatus math_rows_respond(const MathImportance *m, const float *w, int64_t rows, float *z);
/** out [rows, f] = alpha Y X, Y [rows, n]. */
BaseStatus math_rows_combine(const MathImportance *m, double alpha, const float *y, int64_t rows, float *out);

/* importance_inside.c. Buffers called inside are float or double, as m->gram_f64 says. */
typedef struct {
    const MathImportance *m; /* NULL: none */
    double alpha;
    float *l; /* Cholesky factor of (alpha - 1) S + I; neither where there is a spectrum */
    double *l_f64;
} MathFactor;
BaseStatus math_factor_make(const MathImportance *m, double alpha, MathFactor *out);
void math_factor_drop(MathFactor *factor);
int64_t math_inside_bytes(const MathImportance *m, int64_t rows);
BaseStatus math_inside_enter(const MathImportance *m, const float *w, int64_t rows, void *inside);
/** tr(W G W^T) from @p inside, and of W itself where it was not needed. */
double math_inside_response(const MathImportance *m, const float *w, const void *inside, int64_t rows);
BaseStatus math_inside_quadratic(const MathImportance *m, const float *w, int64_t rows, double *out);
/** out = W P; *response = tr(out G out^T), NaN where it does not fall out. */
BaseStatus math_inside_leave(const MathFactor *factor, const void *inside, int64_t rows, float *out, double *response);
/** out = W (I - P). */
BaseStatus math_inside_rest(const MathFactor *factor, const float *w, const void *inside, int64_t rows, float *out);

#endif
