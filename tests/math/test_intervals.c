#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "math/holdout.h"
#include "math/roc.h"

/* 1 of 40 members below 1 of 40 non-members: DeLong's error rests on a single pair. */
static void near_the_ends(void **state)
{
    (void)state;
    enum { HALF = 40 };
    double score[2 * HALF];
    uint8_t member[2 * HALF];
    MathAuc auc;
    for (int i = 0; i < 2 * HALF; i++) {
        member[i] = i >= HALF;
        score[i] = i;
    }
    score[HALF] = HALF - 1.5;
    assert_ok(math_auc(score, member, 2 * HALF, &auc));
    assert_near(auc.value, 1 - 1.0 / (HALF * HALF), 0, 1e-14);
    assert_true(math_auc_near_end(&auc));
    double a = auc.value;
    MathEstimate wide = math_stats_share_effective(a, HALF, 0.95);
    assert_near(auc.lo, wide.lo, 0, 1e-12);
    assert_near(wide.lo, pow(0.025, 1.0 / HALF), 0.002, 0); /* close to "all of 40" */
    assert_true(auc.hi <= 1 && auc.hi > a);
    score[HALF] = HALF - 21.5; /* half a point: DeLong's own interval again */
    assert_ok(math_auc(score, member, 2 * HALF, &auc));
    assert_false(math_auc_near_end(&auc));
    double logit = log(auc.value / (1 - auc.value)),
           half = math_stats_normal_quantile(0.975) * auc.se / (auc.value * (1 - auc.value));
    assert_near(auc.lo, 1 / (1 + exp(half - logit)), 0, 1e-12);
    for (int k = 1; k < 20; k++) { /* whole k: Clopper-Pearson */
        MathEstimate got = math_stats_share_effective(k / 20.0, 20, 0.9), want = math_stats_share(k, 20, 0.9);
        assert_near(got.lo, want.lo, 0, 1e-11);
        assert_near(got.hi, want.hi, 0, 1e-11);
    }
    assert_near(math_stats_share_effective(0, 20, 0.9).lo, NAN, 0, 0);
}

static MathEstimate interval(double lo, double hi) { return (MathEstimate){(lo + hi) / 2, lo, hi, 1}; }

static void joined_intervals(void **state)
{
    (void)state;
    MathEstimate a = {0.5, 0.4, 0.7, 10}, b = {0.3, 0.2, 0.35, 8}, got = math_stats_difference(a, b, 0);
    assert_near(got.value, 0.2, 1e-15, 0);
    assert_near(got.lo, 0.2 - hypot(0.1, 0.05), 1e-15, 0);
    assert_near(got.hi, 0.2 + hypot(0.2, 0.1), 1e-15, 0);
    assert_int_equal(got.n, 8);
    got = math_stats_difference(a, a, 1);
    assert_near(got.lo, -0.1, 1e-9, 0); /* 0.1 and 0.2 apart: a skewed interval does not cancel itself */
    assert_near(math_stats_difference(interval(0.4, 0.6), interval(0.4, 0.6), 1).hi, 0, 1e-8, 0);
    got = math_stats_mean_of((const MathEstimate[]){a, b}, 2);
    assert_near(got.value, 0.4, 1e-15, 0);
    assert_near(got.lo, 0.4 - hypot(0.1, 0.1) / 2, 1e-15, 0);
    assert_near(got.hi, 0.4 + hypot(0.2, 0.05) / 2, 1e-15, 0);
    assert_int_equal(got.n, 18);
    b.lo = NAN;
    assert_near(math_stats_difference(a, b, 0).hi, NAN, 0, 0);
    assert_near(math_stats_mean_of(&b, 1).lo, NAN, 0, 0);
    /* scipy.stats.binom.sf(k - 1, n, p) */
    assert_near(math_stats_binomial_upper(3, 5, 0.3), 0.16308, 0, 1e-12);
    assert_near(math_stats_binomial_upper(11, 50, 0.1), 0.00935460158732906, 0, 1e-11);
    assert_near(math_stats_binomial_upper(500, 1000, 0.5), 0.5126125090891801, 0, 1e-11);
    assert_near(math_stats_binomial_upper(0, 5, 0.3), 1, 0, 0);
    assert_near(math_stats_binomial_upper(6, 5, 0.3), 0, 0, 0);
    assert_near(math_stats_binomial_upper(2, 5, 0), 0, 0, 0);
    assert_near(math_stats_binomial_upper(2, 5, 1), 1, 0, 0);
    assert_near(math_stats_binomial_upper(2, 0, 0.5), NAN, 0, 0);
}

enum { CLASSES = 5, EACH = 60 };

static void held_out_thresholds(void **state)
{
    (void)state;
    enum { COUNT = 101 };
    double score[COUNT];
    uint8_t member[COUNT], choosing[COUNT], again[COUNT], kind[COUNT];
    double part[COUNT];
    for (int i = 0; i < COUNT; i++) {
        member[i] = i % 3 == 0;
        score[i] = member[i] ? 10 + i : -i;
    }
    assert_ok(math_holdout_split(member, COUNT, 0.5, 3, choosing));
    int64_t chosen[2] = {0, 0};
    for (int i = 0; i < COUNT; i++) chosen[member[i]] += choosing[i];
    assert_int_equal(chosen[1], 17); /* 34 members */
    assert_int_equal(chosen[0], 34); /* 67 non-members: 33.5 */
    assert_ok(math_holdout_split(member, COUNT, 0.5, 3, again));
    assert_memory_equal(choosing, again, sizeof again);
    assert_ok(math_holdout_split(member, COUNT, 0.5, 4, again));
    assert_memory_not_equal(choosing, again, sizeof again);
    assert_int_equal(math_holdout_take(score, member, choosing, COUNT, 1, part, kind), 51);
    assert_int_equal(math_holdout_take(score, member, choosing, COUNT, 0, part, kind), 50);
    MathBalanced got;
    assert_ok(math_holdout_best_balanced(score, member, COUNT, 3, 0.95, &got));
    assert_near(got.balanced.value, 1, 0, 0);
    assert_true(got.threshold > 0 && got.threshold < 10); /* the middle of the gap */
    assert_int_equal(got.tpr.n, 17);
    assert_int_equal(got.tnr.n, 33);
    double l = 1 - pow(0.025, 1.0 / 17), r = 1 - pow(0.025, 1.0 / 33);
    assert_near(got.balanced.lo, 1 - hypot(l, r) / 2, 1e-12, 0);
    assert_ok(
        math_holdout_balanced(score, member, COUNT, 40, 0.95, &got)); /* members 30, 33, ... 99 score 40 and more */
    assert_near(got.tpr.value, 24.0 / 34, 1e-15, 0);
    assert_near(got.balanced.value, (24.0 / 34 + 1) / 2, 1e-15, 0);
    memset(member, 0, sizeof member);
    assert_fails(math_holdout_balanced(score, member, COUNT, 0, 0.95, &got), BASE_EARG, "0 members");
    member[0] = 1;
    assert_fails(math_holdout_split(member, COUNT, 0.5, 3, choosing), BASE_EARG, "1 members and 100 non-members");
    assert_fails(math_holdout_split(member, COUNT, 1, 3, choosing), BASE_EARG, "share");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(near_the_ends),
    cmocka_unit_test(joined_intervals),
    cmocka_unit_test(held_out_thresholds),
};

SUPPORT_MAIN(tests)
