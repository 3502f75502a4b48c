/* Statistics and attacks of the public interface: numbers by definition, arrays against a file, types and strides, refusals. */
#include <math.h>

#include "base/f16.h"
#include "tests/api/world.h"

static World world;

/* ---- statistics ---- */

static void test_statistics(void **state)
{
    (void)state;
    enum { N = 400 };
    double score[N], fpr[N + 1], tpr[N + 1], threshold[N + 1], pairs = 0;
    uint8_t member[N];
    BaseRandom random = base_random_make(3, "scores", 0);
    expunge_estimate auc, wide, rate;
    int64_t count;
    for (int i = 0; i < N; i++) {
        member[i] = (uint8_t)(i % 2);
        score[i] = floor(20 * (base_random_normal(&random) + member[i])) / 20;
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if (member[i] && !member[j]) pairs += (score[i] > score[j]) + 0.5 * (score[i] == score[j]);
    assert_done(expunge_auc(score, member, N, 0.95, &auc));
    assert_done(expunge_auc(score, member, N, 0.99, &wide));
    assert_near(auc.value, pairs / (N / 2) / (N / 2), 1e-12, 0);
    assert_true(wide.lo < auc.lo && auc.lo < auc.value && auc.value < auc.hi && auc.hi < wide.hi);
    assert_done(expunge_roc(score, member, N, fpr, tpr, threshold, N + 1, &count));
    assert_true(count > 2 && fpr[0] == 0 && tpr[0] == 0 && isinf(threshold[0]) && fpr[count - 1] == 1 &&
                tpr[count - 1] == 1);
    for (int64_t k = 1; k < count; k++) {
        int at[2] = {0};
        for (int i = 0; i < N; i++) at[member[i]] += score[i] >= threshold[k];
        assert_near(fpr[k], at[0] / (N / 2.0), 1e-12, 0);
        assert_near(tpr[k], at[1] / (N / 2.0), 1e-12, 0);
    }
    threshold[1] = -7;
    assert_done(expunge_roc(score, member, N, NULL, NULL, threshold, 1, &count));
    assert_true(threshold[1] == -7);
    assert_done(expunge_tpr_at_fpr(score, member, N, 0.1, &rate));
    assert_true(rate.lo < rate.value && rate.value < rate.hi && rate.value > 0.1);
    assert_done(expunge_tpr_at_fpr(score, member, N, 0.001, &rate));
    assert_true(isnan(rate.value)); /* 200 non-members do not resolve it */
}

/* P(X >= k) of X ~ Binomial(n, p), term by term. */
static double upper_tail(int k, int n, double p)
{
    double sum = 0;
    for (int i = k; i <= n; i++)
        sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(p) + (n - i) * log1p(-p));
    return sum;
}

static void test_share(void **state)
{
    (void)state;
    expunge_estimate share;
    static const double LEVELS[] = {0.95, 0.5};
    for (int l = 0; l < 2; l++)
        for (int k = 0; k <= 30;
             k += 5) { /* Clopper and Pearson 1934: each end leaves (1 - level) / 2 beyond what was seen */
            const double beyond = (1 - LEVELS[l]) / 2;
            assert_done(expunge_share(k, 30, LEVELS[l], &share));
            assert_near(share.value, k / 30.0, 1e-15, 0);
            if (k == 0)
                assert_true(share.lo == 0);
            else
                assert_near(upper_tail(k, 30, share.lo), beyond, 1e-9, 0);
            if (k == 30)
                assert_true(share.hi == 1);
            else
                assert_near(1 - upper_tail(k + 1, 30, share.hi), beyond, 1e-9, 0);
        }
    assert_done(expunge_share(0, 0, 0.95, &share));
    assert_true(isnan(share.value) && isnan(share.lo) && isnan(share.hi));
    assert_refused(expunge_share(3, 2, 0.95, &share), EARG, "count = 3 of n = 2");
    assert_refused(expunge_share(-1, 2, 0.95, &share), EARG, "count = -1");
    assert_refused(expunge_share(1, 2, 1, &share), EARG, "level = 1");
    assert_refused(expunge_share(1, 2, NAN, &share), EARG, "level");
    assert_refused(expunge_share(1, 2, 0.95, NULL), EARG, "share is NULL");
}

static void test_epsilon(void **state)
{
    (void)state;
    enum { N = 2000 };
    static double score[N];
    static uint8_t member[N];
    static const char *const METHODS[] = {"split", "simultaneous", "gaussian"};
    expunge_epsilon_bound bound;
    for (int i = 0; i < N; i++) {
        member[i] = i < N / 2;
        score[i] = member[i] ? 1 + i % 7 : -1 - i % 5; /* a faultless attack */
    }
    for (int m = 0; m < 3; m++) {
        assert_done(expunge_epsilon(METHODS[m], score, member, N, 1e-5, 0.05, 1, &bound));
        assert_true(bound.epsilon > 2 && bound.epsilon <= bound.largest * (1 + 1e-12));
    }
    assert_done(expunge_epsilon_one_run(score, member, N, 100, 100, true, 1e-5, 0.05, 1, &bound));
    assert_true(bound.epsilon > 2 && isnan(bound.threshold));
    assert_refused(expunge_epsilon_one_run(score, member, N, 100, 100, false, 1e-5, 0.05, 1, &bound), EARG, "coin");
    assert_refused(expunge_epsilon("one_run", score, member, N, 1e-5, 0.05, 1, &bound), EUSAGE,
                   "expunge_epsilon_one_run");
    assert_refused(expunge_epsilon("splt", score, member, N, 1e-5, 0.05, 1, &bound), ENOTFOUND,
                   "did you mean 'split'?");
    assert_refused(expunge_epsilon("split", score, member, N, 1, 0.05, 1, &bound), EARG, "delta");
    expunge_estimate auc;
    assert_refused(expunge_auc(score, member, N, 1, &auc), EARG, "level = 1");
    assert_refused(expunge_auc(score, member, N / 2, 0.95, &auc), EARG, "");
    assert_refused(expunge_auc(NULL, member, N, 0.95, &auc), EARG, "score is NULL");
    assert_refused(expunge_auc(score, member, N, 0.95, NULL), EARG, "auc is NULL");
    assert_refused(expunge_tpr_at_fpr(score, member, N, 0, &auc), EARG, "fpr = 0");
    score[4] = NAN;
    assert_refused(expunge_auc(score, member, N, 0.95, &auc), ENUMERIC, "");
    member[4] = 2;
    assert_refused(expunge_auc(score, member, N, 0.95, &auc), EARG, "member[4] = 2");
}

/* ---- attacks ---- */

static const char *const OTHERWISE[] = {"\"seconds\"", "\"signals\"", "\"signals_sha256\"", NULL};

static void test_arrays_and_file(void **state)
{
    (void)state;
    static const char *const SET[] = {"svc.features=entropy"};
    double scores[2][POINTS];
    expunge_signals *arrays = world_target(&world), *file;
    expunge_attacks *a, *b;
    world_write_target(&world, support_at("signals.h5"));
    assert_done(expunge_signals_open(support_at("signals.h5"), &file));
    assert_done(expunge_attack(arrays, "loss,svc", SET, 1, 7, &a));
    assert_string_equal(expunge_notices(), "");
    assert_done(expunge_attack(file, "loss,svc", SET, 1, 7, &b));
    assert_non_null(strstr(expunge_notices(), "/strange is not part of a signals file"));
    assert_same_but(expunge_attacks_json(a), expunge_attacks_json(b), OTHERWISE);
    assert_non_null(strstr(expunge_attacks_json(a), "\"signals\": null"));
    assert_non_null(strstr(expunge_attacks_json(a), "\"features\": \"entropy\""));
    assert_done(expunge_attacks_scores(a, "loss", scores[0], POINTS));
    assert_done(expunge_attacks_scores(b, "loss", scores[1], POINTS));
    assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
    for (int i = 0; i < POINTS; i++) { /* log p of the label */
        const double *z = world.original[i];
        double sum = 0;
        for (int k = 0; k < CLASSES; k++) sum += exp(z[k]);
        assert_near(scores[0][i], z[world.labels[i]] - log(sum), 1e-12, 1e-12);
    }
    assert_refused(expunge_attacks_scores(a, "entropy", scores[0], POINTS), ENOTFOUND, "none of those that were made");
    assert_refused(expunge_attacks_scores(a, "loss", scores[0], POINTS - 1), ESHAPE, "240 points");
    expunge_attacks_free(a), expunge_attacks_free(b);
    expunge_signals_free(arrays), expunge_signals_free(file);
}

/* float16 with its dimensions exchanged, labels from the last to the first in every other place: the values count. */
static void test_types(void **state)
{
    (void)state;
    static uint16_t half[CLASSES][POINTS];
    static double plain[POINTS][CLASSES];
    static int64_t labels[2 * POINTS];
    double want[POINTS], got[POINTS];
    const int64_t flat[] = {POINTS, CLASSES}, turned[] = {1, POINTS}, back[] = {-2};
    expunge_signals *s = world_target(&world);
    expunge_attacks *a;
    for (int i = 0; i < POINTS; i++) {
        for (int k = 0; k < CLASSES; k++) {
            half[k][i] = base_f16_from_f32((float)world.original[i][k]);
            plain[i][k] = (double)base_f16_to_f32(half[k][i]);
        }
        labels[2 * (POINTS - 1 - i)] = world.labels[i];
    }
    assert_done(expunge_signals_set(s, "target/logits", plain, EXPUNGE_F64, 2, flat, NULL));
    assert_done(expunge_attack(s, "entropy", NULL, 0, 0, &a));
    assert_done(expunge_attacks_scores(a, "entropy", want, POINTS));
    expunge_attacks_free(a);
    assert_done(expunge_signals_set(s, "target/logits", half, EXPUNGE_F16, 2, flat, turned));
    assert_done(expunge_signals_set(s, "target/labels", labels + 2 * (POINTS - 1), EXPUNGE_I64, 1, flat, back));
    assert_done(expunge_attack(s, "entropy", NULL, 0, 0, &a));
    assert_done(expunge_attacks_scores(a, "entropy", got, POINTS));
    assert_memory_equal(got, want, sizeof got);
    expunge_attacks_free(a);
    expunge_signals_free(s);
}

static void test_refusals(void **state)
{
    (void)state;
    const int64_t flat[] = {POINTS, CLASSES}, short_of[] = {POINTS - 1};
    const char *const SET[] = {"loss", NULL};
    expunge_signals *s, *file;
    expunge_attacks *a = (expunge_attacks *)&world;
    assert_refused(expunge_signals_open(support_at("nowhere.h5"), &file), EIO, "nowhere.h5");
    assert_null(file);
    assert_done(expunge_signals_create(&s));
    assert_refused(expunge_attack(s, "loss", NULL, 0, 0, &a), EFORMAT, "/target/logits [N,K] is missing");
    assert_null(a);
    expunge_signals_free(s);
    s = world_target(&world);
    assert_refused(expunge_signals_set(s, "target/logit", flat, EXPUNGE_F64, 2, flat, NULL), ENOTFOUND,
                   "did you mean 'target/logits'?");
    assert_refused(expunge_signals_set(s, "target/role", world.role, EXPUNGE_U8, 0, flat, NULL), EARG, "ndim = 0");
    assert_refused(expunge_signals_set(s, "target/role", world.role, EXPUNGE_U8, 4, flat, NULL), EARG, "ndim = 4");
    assert_refused(expunge_signals_set(s, "target/role", world.role, (expunge_type)9, 1, flat, NULL), EARG, "type 9");
    assert_refused(expunge_signals_set(s, "target/role", world.role, EXPUNGE_U8, 1, (int64_t[]){0}, NULL), EARG,
                   "shape[0] = 0");
    assert_refused(expunge_signals_set(s, "target/role", world.role, EXPUNGE_U8, 2, (int64_t[]){INT64_MAX, 9}, NULL),
                   EARG, "shape[0] = 9223372036854775807");
    assert_refused(expunge_attack(s, "loss,loss", NULL, 0, 0, &a), EUSAGE, "names: 'loss' is given twice");
    assert_refused(expunge_attack(s, "los", NULL, 0, 0, &a), ENOTFOUND, "did you mean 'loss'");
    assert_refused(expunge_attack(s, "loss", SET, 1, 0, &a), EUSAGE, "parameter loss: must be attack.key=value");
    assert_refused(expunge_attack(s, "loss", SET, 2, 0, &a), EARG, "parameters[1] is NULL");
    assert_refused(expunge_attack(s, "loss", NULL, 0, UINT64_MAX, &a), EARG, "seed = 18446744073709551615");
    assert_refused(expunge_attack(s, "lira_online", NULL, 0, 0, &a), EARG, "shadow");
    assert_done(expunge_signals_set(s, "target/labels", world.labels, EXPUNGE_I32, 1, short_of, NULL));
    assert_refused(expunge_attack(s, "loss", NULL, 0, 0, &a), ESHAPE, "/target/labels is [239]");
    assert_done(expunge_signals_set(s, "target/labels", world.original, EXPUNGE_F64, 1, flat, NULL));
    assert_refused(expunge_attack(s, "loss", NULL, 0, 0, &a), EFORMAT, "must hold whole numbers");
    assert_refused(expunge_set_helper(support_at("nowhere")), EIO, "there is no such program");
    expunge_signals_free(s);
    assert_done(expunge_signals_open(support_at("signals.h5"), &file));
    assert_refused(expunge_signals_set(file, "target/role", world.role, EXPUNGE_U8, 1, flat, NULL), EUSAGE,
                   "no arrays");
    expunge_signals_free(file);
    expunge_signals_free(NULL);
    expunge_attacks_free(NULL);
    assert_null(expunge_attacks_json(NULL));
}

/* A damaged file is one sentence, and the host goes on. */
static void test_damaged(void **state)
{
    (void)state;
    expunge_signals *s;
    expunge_attacks *a;
    assert_done(expunge_signals_open(support_fixture("damaged_crash.h5"), &s));
    assert_refused(expunge_attack(s, "loss", NULL, 0, 0, &a), EFORMAT, "not a readable HDF5 file");
    expunge_signals_free(s);
}

static BaseStatus whole_round(void *user)
{
    (void)user;
    const int64_t flat[] = {POINTS, CLASSES};
    static const char *const SET[] = {"logistic.folds=2"};
    double scores[POINTS];
    expunge_signals *s = NULL;
    expunge_attacks *a = NULL;
    BaseStatus st = BASE_OK;
    BASE_TRY((BaseStatus)expunge_signals_create(&s));
    BASE_TRY((BaseStatus)expunge_signals_set(s, "target/logits", world.original, EXPUNGE_F64, 2, flat, NULL));
    BASE_TRY((BaseStatus)expunge_signals_set(s, "target/labels", world.labels, EXPUNGE_I32, 1, flat, NULL));
    BASE_TRY((BaseStatus)expunge_signals_set(s, "target/role", world.role, EXPUNGE_U8, 1, flat, NULL));
    BASE_TRY((BaseStatus)expunge_signals_set_texts(s, "class_names", SET, 1));
    BASE_TRY((BaseStatus)expunge_attack(s, "loss,logistic", SET, 1, 0, &a));
    BASE_TRY((BaseStatus)expunge_attacks_scores(a, "logistic", scores, POINTS));
out:
    expunge_attacks_free(a);
    expunge_signals_free(s);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    support_fail_allocations(whole_round, NULL, 2000);
}

static int make_world(void **state)
{
    (void)state;
    world_make(&world);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(test_statistics),      cmocka_unit_test(test_share),  cmocka_unit_test(test_epsilon),
        cmocka_unit_test(test_arrays_and_file), cmocka_unit_test(test_types),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_damaged),         cmocka_unit_test(test_memory),
    };
    (void)argv;
    if (argc > 1) return 3; /* the library starts its helper, never the host */
    return support_end(cmocka_run_group_tests(TESTS, make_world, NULL));
}
