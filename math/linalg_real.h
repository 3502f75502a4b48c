/* math/linalg_real.h - the body of linalg.c in one precision: included once with REAL float, once with REAL double. */
BaseStatus NAME(math_gemm)(bool ta, bool tb, int64_t M, int64_t N, int64_t K, REAL alpha, const REAL *a, const REAL *b,
                           REAL beta, REAL *c)
{
    BaseStatus st = check_indices(M, N, K);
    if (st != BASE_OK || M == 0 || N == 0) return st;
    int lda = (int)(ta ? M : K), ldb = (int)(tb ? K : N);
    BLAS(gemm)
    (CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)M, (int)N, (int)K, alpha, a,
     lda > 0 ? lda : 1, b, ldb > 0 ? ldb : 1, beta, c, (int)N);
    return BASE_OK;
}

BaseStatus NAME(math_gemm_block)(bool ta, bool tb, int64_t M, int64_t N, int64_t K, REAL alpha, const REAL *a,
                                 int64_t lda, const REAL *b, int64_t ldb, REAL beta, REAL *c, int64_t ldc)
{
    BaseStatus st = BASE_OK;
    if (M == 0 || N == 0) return BASE_OK;
    BASE_TRY(check_indices(M, N, K));
    BASE_TRY(check_indices(lda, ldb, ldc));
    BLAS(gemm)
    (CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)M, (int)N, (int)K, alpha, a,
     (int)lda, b, (int)ldb, beta, c, (int)ldc);
out:
    return st;
}

BaseStatus NAME(math_gram_block)(bool dual, int64_t n, int64_t f, const REAL *x, int64_t ldx, REAL *g, int64_t ldg)
{
    BaseStatus st = BASE_OK;
    if (n == 0 || f == 0) return BASE_OK;
    BASE_TRY(check_indices(n, f, 0));
    BASE_TRY(check_indices(ldx, ldg, 0));
    BLAS(syrk)
    (CblasRowMajor, CblasLower, dual ? CblasNoTrans : CblasTrans, (int)(dual ? n : f), (int)(dual ? f : n), 1, x,
     (int)ldx, 1, g, (int)ldg);
out:
    return st;
}

BaseStatus NAME(math_gram)(int64_t n, int64_t f, REAL alpha, const REAL *x, REAL beta, REAL *g)
{
    BaseStatus st = check_indices(n, f, 0);
    if (st != BASE_OK || f == 0) return st;
    BLAS(syrk)(CblasRowMajor, CblasLower, CblasTrans, (int)f, (int)n, alpha, x, (int)f, beta, g, (int)f);
    return BASE_OK;
}

BaseStatus NAME(math_gram_dual)(int64_t n, int64_t f, REAL alpha, const REAL *x, REAL beta, REAL *k)
{
    BaseStatus st = check_indices(n, f, 0);
    if (st != BASE_OK || n == 0 || f == 0) return st;
    BLAS(syrk)(CblasRowMajor, CblasLower, CblasNoTrans, (int)n, (int)f, alpha, x, (int)f, beta, k, (int)n);
    return BASE_OK;
}

BaseStatus NAME(math_symm)(int64_t rows, int64_t f, const REAL *w, const REAL *g, REAL *c)
{
    BaseStatus st = check_indices(rows, f, 0);
    if (st != BASE_OK || rows == 0 || f == 0) return st;
    BLAS(symm)(CblasRowMajor, CblasRight, CblasLower, (int)rows, (int)f, 1, g, (int)f, w, (int)f, 0, c, (int)f);
    return BASE_OK;
}

BaseStatus NAME(math_cholesky)(int64_t n, REAL *g)
{
    BaseStatus st = check_indices(n, n, 0);
    if (st != BASE_OK || n == 0) return st;
    lapack_int info = LAPACK(potrf)(LAPACK_COL_MAJOR, 'U', (lapack_int)n, g, (lapack_int)n);
    return check_info("potrf", info, "the matrix is not positive definite");
}

BaseStatus NAME(math_cholesky_solve)(int64_t n, const REAL *l, int64_t rows, REAL *b)
{
    BaseStatus st = check_indices(n, rows, 0);
    if (st != BASE_OK || n == 0 || rows == 0) return st;
    lapack_int info =
        LAPACK(potrs)(LAPACK_COL_MAJOR, 'U', (lapack_int)n, (lapack_int)rows, l, (lapack_int)n, b, (lapack_int)n);
    return check_info("potrs", info, "failed");
}

BaseStatus NAME(math_eigen)(int64_t n, REAL *g, REAL *s)
{
    BaseStatus st = BASE_OK;
    REAL *work = NULL;
    lapack_int *iwork = NULL;
    if (n == 0) return BASE_OK;
    BASE_TRY(check_indices(n, n, 0));
    int64_t lwork = 1 + 6 * n + 2 * n * n, liwork = 3 + 5 * n;
    BASE_CHECK(lwork <= INT32_MAX, BASE_ELIMIT,
               "an eigendecomposition of %lld features is beyond LAPACK's 32-bit workspace (32765): use route closed",
               (long long)n);
    BASE_TRY(BASE_ALLOC_RAW(lwork, &work));
    BASE_TRY(BASE_ALLOC_RAW(liwork, &iwork));
    lapack_int info = LAPACK(syevd)(LAPACK_COL_MAJOR, 'V', 'U', (lapack_int)n, g, (lapack_int)n, s, work,
                                    (lapack_int)lwork, iwork, (lapack_int)liwork);
    BASE_TRY(check_info("syevd", info, "the eigenvalues did not converge"));
    for (int64_t i = 0; i < n; i++)
        BASE_CHECK(isfinite(s[i]), BASE_ENUMERIC, "eigenvalue %lld of %lld is not finite", (long long)i, (long long)n);
out:
    base_free(work);
    base_free(iwork);
    return st;
}
