#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "math/epsilon.h"

static double normal_below(double x) { return 0.5 * erfc(-x / sqrt(2)); }

static void as_in_the_fixture(void **state)
{
    (void)state;
    IoHdf5 *file = NULL;
    int64_t count = 0;
    assert_ok(io_hdf5_open(support_fixture("attacks.h5"), &file));
    double *rows = support_read_f64(file, "epsilon/tp_P_fp_N_tprlow_fprhigh_epsilon", &count);
    double alpha = 1 - support_attr(file, "epsilon", "confidence"), delta = support_attr(file, "epsilon", "delta");
    assert_true(count >= 7 && count % 7 == 0);
    for (const double *r = rows; r < rows + count; r += 7) {
        double got =
            math_epsilon_clopper_pearson((int64_t)r[0], (int64_t)r[1], (int64_t)r[2], (int64_t)r[3], delta, alpha);
        assert_near(got, r[6], 1e-12, 1e-9);
    }
    base_free(rows);
    io_hdf5_close(file);
}

/* No error at all: both bounds are 1 - a^(1/n), a = alpha / 2. The ceilings are those of n = 8 ... 1000 per side. */
static void a_faultless_attack_in_closed_form(void **state)
{
    (void)state;
    const int64_t N[] = {8, 16, 100, 1000};
    for (int i = 0; i < 4; i++) {
        double low = pow(0.025, 1 / (double)N[i]);
        assert_near(math_epsilon_clopper_pearson(N[i], N[i], 0, N[i], 0.01, 0.05), log((low - 0.01) / (1 - low)), 1e-12,
                    1e-10);
        /* the other orientation: whoever calls nobody right knows as much */
        assert_near(math_epsilon_clopper_pearson(0, N[i], N[i], N[i], 0.01, 0.05), 0, 0, 0);
    }
    /* a rare but sure sign of non-membership: TNR / FNR carries it, not TPR / FPR */
    double forward = math_epsilon_clopper_pearson(50, 1000, 0, 1000, 0, 0.05);
    assert_near(math_epsilon_clopper_pearson(1000, 1000, 950, 1000, 0, 0.05), forward, 1e-12, 1e-12);
    assert_near(math_epsilon_clopper_pearson(500, 1000, 500, 1000, 0, 0.05), 0, 0, 0);
}

/* scipy: brentq on norm.cdf(-e/mu + mu/2) - exp(e) norm.cdf(-e/mu - mu/2) - delta; mpmath with 60 digits for the logs.
 */
static void gaussian_dp(void **state)
{
    (void)state;
    const double CASE[][3] = {{0.5, 1e-5, 1.9930914044151182},
                              {1, 1e-5, 4.377178095681224},
                              {1, 1e-2, 2.317789040304054},
                              {3, 1e-5, 16.675494402828168},
                              {0.1, 1e-3, 0.19753397323970762}};
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++)
        assert_near(math_epsilon_of_mu(CASE[i][0], CASE[i][1]), CASE[i][2], 0, 1e-9);
    const double LOG[][3] = {{5, 1, -14.361320786606815797},      {40, 1, -788.42341277399170614},
                             {200, 2, -4909.9363316846315778},    {0.01, 0.001, -62.455877437764090211},
                             {1e-9, 0.5, -1.6224590660699706426}, {2000, 3, -221236.17213049602049}};
    /* a difference of two Mills ratios mu apart keeps 1e-16 / mu of itself, x^2 / 2 its own rounding */
    for (size_t i = 0; i < sizeof LOG / sizeof *LOG; i++)
        assert_near(math_epsilon_log_delta(LOG[i][0], LOG[i][1]), LOG[i][2], 1e-11, 1e-13);
    for (double mu = 0.05; mu < 20; mu *= 1.7) {
        double zero = 2 * normal_below(mu / 2) - 1;
        if (zero * 1.0001 < 1) assert_near(math_epsilon_of_mu(mu, zero * 1.0001), 0, 0, 0);
        assert_true(math_epsilon_of_mu(mu, zero * 0.999) > 0);
        double eps = math_epsilon_of_mu(mu, 1e-300);
        assert_near(math_epsilon_log_delta(eps, mu), log(1e-300), 0, 1e-10);
        assert_true(eps > math_epsilon_of_mu(mu, 1e-200));
    }
    assert_near(math_epsilon_of_mu(0, 1e-5), 0, 0, 0);
    assert_near(math_epsilon_of_mu(1, 0), INFINITY, 0, 0);
    assert_near(math_epsilon_of_mu(-1, 1e-5), NAN, 0, 0);
    assert_near(math_epsilon_of_mu(1, 1), NAN, 0, 0);
}

/* The published function, summed naively. */
static double naive_p(int64_t m, int64_t r, int64_t v, double eps, double delta)
{
    double q = 1 / (1 + exp(-eps)), beta = 0, worst = 0, sum = 0;
    for (int64_t pass = 0; pass < 2; pass++)
        for (int64_t k = pass == 0 ? v : v - 1; pass == 0 ? k <= r : k >= 0; k += pass == 0 ? 1 : -1) {
            double mass = exp(lgamma((double)r + 1) - lgamma((double)k + 1) - lgamma((double)(r - k) + 1)) *
                          pow(q, (double)k) * pow(1 - q, (double)(r - k));
            if (pass == 0) {
                beta += mass;
                continue;
            }
            sum += mass;
            double share = sum / (double)(v - k);
            if (share > worst) worst = share;
        }
    double p = beta + 2 * (double)m * delta * worst;
    return p < 1 ? p : 1;
}

static void one_run_p_values(void **state)
{
    (void)state;
    const struct {
        int64_t m, r, v;
        double epsilon, delta, want; /* scipy.stats.binom in the published function */
    } CASE[] = {{1000, 1000, 700, 0.5, 0, 1.6658849561068088e-07},   {1000, 200, 180, 1.5, 1e-5, 0.0017015535523771958},
                {1000, 1000, 600, 0, 1e-5, 0.00015151511496483012},  {100, 50, 50, 2, 1e-3, 0.023387040559199875},
                {5000, 5000, 2600, 0.05, 1e-5, 0.14849233201895223}, {10, 4, 0, 1, 1e-5, 1}};
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++)
        assert_near(math_epsilon_one_run_p(CASE[i].m, CASE[i].r, CASE[i].v, CASE[i].epsilon, CASE[i].delta),
                    CASE[i].want, 0, 1e-9);
    for (int64_t v = 0; v <= 30; v += 3)
        for (double eps = 0; eps < 4; eps += 0.9)
            assert_near(math_epsilon_one_run_p(60, 30, v, eps, 1e-3), naive_p(60, 30, v, eps, 1e-3), 1e-12, 1e-9);
}

static void one_run(void **state)
{
    (void)state;
    enum { M = 1000 };
    double score[M];
    uint8_t member[M];
    MathEpsilon got;
    for (int i = 0; i < M; i++) { /* the 100 highest and 100 lowest scores: 90 of each right */
        score[i] = i;
        member[i] = i >= 900 ? i < 990 : i < 100 ? i < 10 : i % 2 != 0;
    }
    assert_ok(math_epsilon_one_run(score, member, M, 100, 100, true, 1e-5, 0.05, 1, &got));
    assert_near(got.epsilon, 1.7962850706709335, 0, 1e-9);
    assert_int_equal(got.P, 100);
    assert_int_equal(got.N, 100);
    assert_int_equal(got.right, 180);
    assert_true(got.largest > got.epsilon && isnan(got.threshold));
    assert_ok(math_epsilon_one_run(score, member, M, 100, 100, true, 0, 0.05, 1, &got));
    double low = pow(0.05, 1.0 / 200); /* all right: q^200 = 0.05 */
    assert_near(got.largest, log(low / (1 - low)), 0, 1e-9);
    /* all tied, members first: the order of the input must not tell */
    for (int i = 0; i < M; i++) {
        score[i] = 0;
        member[i] = i < M / 2;
    }
    assert_ok(math_epsilon_one_run(score, member, M, M / 2, M / 2, true, 1e-5, 0.05, 1, &got));
    assert_near(got.epsilon, 0, 0, 0);
    assert_fails(math_epsilon_one_run(score, member, M, 10, 10, false, 1e-5, 0.05, 1, &got), BASE_EARG, "fair coin");
    assert_fails(math_epsilon_one_run(score, member, M, M, 1, true, 1e-5, 0.05, 1, &got), BASE_EARG, "1000 guesses");
    assert_fails(math_epsilon_one_run(score, member, M, 0, 0, true, 1e-5, 0.05, 1, &got), BASE_EARG, "0 guesses");
    score[3] = NAN;
    assert_fails(math_epsilon_one_run(score, member, M, 10, 10, true, 1e-5, 0.05, 1, &got), BASE_ENUMERIC, "point 3");
}

static double naive_mu(int64_t tp, int64_t P, int64_t fp, int64_t N, double alpha)
{
    double upper_fpr = math_stats_share_upper(fp, N, alpha / 2),
           upper_fnr = math_stats_share_upper(P - tp, P, alpha / 2);
    return fmax(0, -math_stats_normal_quantile(upper_fpr) - math_stats_normal_quantile(upper_fnr));
}

/* Every rank by counting, O(n) each. */
static void simultaneous_by_definition(void **state)
{
    (void)state;
    enum { MOST = 400 };
    const double SHARES[] = {0, 0.003, 0.01, 0.03, 0.1, 0.3};
    double score[MOST];
    uint8_t member[MOST];
    for (uint64_t round = 0; round < 40; round++) {
        BaseRandom r = base_random_make(5, "epsilon_test", round);
        int64_t n = 8 + (int64_t)base_random_below(&r, MOST - 8), count[2] = {0, 0}, ranks[2] = {0, 0};
        double levels = round % 2 ? 6 : 1e9;
        for (int64_t i = 0; i < n; i++) {
            member[i] = i < 4 ? i < 2 : (uint8_t)base_random_below(&r, 2);
            score[i] = floor(levels * (base_random_normal(&r) + 2.5 * member[i])) / levels;
            count[member[i]]++;
        }
        for (int kind = 0; kind < 2; kind++)
            for (int k = 0; k < 6; k++)
                ranks[kind] += k == 0 || (int64_t)(SHARES[k] * (double)count[kind]) !=
                                             (int64_t)(SHARES[k - 1] * (double)count[kind]);
        double each = 0.05 / (double)(ranks[0] + ranks[1]) /* for two bounds */, most = 0, mu = 0;
        for (int kind = 0; kind < 2; kind++)
            for (int k = 0; k < 6; k++) {
                int64_t rank = (int64_t)(SHARES[k] * (double)count[kind]), wrong = 0;
                double edge = NAN;
                for (int64_t i = 0; i < n && isnan(edge);
                     i++) { /* the point of this kind with that rank from its far end */
                    int64_t beyond = 0, same = 0;
                    if (member[i] != kind) continue;
                    for (int64_t j = 0; j < n; j++) {
                        if (member[j] != kind) continue;
                        beyond += kind ? score[j] < score[i] : score[j] > score[i];
                        same += score[j] == score[i];
                    }
                    if (beyond <= rank && rank < beyond + same) edge = score[i];
                }
                for (int64_t i = 0; i < n; i++)
                    wrong += member[i] != kind && (kind ? score[i] >= edge : score[i] <= edge);
                int64_t fp = kind ? wrong : rank, fn = kind ? rank : wrong;
                double e = math_epsilon_clopper_pearson(count[1] - fn, count[1], fp, count[0], 1e-3, each);
                double m = naive_mu(count[1] - fn, count[1], fp, count[0], each);
                if (e > most) most = e;
                if (m > mu) mu = m;
            }
        MathEpsilon got;
        assert_ok(math_epsilon_simultaneous(score, member, n, 1e-3, 0.05, &got));
        assert_near(got.epsilon, most, 1e-12, 1e-11);
        assert_near(got.largest, math_epsilon_clopper_pearson(count[1], count[1], 0, count[0], 1e-3, each), 1e-12,
                    1e-11);
        assert_near(got.mu, NAN, 0, 0);
        assert_ok(math_epsilon_gaussian(score, member, n, 1e-3, 0.05, &got));
        assert_near(got.mu, mu, 1e-12, 1e-11);
        assert_near(got.epsilon, math_epsilon_of_mu(mu, 1e-3), 1e-12, 1e-11);
        assert_near(got.largest, math_epsilon_of_mu(got.largest_mu, 1e-3), 0, 0);
        if (got.epsilon > 0) assert_true(isfinite(got.threshold));
    }
}

/* Wide apart: no error anywhere, so each bound is its own ceiling. */
static void the_ceiling_is_reached(void **state)
{
    (void)state;
    enum { N = 300 };
    double score[2 * N];
    uint8_t member[2 * N];
    MathEpsilon got;
    for (int i = 0; i < 2 * N; i++) {
        member[i] = i % 2 != 0;
        score[i] = 100 * member[i] + i * 1e-3;
    }
    assert_ok(math_epsilon_split(score, member, 2 * N, 1e-5, 0.05, 3, &got));
    assert_near(got.epsilon, got.largest, 1e-12, 0);
    assert_int_equal(got.P, 225);
    assert_int_equal(got.N, 225);
    assert_true(got.threshold > 1 && got.threshold < 101);
    assert_near(got.largest, math_epsilon_clopper_pearson(225, 225, 0, 225, 1e-5, 0.05), 0, 0);
    MathEpsilon again;
    assert_ok(math_epsilon_split(score, member, 2 * N, 1e-5, 0.05, 3, &again));
    assert_memory_equal(&got, &again, sizeof got);
    assert_ok(math_epsilon_simultaneous(score, member, 2 * N, 1e-5, 0.05, &got));
    assert_near(got.epsilon, got.largest, 1e-12, 0);
    assert_ok(math_epsilon_gaussian(score, member, 2 * N, 1e-5, 0.05, &got));
    assert_near(got.mu, got.largest_mu, 1e-12, 0);
    for (int m = 0; m < MATH_EPSILON_METHODS; m++) {
        assert_true(strlen(math_epsilon_method_name((MathEpsilonMethod)m)) > 3);
        assert_true(strlen(math_epsilon_method_text((MathEpsilonMethod)m)) > 30);
    }
}

/* Members N(mu, 1): 20000 + 20000 points bring the bound close to mu, from below. At the best single threshold the
 * error of mu is 5 / sqrt(n) for 12 ranks at 5% (z = 2.9, two rates of sd 0.6 / sqrt(n) on the probit scale): 0.04. */
static void mu_of_shifted_gaussians(void **state)
{
    (void)state;
    enum { N = 20000 };
    double *score;
    uint8_t *member;
    assert_ok(BASE_ALLOC(2 * N, &score));
    assert_ok(BASE_ALLOC(2 * N, &member));
    const double MU[] = {0.5, 1, 2};
    for (int k = 0; k < 3; k++) {
        BaseRandom r = base_random_make(8, "epsilon_gauss", (uint64_t)k);
        for (int i = 0; i < 2 * N; i++) {
            member[i] = i % 2 != 0;
            score[i] = base_random_normal(&r) + MU[k] * member[i];
        }
        MathEpsilon got, cp, split;
        assert_ok(math_epsilon_gaussian(score, member, 2 * N, 1e-5, 0.05, &got));
        assert_true(got.mu < MU[k] && got.mu > MU[k] - 0.08);
        assert_ok(math_epsilon_simultaneous(score, member, 2 * N, 1e-5, 0.05, &cp));
        assert_ok(math_epsilon_split(score, member, 2 * N, 1e-5, 0.05, 1, &split));
        assert_true(got.epsilon < math_epsilon_of_mu(MU[k], 1e-5));
        assert_true(cp.epsilon > 0 && cp.epsilon < got.epsilon);
        assert_true(split.epsilon > 0 && split.epsilon < got.epsilon);
    }
    base_free(score);
    base_free(member);
}

static void wrong_inputs(void **state)
{
    (void)state;
    const double score[] = {1, 2, 3, 4}, broken[] = {1, NAN, 3, 4};
    const uint8_t member[] = {0, 1, 0, 1}, all[] = {1, 1, 1, 1}, one[] = {0, 1, 0, 0};
    MathEpsilon got;
    assert_fails(math_epsilon_split(score, member, 4, 1, 0.05, 1, &got), BASE_EARG, "delta is 1");
    assert_fails(math_epsilon_split(score, member, 4, 0, 0, 1, &got), BASE_EARG, "alpha is 0");
    assert_fails(math_epsilon_split(score, one, 4, 0, 0.05, 1, &got), BASE_EARG, "2 of each kind");
    assert_fails(math_epsilon_split(broken, member, 4, 0, 0.05, 1, &got), BASE_ENUMERIC, "NaN");
    assert_fails(math_epsilon_simultaneous(score, member, 4, -0.1, 0.05, &got), BASE_EARG, "delta is -0.1");
    assert_fails(math_epsilon_simultaneous(score, member, 4, NAN, 0.05, &got), BASE_EARG, "delta");
    assert_fails(math_epsilon_simultaneous(score, all, 4, 0, 0.05, &got), BASE_EARG, "no non-members");
    assert_fails(math_epsilon_gaussian(score, member, 4, 0, 0.05, &got), BASE_EARG, "delta is 0");
    assert_fails(math_epsilon_gaussian(broken, member, 4, 0.1, 0.05, &got), BASE_ENUMERIC, "NaN");
    assert_ok(math_epsilon_simultaneous(score, one, 4, 0, 0.05, &got));
    assert_near(got.epsilon, 0, 0, 0);
}

static BaseStatus once(void *user)
{
    (void)user;
    const double score[] = {1, 2, 3, 2, 5, 6};
    const uint8_t member[] = {0, 1, 0, 1, 0, 1};
    MathEpsilon got;
    BaseStatus st = math_epsilon_split(score, member, 6, 0, 0.05, 1, &got);
    if (st == BASE_OK) st = math_epsilon_gaussian(score, member, 6, 0.1, 0.05, &got);
    return st == BASE_OK ? math_epsilon_one_run(score, member, 6, 2, 2, true, 0, 0.05, 1, &got) : st;
}

static void without_memory(void **state)
{
    (void)state;
    support_fail_allocations(once, NULL, 60);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_in_the_fixture),
    cmocka_unit_test(a_faultless_attack_in_closed_form),
    cmocka_unit_test(gaussian_dp),
    cmocka_unit_test(one_run_p_values),
    cmocka_unit_test(one_run),
    cmocka_unit_test(simultaneous_by_definition),
    cmocka_unit_test(the_ceiling_is_reached),
    cmocka_unit_test(mu_of_shifted_gaussians),
    cmocka_unit_test(wrong_inputs),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
