/* The edit W (I - P_r) P_f in blocks and over a grid, and its shares, against single edits and responses. */
#include "tests/unlearn/ways.h"

#include <math.h>
#include <string.h>

#include "math/linalg.h"

/* The shares that fall out of the edit are those of the four responses taken one by one, for alphas at 1 too. */
static void test_shares(void **state)
{
    (void)state;
    enum { N = 30, F = 14, R = 5 };
    static const double ALPHAS[] = {0.2, 1, 1.05, 3, 300};
    float *x = normals(N * F, 1, 1), *z = normals(N * F, 2, 1), *w = normals(R * F, 3, 1), out[R * F];
    for (int way = 0; way < WAY_COUNT; way++) {
        for (int n = 9; n <= N; n += N - 9) {
            UnlearnSpace *retain = NULL, *forget = NULL;
            assert_ok(importance_of(WAYS[way], x, n, F, 7, &retain));
            assert_ok(importance_of(WAYS[way], z, n, F, 7, &forget));
            for (int a = 0; a < 5; a++) {
                UnlearnShares shares;
                double whole, part;
                assert_ok(edit_once(retain, forget, 20, ALPHAS[a], w, R, out, &shares));
                assert_ok(unlearn_space_response(retain, w, R, &whole));
                assert_ok(unlearn_space_response(retain, out, R, &part));
                assert_near(shares.retain, part / whole, 0, 1e-5);
                assert_ok(unlearn_space_response(forget, w, R, &whole));
                assert_ok(unlearn_space_response(forget, out, R, &part));
                assert_near(shares.forget, part / whole, 0, 1e-4); /* a difference of float32 values */
            }
            unlearn_space_free(retain);
            unlearn_space_free(forget);
        }
    }
    base_free(x), base_free(z), base_free(w);
}

/* The linker puts it in front of unlearn_factor_make (Makefile, WRAP). */
static int factors;
BaseStatus __real_unlearn_factor_make(const UnlearnSpace *space, double alpha, UnlearnFactor *out);
BaseStatus __wrap_unlearn_factor_make(const UnlearnSpace *space, double alpha, UnlearnFactor *out);
BaseStatus __wrap_unlearn_factor_make(const UnlearnSpace *space, double alpha, UnlearnFactor *out)
{
    factors++;
    return __real_unlearn_factor_make(space, alpha, out);
}

/* A grid in blocks gives what single edits give, in any order of its pairs. The blocks only change how many rows a
 * product has, so that sums may be grouped in another way: 1e-6 of the largest entry is some ten roundings. Each
 * alpha_r is factored once, and alpha_f where it differs from the pair before. */
static void test_grid(void **state)
{
    (void)state;
    enum { N = 30, F = 14, R = 8, PAIRS = 7, BLOCK = 3 };
    static const double PAIR[PAIRS][2] = {{20, 3}, {300, 3}, {20, 1}, {300, 1}, {20, 3}, {1, 100}, {300, 100}};
    static const int FACTORS[PAIRS] = {2, 1, 1, 0, 1, 2, 0};
    float *x = normals(N * F, 1, 1), *z = normals(N * F, 2, 1), *w = normals(R * F, 3, 1), want[R * F], got[R * F],
          less[R * F];
    for (int way = 0; way < WAY_COUNT; way++) {
        for (int n = 9; n <= N; n += N - 9) {
            UnlearnSpace *retain = NULL, *forget = NULL;
            UnlearnEdit *edit = NULL;
            assert_ok(importance_of(WAYS[way], x, n, F, 7, &retain));
            assert_ok(importance_of(WAYS[way], z, n, F, 7, &forget));
            assert_ok(unlearn_edit_create(retain, forget, R, BLOCK, true, &edit));
            for (int i = 0; i < PAIRS; i++) {
                UnlearnShares shares, whole;
                double largest = 0, worst = 0, changed;
                assert_ok(edit_once(retain, forget, PAIR[i][0], PAIR[i][1], w, R, want, &whole));
                factors = 0;
                assert_ok(unlearn_edit_make(edit, NULL, PAIR[i][0], PAIR[i][1], w, false, got, &shares, &changed));
                assert_int_equal(factors, FACTORS[i]);
                assert_near(changed, math_dot(got, got, R * F), 0, 1e-12);
                memcpy(less, w, sizeof less);
                assert_ok(unlearn_edit_make(edit, NULL, PAIR[i][0], PAIR[i][1], less, true, less, NULL, NULL));
                for (int j = 0; j < R * F; j++) assert_true(less[j] == w[j] - got[j]);
                for (int j = 0; j < R * F; j++) {
                    largest = fmax(largest, fabs((double)want[j]));
                    worst = fmax(worst, fabs((double)got[j] - (double)want[j]));
                }
                assert_true(worst <= 1e-6 * largest);
                assert_near(shares.retain, whole.retain, 0, 1e-5);
                assert_near(shares.forget, whole.forget, 0, 1e-5);
            }
            assert_fails(unlearn_edit_make(edit, NULL, 0, 1, w, false, got, NULL, NULL), BASE_EARG, "alpha = 0");
            assert_fails(unlearn_edit_make(edit, NULL, 1, 0, w, false, got, NULL, NULL), BASE_EARG, "alpha = 0");
            unlearn_edit_free(edit);
            unlearn_space_free(retain);
            unlearn_space_free(forget);
        }
    }
    base_free(x), base_free(z), base_free(w);
}

/* What is kept of values of alpha_r is bounded, and what was let go is made again, as it was: of a grid the last sixteen
 * at most, else the last one. */
static void test_kept(void **state)
{
    (void)state;
    enum { N = 12, F = 6, R = 3, KEPT = 16, VALUES = 2 * KEPT + 2 };
    float *x = normals(N * F, 1, 1), *z = normals(N * F, 2, 1), *w = normals(R * F, 3, 1), want[R * F], got[R * F];
    UnlearnSpace *retain = NULL, *forget = NULL;
    assert_ok(importance_of(WAYS[0], x, N, F, 7, &retain));
    assert_ok(importance_of(WAYS[0], z, N, F, 7, &forget));
    for (int grid = 0; grid < 2; grid++) {
        UnlearnEdit *edit = NULL;
        assert_ok(unlearn_edit_create(retain, forget, R, 0, grid, &edit));
        for (int i = 0; i < 2 * VALUES; i++) {
            int value = i % VALUES; /* the second time round what the first one left */
            assert_ok(edit_once(retain, forget, 1 + value, 3, w, R, want, NULL));
            factors = 0;
            assert_ok(unlearn_edit_make(edit, NULL, 1 + value, 3, w, false, got, NULL, NULL));
            assert_memory_equal(got, want, sizeof got);
            assert_int_equal(factors, i == 0 ? 2 : 1);
            assert_ok(unlearn_edit_make(edit, NULL, 1 + value, 3, w, false, got, NULL, NULL));
            assert_memory_equal(got, want, sizeof got);
            assert_int_equal(factors, i == 0 ? 2 : 1); /* it is there now */
        }
        factors = 0;
        for (int back = 0; back < KEPT; back++)
            assert_ok(unlearn_edit_make(edit, NULL, VALUES - back, 3, w, false, got, NULL, NULL));
        assert_int_equal(factors, grid ? KEPT - 2 * VALUES % KEPT : KEPT - 1);
        unlearn_edit_free(edit);
    }
    unlearn_space_free(retain);
    unlearn_space_free(forget);
    base_free(x), base_free(z), base_free(w);
}

typedef struct {
    Way way;
    const float *x;
    int64_t n, f;
} Job;

static BaseStatus without_memory(void *user)
{
    BaseStatus st = BASE_OK;
    const Job *job = user;
    UnlearnSpace *m = NULL;
    float *out = NULL;
    double response;
    BASE_TRY(importance_of(job->way, job->x, job->n, job->f, 3, &m));
    BASE_TRY(BASE_ALLOC(job->n * job->f, &out));
    BASE_TRY(edit_once(m, m, 100, 3, job->x, job->n, out, NULL));
    BASE_TRY(unlearn_space_response(m, job->x, job->n, &response));
out:
    base_free(out);
    unlearn_space_free(m);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    float *x = normals(8 * 12, 5, 1);
    for (int way = 0; way < WAY_COUNT; way++) {
        Job wide = {WAYS[way], x, 8, 12}, tall = {WAYS[way], x, 12, 8};
        support_fail_allocations(without_memory, &wide, 200);
        support_fail_allocations(without_memory, &tall, 200);
    }
    base_free(x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shares),
    cmocka_unit_test(test_grid),
    cmocka_unit_test(test_kept),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
