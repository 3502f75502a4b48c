#include "tests/support/support.h"

#include <float.h>
#include <math.h>

#include "base/random.h"
#include "math/roc.h"

/* The same numbers by their definitions: every pair, every threshold. O(n^2). */
typedef struct {
    double auc, se, best;
} Naive;

static Naive naive(const double *s, const uint8_t *m, int64_t n)
{
    Naive out = {.best = 0.5};
    int64_t P = 0, N = 0;
    for (int64_t i = 0; i < n; i++) m[i] ? P++ : N++;
    double sums[2] = {0, 0}, squares[2] = {0, 0};
    for (int64_t i = 0; i < n; i++) {
        double place = 0; /* V10 of a member, V01 of a non-member */
        for (int64_t j = 0; j < n; j++) {
            if (m[j] == m[i]) continue;
            double diff = m[i] ? s[i] - s[j] : s[j] - s[i];
            place += diff > 0 ? 1 : diff < 0 ? 0 : 0.5;
        }
        place /= (double)(m[i] ? N : P);
        sums[m[i]] += place;
        squares[m[i]] += place * place;
        int64_t tp = 0, fp = 0;
        for (int64_t j = 0; j < n; j++)
            if (s[j] >= s[i]) m[j] ? tp++ : fp++;
        double balanced = ((double)tp / (double)P + 1 - (double)fp / (double)N) / 2;
        if (balanced > out.best) out.best = balanced;
    }
    out.auc = sums[1] / (double)P;
    double v10 = (squares[1] - sums[1] * sums[1] / (double)P) / (double)(P - 1);
    double v01 = (squares[0] - sums[0] * sums[0] / (double)N) / (double)(N - 1);
    out.se = sqrt(v10 / (double)P + v01 / (double)N);
    return out;
}

static void as_in_the_fixture(void **state)
{
    (void)state;
    IoHdf5 *file = NULL;
    int64_t n = 0;
    assert_ok(io_hdf5_open(support_fixture("attacks.h5"), &file));
    double *score = support_read_f64(file, "roc/score", &n);
    uint8_t *member;
    assert_ok(BASE_ALLOC(n, &member));
    assert_ok(io_hdf5_read(file, "roc/member", IO_H5_U8, member));
    MathAuc auc;
    MathRoc roc;
    assert_ok(math_auc(score, member, n, &auc));
    assert_ok(math_roc(score, member, n, &roc));
    assert_near(auc.value, support_attr(file, "roc", "auc"), 0, 1e-12);
    assert_near(auc.se, support_attr(file, "roc", "auc_delong_se"), 0, 1e-9);
    assert_near(math_roc_best_balanced(&roc, NULL), support_attr(file, "roc", "best_balanced_accuracy"), 0, 1e-12);
    assert_near(math_roc_tpr_at_fpr(&roc, 0.01).within, support_attr(file, "roc", "tpr_at_fpr_0.01"), 0, 1e-12);
    assert_near(math_roc_tpr_at_fpr(&roc, 0.1).within, support_attr(file, "roc", "tpr_at_fpr_0.1"), 0, 1e-12);
    /* fewer than 1000 non-members cannot resolve 0.001; the point of the curve is there all the same */
    assert_true(roc.N < 1000);
    assert_near(math_roc_tpr_at_fpr(&roc, 0.001).value, NAN, 0, 0);
    double largest = 0;
    for (int64_t i = 0; i < roc.count; i++)
        if (roc.fpr[i] <= 0.001) largest = roc.tpr[i];
    assert_near(largest, support_attr(file, "roc", "tpr_at_fpr_0.001"), 0, 1e-12);
    math_roc_free(&roc);
    base_free(member);
    base_free(score);
    io_hdf5_close(file);
}

static void as_by_definition(void **state)
{
    (void)state;
    enum { MOST = 120 };
    double score[MOST];
    uint8_t member[MOST];
    for (uint64_t round = 0; round < 60; round++) {
        BaseRandom r = base_random_make(7, "roc_test", round);
        int64_t n = 6 + (int64_t)base_random_below(&r, MOST - 6);
        double levels = round % 3 == 0 ? 4 : round % 3 == 1 ? 30 : 1e9; /* heavy ties, some, none */
        for (int64_t i = 0; i < n; i++) {
            member[i] = i < 2 ? 1 : i < 4 ? 0 : (uint8_t)base_random_below(&r, 2);
            score[i] = floor(levels * (base_random_uniform(&r) + 0.2 * member[i])) / levels;
        }
        Naive want = naive(score, member, n);
        MathAuc auc;
        MathRoc roc;
        assert_ok(math_auc(score, member, n, &auc));
        assert_ok(math_roc(score, member, n, &roc));
        assert_near(auc.value, want.auc, 1e-14, 1e-13);
        assert_near(auc.se, want.se, 1e-9, 1e-9); /* the twin's sum of squares cancels */
        double threshold, best = math_roc_best_balanced(&roc, &threshold);
        assert_near(best, want.best, 0, 1e-14);
        int64_t tp = 0, tn = 0;
        for (int64_t i = 0; i < n; i++) {
            tp += member[i] && score[i] >= threshold;
            tn += !member[i] && score[i] < threshold;
        }
        assert_near(((double)tp / (double)roc.P + (double)tn / (double)roc.N) / 2, best, 0, 1e-14);
        double area = 0; /* the area under the points is the AUC */
        for (int64_t i = 1; i < roc.count; i++) {
            area += (roc.fpr[i] - roc.fpr[i - 1]) * (roc.tpr[i] + roc.tpr[i - 1]) / 2;
            assert_true(roc.threshold[i] < roc.threshold[i - 1]);
        }
        assert_near(area, auc.value, 0, 1e-12);
        assert_true(auc.lo <= auc.value && auc.value <= auc.hi);
        math_roc_free(&roc);
    }
}

/* Ranks within folds pair by pair; where folds are alike in size and members, and without ties, their AUC is the mean of
 * the folds'. */
static void ranks_within_folds(void **state)
{
    (void)state;
    enum { FOLDS = 4, EACH = 15, N = FOLDS * EACH };
    for (uint64_t round = 0; round < 20; round++) {
        BaseRandom r = base_random_make(8, "roc_within", round);
        double score[N], got[N], part[EACH], mean = 0;
        uint8_t member[N], of[EACH];
        int32_t fold[N];
        for (int i = 0; i < N; i++) {
            fold[i] = 7 * (i % FOLDS);
            member[i] = i / FOLDS < 5;
            score[i] = 10 * fold[i] + floor((round % 2 ? 5 : 1e6) * (base_random_uniform(&r) + 0.2 * member[i]));
        }
        assert_ok(math_roc_within(score, member, fold, N, got));
        for (int i = 0; i < N; i++) {
            double rank = 0;
            for (int j = 0; j < N; j++)
                if (fold[j] == fold[i]) rank += score[j] < score[i] ? 1 : score[j] > score[i] ? 0 : 0.5;
            assert_near(got[i], rank / EACH, 0, 0);
        }
        for (int f = 0; f < FOLDS; f++) {
            int n = 0;
            for (int i = f; i < N; i += FOLDS) {
                part[n] = score[i];
                of[n++] = member[i];
            }
            mean += naive(part, of, n).auc / FOLDS;
        }
        MathAuc auc;
        assert_ok(math_auc(got, member, N, &auc));
        assert_near(auc.value, mean, 0, round % 2 ? 0.03 : 1e-14); /* ties: about half a point in 15 */
        for (int i = 0; i < N; i++) member[i] = i / FOLDS >= 5;    /* who is a member changes no rank */
        assert_ok(math_roc_within(score, member, fold, N, score));
        assert_memory_equal(score, got, sizeof got);
    }
    const double one[] = {1, 2, 3};
    const uint8_t kind[] = {1, 0, 0};
    const int32_t apart[] = {0, 0, 1};
    double out[3];
    assert_fails(math_roc_within(one, kind, apart, 3, out), BASE_EARG, "no members");
}

static void points_of_a_small_curve(void **state)
{
    (void)state;
    const double score[] = {0.9, 0.5, 0.5, 0.1, 0.5};
    const uint8_t member[] = {1, 1, 0, 0, 1};
    MathRoc roc;
    assert_ok(math_roc(score, member, 5, &roc));
    assert_int_equal(roc.count, 4);
    assert_int_equal(roc.P, 3);
    assert_int_equal(roc.N, 2);
    const double fpr[] = {0, 0, 0.5, 1}, tpr[] = {0, 1.0 / 3, 1, 1}, threshold[] = {INFINITY, 0.9, 0.5, 0.1};
    for (int i = 0; i < 4; i++) {
        assert_near(roc.fpr[i], fpr[i], 0, 0);
        assert_near(roc.tpr[i], tpr[i], 0, 0);
        assert_near(roc.threshold[i], threshold[i], 0, 0);
    }
    math_roc_free(&roc);
    math_roc_free(&roc);
    math_roc_free(NULL);
}

/* Among thresholds that are equally good the one with the smallest FPR is taken, equality decided in whole numbers. */
static void equals_go_to_the_smallest_fpr(void **state)
{
    (void)state;
    const double score[] = {4, 3, 2, 1, 0, -1};
    const uint8_t member[] = {1, 0, 1, 0, 1, 0};
    MathRoc roc;
    double threshold;
    assert_ok(math_roc(score, member, 6, &roc));
    assert_near(math_roc_best_balanced(&roc, &threshold), 0.5 + 1.0 / 6, 0, 1e-15);
    assert_near(threshold, 4, 0, 0);
    math_roc_free(&roc);
    const uint8_t reversed[] = {0, 0, 0, 1, 1, 1}; /* worse than calling nobody a member */
    assert_ok(math_roc(score, reversed, 6, &roc));
    assert_near(math_roc_best_balanced(&roc, &threshold), 0.5, 0, 0);
    assert_near(threshold, INFINITY, 0, 0);
    math_roc_free(&roc);
}

/* Members N(d, 1) against N(0, 1): AUC = Phi(d / sqrt 2). 200 intervals at 95%: binomial(200, 0.95) is below 180 with
 * probability 0.002; the draws are fixed. */
static void a_shifted_gaussian(void **state)
{
    (void)state;
    enum { P = 150, N = 100, ROUNDS = 200 };
    double score[P + N];
    uint8_t member[P + N];
    const double SHIFT[] = {0, 1, 2.5};
    for (int s = 0; s < 3; s++) {
        double truth = 0.5 * erfc(-SHIFT[s] / 2);
        int inside = 0;
        double mean = 0;
        for (uint64_t round = 0; round < ROUNDS; round++) {
            BaseRandom r = base_random_make(11, "roc_gauss", round + 1000 * (uint64_t)s);
            for (int i = 0; i < P + N; i++) {
                member[i] = i < P;
                score[i] = base_random_normal(&r) + (i < P ? SHIFT[s] : 0);
            }
            MathAuc auc;
            assert_ok(math_auc(score, member, P + N, &auc));
            inside += auc.lo <= truth && truth <= auc.hi;
            mean += auc.value / ROUNDS;
            assert_true(auc.lo > 0 && auc.hi < 1);
        }
        assert_in_range(inside, 180, 199);
        assert_near(mean, truth, 4 * 0.038 / sqrt(ROUNDS), 0); /* se of one AUC is at most 0.038 here */
    }
}

static void ends_have_exact_bounds(void **state)
{
    (void)state;
    const double score[] = {1, 2, 3, 4, 5, 6, 7};
    const uint8_t low[] = {0, 0, 0, 1, 1, 1, 1}, high[] = {1, 1, 1, 1, 0, 0, 0};
    double bound = pow(0.025, 1.0 / 3); /* 3 independent pairs, all won */
    MathAuc auc;
    assert_ok(math_auc(score, low, 7, &auc));
    assert_near(auc.value, 1, 0, 0);
    assert_near(auc.se, 0, 0, 0);
    assert_near(auc.lo, bound, 0, 1e-12);
    assert_near(auc.hi, 1, 0, 0);
    assert_ok(math_auc(score, high, 7, &auc));
    assert_near(auc.value, 0, 0, 0);
    assert_near(auc.lo, 0, 0, 0);
    assert_near(auc.hi, 1 - bound, 0, 1e-12);
    assert_int_equal(auc.P, 4);
    assert_int_equal(auc.N, 3);
}

static void constant_scores(void **state)
{
    (void)state;
    const double score[] = {2, 2, 2, 2, 2}, zeros[] = {0.0, -0.0, 0.0, -0.0, 0.0};
    const uint8_t member[] = {1, 0, 1, 0, 0};
    MathAuc auc;
    MathRoc roc;
    assert_ok(math_auc(score, member, 5, &auc));
    assert_near(auc.value, 0.5, 0, 0);
    assert_near(auc.se, 0, 0, 0);
    assert_near(auc.lo, 0.5 - auc.hi + 0.5, 0, 1e-15);
    assert_near(auc.hi, 0.5 + (1 - pow(0.025, 0.5)) / 2, 0, 1e-12); /* none of 2 pairs untied */
    assert_ok(math_roc(score, member, 5, &roc));
    assert_int_equal(roc.count, 2);
    assert_near(math_roc_best_balanced(&roc, NULL), 0.5, 0, 0);
    math_roc_free(&roc);
    assert_ok(math_roc(zeros, member, 5, &roc)); /* 0 and -0 tie */
    assert_int_equal(roc.count, 2);
    math_roc_free(&roc);
}

static void one_member_has_no_standard_error(void **state)
{
    (void)state;
    const double score[] = {1, 2, 3};
    const uint8_t member[] = {0, 1, 0};
    MathAuc auc;
    assert_ok(math_auc(score, member, 3, &auc));
    assert_near(auc.value, 0.5, 0, 0);
    assert_near(auc.se, NAN, 0, 0);
    assert_near(auc.lo, NAN, 0, 0);
    assert_near(auc.hi, NAN, 0, 0);
}

static void resolution_of_the_fpr(void **state)
{
    (void)state;
    enum { P = 20, N = 1000 };
    double score[P + N];
    uint8_t member[P + N];
    for (int i = 0; i < P + N; i++) {
        member[i] = i < P;
        score[i] = i < P ? 990.5 + i : i - P; /* 9 non-members beat the lowest member */
    }
    MathRoc roc;
    assert_ok(math_roc(score, member, P + N, &roc));
    MathTprAtFpr at = math_roc_tpr_at_fpr(&roc, 0.001); /* exactly 1 / N: one false positive is allowed */
    assert_near(at.within, 12.0 / 20, 0, 1e-15);        /* members above 998: 998.5 and up, 12 of them */
    assert_near(at.realised_fpr, 0.001, 0, 1e-15);
    assert_near(at.value, (11 + 0.001) / 20, 0, 1e-12); /* k = 1.001: above 999, and a thousandth of the way to 998 */
    /* K of Bin(1000, 0.001) is 0 to 3: its 2.5% and 97.5% quantiles. Below the first edge nobody, above the fourth
     * largest, 996, 14 of 20. */
    MathEstimate above = math_stats_share_effective(at.value, 20, 0.95);
    assert_near(at.lo, fmax(0, at.value - hypot(at.value, at.value - above.lo)), 1e-15, 0);
    assert_near(at.hi, at.value + hypot(14.0 / 20 - at.value, above.hi - at.value), 1e-15, 0);
    assert_int_equal(at.n, N);
    assert_near(math_roc_tpr_at_fpr(&roc, 0.01).value, 1, 0, 1e-12);
    assert_near(math_roc_tpr_at_fpr(&roc, 0.01).within, 1, 0, 0);
    at = math_roc_tpr_at_fpr(&roc, 0.000998); /* 0.998 of 1001: no threshold */
    assert_near(at.value, NAN, 0, 0);
    assert_near(at.within, NAN, 0, 0);
    assert_near(at.realised_fpr, NAN, 0, 0);
    assert_int_equal(at.n, N);
    math_roc_free(&roc);
}

static void wrong_inputs(void **state)
{
    (void)state;
    const double score[] = {1, 2, 3}, broken[] = {1, NAN, 3};
    const uint8_t all[] = {1, 1, 1}, none[] = {0, 0, 0}, mixed[] = {0, 1, 0}, odd[] = {0, 1, 2};
    MathRoc roc;
    MathAuc auc;
    assert_fails(math_roc(score, all, 3, &roc), BASE_EARG, "no non-members among 3");
    assert_fails(math_roc(score, none, 3, &roc), BASE_EARG, "no members among 3");
    assert_fails(math_roc(score, mixed, 0, &roc), BASE_EARG, "no members among 0");
    assert_fails(math_roc(broken, mixed, 3, &roc), BASE_ENUMERIC, "point 1 of 3 is NaN");
    assert_fails(math_roc(score, odd, 3, &roc), BASE_EARG, "is 2; it must be 0 or 1");
    assert_null(roc.fpr);
    assert_fails(math_auc(broken, mixed, 3, &auc), BASE_ENUMERIC, "NaN");
    assert_near(auc.value, NAN, 0, 0);
    assert_fails(math_auc(score, all, 3, &auc), BASE_EARG, "non-members");
}

static BaseStatus once(void *user)
{
    (void)user;
    const double score[] = {1, 2, 3, 2};
    const uint8_t member[] = {0, 1, 0, 1};
    MathRoc roc;
    MathAuc auc;
    BaseStatus st = math_roc(score, member, 4, &roc);
    math_roc_free(&roc);
    return st == BASE_OK ? math_auc(score, member, 4, &auc) : st;
}

static void without_memory(void **state)
{
    (void)state;
    support_fail_allocations(once, NULL, 20);
}

/* A million points in a moment: quadratic code would take hours. */
static void a_million_points(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    double *score;
    uint8_t *member;
    assert_ok(BASE_ALLOC(COUNT, &score));
    assert_ok(BASE_ALLOC(COUNT, &member));
    BaseRandom r = base_random_make(3, "roc_many", 0);
    for (int i = 0; i < COUNT; i++) {
        member[i] = i % 2 != 0;
        score[i] = base_random_normal(&r);
    }
    MathAuc auc;
    assert_ok(math_auc(score, member, COUNT, &auc));
    assert_near(auc.se, 1 / sqrt(6.0 * COUNT / 2), 0, 0.01); /* null: var = (P + N + 1) / (12 P N) */
    assert_near(auc.value, 0.5, 4 * auc.se, 0);
    base_free(score);
    base_free(member);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_in_the_fixture),
    cmocka_unit_test(ranks_within_folds),
    cmocka_unit_test(as_by_definition),
    cmocka_unit_test(points_of_a_small_curve),
    cmocka_unit_test(equals_go_to_the_smallest_fpr),
    cmocka_unit_test(a_shifted_gaussian),
    cmocka_unit_test(ends_have_exact_bounds),
    cmocka_unit_test(constant_scores),
    cmocka_unit_test(one_member_has_no_standard_error),
    cmocka_unit_test(resolution_of_the_fpr),
    cmocka_unit_test(wrong_inputs),
    cmocka_unit_test(without_memory),
    cmocka_unit_test(a_million_points),
};

SUPPORT_MAIN(tests)
