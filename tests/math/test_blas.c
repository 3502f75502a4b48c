/* Which kernels OpenBLAS computes with, and that wrong ones are found: its functions are replaced by ones that spoil a
 * number of what the true ones gave. */
#include "tests/support/support.h"

#include <cblas.h>
#include <dlfcn.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

#include "math/blas.h"

static const char *spoiled = "";
static double factor = 1; /* of the last number of the last row */

#define REAL_ONE(name) ((__typeof__(&name))(intptr_t)dlsym(RTLD_NEXT, #name))
#define SPOIL(name, x, n, ld)                                                                                          \
    do {                                                                                                               \
        if (strcmp(spoiled, name) == 0) (x)[((n)-1) * (ld) + (n)-1] *= (__typeof__(*(x)))factor;                       \
    } while (0)

#define REPLACE(REAL, S)                                                                                               \
    void cblas_##S##gemm(CBLAS_LAYOUT o, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint M, blasint N, blasint K,      \
                         REAL alpha, const REAL *a, blasint lda, const REAL *b, blasint ldb, REAL beta, REAL *c,       \
                         blasint ldc)                                                                                  \
    {                                                                                                                  \
        REAL_ONE(cblas_##S##gemm)(o, ta, tb, M, N, K, alpha, a, lda, b, ldb, beta, c, ldc);                            \
        SPOIL(#S "gemm", c, M, ldc);                                                                                   \
    }                                                                                                                  \
    void cblas_##S##syrk(CBLAS_LAYOUT o, CBLAS_UPLO u, CBLAS_TRANSPOSE t, blasint N, blasint K, REAL alpha,            \
                         const REAL *a, blasint lda, REAL beta, REAL *c, blasint ldc)                                  \
    {                                                                                                                  \
        REAL_ONE(cblas_##S##syrk)(o, u, t, N, K, alpha, a, lda, beta, c, ldc);                                         \
        SPOIL(#S "syrk", c, N, ldc);                                                                                   \
    }                                                                                                                  \
    void cblas_##S##trsm(CBLAS_LAYOUT o, CBLAS_SIDE s, CBLAS_UPLO u, CBLAS_TRANSPOSE t, CBLAS_DIAG d, blasint M,       \
                         blasint N, REAL alpha, const REAL *a, blasint lda, REAL *b, blasint ldb)                      \
    {                                                                                                                  \
        REAL_ONE(cblas_##S##trsm)(o, s, u, t, d, M, N, alpha, a, lda, b, ldb);                                         \
        SPOIL(#S "trsm", b, M, ldb);                                                                                   \
    }                                                                                                                  \
    lapack_int LAPACKE_##S##potrf_work(int o, char u, lapack_int n, REAL *a, lapack_int lda)                           \
    {                                                                                                                  \
        lapack_int info = 0;                                                                                           \
        assert_int_equal(o, LAPACK_COL_MAJOR);                                                                         \
        LAPACK_##S##potrf(&u, &n, a, &lda, &info);                                                                     \
        SPOIL(#S "potrf", a, n, lda);                                                                                  \
        return info;                                                                                                   \
    }
REPLACE(float, s)
REPLACE(double, d)

static void test_wrong_kernels_are_found(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"sgemm", "ssyrk", "spotrf", "strsm", "dgemm", "dsyrk", "dpotrf", "dtrsm"};
    const char *wrong = "?";
    spoiled = "";
    assert_ok(math_blas_check(&wrong));
    assert_null(wrong);
    for (int i = 0; i < 8; i++) {
        spoiled = NAMES[i];
        /* one number of 11025 by far more than the bound of 107 units (1.3e-5; 2.4e-14) allows, or not finite */
        for (int k = 0; k < 2; k++) {
            factor = k ? NAN : NAMES[i][0] == 's' ? 1.01 : 1 + 1e-9;
            assert_ok(math_blas_check(&wrong));
            assert_string_equal(wrong, NAMES[i]);
        }
    }
    spoiled = "";
}

static BaseStatus check_once(void *user)
{
    const char *wrong;
    (void)user;
    return math_blas_check(&wrong);
}

static void test_check_without_memory(void **state)
{
    (void)state;
    support_fail_allocations(check_once, NULL, 20);
}

static void test_names(void **state)
{
    (void)state;
    const char *core = math_blas_core();
    MathBlasClass cpu = math_blas_cpu_class();
    assert_non_null(strstr(math_blas_version(), core));
    /* a name of a newer OpenBLAS: as good as the CPU */
    assert_int_equal(math_blas_core_class("GraniteRapids"), cpu);
#ifdef __x86_64__
    assert_true(cpu >= MATH_BLAS_SSE && strlen(math_blas_cpu_key()) == 176);
    assert_int_equal(math_blas_core_class("Prescott"), MATH_BLAS_SSE);
    assert_int_equal(math_blas_core_class("sandybridge"), MATH_BLAS_AVX);
    assert_int_equal(math_blas_core_class("Zen"), MATH_BLAS_AVX2);
    assert_int_equal(math_blas_core_class("Cooperlake"), MATH_BLAS_AVX512);
    MathBlasClass last = MATH_BLAS_AVX512;
    for (const char *const *c = math_blas_choices(); *c; c++) { /* best first */
        assert_true(math_blas_core_class(*c) <= last);
        last = math_blas_core_class(*c);
    }
    assert_true(last == MATH_BLAS_SSE);
#else
    assert_true(cpu == MATH_BLAS_ANY && !*math_blas_choices());
#endif
}

static void test_threads_at_start(void **state)
{
    (void)state;
    char one[] = "OMP_NUM_THREADS=1", none[] = "OMP_NUM_THREADS=0", many[] = "OPENBLAS_NUM_THREADS=100000";
    char other[] = "XOMP_NUM_THREADS=1";
    char *const alone[] = {one, NULL}, *const both[] = {one, many, NULL}, *const unset[] = {none, other, NULL};
    int all = math_blas_start_threads(unset);
    assert_int_equal(math_blas_start_threads(alone), 1);
    assert_true(all >= 1 && all <= 128);
    assert_int_equal(math_blas_start_threads(both), all);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(test_wrong_kernels_are_found),
    cmocka_unit_test(test_check_without_memory),
    cmocka_unit_test(test_names),
    cmocka_unit_test(test_threads_at_start),
};
SUPPORT_MAIN(TESTS)
