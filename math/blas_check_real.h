/* math/blas_check_real.h - the body of blas_check.c in one precision: included once with REAL float, once with double.
 * Every bound is n + 2 units of the sum of the absolute products: rounding in any order, with or without fused
 * operations, gives at most n + 1 half units (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections
 * 3.1, 8.1 and 10.1), and a kernel that multiplies by the diagonal's reciprocal one unit more. */

static void NAME(widen)(const REAL *from, bool transpose, bool lower, double *to)
{
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            to[transpose ? j * SIDE + i : i * SIDE + j] = lower && j > i ? 0 : (double)from[i * SIDE + j];
}

static bool NAME(same)(const Work *w, const REAL *got, bool lower)
{
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < (lower ? i + 1 : SIDE); j++) {
            int at = i * SIDE + j;
            if (!(fabs((double)got[at] - w->product[at]) <= (SIDE + 2) * (double)UNIT * w->size[at])) return false;
        }
    return true;
}

/* x, y random; z the results; g a matrix to factor. */
static const char *NAME(first_wrong)(const Work *w, REAL *x, REAL *y, REAL *z, REAL *g)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        x[i] = (REAL)(base_random_uniform(w->random) - 0.5);
        y[i] = (REAL)(base_random_uniform(w->random) - 0.5);
        z[i] = (REAL)NAN; /* that beta = 0 must not read */
    }
    NAME(widen)(x, false, false, w->left);
    NAME(widen)(y, false, false, w->right);
    plain_product(w);
    BLAS(gemm)(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, x, SIDE, y, SIDE, 0, z, SIDE);
    if (!NAME(same)(w, z, false)) return LETTER "gemm";

    NAME(widen)(x, true, false, w->right);
    plain_product(w);
    BLAS(syrk)(CblasRowMajor, CblasLower, CblasNoTrans, SIDE, SIDE, 1, x, SIDE, 0, z, SIDE);
    if (!NAME(same)(w, z, true)) return LETTER "syrk";

    for (int i = 0; i < SIDE * SIDE; i++) g[i] = z[i] + (i % (SIDE + 1) ? 0 : 1); /* positive definite */
    memcpy(z, g, SIDE * SIDE * sizeof *z);
    if (LAPACK(potrf)(LAPACK_COL_MAJOR, 'U', SIDE, z, SIDE) != 0) return LETTER "potrf";
    NAME(widen)(z, false, true, w->left);
    NAME(widen)(z, true, true, w->right);
    plain_product(w);
    if (!NAME(same)(w, g, true)) return LETTER "potrf";

    memcpy(x, y, SIDE * SIDE * sizeof *x); /* X L^T = Y */
    BLAS(trsm)(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, SIDE, SIDE, 1, z, SIDE, x, SIDE);
    NAME(widen)(x, false, false, w->left);
    plain_product(w);
    return NAME(same)(w, y, false) ? NULL : LETTER "trsm";
}

static BaseStatus NAME(check)(const Work *w, const char **wrong)
{
    BaseStatus st = BASE_OK;
    REAL *m = NULL;
    const size_t n = SIDE * SIDE;
    BASE_TRY(BASE_ALLOC(4 * n, &m));
    *wrong = NAME(first_wrong)(w, m, m + n, m + 2 * n, m + 3 * n);
out:
    base_free(m);
    return st;
}
