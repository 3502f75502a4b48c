/* Do the intervals, bounds and verdicts hold at their level? By simulation on signals whose truth is known. The quick
 * tier runs a few hundred trials against a binomial limit; EXPUNGE_LONG=1 runs thousands against the stated figures,
 * and writes the power table to the folder EXPUNGE_TABLES where that is set. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "math/bootstrap.h"
#include "math/compare.h"
#include "math/epsilon.h"
#include "math/holdout.h"

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

/* Misses of an interval that should cover with 95%: 93.5 to 96.5 in the long tier, at least 93.5 as far as few trials
 * tell. */
static void check_coverage(const char *what, int64_t missed, int64_t trials)
{
    double covered = 100 * (1 - (double)missed / (double)trials);
    if (!is_long()) {
        if (missed >= too_many(trials, 0.065))
            fail_msg("%s: %lld of %lld miss", what, (long long)missed, (long long)trials);
        return;
    }
    print_message("# %-46s covers %6.2f%% of %lld\n", what, covered, (long long)trials);
    if (covered < 93.5 || covered > 96.5) fail_msg("%s covers %.2f%%", what, covered);
}

/* The same for what promises "at least": 94.5 and up in the long tier. */
static void check_at_least(const char *what, int64_t missed, int64_t trials)
{
    double covered = 100 * (1 - (double)missed / (double)trials);
    if (!is_long()) {
        if (missed >= too_many(trials, 0.055))
            fail_msg("%s: %lld of %lld miss", what, (long long)missed, (long long)trials);
        return;
    }
    print_message("# %-46s covers %6.2f%% of %lld\n", what, covered, (long long)trials);
    if (covered < 94.5) fail_msg("%s covers %.2f%%", what, covered);
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
static bool holds(MathEstimate e, double truth) { return e.lo <= truth && truth <= e.hi; }

/* Members N(shift, sd), non-members N(0, 1). */
static void gaussians(BaseRandom *r, int64_t P, int64_t N, double shift, double sd, double *score, uint8_t *member)
{
    for (int64_t i = 0; i < P + N; i++) {
        member[i] = i < P;
        score[i] = base_random_normal(r) * (i < P ? sd : 1) + (i < P ? shift : 0);
    }
}

static const int64_t SIZES[][2] = {{50, 50}, {100, 300}, {1000, 1000}};

static void intervals_of_one_auc(void **state)
{
    (void)state;
    const double AUC[] = {0.6, 0.7, 0.8, 0.9, 0.95};
    for (uint64_t c = 0; c < 15; c++) {
        int64_t P = SIZES[c % 3][0], N = SIZES[c % 3][1], missed = 0, trials = trials_for(P + N, 300, 10000);
        double truth = AUC[c / 3], shift = sqrt(2) * math_stats_normal_quantile(truth);
        char what[80];
#pragma omp parallel for reduction(+ : missed)
        for (int64_t t = 0; t < trials; t++) {
            double score[MOST];
            uint8_t member[MOST];
            MathAuc auc;
            BaseRandom r = base_random_make(1, "cover_auc", (uint64_t)t + 100000 * c);
            gaussians(&r, P, N, shift, 1, score, member);
            bool ok = math_auc(score, member, P + N, &auc) == BASE_OK;
            missed += !(ok && auc.lo <= truth && truth <= auc.hi);
        }
        snprintf(what, sizeof what, "DeLong, AUC %.2f, n = %lld + %lld", truth, (long long)P, (long long)N);
        check_coverage(what, missed, trials);
    }
}

/* At 0 and 1 and close to them, members' spread equal, smaller and larger: never far below what is promised. */
static void intervals_near_the_ends(void **state)
{
    (void)state;
    const double AUC[] = {0.99, 0.995, 0.999, 1 - 1e-5}, SD[] = {1, 0.5, 2};
    for (uint64_t c = 0; c < 36; c++) {
        int64_t P = SIZES[c % 3][0], N = SIZES[c % 3][1], missed = 0, mirrored = 0,
                trials = trials_for(P + N, 300, 4000);
        double truth = AUC[c / 9], sd = SD[c / 3 % 3], shift = sqrt(1 + sd * sd) * math_stats_normal_quantile(truth);
        char what[80];
#pragma omp parallel for reduction(+ : missed, mirrored)
        for (int64_t t = 0; t < trials; t++) {
            double score[MOST];
            uint8_t member[MOST];
            MathAuc auc;
            BaseRandom r = base_random_make(2, "cover_ends", (uint64_t)t + 100000 * c);
            gaussians(&r, P, N, shift, sd, score, member);
            bool ok = math_auc(score, member, P + N, &auc) == BASE_OK;
            missed += !(ok && auc.lo <= truth && truth <= auc.hi);
            for (int64_t i = 0; i < P + N; i++) score[i] = -score[i];
            ok = math_auc(score, member, P + N, &auc) == BASE_OK;
            mirrored += !(ok && auc.lo <= 1 - truth && 1 - truth <= auc.hi);
        }
        snprintf(what, sizeof what, "AUC %.5f, sd %.1f, n = %lld + %lld", truth, sd, (long long)P, (long long)N);
        if (mirrored > missed) missed = mirrored;
        double covered = 100 * (1 - (double)missed / (double)trials);
        if (is_long()) print_message("# %-46s covers %6.2f%% of %lld\n", what, covered, (long long)trials);
        /* between "a few points out of order" and "many" DeLong's interval is a little short */
        if (missed >= too_many(trials, 0.075)) fail_msg("%s covers %.2f%%", what, covered);
    }
}

static void paired_intervals(void **state)
{
    (void)state;
    const double AUC[][2] = {{0.5, 0.5}, {0.7, 0.6}, {0.8, 0.8}, {0.9, 0.8}, {0.95, 0.9}}, R[] = {0, 0.5, 0.9};
    for (uint64_t c = 0; c < 45; c++) {
        int64_t P = SIZES[c % 3][0], N = SIZES[c % 3][1], missed = 0, trials = trials_for(P + N, 300, 10000);
        const double *auc = AUC[c / 9];
        double r2 = R[c / 3 % 3], truth = auc[0] - auc[1], shift[2];
        char what[80];
        if (!is_long() && N > 300) continue;
        for (int k = 0; k < 2; k++) shift[k] = sqrt(2) * math_stats_normal_quantile(auc[k]);
#pragma omp parallel for reduction(+ : missed)
        for (int64_t t = 0; t < trials; t++) {
            double a[MOST], b[MOST];
            uint8_t member[MOST];
            MathAucDifference got;
            BaseRandom r = base_random_make(3, "cover_paired", (uint64_t)t + 100000 * c);
            for (int64_t i = 0; i < P + N; i++) {
                member[i] = i < P;
                double x = base_random_normal(&r), y = r2 * x + sqrt(1 - r2 * r2) * base_random_normal(&r);
                a[i] = x + shift[0] * member[i];
                b[i] = y + shift[1] * member[i];
            }
            bool ok = math_auc_paired(a, b, member, P + N, 0.95, &got) == BASE_OK;
            missed += !(ok && holds(got.difference, truth));
        }
        snprintf(what, sizeof what, "paired, AUC %.2f and %.2f, r %.1f, n = %lld + %lld", auc[0], auc[1], r2,
                 (long long)P, (long long)N);
        check_coverage(what, missed, trials);
    }
}

/* Clopper-Pearson: shares; the TPR at the threshold that an FPR gave; balanced accuracy at a threshold chosen
 * elsewhere. */
static void exact_intervals(void **state)
{
    (void)state;
    const double SHIFT[] = {0, 0.5, 1, 2};
    for (uint64_t c = 0; c < 12; c++) {
        int64_t P = SIZES[c % 3][0], N = SIZES[c % 3][1], missed[3] = {0, 0, 0}, trials = trials_for(P + N, 300, 6000);
        double shift = SHIFT[c / 3];
        char what[80];
#pragma omp parallel for reduction(+ : missed[:3])
        for (int64_t t = 0; t < trials; t++) {
            double score[MOST];
            uint8_t member[MOST];
            MathRoc roc = {0};
            MathBalanced balanced;
            BaseRandom r = base_random_make(4, "cover_exact", (uint64_t)t + 100000 * c);
            gaussians(&r, P, N, shift, 1, score, member);
            int64_t above = 0;
            for (int64_t i = 0; i < P; i++) above += score[i] > 1;
            missed[0] += !holds(math_stats_share(above, P, 0.95), normal_below(shift - 1));
            bool ok = math_roc(score, member, P + N, &roc) == BASE_OK;
            if (ok) {
                MathTprAtFpr at = math_roc_tpr_at_fpr(&roc, 0.1);
                double edge =
                    -INFINITY; /* the highest non-member that is not called: the threshold lies just above it */
                for (int64_t i = P; i < P + N; i++) {
                    int64_t higher = 0;
                    for (int64_t j = P; j < P + N && higher <= N / 10; j++) higher += score[j] >= score[i];
                    if (higher > N / 10 && score[i] > edge) edge = score[i];
                }
                missed[1] += !(at.lo <= normal_below(shift - edge) && normal_below(shift - edge) <= at.hi);
            } else {
                missed[1]++;
            }
            math_roc_free(&roc);
            ok = math_holdout_best_balanced(score, member, P + N, (uint64_t)t, 0.95, &balanced) == BASE_OK;
            double truth = (normal_below(shift - balanced.threshold) + normal_below(balanced.threshold)) / 2;
            missed[2] += !(ok && holds(balanced.balanced, truth));
        }
        const char *NAMES[] = {"share above 1", "TPR at its threshold", "held-out balanced accuracy"};
        for (int k = 0; k < 3; k++) {
            snprintf(what, sizeof what, "%s, shift %.1f, n = %lld + %lld", NAMES[k], shift, (long long)P, (long long)N);
            check_at_least(what, missed[k], trials);
        }
    }
}

/* Scores with effects of the model (a shift for all its members), of the point (in every model), and of both. */
typedef struct {
    int64_t A, B; /* models on either side */
    double tau;   /* sd of the models' shifts */
} Crossed;

static int64_t crossed_trial(const Crossed *c, int64_t P, int64_t N, uint64_t seed, const double shift[2],
                             double truth[2][MATH_STATISTICS], int64_t missed[2][MATH_STATISTICS])
{
    int64_t n = P + N, M = c->A + c->B, failed = 0;
    double *score = NULL, *point = NULL, threshold[16];
    uint8_t *member = NULL;
    MathBootstrap got;
    if (BASE_ALLOC(n * M, &score) || BASE_ALLOC(n, &point) || BASE_ALLOC(n, &member)) failed = 1;
    if (!failed) {
        BaseRandom r = base_random_make(seed, "cover_crossed", 0);
        for (int64_t i = 0; i < n; i++) {
            member[i] = i < P;
            point[i] = 0.8 * base_random_normal(&r);
        }
        for (int64_t m = 0; m < M; m++) {
            double own = shift[m >= c->A] + c->tau * base_random_normal(&r);
            threshold[m] = 0.5;
            for (int64_t i = 0; i < n; i++)
                score[m * n + i] = point[i] + 0.6 * base_random_normal(&r) + own * member[i];
        }
        MathModelScores a = {score, c->A, threshold}, b = {score + c->A * n, c->B, threshold};
        MathBootstrapOptions options = {0.95, 200, {0.01, 0.05, 0.1}, seed};
        failed = math_bootstrap(&a, c->B ? &b : NULL, member, n, &options, &got) != BASE_OK;
    }
    for (int s = 0; s < MATH_STATISTICS && !failed; s++) {
        if (isnan(got.a[s].value)) continue; /* not resolvable */
        missed[0][s] += !holds(got.a[s], truth[0][s]);
        if (c->B) missed[1][s] += !holds(got.difference[s], truth[0][s] - truth[1][s]);
    }
    base_free(score);
    base_free(point);
    base_free(member);
    return failed;
}

static void crossed_truth(double shift, double tau, double out[MATH_STATISTICS])
{
    const double FPR[] = {0.01, 0.05, 0.1};
    double wide = sqrt(1 + tau * tau); /* the mean over models of Phi(shift + tau z) is Phi(shift / wide) */
    out[MATH_STATISTIC_AUC] = normal_below(shift / sqrt(2 + tau * tau));
    out[MATH_STATISTIC_BALANCED] = (normal_below((shift - 0.5) / wide) + normal_below(0.5)) / 2;
    for (int f = 0; f < 3; f++)
        out[MATH_STATISTIC_TPR + f] = normal_below((shift + math_stats_normal_quantile(FPR[f])) / wide);
}

static void two_way_intervals(void **state)
{
    (void)state;
    const Crossed CASES[] = {{1, 0, 0},   {2, 0, 0.1}, {3, 0, 0.4}, {5, 0, 0.2}, {8, 0, 0.4},
                             {1, 3, 0.2}, {1, 5, 0.1}, {3, 3, 0.2}, {4, 6, 0.4}};
    const double SHIFT[][2] = {{0, 0}, {1, 0.8}};
    const char *NAMES[] = {"AUC", "balanced", "TPR at 1%", "TPR at 5%", "TPR at 10%"};
    int64_t trials = trials_of(60, 1000);
    for (uint64_t c = 0; c < 36; c++) {
        const Crossed *at = &CASES[c / 4];
        const double *shift = SHIFT[c / 2 % 2];
        int64_t P = SIZES[c % 2][0], N = SIZES[c % 2][1], missed[2][MATH_STATISTICS] = {{0}}, failed = 0;
        double truth[2][MATH_STATISTICS];
        char what[96];
        for (int k = 0; k < 2; k++) crossed_truth(shift[k], at->tau, truth[k]);
#pragma omp parallel for reduction(+ : missed[:2][:MATH_STATISTICS], failed)
        for (int64_t t = 0; t < trials; t++)
            failed += crossed_trial(at, P, N, (uint64_t)t + 100000 * c, shift, truth, missed);
        assert_int_equal(failed, 0);
        for (int k = 0; k < (at->B ? 2 : 1); k++)
            for (int s = 0; s < MATH_STATISTICS; s++) {
                snprintf(what, sizeof what, "%s%s, %lld/%lld models, tau %.1f, shift %.0f, n %lld",
                         k ? "difference of " : "", NAMES[s], (long long)at->A, (long long)at->B, at->tau, shift[0],
                         (long long)(P + N));
                check_at_least(what, missed[k][s], trials);
            }
    }
}

/* Two kinds of model, told apart by all their scores: a's are shifted. Truth over new models and points. */
static void telling_models_apart(void **state)
{
    (void)state;
    const Crossed CASES[] = {{1, 1, 0}, {1, 2, 0.1}, {1, 3, 0.4}, {2, 3, 0.2}, {5, 5, 0.1}, {8, 8, 0.4}};
    int64_t trials = trials_of(150, 20000); /* 94.5 is a point below the truth: 0.15 is the sd */
    for (uint64_t c = 0; c < 12; c++) {
        const Crossed *at = &CASES[c / 2];
        int64_t n = 200, missed = 0;
        double shift = 0.5 * (double)(c % 2), truth = normal_below(shift / sqrt(2 + 2 * at->tau * at->tau));
        char what[80];
#pragma omp parallel for reduction(+ : missed)
        for (int64_t t = 0; t < trials; t++) {
            double score[16 * 200], point[200];
            MathEstimate got;
            bool over;
            BaseRandom r = base_random_make(10, "cover_models", (uint64_t)t + 100000 * c);
            for (int64_t i = 0; i < n; i++) point[i] = 0.8 * base_random_normal(&r);
            for (int64_t m = 0; m < at->A + at->B; m++) {
                double own = (m < at->A ? shift : 0) + at->tau * base_random_normal(&r);
                for (int64_t i = 0; i < n; i++) score[m * n + i] = point[i] + 0.6 * base_random_normal(&r) + own;
            }
            bool ok = math_auc_of_models(score, at->A, score + at->A * n, at->B, n, 0.95, &got, &over) == BASE_OK;
            missed += !(ok && holds(got, truth));
        }
        snprintf(what, sizeof what, "told apart, %lld/%lld models, tau %.1f, shift %.1f", (long long)at->A,
                 (long long)at->B, at->tau, shift);
        check_at_least(what, missed, trials);
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

/* A model of AUC base + difference audited against a retrained one of AUC base on the same points. */
static void audits(double base, double difference, int64_t n, int64_t trials, uint64_t stream, int64_t count[4])
{
    int64_t seen[4] = {0};
    double margin = 0.05, shift[2] = {sqrt(2) * math_stats_normal_quantile(base + difference),
                                      sqrt(2) * math_stats_normal_quantile(base)};
#pragma omp parallel for reduction(+ : seen[:4])
    for (int64_t t = 0; t < trials; t++) {
        double a[MOST], b[MOST];
        uint8_t member[MOST];
        MathAucDifference wide, narrow;
        BaseRandom r = base_random_make(8, "verdict_level", (uint64_t)t + 100000 * stream);
        for (int64_t i = 0; i < n; i++) {
            member[i] = i % 2 != 0;
            double x = base_random_normal(&r);
            a[i] = 0.7 * x + sqrt(0.51) * base_random_normal(&r) + shift[0] * member[i];
            b[i] = 0.7 * x + sqrt(0.51) * base_random_normal(&r) + shift[1] * member[i];
        }
        if (math_auc_paired(a, b, member, n, 0.95, &wide) || math_auc_paired(a, b, member, n, 0.9, &narrow)) continue;
        seen[math_verdict(wide.difference, narrow.difference, margin)]++;
    }
    for (int v = 0; v < 4; v++) count[v] = seen[v];
}

static void verdicts_hold(void **state)
{
    (void)state;
    const int64_t N[] = {100, 600, 2000};
    int64_t trials = trials_of(200, 4000), count[4];
    for (uint64_t k = 0; k < 3; k++) {
        char what[80];
        audits(0.6, 0, N[k], trials, k, count);
        snprintf(what, sizeof what, "leaks or over-forgotten, n = %lld", (long long)N[k]);
        check_false(what, count[MATH_LEAKS] + count[MATH_OVER_FORGOTTEN], trials, 0.05);
        for (int sign = -1; sign <= 1; sign += 2) { /* just at the margin: not equivalent */
            audits(0.6, 0.05 * sign, N[k], trials, 10 + 2 * k + (sign > 0), count);
            snprintf(what, sizeof what, "indistinguishable at %+.2f, n = %lld", 0.05 * sign, (long long)N[k]);
            check_false(what, count[MATH_INDISTINGUISHABLE], trials, 0.05);
            assert_int_equal(count[0] + count[1] + count[2] + count[3], trials);
        }
        audits(0.6, 0.2, N[k], trials, 20 + k, count);
        if (N[k] >= 600) assert_int_equal(count[MATH_LEAKS], trials);
        audits(0.6, -0.2, N[k], trials, 30 + k, count);
        if (N[k] >= 600) assert_int_equal(count[MATH_OVER_FORGOTTEN], trials);
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
        fprintf(file, ",leaks,over_forgotten,indistinguishable,underpowered\n");
    }
    for (uint64_t c = 0; c < 30; c++) {
        int64_t n = N[c / 10], trials = 1000, found[BOUNDS] = {0}, failed = 0, verdict[4];
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
        audits(0.5, auc - 0.5, n, trials, 100 + c, verdict);
        if (shift == 0)
            for (int m = 0; m < BOUNDS; m++)
                check_false(math_epsilon_method_name((MathEpsilonMethod)m), found[m], trials, 0.05);
        if (shift >= 1 && n >= 400) assert_int_equal(verdict[MATH_LEAKS], trials);
        if (!file) continue;
        fprintf(file, "%lld,%.1f,%.4f,%.4f", (long long)n, shift, auc,
                shift > 0 ? math_epsilon_of_mu(shift, DELTA) : 0);
        for (int m = 0; m < BOUNDS; m++)
            fprintf(file, ",%.3f,%.4f,%.4f", (double)found[m] / (double)trials, mean[m], largest[m]);
        for (int v = 0; v < 4; v++) fprintf(file, ",%.3f", (double)verdict[v] / (double)trials);
        fprintf(file, "\n");
    }
    if (file) assert_int_equal(fclose(file), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(intervals_of_one_auc), cmocka_unit_test(intervals_near_the_ends),
    cmocka_unit_test(paired_intervals),     cmocka_unit_test(exact_intervals),
    cmocka_unit_test(two_way_intervals),    cmocka_unit_test(telling_models_apart),
    cmocka_unit_test(epsilon_bounds_hold),  cmocka_unit_test(verdicts_hold),
    cmocka_unit_test(power_table),
};

SUPPORT_MAIN(tests)
