/* Fisher's test against all terms, and over strata against every combination. */
#include "math/fisher.h"

#include <math.h>

#include "base/param.h"
#include "tests/support/support.h"

/* Against the sum of all terms, each a ratio of products in long double: a term has up to 60 factors, each right to 1e-19. */
static long double naive_hypergeometric(int64_t right, int64_t drawn, int64_t marked, int64_t n)
{
    long double sum = 0;
    for (int64_t k = right; k <= drawn && k <= marked; k++) {
        if (drawn - k > n - marked) continue;
        long double term = 1; /* C(marked, k) C(n - marked, drawn - k) / C(n, drawn) */
        for (int64_t i = 0; i < k; i++) term *= (long double)(marked - i) / (long double)(k - i);
        for (int64_t i = 0; i < drawn - k; i++) term *= (long double)(n - marked - i) / (long double)(drawn - k - i);
        for (int64_t i = 0; i < drawn; i++) term *= (long double)(drawn - i) / (long double)(n - i);
        sum += term;
    }
    return sum;
}

static double fisher(int64_t right, int64_t drawn, int64_t marked, int64_t n)
{
    double p;
    assert_ok(math_fisher(&(MathStratum){drawn, marked, n}, 1, right, &p));
    return p;
}

static void one_stratum(void **state)
{
    (void)state;
    static const int64_t ROWS[][3] = {{4, 30, 60}, {8, 10, 20}, {16, 5, 21}, {20, 20, 40}, {32, 50, 64}, {1, 1, 2}};
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++)
        for (int64_t right = 0; right <= ROWS[i][0] + 1; right++)
            assert_near(fisher(right, ROWS[i][0], ROWS[i][1], ROWS[i][2]),
                        (double)naive_hypergeometric(right, ROWS[i][0], ROWS[i][1], ROWS[i][2]), 1e-15, 1e-12);
    assert_near(fisher(4, 4, 27000, 54000), 0.0625, 0, 2e-4); /* C(27000, 4) / C(54000, 4), nearly 1/16 */
    assert_true(fisher(5, 4, 9, 20) == 0 && fisher(0, 0, 9, 20) == 1 && fisher(1, 0, 9, 20) == 0);
    double p;
    assert_ok(math_fisher(NULL, 0, 0, &p));
    assert_true(p == 1);
}

/* P of both strata by the sum over what the first gives. */
static void two_strata(void **state)
{
    (void)state;
    const MathStratum both[] = {{10, 15, 20}, {7, 4, 30}};
    for (int64_t right = 0; right <= 16; right++) {
        double p, sum = 0;
        for (int64_t k = 0; k <= 10; k++)
            sum += (double)((naive_hypergeometric(k, 10, 15, 20) - naive_hypergeometric(k + 1, 10, 15, 20)) *
                            naive_hypergeometric(right - k > 0 ? right - k : 0, 7, 4, 30));
        assert_ok(math_fisher(both, 2, right, &p));
        assert_near(p, sum, 1e-14, 1e-12);
    }
}

static BaseStatus once(void *user)
{
    double p;
    (void)user;
    return math_fisher((const MathStratum[]){{10, 15, 20}, {7, 4, 30}}, 2, 9, &p);
}

static void without_memory(void **state)
{
    (void)state;
    support_fail_allocations(once, NULL, 20);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_stratum),
    cmocka_unit_test(two_strata),
    cmocka_unit_test(without_memory),
};
SUPPORT_MAIN(tests)
