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
BaseStatus math_widen(const float *x, int64_t n, double **out);

#endif
