/* What a perfect unlearner gets from the numbers that compare unlearned with retrained models: every labelling by hand,
 * and the p of made-up models, made alike or not. EXPUNGE_LONG=1: ten times as many. */
#include "tests/mia/pair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "math/stats.h"
#include "mia/models/relabel.h"

enum { MOST_M = 16, MOST_N = 40 };
typedef struct {
    double phi[2][MOST_M * MOST_N], target[MOST_N]; /* unlearned, retrained */
    double *z[3];
    int32_t labels[MOST_N];
    uint8_t role[MOST_N];
    int64_t pair[2][MOST_M];
    MiaInput input;
} World;
static World w;

static void world_free(void)
{
    for (int k = 0; k < 3; k++) base_free(w.z[k]);
}

static void world_arrays(int64_t N, int64_t U, int64_t R)
{
    const double *const from[3] = {w.phi[0], w.phi[1], w.target};
    const int64_t rows[3] = {U, R, 1};
    for (int k = 0; k < 3; k++) w.z[k] = pair_logits(from[k], rows[k] * N);
    w.input = (MiaInput){.N = N,
                         .K = 2,
                         .logits = w.z[2],
                         .labels = w.labels,
                         .role = w.role,
                         .U = U,
                         .R = R,
                         .unlearned_logits = w.z[0],
                         .retrained_logits = w.z[1]};
}

/* Models have noise in common over all points (0.5), and so have models of one pair (@p paired); unlearned ones lie
 * @p shift higher. */
static const MiaInput *world_make(int64_t N, int64_t U, int64_t R, double shift, double paired, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "relabel_test", 0);
    for (int64_t i = 0; i < N; i++) {
        w.role[i] = (uint8_t)(i % 3);
        w.target[i] = base_random_normal(&r);
    }
    for (int k = 0; k < 2; k++)
        for (int64_t m = 0; m < (k ? R : U); m++) {
            double own = 0.5 * base_random_normal(&r);
            w.pair[k][m] = k ? 100 + R - 1 - m : 100 + m; /* partners stand in another order */
            for (int64_t i = 0; i < N; i++) {
                BaseRandom of = base_random_make(seed, "relabel_pair", (uint64_t)(w.pair[k][m] * N + i));
                w.phi[k][m * N + i] = own + (k ? 0 : shift) + paired * base_random_normal(&of) + base_random_normal(&r);
            }
        }
    world_arrays(N, U, R);
    if (paired > 0) w.input.unlearned_pair = w.pair[0], w.input.retrained_pair = w.pair[1];
    return &w.input;
}

typedef struct {
    int seen[64], count;
    int64_t U, M;
} Seen;

/* A labelling as a number: bit m, where model m is called unlearned. */
static void note(void *user, const int64_t *model, double *number)
{
    Seen *s = user;
    int mask = 0, all = 0;
    for (int64_t m = 0; m < s->M; m++) {
        all |= 1 << model[m];
        mask |= m < s->U ? 1 << model[m] : 0;
    }
    assert_int_equal(all, (1 << s->M) - 1); /* nobody is lost */
    for (int k = 0; k < s->count; k++) assert_int_not_equal(s->seen[k], mask);
    s->seen[s->count++] = mask;
    number[0] = mask;
    number[1] = -mask;
}

static MathEstimate find(const MiaScores *s, const char *name)
{
    for (int k = 0; k < s->number_count; k++)
        if (strcmp(s->numbers[k].name, name) == 0) return s->numbers[k].value;
    fail_msg("there is no %s", name);
    return math_estimate(NAN, 0);
}

static void every_labelling_once(void **state)
{
    (void)state;
    MiaScores out = {.score = NULL};
    Seen seen = {.U = 2, .M = 5};
    const MiaRelabelled numbers[] = {{"up", 3, 1}, {"down", -3, 1}}; /* the truth: models 0 and 1 */
    assert_ok(mia_models_relabel(world_make(3, 2, 3, 0, 0, 1), 199, numbers, 2, note, &seen, &out));
    assert_int_equal(seen.count, 10); /* 5 over 2 */
    assert_int_equal(seen.seen[0], 3);
    assert_near(find(&out, "up_p").value, 1, 0, 0);
    assert_near(find(&out, "down_p").value, 0.1, 0, 1e-15);
    assert_near(find(&out, "up_null").value, 12.4, 0, 1e-14); /* each bit in 4 of 10: 31 x 0.4 */
    assert_int_equal(find(&out, "up_null").n, 10);
    world_free();
    out.number_count = 0;
    seen = (Seen){.U = 3, .M = 6};
    const MiaRelabelled one[] = {{"up", 7, 1}, {"down", -7, 1}};
    assert_ok(mia_models_relabel(world_make(3, 3, 3, 0, 1, 1), 199, one, 2, note, &seen, &out));
    assert_int_equal(seen.count, 8);     /* each of three pairs, or not */
    for (int k = 0; k < seen.count; k++) /* 0 with 5, 1 with 4, 2 with 3 */
        for (int m = 0; m < 3; m++) assert_int_equal((seen.seen[k] >> m & 1) + (seen.seen[k] >> (5 - m) & 1), 1);
    assert_near(find(&out, "down_p").value, 0.125, 0, 0);
    seen.count = 0;
    w.pair[1][0] = w.pair[1][1]; /* one has two partners: no pairs */
    assert_ok(mia_models_relabel(&w.input, 199, one, 2, note, &seen, &out));
    assert_int_equal(seen.count, 20);
    out.number_count = seen.count = 0;
    assert_ok(mia_models_relabel(&w.input, 0, one, 2, note, &seen, &out));
    assert_int_equal(out.number_count + seen.count, 0);
    world_free();
}

/* Nulls of both attacks against the attack itself on every labelling. */
static void as_the_attack_on_each_labelling(void **state)
{
    (void)state;
    enum { N = 24, U = 3, R = 2, M = U + R };
    const struct {
        const char *attack, *number, *estimate;
        int worse;
    } cases[] = {{"klom", "klom_mean", NULL, 1},
                 {"klom", "klom_95_percent", NULL, 1},
                 {"epsilon_score", "forgetting_quality", "smoothed", -1},
                 {"epsilon_score", "epsilon_median", "published", 1},
                 {"epsilon_score", "forgetting_quality", "bound", -1}};
    for (size_t c = 0; c < BASE_COUNT(cases); c++) {
        char name[64], estimate[64] = "draws=199";
        if (cases[c].estimate) snprintf(estimate, sizeof estimate, "estimate=%s", cases[c].estimate);
        MiaResult truth = pair_attack(cases[c].attack, world_make(N, U, R, 0.7, 0, 5), SET(estimate));
        double observed = pair_number(&truth, cases[c].number).value, sum = 0;
        int bad = 0, all = 0;
        double model[M][N];
        for (int m = 0; m < M; m++)
            memcpy(model[m], m < U ? w.phi[0] + m * N : w.phi[1] + (m - U) * N, sizeof model[m]);
        for (int mask = 0; mask < 1 << M; mask++) {
            if (__builtin_popcount((unsigned)mask) != U) continue;
            int at[2] = {0, 0};
            for (int m = 0; m < M; m++) {
                int k = !(mask >> m & 1);
                memcpy(w.phi[k] + at[k]++ * N, model[m], sizeof model[m]);
            }
            world_free();
            world_arrays(N, U, R);
            MiaResult r = pair_attack(cases[c].attack, &w.input, SET(estimate, "draws=0"));
            double value = pair_number(&r, cases[c].number).value;
            sum += value;
            bad += cases[c].worse * (value - observed) >= -1e-12 * fabs(observed);
            all++;
            mia_result_free(&r);
        }
        snprintf(name, sizeof name, "%s_null", cases[c].number);
        assert_near(pair_number(&truth, name).value, sum / all, 0, 1e-12);
        assert_int_equal(pair_number(&truth, name).n, all);
        snprintf(name, sizeof name, "%s_p", cases[c].number);
        assert_near(pair_number(&truth, name).value, (double)bad / all, 0, 1e-15);
        mia_result_free(&truth);
        world_free();
    }
}

/* k of n within the 99% bounds of a share from @p least to @p most. */
static void check_share(const char *what, double least, double most, int64_t k, int64_t n)
{
    if (math_stats_binomial_upper(k, n, most) < 0.005 || math_stats_binomial_upper(k + 1, n, least) > 0.995)
        fail_msg("%s: %lld of %lld, wanted %.3f to %.3f", what, (long long)k, (long long)n, least, most);
}

static void a_perfect_unlearner_is_one_of_them(void **state)
{
    (void)state;
    const struct {
        const char *attack, *number;
        double paired;
    } cases[] = {{"klom", "klom_mean", 0},
                 {"klom", "klom_mean", 1.5},
                 {"epsilon_score", "forgetting_quality", 0},
                 {"epsilon_score", "forgetting_quality", 1.5}};
    const double LEVELS[] = {0.05, 0.1, 0.25, 0.5, 0.75};
    const int64_t trials = getenv("EXPUNGE_LONG") ? 1500 : 300;
    for (size_t c = 0; c < BASE_COUNT(cases); c++) {
        int64_t below[BASE_COUNT(LEVELS)] = {0}, inside = 0;
        double mean = 0, null = 0;
        char name[64];
        for (int64_t t = 0; t < trials; t++) {
            const MiaInput *in = world_make(MOST_N, 8, 8, 0, cases[c].paired, (uint64_t)(1000 + t));
            MiaResult r = pair_attack(cases[c].attack, in, SET("draws=99"));
            snprintf(name, sizeof name, "%s_p", cases[c].number);
            double p = pair_number(&r, name).value, value = pair_number(&r, cases[c].number).value;
            snprintf(name, sizeof name, "%s_null", cases[c].number);
            MathEstimate e = pair_number(&r, name);
            for (size_t l = 0; l < BASE_COUNT(LEVELS); l++) below[l] += p <= LEVELS[l] + 1e-9;
            inside += e.lo <= value && value <= e.hi;
            mean += value / (double)trials;
            null += e.value / (double)trials;
            mia_result_free(&r);
            world_free();
        }
        print_message("# %s, pairs %.1f: %s %.3f, null %.3f; in its range %.1f%%; p <= 5%%: %.1f%%\n", cases[c].attack,
                      cases[c].paired, cases[c].number, mean, null, 100 * (double)inside / (double)trials,
                      100 * (double)below[0] / (double)trials);
        /* forgetting_quality is a sum of few powers of 2: ties count as bad, and make p larger */
        double ties = strcmp(cases[c].attack, "klom") == 0 ? 1 : 0.7;
        for (size_t l = 0; l < BASE_COUNT(LEVELS); l++)
            check_share(cases[c].number, ties * LEVELS[l], LEVELS[l], below[l], trials);
        check_share("in its range", 0.9, 0.96, inside, trials); /* the ends of 99 draws vary */
    }
}

static void a_bad_unlearner_is_not(void **state)
{
    (void)state;
    for (int paired = 0; paired < 2; paired++) {
        const MiaInput *in = world_make(MOST_N, 12, 12, 4, paired, 7);
        MiaResult a = pair_attack("klom", in, SET("draws=999")), b = pair_attack("epsilon_score", in, SET("draws=999"));
        MiaResult again = pair_attack("klom", in, SET("draws=999"));
        assert_near(pair_number(&a, "klom_mean_p").value, 0.001, 0, 1e-15);
        assert_near(pair_number(&b, "forgetting_quality_p").value, 0.001, 0, 1e-15);
        assert_true(pair_number(&a, "klom_mean").value > pair_number(&a, "klom_mean_null").hi);
        assert_true(pair_number(&b, "forgetting_quality").value < pair_number(&b, "forgetting_quality_null").lo);
        assert_near(pair_number(&again, "klom_mean_null").value, pair_number(&a, "klom_mean_null").value, 0, 0);
        assert_non_null(strstr(b.notes, "above it, and")); /* 3.9, where 12 + 12 models prove 1.3 */
        mia_result_free(&a);
        mia_result_free(&b);
        mia_result_free(&again);
        world_free();
    }
}

static BaseStatus once(void *user)
{
    MiaResult r;
    BaseStatus st = mia_attack(user, &w.input, NULL, &r);
    mia_result_free(&r);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    (void)world_make(9, 4, 4, 0, 1, 3);
    static const char *const NAMES[] = {"klom", "epsilon_score"};
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++) {
        const MiaAttack *attack;
        assert_ok(mia_find(NAMES[i], &attack));
        support_fail_allocations(once, (void *)(uintptr_t)attack, 100);
    }
    world_free();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_labelling_once),
    cmocka_unit_test(as_the_attack_on_each_labelling),
    cmocka_unit_test(a_perfect_unlearner_is_one_of_them),
    cmocka_unit_test(a_bad_unlearner_is_not),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
