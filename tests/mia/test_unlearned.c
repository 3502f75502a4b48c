#include "tests/mia/groups.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "mia/models/models.h"
#include "mia/ulira/ulira.h"

static void ulira_as_in_the_fixture(void **state)
{
    (void)state;
    IoHdf5 *file = NULL;
    int64_t N, u, r;
    int32_t labels[1024] = {0};
    uint8_t role[1024];
    assert_ok(io_hdf5_open(support_fixture("attacks.h5"), &file));
    double *target = pair_read(file, "ulira/target_phi", false, &N),
           *want = support_read_f64(file, "ulira/log_ratio", NULL);
    double *un = pair_read(file, "ulira/unlearned_phi", false, &u),
           *re = pair_read(file, "ulira/retrained_phi", false, &r);
    assert_true(N <= 1024);
    for (int i = 0; i < N; i++) role[i] = (uint8_t)(i % 2);
    const MiaInput in = {.N = N,
                         .K = 2,
                         .logits = target,
                         .labels = labels,
                         .role = role,
                         .U = u / N,
                         .R = r / N,
                         .unlearned_logits = un,
                         .retrained_logits = re};
    MiaResult got = pair_attack("ulira", &in, SET("predictive=normal"));
    /* a difference of two logarithms of order 10: 1e-14 of rounding is left where they cancel */
    for (int64_t i = 0; i < N; i++) assert_near(got.score[i], want[i], 1e-13, 1e-9);
    assert_near(got.threshold, 0, 0, 0);
    assert_true(got.own_threshold);
    mia_result_free(&got);
    base_free(target);
    base_free(want);
    base_free(un);
    base_free(re);
    io_hdf5_close(file);
}

/* log predictive from scratch, without value @p skip. */
static double predict(const double *x, int64_t n, int64_t skip, bool student, double at)
{
    double kept = 0, mean = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        if (i != skip) mean += x[i], kept++;
    mean /= kept;
    for (int64_t i = 0; i < n; i++) squares += i == skip ? 0 : pow(x[i] - mean, 2);
    double sd = sqrt(squares / (kept - 1));
    if (!student) return -pow((at - mean) / sd, 2) / 2 - log(sd) - log(2 * M_PI) / 2;
    double df = kept - 1, z = (at - mean) / (sd * sqrt(1 + 1 / kept));
    return lgamma((df + 1) / 2) - lgamma(df / 2) - log(df * M_PI) / 2 - log(sd * sqrt(1 + 1 / kept)) -
           (df + 1) / 2 * log1p(z * z / df);
}

/* Balanced accuracy of pairs left out, without model @p less (-1: none; U.. retrained), everything from scratch. */
static double naive_balanced(int N, int U, int R, bool student, int less)
{
    double right[2] = {0, 0}, seen = 0;
    for (int i = 0; i < N; i++) {
        if (w.role[i] != MIA_AUDITED) continue;
        double un[MOST_M], re[MOST_M];
        int u = 0, r = 0;
        for (int m = 0; m < U; m++)
            if (m != less) un[u++] = w.phi[1][m * N + i];
        for (int m = 0; m < R; m++)
            if (U + m != less) re[r++] = w.phi[0][m * N + i];
        for (int m = 0; m < u; m++)
            for (int k = 0; k < r; k++) {
                right[1] += predict(un, u, m, student, un[m]) >= predict(re, r, k, student, un[m]);
                right[0] += predict(un, u, m, student, re[k]) < predict(re, r, k, student, re[k]);
                seen++;
            }
    }
    return (right[0] + right[1]) / (2 * seen);
}

/* Every score, every pair of models left out in turn, and the jackknife over models. */
static void ulira_as_naive(void **state)
{
    (void)state;
    enum { N = 60, U = 5, R = 7 };
    for (int student = 0; student < 2; student++) {
        const MiaInput *in = world_make(N, U, R, 1.5, 3, 7);
        MiaResult r = pair_attack("ulira", in, SET(student ? "predictive=student" : "predictive=normal"));
        for (int64_t i = 0; i < N; i++) {
            double un[U], re[R];
            for (int m = 0; m < U; m++) un[m] = w.phi[1][m * N + i];
            for (int m = 0; m < R; m++) re[m] = w.phi[0][m * N + i];
            assert_near(r.score[i], predict(un, U, -1, student, w.target[i]) - predict(re, R, -1, student, w.target[i]),
                        1e-12, 1e-10);
        }
        double variance = 0, without[U + R];
        for (int m = 0; m < U + R; m++) without[m] = naive_balanced(N, U, R, student, m);
        for (int kind = 0; kind < 2; kind++) {
            int n = kind ? R : U;
            double sd;
            math_stats_mean(without + (kind ? U : 0), n, 0.95, &sd);
            variance += sd * sd * (n - 1) * (n - 1) / n;
        }
        MathEstimate got = pair_number(&r, "loo_balanced_accuracy");
        assert_near(got.value, naive_balanced(N, U, R, student, -1), 1e-13, 0);
        double half = math_stats_t_quantile(0.975, U - 1) * sqrt(variance);
        assert_near(got.hi, fmin(1, got.value + half), 1e-12, 0);
        assert_near(got.lo, fmax(0, got.value - half), 1e-12, 0);
        assert_int_equal(got.n, U + R);
        mia_result_free(&r);
        world_free();
    }
}

/* Point by point: Phi(shift / 2) with known normals; all points alike, spread 3 hides a shift of 2. The predictive
 * costs accuracy with 16 models per side: centres are off by 1/4, a noise of 1 + 1/16 in the distance: Phi(1 / 1.03) -
 * 0.02. */
static void point_by_point_beats_population(void **state)
{
    (void)state;
    const MiaInput *in = world_make(390, 16, 16, 2, 3, 3);
    MiaResult one = pair_attack("ulira", in, NULL), all = pair_attack("population_umia", in, NULL);
    MathEstimate own = pair_number(&one, "loo_balanced_accuracy"), pooled = pair_number(&all, "loo_balanced_accuracy");
    double best = 0.5 * erfc(-1 / M_SQRT2);
    print_message("ulira %.3f [%.3f, %.3f], population %.3f, best %.3f\n", own.value, own.lo, own.hi, pooled.value,
                  best);
    assert_true(own.value > best - 0.03 && own.lo <= best);
    assert_true(pooled.value < own.lo - 0.1);
    assert_true(one.member_share.lo < best && best < one.member_share.hi + 0.03);
    mia_result_free(&one);
    mia_result_free(&all);
    world_free();
}

/* Nothing left of the forgotten points: an interval holds 1/2 at least as often as it says. 60 worlds, level 95%: fewer
 * than 51 has probability 0.0006. Few models: Student's p_member is honest, the normal's is not. */
static void nothing_to_find(void **state)
{
    (void)state;
    int inside = 0, pooled = 0;
    double student = 0, normal = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        const MiaInput *in = world_make(150, 4, 4, 0, 2, 100 + seed);
        MiaResult a = pair_attack("ulira", in, NULL), b = pair_attack("ulira", in, SET("predictive=normal"));
        MiaResult c = pair_attack("population_umia", in, NULL);
        MathEstimate e = pair_number(&a, "loo_balanced_accuracy"), p = pair_number(&c, "loo_balanced_accuracy");
        inside += e.lo <= 0.5 && 0.5 <= e.hi;
        pooled += p.lo <= 0.5 && 0.5 <= p.hi;
        student += pair_number(&a, "loo_calibration_error").value / 60;
        normal += pair_number(&b, "loo_calibration_error").value / 60;
        mia_result_free(&a);
        mia_result_free(&b);
        mia_result_free(&c);
        world_free();
    }
    print_message("1/2 inside: %d (ulira), %d (population) of 60; calibration error %.3f (student), %.3f (normal)\n",
                  inside, pooled, student, normal);
    assert_true(inside >= 51 && pooled >= 51);
    assert_true(student < 0.8 * normal);
}

/* Half of the unlearned models never trained on a point: they are the other null. */
static void both_nulls(void **state)
{
    (void)state;
    enum { N = 30, U = 12, R = 5 };
    MiaResult r;
    MiaInput in = *world_make(N, U, R, 2, 3, 5);
    assert_fails(pair_try("ulira", &in, SET("null=never_trained"), &r), BASE_EARG, "needs /unlearned/keep [U, N]");
    for (int i = 0; i < U * N; i++) w.keep[i] = (i / N + i) % 2 == 0;
    in.unlearned_keep = w.keep;
    MiaResult never = pair_attack("ulira", &in, SET("null=never_trained")), other = pair_attack("ulira", &in, NULL);
    for (int64_t i = 0; i < N; i++) {
        double in_set[U], out_set[U], re[R];
        int64_t a = 0, b = 0;
        for (int m = 0; m < U; m++) *(w.keep[m * N + i] ? &in_set[a++] : &out_set[b++]) = w.phi[1][m * N + i];
        for (int m = 0; m < R; m++) re[m] = w.phi[0][m * N + i];
        double one = predict(in_set, a, -1, true, w.target[i]);
        assert_near(never.score[i], one - predict(out_set, b, -1, true, w.target[i]), 1e-12, 1e-10);
        assert_near(other.score[i], one - predict(re, R, -1, true, w.target[i]), 1e-12, 1e-10);
    }
    mia_result_free(&never);
    mia_result_free(&other);
    for (int m = 1; m < U; m++) w.keep[m * N + 4] = 0;
    assert_fails(pair_try("ulira", &in, NULL, &r), BASE_EARG, "point 4: 1 models unlearned it and 5 never saw it");
    w.keep[3] = 2;
    assert_fails(pair_try("ulira", &in, NULL, &r), BASE_EARG, "keep of unlearned model 0, point 3 is 2");
    world_free();
}

/* One model of a kind, the target among them, no spread. */
static void wrong_models(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"ulira", "population_umia", "other_classes"};
    MiaResult r;
    MiaInput in = *world_make(30, 4, 4, 1, 1, 6), one = in;
    one.U = 1;
    for (size_t k = 0; k < BASE_COUNT(NAMES); k++)
        assert_fails(pair_try(NAMES[k], &one, NULL, &r), BASE_EARG, "1 unlearned and 4 retrained models");
    assert_fails(pair_try("epsilon_score", &one, NULL, &r), BASE_EARG, "1 unlearned and 4 retrained models");
    r = pair_attack("klom", &one, NULL);
    mia_result_free(&r);
    one = in;
    one.logits = in.unlearned_logits;
    for (size_t k = 0; k < BASE_COUNT(NAMES); k++)
        assert_fails(pair_try(NAMES[k], &one, NULL, &r), BASE_EARG, "those of unlearned model 0");
    one.logits = in.retrained_logits + 2 * 2 * 30;
    assert_fails(pair_try("ulira", &one, NULL, &r), BASE_EARG, "those of retrained model 2");
    assert_fails(pair_try("other_classes", &in, NULL, &r), BASE_EARG, "needs at least 3");
    world_free();
    for (int i = 0; i < 4 * 30; i++) w.phi[0][i] = 0, w.phi[1][i] = 1;
    world_arrays(30, 4, 4);
    static const char *const ALL[] = {"ulira", "population_umia", "klom", "epsilon_score"};
    for (size_t k = 0; k < BASE_COUNT(ALL); k++) {
        r = pair_attack(ALL[k], &w.input, NULL);
        assert_true(isfinite(r.auc.value));
        assert_int_equal(r.fitted, MIA_FITTED); /* no epsilon of the target from models that know the members */
        assert_near(r.epsilon.epsilon, NAN, 0, 0);
        mia_result_free(&r);
    }
    r = pair_attack("ulira", &w.input, SET("predictive=normal"));
    mia_result_free(&r);
    world_free();
    memset(w.phi, 0, sizeof w.phi);
    memset(w.target, 0, sizeof w.target);
    world_arrays(30, 4, 4);
    for (size_t k = 0; k < BASE_COUNT(ALL); k++) {
        r = pair_attack(ALL[k], &w.input, NULL);
        assert_near(r.auc.value, 0.5, 0, 0);
        mia_result_free(&r);
    }
    world_free();
}

static double log_ratio(double fpr, double fnr, double delta) /* NaN and infinities as they come */
{
    double a = log(1 - delta - fpr) - log(fnr), b = log(1 - delta - fnr) - log(fpr);
    return isnan(a) ? b : isnan(b) ? a : fmax(a, b);
}

/* All thresholds, counted anew each time. */
static double naive_epsilon(const double *un, int64_t U, const double *re, int64_t R, double delta, bool published)
{
    double best = 0;
    for (int64_t k = 0; k < U + R; k++)
        for (int above = 1; above >= (published ? 1 : 0); above--) {
            double t = k < U ? un[k] : re[k - U], alarms = 0, misses = 0;
            for (int64_t m = 0; m < R; m++) alarms += (re[m] > t) == above;
            for (int64_t m = 0; m < U; m++) misses += (un[m] > t) != above;
            double fpr = alarms / (double)R, fnr = misses / (double)U, e;
            if (!published) {
                e = log_ratio((alarms + 0.5) / ((double)R + 1), (misses + 0.5) / ((double)U + 1), delta);
            } else if (fpr == 0 && fnr == 0) {
                e = 6;
            } else if (fpr == 0 || fnr == 0) {
                continue;
            } else {
                e = log_ratio(fpr, fnr, delta);
                e = isnan(e) ? 6 : fmin(e, 6);
            }
            if (e > best) best = e;
        }
    return best;
}

static void epsilon_as_naive(void **state)
{
    (void)state;
    enum { N = 60, U = 12, R = 9 };
    const double SHIFTS[] = {0, 1.5, -1.5, 9};
    for (size_t s = 0; s < BASE_COUNT(SHIFTS); s++) {
        const MiaInput *in = world_make(N, U, R, SHIFTS[s], 1, 20 + s);
        MiaResult smooth = pair_attack("epsilon_score", in, NULL);
        MiaResult raw = pair_attack("epsilon_score", in, SET("estimate=published", "delta=0.01"));
        double quality[2] = {0, 0};
        for (int64_t i = 0; i < N; i++) {
            double un[U], re[R];
            for (int m = 0; m < U; m++) un[m] = w.phi[1][m * N + i];
            for (int m = 0; m < R; m++) re[m] = w.phi[0][m * N + i];
            assert_near(smooth.score[i], naive_epsilon(un, U, re, R, 1e-5, false), 1e-12, 1e-12);
            assert_near(raw.score[i], naive_epsilon(un, U, re, R, 0.01, true), 1e-12, 1e-12);
            for (int k = 0; k < 2 && w.role[i] == MIA_AUDITED; k++) {
                int n = 0; /* numpy.digitize(epsilon, 0.5 * [0..12]) */
                while (n < 13 && (k ? raw : smooth).score[i] >= 0.5 * n) n++;
                quality[k] += 2 / pow(2, n) / (N / 3.0);
            }
        }
        assert_near(pair_number(&smooth, "forgetting_quality").value, quality[0], 1e-13, 0);
        assert_near(pair_number(&raw, "forgetting_quality").value, quality[1], 1e-13, 0);
        mia_result_free(&smooth);
        mia_result_free(&raw);
        world_free();
    }
}

/* 8 + 8 models told apart but for one: published discards what is nearly perfect and keeps what is poor. */
static void the_published_defect(void **state)
{
    (void)state;
    enum { N = 3, M = 8 };
    for (int i = 0; i < N; i++) {
        w.role[i] = (uint8_t)i;
        for (int m = 0; m < M; m++) {
            w.phi[0][m * N + i] = m;
            w.phi[1][m * N + i] = 10 + m;
        }
        w.phi[1][i] = -5; /* one unlearned model below them all */
        w.target[i] = i;
    }
    world_arrays(N, M, M);
    MiaResult raw = pair_attack("epsilon_score", &w.input, SET("estimate=published", "delta=0"));
    MiaResult smooth = pair_attack("epsilon_score", &w.input, SET("delta=0"));
    /* thresholds 0..6 leave FPR 7/8..1/8 at FNR 1/8; the one at 7, FPR 0 and FNR 1/8, is discarded */
    assert_near(raw.score[0], log(7.0 / 8) - log(1.0 / 8), 0, 1e-13);
    assert_near(smooth.score[0], log(1 - 1.5 / 9) - log(0.5 / 9), 0, 1e-13);
    assert_true(smooth.score[0] > raw.score[0] + 0.7);
    mia_result_free(&raw);
    mia_result_free(&smooth);
    world_free();
    for (int i = 0; i < N; i++) w.phi[1][i] = 10;
    world_arrays(N, M, M);
    raw = pair_attack("epsilon_score", &w.input, SET("estimate=published"));
    assert_near(raw.score[0], 6, 0, 0);
    assert_near(pair_number(&raw, "forgetting_quality").value, pow(2, -12), 0, 1e-15);
    mia_result_free(&raw);
    world_free();
}

static void ceilings(void **state)
{
    (void)state;
    const int64_t MODELS[] = {8, 16, 32, 64};
    for (size_t k = 0; k < BASE_COUNT(MODELS); k++) {
        const MiaInput *in = world_make(9, MODELS[k], MODELS[k], 0, 1, 30);
        MiaResult r = pair_attack("epsilon_score", in, SET("delta=0"));
        double none = 1 - pow(0.025, 1.0 / (double)MODELS[k]); /* Clopper-Pearson of 0 errors in closed form */
        assert_near(pair_number(&r, "epsilon_ceiling").value, log((1 - none) / none), 1e-9, 0);
        char text[64];
        snprintf(text, sizeof text, "no epsilon above %.2f can be shown", log((1 - none) / none));
        assert_non_null(strstr(r.notes, text));
        mia_result_free(&r);
        world_free();
    }
}

/* The bound is false at most alpha of the time where there is nothing, and sees a large shift, below its ceiling. */
static void the_bound_holds(void **state)
{
    (void)state;
    int64_t found = 0, points = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        const MiaInput *in = world_make(400, 40, 40, 0, 1, 40 + seed);
        MiaResult r = pair_attack("epsilon_score", in, SET("estimate=bound", "delta=0"));
        for (int i = 0; i < 400; i++) found += r.score[i] > 0;
        points += 400;
        mia_result_free(&r);
        world_free();
    }
    print_message("bound above 0 on %.2f%% of null points\n", 100.0 * (double)found / (double)points);
    /* 3200 independent points at 5%: sd 0.4 points, so above 6.5% has probability 1e-4 */
    assert_true((double)found / (double)points < 0.065);
    const MiaInput *in = world_make(60, 40, 40, 8, 1, 50);
    MiaResult r = pair_attack("epsilon_score", in, SET("estimate=bound"));
    double ceiling = pair_number(&r, "epsilon_ceiling").value;
    for (int i = 0; i < 60; i++) {
        assert_true(r.score[i] <= ceiling);
        if (w.role[i] == MIA_AUDITED) assert_true(r.score[i] > 1);
    }
    mia_result_free(&r);
    world_free();
}

/* numpy: edges = linspace(lo, hi, bins + 1), digitize, counts of bins 1..bins; the largest falls behind. */
static double naive_klom(const double *p, int64_t U, const double *q, int64_t R, int bins, bool published)
{
    double lo = INFINITY, hi = -INFINITY, share[2][64] = {{0}}, sum = 0;
    for (int64_t m = 0; m < U + R; m++) {
        double v = fmin(fmax(m < U ? p[m] : q[m - U], -100), 100);
        lo = fmin(lo, v);
        hi = fmax(hi, v);
    }
    for (int side = 0; side < 2; side++) {
        int64_t n = side ? R : U, kept = 0;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t m = 0; m < n; m++) {
                double v = fmin(fmax(side ? q[m] : p[m], -100), 100);
                int bin = 0;
                while (bin + 1 < bins && v >= lo + (hi - lo) * (bin + 1) / bins) bin++;
                if (published && v >= hi) continue;
                if (pass == 0)
                    kept++;
                else
                    share[side][bin] += 1 / (double)kept;
            }
    }
    double least = 0; /* scipy.stats.entropy(p, q): q / sum(q) */
    for (int b = 0; b < bins; b++) {
        if (share[0][b] > 0 && share[1][b] < 1e-5) share[1][b] = 1e-5;
        least += share[1][b];
    }
    for (int b = 0; b < bins; b++)
        if (share[0][b] > 0) sum += share[0][b] * log(share[0][b] / (published ? share[1][b] / least : share[1][b]));
    return sum;
}

static void klom_as_naive(void **state)
{
    (void)state;
    enum { N = 60, U = 40, R = 30 };
    const MiaInput *in = world_make(N, U, R, 1.5, 3, 60);
    MiaResult a = pair_attack("klom", in, NULL), b = pair_attack("klom", in, SET("compat=published"));
    MiaResult c = pair_attack("klom", in, SET("direction=retrained_unlearned", "bins=7"));
    double mean = 0;
    for (int64_t i = 0; i < N; i++) {
        double un[U], re[R];
        for (int m = 0; m < U; m++) un[m] = w.phi[1][m * N + i];
        for (int m = 0; m < R; m++) re[m] = w.phi[0][m * N + i];
        assert_near(a.score[i], naive_klom(un, U, re, R, 20, false), 1e-12, 1e-12);
        assert_near(b.score[i], naive_klom(un, U, re, R, 20, true), 1e-12, 1e-12);
        assert_near(c.score[i], naive_klom(re, R, un, U, 7, false), 1e-12, 1e-12);
        if (w.role[i] == MIA_AUDITED) mean += a.score[i] / (N / 3.0);
    }
    assert_near(pair_number(&a, "klom_mean").value, mean, 1e-13, 0);
    assert_true(pair_number(&a, "klom_95_percent").value > pair_number(&a, "klom_median").value);
    assert_true(a.auc.value > 0.9);
    mia_result_free(&a);
    mia_result_free(&b);
    mia_result_free(&c);
    world_free();
}

/* By hand, 4 bins over margins 0..4: unlearned 0.5, 1.5, 2.5, 4 (the last is dropped), retrained 0, 0.5, 0.5, 0.5:
 * p = 1/3, 1/3, 1/3, 0 and q = 1, 1e-5, 1e-5, 0, of which scipy makes q / 1.00002. */
static void klom_by_hand(void **state)
{
    (void)state;
    enum { U = 4, R = 4, N = 2 };
    static const double UNLEARNED[] = {0.5, 1.5, 2.5, 4}, RETRAINED[] = {0, 0.5, 0.5, 0.5};
    double phi[N * (1 + U + R)] = {0};
    int32_t labels[N] = {0};
    uint8_t role[N] = {MIA_MEMBER, MIA_NONMEMBER};
    for (int m = 0; m < U + R; m++)
        for (int i = 0; i < N; i++) phi[N * (1 + m) + i] = m < U ? UNLEARNED[m] : RETRAINED[m - U];
    double *z = pair_logits(phi, N * (1 + U + R));
    MiaInput in = {.N = N, .K = 2, .logits = z, .labels = labels, .role = role, .U = U, .R = R};
    in.unlearned_logits = z + 2 * N;
    in.retrained_logits = z + 2 * N * (1 + U);
    MiaResult r = pair_attack("klom", &in, SET("bins=4", "compat=published"));
    double plain = (log(1 / 3.0) + 2 * log(1e5 / 3)) / 3;
    assert_near(r.score[0], plain + log(1.00002), 0, 1e-14);
    assert_near(r.score[1], plain + log(1.00002), 0, 1e-14);
    mia_result_free(&r);
    /* without: p has the fourth bin too, q is as it is */
    r = pair_attack("klom", &in, SET("bins=4"));
    assert_near(r.score[0], (log(0.25) + 3 * log(0.25e5)) / 4, 0, 1e-14);
    mia_result_free(&r);
    base_free(z);
}

static void klom_of_the_same(void **state)
{
    (void)state;
    MiaInput in = *world_make(30, 9, 9, 1, 3, 61);
    in.retrained_logits = in.unlearned_logits;
    MiaResult r = pair_attack("klom", &in, NULL);
    for (int i = 0; i < 30; i++) assert_near(r.score[i], 0, 0, 0);
    mia_result_free(&r);
    world_free();
    r = pair_attack("klom", world_make(30, 9, 9, 50, 0.1, 61), SET("clip=3", "compat=published"));
    assert_non_null(strstr(r.notes, "points lost all margins")); /* all unlearned ones are cut to the largest */
    mia_result_free(&r);
    world_free();
}

/* MIA_WITHOUT_ROLES: only audited points. */
static void nobody_but_audited(void **state)
{
    (void)state;
    MiaInput in = *world_make(30, 9, 9, 1, 3, 62);
    memset(w.role, MIA_AUDITED, 30);
    MiaResult a = pair_attack("klom", &in, NULL), b = pair_attack("epsilon_score", &in, NULL);
    assert_int_equal(pair_number(&a, "klom_mean").n, 30);
    assert_int_equal(pair_number(&b, "forgetting_quality").n, 30);
    assert_near(a.auc.value, NAN, 0, 0);
    mia_result_free(&a);
    mia_result_free(&b);
    world_free();
}

/* Joining and parting spreads against counting anew. */
static void spreads(void **state)
{
    (void)state;
    double x[30];
    BaseRandom r = base_random_make(1, "spreads_test", 0);
    for (int i = 0; i < 30; i++) x[i] = 100 + base_random_normal(&r);
    for (int64_t k = 0; k <= 30; k++) {
        MiaSpread a = mia_ulira_spread(x, k), b = mia_ulira_spread(x + k, 30 - k), all = mia_ulira_spread(x, 30);
        MiaSpread joined = mia_ulira_join(a, b), rest = mia_ulira_part(all, a);
        assert_near(joined.mean, all.mean, 0, 1e-14);
        assert_near(joined.squares, all.squares, 0, 1e-12);
        assert_near(rest.n, b.n, 0, 0);
        if (k == 30) continue;
        assert_near(rest.mean, b.mean, 0, 1e-12);
        assert_near(rest.squares, b.squares, 1e-10, 1e-11);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ulira_as_in_the_fixture),
    cmocka_unit_test(ulira_as_naive),
    cmocka_unit_test(point_by_point_beats_population),
    cmocka_unit_test(nothing_to_find),
    cmocka_unit_test(both_nulls),
    cmocka_unit_test(wrong_models),
    cmocka_unit_test(epsilon_as_naive),
    cmocka_unit_test(the_published_defect),
    cmocka_unit_test(ceilings),
    cmocka_unit_test(the_bound_holds),
    cmocka_unit_test(klom_as_naive),
    cmocka_unit_test(klom_by_hand),
    cmocka_unit_test(klom_of_the_same),
    cmocka_unit_test(nobody_but_audited),
    cmocka_unit_test(spreads),
};

SUPPORT_MAIN(tests)
