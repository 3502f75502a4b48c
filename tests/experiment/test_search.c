/* The search, the attacks' roles and the model cache, with a method and an attack made for the purpose. */
#include "tests/support/support.h"

#include "base/random.h"

#include <math.h>
#include <stdio.h>

#include "experiment/attacks.h"
#include "experiment/record.h"
#include "experiment/search_file.h"
#include "session/model.h"

/* ------------------------------------------------------------ a method whose best point is known */

typedef struct {
    int64_t mode;
    double push;
} FakeParams;
static const char *const MODES[] = {"a", "b", NULL};
static const BaseParam FAKE_PARAMS[] = {
    BASE_PARAM_CHOICE(FakeParams, mode, 0, MODES, "needs a new prepare()"),
    BASE_PARAM_F64(FakeParams, push, 0, -1e9, 1e9, "added to the forgotten classes' logits"),
};
static const char *const FAKE_TUNABLE[] = {"push", NULL};
static int prepared, released, applied;
static double judged; /* images that each apply() says it looked at */

static BaseStatus fake_prepare(const UnlearnContext *context, const void *params, void **state)
{
    (void)context;
    static int64_t mode;
    mode = ((const FakeParams *)params)->mode;
    *state = &mode;
    prepared++;
    return BASE_OK;
}

/* In mode b the forgotten classes' logits move by push; mode a changes nothing; push = -7 fails. */
static BaseStatus fake_apply(const UnlearnContext *context, void *state, const void *params, NnNet *net,
                             UnlearnReport *report)
{
    const FakeParams *p = params;
    applied++;
    assert_int_equal(*(int64_t *)state, p->mode);
    if (p->push == -7) return base_error_set(BASE_ENUMERIC, "made to fail");
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    float *bias = nn_net_edit_params(net) + slices[layers[count - 1].bias].offset;
    for (int64_t c = 0; c < context->forget->classes.K; c++)
        if (context->forget->classes.in[c] && p->mode == 1) bias[c] += (float)p->push;
    report->samples_retain = 1;
    report->judged = judged;
    return BASE_OK;
}

static void fake_release(void *state)
{
    (void)state;
    released++;
}

static const UnlearnMethod FAKE = {
    .entry = BASE_ENTRY("fake", "for tests", "", FakeParams, FAKE_PARAMS),
    .tunable = FAKE_TUNABLE,
    .prepare = fake_prepare,
    .apply = fake_apply,
    .release = fake_release,
};

/* Gaussians with an untrained mlp: nothing here rests on its accuracy. */
typedef struct {
    SessionData data;
    SessionModel model;
    SessionSplit split;
    DataIndex some; /* 100 images per class of the validation split */
    DataView few;
    DataForget forget;
    UnlearnContext context;
} Setting;

static void setting_open(Setting *s)
{
    assert_ok(session_data_open("gaussians", NULL, &s->data));
    assert_ok(session_model_create("mlp", &s->data, &s->model));
    assert_ok(session_split_make(&s->data, 0.9, 0, &s->split));
    assert_ok(data_forget_classes(s->data.train, "1,2", &s->forget));
    assert_ok(data_sample(&s->split.validation, 100, 0, "few", &s->some));
    s->few = data_view_of(s->data.train, &s->some);
    nn_net_init(s->model.net, 3);
    s->context = (UnlearnContext){.original = s->model.net, .train = s->split.train, .forget = &s->forget};
}

static void setting_close(Setting *s)
{
    data_forget_free(&s->forget);
    data_index_free(&s->some);
    session_split_free(&s->split);
    session_model_free(&s->model);
    session_data_free(&s->data);
}

static void test_split(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    assert_int_equal(s.split.train.n, 4000);
    assert_int_equal(s.split.validation.n, 36000);
    assert_int_equal(s.split.test.n, 4000);
    setting_close(&s);
}

/* One set, the whole grid. */
static BaseStatus search_once(const ExperimentMethod *method, const UnlearnContext *context, const DataView *validation,
                              void *params, ExperimentSearch *out)
{
    static const ExperimentBudget all = {0};
    const ExperimentSearchTask task = {method, &all, context, 1, validation};
    return experiment_search(&task, params, out);
}

/* Listed images are training images: the best trial is where as many of them are known as of unseen ones. */
static void test_search_of_images(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    DataForget images, classes = s.forget;
    char *modes[] = {"a", "b"}, *pushes[] = {"0", "-7", "-1e6"};
    ExperimentAxis axes[] = {{&FAKE_PARAMS[0], modes, 2, false, 0}, {&FAKE_PARAMS[1], pushes, 3, true, 0}};
    ExperimentMethod method = {.method = &FAKE, .label = "fake", .axes = axes, .axis_count = 2, .where = "t:1"};
    FakeParams params = {0};
    ExperimentSearch found;
    const DataIndex *kept = &s.split.kept;
    DataIndex some = {0};
    assert_ok(BASE_ALLOC(100, &some.at));
    for (; some.n < 100; some.n++) some.at[some.n] = kept->at[some.n * 7];
    assert_ok(data_forget_images_take(s.data.train, &some, &images));
    s.context.forget = &images;
    assert_ok(search_once(&method, &s.context, &s.few, &params, &found));
    assert_int_equal(found.points, 6);
    for (size_t i = 0; i < found.points; i++) {
        double r = found.acc_retain[i] / 100, f = found.acc_forget[i] / 100;
        assert_near(found.score[i], r * (1 - fabs(f - r)), 1e-12, 0);
        assert_near(100 * f, round(100 * f), 1e-9, 0); /* of just the 100 images */
        assert_false(found.score[i] > found.score[found.chosen]);
    }
    experiment_search_free(&found);
    s.forget = classes;
    data_forget_free(&images);
    setting_close(&s);
}

static void test_search_finds_the_best(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char *modes[] = {"a", "b"}, *pushes[] = {"0", "-7", "-1e6", "-2e6"};
    ExperimentAxis axes[] = {{&FAKE_PARAMS[0], modes, 2, false, 0}, {&FAKE_PARAMS[1], pushes, 4, true, 0}};
    ExperimentMethod method = {.method = &FAKE, .label = "fake", .axes = axes, .axis_count = 2, .where = "t:1"};
    FakeParams params = {0};
    ExperimentSearch search;
    prepared = released = applied = 0;
    assert_ok(search_once(&method, &s.context, &s.split.validation, &params, &search));
    assert_int_equal(prepared, 2); /* once a mode: push is tunable */
    assert_int_equal(released, 2);
    assert_int_equal(applied, 8);
    assert_int_equal(search.points, 8);
    assert_int_equal(search.n, 36000);
    assert_int_equal(params.mode, 1);
    assert_near(params.push, -1e6, 0, 0); /* the first of two equals */
    assert_int_equal(search.chosen, 6);
    assert_near(search.value[8 + 6], -1e6, 0, 0);
    assert_near(search.value[6], 1, 0, 0); /* a word: its place in the list */
    assert_true(isnan(search.score[1]) && isnan(search.score[5]));
    assert_near(search.acc_forget[6], 0, 0, 0);
    for (size_t i = 0; i < 8; i++) {
        if (isnan(search.score[i])) continue;
        assert_near(search.score[i], search.acc_retain[i] / 100 * (1 - search.acc_forget[i] / 100), 1e-15, 0);
        assert_true(search.score[i] <= search.score[6]);
    }
    experiment_search_free(&search);
    setting_close(&s);
}

/* Points drawn from the grid: as many as the budget says, each once, ascending, the same for the same seed. */
static void test_random_search(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char *modes[] = {"a", "b"}, *pushes[] = {"0", "-1", "-2", "-1e6", "-2e6"};
    ExperimentAxis axes[] = {{&FAKE_PARAMS[0], modes, 2, false, 0}, {&FAKE_PARAMS[1], pushes, 5, true, 0}};
    ExperimentMethod method = {.method = &FAKE, .label = "fake", .axes = axes, .axis_count = 2, .where = "t:1"};
    const ExperimentBudget budget = {.strategy = EXPERIMENT_SEARCH_RANDOM, .trials = 4},
                           ample = {EXPERIMENT_SEARCH_RANDOM, 50, 0};
    FakeParams params = {0};
    ExperimentSearch first, again, other, whole;
    ExperimentSearchTask task = {&method, &budget, &s.context, 1, &s.few};
    applied = 0;
    assert_ok(experiment_search(&task, &params, &first));
    assert_int_equal(applied, 4);
    assert_int_equal(first.points, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_in_range(first.at[i], 0, 9);
        if (i) assert_true(first.at[i] > first.at[i - 1]);
        assert_near(first.value[i], (double)(first.at[i] / 5), 0, 0);
        if (!isnan(first.score[i])) assert_true(first.score[i] <= first.score[first.chosen]);
    }
    assert_int_equal(params.mode, first.at[first.chosen] / 5);
    assert_ok(experiment_search(&task, &params, &again));
    assert_memory_equal(again.at, first.at, 4 * sizeof *first.at);
    s.context.seed = 99;
    assert_ok(experiment_search(&task, &params, &other));
    assert_true(memcmp(other.at, first.at, 4 * sizeof *first.at) != 0);
    task.budget = &ample; /* more than there are: the grid */
    assert_ok(experiment_search(&task, &params, &whole));
    assert_int_equal(whole.points, 10);
    experiment_search_free(&first);
    experiment_search_free(&again);
    experiment_search_free(&other);
    experiment_search_free(&whole);
    setting_close(&s);
}

/* Every method has the same number of evaluations: the published point first, then others in the order of a draw, until what
 * trials and the method's own looks cost is spent; the second set goes by the first. */
static void test_equal_search(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char *modes[] = {"a", "b"}, *pushes[] = {"0", "-1", "-2", "-1e6", "-2e6"};
    ExperimentAxis axes[] = {{&FAKE_PARAMS[0], modes, 2, false, 1}, {&FAKE_PARAMS[1], pushes, 5, true, 2}};
    ExperimentMethod method = {.method = &FAKE, .label = "fake", .axes = axes, .axis_count = 2, .where = "t:1"};
    const ExperimentBudget budget = {.strategy = EXPERIMENT_SEARCH_EQUAL, .trials = 5};
    FakeParams params = {0};
    UnlearnContext contexts[2] = {s.context, s.context};
    DataForget other = {0};
    ExperimentSearch plain, looks, both;
    ExperimentSearchTask task = {&method, &budget, contexts, 1, &s.split.validation};
    assert_ok(data_forget_classes(s.data.train, "0", &other));
    contexts[1].forget = &other;
    assert_ok(experiment_search(&task, &params, &plain));
    assert_int_equal(plain.points, 5);
    assert_near(plain.evaluations, 5, 1e-12, 0);
    assert_int_equal(plain.at[0], 1 * 5 + 2);
    assert_near(plain.value[0], 1, 0, 0);
    assert_near(plain.value[5], -2, 0, 0);
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < i; k++) assert_true(plain.at[i] != plain.at[k]);
    /* one evaluation more in each trial: 2, 4, and with 4 + 1 <= 5 a third trial, which ends at 6 */
    judged = (double)s.split.validation.n;
    applied = 0;
    assert_ok(experiment_search(&task, &params, &looks));
    assert_int_equal(applied, 3);
    assert_int_equal(looks.points, 3);
    assert_near(looks.evaluations, 6, 1e-12, 0);
    assert_memory_equal(looks.at, plain.at, 3 * sizeof *plain.at);
    for (size_t i = 0; i < 3; i++) assert_near(looks.value[3 + i], plain.value[5 + i], 0, 0);
    task.context_count = 2;
    applied = 0;
    assert_ok(experiment_search(&task, &params, &both));
    assert_int_equal(applied, 6);
    assert_int_equal(both.points, 3);
    assert_near(both.evaluations, 6, 1e-12, 0);
    judged = 0;
    /* 400 validation images beside 4000: neither 2000 nor a fifth */
    task.validation = &s.few;
    ExperimentSearch none;
    assert_fails(experiment_search(&task, &params, &none), BASE_EUSAGE,
                 "an equal search takes 2000, or a fifth of the 4400");
    experiment_search_free(&plain);
    experiment_search_free(&looks);
    experiment_search_free(&both);
    data_forget_free(&other);
    setting_close(&s);
}

/* One choice for several sets: scores are means over them; passes and trials are those of all. */
static void test_search_on_several_sets(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char *pushes[] = {"0", "-1e6"};
    ExperimentAxis axis = {&FAKE_PARAMS[1], pushes, 2, true, 0};
    ExperimentMethod method = {.method = &FAKE, .label = "fake", .axes = &axis, .axis_count = 1, .where = "t:1"};
    static const ExperimentBudget all = {0};
    FakeParams params = {.mode = 1};
    DataForget sets[2];
    UnlearnContext contexts[2] = {s.context, s.context};
    ExperimentSearch one[2], both;
    assert_ok(data_forget_classes(s.data.train, "0", &sets[0]));
    assert_ok(data_forget_classes(s.data.train, "1,2", &sets[1]));
    for (int i = 0; i < 2; i++) {
        contexts[i].forget = &sets[i];
        assert_ok(search_once(&method, &contexts[i], &s.few, &params, &one[i]));
    }
    const ExperimentSearchTask task = {&method, &all, contexts, 2, &s.few};
    prepared = 0;
    assert_ok(experiment_search(&task, &params, &both));
    assert_int_equal(prepared, 2); /* once per set */
    for (size_t i = 0; i < 2; i++) {
        assert_near(both.score[i], (one[0].score[i] + one[1].score[i]) / 2, 0, 1e-14);
        assert_near(both.acc_retain[i], (one[0].acc_retain[i] + one[1].acc_retain[i]) / 2, 0, 1e-14);
    }
    for (int i = 0; i < 2; i++) {
        experiment_search_free(&one[i]);
        data_forget_free(&sets[i]);
    }
    experiment_search_free(&both);
    setting_close(&s);
}

/* The budget's epochs are those of the trials, not of the unlearning that follows; an axis of that name stays. */
typedef struct {
    int64_t epochs;
    double push;
} LongParams;
static const BaseParam LONG_PARAMS[] = {
    BASE_PARAM_I64(LongParams, epochs, 5, 1, 100, "for tests"),
    BASE_PARAM_F64(LongParams, push, 0, -1, 1, "for tests"),
};
static int64_t seen_epochs[8];
static int seen;

static BaseStatus long_apply(const UnlearnContext *context, void *kept, const void *params, NnNet *net,
                             UnlearnReport *report)
{
    (void)context, (void)kept, (void)net;
    seen_epochs[seen++] = ((const LongParams *)params)->epochs;
    report->passes = 100;
    return BASE_OK;
}
static const UnlearnMethod LONG = {.entry = BASE_ENTRY("long", "for tests", "", LongParams, LONG_PARAMS),
                                   .apply = long_apply};

static void test_budget_of_epochs(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char *pushes[] = {"0", "1"}, *epochs[] = {"3", "4"};
    ExperimentAxis axis = {&LONG_PARAMS[1], pushes, 2, false, 0}, named = {&LONG_PARAMS[0], epochs, 2, false, 0};
    ExperimentMethod method = {.method = &LONG, .label = "long", .axes = &axis, .axis_count = 1, .where = "t:1"};
    const ExperimentBudget budget = {.epochs = 1};
    LongParams params = {.epochs = 5};
    ExperimentSearch search;
    ExperimentSearchTask task = {&method, &budget, &s.context, 1, &s.few};
    seen = 0;
    assert_ok(experiment_search(&task, &params, &search));
    assert_int_equal(seen_epochs[0], 1);
    assert_int_equal(seen_epochs[1], 1);
    assert_int_equal(params.epochs, 5);
    assert_near(search.passes, 200, 0, 0);
    experiment_search_free(&search);
    method.axes = &named;
    seen = 0;
    assert_ok(experiment_search(&task, &params, &search));
    assert_int_equal(seen_epochs[0], 3);
    assert_int_equal(seen_epochs[1], 4);
    assert_int_equal(params.epochs, 3);
    experiment_search_free(&search);
    setting_close(&s);
}

/* What is read back is what was made; another key, other axes and a damaged file are not taken. */
static void test_search_file(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char *pushes[] = {"0", "-7", "-1e6"}, *one[] = {"0"}, path[4096];
    ExperimentAxis axis = {&FAKE_PARAMS[1], pushes, 3, true, 0}, narrow = {&FAKE_PARAMS[1], one, 1, true, 0};
    ExperimentMethod method = {.method = &FAKE, .label = "fake", .axes = &axis, .axis_count = 1, .where = "t:1"};
    FakeParams params = {.mode = 1};
    ExperimentSearch search, back;
    bool found;
    snprintf(path, sizeof path, "%s/search.h5", support_scratch());
    assert_ok(search_once(&method, &s.context, &s.few, &params, &search));
    assert_ok(experiment_search_load(path, "key", &method, &back, &found));
    assert_false(found);
    assert_ok(experiment_search_save(path, "key", &method, &search));
    assert_ok(experiment_search_load(path, "key", &method, &back, &found));
    assert_true(found);
    assert_int_equal(back.points, 3);
    assert_int_equal(back.chosen, 2);
    assert_int_equal(back.n, search.n);
    assert_near(back.seconds, search.seconds, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_near(back.score[i], search.score[i], 0, 0);
        assert_near(back.value[i], search.value[i], 0, 0);
        assert_near(back.cost[i], search.cost[i], 0, 0);
    }
    params.push = 5;
    assert_ok(experiment_search_choose(&method, &back, &params));
    assert_near(params.push, -1e6, 0, 0);
    experiment_search_free(&back);
    assert_ok(experiment_search_load(path, "other", &method, &back, &found));
    assert_false(found);
    method.axes = &narrow;
    assert_ok(experiment_search_load(path, "key", &method, &back, &found));
    assert_false(found);
    method.axes = &axis;
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 600, SEEK_SET), 0);
    assert_int_equal(fwrite("\xff\xff\xff\xff", 1, 4, file), 4);
    assert_int_equal(fclose(file), 0);
    assert_ok(experiment_search_load(path, "key", &method, &back, &found));
    assert_false(found);
    experiment_search_free(&search);
    setting_close(&s);
}

static void test_search_without_a_good_point(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char *pushes[] = {"-7"};
    ExperimentAxis axis = {&FAKE_PARAMS[1], pushes, 1, true, 0};
    ExperimentMethod method = {.method = &FAKE, .label = "fake", .axes = &axis, .axis_count = 1, .where = "t:1"};
    FakeParams params = {0};
    ExperimentSearch search;
    assert_fails(search_once(&method, &s.context, &s.split.validation, &params, &search), BASE_ENUMERIC,
                 "made to fail");
    setting_close(&s);
}

/* A validation split without the forgotten classes, or without anything else, or with nothing at all. */
static void test_search_needs_both_kinds(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char *pushes[] = {"0"};
    ExperimentAxis axis = {&FAKE_PARAMS[1], pushes, 1, true, 0};
    ExperimentMethod method = {.method = &FAKE, .label = "fake", .axes = &axis, .axis_count = 1, .where = "t:1"};
    FakeParams params = {0};
    ExperimentSearch search;
    DataIndex parts[3] = {{0}};
    assert_ok(data_partition(&s.split.validation, &s.forget.classes, &parts[0], &parts[1]));
    for (int i = 0; i < 3; i++) {
        DataView view = data_view_of(s.data.train, &parts[i]);
        assert_fails(search_once(&method, &s.context, &view, &params, &search), BASE_EUSAGE, "set validation higher");
    }
    data_index_free(&parts[0]);
    data_index_free(&parts[1]);
    setting_close(&s);
}

/* A mean over classes and images has both objectives, whichever stands first. */
static void test_objective(void **state)
{
    (void)state;
    int64_t at[] = {0};
    DataForget sets[3] = {[1] = {.images = {.at = at, .n = 1}}};
    assert_string_equal(experiment_search_objective(sets, 1), EXPERIMENT_OBJECTIVE);
    assert_string_equal(experiment_search_objective(sets + 1, 1), EXPERIMENT_OBJECTIVE_IMAGES);
    for (size_t first = 0; first < 2; first++) {
        const char *both = experiment_search_objective(sets + first, 2);
        assert_non_null(strstr(both, EXPERIMENT_OBJECTIVE " "));
        assert_non_null(strstr(both, EXPERIMENT_OBJECTIVE_IMAGES " "));
    }
}

/* The answers on the grid are [G, G], as docs/results.md says. */
static void test_regions(void **state)
{
    (void)state;
    Setting s;
    StoreRun *run;
    StoreArray x, label;
    setting_open(&s);
    assert_ok(store_run_create(&run));
    assert_ok(experiment_record_regions(&s.data, s.model.net, NN_F32, run));
    assert_true(store_run_array(run, "/regions/x", &x));
    assert_true(store_run_array(run, "/regions/label", &label));
    assert_int_equal(label.ndim, 2);
    assert_int_equal(label.shape[0], x.count);
    assert_int_equal(label.shape[1], x.count);
    store_run_free(run);
    setting_close(&s);
}

/* ------------------------------------------------------------ what an attack is given */

enum { TRAIN_N = 9, TEST_N = 6, CLASSES = 3 };
static MiaWiring expected;
static int64_t seen_role[3];
static double seen_first[3]; /* first logit of the first point of each role */

static BaseStatus fake_score(const MiaInput *input, const void *params, MiaScores *out)
{
    (void)params;
    memset(seen_role, 0, sizeof seen_role);
    for (int64_t i = 0; i < input->N; i++) {
        if (seen_role[input->role[i]]++ == 0) seen_first[input->role[i]] = input->logits[i * input->K];
        out->score[i] = input->role[i] == MIA_MEMBER ? 1 + (double)i : -(double)i;
    }
    return BASE_OK;
}
static const MiaAttack FAKE_ATTACK = {
    .entry = BASE_ENTRY_PLAIN("fake", "for tests", ""), .sets = "", .score = fake_score};

/* Image i has the logits i, 0, 0 (test: 100 + i) and the class i mod 3; class 1 is forgotten. */
static void test_attack_roles(void **state)
{
    (void)state;
    float train[TRAIN_N * CLASSES] = {0}, test[TEST_N * CLASSES] = {0};
    int32_t train_y[TRAIN_N], test_y[TEST_N];
    for (int i = 0; i < TRAIN_N; i++) train[i * CLASSES] = (float)i, train_y[i] = i % CLASSES;
    for (int i = 0; i < TEST_N; i++) test[i * CLASSES] = (float)(100 + i), test_y[i] = i % CLASSES;
    EvalPredictions on_train = {train, train_y, TRAIN_N, CLASSES, NULL},
                    on_test = {test, test_y, TEST_N, CLASSES, NULL};
    uint8_t in[CLASSES] = {0, 1, 0};
    DataForget forget = {.classes = {CLASSES, 1, in}};
    static const struct {
        MiaSet member, nonmember, audited;
        bool balance;
        int64_t n[3]; /* non-members, members, audited */
        double first[2];
    } ROWS[] = {
        {MIA_SET_RETAIN_TRAIN, MIA_SET_FORGET_TRAIN, MIA_SET_FORGET_TEST, false, {3, 6, 2}, {1, 0}},
        {MIA_SET_RETAIN_TRAIN, MIA_SET_RETAIN_TEST, MIA_SET_FORGET_TRAIN, true, {4, 4, 3}, {100, 0}},
        {MIA_SET_FORGET_TRAIN, MIA_SET_FORGET_TEST, MIA_SET_NONE, false, {2, 3, 0}, {101, 1}},
    };
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++) {
        expected = (MiaWiring){"w", "q", ROWS[i].member, ROWS[i].nonmember, ROWS[i].audited, ROWS[i].balance, false};
        ExperimentAttack attack = {&FAKE_ATTACK, &expected, "fake w", NULL};
        ExperimentConfig e = {.attacks = &attack, .attack_count = 1};
        StoreRun *run;
        assert_ok(store_run_create(&run));
        assert_ok(experiment_attacks(&e, &on_train, &on_test, &forget, "hash", 0, run));
        for (int role = 0; role < 3; role++) assert_int_equal(seen_role[role], ROWS[i].n[role]);
        assert_near(seen_first[MIA_NONMEMBER], ROWS[i].first[0], 0, 0);
        double first = ROWS[i].first[1];
        if (ROWS[i].balance) { /* 4 drawn of the retained training images, not the first ones */
            static const double RETAINED[] = {0, 2, 3, 5, 6, 8};
            int64_t drawn[4];
            BaseRandom random = base_random_make(0, "attack_points", MIA_MEMBER);
            base_random_choose(&random, 6, 4, drawn);
            first = RETAINED[drawn[0]];
        }
        assert_near(seen_first[MIA_MEMBER], first, 0, 0);
        assert_near(store_run_f64(run, "/attacks/fake w", "auc"), 1, 0, 0);
        assert_near(store_run_f64(run, "/attacks/fake w", "P"), (double)ROWS[i].n[MIA_MEMBER], 0, 0);
        assert_near(store_run_f64(run, "/attacks/fake w", "audited"), (double)ROWS[i].n[MIA_AUDITED], 0, 0);
        assert_string_equal(store_run_text(run, "/attacks/fake w", "weights_hash"), "hash");
        store_run_free(run);
    }
}

/* Listed images are told from held-out ones of the same classes, which are held-out images of kept classes too. */
static void test_sets_of_images(void **state)
{
    (void)state;
    const float logits[15] = {0};
    const int32_t y[5] = {0, 0, 1, 1, 2};
    const int64_t at[5] = {4, 7, 9, 12, 13};
    int64_t gone[2] = {7, 12};
    uint8_t in[3] = {1, 1, 0};
    const DataForget forget = {.classes = {3, 2, in}, .images = {gone, 2}};
    const EvalPredictions train = {logits, y, 5, 3, at}, test = {logits, y, 5, 3, NULL};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(experiment_in_set(&train, &forget, true, i), i == 1 || i == 3);
        assert_int_equal(experiment_in_set(&train, &forget, false, i), i != 1 && i != 3);
        assert_int_equal(experiment_in_set(&test, &forget, true, i), y[i] < 2);
        assert_true(experiment_in_set(&test, &forget, false, i));
    }
}

/* No forgotten test image: the attack cannot be made, the run is stored all the same. */
static void test_attack_left_out(void **state)
{
    (void)state;
    float logits[4] = {0, 1, 2, 3};
    int32_t y[2] = {0, 1}, y_test[2] = {0, 0};
    EvalPredictions on_train = {logits, y, 2, 2, NULL}, on_test = {logits, y_test, 2, 2, NULL};
    uint8_t in[2] = {0, 1};
    DataForget forget = {.classes = {2, 1, in}};
    expected = (MiaWiring){"w", "q", MIA_SET_FORGET_TRAIN, MIA_SET_FORGET_TEST, MIA_SET_NONE, false, false};
    ExperimentAttack attack = {&FAKE_ATTACK, &expected, "fake w", NULL};
    ExperimentConfig e = {.attacks = &attack, .attack_count = 1};
    StoreRun *run;
    assert_ok(store_run_create(&run));
    assert_ok(experiment_attacks(&e, &on_train, &on_test, &forget, "hash", 0, run));
    assert_non_null(store_run_text(run, "/attacks/fake w", "failed"));
    assert_true(isnan(store_run_f64(run, "/attacks/fake w", "auc")));
    store_run_free(run);
}

/* ------------------------------------------------------------ signals */

static void test_signals(void **state)
{
    (void)state;
    float logits[] = {0, 0, 0, 1000, 3, 1};
    int32_t y[] = {0, 1, 0};
    EvalPredictions p = {logits, y, 3, 2, NULL};
    uint8_t in[2] = {0, 1};
    DataForget forget = {.classes = {2, 1, in}};
    StoreRun *run;
    StoreArray array;
    assert_ok(store_run_create(&run));
    assert_ok(experiment_record_signals(&p, &p, &forget, run));
    assert_true(store_run_array(run, "/signals/retain_train/loss", &array));
    assert_int_equal(array.count, 2);
    const double *loss = array.data;
    assert_near(loss[0], log(2), 1e-15, 0);
    assert_near(loss[1], log1p(exp(-2)), 1e-15, 0);
    assert_true(store_run_array(run, "/signals/forget_test/confidence", &array));
    assert_int_equal(array.count, 1);
    assert_near(((const double *)array.data)[0], 1, 0, 0); /* no overflow at a logit of 1000 */
    store_run_free(run);
}

/* ------------------------------------------------------------ model cache */

static void test_models(void **state)
{
    (void)state;
    Setting s;
    setting_open(&s);
    char path[4096], hash[BASE_HASH_HEX], again[BASE_HASH_HEX];
    snprintf(path, sizeof path, "%s/m.safetensors", support_scratch());
    NnTrainEpoch history[] = {{1, 1.5, 0.25, 0.1, 3}, {2, 1.0 / 3, 0.5, 0.01, 4}};
    ModelCost cost = {.wall_seconds = 1.0 / 7,
                      .cpu_seconds = 2,
                      .peak_memory = 12345,
                      .samples_retain = 7,
                      .passes = 14,
                      .history = history,
                      .epochs = 2};
    ModelCost back;
    bool found;
    assert_ok(nn_net_hash(s.model.net, hash));
    assert_ok(model_load(path, "key", s.model.net, &back, &found));
    assert_false(found);
    assert_ok(model_save(path, "key", "a test", s.data.prep, s.model.net, &cost));
    nn_net_init(s.model.net, 99);
    assert_ok(model_load(path, "other key", s.model.net, &back, &found));
    assert_false(found);
    assert_ok(model_load(path, "key", s.model.net, &back, &found));
    assert_true(found);
    assert_ok(nn_net_hash(s.model.net, again));
    assert_string_equal(again, hash);
    assert_near(back.wall_seconds, 1.0 / 7, 0, 0);
    assert_int_equal(back.peak_memory, 12345);
    assert_int_equal(back.epochs, 2);
    assert_near(back.history[1].loss, 1.0 / 3, 0, 0);
    model_cost_free(&back);
    FILE *file = fopen(path, "r+b"); /* a damaged one is made again, not trusted and not fatal */
    assert_non_null(file);
    assert_int_equal(fwrite("\xff\xff\xff\xff\xff\xff\xff\xff", 1, 8, file), 8);
    assert_int_equal(fclose(file), 0);
    assert_ok(model_load(path, "key", s.model.net, &back, &found));
    assert_false(found);
    setting_close(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_split),
    cmocka_unit_test(test_search_finds_the_best),
    cmocka_unit_test(test_search_of_images),
    cmocka_unit_test(test_sets_of_images),
    cmocka_unit_test(test_attack_roles),
    cmocka_unit_test(test_search_without_a_good_point),
    cmocka_unit_test(test_signals),
    cmocka_unit_test(test_attack_left_out),
    cmocka_unit_test(test_models),
    cmocka_unit_test(test_search_needs_both_kinds),
    cmocka_unit_test(test_objective),
    cmocka_unit_test(test_regions),
    cmocka_unit_test(test_random_search),
    cmocka_unit_test(test_equal_search),
    cmocka_unit_test(test_search_file),
    cmocka_unit_test(test_search_on_several_sets),
    cmocka_unit_test(test_budget_of_epochs),
};
SUPPORT_MAIN(tests)
