/* Threads, and matrix operations against plain loops in double. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "base/system.h"
#include "math/blas.h"
#include "math/linalg.h"
#include "math/threads.h"

/* One unit in the last place of float32 is 6e-8; a dot product of n <= 100 well-scaled terms is off by about
 * sqrt(n) units, decompositions of such matrices by some tens: 1e-5 of the largest entry holds all, and no wrong
 * formula. */
#define TOLERANCE 1e-5

static float *normals(int64_t n, uint64_t seed)
{
    float *x;
    BaseRandom r = base_random_make(seed, "test", 0);
    assert_ok(BASE_ALLOC(n, &x));
    for (int64_t i = 0; i < n; i++) x[i] = (float)base_random_normal(&r);
    return x;
}

static double *doubles(int64_t n)
{
    double *x;
    assert_ok(BASE_ALLOC(n, &x));
    return x;
}

typedef struct {
    char openblas[4096]; /* the one, links followed; "" until it is met */
    int others;
} Blas;

static void note_blas(void *user, const char *path)
{
    Blas *blas = user;
    if (!strstr(path, "libopenblas")) return;
    if (!*blas->openblas) snprintf(blas->openblas, sizeof blas->openblas, "%s", path);
    if (strcmp(path, blas->openblas) != 0) blas->others++;
}

/* What else names itself BLAS or LAPACK (liblapacke pulls it in) must be that OpenBLAS, too: the file beside it. */
static void note_stand_in(void *user, const char *path)
{
    Blas *blas = user;
    const char *slash = strrchr(path, '/');
    size_t folder = (size_t)(slash - path) + 1;
    if (strncmp(slash, "/libblas.", 9) != 0 && strncmp(slash, "/liblapack.", 11) != 0) return;
    if (strncmp(path, blas->openblas, folder) != 0 || strchr(blas->openblas + folder, '/')) blas->others++;
}

static void test_one_openblas(void **state)
{
    (void)state;
    Blas blas = {.others = 0};
    assert_true(strstr(math_blas_version(), "OpenBLAS") && strstr(math_blas_version(), "USE_OPENMP"));
    base_system_libraries(note_blas, &blas);
    base_system_libraries(note_stand_in, &blas);
    assert_true(*blas.openblas);
    assert_int_equal(blas.others, 0);
}

static void test_threads(void **state)
{
    (void)state;
    int before = math_threads_get();
    assert_ok(math_threads_set(1));
    assert_int_equal(math_threads_get(), 1);
    assert_ok(math_threads_set(2));
    assert_int_equal(math_threads_get(), 2);
    assert_fails(math_threads_set(0), BASE_EARG, "threads = 0");
    assert_fails(math_threads_set(100000), BASE_EARG, "1 to 1024");
    assert_int_equal(math_threads_get(), 2);
    assert_ok(math_threads_set(before));
}

static void test_products(void **state)
{
    (void)state;
    enum { M = 7, N = 5, K = 11 };
    float *a = normals(M * K, 1), *b = normals(K * N, 2), *at = normals(M * K, 1), *bt = normals(K * N, 2),
          *c = normals(M * N, 3);
    double *want = doubles(M * N);
    for (int i = 0; i < M; i++)
        for (int k = 0; k < K; k++) at[k * M + i] = a[i * K + k];
    for (int k = 0; k < K; k++)
        for (int j = 0; j < N; j++) bt[j * K + k] = b[k * N + j];
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < K; k++) want[i * N + j] += 2.0 * (double)a[i * K + k] * (double)b[k * N + j];
    assert_ok(math_gemm(false, false, M, N, K, 2, a, b, 0, c));
    assert_close_f32(c, want, M * N, TOLERANCE);
    assert_ok(math_gemm(true, true, M, N, K, 2, at, bt, 0, c));
    assert_close_f32(c, want, M * N, TOLERANCE);
    assert_ok(math_gemm(true, false, M, N, K, 1, at, b, 0.5f, c));
    assert_close_f32(c, want, M * N, TOLERANCE);
    assert_fails(math_gemm(false, false, (int64_t)1 << 31, 1, 1, 1, a, b, 0, c), BASE_ELIMIT, "2147483648");

    float *g, *k;
    assert_ok(BASE_ALLOC(K * K, &g));
    assert_ok(BASE_ALLOC(M * M, &k));
    assert_ok(math_gram_block(false, M, K, a, K, g, K));
    assert_ok(math_gram_block(true, M, K, a, K, k, M));
    for (int i = 0; i < K; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = 0;
            for (int r = 0; r < M; r++) sum += (double)a[r * K + i] * (double)a[r * K + j];
            assert_near((double)g[i * K + j], sum, TOLERANCE * M, TOLERANCE);
        }
    }
    for (int i = 0; i < M; i++)
        for (int j = 0; j <= i; j++)
            assert_near((double)k[i * M + j], math_dot(a + i * K, a + j * K, K), TOLERANCE * K, TOLERANCE);
    base_free(a), base_free(b), base_free(at), base_free(bt), base_free(c), base_free(want), base_free(g), base_free(k);
}

/* lower(i, j) of a symmetric matrix stored in its lower triangle */
static double lower(const float *g, int64_t n, int64_t i, int64_t j)
{
    return (double)(i >= j ? g[i * n + j] : g[j * n + i]);
}

static void test_cholesky(void **state)
{
    (void)state;
    enum { N = 9, R = 4 };
    float *x = normals(20 * N, 4), *g, *l, *b = normals(R * N, 5), *c;
    assert_ok(BASE_ALLOC(N * N, &g));
    assert_ok(BASE_ALLOC(N * N, &l));
    assert_ok(BASE_ALLOC(R * N, &c));
    double *want = doubles(R * N);
    assert_ok(math_gram_block(false, 20, N, x, N, g, N));
    assert_ok(math_symm(R, N, b, g, c)); /* c = b G, so c G^-1 = b */
    for (int r = 0; r < R; r++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N; k++) want[r * N + j] += (double)b[r * N + k] * lower(g, N, k, j);
    assert_close_f32(c, want, R * N, TOLERANCE);
    for (int i = 0; i < R * N; i++) want[i] = (double)b[i];
    memcpy(l, g, N * N * sizeof *l);
    assert_ok(math_cholesky(N, l));
    assert_ok(math_cholesky_solve(N, l, R, c));
    assert_close_f32(c, want, R * N, 1e-4); /* condition of the 9 x 9 Gram matrix: about 30 */
    memset(l, 0, N * N * sizeof *l);
    l[0] = -1;
    assert_fails(math_cholesky(N, l), BASE_ENUMERIC, "info 1");
    base_free(x), base_free(g), base_free(l), base_free(b), base_free(c), base_free(want);
}

/* ||G v - s v|| is small, the vectors are orthonormal, s ascends */
static void test_eigen(void **state)
{
    (void)state;
    enum { N = 33 };
    float *x = normals(12 * N, 6), *g, *v, *s;
    assert_ok(BASE_ALLOC(N * N, &g));
    assert_ok(BASE_ALLOC(N * N, &v));
    assert_ok(BASE_ALLOC(N, &s));
    assert_ok(math_gram_block(false, 12, N, x, N, g, N));
    math_scale(g, (int64_t)N * N, 1.0f / 12);
    memcpy(v, g, N * N * sizeof *v);
    assert_ok(math_eigen(N, v, s));
    for (int i = 0; i < N; i++) {
        if (i) assert_true(s[i] >= s[i - 1]);
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++) sum += lower(g, N, j, k) * (double)v[i * N + k];
            assert_near(sum, (double)s[i] * (double)v[i * N + j], TOLERANCE * (double)s[N - 1], 0);
            assert_near(math_dot(v + i * N, v + j * N, N), i == j, TOLERANCE, 0);
        }
    }
    assert_true(fabsf(s[0]) < 1e-5f && s[N - 13] < 1e-5f && s[N - 12] > 1e-2f); /* rank 12 */
    float one = 0;
    assert_fails(math_eigen(40000, &one, &one), BASE_ELIMIT, "40000");
    base_free(x), base_free(g), base_free(v), base_free(s);
}

static void check_svd(int64_t n, int64_t f)
{
    int64_t k = n < f ? n : f;
    float *x = normals(n * f, 7), *copy = normals(n * f, 7), *s, *v;
    assert_ok(BASE_ALLOC(k, &s));
    assert_ok(BASE_ALLOC(k * f, &v));
    assert_ok(math_svd(n, f, copy, s, v));
    for (int64_t i = 0; i < k; i++) { /* ||X v_i|| = s_i, and X v_i are orthogonal */
        if (i) assert_true(s[i] <= s[i - 1]);
        for (int64_t j = 0; j < k; j++) {
            double sum = 0;
            for (int64_t r = 0; r < n; r++)
                sum += math_dot(x + r * f, v + i * f, f) * math_dot(x + r * f, v + j * f, f);
            assert_near(sum, i == j ? (double)s[i] * (double)s[i] : 0, TOLERANCE * (double)s[0] * (double)s[0],
                        TOLERANCE);
            assert_near(math_dot(v + i * f, v + j * f, f), i == j, TOLERANCE, 0);
        }
    }
    base_free(x), base_free(copy), base_free(s), base_free(v);
}

static void test_svd(void **state)
{
    (void)state;
    check_svd(40, 13);
    check_svd(13, 40);
    check_svd(300, 5);
    check_svd(5, 300);
    check_svd(16, 16);
    check_svd(1, 1);
    float one = 0;
    assert_fails(math_svd(30000, 30000, &one, &one, &one), BASE_ELIMIT, "route eigen");
}

static void test_orthonormalise(void **state)
{
    (void)state;
    enum { R = 6, F = 31 };
    float *z = normals(R * F, 8), *q = normals(R * F, 8);
    assert_ok(math_orthonormalise(R, F, q));
    for (int i = 0; i < R; i++) {
        double inside = 0;
        for (int j = 0; j < R; j++) {
            assert_near(math_dot(q + i * F, q + j * F, F), i == j, TOLERANCE, 0);
            double part = math_dot(z + i * F, q + j * F, F);
            inside += part * part;
        }
        assert_near(inside, math_dot(z + i * F, z + i * F, F), 0, TOLERANCE); /* the same space */
    }
    assert_fails(math_orthonormalise(F + 1, F, q), BASE_EARG, "at most 31");
    base_free(z), base_free(q);
}

static void test_not_finite(void **state)
{
    (void)state;
    float x[5] = {0, 1, -2, 3, 4};
    assert_true(math_is_finite(x, 5));
    x[4] = NAN;
    assert_false(math_is_finite(x, 5));
    x[4] = -INFINITY;
    assert_false(math_is_finite(x, 5));
    assert_true(math_is_finite(x, 4));
}

static BaseStatus decompose_once(void *user)
{
    BaseStatus st = BASE_OK;
    float *x = user, *s = NULL, *v = NULL;
    BASE_TRY(BASE_ALLOC(6, &s));
    BASE_TRY(BASE_ALLOC(6 * 8, &v));
    for (int i = 0; i < 48; i++) x[i] = (float)(i % 7);
    BASE_TRY(math_svd(6, 8, x, s, v));
    for (int i = 0; i < 36; i++) x[i] = i % 7 == 0;
    BASE_TRY(math_eigen(6, x, s));
    BASE_TRY(math_orthonormalise(3, 8, v));
out:
    base_free(s);
    base_free(v);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    float x[48];
    support_fail_allocations(decompose_once, x, 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one_openblas),   cmocka_unit_test(test_threads),    cmocka_unit_test(test_products),
    cmocka_unit_test(test_cholesky),       cmocka_unit_test(test_eigen),      cmocka_unit_test(test_svd),
    cmocka_unit_test(test_orthonormalise), cmocka_unit_test(test_not_finite), cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
