/* Special functions against values of 40 digits by mpmath 1.3.0, from these very doubles: betainc, or where a + b is large
 * the binomial's terms summed; erfc; quantiles by bisection. Allowed is 1e-13 of the value: the functions promise about
 * 1e-14, a wrong term is off by 1e-3 and more. */
#include "math/special.h"

#include <math.h>

#include "base/param.h"
#include "math/stats.h"
#include "tests/support/support.h"

static const double CLOSE = 1e-13;

static void test_beta(void **state)
{
    (void)state;
    static const struct {
        double x, a, b, lower, upper;
    } ROWS[] = {
        {0.5, 0.5, 0.5, 0.5, 0.5},
        {0.01, 0.5, 0.5, 0.063768560858519848583, 0.93623143914148015142},
        {0.3, 2, 3, 0.34829999999999998042, 0.65170000000000001958},
        {1e-10, 1, 5, 4.9999999990000001823e-10, 0.9999999995000000001},
        {0.999, 30, 0.5, 0.80723730615953703126, 0.19276269384046296874},
        {0.5, 5000, 5001, 0.50398932306969107688, 0.49601067693030892312},
        {0.48, 5000, 5001, 0.000032800638461357908348, 0.99996719936153864209},
        {0.9999, 10000.0, 2, 0.73572209286590037038, 0.26427790713409962962},
        {1e-05, 3, 999998, 0.99723069508351183547, 0.002769304916488164528},
        {0.02, 20000, 980001, 0.50096885996122426705, 0.49903114003877573295},
        {0.25, 0.1, 7.5, 0.99457130772531869607, 0.0054286922746813039283},
        {0.93, 14.5, 1.25, 0.4495243206894789878, 0.5504756793105210122},
        {1e-300, 0.5, 2, 1.5000000000000000188e-150, 1.0},
    };
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++) {
        assert_near(math_incomplete_beta(ROWS[i].x, ROWS[i].a, ROWS[i].b, false), ROWS[i].lower, 0, CLOSE);
        assert_near(math_incomplete_beta(ROWS[i].x, ROWS[i].a, ROWS[i].b, true), ROWS[i].upper, 0, CLOSE);
    }
    assert_true(math_incomplete_beta(0, 2, 3, false) == 0 && math_incomplete_beta(0, 2, 3, true) == 1);
    assert_true(math_incomplete_beta(1, 2, 3, false) == 1 && math_incomplete_beta(1, 2, 3, true) == 0);
    assert_true(isnan(math_incomplete_beta(-0.1, 2, 3, false)) && isnan(math_incomplete_beta(1.1, 2, 3, false)));
    assert_true(isnan(math_incomplete_beta(0.5, 0, 3, false)) && isnan(math_incomplete_beta(0.5, 2, INFINITY, false)));
    assert_true(isnan(math_incomplete_beta(NAN, 2, 3, false)));
}

static void test_normal(void **state)
{
    (void)state;
    static const struct {
        double x, upper, hazard; /* upper 0: below the smallest double */
    } ROWS[] = {
        {-37.5, 1.0, 1.7282337322841052208e-306},
        {-8.0, 0.9999999999999993779, 5.0522710835368954309e-15},
        {-1.0, 0.84134474606854294859, 0.28759997093917836123},
        {0.0, 0.5, 0.79788456080286535588},
        {0.5, 0.30853753872598689636, 1.1410777703680644809},
        {1.9599999999999999645, 0.024997895148220436213, 2.3378346051512177093},
        {4.998999999999999666, 2.8814201414641366029e-7, 5.1855366689741892565},
        {5.0, 2.8665157187919391167e-7, 5.1865039671258421156},
        {5.001000000000000334, 2.8516856322317610979e-7, 5.1874712761032597325},
        {8.0, 6.2209605742717841235e-16, 8.1213681122361126807},
        {12.5, 3.7325642988777133772e-36, 12.579007304406976089},
        {37.0, 5.7255712225245768227e-300, 37.026987686126990096},
        {40.0, 0, 40.024968847207263723},
        {1000.0, 0, 1000.00099999800001},
    };
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++) {
        if (ROWS[i].upper > 0) assert_near(math_normal_upper(ROWS[i].x), ROWS[i].upper, 0, CLOSE);
        assert_near(math_normal_hazard(ROWS[i].x), ROWS[i].hazard, 0, CLOSE);
    }
}

static void test_normal_quantile(void **state)
{
    (void)state;
    static const struct {
        double p, x;
    } ROWS[] = {
        {1e-300, -37.047096299361199237}, {1e-20, -9.2623400897984075796}, {1e-9, -5.9978070150076868614},
        {0.001, -3.0902323061678135354},  {0.025, -1.9599639845400542118}, {0.3, -0.52440051270804081597},
        {0.6, 0.25334710313579974132},    {0.975, 1.9599639845400538556},  {0.999999, 4.7534243088170877657},
    };
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++) {
        assert_near(math_normal_quantile(ROWS[i].p), ROWS[i].x, 0, CLOSE);
        if (ROWS[i].p > 1e-5) assert_near(math_normal_quantile(1 - ROWS[i].p), -ROWS[i].x, 0, 1e-10);
    }
    assert_true(math_normal_quantile(0.5) == 0);
    assert_true(isinf(math_normal_quantile(0)) && isinf(math_normal_quantile(1)));
    assert_true(isnan(math_normal_quantile(-0.1)) && isnan(math_normal_quantile(1.1)) &&
                isnan(math_normal_quantile(NAN)));
}

static void test_t_quantile(void **state)
{
    (void)state;
    static const struct {
        double p, df, t;
    } ROWS[] = {
        {0.975, 1, 12.706204736174693314},
        {0.975, 2, 4.3026527297494617894},
        {0.975, 9, 2.2621571627982049992},
        {0.95, 30.5, 1.6963751158527455284},
        {0.6, 4, 0.270722294707597363},
        {0.001, 7, -4.7852896286383340458},
        {1e-09, 3, -1033.109674503807708},
        {0.999, 1000000.0, 3.0902404563165193452},
        {0.975, 50000000.0, 1.9599640319854795906},
        {0.975, 200000000.0, 1.9599639964014100777},
        {0.975, 1000000000000.0, 1.9599639845424261268},
        {0.5001, 12, 0.00025593362884942320668},
        {0.25, 0.5, -1.5537739740300373073},
    };
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++) {
        double t = math_stats_t_quantile(ROWS[i].p, ROWS[i].df);
        assert_near(t, ROWS[i].t, 0, 1e-12); /* p itself is a double: 1 - 0.999 has lost three digits */
        assert_true(fabs(t) >= fabs(math_normal_quantile(ROWS[i].p)));
    }
    assert_true(math_stats_t_quantile(0.5, 3) == 0);
    assert_true(math_stats_t_quantile(0.975, INFINITY) == math_normal_quantile(0.975));
    assert_true(isinf(math_stats_t_quantile(1, 3)) && isnan(math_stats_t_quantile(0.5, 0)));
    assert_true(isnan(math_stats_t_quantile(1.5, 3)) && isnan(math_stats_t_quantile(NAN, 3)));
}

/* lgamma keeps the sign of its last value in a global of the C library, which threads would write at once. */
static void test_no_global(void **state)
{
    (void)state;
    signgam = 77;
    assert_near(math_log_gamma(4), 1.7917594692280550008, 0, CLOSE);
    assert_int_equal(signgam, 77);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_beta),       cmocka_unit_test(test_normal),    cmocka_unit_test(test_normal_quantile),
    cmocka_unit_test(test_t_quantile), cmocka_unit_test(test_no_global),
};
SUPPORT_MAIN(tests)
