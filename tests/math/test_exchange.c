#include "tests/support/support.h"

#include <math.h>

#include "base/param.h"
#include "base/random.h"
#include "math/exchange.h"

/* scipy.stats.t.sf(t, v) * 2, scipy 1.15 */
static void tails_of_t(void **state)
{
    (void)state;
    const double WANT[][3] = {{0.5, 1, 0.70483276469913347},    {2.3, 1, 0.26109517417724554},
                              {2.3, 4, 0.082939037112382361},   {40, 2, 0.0006244146721847406},
                              {9, 19, 2.7927579624638649e-08},  {0.01, 3, 0.99264911141285195},
                              {1000, 1, 0.00063661956016111785}};
    for (size_t i = 0; i < BASE_COUNT(WANT); i++) {
        assert_near(math_exchange_tails(WANT[i][0], WANT[i][1]), WANT[i][2], 0, 1e-12);
        assert_near(math_exchange_tails(-WANT[i][0], WANT[i][1]), WANT[i][2], 0, 1e-12);
    }
    assert_near(math_exchange_tails(0, 3), 1, 0, 1e-15);
    assert_near(math_exchange_tails(INFINITY, 3), 0, 0, 0);
    assert_near(math_exchange_tails(NAN, 3), NAN, 0, 0);
    assert_near(math_exchange_tails(1, 0), NAN, 0, 0);
}

static void one_more_of_four(void **state)
{
    (void)state;
    const double others[] = {0.31, -0.2, 0.15, 0.4};
    MathExchange x = math_exchange(1.1, others, 4, 0); /* numpy and scipy */
    assert_near(x.centre, 0.165, 0, 1e-14);
    assert_near(x.offset, 0.935, 0, 1e-14);
    assert_near(x.reach, 0.29559262507714906, 0, 1e-13);
    assert_near(x.p, 0.05074823518109813, 0, 1e-12);
    assert_near(x.freedom, 3, 0, 0);
    assert_false(x.ranked);
    assert_near(math_exchange_half(&x, 0, 0.95), 0.9407076575458851, 0, 1e-12);
    /* the points' variance has the normal quantile: hypot(t reach, z 0.3) */
    assert_near(math_exchange_half(&x, 0.09, 0.95), hypot(0.9407076575458851, 1.959963984540054 * 0.3), 0, 1e-12);
    MathExchange floored = math_exchange(1.1, others, 4, 4); /* S is 2 */
    assert_near(floored.reach, 2 * sqrt(1.25), 0, 1e-14);
}

static void where_it_is_not_defined(void **state)
{
    (void)state;
    const double others[] = {0.5, 0.5, 0.5}, odd[] = {0, NAN};
    assert_near(math_exchange(1, others, 1, 0).p, NAN, 0, 0);
    assert_near(math_exchange(1, odd, 2, 0).p, NAN, 0, 0);
    assert_near(math_exchange(NAN, others, 3, 0).p, NAN, 0, 0);
    MathExchange x = math_exchange(0.7, others, 3, 0); /* no spread: the rank's p */
    assert_true(x.ranked);
    assert_near(x.p, 0.5, 0, 1e-15);
    assert_near(math_exchange_half(&x, 0, 0.95), NAN, 0, 0);
    assert_near(math_exchange_evidence(&x), 1, 0, 0);
    assert_near(math_exchange(0.5, others, 3, 0).p, 1, 0, 0);
    const double rounded[] = {0.5, 0.5 + 1e-16, 0.5 - 1.2e-16}; /* the same sum in another order */
    x = math_exchange(0.7, rounded, 3, 0);
    assert_true(x.ranked && x.p >= 0.5);
    x = math_exchange(0.7, others, 3, 0.01); /* what counting alone does is known: t with the floor */
    assert_false(x.ranked);
    assert_near(x.reach, 0.1 * sqrt(4 / 3.0), 0, 1e-14);
    assert_near(x.share, 0, 0, 0);
}

/* The integral of the noncentral t's density over N(0, 5) effects, over the central one's: scipy's quad. */
static void evidence_by_quadrature(void **state)
{
    (void)state;
    const double WANT[][3] = {
        {0, 4, 0.21821789023599242}, {3, 4, 2.6731691553909056}, {8, 6, 143.20434442033127}, {-5, 3, 5.34900709867289}};
    for (size_t i = 0; i < BASE_COUNT(WANT); i++) {
        MathExchange x = {.p = 0.5, .offset = WANT[i][0], .reach = 1, .freedom = WANT[i][1] - 1};
        assert_near(math_exchange_evidence(&x), WANT[i][2], 0, 1e-9);
    }
}

/* Under exchangeable models p is uniform; and the e-value, looked at after every model, passes 20 in at most 1 of 20. */
static void levels_hold(void **state)
{
    (void)state;
    enum { TRIALS = 4000, MOST = 12 };
    int64_t small[3] = {0}, ever = 0;
    const double LEVEL[] = {0.01, 0.05, 0.5};
    BaseRandom r = base_random_make(1, "exchange", 0);
    for (int t = 0; t < TRIALS; t++) {
        double x[MOST + 1], most = 0;
        for (int i = 0; i <= MOST; i++) x[i] = 3 + 0.2 * base_random_normal(&r);
        double p = math_exchange(x[0], x + 1, 2 + t % 6, 0).p;
        for (int k = 0; k < 3; k++) small[k] += p <= LEVEL[k];
        for (int R = 2; R <= MOST; R++) {
            MathExchange at = math_exchange(x[0], x + 1, R, 0);
            most = fmax(most, math_exchange_evidence(&at));
        }
        ever += most >= 20;
    }
    for (int k = 0; k < 3; k++) { /* four standard deviations of a binomial */
        double off = (double)small[k] / TRIALS - LEVEL[k];
        assert_true(fabs(off) < 4 * sqrt(LEVEL[k] * (1 - LEVEL[k]) / TRIALS));
    }
    assert_true((double)ever / TRIALS <= 0.05 + 4 * sqrt(0.05 * 0.95 / TRIALS));
    assert_true(ever > 0);
}

static double naive_simes(const double *p, const bool *in, int64_t n)
{
    double least = 1;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += in[i];
    for (int64_t i = 0; i < n; i++) {
        int64_t rank = 0;
        for (int64_t k = 0; k < n; k++) rank += in[k] && p[k] <= p[i];
        if (in[i]) least = fmin(least, (double)count * p[i] / (double)rank);
    }
    return least;
}

/* By definition: the largest Simes p over all supersets of the set, of which there are 2^n. */
static void closed_by_definition(void **state)
{
    (void)state;
    enum { N = 7 };
    BaseRandom r = base_random_make(2, "closed", 0);
    for (int t = 0; t < 40; t++) {
        double p[N], got;
        for (int i = 0; i < N; i++) p[i] = pow(base_random_uniform(&r), 3);
        if (t % 5 == 0) p[1] = p[2] = p[4];
        for (unsigned set = 1; set < 1u << N; set += 5) {
            bool in[N], with[N];
            double want = 0;
            for (int i = 0; i < N; i++) in[i] = set >> i & 1;
            for (unsigned more = 0; more < 1u << N; more++) {
                if ((more & set) != set) continue;
                for (int i = 0; i < N; i++) with[i] = more >> i & 1;
                want = fmax(want, naive_simes(p, with, N));
            }
            assert_ok(math_closed(p, in, N, &got));
            assert_near(got, want, 0, 1e-14);
        }
    }
    const double p[] = {0.2};
    const bool none[] = {false};
    double got;
    assert_fails(math_closed(p, none, 1, &got), BASE_EARG, "no hypothesis");
    double sorted[] = {0.04, 0.01, 0.03};
    assert_near(math_simes(sorted, 3), 0.03, 0, 1e-15); /* min(3 * .01, 3/2 * .03, .04) */
    assert_near(math_simes(sorted, 0), NAN, 0, 0);
}

static BaseStatus once(void *user)
{
    const double p[] = {0.1, 0.2, 0.3};
    const bool in[] = {true, false, true};
    double got;
    (void)user;
    return math_closed(p, in, 3, &got);
}

/* Holm by its closure: the largest Bonferroni p, |set| min p, over all sets that hold the hypothesis. */
static void holm_by_closure(void **state)
{
    (void)state;
    enum { N = 7 };
    BaseRandom r = base_random_make(3, "holm", 0);
    for (int t = 0; t < 200; t++) {
        double p[N], got[N];
        for (int i = 0; i < N; i++) p[i] = pow(base_random_uniform(&r), 3);
        if (t % 5 == 0) p[1] = p[2] = p[4];
        math_holm(p, N, got);
        for (int i = 0; i < N; i++) {
            double want = 0;
            for (unsigned set = 1; set < 1u << N; set++) {
                double least = 1, count = 0;
                for (int k = 0; k < N; k++)
                    if (set >> k & 1) least = fmin(least, p[k]), count++;
                if (set >> i & 1) want = fmax(want, fmin(1, count * least));
            }
            assert_near(got[i], want, 0, 1e-14);
        }
    }
    const double some[] = {0.01, NAN, 0.04, 0.03}, none[] = {NAN};
    double got[4];
    math_holm(some, 4, got); /* 3 * .01, 1 * .04 -> at least 2 * .03 */
    assert_near(got[0], 0.03, 0, 1e-15);
    assert_true(isnan(got[1]));
    assert_near(got[2], 0.06, 0, 1e-15);
    assert_near(got[3], 0.06, 0, 1e-15);
    math_holm(none, 1, got);
    assert_true(isnan(got[0]));
}

static void without_memory(void **state)
{
    (void)state;
    support_fail_allocations(once, NULL, 10);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tails_of_t),
    cmocka_unit_test(one_more_of_four),
    cmocka_unit_test(where_it_is_not_defined),
    cmocka_unit_test(evidence_by_quadrature),
    cmocka_unit_test(levels_hold),
    cmocka_unit_test(closed_by_definition),
    cmocka_unit_test(holm_by_closure),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
