/* The attacks that compare one signal with a threshold or with a null distribution. */
#include "tests/mia/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/order.h"
#include "math/stats.h"
#include "mia/fit/folds.h"
#include "mia/null/null.h"
#include "mia/signal/signal.h"

static const struct {
    const char *name;
    MiaSignalKind kind;
    double sign;
} PLAIN[] = {
    {"loss", MIA_SIGNAL_LOSS, -1},          {"confidence", MIA_SIGNAL_CONFIDENCE, 1},
    {"entropy", MIA_SIGNAL_ENTROPY, -1},    {"modified_entropy", MIA_SIGNAL_MODIFIED_ENTROPY, -1},
    {"correctness", MIA_SIGNAL_CORRECT, 1},
};
enum { PLAINS = sizeof PLAIN / sizeof *PLAIN };

static void scores_are_signals(void **state)
{
    (void)state;
    World w;
    world_make(&w, 200, 5, 0, 0, 2, 1);
    for (int a = 0; a < PLAINS; a++) {
        MiaResult r = world_attack(PLAIN[a].name, &w.input, NULL);
        for (int64_t i = 0; i < 200; i++) {
            MiaSignals s = mia_signal_row(w.logits + i * 5, 5, w.labels[i]);
            assert_near(r.score[i], PLAIN[a].sign * mia_signal_pick(&s, PLAIN[a].kind), 0, 0);
        }
        assert_int_equal(r.own_threshold, strcmp(PLAIN[a].name, "correctness") == 0);
        mia_result_free(&r);
    }
    MiaResult exact = world_attack("loss", &w.input, NULL),
              cut = world_attack("loss", &w.input, SETTINGS("compat", "tf_privacy"));
    for (int64_t i = 0; i < 200; i++)
        assert_near(cut.score[i], exact.score[i], 1e-12, 1e-12); /* nothing is as small as 1e-8 */
    w.logits[w.labels[0]] = -50;
    mia_result_free(&cut);
    cut = world_attack("loss", &w.input, SETTINGS("compat", "tf_privacy"));
    assert_near(cut.score[0], log(1e-8), 0, 1e-12);
    mia_result_free(&exact);
    mia_result_free(&cut);
    world_free(&w);
}

/* Two classes with phi = z_y ~ N(0, 1), members N(d, 1): AUC = Phi(d / sqrt 2), TPR at FPR a = Phi(d - Phi^-1(1 - a)).
 * All but entropy rise with phi. Tolerance: 4 standard errors, sqrt(p q / n) <= 0.5 / sqrt(n). */
/* The same answers over and over, only for other classes: members and non-members cannot be told apart, whatever the
 * answers are: nine smooth numbers, coarse ones with equals at the top, one-hot. */
static void equal_answers_tell_nobody_apart(void **state)
{
    (void)state;
    enum { N = 60, K = 10 };
    static const double ROWS[][K] = {{6, -1.2, 0.3, 0.71, -0.4, 1.1, 0.9, -2.3, 0.05, 1.7},
                                     {4, 4, 2, 0, 0, 2, 0, 0, 2, 0},
                                     {5, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
    static const char *const ATTACKS[] = {"loss", "confidence", "entropy", "modified_entropy", "correctness"};
    double z[N * K];
    int32_t y[N];
    uint8_t role[N];
    for (size_t row = 0; row < BASE_COUNT(ROWS); row++)
        for (size_t a = 0; a < BASE_COUNT(ATTACKS); a++) {
            MiaInput in = {.N = N, .K = K, .logits = z, .labels = y, .role = role};
            for (int i = 0; i < N; i++) {
                role[i] = i < N / 2; /* which class is the right one goes with it */
                y[i] = role[i] ? i % 2 : 7 + i % 3;
                for (int j = 0; j < K; j++) z[i * K + (j + y[i]) % K] = ROWS[row][j];
            }
            MiaResult r = world_attack(ATTACKS[a], &in, NULL);
            for (int i = 1; i < N; i++) assert_near(r.score[i], r.score[0], 0, 0);
            assert_near(r.auc.value, 0.5, 0, 0);
            mia_result_free(&r);
        }
}

static void gaussian_shift(void **state)
{
    (void)state;
    enum { N = 60000 };
    const double shift = 1.5;
    World w;
    world_make(&w, N, 2, 0, 0, 0, 2);
    for (int64_t i = 0; i < N; i++) {
        BaseRandom r = base_random_make(3, "shift", (uint64_t)i);
        w.logits[i * 2] = w.logits[i * 2 + 1] = 0;
        w.logits[i * 2 + w.labels[i]] = base_random_normal(&r) + (w.role[i] == MIA_MEMBER ? shift : 0);
    }
    for (int a = 0; a < 4; a++) {
        if (PLAIN[a].kind == MIA_SIGNAL_ENTROPY) continue;
        MiaResult r = world_attack(PLAIN[a].name, &w.input, NULL);
        double off = 4 * 0.5 / sqrt(N / 3.0);
        assert_near(r.auc.value, erfc(-shift / 2) / 2, off, 0);
        for (int k = 0; k < MIA_FPRS; k++) {
            double at = shift - math_stats_normal_quantile(1 - mia_fprs[k]);
            /* the threshold is estimated too: its density moves the TPR by at most 4 sqrt(a / n) / phi(x) * phi(x - d)
             */
            double x = math_stats_normal_quantile(1 - mia_fprs[k]);
            double slope = exp(-(x - shift) * (x - shift) / 2 + x * x / 2);
            assert_near(r.tpr[k].value, erfc(-at / sqrt(2)) / 2, off + 4 * slope * sqrt(mia_fprs[k] / (N / 3.0)), 0);
        }
        mia_result_free(&r);
    }
    world_free(&w);
}

/* Best balanced accuracy over every threshold, the slow way; the highest threshold of equals. */
static double naive_best(const double *s, const uint8_t *member, int64_t n)
{
    double best = -1, tau = NAN;
    int64_t P = 0;
    for (int64_t i = 0; i < n; i++) P += member[i];
    if (P == 0 || P == n) return NAN;
    for (int64_t t = -1; t < n; t++) {
        double at = t < 0 ? INFINITY : s[t], hit = 0;
        for (int64_t i = 0; i < n; i++) hit += member[i] ? (s[i] >= at) / (double)P : (s[i] < at) / (double)(n - P);
        if (hit > best + 1e-12 || (hit > best - 1e-12 && at > tau)) {
            best = fmax(best, hit);
            tau = at;
        }
    }
    if (!isinf(tau)) return tau;
    for (int64_t i = 0; i < n; i++) tau = i == 0 || s[i] > tau ? s[i] : tau;
    return nextafter(tau, INFINITY);
}

/* Points of a class (or of all) outside a fold, from the target or the shadow models. */
static double naive_threshold(const World *w, const double *s, const int32_t *fold, int32_t out, int32_t class)
{
    static double value[2000];
    static uint8_t member[2000];
    int64_t n = 0;
    for (int64_t i = 0; i < w->input.N; i++) {
        if (w->role[i] == MIA_AUDITED || (out >= 0 && fold[i] == out) || (class >= 0 && w->labels[i] != class))
            continue;
        value[n] = s[i];
        member[n++] = w->role[i] == MIA_MEMBER;
    }
    return naive_best(value, member, n);
}

static void class_thresholds(void **state)
{
    (void)state;
    enum { N = 240, K = 4 };
    World w;
    world_make(&w, N, K, 0, 0, 2, 4);
    for (int64_t i = 0; i < N; i++) /* class 3 has members only, and takes the threshold of all */
        if (w.labels[i] == 3 && w.role[i] == MIA_NONMEMBER) w.role[i] = MIA_AUDITED;
    int32_t fold[N];
    assert_ok(mia_folds_make(&w.input, 2, fold));
    for (int a = 0; a < PLAINS; a++) {
        MiaResult plain = world_attack(PLAIN[a].name, &w.input, NULL);
        MiaResult r = world_attack(PLAIN[a].name, &w.input, SETTINGS("thresholds", "class"));
        for (int64_t i = 0; i < N; i++) {
            double tau = naive_threshold(&w, plain.score, fold, fold[i], w.labels[i]);
            if (isnan(tau)) tau = naive_threshold(&w, plain.score, fold, fold[i], -1);
            assert_near(r.score[i], plain.score[i] - tau, 0, 0);
        }
        assert_true(r.own_threshold);
        assert_near(r.threshold, 0, 0, 0);
        assert_non_null(strstr(r.notes, "1 classes lack members"));
        assert_null(strstr(r.notes, "optimistic"));
        mia_result_free(&plain);
        mia_result_free(&r);
    }
    world_free(&w);
}

/* A class whose signals lie elsewhere: one threshold for all is worse than one each. */
static void class_thresholds_help(void **state)
{
    (void)state;
    enum { N = 3000 };
    World w;
    world_make(&w, N, 2, 0, 0, 0, 5);
    for (int64_t i = 0; i < N; i++) {
        BaseRandom r = base_random_make(5, "offset", (uint64_t)i);
        w.logits[i * 2] = w.logits[i * 2 + 1] = 0;
        w.logits[i * 2 + w.labels[i]] =
            base_random_normal(&r) + (w.role[i] == MIA_MEMBER ? 2 : 0) + (w.labels[i] ? 8 : -8);
    }
    MiaResult all = world_attack("loss", &w.input, NULL);
    MiaResult each = world_attack("loss", &w.input, SETTINGS("thresholds", "class"));
    assert_true(all.balanced_accuracy < 0.72); /* one threshold serves one class only: (Phi(1) + 1/2) / 2 = 0.67 */
    assert_near(each.balanced_accuracy, erfc(-1 / sqrt(2)) / 2, 4 * 0.5 / sqrt(1000.0) + 0.01, 0);
    mia_result_free(&all);
    mia_result_free(&each);
    world_free(&w);
}

static void thresholds_of_shadows(void **state)
{
    (void)state;
    enum { N = 90, K = 3, S = 4 };
    World w;
    MiaResult none;
    world_make(&w, N, K, S, 0, 2, 6);
    static double s[S * N], value[S * N];
    static uint8_t member[S * N];
    mia_signal_fill(w.shadow, S, w.labels, N, K, MIA_SIGNAL_LOSS, MIA_SIGNAL_EXACT, s);
    MiaResult plain = world_attack("loss", &w.input, NULL);
    for (int per_class = 0; per_class < 2; per_class++) {
        MiaResult r = world_attack("loss", &w.input,
                                   SETTINGS("chosen_on", "shadows", "thresholds", per_class ? "class" : "global"));
        for (int64_t i = 0; i < N; i++) {
            int64_t n = 0;
            for (int64_t k = 0; k < S * N; k++) {
                if (per_class && w.labels[k % N] != w.labels[i]) continue;
                value[n] = -s[k];
                member[n++] = w.keep[k];
            }
            assert_near(r.score[i], plain.score[i] - naive_best(value, member, n), 0, 0);
        }
        assert_true(r.own_threshold && strstr(r.notes, "chosen on 4 shadow models"));
        mia_result_free(&r);
    }
    w.input.S = 0, w.input.shadow_logits = NULL, w.input.shadow_keep = NULL;
    assert_fails(world_try("entropy", &w.input, SETTINGS("chosen_on", "shadows"), &none), BASE_EARG,
                 "needs shadow models");
    w.input.S = 1, w.input.shadow_logits = w.shadow, w.input.shadow_keep = w.keep;
    memset(w.keep, 1, N);
    assert_fails(world_try("entropy", &w.input, SETTINGS("chosen_on", "shadows"), &none), BASE_EARG,
                 "of 90 points, all are members");
    mia_result_free(&plain);
    world_free(&w);
}

/* The smallest alpha whose quantile of {0, losses, 1000} reaches the loss, by bisection on the quantile itself. */
static double naive_level(const double *losses, int64_t n, double loss)
{
    double all[64], lo = 0, hi = 1;
    memcpy(all, losses, (size_t)n * sizeof *all);
    all[n] = 0;
    all[n + 1] = MIA_NULL_MOST;
    qsort(all, (size_t)n + 2, sizeof *all, base_ascending_f64);
    if (math_stats_quantile(all, n + 2, 0) >= loss) return 0;
    if (math_stats_quantile(all, n + 2, 1) < loss) return 1;
    for (int k = 0; k < 60; k++) {
        double mid = (lo + hi) / 2;
        if (math_stats_quantile(all, n + 2, mid) >= loss)
            hi = mid;
        else
            lo = mid;
    }
    return hi;
}

static void levels_of_a_null(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 300; round++) {
        BaseRandom r = base_random_make(7, "levels", round);
        double loss[20];
        int64_t n = 1 + (int64_t)base_random_below(&r, 20);
        for (int64_t i = 0; i < n; i++) {
            loss[i] = fabs(base_random_normal(&r));
            if (round % 3 == 1) loss[i] = floor(3 * loss[i]); /* ties, and zeros */
            if (round % 3 == 2 && i % 4 == 0) loss[i] += 1500;
        }
        qsort(loss, (size_t)n, sizeof *loss, base_ascending_f64);
        for (int t = 0; t < 12; t++) {
            double at = t == 0 ? 0 : t == 1 ? 2000 : t == 2 ? 999 : t < 6 ? loss[t % n] : 3 * base_random_uniform(&r);
            /* bisection: 2^-60; the two interpolations round differently, by a few ulp of a value / step ratio */
            assert_near(mia_null_level(loss, n, at), naive_level(loss, n, at), 1e-12, 0);
        }
    }
}

static void attack_p(void **state)
{
    (void)state;
    enum { N = 150, K = 3, Z = 40 };
    World w;
    MiaResult none;
    world_make(&w, N, K, 0, Z, 2, 8);
    for (int per_class = 0; per_class < 2; per_class++) {
        MiaResult r = world_attack("attack_p", &w.input, SETTINGS("group", per_class ? "class" : "all", "fpr", "0.25"));
        for (int64_t i = 0; i < N; i++) {
            double loss[Z], own = mia_signal_row(w.logits + i * K, K, w.labels[i]).loss;
            int64_t n = 0;
            for (int64_t z = 0; z < Z; z++)
                if (!per_class || w.population_labels[z] == w.labels[i])
                    loss[n++] = mia_signal_row(w.population + z * K, K, w.population_labels[z]).loss;
            assert_near(r.score[i], -naive_level(loss, n, own), 1e-12, 0);
        }
        assert_near(r.threshold, -0.25, 0, 0);
        mia_result_free(&r);
    }
    /* one group: the order of the loss, and so its ROC */
    MiaResult loss = world_attack("loss", &w.input, NULL), p = world_attack("attack_p", &w.input, NULL);
    assert_near(p.auc.value, loss.auc.value, 1e-15, 0);
    mia_result_free(&loss);
    mia_result_free(&p);
    for (int64_t z = 0; z < Z; z++) w.population_labels[z] = 0;
    assert_fails(world_try("attack_p", &w.input, SETTINGS("group", "class"), &none), BASE_EARG, "try group=all");
    world_free(&w);
}

static void attack_r(void **state)
{
    (void)state;
    enum { N = 60, K = 3, S = 7 };
    World w;
    MiaResult none;
    world_make(&w, N, K, S, 0, 2, 9);
    const char *const FITS[] = {"linear", "gaussian", "logit_rescale", "min"};
    for (int fit = 0; fit < 4; fit++) {
        MiaResult r = world_attack("attack_r", &w.input, SETTINGS("fit", FITS[fit], "fpr", "0.05"));
        for (int64_t i = 0; i < N; i++) {
            double loss[S], m = 0, v = 0, pm = 0, pv = 0;
            MiaSignals own = mia_signal_row(w.logits + i * K, K, w.labels[i]);
            int64_t n = 0;
            for (int64_t s = 0; s < S; s++) {
                if (w.keep[s * N + i]) continue;
                MiaSignals seen = mia_signal_row(w.shadow + (s * N + i) * K, K, w.labels[i]);
                loss[n++] = seen.loss;
                m += seen.loss;
                v += seen.loss * seen.loss;
                pm += seen.phi;
                pv += seen.phi * seen.phi;
            }
            double k = (double)n, z = (own.loss - m / k) / sqrt(v / k - m * m / k / k);
            double zp = (own.phi - pm / k) / sqrt(pv / k - pm * pm / k / k);
            double level = naive_level(loss, n, own.loss), tail = erfc(zp / sqrt(2)) / 2;
            double want = fit == 0 ? -level : fit == 1 ? -z : fit == 2 ? zp : -fmax(level, tail);
            assert_near(r.score[i], want, 1e-9, 1e-9); /* E x^2 - (E x)^2 loses digits in the twin */
        }
        assert_near(r.threshold, fit == 0 || fit == 3 ? -0.05 : -math_stats_normal_quantile(0.05), 0, 0);
        assert_non_null(strstr(r.notes, "at least 3 reference models"));
        mia_result_free(&r);
    }
    w.input.S = 1; /* half of the points are in the one shadow model */
    assert_fails(world_try("attack_r", &w.input, NULL, &none), BASE_EARG,
                 "point 1 was left out of 0 of the 1 shadow models (keep = 0); fit=linear needs 1");
    memset(w.keep, 0, N);
    assert_fails(world_try("attack_r", &w.input, SETTINGS("fit", "gaussian"), &none), BASE_EARG,
                 "fit=gaussian needs 2");
    MiaResult one = world_attack("attack_r", &w.input, NULL);
    mia_result_free(&one);
    for (int64_t i = 0; i < N * K; i++) w.shadow[N * K + i] = w.shadow[i]; /* two models of one mind: no spread */
    memset(w.keep + N, 0, N);
    w.input.S = 2;
    one = world_attack("attack_r", &w.input, SETTINGS("fit", "logit_rescale"));
    mia_result_free(&one);
    world_free(&w);
}

/* Population and non-members of one distribution: the level is the false-positive rate. */
static void levels_hold(void **state)
{
    (void)state;
    enum { N = 6000, Z = 4000 };
    World w;
    world_make(&w, N, 3, 0, Z, 3, 10);
    MiaResult r = world_attack("attack_p", &w.input, SETTINGS("fpr", "0.05"));
    double fp = 0;
    for (int64_t i = 0; i < N; i++) fp += w.role[i] == MIA_NONMEMBER && r.score[i] >= r.threshold;
    /* 4 standard errors of the share over 2000 points and of the quantile of 4000 */
    assert_near(fp / (N / 3.0), 0.05, 4 * sqrt(0.05 * 0.95 * (1 / (N / 3.0) + 1.0 / Z)), 0);
    mia_result_free(&r);
    world_free(&w);
}

/* 10^6 points: seconds, and memory linear in n. */
static void a_million_points(void **state)
{
    (void)state;
    if (!getenv("EXPUNGE_LONG")) skip();
    enum { N = 1000000, K = 10 };
    World w;
    world_make(&w, N, K, 0, 1000, 2, 11);
    const char *const NAMES[] = {"loss", "confidence", "entropy", "modified_entropy", "correctness", "attack_p"};
    for (size_t a = 0; a < sizeof NAMES / sizeof *NAMES; a++)
        for (int per_class = 0; per_class < 2; per_class++) {
            struct rusage before, after;
            const char *key = a == 5 ? "group" : "thresholds";
            const char *value = per_class ? "class" : a == 5 ? "all" : "global";
            getrusage(RUSAGE_SELF, &before);
            double start = base_clock_wall();
            MiaResult r = world_attack(NAMES[a], &w.input, SETTINGS(key, value));
            double seconds = base_clock_wall() - start;
            getrusage(RUSAGE_SELF, &after);
            int64_t bytes = (after.ru_maxrss - before.ru_maxrss) * 1024;
            print_message("%-18s %-7s %.2f s, peak grew by %lld MB\n", NAMES[a], value, seconds,
                          (long long)bytes / 1000000);
            assert_true(seconds < 30);
            assert_true(bytes < (int64_t)N * 200); /* some doubles per point, no matrix */
            assert_true(r.auc.value > 0.55);
            mia_result_free(&r);
        }
    world_free(&w);
}

typedef struct {
    World world;
    const MiaAttack *attack;
    void *params;
} Memory;

static BaseStatus once(void *user)
{
    Memory *m = user;
    MiaResult r;
    BaseStatus st = mia_attack(m->attack, &m->world.input, m->params, &r);
    mia_result_free(&r);
    return st;
}

/* What the contract test's defaults do not reach. */
static void without_memory(void **state)
{
    (void)state;
    const struct {
        const char *name, *key, *value;
    } CASES[] = {{"loss", "thresholds", "class"}, {"loss", "chosen_on", "shadows"}, {"attack_p", "group", "class"}};
    for (int c = 0; c < 3; c++) {
        Memory m;
        world_make(&m.world, 60, 3, 2, 20, 1, 12);
        assert_ok(mia_find(CASES[c].name, &m.attack));
        const BaseEntry *e = &m.attack->entry;
        assert_ok(base_alloc_bytes(1, e->params_size, &m.params));
        base_param_defaults(e->params, e->param_count, m.params);
        assert_ok(base_param_set(e->params, e->param_count, m.params, "", CASES[c].key, CASES[c].value, "--set"));
        support_fail_allocations(once, &m, 500);
        base_free(m.params);
        world_free(&m.world);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(scores_are_signals),
    cmocka_unit_test(equal_answers_tell_nobody_apart),
    cmocka_unit_test(gaussian_shift),
    cmocka_unit_test(class_thresholds),
    cmocka_unit_test(class_thresholds_help),
    cmocka_unit_test(thresholds_of_shadows),
    cmocka_unit_test(levels_of_a_null),
    cmocka_unit_test(attack_p),
    cmocka_unit_test(attack_r),
    cmocka_unit_test(levels_hold),
    cmocka_unit_test(a_million_points),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
