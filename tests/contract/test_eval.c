/* What every registered metric must do, whoever wrote it. */
#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "eval/eval.h"

enum { N = 80, K = 5 };

typedef struct {
    float logits[N * K], others[3][N * K];
    int32_t labels[N];
    uint8_t in[K];
    DataForget forget;
    EvalPredictions predictions, other[3]; /* of the original, the retrained, the untrained network */
    EvalRelearned relearned, relearned_retrained;
    EvalProbed probed;
    float features[3][N * K];
    EvalFeatures of[3]; /* of the network under test, the original, the retrained one */
    NnNet *original, *net;
    EvalContext context;
} World;

static NnNet *linear_net(uint64_t seed)
{
    NnGraph *g;
    NnNet *net;
    assert_ok(nn_graph_create(6, 1, 1, &g));
    NnNode logits = nn_linear(g, nn_input(g), "fc", K, true);
    assert_ok(nn_net_create_take(g, logits, &net));
    nn_net_init(net, seed);
    return net;
}

static void world_make(World *w)
{
    BaseRandom r = base_random_make(31, "contract_eval", 0);
    memset(w, 0, sizeof *w);
    for (int i = 0; i < N; i++) {
        w->labels[i] = i % K;
        for (int j = 0; j < K; j++) w->logits[i * K + j] = (float)(base_random_normal(&r) + (j == i % K));
        for (int o = 0; o < 3; o++)
            for (int j = 0; j < K; j++) w->others[o][i * K + j] = (float)(base_random_normal(&r) + (j == i % K));
    }
    w->in[2] = 1;
    w->forget = (DataForget){.classes = {.K = K, .count = 1, .in = w->in}};
    w->predictions = (EvalPredictions){w->logits, w->labels, N, K, NULL};
    w->original = linear_net(1);
    w->net = linear_net(2);
    w->context = (EvalContext){.forget = &w->forget,
                               .original = w->original,
                               .net = w->net,
                               .wall_seconds = 1.5,
                               .cpu_seconds = 2.5,
                               .peak_memory = 1 << 26,
                               .samples = 70,
                               .passes = 140,
                               .train_images = N,
                               .relearned = &w->relearned,
                               .relearned_retrained = &w->relearned_retrained,
                               .probed = &w->probed,
                               .features = &w->of[0],
                               .original_features = &w->of[1],
                               .retrained_features = &w->of[2]};
    for (int o = 0; o < 3; o++) {
        for (int i = 0; i < N * K; i++)
            w->features[o][i] = (float)(base_random_normal(&r) + (o ? w->features[0][i] : 0));
        w->of[o] = (EvalFeatures){w->features[o], N, K};
    }
    for (int o = 0; o < 3; o++) w->other[o] = (EvalPredictions){w->others[o], w->labels, N, K, NULL};
    w->relearned = (EvalRelearned){.repeats = 3,
                                   .limit = 50,
                                   .steps = {4, 6, 5},
                                   .reached = {true, true, true},
                                   .retain_repeats = 3,
                                   .judged = 40,
                                   .recovered = {7, 8, 9}};
    w->relearned_retrained = w->relearned;
    for (int i = 0; i < 3; i++) w->relearned_retrained.steps[i] = 10 + i;
    w->probed = (EvalProbed){30, 40, 20};
    for (int split = 0; split < EVAL_SPLITS; split++) {
        w->context.split[split] = &w->predictions;
        w->context.original_split[split] = &w->other[0];
        w->context.retrained_split[split] = &w->other[1];
        w->context.untrained_split[split] = &w->other[2];
    }
}

static void world_free(World *w)
{
    nn_net_free(w->original);
    nn_net_free(w->net);
}

static const EvalMetric *metric_at(size_t i) { return base_registry_at(&eval_registry, i); }

static void entries_are_complete(void **state)
{
    (void)state;
    assert_true(base_registry_count(&eval_registry) > 0);
    for (size_t i = 0; i < base_registry_count(&eval_registry); i++) {
        const EvalMetric *m = metric_at(i);
        const BaseEntry *e = &m->entry, *found;
        assert_true(strlen(e->name) > 0 && strspn(e->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(e->name));
        assert_true(strlen(e->summary) > 10 && !strchr(e->summary, '\n'));
        assert_non_null(e->source);
        assert_int_equal(e->param_count, 0); /* a metric is one number with one meaning */
        assert_true(strlen(m->title) > 0);
        const char *const UNITS[] = {"%", "nats", "s", "MiB", "GFLOP", "1"};
        bool known = false;
        for (size_t u = 0; u < sizeof UNITS / sizeof *UNITS; u++) known |= strcmp(m->unit, UNITS[u]) == 0;
        assert_true(known);
        assert_true(m->ideal == EVAL_IDEAL_NUMBER ? isfinite(m->ideal_value) : m->ideal_value == 0);
        assert_non_null(m->compute);
        assert_ok(base_registry_find(&eval_registry, e->name, &found));
        assert_ptr_equal(found, e);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(m->title, metric_at(j)->title); /* columns of one table */
    }
}

static bool cut(const EvalMetric *m) { return m->range[0] != 0 || m->range[1] != 0; }

/* What tables and figures take from a metric. */
static void facts_are_coherent(void **state)
{
    (void)state;
    int with[EVAL_ROLES] = {0};
    for (size_t i = 0; i < base_registry_count(&eval_registry); i++) {
        const EvalMetric *m = metric_at(i);
        print_message("%s\n", m->entry.name);
        assert_true(m->range[0] < m->range[1] || !cut(m));
        if (strcmp(m->unit, "%") == 0) assert_true(m->range[0] == 0 && m->range[1] == 100);
        assert_true(m->decimals >= -1 && m->decimals <= 9);
        assert_true(m->in_results >= 0 && m->in_results < 1000 && m->in_scores >= 0 && m->in_scores < 1000);
        assert_true(m->per_split || !m->on_train);
        assert_true(m->per_split || !m->of_forgotten); /* the training split is where forgotten images are */
        assert_false(m->of_forgotten && m->only_classes);
        if (m->ideal == EVAL_IDEAL_LOW) assert_int_equal(m->direction, EVAL_DOWN);
        if (m->ideal == EVAL_IDEAL_NONE) assert_int_equal(m->direction, EVAL_UNDIRECTED);
        if (m->ideal == EVAL_IDEAL_NUMBER) { /* an ideal at an end of the range is reached in one direction */
            assert_true(m->range[0] <= m->ideal_value && m->ideal_value <= m->range[1]);
            assert_int_equal(m->direction, m->ideal_value == m->range[1]   ? EVAL_UP
                                           : m->ideal_value == m->range[0] ? EVAL_DOWN
                                                                           : EVAL_UNDIRECTED);
        }
        assert_true(m->role < EVAL_ROLES);
        with[m->role]++;
        if (m->role == EVAL_ROLE_RETAINED || m->role == EVAL_ROLE_FORGOTTEN) assert_string_equal(m->unit, "%");
        if (m->role == EVAL_ROLE_RETAINED || m->role == EVAL_ROLE_SCORE) assert_int_equal(m->direction, EVAL_UP);
        if (m->role == EVAL_ROLE_FORGOTTEN) assert_int_equal(m->direction, EVAL_DOWN);
        if (m->role == EVAL_ROLE_SCORE) assert_true(m->range[0] == 0 && m->range[1] == 1);
        if (m->role == EVAL_ROLE_COST) assert_true(m->ideal == EVAL_IDEAL_LOW && strcmp(m->unit, "s") == 0);
        for (size_t j = 0; j < i; j++) { /* which column stands first is said */
            if (m->in_results) assert_int_not_equal(m->in_results, metric_at(j)->in_results);
            if (m->in_scores) assert_int_not_equal(m->in_scores, metric_at(j)->in_scores);
        }
    }
    for (int role = EVAL_ROLE_NONE + 1; role < EVAL_ROLES; role++) assert_int_equal(with[role], 1);
}

static void values_are_finite_and_repeatable(void **state)
{
    (void)state;
    static World w, before;
    world_make(&w);
    before = w;
    int64_t live = base_memory_live();
    for (size_t i = 0; i < base_registry_count(&eval_registry); i++) {
        for (int split = 0; split < EVAL_SPLITS; split++) {
            MathEstimate a, b;
            assert_ok(metric_at(i)->compute(&w.context, (EvalSplit)split, &a));
            assert_ok(metric_at(i)->compute(&w.context, (EvalSplit)split, &b));
            assert_true(isfinite(a.value)); /* all that a metric may ask for is there */
            if (cut(metric_at(i))) assert_true(metric_at(i)->range[0] <= a.value && a.value <= metric_at(i)->range[1]);
            assert_near(b.value, a.value, 0, 0);
            assert_near(b.lo, a.lo, 0, 0);
            assert_near(b.hi, a.hi, 0, 0);
            assert_int_equal(isnan(a.lo), isnan(a.hi));
            if (!isnan(a.lo)) assert_true(a.lo <= a.value && a.value <= a.hi);
            if (strcmp(metric_at(i)->unit, "%") == 0) assert_true(a.lo >= 0 && a.hi <= 100);
            assert_true(a.n > 0);
        }
    }
    assert_memory_equal(&w, &before, sizeof w);
    assert_int_equal(base_memory_live(), live);
    world_free(&w);
}

/* With nothing at hand a metric is not defined; it is neither an error nor 0. */
static void an_empty_context_defines_nothing(void **state)
{
    (void)state;
    const EvalContext nothing = {.forget = NULL};
    for (size_t i = 0; i < base_registry_count(&eval_registry); i++) {
        for (int split = 0; split < EVAL_SPLITS; split++) {
            MathEstimate got;
            assert_ok(metric_at(i)->compute(&nothing, (EvalSplit)split, &got));
            assert_near(got.value, NAN, 0, 0);
        }
    }
}

/* Without the network to compare with, what needs it is not defined, and everything else is as before. */
static void without_references(void **state)
{
    (void)state;
    static World w, bare;
    world_make(&w);
    world_make(&bare);
    for (int split = 0; split < EVAL_SPLITS; split++)
        bare.context.original_split[split] = bare.context.retrained_split[split] = bare.context.untrained_split[split] =
            NULL;
    bare.context.relearned = bare.context.relearned_retrained = NULL;
    bare.context.probed = NULL;
    bare.context.features = bare.context.original_features = bare.context.retrained_features = NULL;
    int needing = 0;
    for (size_t i = 0; i < base_registry_count(&eval_registry); i++) {
        MathEstimate with, without;
        assert_ok(metric_at(i)->compute(&w.context, EVAL_TEST, &with));
        assert_ok(metric_at(i)->compute(&bare.context, EVAL_TEST, &without));
        needing += isnan(without.value);
        if (!isnan(without.value)) assert_near(without.value, with.value, 0, 0);
    }
    assert_true(needing > 0);
    world_free(&w);
    world_free(&bare);
}

/* Predictions of another network that are not of the same images are refused, not compared. */
static void other_images_are_errors(void **state)
{
    (void)state;
    static World w;
    int32_t moved[N];
    world_make(&w);
    for (int i = 0; i < N; i++) moved[i] = w.labels[(i + 1) % N];
    for (int o = 0; o < 3; o++) w.other[o].labels = moved;
    const char *const NAMES[] = {"tow",          "aus",           "activation_distance", "js_retrained",
                                 "tv_retrained", "agreement",     "agreement_retain",    "agreement_forget",
                                 "zrf",          "zrf_repository"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const BaseEntry *entry;
        MathEstimate got;
        assert_ok(base_registry_find(&eval_registry, NAMES[i], &entry));
        assert_fails(((const EvalMetric *)entry)->compute(&w.context, EVAL_TEST, &got), BASE_ESHAPE, "has the label");
    }
    world_free(&w);
}

/* NaN logits never become a number. */
static void broken_logits_are_errors(void **state)
{
    (void)state;
    static World w;
    world_make(&w);
    for (int i = 0; i < N * K; i++) w.logits[i] = NAN;
    for (size_t i = 0; i < base_registry_count(&eval_registry); i++) {
        MathEstimate got;
        if (metric_at(i)->per_split)
            assert_fails(metric_at(i)->compute(&w.context, EVAL_TEST, &got), BASE_ENUMERIC, "logit");
    }
    world_free(&w);
}

static BaseStatus once(void *user)
{
    EvalRow *rows;
    int count;
    BaseStatus st = eval_all(user, &rows, &count);
    base_free(rows);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    static World w;
    world_make(&w);
    support_fail_allocations(once, &w.context, 400);
    world_free(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(entries_are_complete),
    cmocka_unit_test(facts_are_coherent),
    cmocka_unit_test(values_are_finite_and_repeatable),
    cmocka_unit_test(an_empty_context_defines_nothing),
    cmocka_unit_test(without_references),
    cmocka_unit_test(other_images_are_errors),
    cmocka_unit_test(broken_logits_are_errors),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
