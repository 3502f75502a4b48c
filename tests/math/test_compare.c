#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "math/compare.h"
#include "math/holdout.h"

/* DeLong's variance of AUC a - AUC b by its definition: every pair of points, both scores at once. O(n^2). */
static double naive_se(const double *a, const double *b, const uint8_t *member, int64_t n, double *difference)
{
    const double *score[2] = {a, b};
    double variance = 0, mean = 0;
    for (int kind = 0; kind < 2; kind++) {
        double sum = 0, squares = 0;
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++) {
            double place = 0;
            int64_t others = 0;
            if (member[i] != kind) continue;
            for (int64_t j = 0; j < n; j++) {
                if (member[j] == kind) continue;
                others++;
                for (int k = 0; k < 2; k++) {
                    double d = kind ? score[k][i] - score[k][j] : score[k][j] - score[k][i];
                    place += (k ? -1 : 1) * (d > 0 ? 1 : d < 0 ? 0 : 0.5);
                }
            }
            place /= (double)others;
            sum += place;
            squares += place * place;
            count++;
        }
        mean = sum / (double)count;
        variance += (squares - sum * mean) / (double)(count - 1) / (double)count;
    }
    *difference = mean;
    return sqrt(variance);
}

static void paired_by_definition(void **state)
{
    (void)state;
    enum { MOST = 90 };
    double a[MOST], b[MOST], place[MOST];
    uint8_t member[MOST];
    for (uint64_t round = 0; round < 60; round++) {
        BaseRandom r = base_random_make(9, "paired_test", round);
        int64_t n = 20 + (int64_t)base_random_below(&r, MOST - 20);
        double levels = round % 2 ? 5 : 1e9;
        for (int64_t i = 0; i < n; i++) {
            member[i] = (uint8_t)(i < 12 ? (uint64_t)i % 2 : base_random_below(&r, 2));
            double common = base_random_normal(&r);
            a[i] = floor(levels * (common + base_random_normal(&r) + 0.8 * member[i])) / levels;
            b[i] = floor(levels * (common + base_random_normal(&r) + 0.3 * member[i])) / levels;
        }
        double difference, se = naive_se(a, b, member, n, &difference), z = math_stats_normal_quantile(0.95);
        MathAucDifference got;
        MathAuc alone;
        assert_ok(math_auc_paired(a, b, member, n, 0.9, &got));
        assert_near(got.difference.value, difference, 1e-13, 0);
        assert_near(got.se, se, 1e-9, 1e-9); /* the twin's sum of squares cancels */
        assert_near(got.difference.lo, difference - z * se, 1e-8, 1e-8);
        assert_near(got.difference.hi, difference + z * se, 1e-8, 1e-8);
        assert_ok(math_auc_level(a, member, n, 0.9, &alone));
        assert_near(got.a.lo, alone.lo, 0, 0);
        assert_true(fabs(got.correlation) <= 1);
        assert_ok(math_auc_placements(a, member, n, place));
        double sum[2] = {0, 0};
        for (int64_t i = 0; i < n; i++) sum[member[i]] += place[i];
        assert_near(sum[1] / (double)alone.P, alone.value, 1e-14, 1e-13); /* the mean of either kind is the AUC */
        assert_near(sum[0] / (double)alone.N, alone.value, 1e-14, 1e-13);
    }
}

static void pairs_at_the_ends(void **state)
{
    (void)state;
    enum { P = 40, N = 25 };
    double up[P + N], down[P + N], mid[P + N];
    uint8_t member[P + N];
    for (int i = 0; i < P + N; i++) {
        member[i] = i < P;
        up[i] = member[i] ? 10 + i : -i;
        down[i] = -up[i];
        mid[i] = (i * 37) % 65; /* mixed */
    }
    double most = 1 - pow(0.025, 1.0 / N); /* none of 25 pairs differs */
    MathAucDifference got;
    assert_ok(math_auc_paired(up, up, member, P + N, 0.95, &got));
    assert_near(got.difference.value, 0, 0, 0);
    assert_near(got.difference.lo, -most, 0, 1e-12);
    assert_near(got.difference.hi, most, 0, 1e-12);
    assert_ok(math_auc_paired(mid, mid, member, P + N, 0.95, &got)); /* the same bound inside (0, 1) */
    assert_near(got.difference.hi, most, 0, 1e-12);
    assert_ok(math_auc_paired(up, down, member, P + N, 0.95, &got));
    assert_near(got.difference.value, 1, 0, 0);
    assert_near(got.difference.lo, 1 - sqrt(2) * most, 1e-12, 0);
    assert_near(got.difference.hi, 1, 0, 1e-12);
    assert_ok(math_auc_paired(up, mid, member, P + N, 0.95, &got));
    assert_near(got.difference.hi, got.difference.value + got.b.value - got.b.lo, 1e-12, 0); /* nothing above AUC 1 */
    assert_near(got.difference.lo, got.difference.value - hypot(most, got.b.hi - got.b.value), 1e-12, 0);
    assert_near(got.correlation, NAN, 0, 0);
    const double three[] = {1, 2, 3};
    const uint8_t lone[] = {0, 1, 0};
    assert_ok(math_auc_paired(three, three, lone, 3, 0.95, &got));
    assert_near(got.difference.value, 0, 0, 0);
    assert_near(got.difference.lo, NAN, 0, 0);
}

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

static void verdicts(void **state)
{
    (void)state;
    const double M = 0.05;
    const MathEstimate none = {0.2, NAN, NAN, 1};
    assert_int_equal(math_verdict(interval(-0.02, 0.03), interval(-0.01, 0.02), M), MATH_INDISTINGUISHABLE);
    assert_int_equal(math_verdict(interval(0.01, 0.045), interval(0.012, 0.04), M), MATH_INDISTINGUISHABLE);
    assert_int_equal(math_verdict(interval(0.01, 0.09), interval(0.02, 0.08), M), MATH_LEAKS);
    assert_int_equal(math_verdict(interval(-0.09, -0.01), interval(-0.08, -0.02), M), MATH_OVER_FORGOTTEN);
    assert_int_equal(math_verdict(interval(-0.01, 0.09), interval(0.01, 0.08), M), MATH_UNDERPOWERED);
    assert_int_equal(math_verdict(interval(-0.2, 0.2), interval(-0.05, 0.049), M),
                     MATH_UNDERPOWERED); /* bounds are outside */
    assert_int_equal(math_verdict(none, none, M), MATH_UNDERPOWERED);
    assert_string_equal(math_verdict_name(MATH_LEAKS), "leaks");
    assert_string_equal(math_verdict_name(MATH_OVER_FORGOTTEN), "over-forgotten");
    assert_string_equal(math_verdict_name(MATH_INDISTINGUISHABLE), "indistinguishable");
    assert_string_equal(math_verdict_name(MATH_UNDERPOWERED), "underpowered");
}

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

/* Pair by pair: every model of a against every model of b, point against point. */
static void models_by_definition(void **state)
{
    (void)state;
    enum { MOST = 7, N = 12 };
    const int64_t COUNT[][2] = {{1, 1}, {1, 3}, {2, 3}, {7, 1}, {7, 6}};
    double a[MOST * N], b[MOST * N];
    for (uint64_t c = 0; c < 5; c++) {
        BaseRandom r = base_random_make(2, "models_test", c);
        int64_t A = COUNT[c][0], B = COUNT[c][1];
        for (int64_t i = 0; i < MOST * N; i++) {
            a[i] = floor(4 * (base_random_normal(&r) + 0.5)) / 4; /* some ties */
            b[i] = floor(4 * base_random_normal(&r)) / 4;
        }
        double of_a[MOST] = {0}, of_b[MOST] = {0}, of_point[N] = {0}, value = 0;
        for (int64_t u = 0; u < A; u++)
            for (int64_t v = 0; v < B; v++)
                for (int i = 0; i < N; i++)
                    for (int j = 0; j < N; j++) {
                        double x = a[u * N + i], y = b[v * N + j], won = x > y ? 1 : x < y ? 0 : 0.5;
                        value += won / (double)(A * B * N * N);
                        of_a[u] += won / (double)(B * N * N);
                        of_b[v] += won / (double)(A * N * N);
                        of_point[i] += won / (double)(A * B * N);
                        of_point[j] += won / (double)(A * B * N);
                    }
        double points = 0, sum[2] = {0, 0};
        for (int i = 0; i < N; i++) points += pow(of_point[i] - 2 * value, 2) / (N - 1) / N;
        for (int64_t u = 0; u < A; u++) sum[0] += pow(of_a[u] - value, 2);
        for (int64_t v = 0; v < B; v++) sum[1] += pow(of_b[v] - value, 2);
        double square = points * pow(math_stats_t_quantile(0.975, N - 1), 2);
        for (int k = 0; k < 2 && A + B > 2; k++) {
            bool few = COUNT[c][k] < 6;
            double df = (double)(COUNT[c][k] - 1 + (few ? COUNT[c][1 - k] - 1 : 0));
            square +=
                pow(math_stats_t_quantile(0.975, df), 2) * (sum[k] + (few ? sum[1 - k] : 0)) / df / (double)COUNT[c][k];
        }
        MathEstimate got;
        bool over;
        assert_ok(math_auc_of_models(a, A, b, B, N, 0.95, &got, &over));
        assert_int_equal(over, c > 0);
        assert_near(got.value, value, 1e-13, 0);
        double logit = log(value / (1 - value)), half = sqrt(square) / (value * (1 - value));
        assert_near(got.lo, 1 / (1 + exp(half - logit)), 1e-10, 0);
        assert_near(got.hi, 1 / (1 + exp(-half - logit)), 1e-10, 0);
        for (int64_t i = 0; i < B * N; i++) b[i] = -9;
        assert_ok(math_auc_of_models(a, A, b, B, N, 0.95, &got, &over));
        assert_near(got.value, 1, 0, 0);
        assert_near(got.lo, pow(0.025, 1.0 / N), 0, 1e-12);
        for (int64_t i = 0; i < A * N; i++) a[i] = -9;
        assert_ok(math_auc_of_models(a, A, b, B, N, 0.95, &got, &over));
        assert_near(got.hi, 0.5 + (1 - pow(0.025, 1.0 / N)) / 2, 1e-12, 0);
        assert_fails(math_auc_of_models(a, A, b, 0, N, 0.95, &got, &over), BASE_EARG, "and 0 models");
        a[3] = NAN;
        assert_fails(math_auc_of_models(a, A, b, B, N, 0.95, &got, &over), BASE_ENUMERIC, "NaN");
    }
}

static BaseStatus once(void *user)
{
    (void)user;
    enum { MODELS = 5, EACH = 60, COUNT = MODELS * EACH };
    double score[COUNT];
    uint8_t member[COUNT];
    MathAucDifference difference;
    MathBalanced balanced;
    MathEstimate told;
    bool over;
    BaseRandom r = base_random_make(4, "compare_test", 0);
    for (int i = 0; i < COUNT; i++) {
        member[i] = i % 2 == 0;
        score[i] = base_random_normal(&r) + 0.2 * member[i];
    }
    BaseStatus st = math_auc_paired(score, score, member, COUNT, 0.95, &difference);
    if (st == BASE_OK) st = math_auc_of_models(score, 2, score, 3, EACH, 0.95, &told, &over);
    if (st != BASE_OK) return st;
    return math_holdout_best_balanced(score, member, COUNT, 1, 0.95, &balanced);
}

static void without_memory(void **state)
{
    (void)state;
    support_fail_allocations(once, NULL, 60);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(paired_by_definition), cmocka_unit_test(pairs_at_the_ends),
    cmocka_unit_test(near_the_ends),        cmocka_unit_test(verdicts),
    cmocka_unit_test(joined_intervals),     cmocka_unit_test(models_by_definition),
    cmocka_unit_test(held_out_thresholds),  cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
