#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "mia/mia.h"

enum { N = 240, K = 3 };
typedef struct {
    double logits[N * K];
    int32_t labels[N];
    uint8_t role[N];
    MiaInput input;
} Points;

/* Members' true logit is @p shift higher: phi, and so the loss, is a Gaussian shift of shift / scale. */
static void points_make(Points *p, double shift, uint64_t seed)
{
    for (int i = 0; i < N; i++) {
        BaseRandom r = base_random_make(seed, "mia_points", (uint64_t)i);
        p->role[i] = (uint8_t)(i % 3);
        p->labels[i] = (int32_t)base_random_below(&r, K);
        for (int j = 0; j < K; j++) p->logits[i * K + j] = 0;
        p->logits[i * K + p->labels[i]] = base_random_normal(&r) + (p->role[i] == MIA_MEMBER ? shift : 0);
    }
    p->input = (MiaInput){.N = N, .K = K, .logits = p->logits, .labels = p->labels, .role = p->role, .seed = seed};
}

static MiaResult attack(const char *name, const MiaInput *input)
{
    const MiaAttack *a;
    MiaResult result;
    assert_ok(mia_find(name, &a));
    assert_ok(mia_attack(a, input, NULL, &result));
    return result;
}

static void loss_is_the_loss(void **state)
{
    (void)state;
    Points p;
    points_make(&p, 1, 1);
    MiaResult r = attack("loss", &p.input);
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int j = 0; j < K; j++) sum += exp(p.logits[i * K + j]);
        assert_near(r.score[i], p.logits[i * K + p.labels[i]] - log(sum), 1e-15, 1e-13);
    }
    assert_false(r.own_threshold);
    assert_non_null(strstr(r.notes, "optimistic"));
    mia_result_free(&r);
    mia_result_free(&r);
}

/* AUC = Phi(d / sqrt 2) within the interval; the frame's counts by counting again. */
static void statistics_of_a_shift(void **state)
{
    (void)state;
    Points p;
    points_make(&p, 1.2, 2);
    MiaResult r = attack("loss", &p.input);
    double truth = 0.5 * erfc(-1.2 / 2);
    assert_true(r.auc.lo < truth && truth < r.auc.hi);
    assert_int_equal(r.auc.P, N / 3);
    assert_int_equal(r.roc.N, N / 3);
    double best = 0;
    for (int t = 0; t < N; t++) {
        if (p.role[t] == MIA_AUDITED) continue;
        double hit = 0;
        for (int i = 0; i < N; i++) {
            if (p.role[i] == MIA_MEMBER) hit += r.score[i] >= r.score[t];
            if (p.role[i] == MIA_NONMEMBER) hit += r.score[i] < r.score[t];
        }
        best = fmax(best, hit / (2.0 * N / 3));
    }
    assert_near(r.balanced_accuracy, best, 0, 1e-14);
    int called = 0;
    for (int i = 0; i < N; i++) called += p.role[i] == MIA_AUDITED && r.score[i] >= r.threshold;
    assert_near(r.member_share.value, called / (N / 3.0), 0, 1e-15);
    assert_near(r.efficacy.value, 1 - called / (N / 3.0), 0, 1e-15);
    assert_near(r.efficacy.lo, 1 - r.member_share.hi, 1e-12, 0);
    assert_near(r.efficacy.hi, 1 - r.member_share.lo, 1e-12, 0);
    assert_int_equal(r.efficacy.n, N / 3);
    assert_near(r.tpr[0].value, NAN, 0, 0); /* 80 non-members resolve neither 0.001 nor 0.01 */
    assert_near(r.tpr[1].value, NAN, 0, 0);
    assert_true(r.tpr[2].value > 0 && r.tpr[2].realised_fpr <= 0.1);
    assert_true(r.seconds >= 0);
    mia_result_free(&r);
}

static void null_scores(void **state)
{
    (void)state;
    int inside = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        Points p;
        points_make(&p, 0, 100 + seed);
        MiaResult r = attack("loss", &p.input);
        inside += r.auc.lo <= 0.5 && 0.5 <= r.auc.hi;
        assert_true(r.balanced_accuracy >= 0.5); /* optimistic by construction, and the notes say so */
        mia_result_free(&r);
    }
    assert_in_range(inside, 88, 100); /* binomial(100, 0.95) is below 88 with probability 0.002 */
}

/* Constant logits: every attack must survive them and know nothing. */
static void constant_scores(void **state)
{
    (void)state;
    const char *const NAMES[] = {"loss", "svc"};
    Points p;
    points_make(&p, 0, 3);
    for (int i = 0; i < N * K; i++) p.logits[i] = 0;
    for (int a = 0; a < 2; a++) {
        MiaResult r = attack(NAMES[a], &p.input);
        assert_near(r.auc.value, 0.5, 0, 0);
        if (a == 0) assert_true(r.auc.lo < 0.5 && r.auc.hi > 0.5);
        if (a == 1) assert_true(isnan(r.auc.lo) && isnan(r.auc.hi) && isnan(r.tpr[2].lo)); /* fitted to these points */
        assert_near(r.balanced_accuracy, 0.5, 0, 0);
        assert_true(isfinite(r.threshold));
        mia_result_free(&r);
    }
}

/* Members below non-members: the best threshold calls nobody a member, as a finite number above every score. */
static void worse_than_nobody(void **state)
{
    (void)state;
    Points p;
    points_make(&p, -30, 4);
    MiaResult r = attack("loss", &p.input);
    assert_near(r.auc.value, 0, 0, 0);
    assert_true(r.auc.hi > 0 && r.auc.hi < 0.1);
    assert_true(isfinite(r.threshold));
    assert_near(r.member_share.value, 0, 0, 0);
    assert_near(r.efficacy.value, 1, 0, 0);
    mia_result_free(&r);
}

static void nobody_audited(void **state)
{
    (void)state;
    Points p;
    points_make(&p, 1, 5);
    for (int i = 0; i < N; i++) p.role[i] = (uint8_t)(i % 2);
    MiaResult r = attack("svc", &p.input);
    assert_near(r.member_share.value, NAN, 0, 0);
    assert_near(r.efficacy.value, NAN, 0, 0);
    assert_int_equal(r.efficacy.n, 0);
    mia_result_free(&r);
}

static void wrong_inputs(void **state)
{
    (void)state;
    const MiaAttack *a;
    MiaResult r;
    Points p;
    assert_ok(mia_find("loss", &a));
    points_make(&p, 1, 6);
    p.logits[7] = NAN;
    assert_fails(mia_attack(a, &p.input, NULL, &r), BASE_EARG, "attack loss: target logits: row 2, class 1 is");
    assert_null(r.score);
    p.logits[7] = INFINITY;
    assert_fails(mia_input_check(&p.input, 0), BASE_EARG, "finite");
    points_make(&p, 1, 6);
    p.labels[4] = K;
    assert_fails(mia_input_check(&p.input, 0), BASE_ESHAPE, "label of point 4 is 3; the logits have classes 0..2");
    p.labels[4] = -1;
    assert_fails(mia_input_check(&p.input, 0), BASE_ESHAPE, "is -1");
    points_make(&p, 1, 6);
    p.role[9] = 3;
    assert_fails(mia_input_check(&p.input, 0), BASE_EARG, "role of point 9 is 3");
    for (int i = 0; i < N; i++) p.role[i] = MIA_MEMBER;
    assert_fails(mia_input_check(&p.input, 0), BASE_EARG, "non-member (role 0)");
    for (int i = 0; i < N; i++) p.role[i] = MIA_NONMEMBER;
    assert_fails(mia_input_check(&p.input, 0), BASE_EARG, "is a member (role 1)");
    points_make(&p, 1, 6);
    assert_ok(mia_input_check(&p.input, 0));
    assert_fails(mia_input_check(&p.input, MIA_NEEDS_SHADOW), BASE_EARG, "shadow models: /shadow/logits");
    assert_fails(mia_input_check(&p.input, MIA_NEEDS_POPULATION), BASE_EARG, "a population");
    assert_fails(mia_input_check(&p.input, MIA_NEEDS_UNLEARNED), BASE_EARG, "unlearned models");
    assert_fails(mia_input_check(&p.input, MIA_NEEDS_RETRAINED), BASE_EARG, "retrained models");
    assert_fails(mia_input_check(&p.input, MIA_NEEDS_SHADOW_POPULATION), BASE_EARG, "/shadow/population_logits");
    uint8_t keep[N] = {0};
    p.input.S = 1;
    p.input.shadow_logits = p.logits;
    p.input.shadow_keep = keep;
    assert_ok(mia_input_check(&p.input, MIA_NEEDS_SHADOW));
    keep[17] = 2;
    assert_fails(mia_input_check(&p.input, 0), BASE_EARG, "keep of shadow model 0, point 17 is 2");
    p.input.K = 1;
    assert_fails(mia_input_check(&p.input, 0), BASE_ESHAPE, "at least 2 classes");
    p.input.N = 0;
    assert_fails(mia_input_check(&p.input, 0), BASE_ESHAPE, "of at least 2 points, not 0");
    assert_fails(mia_find("los", &a), BASE_ENOTFOUND, "did you mean 'loss'?");
    assert_null(a);
}

/* Bounds are given where scores were not fitted to the points they bound, and only there. */
static void bounds_of_what_is_not_fitted(void **state)
{
    (void)state;
    Points p;
    points_make(&p, 6, 9);
    MiaResult r = attack("loss", &p.input);
    assert_int_equal(r.fitted, MIA_UNFITTED);
    assert_true(r.epsilon.epsilon > 1 && r.epsilon.epsilon <= r.epsilon.largest);
    assert_true(r.epsilon_gaussian.mu > 1 && r.epsilon_gaussian.epsilon > 0);
    assert_int_equal(r.holdout.balanced.n, N / 3);
    assert_true(r.holdout.balanced.value > 0.9 && r.holdout.balanced.lo < r.holdout.balanced.value);
    mia_result_free(&r);
    r = attack("correctness", &p.input); /* its own threshold: judged on all */
    assert_near(r.holdout.balanced.value, r.balanced_accuracy, 0, 1e-14);
    assert_int_equal(r.holdout.balanced.n, 2 * N / 3);
    mia_result_free(&r);
    r = attack("svc", &p.input);
    assert_int_equal(r.fitted, MIA_FITTED);
    assert_near(r.epsilon.epsilon, NAN, 0, 0);
    assert_near(r.epsilon_gaussian.largest, NAN, 0, 0);
    assert_near(r.holdout.balanced.value, NAN, 0, 0);
    mia_result_free(&r);
    r = attack("logistic", &p.input);
    assert_int_equal(r.fitted, MIA_CROSS_FITTED);
    assert_near(r.epsilon.epsilon, NAN, 0, 0);
    assert_near(r.holdout.balanced.value, r.balanced_accuracy, 0, 1e-14);
    mia_result_free(&r);
    r = attack("quantile", &p.input);
    assert_int_equal(r.fitted, MIA_CROSS_FITTED);
    mia_result_free(&r);
}

/* Every image five times under one number: the numbers rest on the images, not on their copies. */
static void copies_count_once(void **state)
{
    (void)state;
    enum { COPIES = 5 * N };
    static double logits[COPIES * K];
    static int32_t labels[COPIES], cluster[COPIES];
    static uint8_t role[COPIES];
    Points p;
    int nulls = 0, failed = 0;
    for (uint64_t seed = 1; seed < 40; seed++) {
        points_make(&p, 0, seed);
        for (int i = 0; i < COPIES; i++) {
            memcpy(logits + i * K, p.logits + (i / 5) * K, K * sizeof *logits);
            labels[i] = p.labels[i / 5];
            role[i] = p.role[i / 5];
            cluster[i] = i / 5;
        }
        MiaInput in = {
            .N = COPIES, .K = K, .logits = logits, .labels = labels, .role = role, .cluster = cluster, .seed = seed};
        MiaResult one = attack("loss", &p.input), five = attack("loss", &in);
        assert_near(five.auc.value, one.auc.value, 0, 1e-14);
        assert_near(five.auc.se, one.auc.se, 0, 1e-12);
        assert_near(five.threshold, one.threshold, 0, 0);
        assert_near(five.epsilon.epsilon, one.epsilon.epsilon, 0, 0);
        assert_near(five.epsilon_gaussian.largest, one.epsilon_gaussian.largest, 0, 0);
        assert_near(five.holdout.balanced.lo, one.holdout.balanced.lo, 0, 0);
        for (int k = 0; k < MIA_FPRS; k++) {
            assert_near(five.tpr[k].lo, one.tpr[k].lo, 0, 0);
            assert_int_equal(five.tpr[k].n, one.tpr[k].n);
        }
        assert_near(five.member_share.value, one.member_share.value, 0, 0);
        assert_near(five.member_share.hi, one.member_share.hi, 0.01, 0);
        nulls += five.epsilon.epsilon > 0;
        in.cluster = NULL;
        mia_result_free(&five);
        five = attack("loss", &in);
        failed += five.epsilon.epsilon > 0;
        mia_result_free(&one);
        mia_result_free(&five);
    }
    assert_true(nulls <= 2 && failed > 2); /* Bonferroni's bounds are far below 5%; as if all were images, a third */
}

/* All members are of one cluster with a non-member: where the non-member is drawn there is no member left. */
static void one_cluster_of_members(void **state)
{
    (void)state;
    Points p;
    int32_t cluster[N];
    int without = 0, with = 0;
    points_make(&p, 1, 1);
    for (int i = 0; i < N; i++) {
        cluster[i] = p.role[i] == MIA_MEMBER && i < 100 ? -1 : i;
        if (p.role[i] == MIA_MEMBER && i >= 100) p.role[i] = MIA_AUDITED;
    }
    cluster[0] = -1;
    p.input.cluster = cluster;
    for (p.input.seed = 0; p.input.seed < 200; p.input.seed++) {
        MiaResult r = attack("loss", &p.input);
        bool none = isnan(r.tpr[2].value);
        assert_false(isnan(r.auc.value) || !isnan(r.auc.lo));
        if (none) assert_true(isnan(r.epsilon.epsilon) && isnan(r.holdout.balanced.value));
        without += none;
        with += !none;
        mia_result_free(&r);
    }
    assert_true(without > 0 && with > 150); /* 1 in 34 */
    const MiaAttack *a;
    MiaResult r;
    assert_ok(mia_find("logistic", &a));
    assert_fails(mia_attack(a, &p.input, NULL, &r), BASE_EARG, "of different clusters; the smaller kind has 1");
}

static BaseStatus give(double value, const MiaInput *input, MiaScores *out)
{
    for (int64_t i = 0; i < input->N; i++) out->score[i] = i == 3 ? value : 0;
    return BASE_OK;
}

static BaseStatus score_nan(const MiaInput *input, const void *params, MiaScores *out)
{
    (void)params;
    return give(NAN, input, out);
}

static BaseStatus score_infinite(const MiaInput *input, const void *params, MiaScores *out)
{
    (void)params;
    return give(INFINITY, input, out);
}

static void scores_must_be_finite(void **state)
{
    (void)state;
    const MiaAttack nan_attack = {.entry = BASE_ENTRY_PLAIN("broken", "", ""), .score = score_nan};
    const MiaAttack infinite = {.entry = BASE_ENTRY_PLAIN("broken", "", ""), .score = score_infinite};
    Points p;
    MiaResult r;
    points_make(&p, 1, 7);
    assert_fails(mia_attack(&nan_attack, &p.input, NULL, &r), BASE_ENUMERIC, "attack broken: the score of point 3 is");
    assert_fails(mia_attack(&infinite, &p.input, NULL, &r), BASE_ENUMERIC, "is inf; scores must be finite");
    assert_null(r.score);
}

static BaseStatus with_numbers(const MiaInput *input, const void *params, MiaScores *out)
{
    (void)params;
    char name[40];
    mia_scores_add(out, "mean_eps", math_estimate(3, 7));
    mia_scores_add(out, "mean_eps", math_estimate(4, 8));
    for (int i = 0; i < 2 * MIA_NUMBERS; i++) {
        snprintf(name, sizeof name, "number_%d", i);
        mia_scores_add(out, name, math_estimate(i, 1));
    }
    return give(1, input, out);
}

static void numbers_beside_the_scores(void **state)
{
    (void)state;
    const MiaAttack attack = {.entry = BASE_ENTRY_PLAIN("numbers", "", ""), .score = with_numbers};
    Points p;
    MiaResult r;
    points_make(&p, 1, 7);
    assert_ok(mia_attack(&attack, &p.input, NULL, &r));
    assert_int_equal(r.number_count, MIA_NUMBERS);
    assert_string_equal(r.numbers[0].name, "mean_eps");
    assert_near(r.numbers[0].value.value, 4, 0, 0);
    assert_string_equal(r.numbers[MIA_NUMBERS - 1].name, "number_22");
    mia_result_free(&r);
}

/* An attack that compares models runs where nobody is a member, or nobody is not; then there is no ROC. */
static void without_roles(void **state)
{
    (void)state;
    const MiaAttack attack = {
        .entry = BASE_ENTRY_PLAIN("models", "", ""), .needs = MIA_WITHOUT_ROLES, .score = with_numbers};
    Points p;
    MiaResult r;
    points_make(&p, 1, 7);
    for (int role = MIA_NONMEMBER; role <= MIA_AUDITED; role++) {
        memset(p.role, role, sizeof p.role);
        assert_ok(mia_attack(&attack, &p.input, NULL, &r));
        assert_near(r.auc.value, NAN, 0, 0);
        assert_near(r.tpr[0].value, NAN, 0, 0);
        assert_near(r.balanced_accuracy, NAN, 0, 0);
        assert_near(r.member_share.value, NAN, 0, 0);
        assert_int_equal(r.roc.count, 0);
        assert_int_equal(r.auc.P, role == MIA_MEMBER ? N : 0);
        assert_string_equal(r.notes, "");
        mia_result_free(&r);
    }
    points_make(&p, 1, 7);
    assert_ok(mia_attack(&attack, &p.input, NULL, &r));
    assert_true(r.auc.value > 0.4 && r.member_share.n > 0);
    mia_result_free(&r);
}

static void wirings(void **state)
{
    (void)state;
    const MiaWiring *w;
    assert_int_equal(mia_wiring_count, 4);
    assert_ok(mia_wiring_find("paper", &w));
    assert_int_equal(w->member, MIA_SET_RETAIN_TRAIN);
    assert_int_equal(w->nonmember, MIA_SET_FORGET_TRAIN);
    assert_int_equal(w->audited, MIA_SET_FORGET_TEST);
    assert_ok(mia_wiring_find("salun", &w));
    assert_int_equal(w->member, MIA_SET_RETAIN_TRAIN);
    assert_int_equal(w->nonmember, MIA_SET_RETAIN_TEST);
    assert_int_equal(w->audited, MIA_SET_FORGET_TRAIN);
    assert_true(w->balance);
    assert_ok(mia_wiring_find("forget", &w));
    assert_int_equal(w->member, MIA_SET_FORGET_TRAIN);
    assert_int_equal(w->nonmember, MIA_SET_FORGET_TEST);
    assert_int_equal(w->audited, MIA_SET_NONE);
    assert_ok(mia_wiring_find("retain", &w));
    assert_int_equal(w->nonmember, MIA_SET_RETAIN_TEST);
    for (size_t i = 0; i < mia_wiring_count; i++) assert_true(strlen(mia_wirings[i].question) > 20);
    assert_fails(mia_wiring_find("papers", &w), BASE_ENOTFOUND,
                 "did you mean 'paper'?; there are: paper, salun, forget, retain");
    assert_null(w);
}

static Points memory_points;
static BaseStatus once(void *user)
{
    MiaResult r;
    BaseStatus st = mia_attack(user, &memory_points.input, NULL, &r);
    mia_result_free(&r);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    points_make(&memory_points, 1, 8);
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        const MiaAttack *a = base_registry_at(&mia_registry, i);
        if (a->needs == 0) support_fail_allocations(once, (void *)(uintptr_t)a, 150);
    }
    int32_t cluster[N];
    const MiaAttack *a;
    for (int i = 0; i < N; i++) cluster[i] = i / 6;
    memory_points.input.cluster = cluster;
    assert_ok(mia_find("quantile", &a));
    support_fail_allocations(once, (void *)(uintptr_t)a, 150);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(loss_is_the_loss),
    cmocka_unit_test(statistics_of_a_shift),
    cmocka_unit_test(null_scores),
    cmocka_unit_test(constant_scores),
    cmocka_unit_test(worse_than_nobody),
    cmocka_unit_test(nobody_audited),
    cmocka_unit_test(wrong_inputs),
    cmocka_unit_test(scores_must_be_finite),
    cmocka_unit_test(wirings),
    cmocka_unit_test(bounds_of_what_is_not_fitted),
    cmocka_unit_test(copies_count_once),
    cmocka_unit_test(one_cluster_of_members),
    cmocka_unit_test(numbers_beside_the_scores),
    cmocka_unit_test(without_roles),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
