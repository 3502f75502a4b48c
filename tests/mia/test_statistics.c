/* The statistics of a game against what their definitions give, pair by pair. */
#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "math/fisher.h"
#include "math/special.h"
#include "mia/verdict/statistics.h"

enum { N = 60, M = 4 };
typedef struct {
    double score[M][N];
    const double *model[M];
    uint8_t member[N];
    int32_t label[N], cluster[N], fold[N];
    MiaGameScores game;
} World;

static void world_make(World *w, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "statistics", 0);
    *w = (World){.game = {.n = N, .member = w->member, .label = w->label}};
    for (int i = 0; i < N; i++) {
        w->member[i] = i % 3 != 0;
        w->label[i] = (int32_t)base_random_below(&r, 2) * 5;
        w->cluster[i] = i / 6;
        w->fold[i] = i / 3 % 4 - 1;
    }
    for (int m = 0; m < M; m++) {
        w->model[m] = w->score[m];
        for (int i = 0; i < N; i++) /* halves: ties */
            w->score[m][i] = round(2 * (base_random_normal(&r) + 0.5 * w->member[i] + w->label[i])) / 2;
    }
}

/* DeLong's variance of AUC a - AUC b by its definition: every pair of points, both scores at once. O(n^2). */
static double naive_se(const double *a, const double *b, const uint8_t *member, int64_t n, double *difference)
{
    const double *score[2] = {a, b};
    double variance = 0, mean = 0;
    for (int kind = 0; kind < 2; kind++) {
        double sum = 0, squares = 0;
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++) {
            double place = 0;
            int64_t others = 0;
            if (member[i] != kind) continue;
            for (int64_t j = 0; j < n; j++) {
                if (member[j] == kind) continue;
                others++;
                for (int k = 0; k < 2; k++) {
                    double d = kind ? score[k][i] - score[k][j] : score[k][j] - score[k][i];
                    place += (k ? -1 : 1) * (d > 0 ? 1 : d < 0 ? 0 : 0.5);
                }
            }
            place /= (double)others;
            sum += place;
            squares += place * place;
            count++;
        }
        mean = sum / (double)count;
        variance += (squares - sum * mean) / (double)(count - 1) / (double)count;
    }
    *difference = mean;
    return sqrt(variance);
}

/* Members against non-members of their class and fold; the mean over members of the share below. */
static double naive_auc(const World *w, const double *score, bool classes)
{
    double sum = 0;
    int64_t members = 0;
    for (int i = 0; i < N; i++) {
        double below = 0;
        int64_t others = 0;
        if (!w->member[i] || (w->game.fold && w->fold[i] < 0)) continue;
        for (int j = 0; j < N; j++) {
            if (w->member[j] || (classes && w->label[j] != w->label[i])) continue;
            if (w->game.fold && w->fold[j] != w->fold[i]) continue;
            others++;
            below += score[j] < score[i] ? 1 : score[j] == score[i] ? 0.5 : 0;
        }
        if (others == 0) continue;
        members++;
        sum += below / (double)others;
    }
    return sum / (double)members;
}

static void auc_within_classes(void **state)
{
    (void)state;
    World w;
    for (uint64_t seed = 0; seed < 6; seed++) {
        MiaTable got;
        world_make(&w, seed);
        for (int parts = 0; parts < 4; parts++) {
            const bool classes = parts % 2;
            w.game.label = classes ? w.label : NULL;
            w.game.fold = parts / 2 ? w.fold : NULL;
            assert_ok(mia_statistics(&w.game, MIA_GAME_RETAIN, w.model, M, false, &got));
            for (int m = 0; m < M; m++) {
                const MiaRow *row = &got.row[MIA_STATISTIC_AUC];
                assert_near(row->value[m], naive_auc(&w, w.score[m], classes), 1e-14, 1e-13);
            }
            mia_table_free(&got);
        }
        /* where no fold has both kinds, classes stay whole */
        for (int i = 0; i < N; i++) w.fold[i] = w.member[i];
        assert_ok(mia_statistics(&w.game, MIA_GAME_RETAIN, w.model, M, false, &got));
        w.game.fold = NULL;
        assert_near(got.row[0].value[0], naive_auc(&w, w.score[0], true), 1e-14, 1e-13);
        mia_table_free(&got);
        /* a shift of one class, members and others alike, moves nothing */
        w.game.label = w.label;
        for (int i = 0; i < N; i++) w.score[1][i] = w.score[0][i] + (w.label[i] ? 7 : 0);
        assert_ok(mia_statistics(&w.game, MIA_GAME_RETAIN, w.model, M, false, &got));
        for (int s = 0; s < MIA_STATISTICS; s++)
            if (got.row[s].defined) assert_near(got.row[s].value[1], got.row[s].value[0], 1e-14, 0);
        mia_table_free(&got);
    }
}

/* Points of one cluster count as one: with every point five times, variances are those of the points once. */
static void variances_over_points(void **state)
{
    (void)state;
    World w;
    MiaTable once, five;
    double difference;
    static double big[M][5 * N];
    static uint8_t member[5 * N];
    static int32_t cluster[5 * N];
    const double *model[M] = {big[0], big[1], big[2], big[3]};
    world_make(&w, 9);
    w.game.label = NULL;
    assert_ok(mia_statistics(&w.game, MIA_GAME_FORGET, w.model, 2, true, &once));
    double se = naive_se(w.score[0], w.score[1], w.member, N, &difference);
    assert_near(once.row[0].paired[0], se * se, 1e-15, 1e-12);
    assert_near(once.row[0].value[0] - once.row[0].value[1], difference, 1e-14, 1e-12);
    assert_near(once.row[0].points, se * se, 1e-15, 1e-12); /* one other: it shows nothing by itself */
    static const double ZERO[N];
    double own = naive_se(w.score[0], ZERO, w.member, N, &difference); /* beside a score that ties all */
    assert_near(once.row[0].own, own * own, 1e-15, 1e-12);
    assert_near(once.row[0].clusters, N / 3, 0, 0);
    for (int i = 0; i < 5 * N; i++) {
        member[i] = w.member[i / 5];
        cluster[i] = 100 - i / 5;
        for (int m = 0; m < M; m++) big[m][i] = w.score[m][i / 5];
    }
    const MiaGameScores copies = {.n = 5 * N, .member = member, .cluster = cluster};
    assert_ok(mia_statistics(&copies, MIA_GAME_FORGET, model, 2, true, &five));
    assert_near(five.row[0].own, once.row[0].own, 1e-15, 1e-12);
    assert_near(five.row[0].paired[1], once.row[0].paired[1], 1e-15, 1e-12);
    assert_near(five.row[0].clusters, N / 3, 0, 0);
    assert_near(once.row[MIA_STATISTIC_EPSILON].floor, 1, 0, 0);
    assert_near(five.row[MIA_STATISTIC_EPSILON].floor, 5, 0, 0); /* five points stand and fall together */
    mia_table_free(&once);
    mia_table_free(&five);
}

/* Two classes of unequal kinds: the variance is that of the sum over classes of P_c / P times the class's AUC, and points of a
 * class without the other kind are not there. */
static void variances_of_unequal_classes(void **state)
{
    (void)state;
    enum { A = 24, B = 15, C = 6, ALL = A + B + C };
    double score[ALL], se[2], difference, zero[ALL] = {0};
    uint8_t member[ALL];
    int32_t label[ALL];
    const double *model[] = {score};
    BaseRandom r = base_random_make(3, "unequal", 0);
    MiaTable got;
    for (int i = 0; i < ALL; i++) {
        label[i] = i < A ? 4 : i < A + B ? 1 : 9;
        member[i] = (uint8_t)(i < A ? i % 4 != 0 : i < A + B ? i % 5 == 0 : 1); /* 18 + 6, 3 + 12, 6 + 0 */
        score[i] = base_random_normal(&r) + label[i];
    }
    const MiaGameScores game = {.n = ALL, .member = member, .label = label};
    assert_ok(mia_statistics(&game, MIA_GAME_RETAIN, model, 1, false, &got));
    se[0] = naive_se(score, zero, member, A, &difference);
    double auc = 18 * (difference + 0.5);
    se[1] = naive_se(score + A, zero, member + A, B, &difference);
    auc = (auc + 3 * (difference + 0.5)) / 21;
    assert_near(got.row[0].value[0], auc, 1e-13, 1e-12);
    /* pooled over classes, within which the means differ: no smaller than the sum, and that to a third for these */
    double want = (18 * 18 * se[0] * se[0] + 3 * 3 * se[1] * se[1]) / (21.0 * 21);
    assert_true(got.row[0].own > 0.6 * want && got.row[0].own < 2.5 * want);
    assert_near(got.row[0].count, 18, 0, 0);
    assert_near(got.row[0].clusters, 18, 0, 0);
    mia_table_free(&got);
}

/* k = 0.01 * 301 = 3.01: between the members above the 3rd and above the 4th largest of 300. */
static void rates_between_order_statistics(void **state)
{
    (void)state;
    enum { HALF = 300 };
    static double score[2 * HALF];
    static uint8_t member[2 * HALF];
    const double *model[] = {score};
    MiaTable got;
    for (int i = 0; i < HALF; i++) {
        score[i] = i; /* held out: 299, 298, 297, 296 are the largest */
        member[HALF + i] = 1;
        score[HALF + i] = i < 30 ? 296.5 : i < 36 ? 297 : i < 40 ? 1000 : -1;
    }
    const MiaGameScores game = {.n = 2 * HALF, .member = member};
    assert_ok(mia_statistics(&game, MIA_GAME_FORGET, model, 1, false, &got));
    double third = (4 + 6 / 2.0) / HALF, fourth = (30 + 6 + 4) / (double)HALF;
    assert_near(got.row[MIA_STATISTIC_TPR_1].value[0], 0.99 * third + 0.01 * fourth, 1e-14, 1e-12);
    assert_true(got.row[MIA_STATISTIC_TPR_1].defined && !got.row[MIA_STATISTIC_TPR_01].defined);
    mia_table_free(&got);
    const MiaGameScores few = {.n = 2 * HALF - 202, .member = member + 202};
    const double *rest[] = {score + 202};
    assert_ok(mia_statistics(&few, MIA_GAME_FORGET, rest, 1, false, &got)); /* 98 held out */
    assert_false(got.row[MIA_STATISTIC_TPR_1].defined);
    mia_table_free(&got);
}

static void models_against_each_other(void **state)
{
    (void)state;
    World w;
    MiaTable got;
    world_make(&w, 4);
    assert_ok(mia_statistics(&w.game, MIA_GAME_MODELS, w.model, M, false, &got));
    for (int m = 0; m < M; m++) {
        double over = 0, above = 0;
        for (int i = 0; i < N; i++)
            for (int k = 0; k < M; k++)
                for (int j = 0; j < N && k != m; j++) {
                    double d = w.score[m][i] - w.score[k][j];
                    over += d > 0 ? 1 : d == 0 ? 0.5 : 0;
                }
        assert_near(got.row[0].value[m], over / (N * N * (M - 1.0)), 1e-14, 1e-12);
        /* 0.01 * (3 * 60 + 1) = 1.81: between the largest of the others and the next */
        double largest[2] = {-INFINITY, -INFINITY};
        for (int k = 0; k < M; k++)
            for (int j = 0; j < N && k != m; j++) {
                double s = w.score[k][j];
                if (s > largest[0]) {
                    largest[1] = largest[0];
                    largest[0] = s;
                } else if (s > largest[1]) {
                    largest[1] = s;
                }
            }
        for (int e = 0; e < 2; e++)
            for (int i = 0; i < N; i++)
                above += (e ? 0.81 : 0.19) *
                         (w.score[m][i] > largest[e]    ? 1
                          : w.score[m][i] == largest[e] ? 0.5
                                                        : 0) /
                         N;
        assert_near(got.row[MIA_STATISTIC_TPR_1].value[m], above, 1e-14, 1e-12);
    }
    mia_table_free(&got);
    assert_fails(mia_statistics(&w.game, MIA_GAME_MODELS, w.model, 1, false, &got), BASE_EARG, "one model");
    for (int i = 0; i < N; i++) w.member[i] = 1;
    assert_fails(mia_statistics(&w.game, MIA_GAME_FORGET, w.model, M, false, &got), BASE_EARG, "no class has both");
}

/* A judged model that fills the top: the others' TPRs are among themselves, and keep their spread. */
static void the_judged_model_stands_apart(void **state)
{
    (void)state;
    World w;
    MiaTable with, without;
    world_make(&w, 6);
    for (int i = 0; i < N; i++) w.score[0][i] += 100;
    assert_ok(mia_statistics(&w.game, MIA_GAME_MODELS, w.model, M, true, &with));
    assert_ok(mia_statistics(&w.game, MIA_GAME_MODELS, w.model + 1, M - 1, false, &without));
    const MiaRow *row = &with.row[MIA_STATISTIC_TPR_1];
    assert_near(row->value[0], 1, 0, 0);
    for (int m = 1; m < M; m++) assert_near(row->value[m], without.row[MIA_STATISTIC_TPR_1].value[m - 1], 1e-15, 0);
    mia_table_free(&with);
    mia_table_free(&without);
}

/* Two values: the share of the higher one on the probit scale, no TPR, and a floor. */
static void two_values(void **state)
{
    (void)state;
    World w;
    MiaTable got;
    world_make(&w, 5);
    for (int m = 0; m < M; m++)
        for (int i = 0; i < N; i++) w.score[m][i] = i % (m + 2) == 0;
    for (int g = MIA_GAME_FORGET; g <= MIA_GAME_MODELS; g++) {
        assert_ok(mia_statistics(&w.game, (MiaGame)g, w.model, M, false, &got));
        assert_true(got.row[0].floor > 0);
        assert_false(got.row[MIA_STATISTIC_TPR_1].defined);
        if (g == MIA_GAME_MODELS) {
            double others = (20 + 15 + 12) / 3.0 / N; /* the AUC is half the difference of shares above 1/2 */
            assert_near(got.row[0].value[0], 0.5 + (0.5 - others) / 2, 1e-14, 1e-12);
        }
        mia_table_free(&got);
    }
}

/* A difference and its interval, and the p beside it, say the same: 0 lies on the bound at level 1 - p. */
static void intervals_and_p_agree(void **state)
{
    (void)state;
    World w;
    for (uint64_t seed = 0; seed < 8; seed++)
        for (int g = 0; g < MIA_GAMES; g++) {
            MiaTable got;
            world_make(&w, seed);
            assert_ok(mia_statistics(&w.game, (MiaGame)g, w.model, M, false, &got));
            const MiaRow *row = &got.row[MIA_STATISTIC_AUC];
            MathExchange x = mia_row_exchange(row, M);
            MathEstimate at = mia_row_difference(row, &x, false, 1 - x.p),
                         wide = mia_row_difference(row, &x, true, 0.95);
            assert_near(at.value > 0 ? at.lo : at.hi, 0, 1e-6, 0);
            MathEstimate tight = mia_row_difference(row, &x, false, 0.95);
            assert_true(tight.lo < at.value && at.value < tight.hi && wide.lo <= tight.lo && wide.hi >= tight.hi);
            assert_near(row->value[0], mia_row_reference(row, &x) + at.value, 1e-12, 1e-9);
            mia_table_free(&got);
        }
}

static BaseStatus once(void *user)
{
    World *w = user;
    MiaTable got;
    BaseStatus st = mia_statistics(&w->game, MIA_GAME_RETAIN, w->model, M, true, &got);
    if (st != BASE_OK) return st;
    mia_table_free(&got);
    st = mia_statistics(&w->game, MIA_GAME_MODELS, w->model, M, true, &got);
    if (st == BASE_OK) mia_table_free(&got);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    World w;
    world_make(&w, 1);
    support_fail_allocations(once, &w, 1000);
}

static double fisher(int64_t right, int64_t drawn, int64_t marked, int64_t n)
{
    double p;
    assert_ok(math_fisher(&(MathStratum){drawn, marked, n}, 1, right, &p));
    return p;
}

/* By its definition: sort, take the k highest and lowest, Fisher's p of each. Ties never stand half in. */
static double naive_epsilon(const double *score, const uint8_t *member, int n, int64_t *looks)
{
    double most = -INFINITY;
    int64_t P = 0;
    *looks = 0;
    for (int i = 0; i < n; i++) P += member[i];
    for (int bottom = 0; bottom < 2; bottom++)
        for (int k = 4; k <= n / 2; k *= 2) {
            int64_t right = 0, called = 0;
            for (int i = 0; i < n; i++) {
                int beyond = 0; /* points at least as far out */
                for (int j = 0; j < n; j++) beyond += bottom ? score[j] <= score[i] : score[j] >= score[i];
                if (beyond > k) continue;
                called++;
                right += member[i] != bottom;
            }
            double p = fisher(right, called, bottom ? n - P : P, n);
            most = fmax(most, -math_normal_quantile(fmin(fmax(p, 1e-15), 1 - 1e-15)));
            ++*looks;
        }
    return most;
}

static void epsilon_by_its_definition(void **state)
{
    (void)state;
    World w;
    for (uint64_t seed = 0; seed < 20; seed++) {
        MiaTable got;
        int64_t looks;
        world_make(&w, seed);
        for (int i = 0; i < N; i++) w.score[1][i] += w.member[i] ? 2 : 0; /* a leak */
        w.game.label = NULL;
        assert_ok(mia_statistics(&w.game, MIA_GAME_FORGET, w.model, M, false, &got));
        const MiaRow *row = &got.row[MIA_STATISTIC_EPSILON];
        for (int m = 0; m < M; m++) assert_near(row->x[m], naive_epsilon(w.score[m], w.member, N, &looks), 1e-9, 1e-9);
        assert_true(row->defined && row->looks == looks && looks == 6 && row->x[1] > 2);
        mia_table_free(&got);
        /* shifts and widths of a class that members and others share move nothing */
        w.game.label = w.label;
        for (int i = 0; i < N; i++) w.score[1][i] = w.label[i] ? 8 * w.score[0][i] + 64 : w.score[0][i];
        assert_ok(mia_statistics(&w.game, MIA_GAME_FORGET, w.model, 2, false, &got));
        row = &got.row[MIA_STATISTIC_EPSILON];
        assert_near(row->x[1], row->x[0], 1e-12, 0);
        mia_table_free(&got);
    }
}

/* Without models to compare with, five copies of each point are worth one. */
static void epsilon_of_copies(void **state)
{
    (void)state;
    World w;
    MiaTable once, five;
    static double big[5 * N];
    static uint8_t member[5 * N];
    static int32_t cluster[5 * N];
    const double *model[] = {big};
    world_make(&w, 4);
    w.game.label = NULL;
    assert_ok(mia_statistics(&w.game, MIA_GAME_FORGET, w.model, 1, true, &once));
    for (int i = 0; i < 5 * N; i++) {
        member[i] = w.member[i / 5];
        cluster[i] = i / 5;
        big[i] = w.score[0][i / 5];
    }
    const MiaGameScores copies = {.n = 5 * N, .member = member, .cluster = cluster};
    assert_ok(mia_statistics(&copies, MIA_GAME_FORGET, model, 1, true, &five));
    assert_near(five.row[MIA_STATISTIC_EPSILON].x[0], once.row[MIA_STATISTIC_EPSILON].x[0], 0, 0);
    mia_table_free(&once);
    mia_table_free(&five);
}

/* p of epsilon without models to compare with, in worlds with nothing to find: clusters of a member and a non-member that
 * stand higher than single points, and classes of unlike shapes whose members are mixed unlike. At most so many of 200 below
 * 5% as 99.9% of binomials have. */
static void epsilon_alone_finds_nothing(void **state)
{
    (void)state;
    enum { PAIRS = 60, ALL = 4 * PAIRS, TRIALS = 200, MOST = 21 };
    for (int world = 0; world < 2; world++) {
        int found = 0;
        for (uint64_t trial = 0; trial < TRIALS; trial++) {
            BaseRandom r = base_random_make(trial, "nothing", (uint64_t)world);
            static double score[ALL];
            static uint8_t member[ALL];
            static int32_t cluster[ALL], label[ALL];
            const double *model[] = {score};
            for (int i = 0; i < ALL; i++) {
                bool pair = i < 2 * PAIRS;
                member[i] = (uint8_t)(i % 2);
                cluster[i] = pair ? i / 2 : i;
                label[i] = 0;
                double z = base_random_normal(&r);
                if (world == 0) {
                    score[i] = pair && i % 2 ? score[i - 1] : z + (pair ? 2 : 0);
                } else { /* 3 of 4 are members of a class with a long tail, 1 of 4 of the other */
                    label[i] = i % 8 < 4;
                    member[i] = (uint8_t)(label[i] ? i % 4 != 0 : i % 4 == 0);
                    score[i] = label[i] ? exp(1.5 * z) : z;
                }
            }
            const MiaGameScores game = {.n = ALL,
                                        .member = member,
                                        .cluster = world == 0 ? cluster : NULL,
                                        .label = world == 0 ? NULL : label,
                                        .seed = trial};
            MiaTable got;
            assert_ok(mia_statistics(&game, MIA_GAME_FORGET, model, 1, true, &got));
            const MiaRow *row = &got.row[MIA_STATISTIC_EPSILON];
            found += (double)row->looks * math_normal_upper(row->x[0]) <= 0.05;
            mia_table_free(&got);
        }
        print_message("world %d: %d of %d\n", world, found, TRIALS);
        assert_true(found <= MOST);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(auc_within_classes),
    cmocka_unit_test(variances_over_points),
    cmocka_unit_test(variances_of_unequal_classes),
    cmocka_unit_test(rates_between_order_statistics),
    cmocka_unit_test(models_against_each_other),
    cmocka_unit_test(the_judged_model_stands_apart),
    cmocka_unit_test(two_values),
    cmocka_unit_test(epsilon_by_its_definition),
    cmocka_unit_test(epsilon_of_copies),
    cmocka_unit_test(epsilon_alone_finds_nothing),
    cmocka_unit_test(intervals_and_p_agree),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
