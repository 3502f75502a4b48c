/* math/linalg.c - checks around BLAS and LAPACK; what both precisions have is in linalg_real.h. */
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

enum { TRACE_BLOCK = 512 };

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
