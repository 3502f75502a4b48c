/* mia/line/interior.h - the interior point method behind mia/line/line.h: the dual of a C-SVC on points with
 * multiplicities, in r features. Method: interior.c; features and error bound: fit.c. */
#ifndef MIA_LINE_INTERIOR_H
#define MIA_LINE_INTERIOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "mia/line/line.h"

enum { MIA_INTERIOR_SIDE = MIA_LINE_RANK + 1 };

typedef struct {
    double x;
    int64_t sign, count;
} MiaPoint;

/* Arrays [m], one entry per distinct point; below t all in one block. */
typedef struct {
    int64_t m, chunks;
    int r;
    double c[MIA_LINE_RANK], p[MIA_LINE_RANK], b;         /* p_k = c_k w_k */
    double w[MIA_LINE_RANK], lag[MIA_LINE_RANK], balance; /* lag = sum a y phi - w, balance = -sum a y: to become 0 */
    double fixed[MIA_INTERIOR_SIDE]; /* what points that are not among the m add to these two sums, without c_k */
    double dp[MIA_LINE_RANK], db, target, step;                     /* target: of a z and of s v; 0 in the predictor */
    bool correct;                                                   /* da, dz, dv hold the predictor */
    double *t, *e, *y, *u, *a, *s, *z, *v, *da, *dz, *dv, *q, *inv; /* e = exp(-gamma x^2), inv = 1 / D */
    double *sums;                                                   /* [chunks, SUMS] */
    double matrix[MIA_INTERIOR_SIDE * MIA_INTERIOR_SIDE], cut[MIA_INTERIOR_SIDE * MIA_INTERIOR_SIDE],
        right[MIA_INTERIOR_SIDE];
} MiaInterior;

/** Of @p m points; middle, half, gamma and rank of @p line are read. *out by mia_interior_free. BASE_ENOMEM. */
BaseStatus mia_interior_create(const MiaPoint *points, int64_t m, double C, const MiaLine *line, MiaInterior **out);
void mia_interior_free(MiaInterior *v); /* NULL is fine */
/** From the start to the end: a, s, w, p and b. Adds the iterations it took to @p rounds. O(m r) each. */
void mia_interior_run(MiaInterior *v, int *rounds);

/** @p total [r + 1]: sum_i y_i a_i phi_k(x_i) without c_k, and sum_i y_i a_i last, over the m points. */
void mia_interior_sums(MiaInterior *v, double *total);
/** p from w, and what w and the balance still lack of these sums and the fixed ones. */
void mia_interior_lag(MiaInterior *v, const double *total);
/** @p out [m]: w . phi(x_i), without b. */
void mia_interior_decide(const MiaInterior *v, double *out);

#endif
