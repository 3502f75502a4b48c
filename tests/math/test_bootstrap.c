#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "math/bootstrap.h"

static const MathBootstrapOptions OPTIONS = {0.95, 200, {0.01, 0.1, 0.2}, 17};

typedef struct {
    int64_t P, N, A, B;
    double *a, *b, threshold[2][8];
    uint8_t *member;
} Data;

static Data data_make(int64_t P, int64_t N, int64_t A, int64_t B, double levels, uint64_t round)
{
    Data d = {.P = P, .N = N, .A = A, .B = B};
    BaseRandom r = base_random_make(2, "bootstrap_test", round);
    int64_t n = P + N;
    assert_ok(BASE_ALLOC(A * n, &d.a));
    assert_ok(BASE_ALLOC(B * n, &d.b));
    assert_ok(BASE_ALLOC(n, &d.member));
    for (int64_t i = 0; i < n; i++) d.member[i] = (i + 1) * P / n > i * P / n; /* P of them, spread out */
    for (int64_t m = 0; m < A + B; m++) {
        double shift = (m < A ? 1.2 : 0.6) + 0.2 * base_random_normal(&r);
        d.threshold[m >= A][m < A ? m : m - A] = 0.5 + 0.1 * (double)m;
        for (int64_t i = 0; i < n; i++) {
            double x = base_random_normal(&r) + shift * d.member[i];
            (m < A ? d.a + m * n : d.b + (m - A) * n)[i] = floor(x * levels) / levels;
        }
    }
    return d;
}

static void data_free(Data *d)
{
    base_free(d->a);
    base_free(d->b);
    base_free(d->member);
}

/* One model on points that are listed one by one: AUC and balanced accuracy by counting. */
static void naive_two(const double *score, const uint8_t *member, const int64_t *at, int64_t n, double threshold,
                      double out[2])
{
    double won = 0, tp = 0, tn = 0, P = 0, N = 0;
    for (int64_t i = 0; i < n; i++) {
        member[at[i]] ? P++ : N++;
        if (member[at[i]] && score[at[i]] >= threshold) tp++;
        if (!member[at[i]] && score[at[i]] < threshold) tn++;
        for (int64_t j = 0; j < n && member[at[i]]; j++)
            if (!member[at[j]]) won += score[at[i]] > score[at[j]] ? 1 : score[at[i]] == score[at[j]] ? 0.5 : 0;
    }
    out[0] = won / (P * N);
    out[1] = (tp / P + tn / N) / 2;
}

typedef struct {
    double full[2], drawn[2], s2[2]; /* per statistic */
} NaiveSide;

/* The interval by its definition, from the same streams: draw lists of points and models, count, take variances. */
static void by_definition(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 4; round++) {
        const int64_t MODELS[4][2] = {{3, 2}, {1, 3}, {4, 4}, {1, 1}};
        Data d = data_make(23, 31, MODELS[round][0], MODELS[round][1], round == 2 ? 4 : 1e9, round);
        int64_t n = d.P + d.N, index[64], at[64], members = 0, others = d.P, count[2] = {d.A, d.B};
        double *score[2] = {d.a, d.b};
        for (int64_t i = 0; i < n; i++) index[d.member[i] ? members++ : others++] = i;
        for (int64_t i = 0; i < n; i++) at[i] = i;
        NaiveSide side[2] = {0};
        double each[2][8][2];
        for (int k = 0; k < 2; k++) {
            for (int64_t m = 0; m < count[k]; m++) {
                naive_two(score[k] + m * n, d.member, at, n, d.threshold[k][m], each[k][m]);
                for (int s = 0; s < 2; s++) side[k].full[s] += each[k][m][s] / (double)count[k];
            }
            for (int64_t m = 0; m < count[k]; m++)
                for (int s = 0; s < 2; s++)
                    side[k].s2[s] += pow(each[k][m][s] - side[k].full[s], 2) / (double)(count[k] - 1);
        }
        enum { DRAWS = 200 };
        static double value[DRAWS][2][2];
        BaseRandom points = base_random_make(17, "bootstrap_points", 0),
                   models[2] = {base_random_make(17, "bootstrap_models", 0),
                                base_random_make(17, "bootstrap_models", 1)};
        memset(value, 0, sizeof value);
        for (int b = 0; b < DRAWS; b++) {
            for (int64_t i = 0; i < d.P; i++) at[i] = index[base_random_below(&points, (uint64_t)d.P)];
            for (int64_t i = 0; i < d.N; i++)
                at[d.P + i] = index[d.P + (int64_t)base_random_below(&points, (uint64_t)d.N)];
            for (int k = 0; k < 2; k++)
                for (int64_t m = 0; m < count[k]; m++) {
                    double two[2];
                    int64_t pick = (int64_t)base_random_below(&models[k], (uint64_t)count[k]);
                    naive_two(score[k] + pick * n, d.member, at, n, d.threshold[k][pick], two);
                    for (int s = 0; s < 2; s++) value[b][k][s] += two[s] / (double)count[k];
                }
        }
        MathModelScores a = {d.a, d.A, d.threshold[0]}, b = {d.b, d.B, d.threshold[1]};
        MathBootstrap got;
        assert_ok(math_bootstrap(&a, &b, d.member, n, &OPTIONS, &got));
        assert_int_equal(got.over_models, round != 3);
        for (int s = 0; s < 2; s++) {
            double mean[2] = {0, 0}, var[2] = {0, 0}, cov = 0, pts[2], mod[2], df[2], f = (double)(d.P - 1);
            double t = math_stats_t_quantile(0.975, f);
            for (int k = 0; k < 2; k++) {
                for (int i = 0; i < DRAWS; i++) mean[k] += value[i][k][s] / DRAWS;
                for (int i = 0; i < DRAWS; i++) var[k] += pow(value[i][k][s] - mean[k], 2) / (DRAWS - 1);
            }
            for (int i = 0; i < DRAWS; i++)
                cov += (value[i][0][s] - mean[0]) * (value[i][1][s] - mean[1]) / (DRAWS - 1);
            for (int k = 0; k < 2; k++) {
                double M = (double)count[k], x = side[k].full[s], y = side[1 - k].full[s];
                double p = math_stats_normal_quantile(x), q = math_stats_normal_quantile(y), scale = exp(q * q - p * p),
                       mine = (double)count[k] - 1;
                double theirs = (double)count[1 - k] - 1, own = mine > 0 ? side[k].s2[s] : 0; /* fewer than 6: pooled */
                double lent = theirs > 0 ? side[1 - k].s2[s] * scale : 0;
                df[k] = mine + theirs;
                mod[k] = df[k] > 0 ? (mine * own + theirs * lent) / df[k] / M : 0;
                pts[k] = fmax(0, var[k] - own / M * (M - 1) / M);
                double u = mod[k] > 0 ? math_stats_t_quantile(0.975, df[k]) : 0;
                double half = sqrt(t * t * pts[k] + u * u * mod[k]) / (x * (1 - x)), logit = log(x / (1 - x));
                const MathEstimate *e = k == 0 ? &got.a[s] : &got.b[s];
                assert_near(e->value, x, 1e-13, 0);
                assert_near(e->lo, 1 / (1 + exp(half - logit)), 1e-10, 0);
                assert_near(e->hi, 1 / (1 + exp(-half - logit)), 1e-10, 0);
                mod[k] *= u * u;
            }
            double half = sqrt(t * t * fmax(0, pts[0] + pts[1] - 2 * cov) + mod[0] + mod[1]);
            assert_near(got.difference[s].value, side[0].full[s] - side[1].full[s], 1e-13, 0);
            assert_near(got.difference[s].hi - got.difference[s].value, half, 1e-10, 0);
            assert_near(got.difference[s].value - got.difference[s].lo, half, 1e-10, 0);
        }
        data_free(&d);
    }
}

/* Values are those of one curve a model, and the interval of a single model that of DeLong but for the draws' own
 * noise: 4000 draws know a standard deviation to 1.1%, four of these are 5%. */
static void beside_the_single_curves(void **state)
{
    (void)state;
    Data d = data_make(150, 200, 3, 2, 50, 9);
    int64_t n = d.P + d.N;
    MathBootstrapOptions options = OPTIONS;
    MathModelScores all = {d.a, 3, NULL}, one = {d.a, 1, NULL};
    MathBootstrap got;
    MathAuc auc;
    double mean[4] = {0};
    for (int m = 0; m < 3; m++) {
        MathRoc roc;
        assert_ok(math_auc(d.a + m * n, d.member, n, &auc));
        assert_ok(math_roc(d.a + m * n, d.member, n, &roc));
        mean[0] += auc.value / 3;
        for (int f = 0; f < 3; f++) mean[1 + f] += math_roc_tpr_at_fpr(&roc, options.fpr[f]).value / 3;
        math_roc_free(&roc);
    }
    assert_ok(math_bootstrap(&all, NULL, d.member, n, &options, &got));
    assert_near(got.a[MATH_STATISTIC_AUC].value, mean[0], 1e-13, 0);
    assert_near(got.a[MATH_STATISTIC_BALANCED].value, NAN, 0, 0);
    for (int f = 0; f < 3; f++) {
        MathEstimate e = got.a[MATH_STATISTIC_TPR + f];
        assert_near(e.value, mean[1 + f], 1e-13, 0);
        assert_true(e.lo <= e.value && e.value <= e.hi && e.lo >= 0 && e.hi <= 1);
    }
    assert_near(got.difference[0].value, NAN, 0, 0);
    assert_int_equal(got.a[0].n, n);
    options.draws = 4000;
    assert_ok(math_bootstrap(&one, NULL, d.member, n, &options, &got));
    assert_ok(math_auc(d.a, d.member, n, &auc));
    assert_near(got.a[0].hi - got.a[0].lo, auc.hi - auc.lo, 0, 0.05);
    assert_false(got.over_models);
    MathBootstrap again;
    assert_ok(math_bootstrap(&one, NULL, d.member, n, &options, &again));
    assert_memory_equal(&got, &again, sizeof got);
    options.fpr[0] = 0.001; /* 200 non-members cannot tell */
    assert_ok(math_bootstrap(&one, NULL, d.member, n, &options, &got));
    assert_near(got.a[MATH_STATISTIC_TPR].value, NAN, 0, 0);
    assert_near(got.a[MATH_STATISTIC_TPR].lo, NAN, 0, 0);
    data_free(&d);
}

static void at_the_ends(void **state)
{
    (void)state;
    enum { P = 30, N = 40, COUNT = P + N };
    double up[2 * COUNT], tied[2 * COUNT] = {0};
    uint8_t member[COUNT];
    for (int i = 0; i < 2 * COUNT; i++) {
        if (i < COUNT) member[i] = i < P;
        up[i] = i % COUNT < P ? 100 + i : -i;
    }
    const double threshold[2] = {50, 50};
    MathModelScores a = {up, 2, threshold}, b = {tied, 2, threshold};
    MathBootstrap got;
    double most = 1 - pow(0.025, 1.0 / P);
    assert_ok(math_bootstrap(&a, &b, member, COUNT, &OPTIONS, &got));
    for (int s = 0; s < MATH_STATISTICS; s++) {
        if (s == MATH_STATISTIC_TPR) continue; /* 0.01 of 40: not resolvable */
        assert_near(got.a[s].value, 1, 0, 0);
        assert_near(got.a[s].lo, 1 - most, 1e-12, 0);
        assert_near(got.a[s].hi, 1, 0, 0);
    }
    assert_near(got.b[0].value, 0.5, 0, 0);
    assert_near(got.b[0].hi, 0.5 + most / 2, 1e-12, 0);
    assert_near(got.b[1].value, 0.5, 0, 0); /* nobody called: TPR 0, TNR 1 */
    assert_near(got.difference[0].value, 0.5, 0, 0);
    assert_near(got.difference[0].lo, 0.5 - hypot(most, most / 2), 1e-12, 0);
    assert_near(got.difference[0].hi, 0.5 + most / 2, 1e-12, 0);
}

static void wrong_inputs(void **state)
{
    (void)state;
    double score[] = {1, 2, 3, 4, 5, 6};
    uint8_t member[] = {0, 1, 0, 1, 0, 1}, few[] = {0, 1, 0, 0, 0, 0}, odd[] = {0, 1, 2, 1, 0, 1};
    MathModelScores a = {score, 1, NULL}, none = {score, 0, NULL};
    MathBootstrapOptions options = OPTIONS;
    MathBootstrap got;
    assert_fails(math_bootstrap(&none, NULL, member, 6, &options, &got), BASE_EARG, "no model a");
    assert_fails(math_bootstrap(&a, &none, member, 6, &options, &got), BASE_EARG, "no model b");
    assert_fails(math_bootstrap(&a, NULL, few, 6, &options, &got), BASE_EARG, "1 members and 5 non-members");
    assert_fails(math_bootstrap(&a, NULL, odd, 6, &options, &got), BASE_EARG, "point 2 is 2");
    options.draws = 99;
    assert_fails(math_bootstrap(&a, NULL, member, 6, &options, &got), BASE_EARG, "99 bootstrap draws");
    options = OPTIONS;
    options.level = 1;
    assert_fails(math_bootstrap(&a, NULL, member, 6, &options, &got), BASE_EARG, "level");
    options = OPTIONS;
    options.fpr[1] = 0;
    assert_fails(math_bootstrap(&a, NULL, member, 6, &options, &got), BASE_EARG, "false positive rate is 0");
    score[4] = NAN;
    assert_fails(math_bootstrap(&a, NULL, member, 6, &OPTIONS, &got), BASE_ENUMERIC, "point 4 by model a 0");
    assert_near(got.a[0].value, NAN, 0, 0);
}

static BaseStatus once(void *user)
{
    Data *d = user;
    MathModelScores a = {d->a, d->A, d->threshold[0]}, b = {d->b, d->B, d->threshold[1]};
    MathBootstrap got;
    return math_bootstrap(&a, &b, d->member, d->P + d->N, &OPTIONS, &got);
}

static void without_memory(void **state)
{
    (void)state;
    Data d = data_make(10, 12, 2, 2, 1e9, 3);
    support_fail_allocations(once, &d, 60);
    data_free(&d);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(by_definition), cmocka_unit_test(beside_the_single_curves), cmocka_unit_test(at_the_ends),
    cmocka_unit_test(wrong_inputs),  cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
