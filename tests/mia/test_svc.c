#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "mia/mia.h"
#include "mia/signal/signal.h"

typedef struct {
    MiaInput input;
    double *logits;
    int32_t *labels;
    uint8_t *role;
} Points;

static void points_alloc(Points *p, int64_t N, int64_t K)
{
    assert_ok(BASE_ALLOC(N * K, &p->logits));
    assert_ok(BASE_ALLOC(N, &p->labels));
    assert_ok(BASE_ALLOC(N, &p->role));
    p->input = (MiaInput){.N = N, .K = K, .logits = p->logits, .labels = p->labels, .role = p->role};
}

static void points_free(Points *p)
{
    base_free(p->logits);
    base_free(p->labels);
    base_free(p->role);
}

/* Two classes with phi = log(p / (1 - p)), so that the confidence of the true class is @p confidence again. */
static void place(Points *p, int64_t at, const double *confidence, int64_t n, MiaRole role)
{
    for (int64_t i = 0; i < n; i++) {
        p->logits[(at + i) * 2] = log(confidence[i]) - log1p(-confidence[i]);
        p->role[at + i] = (uint8_t)role;
    }
}

static MiaResult fit(const MiaInput *input, const char *const *settings)
{
    const MiaAttack *svc;
    MiaResult result;
    assert_ok(mia_find("svc", &svc));
    void *params;
    assert_ok(base_alloc_bytes(1, svc->entry.params_size, &params));
    base_param_defaults(svc->entry.params, svc->entry.param_count, params);
    for (; settings && *settings; settings += 2)
        assert_ok(base_param_set(svc->entry.params, svc->entry.param_count, params, "attack svc", settings[0],
                                 settings[1], "--set"));
    assert_ok(mia_attack(svc, input, params, &result));
    base_free(params);
    return result;
}

/* scikit-learn's SVC(C=3, gamma="auto", kernel="rbf") on the same confidences. */
static void as_in_the_fixture(void **state)
{
    (void)state;
    IoHdf5 *file = NULL;
    int64_t M, U, T;
    assert_ok(io_hdf5_open(support_fixture("attacks.h5"), &file));
    double *mem = support_read_f64(file, "svc/member", &M), *non = support_read_f64(file, "svc/nonmember", &U);
    double *target = support_read_f64(file, "svc/target", &T),
           *want = support_read_f64(file, "svc/target_prediction", NULL);
    double *efficacy = support_read_f64(file, "svc/efficacy", NULL);
    Points p;
    points_alloc(&p, M + U + T, 2);
    place(&p, 0, mem, M, MIA_MEMBER);
    place(&p, M, non, U, MIA_NONMEMBER);
    place(&p, M + U, target, T, MIA_AUDITED);
    MiaResult r = fit(&p.input, NULL);
    assert_true(r.own_threshold);
    assert_near(r.threshold, 0, 0, 0);
    for (int64_t i = 0; i < T; i++) assert_near(r.score[M + U + i] >= 0, want[i], 0, 0);
    assert_near(r.efficacy.value, *efficacy, 1e-12, 0);
    assert_int_equal(r.efficacy.n, T);
    assert_true(r.auc.value > 0.6); /* members are the more confident ones: the sign is the right way round */
    char notes[128];
    snprintf(notes, sizeof notes, "fitted to %d + %d of %d + %d points", (int)M, (int)U, (int)M, (int)U);
    assert_non_null(strstr(r.notes, notes));
    mia_result_free(&r);
    points_free(&p);
    base_free(mem);
    base_free(non);
    base_free(target);
    base_free(want);
    base_free(efficacy);
    io_hdf5_close(file);
}

enum { MIXED = 300, CLASSES = 4 };
static void mixed_points(Points *p, double shift, bool members_first)
{
    points_alloc(p, MIXED, CLASSES);
    for (int i = 0; i < MIXED; i++) {
        BaseRandom r = base_random_make(9, "svc_test", (uint64_t)i);
        int turn = i % 3;
        p->role[i] = (uint8_t)(members_first && turn < 2 ? 1 - turn : turn);
        p->labels[i] = i % CLASSES;
        for (int j = 0; j < CLASSES; j++) p->logits[i * CLASSES + j] = base_random_normal(&r);
        if (p->role[i] == MIA_MEMBER) p->logits[i * CLASSES + p->labels[i]] += shift;
    }
    p->input.seed = 9;
}

/* libsvm's first-seen label decides the sign of its decision value: the score must not depend on the order of the
 * roles. */
static void members_score_higher_in_any_order(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        Points p;
        mixed_points(&p, 4, first);
        MiaResult r = fit(&p.input, NULL);
        assert_true(r.auc.value > 0.9);
        assert_true(r.balanced_accuracy > 0.8);
        mia_result_free(&r);
        points_free(&p);
    }
}

static void every_feature_separates(void **state)
{
    (void)state;
    const char *const FEATURES[] = {"correctness", "confidence", "entropy", "modified_entropy", "probabilities"};
    for (int f = 0; f < 5; f++) {
        Points p;
        mixed_points(&p, 5, false);
        const char *const settings[] = {"features", FEATURES[f], NULL};
        MiaResult r = fit(&p.input, settings);
        assert_true(r.balanced_accuracy > 0.7);
        assert_non_null(strstr(r.notes, FEATURES[f]));
        if (f == 0) /* two values only: a score per value */
            for (int i = 0; i < MIXED; i++)
                for (int j = 0; j < i; j++) {
                    double a = mia_signal_row(p.logits + i * CLASSES, CLASSES, p.labels[i]).correct;
                    double b = mia_signal_row(p.logits + j * CLASSES, CLASSES, p.labels[j]).correct;
                    if (a >= b && a <= b) assert_near(r.score[i], r.score[j], 0, 0);
                }
        mia_result_free(&r);
        points_free(&p);
    }
}

/* Decision values by the definition: the fit is a sum of kernels, so with gamma tiny it is flat and with gamma huge it
 * remembers; gamma = 0 means 1 / features. */
static void gamma_and_cost_do_something(void **state)
{
    (void)state;
    Points p;
    mixed_points(&p, 1, false);
    const char *const automatic[] = {"gamma", "0", "features", "probabilities", NULL};
    const char *const quarter[] = {"gamma", "0.25", "features", "probabilities", NULL};
    const char *const sharp[] = {"gamma", "1e6", "features", "probabilities", NULL};
    const char *const cheap[] = {"C", "0.01", "features", "probabilities", NULL};
    MiaResult a = fit(&p.input, automatic), q = fit(&p.input, quarter), s = fit(&p.input, sharp),
              c = fit(&p.input, cheap);
    assert_memory_equal(a.score, q.score, sizeof(double) * MIXED);
    assert_true(s.balanced_accuracy > 0.99);
    assert_true(s.balanced_accuracy > a.balanced_accuracy);
    assert_true(memcmp(a.score, c.score, sizeof(double) * MIXED) != 0);
    mia_result_free(&a);
    mia_result_free(&q);
    mia_result_free(&s);
    mia_result_free(&c);
    points_free(&p);
}

static void the_cap_draws_by_the_seed(void **state)
{
    (void)state;
    Points p;
    mixed_points(&p, 2, false);
    const char *const capped[] = {"max_points", "30", NULL}, *const loose[] = {"max_points", "100", NULL};
    MiaResult a = fit(&p.input, capped), b = fit(&p.input, capped), all = fit(&p.input, NULL),
              same = fit(&p.input, loose);
    p.input.seed = 10;
    MiaResult other = fit(&p.input, capped);
    assert_non_null(strstr(a.notes, "fitted to 30 + 30 of 100 + 100 points"));
    assert_memory_equal(a.score, b.score, sizeof(double) * MIXED);
    assert_memory_equal(all.score, same.score, sizeof(double) * MIXED);
    assert_true(memcmp(a.score, other.score, sizeof(double) * MIXED) != 0);
    assert_true(memcmp(a.score, all.score, sizeof(double) * MIXED) != 0);
    assert_int_equal(a.roc.P, 100); /* judged on all, fitted on some */
    mia_result_free(&a);
    mia_result_free(&b);
    mia_result_free(&all);
    mia_result_free(&same);
    mia_result_free(&other);
    points_free(&p);
}

/* Repeated points, also the same point on both sides: the solver must end and equal points get equal scores. */
static void repeated_points(void **state)
{
    (void)state;
    Points p;
    points_alloc(&p, 90, 2);
    for (int i = 0; i < 90; i++) {
        p.role[i] = (uint8_t)(i % 3);
        p.logits[2 * i] = (double)(i / 3 % 3); /* three distinct points; each has 10 of every role */
    }
    MiaResult r = fit(&p.input, NULL);
    assert_near(r.auc.value, 0.5, 0, 0);
    for (int i = 9; i < 90; i++) assert_near(r.score[i], r.score[i - 9], 0, 0);
    mia_result_free(&r);
    points_free(&p);
    points_alloc(&p, 3, 2); /* one point per side */
    const double confidence[] = {0.2, 0.9, 0.8};
    place(&p, 0, confidence, 1, MIA_NONMEMBER);
    place(&p, 1, confidence + 1, 1, MIA_MEMBER);
    place(&p, 2, confidence + 2, 1, MIA_AUDITED);
    r = fit(&p.input, NULL);
    assert_near(r.auc.value, 1, 0, 0);
    assert_near(r.member_share.value, 1, 0, 0);
    mia_result_free(&r);
    points_free(&p);
}

/* Ten members to one non-member, all of them smooth: the many balance every moment of the few, so the exact decision value
 * is the same for all, and what order a solver gives is its rounding. Which side points are on is known. */
static void no_order_no_auc(void **state)
{
    (void)state;
    enum { M = 2000, N = 200, K = 10 };
    static const char *const SOLVER[] = {"auto", "libsvm"};
    Points p;
    BaseRandom r = base_random_make(7, "svc_imbalance", 0);
    points_alloc(&p, M + N, K);
    for (int i = 0; i < M + N; i++) {
        for (int j = 0; j < K; j++) p.logits[i * K + j] = base_random_normal(&r) + (j == 0 ? 3 + (i < M) : 0);
        p.role[i] = i < M ? MIA_MEMBER : MIA_NONMEMBER;
    }
    for (int k = 0; k < 2; k++) {
        const char *const settings[] = {"solver", SOLVER[k], NULL};
        MiaResult svc = fit(&p.input, settings);
        assert_true(svc.unranked);
        assert_near(svc.auc.value, NAN, 0, 0);
        assert_int_equal(svc.auc.P, M);
        assert_int_equal(svc.auc.N, N);
        for (int f = 0; f < MIA_FPRS; f++) assert_near(svc.tpr[f].value, NAN, 0, 0);
        assert_int_equal(svc.roc.count, 0);
        assert_near(svc.balanced_accuracy, 0.5, 0, 0); /* all are called members */
        assert_non_null(strstr(svc.notes, "their order is rounding, so there is no AUC"));
        assert_null(strstr(svc.notes, "the AUC is over"));
        mia_result_free(&svc);
    }
    points_free(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_in_the_fixture),         cmocka_unit_test(members_score_higher_in_any_order),
    cmocka_unit_test(every_feature_separates),   cmocka_unit_test(gamma_and_cost_do_something),
    cmocka_unit_test(the_cap_draws_by_the_seed), cmocka_unit_test(repeated_points),
    cmocka_unit_test(no_order_no_auc),
};

SUPPORT_MAIN(tests)
