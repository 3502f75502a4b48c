/* The kernel likelihood ratio against plain loops, under worlds of which it is known what can be found. */
#include "tests/mia/groups.h"

#include <stdio.h>

/* log of the mean of n normal densities of width h at @p at, without value @p skip: sums of exp, no peak taken out. */
static double kernels(const double *x, int64_t n, int64_t skip, double h, double at)
{
    double sum = 0, kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i == skip) continue;
        sum += exp(-(at - x[i]) * (at - x[i]) / (2 * h * h)) / (h * sqrt(2 * M_PI));
        kept++;
    }
    return log(sum / kept);
}

/* Values of point i: [0] never saw it, [1] unlearned it; without model @p less (-1: none; U.. retrained). */
static void gather(int i, int N, int U, int R, bool privacy, int less, double x[2][MOST_M], int n[2])
{
    n[0] = n[1] = 0;
    for (int m = 0; m < U + R; m++) {
        int side = m < U && (!w.input.unlearned_keep || w.keep[m * N + i]);
        if (m == less || (!side && (m < U) != privacy)) continue;
        x[side][n[side]++] = m < U ? w.phi[1][m * N + i] : w.phi[0][(m - U) * N + i];
    }
}

static double naive_balanced(int N, int U, int R, double h, int less)
{
    double right[2] = {0, 0}, seen = 0, x[2][MOST_M];
    for (int i = 0; i < N; i++) {
        int n[2];
        if (w.role[i] != MIA_AUDITED) continue;
        gather(i, N, U, R, false, less, x, n);
        for (int a = 0; a < n[1]; a++)
            for (int b = 0; b < n[0]; b++) {
                right[1] += kernels(x[1], n[1], a, h, x[1][a]) >= kernels(x[0], n[0], b, h, x[1][a]);
                right[0] += kernels(x[1], n[1], a, h, x[0][b]) < kernels(x[0], n[0], b, h, x[0][b]);
                seen++;
            }
    }
    return (right[0] + right[1]) / (2 * seen);
}

/* A logarithm of a sum of positive terms is off by about (terms + 3) 2^-53, and by as much again of its own size where
 * the peak is taken out: phi within 20 of each other at width 0.7 give logarithms up to 400, so 1e-12 covers a difference
 * of two. */
static void as_naive(void **state)
{
    (void)state;
    enum { N = 60, U = 5, R = 7 };
    const double WIDTHS[] = {1, 0.7};
    for (int k = 0; k < 2; k++) {
        char set[32];
        snprintf(set, sizeof set, "bandwidth=%g", WIDTHS[k]);
        MiaResult r = pair_attack("ruli", world_make(N, U, R, 1.5, 3, 7), SET(set));
        for (int i = 0; i < N; i++) {
            double x[2][MOST_M];
            int n[2];
            gather(i, N, U, R, false, -1, x, n);
            assert_near(r.score[i],
                        kernels(x[1], U, -1, WIDTHS[k], w.target[i]) - kernels(x[0], R, -1, WIDTHS[k], w.target[i]),
                        1e-12, 0);
        }
        double variance = 0, without[U + R];
        for (int m = 0; m < U + R; m++) without[m] = naive_balanced(N, U, R, WIDTHS[k], m);
        for (int kind = 0; kind < 2; kind++) {
            int n = kind ? R : U;
            double sd;
            math_stats_mean(without + (kind ? U : 0), n, 0.95, &sd);
            variance += sd * sd * (n - 1) * (n - 1) / n;
        }
        MathEstimate got = pair_number(&r, "loo_balanced_accuracy");
        double half = math_stats_t_quantile(0.975, U - 1) * sqrt(variance);
        assert_near(got.value, naive_balanced(N, U, R, WIDTHS[k], -1), 1e-13, 0);
        assert_near(got.hi, fmin(1, got.value + half), 1e-12, 0);
        assert_near(got.lo, fmax(0, got.value - half), 1e-12, 0);
        assert_near(r.threshold, 0, 0, 0);
        mia_result_free(&r);
        world_free();
    }
}

/* The other game: half of the unlearned models never trained on a point. */
static void privacy(void **state)
{
    (void)state;
    enum { N = 30, U = 12, R = 5 };
    MiaResult r;
    MiaInput in = *world_make(N, U, R, 2, 3, 5);
    assert_fails(pair_try("ruli", &in, SET("game=privacy"), &r), BASE_EARG, "needs /unlearned/keep [U, N]");
    for (int i = 0; i < U * N; i++) w.keep[i] = (i / N + i) % 2 == 0;
    in.unlearned_keep = w.input.unlearned_keep = w.keep;
    for (int game = 0; game < 2; game++) {
        r = pair_attack("ruli", &in, SET(game ? "game=privacy" : "game=efficacy"));
        for (int i = 0; i < N; i++) {
            double x[2][MOST_M];
            int n[2];
            gather(i, N, U, R, game == 1, -1, x, n);
            assert_int_equal(n[0], game ? U / 2 : R);
            assert_near(r.score[i], kernels(x[1], n[1], -1, 1, w.target[i]) - kernels(x[0], n[0], -1, 1, w.target[i]),
                        1e-12, 0);
        }
        mia_result_free(&r);
    }
    world_free();
}

/* Members and non-members of one law: the AUC's standard error is Wilcoxon's, and the mean of the worlds lies within 2.58
 * of its own. Intervals over models hold 1/2 at least as often as they say: of 60 worlds fewer than 51 has probability
 * 0.0006. */
static void nothing_to_find(void **state)
{
    (void)state;
    enum { WORLDS = 60 };
    int inside = 0;
    double mean = 0, P = 50, N = 50, error = sqrt((P + N + 1) / (12 * P * N) / WORLDS);
    for (uint64_t seed = 0; seed < WORLDS; seed++) {
        MiaResult r = pair_attack("ruli", world_make(150, 4, 4, 0, 2, 300 + seed), NULL);
        MathEstimate e = pair_number(&r, "loo_balanced_accuracy");
        inside += e.lo <= 0.5 && 0.5 <= e.hi;
        mean += r.auc.value / WORLDS;
        mia_result_free(&r);
        world_free();
    }
    print_message("AUC %.4f, standard error %.4f; 1/2 inside: %d of 60\n", mean, error, inside);
    assert_near(mean, 0.5, 2.58 * error, 0);
    assert_true(inside >= 51);
}

/* phi shifted by 2 for who was unlearned, hidden from the loss by a spread of 3 between points. */
static void more_than_the_loss(void **state)
{
    (void)state;
    const MiaInput *in = world_make(390, 16, 16, 2, 3, 11);
    MiaResult one = pair_attack("ruli", in, NULL), loss = pair_attack("loss", in, NULL);
    MathAuc auc = pair_auc(in, &one);
    print_message("ruli AUC %.3f [%.3f, %.3f], loss %.3f [%.3f, %.3f]\n", auc.value, auc.lo, auc.hi, loss.auc.value,
                  loss.auc.lo, loss.auc.hi);
    assert_true(auc.lo > loss.auc.hi);
    mia_result_free(&one);
    mia_result_free(&loss);
    world_free();
}

/* Unlearned models fall into two groups at +-3, retrained ones are one wide normal of the same mean and variance: only a
 * density that is no bell can tell them apart. */
static void two_groups(void **state)
{
    (void)state;
    enum { N = 90, U = 24, R = 24 };
    BaseRandom r = base_random_make(3, "ruli_test", 0);
    for (int i = 0; i < N; i++) {
        w.role[i] = (uint8_t)(i % 3);
        for (int m = 0; m <= U; m++) {
            double v = (base_random_below(&r, 2) ? 3 : -3) + 0.5 * base_random_normal(&r);
            *(m < U ? &w.phi[1][m * N + i] : &w.target[i]) = v;
        }
        for (int m = 0; m < R; m++) w.phi[0][m * N + i] = sqrt(9.25) * base_random_normal(&r);
    }
    world_arrays(N, U, R);
    MiaResult kernel = pair_attack("ruli", &w.input, NULL), bell = pair_attack("ulira", &w.input, NULL);
    MathEstimate k = pair_number(&kernel, "loo_balanced_accuracy"), b = pair_number(&bell, "loo_balanced_accuracy");
    print_message("ruli %.3f [%.3f, %.3f], ulira %.3f [%.3f, %.3f]\n", k.value, k.lo, k.hi, b.value, b.lo, b.hi);
    assert_true(k.lo > b.hi && k.lo > 0.6);
    mia_result_free(&kernel);
    mia_result_free(&bell);
    world_free();
}

/* Points in another order get the same bits; far beyond every kernel a score is finite, on the nearer group's side. */
static void order_and_far_out(void **state)
{
    (void)state;
    enum { N = 60, U = 4, R = 4 };
    static World first;
    MiaResult a = pair_attack("ruli", world_make(N, U, R, 1, 3, 9), NULL);
    first = w;
    for (int i = 0; i < N; i++) {
        int from = N - 1 - i;
        w.role[i] = first.role[from];
        w.target[i] = first.target[from];
        for (int m = 0; m < U; m++) w.phi[1][m * N + i] = first.phi[1][m * N + from];
        for (int m = 0; m < R; m++) w.phi[0][m * N + i] = first.phi[0][m * N + from];
    }
    world_free();
    world_arrays(N, U, R);
    MiaResult b = pair_attack("ruli", &w.input, NULL);
    for (int i = 0; i < N; i++) assert_near(b.score[i], a.score[N - 1 - i], 0, 0);
    assert_near(pair_number(&b, "loo_balanced_accuracy").value, pair_number(&a, "loo_balanced_accuracy").value, 0, 0);
    mia_result_free(&a);
    mia_result_free(&b);
    world_free();
    for (int i = 0; i < N; i++) w.target[i] = i % 2 ? 1e6 : -1e6;
    for (int m = 0; m < U * N; m++) w.phi[1][m] = 5 + m % 2, w.phi[0][m] = -5 - m % 2;
    world_arrays(N, U, R);
    a = pair_attack("ruli", &w.input, NULL);
    for (int i = 0; i < N; i++) assert_true(isfinite(a.score[i]) && (a.score[i] > 0) == (i % 2 == 1));
    mia_result_free(&a);
    MiaInput one = w.input;
    one.R = 1;
    assert_fails(pair_try("ruli", &one, NULL, &b), BASE_EARG, "4 unlearned and 1 retrained models");
    world_free();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_naive),           cmocka_unit_test(privacy),    cmocka_unit_test(nothing_to_find),
    cmocka_unit_test(more_than_the_loss), cmocka_unit_test(two_groups), cmocka_unit_test(order_and_far_out),
};

SUPPORT_MAIN(tests)
