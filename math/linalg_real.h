/* math/linalg_real.h - the body of linalg.c in one precision: included once with REAL float, once with REAL double. */
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

BaseStatus NAME(math_gemm)(bool ta, bool tb, int64_t M, int64_t N, int64_t K, REAL alpha, const REAL *a, const REAL *b,
                           REAL beta, REAL *c)
{
    int64_t lda = ta ? M : K, ldb = tb ? K : N;
    return NAME(math_gemm_block)(ta, tb, M, N, K, alpha, a, lda > 0 ? lda : 1, b, ldb > 0 ? ldb : 1, beta, c, N);
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

BaseStatus NAME(math_cholesky_shifted)(int64_t n, REAL factor, const REAL *g, REAL *l)
{
#pragma omp parallel for schedule(static, 16)
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) l[i * n + j] = factor * g[i * n + j];
        l[i * n + i] += 1;
    }
    return NAME(math_cholesky)(n, l);
}

BaseStatus NAME(math_divide)(int64_t n, REAL *g, REAL by, double *squares)
{
    BaseStatus st = BASE_OK;
    double *of_row = NULL; /* so that the order of the sum is one, whatever the threads */
    BASE_TRY(BASE_ALLOC_RAW(n, &of_row));
#pragma omp parallel for schedule(static, 16)
    for (int64_t i = 0; i < n; i++) {
        REAL *row = g + i * n;
        double below = 0;
        for (int64_t j = 0; j <= i; j++) row[j] /= by;
        for (int64_t j = 0; j < i; j++) below += (double)row[j] * (double)row[j];
        of_row[i] = 2 * below + (double)row[i] * (double)row[i];
    }
    *squares = 0;
    for (int64_t i = 0; i < n; i++) *squares += of_row[i];
out:
    base_free(of_row);
    return st;
}

/* From the lower triangles of W^T W and G, TRACE_BLOCK columns at a time. */
BaseStatus NAME(math_trace_form)(int64_t n, const REAL *g, int64_t rows, const REAL *w, double *out)
{
    BaseStatus st = BASE_OK;
    REAL *block = NULL;
    double *of_row = NULL;
    *out = 0;
    BASE_TRY(BASE_ALLOC_RAW(TRACE_BLOCK * n, &block));
    BASE_TRY(BASE_ALLOC_RAW(TRACE_BLOCK, &of_row));
    for (int64_t at = 0; at < n; at += TRACE_BLOCK) {
        int64_t wide = n - at < TRACE_BLOCK ? n - at : TRACE_BLOCK, end = at + wide;
        BASE_TRY(NAME(math_gemm_block)(true, false, wide, end, rows, 1, w + at, n, w, n, 0, block, n));
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < wide; i++) {
            const REAL *a = block + i * n, *b = g + (at + i) * n;
            double below = 0;
            for (int64_t j = 0; j < at + i; j++) below += (double)(a[j] * b[j]);
            of_row[i] = 2 * below + (double)(a[at + i] * b[at + i]);
        }
        for (int64_t i = 0; i < wide; i++) *out += of_row[i];
    }
out:
    base_free(block);
    base_free(of_row);
    return st;
}

BaseStatus NAME(math_svd)(int64_t n, int64_t f, REAL *x, REAL *s, REAL *vt)
{
    BaseStatus st = BASE_OK;
    REAL *work = NULL, *other = NULL;
    lapack_int *iwork = NULL;
    if (n == 0 || f == 0) return BASE_OK;
    BASE_TRY(check_indices(n, f, 0));
    int64_t small = n < f ? n : f, large = n < f ? f : n, inner = 5 * small * small + 4 * small;
    int64_t least = 3 * small + (inner > large ? inner : large);
    BASE_CHECK(
        small <= 20000, BASE_ELIMIT,
        "a singular value decomposition of [%lld, %lld] is beyond LAPACK's 32-bit workspace (20000): use route eigen",
        (long long)n, (long long)f);
    /* column-major X is [f, n] = V S U^T. JOBZ = O: V lands in x where f >= n, in the place given for it elsewhere */
    bool tall = f >= n;
    lapack_int m = (lapack_int)f, k = (lapack_int)n, ld = (lapack_int)small;
    BASE_TRY(BASE_ALLOC_RAW(tall ? n * n : 1, &other));
    BASE_TRY(BASE_ALLOC_RAW(8 * small, &iwork));
    REAL query = 0;
    lapack_int info =
        LAPACK(gesdd)(LAPACK_COL_MAJOR, 'O', m, k, x, m, s, vt, m, other, tall ? ld : 1, &query, -1, iwork);
    BASE_TRY(check_info("gesdd", info, "workspace query failed"));
    /* the answer went through a REAL: round it up by two units of float's last place */
    int64_t wanted = (int64_t)((double)query * (1 + 0x1p-22)) + 1;
    int64_t lwork = wanted > least ? wanted : least;
    if (lwork > INT32_MAX) lwork = INT32_MAX;
    BASE_TRY(BASE_ALLOC_RAW(lwork, &work));
    info = LAPACK(gesdd)(LAPACK_COL_MAJOR, 'O', m, k, x, m, s, vt, m, other, tall ? ld : 1, work, (lapack_int)lwork,
                         iwork);
    BASE_TRY(check_info("gesdd", info, "the singular values did not converge"));
    for (int64_t i = 0; i < small; i++)
        BASE_CHECK(isfinite(s[i]), BASE_ENUMERIC, "singular values of a [%lld, %lld] matrix are not finite",
                   (long long)n, (long long)f);
    if (tall) memcpy(vt, x, (size_t)(n * f) * sizeof *vt);
out:
    base_free(work);
    base_free(other);
    base_free(iwork);
    return st;
}
