/* Are rates unbiased, and do bounds on epsilon hold at their level and find leaks? By simulation on signals whose truth is
 * known (intervals: tests/coverage). The quick tier runs a few hundred trials against a binomial limit; EXPUNGE_LONG=1 runs
 * thousands against the stated figures, and writes the power table to the folder EXPUNGE_TABLES where that is set. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "math/epsilon.h"
#include "math/roc.h"

static bool is_long(void) { return getenv("EXPUNGE_LONG") != NULL; }
static double normal_below(double x) { return 0.5 * erfc(-x / sqrt(2)); }
static int64_t trials_of(int64_t quick, int64_t lengthy) { return is_long() ? lengthy : quick; }
/* of n points, where the time goes with n: fewer for the large */
static int64_t trials_for(int64_t n, int64_t quick, int64_t lengthy)
{
    return trials_of(n > 1000 ? quick / 3 : quick, n > 1000 ? lengthy / 3 : lengthy);
}

/* The smallest k with P(Bin(n, p) >= k) <= 1e-4: what a seeded run of a sound method stays below. */
static int64_t too_many(int64_t n, double p)
{
    int64_t k = 0;
    while (math_stats_binomial_upper(k, n, p) > 1e-4) k++;
    return k;
}

/* False findings of what has the level @p level: the upper 99% limit of their share is below the level plus 2 points.
 */
static void check_false(const char *what, int64_t wrong, int64_t trials, double level)
{
    if (!is_long()) {
        if (wrong >= too_many(trials, level))
            fail_msg("%s: %lld of %lld false", what, (long long)wrong, (long long)trials);
        return;
    }
    double limit = math_stats_share_upper(wrong, trials, 0.01);
    print_message("# %-46s false %5.2f%% of %lld, upper limit %.2f%%\n", what, 100 * (double)wrong / (double)trials,
                  (long long)trials, 100 * limit);
    if (!(limit < level + 0.02)) fail_msg("%s: false in %lld of %lld", what, (long long)wrong, (long long)trials);
}

enum { MOST = 4000 };

static void gaussians(BaseRandom *r, int64_t P, int64_t N, double *score, uint8_t *member)
{
    for (int64_t i = 0; i < P + N; i++) {
        member[i] = i < P;
        score[i] = base_random_normal(r);
    }
}

static const int64_t SIZES[][2] = {{50, 50}, {100, 300}, {1000, 1000}};

/* Without a leak the TPR at a true FPR is that FPR on average over seeds: an estimate at "at most so many false positives"
 * would be too high by up to a half. */
static void rates_are_unbiased(void **state)
{
    (void)state;
    const double FPR[] = {0.001, 0.01, 0.1};
    for (uint64_t c = 0; c < 9; c++) {
        int64_t P = SIZES[c % 3][0], N = SIZES[c % 3][1], failed = 0, trials = trials_for(P + N, 300, 6000);
        double fpr = FPR[c / 3], sum = 0, *each;
        if (fpr * (double)(N + 1) < 1) continue;
        assert_ok(BASE_ALLOC(trials, &each));
#pragma omp parallel for reduction(+ : failed)
        for (int64_t t = 0; t < trials; t++) {
            double score[MOST];
            uint8_t member[MOST];
            MathRoc roc = {0};
            BaseRandom r = base_random_make(4, "cover_rate", (uint64_t)t + 100000 * c);
            gaussians(&r, P, N, score, member);
            failed += math_roc(score, member, P + N, &roc) != BASE_OK;
            each[t] = math_roc_tpr_at_fpr(&roc, fpr).value;
            math_roc_free(&roc);
        }
        for (int64_t t = 0; t < trials; t++) sum += each[t] / (double)trials;
        base_free(each);
        assert_int_equal(failed, 0);
        /* four standard deviations of the mean over trials */
        double sd = sqrt(fpr * (1 - fpr) * (1 / (double)P + 1 / (double)N) / (double)trials);
        if (!(fabs(sum - fpr) <= 4 * sd))
            fail_msg("TPR at FPR %g, n = %lld + %lld is %.5f on average", fpr, (long long)P, (long long)N, sum);
    }
}

/* Four bounds of one audit; false where a bound is above the truth (@p gaussian: that of the Gaussian mechanism). */
enum { BOUNDS = MATH_EPSILON_METHODS };
static const double DELTA = 1e-5;

static bool all_bounds(const double *score, const uint8_t *member, int64_t n, uint64_t seed, MathEpsilon out[BOUNDS])
{
    return math_epsilon_split(score, member, n, DELTA, 0.05, seed, &out[0]) == BASE_OK &&
           math_epsilon_simultaneous(score, member, n, DELTA, 0.05, &out[1]) == BASE_OK &&
           math_epsilon_gaussian(score, member, n, DELTA, 0.05, &out[2]) == BASE_OK &&
           math_epsilon_one_run(score, member, n, n / 10, n / 10, true, DELTA, 0.05, seed, &out[3]) == BASE_OK;
}

/* Signals where membership is a fair coin, so that one-run auditing applies too. kind 0: Gaussian shift; 1: the same in
 * a few values; 2: randomised response, which says the truth with probability e^eps / (1 + e^eps). */
static void coin_signals(BaseRandom *r, int64_t n, int kind, double size, double *score, uint8_t *member)
{
    for (int64_t i = 0; i < n; i++) {
        member[i] = i < 4 ? i < 2 : (uint8_t)base_random_below(r, 2); /* the first: both kinds are there */
        double x = base_random_normal(r) + size * member[i];
        bool truth = base_random_uniform(r) < 1 / (1 + exp(-size));
        score[i] = kind == 0 ? x : kind == 1 ? floor(2 * x) / 2 : truth == (bool)member[i];
    }
}

static void false_epsilons(int kind, double size, int64_t n, int64_t trials, double level)
{
    int64_t wrong[BOUNDS] = {0}, found[BOUNDS] = {0}, failed = 0;
    double truth = kind == 2 ? size : math_epsilon_of_mu(size, DELTA);
    if (kind != 2 && size == 0) truth = 0;
#pragma omp parallel for reduction(+ : wrong[:BOUNDS], found[:BOUNDS], failed)
    for (int64_t t = 0; t < trials; t++) {
        double score[MOST];
        uint8_t member[MOST];
        MathEpsilon got[BOUNDS];
        BaseRandom r = base_random_make(7, "epsilon_level", (uint64_t)t + 100000 * (uint64_t)(n + 10 * kind));
        coin_signals(&r, n, kind, size, score, member);
        failed += !all_bounds(score, member, n, (uint64_t)t, got);
        for (int m = 0; m < BOUNDS; m++) {
            wrong[m] += got[m].epsilon > truth + (truth > 0 ? 1e-9 : 0);
            found[m] += got[m].epsilon > 0;
        }
    }
    assert_int_equal(failed, 0);
    for (int m = 0; m < BOUNDS; m++) {
        char what[96];
        if (kind == 2 && m == MATH_EPSILON_GAUSSIAN && size > 0) continue; /* randomised response is not Gaussian */
        snprintf(what, sizeof what, "eps %s, signal %d of size %.1f, n = %lld, found %.0f%%",
                 math_epsilon_method_name((MathEpsilonMethod)m), kind, size, (long long)n,
                 100 * (double)found[m] / (double)trials);
        check_false(what, wrong[m], trials, level);
        if (size >= 2 && n >= 1000 && m != MATH_EPSILON_ONE_RUN) assert_true(found[m] == trials);
    }
}

static void epsilon_bounds_hold(void **state)
{
    (void)state;
    const int64_t N[] = {60, 400, 2000};
    for (int k = 0; k < 3; k++)
        for (int kind = 0; kind < 3; kind++)
            for (int size = 0; size < 3; size++) {
                if (!is_long() && N[k] > 400) continue;
                false_epsilons(kind, size, N[k], trials_of(150, size == 0 ? 4000 : 1000), 0.05);
            }
}

/* How often each method finds a planted leak: a Gaussian shift between members and non-members. */
static void power_table(void **state)
{
    (void)state;
    const double SHIFT[] = {0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3};
    const int64_t N[] = {100, 400, 1600};
    const char *folder = getenv("EXPUNGE_TABLES");
    char path[1000];
    if (!is_long()) skip();
    FILE *file = NULL;
    if (folder) {
        snprintf(path, sizeof path, "%s/power.csv", folder);
        file = fopen(path, "w");
        assert_non_null(file);
        fprintf(file, "n,shift,auc,epsilon_true");
        for (int m = 0; m < BOUNDS; m++) {
            const char *name = math_epsilon_method_name((MathEpsilonMethod)m);
            fprintf(file, ",%s_found,%s_epsilon,%s_largest", name, name, name);
        }
        fprintf(file, "\n");
    }
    for (uint64_t c = 0; c < 30; c++) {
        int64_t n = N[c / 10], trials = 1000, found[BOUNDS] = {0}, failed = 0;
        double shift = SHIFT[c % 10], auc = normal_below(shift / sqrt(2)), mean[BOUNDS] = {0}, largest[BOUNDS] = {0};
        double *each;
        assert_ok(BASE_ALLOC(trials * BOUNDS * 2, &each));
#pragma omp parallel for reduction(+ : found[:BOUNDS], failed)
        for (int64_t t = 0; t < trials; t++) {
            double score[MOST];
            uint8_t member[MOST];
            MathEpsilon got[BOUNDS];
            BaseRandom r = base_random_make(9, "power", (uint64_t)t + 100000 * c);
            coin_signals(&r, n, 0, shift, score, member);
            failed += !all_bounds(score, member, n, (uint64_t)t, got);
            for (int m = 0; m < BOUNDS; m++) {
                found[m] += got[m].epsilon > 0;
                each[(t * BOUNDS + m) * 2] = got[m].epsilon;
                each[(t * BOUNDS + m) * 2 + 1] = got[m].largest;
            }
        }
        assert_int_equal(failed, 0);
        for (int64_t t = 0; t < trials; t++) /* summed in order: the same bits for every thread count */
            for (int m = 0; m < BOUNDS; m++) {
                mean[m] += each[(t * BOUNDS + m) * 2] / (double)trials;
                largest[m] += each[(t * BOUNDS + m) * 2 + 1] / (double)trials;
            }
        base_free(each);
        if (shift == 0)
            for (int m = 0; m < BOUNDS; m++)
                check_false(math_epsilon_method_name((MathEpsilonMethod)m), found[m], trials, 0.05);
        if (!file) continue;
        fprintf(file, "%lld,%.1f,%.4f,%.4f", (long long)n, shift, auc,
                shift > 0 ? math_epsilon_of_mu(shift, DELTA) : 0);
        for (int m = 0; m < BOUNDS; m++)
            fprintf(file, ",%.3f,%.4f,%.4f", (double)found[m] / (double)trials, mean[m], largest[m]);
        fprintf(file, "\n");
    }
    if (file) assert_int_equal(fclose(file), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rates_are_unbiased),
    cmocka_unit_test(epsilon_bounds_hold),
    cmocka_unit_test(power_table),
};

SUPPORT_MAIN(tests)
