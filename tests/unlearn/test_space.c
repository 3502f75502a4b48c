/* The importance projection on every route against float64 reference values, and against its naive double twin. */
#include "tests/unlearn/ways.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rounding the input to float32 moves s by 1e-7 of s, and lambda no more; the work at this size is in float64, or the
 * SVD's float32 with errors of 1e-6. 2e-5 of the largest entry leaves room; a wrong formula is off by 1e-2 and more. */
#define TOLERANCE 2e-5

/* Where the reference is 0 (nothing to forget) the result must be 0 too. */
static void compare(const float *got, const double *want, int64_t n, const char *what, double tolerance)
{
    print_message("  %-12s %.2g\n", what, support_close_f32(got, want, n, tolerance, what, __FILE__, __LINE__));
}

static void check_case(IoHdf5 *file, const char *name, Way way)
{
    char path[128];
    int64_t nr, nf, nw, f, out_rows;
    float *xr, *xf, *w;
    double *pr, *pf, *pd, *wu;
#define READ(kind, field, to, count)                                                                                   \
    (snprintf(path, sizeof path, "/%s/%s", name, field), to = support_read_##kind(file, path, count))
    READ(f32, "X_retain", xr, &nr);
    READ(f32, "X_forget", xf, &nf);
    READ(f32, "W", w, &nw);
    READ(f64, "P_retain", pr, &f);
    READ(f64, "P_forget", pf, NULL);
    READ(f64, "P_dis", pd, NULL);
    READ(f64, "W_unlearned", wu, NULL);
#undef READ
    f = (int64_t)llround(sqrt((double)f));
    nr /= f, nf /= f, out_rows = nw / f;
    snprintf(path, sizeof path, "/%s", name);
    double alpha_r = support_attr(file, path, "alpha_r"), alpha_f = support_attr(file, path, "alpha_f");
    print_message("%s route %s%s\n", name, unlearn_route_names[way.route], way.primal ? " primal" : "");

    UnlearnSpace *retain = NULL, *forget = NULL;
    assert_ok(importance_of(way, xr, nr, f, 33, &retain));
    assert_ok(importance_of(way, xf, nf, f, 1000, &forget));
    bool keeps_x = way.route == UNLEARN_ROUTE_SVD || way.route == UNLEARN_ROUTE_REFERENCE;
    assert_int_equal(unlearn_space_is_dual(retain), !keeps_x && !way.primal && nr < f);
    float *eye = identity(f), *got, *dis;
    assert_ok(BASE_ALLOC(f * f, &got));
    assert_ok(BASE_ALLOC(f * f, &dis));
    assert_ok(unlearn_space_project(retain, alpha_r, eye, f, got));
    compare(got, pr, f * f, "P_retain", TOLERANCE);
    assert_ok(unlearn_space_project(forget, alpha_f, eye, f, got));
    compare(got, pf, f * f, "P_forget", TOLERANCE);
    assert_ok(edit_once(retain, forget, alpha_r, alpha_f, eye, f, got, NULL)); /* P_dis^T */
    for (int64_t i = 0; i < f; i++)
        for (int64_t j = 0; j < f; j++) dis[i * f + j] = got[j * f + i];
    compare(dis, pd, f * f, "P_dis", TOLERANCE);
    assert_ok(edit_once(retain, forget, alpha_r, alpha_f, w, out_rows, got, NULL));
    for (int64_t i = 0; i < nw; i++) got[i] = w[i] - got[i];
    compare(got, wu, nw, "W_unlearned", TOLERANCE);
    unlearn_space_free(retain), unlearn_space_free(forget);
    base_free(eye), base_free(got), base_free(dis), base_free(xr), base_free(xf), base_free(w);
    base_free(pr), base_free(pf), base_free(pd), base_free(wu);
}

static void test_reference(void **state)
{
    (void)state;
    static const char *const CASES[] = {"tall",        "wide",        "rank_deficient",
                                        "alpha_one",   "alpha_small", "alpha_large",
                                        "one_feature", "zero_forget", "unbalanced_scale"};
    IoHdf5 *file;
    assert_ok(io_hdf5_open(support_fixture("projection.h5"), &file));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int way = 0; way < WAY_COUNT; way++) check_case(file, CASES[i], WAYS[way]);
    io_hdf5_close(file);
}

/* P = alpha G ((alpha - 1) G + I)^-1 in double: A P^T = alpha G by Gauss-Jordan with pivoting. G and s's moments too.
 */
static double *naive_importance(const float *x, int64_t n, int64_t f, double alpha, double *trace, double *rank)
{
    double *g, *a, *p, squares = 0;
    assert_ok(BASE_ALLOC(f * f, &g));
    assert_ok(BASE_ALLOC(f * f, &a));
    assert_ok(BASE_ALLOC(f * f, &p));
    *trace = 0;
    for (int64_t i = 0; i < n * f; i++) *trace += (double)x[i] * (double)x[i];
    for (int64_t i = 0; i < f; i++) {
        for (int64_t j = 0; j < f; j++) {
            for (int64_t r = 0; r < n; r++) g[i * f + j] += (double)x[r * f + i] * (double)x[r * f + j] / *trace;
            a[i * f + j] = (alpha - 1) * g[i * f + j] + (i == j);
            p[i * f + j] = alpha * g[i * f + j];
            squares += g[i * f + j] * g[i * f + j];
        }
    }
    *rank = 1 / squares;
    for (int64_t c = 0; c < f; c++) {
        int64_t pivot = c;
        for (int64_t i = c; i < f; i++)
            if (fabs(a[i * f + c]) > fabs(a[pivot * f + c])) pivot = i;
        for (int64_t j = 0; j < f; j++) {
            double t = a[c * f + j];
            a[c * f + j] = a[pivot * f + j], a[pivot * f + j] = t;
            t = p[c * f + j], p[c * f + j] = p[pivot * f + j], p[pivot * f + j] = t;
        }
        double inverse = 1 / a[c * f + c];
        for (int64_t j = 0; j < f; j++) a[c * f + j] *= inverse, p[c * f + j] *= inverse;
        for (int64_t i = 0; i < f; i++) {
            double factor = a[i * f + c];
            if (i == c || factor == 0) continue;
            for (int64_t j = 0; j < f; j++)
                a[i * f + j] -= factor * a[c * f + j], p[i * f + j] -= factor * p[c * f + j];
        }
    }
    base_free(g);
    base_free(a);
    return p;
}

/* Shapes of other proportions than the reference's; one preparation serves several alphas. */
static void test_twin(void **state)
{
    (void)state;
    static const int64_t SHAPES[][2] = {{1, 1}, {1, 40}, {300, 37}, {36, 37}, {37, 37}, {12, 70}};
    static const double ALPHAS[] = {0.01, 0.25, 1, 3, 100, 1000};
    for (size_t k = 0; k < sizeof SHAPES / sizeof *SHAPES; k++) {
        int64_t n = SHAPES[k][0], f = SHAPES[k][1];
        float *x = normals(n * f, k, 5), *eye = identity(f), *got;
        assert_ok(BASE_ALLOC(f * f, &got));
        for (int64_t i = 0; i < n * f; i++) x[i] += 3; /* images are not centred: one large direction */
        for (int way = 0; way < WAY_COUNT; way++) {
            UnlearnSpace *m = NULL;
            assert_ok(importance_of(WAYS[way], x, n, f, 7, &m));
            for (size_t a = 0; a < sizeof ALPHAS / sizeof *ALPHAS; a++) {
                double trace, rank, response;
                double *want = naive_importance(x, n, f, ALPHAS[a], &trace, &rank);
                assert_ok(unlearn_space_project(m, ALPHAS[a], eye, f, got));
                assert_close_f32(got, want, f * f, TOLERANCE);
                for (int64_t i = 0; i < f * f; i++) want[i] = (double)eye[i] - want[i];
                assert_ok(remove_space(m, ALPHAS[a], eye, f, got));
                if (f > 1)
                    assert_close_f32(got, want, f * f, TOLERANCE);
                else
                    assert_near((double)got[0], want[0], TOLERANCE, 0);
                assert_near(unlearn_space_trace(m), trace, 0, 1e-5);
                assert_near(unlearn_space_rank(m), rank, 0, 1e-5);
                assert_ok(unlearn_space_response(m, eye, f, &response)); /* tr G = 1 */
                assert_near(response, 1, 1e-5, 0);
                base_free(want);
            }
            int64_t count;
            const double *s = unlearn_space_spectrum(m, &count);
            assert_int_equal(s == NULL,
                             WAYS[way].route == UNLEARN_ROUTE_CLOSED || WAYS[way].route == UNLEARN_ROUTE_AUTO);
            double sum = 0;
            for (int64_t i = 0; i < count; i++) {
                assert_true(s[i] >= 0 && (i == 0 || s[i] <= s[i - 1]));
                sum += s[i];
            }
            if (s) assert_near(sum, 1, 1e-5, 0);
            unlearn_space_free(m);
        }
        base_free(x), base_free(eye), base_free(got);
    }
}

/* Above 1024 features (or rows, in the dual) the symmetric matrix is float32. Too large for elimination, so by
 * residual: out = W P solves out ((alpha - 1) G + I) = alpha W G, with G applied through X in double. Rounding of G and
 * of a condition-100 Cholesky leave 1e-6 to 1e-5 of the largest entry; 1e-4 is asked. The complement must add up to W
 * to the same. */
static void check_large(int64_t n, int64_t f, Way way)
{
    enum { R = 3 };
    const double alpha = 100;
    float *x = normals(n * f, 4, 1), *w = normals(R * f, 5, 1), *out, *rest;
    double trace = 0, *g, worst = 0, largest = 0;
    UnlearnSpace *m = NULL;
    assert_ok(BASE_ALLOC(R * f, &out));
    assert_ok(BASE_ALLOC(R * f, &rest));
    assert_ok(BASE_ALLOC(2 * f, &g));
    for (int64_t i = 0; i < n * f; i++) x[i] += 0.5f, trace += (double)x[i] * (double)x[i];
    assert_ok(importance_of(way, x, n, f, 400, &m));
    assert_ok(unlearn_space_project(m, alpha, w, R, out));
    assert_ok(remove_space(m, alpha, w, R, rest));
    assert_near(unlearn_space_trace(m), trace, 0, 1e-5);
    for (int r = 0; r < R; r++) {
        memset(g, 0, (size_t)(2 * f) * sizeof *g); /* out G and W G */
        for (int64_t i = 0; i < n; i++) {
            double a = 0, b = 0;
            for (int64_t j = 0; j < f; j++) {
                a += (double)out[r * f + j] * (double)x[i * f + j];
                b += (double)w[r * f + j] * (double)x[i * f + j];
            }
            for (int64_t j = 0; j < f; j++)
                g[j] += a * (double)x[i * f + j] / trace, g[f + j] += b * (double)x[i * f + j] / trace;
        }
        for (int64_t j = 0; j < f; j++) {
            double off = fabs((alpha - 1) * g[j] + (double)out[r * f + j] - alpha * g[f + j]);
            if (!(off <= worst)) worst = off;
            if (fabs(alpha * g[f + j]) > largest) largest = fabs(alpha * g[f + j]);
            assert_near((double)out[r * f + j] + (double)rest[r * f + j], (double)w[r * f + j], 1e-4, 0);
        }
    }
    print_message("  [%lld, %lld] residual %.2g\n", (long long)n, (long long)f, worst / largest);
    assert_true(worst <= 1e-4 * largest);
    unlearn_space_free(m);
    base_free(x), base_free(w), base_free(out), base_free(rest), base_free(g);
}

static void test_large(void **state)
{
    (void)state;
    check_large(1300, 1100, (Way){UNLEARN_ROUTE_CLOSED, false});
    check_large(1300, 1100, (Way){UNLEARN_ROUTE_EIGEN, false});
    check_large(1040, 1200, (Way){UNLEARN_ROUTE_CLOSED, false});
    check_large(1040, 1200, (Way){UNLEARN_ROUTE_EIGEN, false});
}

/* Response shares on a matrix of weights: ||W X^T||^2 / ||X||^2 by loops. */
static void test_response(void **state)
{
    (void)state;
    enum { N = 9, F = 14, R = 5 };
    float *x = normals(N * F, 1, 1), *w = normals(R * F, 2, 1);
    double want = 0, trace = 0, got;
    for (int i = 0; i < N * F; i++) trace += (double)x[i] * (double)x[i];
    for (int r = 0; r < R; r++) {
        for (int i = 0; i < N; i++) {
            double sum = 0;
            for (int j = 0; j < F; j++) sum += (double)w[r * F + j] * (double)x[i * F + j];
            want += sum * sum / trace;
        }
    }
    for (int way = 0; way < WAY_COUNT; way++) {
        UnlearnSpace *m = NULL;
        assert_ok(importance_of(WAYS[way], x, N, F, 4, &m));
        assert_ok(unlearn_space_response(m, w, R, &got));
        assert_near(got, want, 0, 1e-5);
        unlearn_space_free(m);
    }
    base_free(x), base_free(w);
}

static void test_zero_input(void **state)
{
    (void)state;
    enum { N = 3, F = 6 };
    float x[N * F] = {0}, out[F * F], *eye = identity(F);
    for (int way = 0; way < WAY_COUNT; way++) {
        UnlearnSpace *m = NULL;
        double response;
        assert_ok(importance_of(WAYS[way], x, N, F, 2, &m));
        assert_ok(unlearn_space_project(m, 100, eye, F, out));
        for (int i = 0; i < F * F; i++) assert_true(out[i] == 0);
        assert_ok(remove_space(m, 100, eye, F, out));
        assert_memory_equal(out, eye, sizeof out);
        assert_ok(unlearn_space_response(m, eye, F, &response));
        assert_true(response == 0 && unlearn_space_rank(m) == 0 && unlearn_space_trace(m) == 0);
        unlearn_space_free(m);
    }
    base_free(eye);
}

static BaseStatus twice(void *user, void *x, int64_t n, bool wide)
{
    (*(int *)user)++;
    for (int64_t i = 0; i < n && wide; i++) ((double *)x)[i] *= 2;
    for (int64_t i = 0; i < n && !wide; i++) ((float *)x)[i] *= 2;
    return BASE_OK;
}

/* Two processes with the same rows: twice the trace, twice the rows, the same projection as one. */
static void test_reduce(void **state)
{
    (void)state;
    enum { N = 5, F = 11 };
    float *x = normals(N * F, 3, 1), *eye = identity(F), one[F * F], two[F * F];
    int calls = 0;
    UnlearnSpace *a = NULL, *b = NULL;
    assert_ok(importance_of((Way){UNLEARN_ROUTE_CLOSED, true}, x, N, F, 5, &a));
    assert_ok(unlearn_space_create(N, F, UNLEARN_ROUTE_CLOSED, true, &b));
    assert_ok(unlearn_space_add(b, x, N));
    assert_ok(unlearn_space_finish(b, twice, &calls));
    assert_int_equal(calls, 2);
    assert_int_equal(unlearn_space_rows(b), 2 * N);
    assert_near(unlearn_space_trace(b), 2 * unlearn_space_trace(a), 0, 1e-6);
    assert_ok(unlearn_space_project(a, 30, eye, F, one));
    assert_ok(unlearn_space_project(b, 30, eye, F, two));
    for (int i = 0; i < F * F; i++) assert_near((double)two[i], (double)one[i], 1e-6, 0);
    unlearn_space_free(a);
    unlearn_space_free(b);
    assert_ok(unlearn_space_create(N, F, UNLEARN_ROUTE_CLOSED, false, &a));
    assert_ok(unlearn_space_add(a, x, N));
    assert_fails(unlearn_space_finish(a, twice, &calls), BASE_EARG, "of features");
    unlearn_space_free(a);
    base_free(x), base_free(eye);
}

/* Rows that come in two parts: those of a whole, one with no row among them, and none once the stream has ended. */
static void test_absorb(void **state)
{
    (void)state;
    enum { N = 9, F = 7, CUT = 4 };
    float *x = normals(N * F, 5, 1), *eye = identity(F), one[F * F], two[F * F];
    UnlearnSpace *whole = NULL, *a = NULL, *b = NULL, *none = NULL;
    assert_ok(importance_of((Way){UNLEARN_ROUTE_CLOSED, true}, x, N, F, N, &whole));
    assert_ok(unlearn_space_create(CUT, F, UNLEARN_ROUTE_CLOSED, true, &a));
    assert_ok(unlearn_space_create(N - CUT, F, UNLEARN_ROUTE_CLOSED, true, &b));
    assert_ok(unlearn_space_create(0, F, UNLEARN_ROUTE_CLOSED, true, &none));
    assert_ok(unlearn_space_add(a, x, CUT));
    assert_fails(unlearn_space_absorb(a, b), BASE_EARG, "all of whose rows have come");
    assert_ok(unlearn_space_add(b, x + CUT * F, N - CUT));
    assert_ok(unlearn_space_absorb(a, none));
    assert_ok(unlearn_space_absorb(a, b));
    assert_ok(unlearn_space_finish(a, NULL, NULL));
    assert_int_equal(unlearn_space_rows(a), N);
    assert_ok(unlearn_space_project(whole, 30, eye, F, one));
    assert_ok(unlearn_space_project(a, 30, eye, F, two));
    /* the same sums in double in another order: alpha times its rounding, far below float's */
    for (int i = 0; i < F * F; i++) assert_near((double)two[i], (double)one[i], 1e-6, 0);
    assert_fails(unlearn_space_absorb(a, b), BASE_EARG, "can be added");
    unlearn_space_free(whole);
    assert_fails(unlearn_space_create(0, F, UNLEARN_ROUTE_CLOSED, false, &whole), BASE_EARG, "at least one row");
    unlearn_space_free(a), unlearn_space_free(b), unlearn_space_free(none);
    base_free(x), base_free(eye);
}

/* Rows given by the columns they are not 0 in are the same rows, in float32 and in bf16. Values are integers up to 3,
 * so that bf16 is exact; n = 1100 and f = 1030 are beyond the float64 sizes. The same sums in another order, then one
 * application of a well-conditioned inverse (alpha 3): 1e-5 of the largest entry, float32's 6e-8 times the square root
 * of 1100 terms and a margin of five. A run of columns in a wrong place is off by a tenth and more. */
static void test_columns(void **state)
{
    (void)state;
    enum { N = 1100, F = 1030, R = 3, DUAL_N = 1028, KINDS = 3 };
    static const UnlearnColumns COLUMNS[KINDS] = {
        {.at = {{0, 400}, {500, 130}}, .count = 2}, {.at = {{100, 900}}, .count = 1}, {.at = {{0, F}}, .count = 1}};
    static const UnlearnRouteChoice ROUTES[] = {UNLEARN_ROUTE_CLOSED, UNLEARN_ROUTE_SVD};
    float *w = normals(R * F, 3, 1), *want, *got, *dense, *row;
    uint16_t *half;
    NnGram *products = NULL; /* none where this CPU has no bf16 */
    if (nn_precision_available(NN_BF16) == NN_BF16) assert_ok(nn_gram_create(&products));
    BaseRandom random = base_random_make(5, "test", 0);
    assert_ok(BASE_ALLOC(R * F, &want));
    assert_ok(BASE_ALLOC(R * F, &got));
    assert_ok(BASE_ALLOC(N * F, &dense));
    assert_ok(BASE_ALLOC(F, &row));
    assert_ok(BASE_ALLOC(F, &half));
    for (int64_t i = 0; i < N; i++)
        for (int c = 0; c < COLUMNS[i / 200 % KINDS].count; c++)
            for (int64_t j = 0; j < COLUMNS[i / 200 % KINDS].at[c].width; j++)
                dense[i * F + COLUMNS[i / 200 % KINDS].at[c].from + j] = (float)base_random_below(&random, 4);
    for (int way = 0; way < 5; way++) { /* primal f32, bf16; dual f32, bf16; svd */
        int64_t n = way < 2 ? N : DUAL_N;
        if (way % 2 && !products) continue;
        double response, again;
        UnlearnSpace *a, *b;
        assert_ok(unlearn_space_create(n, F, ROUTES[way == 4], false, &a));
        assert_ok(unlearn_space_create(n, F, ROUTES[way == 4], false, &b));
        if (way % 2) assert_ok(unlearn_space_use_bf16(b, products));
        assert_int_equal(unlearn_space_takes_bf16(b), way % 2);
        assert_int_equal(unlearn_space_is_dual(b), way == 2 || way == 3);
        assert_ok(unlearn_space_add(a, dense, n));
        for (int64_t i = 0; i < n; i++) {
            const UnlearnColumns *c = COLUMNS + i / 200 % KINDS;
            int64_t width = 0;
            for (int k = 0; k < c->count; k++)
                for (int64_t j = 0; j < c->at[k].width; j++) row[width++] = dense[i * F + c->at[k].from + j];
            for (int64_t j = 0; j < width; j++) {
                uint32_t bits;
                memcpy(&bits, row + j, sizeof bits);
                half[j] = (uint16_t)(bits >> 16);
            }
            assert_ok(unlearn_space_add_columns(b, way % 2 ? (const void *)half : row, 1, c));
        }
        assert_ok(unlearn_space_finish(a, NULL, NULL));
        assert_ok(unlearn_space_finish(b, NULL, NULL));
        assert_near(unlearn_space_trace(b), unlearn_space_trace(a), 0, 1e-5);
        assert_near(unlearn_space_rank(b), unlearn_space_rank(a), 0, 1e-5);
        assert_ok(unlearn_space_project(a, 3, w, R, want));
        assert_ok(unlearn_space_project(b, 3, w, R, got));
        double top = 0;
        for (int64_t j = 0; j < R * F; j++) top = fmax(top, fabs((double)want[j]));
        for (int64_t j = 0; j < R * F; j++) assert_near((double)got[j], (double)want[j], 1e-5 * top, 0);
        assert_ok(unlearn_space_response(a, w, R, &response));
        assert_ok(unlearn_space_response(b, w, R, &again));
        assert_near(again, response, 0, 1e-5);
        unlearn_space_free(a);
        unlearn_space_free(b);
    }
    nn_gram_free(products);
    base_free(w), base_free(want), base_free(got), base_free(dense), base_free(row), base_free(half);
}

static void test_refusals(void **state)
{
    (void)state;
    float x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, out[12];
    UnlearnSpace *m = NULL;
    assert_fails(unlearn_space_create(0, 4, UNLEARN_ROUTE_AUTO, false, &m), BASE_EARG, "[0, 4]");
    assert_null(m);
    assert_fails(unlearn_space_create(1 << 20, 4608, UNLEARN_ROUTE_SVD, false, &m), BASE_ELIMIT, "route eigen");
    assert_fails(unlearn_space_create(3, 4, UNLEARN_ROUTE_SVD, true, &m), BASE_EUSAGE, "route eigen");
    assert_fails(unlearn_space_create(3, 4, UNLEARN_ROUTE_REFERENCE, true, &m), BASE_EUSAGE, "route reference needs");
    assert_ok(unlearn_space_create(3, 4, UNLEARN_ROUTE_CLOSED, true, &m));
    assert_ok(unlearn_space_add(m, x, 2));
    assert_fails(unlearn_space_project(m, 3, x, 3, out), BASE_EARG, "not ended");
    assert_fails(unlearn_space_finish(m, NULL, NULL), BASE_EARG, "2 of the 3");
    assert_fails(unlearn_space_add(m, x, 2), BASE_EARG, "3 announced");
    assert_ok(unlearn_space_add(m, x + 8, 1));
    assert_ok(unlearn_space_finish(m, NULL, NULL));
    assert_fails(unlearn_space_project(m, 0, x, 3, out), BASE_EARG, "alpha = 0");
    assert_fails(unlearn_space_project(m, NAN, x, 3, out), BASE_EARG, "alpha = ");
    x[0] = INFINITY;
    assert_fails(edit_once(m, m, 3, 3, x, 3, out, NULL), BASE_ENUMERIC, "not finite");
    unlearn_space_free(m);
    for (int way = 0; way < WAY_COUNT; way++) {
        m = NULL;
        assert_fails(importance_of(WAYS[way], x, 3, 4, 3, &m), BASE_ENUMERIC, "not finite");
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_reference), cmocka_unit_test(test_twin),       cmocka_unit_test(test_large),
    cmocka_unit_test(test_response),  cmocka_unit_test(test_zero_input), cmocka_unit_test(test_reduce),
    cmocka_unit_test(test_absorb),    cmocka_unit_test(test_columns),    cmocka_unit_test(test_refusals),
};
SUPPORT_MAIN(tests)
