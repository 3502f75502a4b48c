#include "tests/support/support.h"

#include <math.h>
#include <omp.h>

#include "math/stats.h"

/* Every literal here: /usr/bin/python3 -c "from scipy.stats import beta, norm, t; ..." with SciPy 1.10.1:
 * beta.ppf(.025, k, n-k+1), beta.ppf(.975, k+1, n-k); norm.ppf(p); t.ppf(.975, df); t.interval(.95, 4, mean, sd /
 * 5**.5). */
static const struct {
    int64_t k, n;
    double lo, hi;
} SHARES[] = {
    {1, 10, 0.0025285785444617848, 0.44501611702819538},
    {3, 10, 0.066739511177734467, 0.65245285005999731},
    {7, 50, 0.058191700340372098, 0.2673960024970084},
    {5000, 10000, 0.49015138058998148, 0.50984861941001847},
    {9999, 10000, 0.99944296300205293, 0.99999746822240654},
    {37, 60000, 0.00043422624702776143, 0.00084989459889069422},
    {640000, 1280000, 0.49913342030473107, 0.50086657969526893},
    {4000000, 10000000, 0.3996963426704726, 0.4003037152282562},
    {1, 1000000000, 2.5317807983969383e-11, 5.5716434291233906e-09},
};

static void shares_as_in_scipy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHARES / sizeof *SHARES; i++) {
        MathEstimate got = math_stats_share(SHARES[i].k, SHARES[i].n, 0.95);
        /* ln Beta(k, n - k) is a difference of numbers of the size n ln n: it keeps n ln n * 1e-16 */
        double tolerance = 1e-12 + 2e-17 * (double)SHARES[i].n;
        assert_near(got.lo, SHARES[i].lo, 0, tolerance);
        assert_near(got.hi, SHARES[i].hi, 0, tolerance);
        assert_near(got.value, (double)SHARES[i].k / (double)SHARES[i].n, 0, 0);
        assert_int_equal(got.n, SHARES[i].n);
        assert_near(math_stats_share_lower(SHARES[i].k, SHARES[i].n, 0.025), got.lo, 0,
                    1e-14); /* (1 - 0.95) / 2 rounds */
        assert_near(math_stats_share_upper(SHARES[i].k, SHARES[i].n, 0.025), got.hi, 0, 1e-14);
    }
}

static void shares_at_the_ends(void **state)
{
    (void)state;
    const int64_t N[] = {1, 2, 5, 100, 900, 60000, 1280000};
    for (size_t i = 0; i < sizeof N / sizeof *N; i++) {
        double bound = 1 - pow(0.025, 1 / (double)N[i]); /* P(X = 0 | p) = (1 - p)^n = alpha / 2 */
        MathEstimate none = math_stats_share(0, N[i], 0.95), all = math_stats_share(N[i], N[i], 0.95);
        assert_near(none.value, 0, 0, 0);
        assert_near(none.lo, 0, 0, 0);
        assert_near(none.hi, bound, 1e-16, 1e-10);
        assert_near(all.value, 1, 0, 0);
        assert_near(all.hi, 1, 0, 0);
        assert_near(all.lo, 1 - bound, 1e-15, 1e-10);
    }
    assert_near(math_stats_share_upper(0, 1000, 0.05), 1 - pow(0.05, 1e-3), 0, 1e-12);
}

static void shares_not_defined(void **state)
{
    (void)state;
    MathEstimate none = math_stats_share(0, 0, 0.95);
    assert_near(none.value, NAN, 0, 0);
    assert_near(none.lo, NAN, 0, 0);
    assert_near(none.hi, NAN, 0, 0);
    assert_int_equal(none.n, 0);
    assert_near(math_stats_share(3, 2, 0.95).value, NAN, 0, 0);
    assert_near(math_stats_share(-1, 2, 0.95).value, NAN, 0, 0);
    assert_near(math_stats_share_lower(1, 0, 0.05), NAN, 0, 0);
    assert_near(math_stats_share_upper(1, 0, 0.05), NAN, 0, 0);
}

static double binomial(int64_t n, int64_t k, double p)
{
    return exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1)) * pow(p, (double)k) *
           pow(1 - p, (double)(n - k));
}

/* The definition itself: P(X >= k | lo) = P(X <= k | hi) = alpha, by summing the binomial. */
static void shares_solve_their_equation(void **state)
{
    (void)state;
    const double LEVELS[] = {0.5, 0.9, 0.95, 0.999};
    for (int64_t n = 1; n <= 40; n += 3) {
        for (int64_t k = 0; k <= n; k++) {
            for (size_t l = 0; l < sizeof LEVELS / sizeof *LEVELS; l++) {
                MathEstimate got = math_stats_share(k, n, LEVELS[l]);
                double alpha = (1 - LEVELS[l]) / 2, above = 0, below = 0;
                for (int64_t i = k; i <= n; i++) above += binomial(n, i, got.lo);
                for (int64_t i = 0; i <= k; i++) below += binomial(n, i, got.hi);
                if (k > 0) assert_near(above, alpha, 0, 1e-9);
                if (k < n) assert_near(below, alpha, 0, 1e-9);
                assert_true(got.lo <= got.value && got.value <= got.hi);
                MathEstimate mirror = math_stats_share(n - k, n, LEVELS[l]);
                assert_near(mirror.hi, 1 - got.lo, 1e-14, 0);
            }
        }
    }
}

static void bounds_of_the_epsilon_fixture(void **state)
{
    (void)state;
    IoHdf5 *file = NULL;
    int64_t count = 0;
    assert_ok(io_hdf5_open(support_fixture("attacks.h5"), &file));
    double *rows = support_read_f64(file, "epsilon/tp_P_fp_N_tprlow_fprhigh_epsilon", &count);
    double alpha = (1 - support_attr(file, "epsilon", "confidence")) / 2;
    assert_true(count >= 7 && count % 7 == 0);
    for (const double *r = rows; r < rows + count; r += 7) {
        assert_near(math_stats_share_lower((int64_t)r[0], (int64_t)r[1], alpha), r[4], 0, 1e-11);
        assert_near(math_stats_share_upper((int64_t)r[2], (int64_t)r[3], alpha), r[5], 0, 1e-11);
    }
    base_free(rows);
    io_hdf5_close(file);
}

static void the_mean_and_its_interval(void **state)
{
    (void)state;
    const double x[] = {2.5, -1, 4, 0.25, 7};
    double sd;
    MathEstimate got = math_stats_mean(x, 5, 0.95, &sd);
    assert_near(got.value, 2.5499999999999998, 0, 1e-12);
    assert_near(sd, 3.1543620591175006, 0, 1e-12);
    assert_near(got.lo, -1.3666578061061019, 0, 1e-12);
    assert_near(got.hi, 6.4666578061061015, 0, 1e-12);
    assert_int_equal(got.n, 5);
    got = math_stats_mean(x, 1, 0.95, &sd);
    assert_near(got.value, 2.5, 0, 0);
    assert_near(got.lo, NAN, 0, 0);
    assert_near(sd, NAN, 0, 0);
    got = math_stats_mean(x, 0, 0.95, NULL);
    assert_near(got.value, NAN, 0, 0);
    assert_int_equal(got.n, 0);
    const double same[] = {0.1, 0.1, 0.1};
    got = math_stats_mean(same, 3, 0.95, &sd);
    assert_near(sd, 0, 1e-17, 0);
    assert_near(got.lo, 0.1, 1e-16, 0);
    const double broken[] = {1, NAN, 2};
    got = math_stats_mean(broken, 3, 0.95, &sd);
    assert_near(got.value, NAN, 0, 0);
    assert_near(sd, NAN, 0, 0);
}

/* A large offset must not eat the spread: the textbook sum of squares loses every digit here. */
/* Hall's g(W) = W + c W^2 / 3 + c^2 W^3 / 27 + c / (6 n), which rises, by bisection. */
static double naive_unskewed(double q, double c, double n)
{
    double lo = -1e4, hi = 1e4;
    for (int i = 0; i < 200; i++) {
        double w = (lo + hi) / 2, g = w + c * w * w / 3 + c * c * w * w * w / 27 + c / (6 * n);
        if (g < q / sqrt(n))
            lo = w;
        else
            hi = w;
    }
    return lo * sqrt(n);
}

static void a_mean_of_skewed_numbers(void **state)
{
    (void)state;
    const double x[] = {0.1, 0.3, 0.2, 4, 0.7, 0.05, 1.1};
    for (int n = 2; n <= 7; n++) {
        double mean = 0, square = 0, cube = 0;
        for (int i = 0; i < n; i++) mean += x[i] / n;
        for (int i = 0; i < n; i++) {
            square += pow(x[i] - mean, 2) / n;
            cube += pow(x[i] - mean, 3) / n;
        }
        double c = cube / pow(square, 1.5), se = sqrt(square / (n - 1)), t = math_stats_t_quantile(0.95, n - 1);
        MathEstimate got = math_stats_mean_skewed(x, n, 0.9), plain = math_stats_mean(x, n, 0.9, NULL);
        assert_near(got.value, plain.value, 0, 0);
        assert_near(got.hi, fmax(plain.hi, mean - se * naive_unskewed(-t, c, n)), 1e-10, 1e-10);
        assert_near(got.lo, fmin(plain.lo, mean - se * naive_unskewed(t, c, n)), 1e-10, 1e-10);
        if (n > 4) assert_true(got.hi > plain.hi && c > 1);
    }
    const double same[] = {3, 3, 3}, two[] = {-1, 1};
    assert_near(math_stats_mean_skewed(same, 3, 0.95).hi, 3, 0, 1e-15);
    assert_near(math_stats_mean_skewed(two, 2, 0.95).hi, math_stats_mean(two, 2, 0.95, NULL).hi, 0, 1e-14);
    assert_near(math_stats_mean_skewed(same, 1, 0.95).lo, NAN, 0, 0);
    assert_near(math_stats_mean_skewed(same, 0, 0.95).value, NAN, 0, 0);
}

static void the_spread_survives_an_offset(void **state)
{
    (void)state;
    double x[1000], sd;
    for (int i = 0; i < 1000; i++) x[i] = 1e9 + i % 2;
    MathEstimate got = math_stats_mean(x, 1000, 0.95, &sd);
    assert_near(got.value, 1e9 + 0.5, 0, 1e-16);
    assert_near(sd, sqrt(250.0 / 999), 0, 1e-12);
}

static void quantiles(void **state)
{
    (void)state;
    const double x[] = {-1, 0.25, 2.5, 4, 7};
    const double Q[] = {0, 0.1, 0.5, 0.9, 1}, want[] = {-1, -0.5, 2.5, 5.8000000000000007, 7}; /* numpy.quantile */
    for (int i = 0; i < 5; i++) assert_near(math_stats_quantile(x, 5, Q[i]), want[i], 1e-15, 1e-15);
    assert_near(math_stats_quantile(x, 1, 0.7), -1, 0, 0);
    assert_near(math_stats_quantile(x, 0, 0.5), NAN, 0, 0);
    assert_near(math_stats_quantile(x, 5, 1.5), NAN, 0, 0);
    const double ends[] = {0, INFINITY};
    assert_near(math_stats_quantile(ends, 2, 0), 0, 0, 0);
}

static void normal_and_t_quantiles(void **state)
{
    (void)state;
    const double P[] = {0.001, 0.025, 0.5, 0.975, 1 - 1e-9},
                 z[] = {-3.0902323061678132, -1.9599639845400545, 0, 1.959963984540054, 5.9978070196016366};
    const double DF[] = {1, 2, 3, 30, 1e6}, t[] = {12.706204736432095, 4.3026527299112747, 3.1824463052842629,
                                                   2.0422724563012373, 1.9599663568141066};
    for (int i = 0; i < 5; i++) assert_near(math_stats_normal_quantile(P[i]), z[i], 1e-15, 1e-12);
    for (int i = 0; i < 5; i++) assert_near(math_stats_t_quantile(0.975, DF[i]), t[i], 0, 1e-9);
    assert_near(math_stats_normal_quantile(1.5), NAN, 0, 0);
    assert_near(math_stats_t_quantile(0.5, 0), NAN, 0, 0);
}

/* Nothing is kept between calls. */
static void many_threads_at_once(void **state)
{
    (void)state;
    double hi[64];
#pragma omp parallel for num_threads(8)
    for (int i = 0; i < 64; i++) hi[i] = math_stats_share(i % 7, 50, 0.95).hi;
    for (int i = 0; i < 64; i++) assert_near(hi[i], math_stats_share(i % 7, 50, 0.95).hi, 0, 0);
}

static void an_estimate_without_interval(void **state)
{
    (void)state;
    MathEstimate got = math_estimate(3.5, 7);
    assert_near(got.value, 3.5, 0, 0);
    assert_near(got.lo, NAN, 0, 0);
    assert_near(got.hi, NAN, 0, 0);
    assert_int_equal(got.n, 7);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(shares_as_in_scipy),
    cmocka_unit_test(shares_at_the_ends),
    cmocka_unit_test(shares_not_defined),
    cmocka_unit_test(shares_solve_their_equation),
    cmocka_unit_test(bounds_of_the_epsilon_fixture),
    cmocka_unit_test(the_mean_and_its_interval),
    cmocka_unit_test(a_mean_of_skewed_numbers),
    cmocka_unit_test(the_spread_survives_an_offset),
    cmocka_unit_test(quantiles),
    cmocka_unit_test(normal_and_t_quantiles),
    cmocka_unit_test(many_threads_at_once),
    cmocka_unit_test(an_estimate_without_interval),
};

SUPPORT_MAIN(tests)
