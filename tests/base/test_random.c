#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"

/* xoshiro256** from the state 1, 2, 3, 4: the first outputs follow from the definition by hand
 * (rotl(s1*5, 7)*9: 2*5 = 10, 10 << 7 = 1280, *9 = 11520; then s1 = 0 after the step: 0). */
static void test_generator(void **state)
{
    (void)state;
    BaseRandom r = {.s = {1, 2, 3, 4}};
    assert_true(base_random_u64(&r) == 11520);
    assert_true(base_random_u64(&r) == 0);
    assert_true(base_random_u64(&r) == 1509978240);
}

static void test_streams(void **state)
{
    (void)state;
    BaseRandom a = base_random_make(1, "init", 0), b = base_random_make(1, "init", 0);
    for (int i = 0; i < 1000; i++) assert_true(base_random_u64(&a) == base_random_u64(&b));
    /* 64 streams of near seeds, names and indices: their first numbers all differ */
    static const char *const NAMES[] = {"init", "order", "inis", ""};
    uint64_t first[64];
    int n = 0;
    for (uint64_t seed = 0; seed < 4; seed++)
        for (uint64_t index = 0; index < 4; index++)
            for (int k = 0; k < 4; k++) {
                BaseRandom r = base_random_make(seed, NAMES[k], index);
                first[n++] = base_random_u64(&r);
            }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) assert_true(first[i] != first[j]);
}

/* n = 100000 draws: the mean's standard error is sd / 316; five of them are allowed (1 in 1.7 million by chance, and
 * the seed is fixed). */
static void test_moments(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(3, "test", 0);
    const int n = 100000;
    double sum = 0, square = 0, cube = 0;
    for (int i = 0; i < n; i++) {
        double u = base_random_uniform(&r);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_near(sum / n, 0.5, 5 * sqrt(1.0 / 12 / n), 0);
    sum = 0;
    for (int i = 0; i < n; i++) {
        double z = base_random_normal(&r);
        sum += z;
        square += z * z;
        cube += z * z * z;
    }
    assert_near(sum / n, 0, 5 / sqrt(n), 0);
    assert_near(square / n, 1, 5 * sqrt(2.0 / n), 0);
    assert_near(cube / n, 0, 5 * sqrt(15.0 / n), 0);
}

/* Chi-square with 6 degrees of freedom: above 35 once in 200000. */
static void test_below(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(4, "test", 0);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++) count[base_random_below(&r, 7)]++;
    double chi = 0;
    for (int k = 0; k < 7; k++) chi += (count[k] - 10000.0) * (count[k] - 10000.0) / 10000.0;
    assert_true(chi < 35);
    for (int i = 0; i < 100; i++) assert_true(base_random_below(&r, 1) == 0);
    for (int i = 0; i < 100; i++) assert_true(base_random_below(&r, UINT64_MAX) < UINT64_MAX);
}

/* All 6 orders of 3, all 10 pairs of 5, each equally often (chi-square as above: 5 and 9 degrees of freedom). */
static void test_orders_and_subsets(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(5, "test", 0);
    int orders[27] = {0}, pairs[25] = {0};
    for (int i = 0; i < 6000; i++) {
        int64_t order[3] = {0, 1, 2};
        base_random_shuffle(&r, order, 3);
        assert_int_equal(order[0] + order[1] + order[2], 3);
        orders[9 * order[0] + 3 * order[1] + order[2]]++;
    }
    double chi = 0;
    int kinds = 0;
    for (int i = 0; i < 27; i++)
        if (orders[i]) chi += (orders[i] - 1000.0) * (orders[i] - 1000.0) / 1000.0, kinds++;
    assert_int_equal(kinds, 6);
    assert_true(chi < 33);
    for (int i = 0; i < 10000; i++) {
        int64_t pair[2];
        base_random_choose(&r, 5, 2, pair);
        assert_true(pair[0] >= 0 && pair[0] < pair[1] && pair[1] < 5);
        pairs[5 * pair[0] + pair[1]]++;
    }
    chi = 0, kinds = 0;
    for (int i = 0; i < 25; i++)
        if (pairs[i]) chi += (pairs[i] - 1000.0) * (pairs[i] - 1000.0) / 1000.0, kinds++;
    assert_int_equal(kinds, 10);
    assert_true(chi < 40);
    int64_t all[5];
    base_random_choose(&r, 5, 5, all);
    for (int i = 0; i < 5; i++) assert_int_equal(all[i], i);
    base_random_choose(&r, 5, 0, all);
    base_random_shuffle(&r, all, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_generator),
    cmocka_unit_test(test_streams),
    cmocka_unit_test(test_moments),
    cmocka_unit_test(test_below),
    cmocka_unit_test(test_orders_and_subsets),
};
SUPPORT_MAIN(tests)
