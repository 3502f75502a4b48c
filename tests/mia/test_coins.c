#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "mia/coins/coins.h"

enum { N = 400 };

static const double DELTA = 1e-5, ALPHA = 0.05;

/* Bounds above @p epsilon in so many trials, where each score is the coin, turned with probability 1 / (1 + e^eps) (randomised
 * response, which is eps-DP and no more private than that), and noise that orders equal ones. */
static int too_high(double epsilon, int trials, uint64_t seed, double *mean)
{
    int count = 0;
    *mean = 0;
    for (int t = 0; t < trials; t++) {
        BaseRandom r = base_random_make(seed, "trial", (uint64_t)t);
        double score[N];
        uint8_t coin[N];
        MiaCoins got;
        for (int i = 0; i < N; i++) {
            coin[i] = (uint8_t)(base_random_u64(&r) >> 63);
            bool turned = base_random_uniform(&r) < 1 / (1 + exp(epsilon));
            score[i] = (coin[i] != turned) + 0.01 * base_random_normal(&r);
        }
        assert_ok(mia_coins(score, coin, N, 0, DELTA, ALPHA, seed + (uint64_t)t, &got));
        count += got.epsilon > epsilon;
        *mean += got.epsilon / trials;
    }
    return count;
}

/* At a level of 5% more than 18 of 200, or 67 of 1000, have a chance of 1% at most (scipy.stats.binom.ppf(0.99, n, 0.05)). */
static void bounds_hold_at_their_level(void **state)
{
    (void)state;
    static const double EPSILON[] = {0, 0.5, 2};
    const char *longer = getenv("EXPUNGE_LONG");
    int trials = longer ? 1000 : 200, most = longer ? 67 : 18;
    for (size_t e = 0; e < sizeof EPSILON / sizeof *EPSILON; e++) {
        double mean;
        int high = too_high(EPSILON[e], trials, 11 + e, &mean);
        if (high > most) fail_msg("epsilon %g: %d of %d bounds are above it", EPSILON[e], high, trials);
        if (EPSILON[e] == 2) assert_true(mean > 1 && mean < 2); /* and they say something */
    }
}

static void a_faultless_attack_reaches_the_ceiling(void **state)
{
    (void)state;
    double score[N];
    uint8_t coin[N];
    MiaCoins got;
    for (int64_t n = 1; n <= N; n += n < 20 ? 1 : 38) {
        for (int i = 0; i < n; i++) score[i] = coin[i] = (uint8_t)(i % 2);
        assert_ok(mia_coins(score, coin, n, 0, DELTA, ALPHA, 1, &got));
        assert_int_equal(got.n, n);
        assert_int_equal(got.in, n / 2);
        assert_int_equal(got.choices > 0, n >= 4); /* 30% of 4 is one guess */
        assert_near(got.epsilon, got.largest, 0, 0);
        assert_int_equal(got.right, got.guesses);
    }
    /* delta = 0, 120 right guesses, six choices: q^120 = alpha / 6 */
    assert_ok(mia_coins(score, coin, N, 0, 0, ALPHA, 1, &got));
    assert_int_equal(got.choices, 6);
    double q = pow(ALPHA / 6, 1.0 / 120);
    assert_near(got.largest, log(q / (1 - q)), 0, 1e-9);
}

/* The six choices, one after the other. */
static void choices_are_fixed_beforehand(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(5, "choices", 0);
    double score[N];
    uint8_t coin[N];
    for (int i = 0; i < N; i++) {
        coin[i] = (uint8_t)(base_random_u64(&r) >> 63);
        score[i] = 1.5 * coin[i] + base_random_normal(&r);
    }
    double best = 0;
    for (int k = 0; k < 6; k++) {
        const int64_t GUESSES[] = {12, 40, 120};
        int64_t all = GUESSES[k / 2], in = k % 2 ? all / 2 : 0;
        MathEpsilon e;
        assert_ok(math_epsilon_one_run(score, coin, N, in, all - in, true, DELTA, ALPHA / 6, 3, &e));
        best = fmax(best, e.epsilon);
    }
    MiaCoins got;
    assert_ok(mia_coins(score, coin, N, 0, DELTA, ALPHA, 3, &got));
    assert_true(best > 0);
    assert_near(got.epsilon, best, 0, 0);

    MathEpsilon e;
    assert_ok(math_epsilon_one_run(score, coin, N, 50, 50, true, DELTA, ALPHA, 3, &e));
    assert_ok(mia_coins(score, coin, N, 0.25, DELTA, ALPHA, 3, &got));
    assert_int_equal(got.choices, 1);
    assert_int_equal(got.guessed_in, 50);
    assert_near(got.epsilon, e.epsilon, 0, 0);
    assert_near(got.largest, e.largest, 0, 0);
    assert_int_equal(got.right, e.right);

    score[7] = NAN;
    assert_fails(mia_coins(score, coin, N, 0, DELTA, ALPHA, 3, &got), BASE_ENUMERIC, "point 7");
    assert_int_equal(got.n, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bounds_hold_at_their_level),
    cmocka_unit_test(a_faultless_attack_reaches_the_ceiling),
    cmocka_unit_test(choices_are_fixed_beforehand),
};
SUPPORT_MAIN(tests)
