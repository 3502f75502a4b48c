#include "math/linalg.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

/* A row-major matrix is the column-major transpose, so LAPACK is called column-major on the same memory: a lower
 * triangle is its 'U', and the rows of B are its right-hand sides. The _work forms are used throughout: the others scan
 * for NaN, and round the workspace size they ask for through a float, which LAPACK then refuses at large sizes. */

static BaseStatus check_index(const char *what, int64_t value)
{
    if (value >= 0 && value <= INT32_MAX) return BASE_OK;
    return base_error_set(BASE_ELIMIT, "%s = %lld: LAPACK counts to %d", what, (long long)value, INT32_MAX);
}

static BaseStatus check_indices(int64_t a, int64_t b, int64_t c)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(check_index("matrix rows", a));
    BASE_TRY(check_index("matrix columns", b));
    BASE_TRY(check_index("inner dimension", c));
out:
    return st;
}

static BaseStatus check_info(const char *routine, lapack_int info, const char *meaning)
{
    if (info == 0) return BASE_OK;
    if (info < 0)
        return base_error_set(BASE_EBACKEND, "LAPACK %s refused its argument %d (info %d)", routine, -info, info);
    return base_error_set(BASE_ENUMERIC, "LAPACK %s: %s (info %d)", routine, meaning, info);
}

#define REAL         float
#define NAME(name)   name
#define BLAS(name)   cblas_s##name
#define LAPACK(name) LAPACKE_s##name##_work
#include "math/linalg_real.h"
#undef REAL
#undef NAME
#undef BLAS
#undef LAPACK
#define REAL         double
#define NAME(name)   name##_f64
#define BLAS(name)   cblas_d##name
#define LAPACK(name) LAPACKE_d##name##_work
#include "math/linalg_real.h"

BaseStatus math_svd(int64_t n, int64_t f, float *x, float *s, float *vt)
{
    BaseStatus st = BASE_OK;
    float *work = NULL, *other = NULL;
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
    float query = 0;
    lapack_int info =
        LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'O', m, k, x, m, s, vt, m, other, tall ? ld : 1, &query, -1, iwork);
    BASE_TRY(check_info("sgesdd", info, "workspace query failed"));
    /* the answer went through a float: round it up by two units in the last place */
    int64_t wanted = (int64_t)((double)query * (1 + 0x1p-22)) + 1;
    int64_t lwork = wanted > least ? wanted : least;
    if (lwork > INT32_MAX) lwork = INT32_MAX;
    BASE_TRY(BASE_ALLOC_RAW(lwork, &work));
    info = LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'O', m, k, x, m, s, vt, m, other, tall ? ld : 1, work,
                               (lapack_int)lwork, iwork);
    BASE_TRY(check_info("sgesdd", info, "the singular values did not converge"));
    BASE_CHECK(math_is_finite(s, small), BASE_ENUMERIC, "singular values of a [%lld, %lld] matrix are not finite",
               (long long)n, (long long)f);
    if (tall) memcpy(vt, x, (size_t)(n * f) * sizeof *vt);
out:
    base_free(work);
    base_free(other);
    base_free(iwork);
    return st;
}

BaseStatus math_orthonormalise(int64_t r, int64_t f, float *z)
{
    BaseStatus st = BASE_OK;
    float *tau = NULL, *work = NULL;
    if (r == 0) return BASE_OK;
    BASE_TRY(check_indices(r, f, 0));
    BASE_CHECK(r <= f, BASE_EARG, "%lld orthonormal rows of %lld entries: at most %lld exist", (long long)r,
               (long long)f, (long long)f);
    int64_t lwork = 64 * r; /* 64: LAPACK's block size or more */
    BASE_TRY(check_index("workspace", lwork));
    BASE_TRY(BASE_ALLOC_RAW(r, &tau));
    BASE_TRY(BASE_ALLOC_RAW(lwork, &work));
    lapack_int m = (lapack_int)f, k = (lapack_int)r;
    lapack_int info = LAPACKE_sgeqrf_work(LAPACK_COL_MAJOR, m, k, z, m, tau, work, (lapack_int)lwork);
    BASE_TRY(check_info("sgeqrf", info, "failed"));
    info = LAPACKE_sorgqr_work(LAPACK_COL_MAJOR, m, k, k, z, m, tau, work, (lapack_int)lwork);
    BASE_TRY(check_info("sorgqr", info, "failed"));
out:
    base_free(tau);
    base_free(work);
    return st;
}

double math_dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

bool math_is_finite(const float *x, int64_t n)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++) bad += !isfinite(x[i]);
    return bad == 0;
}

void math_scale(float *x, int64_t n, float factor)
{
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
}
