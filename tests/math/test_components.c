/* Variance components: by hand, and as the means of many simulated designs. */
#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "math/components.h"

/* Groups {1, 3} and {5, 9}: means 2, 7, all 4.5; between 2 (2.5^2 + 2.5^2) / 1 = 25, within (1 + 1 + 4 + 4) / 2 = 5: inner 5,
 * outer (25 - 5) / 2 = 10. */
static void by_hand(void **state)
{
    (void)state;
    const double y[] = {1, 3, 5, 9}, two[] = {1, 3, 5, 9, 101, 103, 105, 109}, close[] = {0, 4, 1, 3};
    MathComponents c = math_components(y, 1, 2, 2);
    assert_near(c.outer, 10, 1e-14, 0);
    assert_near(c.inner, 5, 1e-14, 0);
    assert_false(c.clipped);
    c = math_components(two, 2, 2, 2); /* what a set adds to all its numbers is no variance of seeds */
    assert_near(c.outer, 10, 1e-12, 0);
    assert_near(c.inner, 5, 1e-12, 0);
    c = math_components(close, 1, 2, 2); /* means 2, 2: between 0, within (4 + 4 + 1 + 1) / 2 = 5 */
    assert_near(c.outer, 0, 0, 0);
    assert_near(c.inner, 5, 1e-14, 0);
    assert_true(c.clipped);
    assert_true(isnan(math_components(y, 1, 1, 4).outer) && isnan(math_components(y, 1, 4, 1).inner));
    assert_true(isnan(math_components(y, 0, 2, 2).outer));
    const double equal[] = {0.1, 0.1, 0.1, 0.7, 0.7, 0.7}; /* whose means are rounded if they are summed */
    c = math_components(equal, 1, 2, 3);
    assert_near(c.inner, 0, 0, 0);
    assert_near(c.outer, 0.18, 1e-15, 0);
    const double nan[] = {1, 3, NAN, 9};
    c = math_components(nan, 1, 2, 2);
    assert_true(isnan(c.outer) && isnan(c.inner) && !c.clipped);
}

/* Before clipping both are unbiased: with a large outer variance nothing is clipped, and the mean over designs comes out. The
 * mean of TRIALS estimates has a relative standard error of sqrt(2 / (3 sets TRIALS)) = 0.9% for outer and less for inner:
 * 4% is more than four of them. */
static void unbiased(void **state)
{
    (void)state;
    enum { SETS = 2, S = 4, J = 3, TRIALS = 4000 };
    BaseRandom r = base_random_make(3, "components", 0);
    double outer = 0, inner = 0;
    for (int t = 0; t < TRIALS; t++) {
        double y[SETS * S * J];
        for (int c = 0; c < SETS; c++)
            for (int s = 0; s < S; s++) {
                double a = 3 * base_random_normal(&r) + 10 * c;
                for (int j = 0; j < J; j++) y[(c * S + s) * J + j] = a + base_random_normal(&r);
            }
        MathComponents c = math_components(y, SETS, S, J);
        outer += c.outer / TRIALS;
        inner += c.inner / TRIALS;
    }
    assert_near(outer, 9, 0, 0.04);
    assert_near(inner, 1, 0, 0.04);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(unbiased)};
SUPPORT_MAIN(tests)
