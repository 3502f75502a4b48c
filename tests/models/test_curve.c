/* Learning curves and networks retrained for an audit. */
#include "tests/support/support.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "io/file.h"
#include "mia/curve/curve.h"
#include "mia/mia.h"
#include "models/retrained.h"
#include "session/answers.h"
#include "session/model.h"
#include "session/program.h"

enum { N = 300, K = 4, MODELS = 16 };
typedef struct {
    MiaInput input;
    double logits[N * K], shadow[MODELS * N * K], unlearned[MODELS * N * K], retrained[MODELS * N * K];
    int32_t labels[N];
    uint8_t role[N], keep[MODELS * N];
} Game;

/* Points that differ far more from each other (sd 3) than a member is raised (1.5 sd of a model): an attack that knows
 * a point's level from enough models does better. Halves are complements by two. */
static void game_make(Game *g, bool paired)
{
    BaseRandom r = base_random_make(4, "test_curve", 0);
    *g = (Game){0};
    for (int i = 0; i < N; i++) {
        double level = 3 * base_random_normal(&r);
        g->labels[i] = i % K;
        g->role[i] = i % 2 != 0;
        for (int s = -1; s < MODELS; s++) {
            bool in = s < 0 ? g->role[i] : s % 2 && paired ? !g->keep[(s - 1) * N + i] : base_random_below(&r, 2);
            double *z = s < 0 ? g->logits + i * K : g->shadow + (s * N + i) * K;
            z[g->labels[i]] = level + base_random_normal(&r) + (in ? 1.5 : 0);
            if (s >= 0) g->keep[s * N + i] = in;
        }
        for (int m = 0; m < MODELS; m++) {
            g->unlearned[(m * N + i) * K + g->labels[i]] = level + base_random_normal(&r) + 0.5;
            g->retrained[(m * N + i) * K + g->labels[i]] = level + base_random_normal(&r);
        }
    }
    g->input = (MiaInput){.N = N,
                          .K = K,
                          .logits = g->logits,
                          .labels = g->labels,
                          .role = g->role,
                          .S = MODELS,
                          .shadow_logits = g->shadow,
                          .shadow_keep = g->keep,
                          .U = MODELS,
                          .unlearned_logits = g->unlearned,
                          .R = MODELS,
                          .retrained_logits = g->retrained,
                          .seed = 5};
}

/* Sizes double, the last is the attack on everything, more models find more, and the same call says the same. */
static void test_shadows(void **state)
{
    (void)state;
    static Game g;
    const MiaAttack *lira;
    MiaResult whole;
    MiaCurvePoint curve[MIA_CURVE_POINTS], again[MIA_CURVE_POINTS];
    const char *what;
    int count, count_again;
    game_make(&g, true);
    assert_ok(mia_find("lira_online", &lira));
    assert_ok(mia_curve(lira, &g.input, NULL, 10, &what, curve, &count));
    assert_string_equal(what, "AUC");
    assert_int_equal(count, 3); /* of 2 shadows one saw a point and one did not: no spread per example */
    assert_int_equal(curve[0].models, 4);
    assert_int_equal(curve[1].models, 8);
    assert_int_equal(curve[2].models, 16);
    assert_int_equal(curve[0].draws, 10);
    assert_int_equal(curve[2].draws, 1);
    assert_ok(mia_attack(lira, &g.input, NULL, &whole));
    assert_near(curve[2].value.value, whole.auc.value, 0, 0);
    assert_near(curve[2].value.lo, whole.auc.lo, 1e-12, 0);
    assert_near(curve[2].value.hi, whole.auc.hi, 1e-12, 0);
    assert_true(curve[2].value.value > curve[0].value.value + 0.02);
    for (int i = 0; i < count; i++) {
        assert_int_equal(curve[i].value.n, N);
        assert_true(curve[i].value.lo < curve[i].value.value && curve[i].value.value < curve[i].value.hi);
    }
    assert_ok(mia_curve(lira, &g.input, NULL, 10, &what, again, &count_again));
    assert_int_equal(count_again, count);
    for (int i = 0; i < count; i++) assert_near(again[i].value.value, curve[i].value.value, 0, 0);
    mia_result_free(&whole);
}

/* Without complements a selection takes shadows one by one, and one that leaves a point without a side is left out. */
static void test_alone(void **state)
{
    (void)state;
    static Game g;
    const MiaAttack *lira, *loss;
    MiaCurvePoint curve[MIA_CURVE_POINTS];
    const char *what;
    int count;
    game_make(&g, false);
    for (int i = 0; i < N; i++) /* each side has two models at least */
        for (int s = 0; s < 4; s++) g.keep[(s * N) + i] = s % 2 != 0;
    assert_ok(mia_find("lira_online", &lira));
    assert_ok(mia_curve(lira, &g.input, NULL, 3, &what, curve, &count));
    assert_int_equal(count, 1);
    assert_int_equal(curve[0].models, 16);
    assert_ok(mia_find("loss", &loss));
    assert_ok(mia_curve(loss, &g.input, NULL, 3, &what, curve, &count));
    assert_int_equal(count, 0);
    assert_null(what);
    assert_fails(mia_curve(lira, &g.input, NULL, 0, &what, curve, &count), BASE_EARG, "selections");
}

/* Unlearned and retrained models: the same number of each, and the number that counts more than the AUC. */
static void test_unlearned(void **state)
{
    (void)state;
    static Game g;
    const MiaAttack *ulira;
    MiaResult whole;
    MiaCurvePoint curve[MIA_CURVE_POINTS];
    const char *what;
    int count;
    game_make(&g, true);
    assert_ok(mia_find("ulira", &ulira));
    assert_ok(mia_curve(ulira, &g.input, NULL, 5, &what, curve, &count));
    assert_string_equal(what, "loo_balanced_accuracy");
    assert_true(count >= 3);
    assert_int_equal(curve[count - 1].models, MODELS);
    assert_ok(mia_attack(ulira, &g.input, NULL, &whole));
    for (int i = 0; i < whole.number_count; i++)
        if (strcmp(whole.numbers[i].name, what) == 0)
            assert_near(curve[count - 1].value.value, whole.numbers[i].value.value, 0, 0);
    assert_true(curve[count - 1].value.value > curve[0].value.value);
    mia_result_free(&whole);
}

/* ------------------------------------------------------------ every optional input, against picking by hand */

enum { Z = 24 };
static struct {
    double population[Z * K], shadow_population[MODELS * Z * K];
    int32_t population_labels[Z];
    uint8_t unlearned_keep[MODELS * N];
} more;

/* What the attacks below were given, call by call. */
static struct {
    int calls;
    MiaInput in[64];
    uint64_t models[64]; /* bits: which models of the game, by their first logit or flag */
} seen;

/* Row m of a kind is row `at` of the whole: found by comparing bytes. */
static int place_of(const void *rows, const void *row, size_t bytes)
{
    for (int m = 0; m < MODELS; m++)
        if (memcmp((const char *)rows + (size_t)m * bytes, row, bytes) == 0) return m;
    fail_msg("a row that no model has");
    return -1;
}

static BaseStatus spy(const MiaInput *in, const void *params, MiaScores *out)
{
    (void)params;
    seen.in[seen.calls] = *in;
    uint64_t models = 0;
    size_t points = (size_t)(N * K) * sizeof(double), population = (size_t)(Z * K) * sizeof(double);
    const Game *g = (const Game *)(const void *)((const char *)in->logits - offsetof(Game, logits));
    for (int64_t s = 0; s < in->S; s++) {
        int m = place_of(g->shadow, in->shadow_logits + s * N * K, points);
        models |= 1ull << m;
        assert_memory_equal(in->shadow_keep + s * N, g->keep + m * N, N);
        assert_memory_equal(in->shadow_population_logits + s * Z * K, more.shadow_population + m * Z * K, population);
    }
    for (int64_t u = 0; u < in->U; u++) {
        int m = place_of(g->unlearned, in->unlearned_logits + u * N * K, points);
        models |= 1ull << m;
        assert_memory_equal(in->unlearned_keep + u * N, more.unlearned_keep + m * N, N);
        assert_memory_equal(in->retrained_logits + u * N * K, g->retrained + m * N * K, points);
    }
    seen.models[seen.calls++] = models;
    for (int64_t i = 0; i < in->N; i++) out->score[i] = in->logits[i * K];
    return BASE_OK;
}

static void game_fill(Game *g)
{
    BaseRandom r = base_random_make(6, "test_curve_more", 0);
    game_make(g, true);
    for (int i = 0; i < Z * K; i++) more.population[i] = base_random_normal(&r);
    for (int i = 0; i < MODELS * Z * K; i++) more.shadow_population[i] = base_random_normal(&r);
    for (int i = 0; i < Z; i++) more.population_labels[i] = i % K;
    for (int i = 0; i < MODELS * N; i++) more.unlearned_keep[i] = (uint8_t)base_random_below(&r, 2);
    g->input.Z = Z;
    g->input.population_logits = more.population;
    g->input.population_labels = more.population_labels;
    g->input.shadow_population_logits = more.shadow_population;
    g->input.unlearned_keep = more.unlearned_keep;
}

/* Each selection has the same models in every array of its kind, all that belongs to no model as it is, and no two
 * selections of a size are the same. */
static void test_selections(void **state)
{
    (void)state;
    static Game g;
    MiaCurvePoint curve[MIA_CURVE_POINTS];
    const char *what;
    int count;
    game_fill(&g);
    for (int shadows = 0; shadows < 2; shadows++) {
        const MiaAttack attack = {.entry = BASE_ENTRY_PLAIN("spy", "", ""),
                                  .needs = shadows
                                               ? MIA_NEEDS_SHADOW | MIA_NEEDS_POPULATION | MIA_NEEDS_SHADOW_POPULATION
                                               : MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED,
                                  .curve = shadows ? NULL : "loo_balanced_accuracy",
                                  .score = spy};
        memset(&seen, 0, sizeof seen);
        assert_ok(mia_curve(&attack, &g.input, NULL, 5, &what, curve, &count));
        assert_true(seen.calls > 1);
        for (int c = 0; c < seen.calls; c++) {
            const MiaInput *in = &seen.in[c];
            assert_int_equal(shadows ? in->S : in->U, __builtin_popcountll(seen.models[c]));
            assert_int_equal(in->R, in->U);
            assert_int_equal(shadows ? in->U : in->S, 0);
            assert_true(in->logits == g.logits && in->population_logits == more.population && in->Z == Z);
            for (int m = 0; shadows && m < MODELS; m += 2) /* complements stay together */
                assert_int_equal(seen.models[c] >> m & 1, seen.models[c] >> (m + 1) & 1);
            for (int d = 0; d < c; d++) assert_true(seen.models[d] != seen.models[c]);
        }
        if (!shadows) continue;
        assert_int_equal(count, 4); /* 2, 4, 8, 16 */
        assert_int_equal(seen.calls, 5 + 5 + 5 + 1);
    }
}

/* ------------------------------------------------------------ retrained networks */

static void hash_of(const char *path, SessionData *data, char hash[BASE_HASH_HEX])
{
    SessionModel model;
    assert_ok(session_model_open("mlp", path, data, &model));
    assert_ok(nn_net_hash(model.net, hash));
    session_model_free(&model);
}

/* Each from a seed of its own, none has met the class, and a second call takes what is there. */
static void test_retrained(void **state)
{
    (void)state;
    SessionData data;
    DataForget forget;
    NnTrainConfig train;
    char *folder = NULL, *paths[3], hash[3][BASE_HASH_HEX], again[BASE_HASH_HEX];
    ModelCost costs[3];
    struct stat before, after;
    assert_ok(session_threads_set(1, NULL));
    assert_ok(session_data_open("gaussians", NULL, &data));
    assert_ok(data_forget_classes(data.train, "1", &forget));
    assert_ok(base_format(&folder, "%s/retrained", support_scratch()));
    base_param_defaults(nn_train_params, nn_train_param_count, &train);
    train.epochs = 2, train.batch_size = 128, train.augment = false;
    DataView all = data_view_all(data.train);
    ModelRetrainTask task = {.recipe = {.arch = "mlp", .data = &data, .training = &train, .seed = 8},
                             .train = &all,
                             .forget = &forget,
                             .count = 3,
                             .folder = folder};
    assert_ok(model_retrained_make(&task, paths, costs));
    for (int i = 0; i < 3; i++) {
        hash_of(paths[i], &data, hash[i]);
        for (int j = 0; j < i; j++) assert_string_not_equal(hash[i], hash[j]);
        SessionModel model;
        SessionPredictions p;
        DataView test = data_view_all(data.test);
        assert_ok(session_model_open("mlp", paths[i], &data, &model));
        assert_ok(session_predict(model.net, &test, NN_F32, NULL, &p));
        SessionTally tally = session_tally(&p.p, &forget);
        assert_int_equal(tally.right_forget, 0);
        assert_true(tally.right_retain * 2 > tally.n_retain);
        assert_near(costs[i].passes, 2 * (double)(data.train->N / 4 * 3), 0, 0);
        session_predictions_free(&p);
        session_model_free(&model);
    }
    assert_int_equal(stat(paths[0], &before), 0);
    assert_int_equal(unlink(paths[1]), 0);
    for (int i = 0; i < 3; i++) {
        base_free(paths[i]);
        model_cost_free(&costs[i]);
    }
    assert_ok(model_retrained_make(&task, paths, costs));
    assert_int_equal(stat(paths[0], &after), 0);
    assert_true(before.st_ino == after.st_ino);
    hash_of(paths[1], &data, again);
    assert_string_equal(again, hash[1]);
    assert_near(costs[0].passes, costs[1].passes, 0, 0);   /* of the training, though it was cached */
    DataView part = {data.train, NULL, data.train->N / 2}; /* other images: another network */
    char *part_path[1];
    ModelCost part_cost[1];
    task.train = &part;
    task.count = 1;
    assert_ok(model_retrained_make(&task, part_path, part_cost));
    assert_string_not_equal(part_path[0], paths[0]);
    model_cost_free(part_cost);
    base_free(part_path[0]);
    for (int i = 0; i < 3; i++) {
        base_free(paths[i]);
        model_cost_free(&costs[i]);
    }
    data_forget_free(&forget);
    session_data_free(&data);
    base_free(folder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shadows),    cmocka_unit_test(test_alone),     cmocka_unit_test(test_unlearned),
    cmocka_unit_test(test_selections), cmocka_unit_test(test_retrained),
};
SUPPORT_MAIN(tests)
