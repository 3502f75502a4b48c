/* The edit W (I - P_r) P_f in blocks and over a grid, and its shares, against single edits and responses. */
#include "tests/unlearn/ways.h"

#include <math.h>

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
                assert_ok(unlearn_edit_once(retain, forget, 20, ALPHAS[a], w, R, out, &shares));
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

/* D of a grid's pair, fed and taken in blocks of uneven size, last block first; *fed: whether W was asked for. */
static UnlearnShares edit_in_blocks(UnlearnEdit *edit, double alpha_r, double alpha_f, const float *w, int64_t rows,
                                    int64_t f, float *out, bool *fed)
{
    enum { BLOCK = 3 };
    assert_ok(unlearn_edit_retain(edit, alpha_r, fed));
    int64_t last = (rows - 1) / BLOCK * BLOCK;
    for (int64_t at = last; *fed && at >= 0; at -= BLOCK)
        assert_ok(unlearn_edit_feed(edit, w + at * f, at, rows - at < BLOCK ? rows - at : BLOCK));
    assert_ok(unlearn_edit_forget(edit, alpha_f));
    for (int64_t at = 0; at < rows; at += BLOCK) {
        int64_t count = rows - at < BLOCK ? rows - at : BLOCK;
        assert_ok(unlearn_edit_take(edit, at, count, out + at * f));
        assert_ok(unlearn_edit_weigh(edit, w + at * f, out + at * f, count));
    }
    return unlearn_edit_shares(edit);
}

/* A grid in blocks gives what single edits give, in any order of its pairs. The blocks only change how many rows a
 * product has, so that sums may be grouped in another way: 1e-6 of the largest entry is some ten roundings. Each
 * alpha_r asks for the weights once. */
static void test_grid(void **state)
{
    (void)state;
    enum { N = 30, F = 14, R = 8, PAIRS = 7 };
    static const double PAIR[PAIRS][2] = {{20, 3}, {300, 3}, {20, 1}, {300, 1}, {20, 3}, {1, 100}, {300, 100}};
    static const bool FED[PAIRS] = {true, true, false, false, false, true, false};
    float *x = normals(N * F, 1, 1), *z = normals(N * F, 2, 1), *w = normals(R * F, 3, 1), want[R * F], got[R * F];
    for (int way = 0; way < WAY_COUNT; way++) {
        for (int n = 9; n <= N; n += N - 9) {
            UnlearnSpace *retain = NULL, *forget = NULL;
            UnlearnEdit *edit = NULL;
            assert_ok(importance_of(WAYS[way], x, n, F, 7, &retain));
            assert_ok(importance_of(WAYS[way], z, n, F, 7, &forget));
            assert_ok(unlearn_edit_create(retain, forget, R, true, &edit));
            for (int i = 0; i < PAIRS; i++) {
                UnlearnShares shares, whole;
                double largest = 0, worst = 0;
                bool fed;
                assert_ok(unlearn_edit_once(retain, forget, PAIR[i][0], PAIR[i][1], w, R, want, &whole));
                shares = edit_in_blocks(edit, PAIR[i][0], PAIR[i][1], w, R, F, got, &fed);
                assert_int_equal(fed, FED[i]);
                for (int j = 0; j < R * F; j++) {
                    largest = fmax(largest, fabs((double)want[j]));
                    worst = fmax(worst, fabs((double)got[j] - (double)want[j]));
                }
                assert_true(worst <= 1e-6 * largest);
                assert_near(shares.retain, whole.retain, 0, 1e-5);
                assert_near(shares.forget, whole.forget, 0, 1e-5);
            }
            assert_fails(unlearn_edit_retain(edit, 0, &(bool){false}), BASE_EARG, "alpha = 0");
            unlearn_edit_free(edit);
            unlearn_space_free(retain);
            unlearn_space_free(forget);
        }
    }
    base_free(x), base_free(z), base_free(w);
}

typedef struct {
    Way way;
    const float *x;
    int64_t n, f;
} Job;

static BaseStatus edit_once(void *user)
{
    BaseStatus st = BASE_OK;
    const Job *job = user;
    UnlearnSpace *m = NULL;
    float *out = NULL;
    double response;
    BASE_TRY(importance_of(job->way, job->x, job->n, job->f, 3, &m));
    BASE_TRY(BASE_ALLOC(job->n * job->f, &out));
    BASE_TRY(unlearn_edit_once(m, m, 100, 3, job->x, job->n, out, NULL));
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
        support_fail_allocations(edit_once, &wide, 200);
        support_fail_allocations(edit_once, &tall, 200);
    }
    base_free(x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shares),
    cmocka_unit_test(test_grid),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
