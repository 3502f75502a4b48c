/* Rows from logits (experiment/given.c): the original's own give what the row `none` says to the last digit, with nothing that
 * needs weights; what makes such a row again; files that are refused. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "io/hdf5.h"
#include "session/answers.h"
#include "session/model.h"
#include "store/store.h"
#include "tests/experiment/whole.h"

static const char CONFIG[] = "name: e\n"
                             "data: gaussians\n"
                             "arch: mlp\n"
                             "forget: [3]\n"
                             "validation: 0.1\n"
                             "train: {epochs: 2, batch_size: 512, lr: 0.1, augment: false}\n"
                             "relearn: {max_steps: 60, lr: 0.02, judge_per_class: 100}\n"
                             "attacks: [loss, confidence]\n"
                             "methods:\n"
                             "  - none\n"
                             "  - retrain\n";
static const char ROW[] = "  - {name: external, label: mine, logits: \"mine-{forget}-s{seed}.h5\"}\n";

typedef struct {
    SessionData data;
    float *train, *test; /* logits of the original */
} Originals;

static BaseStatus run_text(const char *text, ExperimentOutcome *outcome, BaseText *terminal)
{
    return whole_run(text, (ExperimentTask){.results = support_scratch(), .threads = 1, .columns = 400}, outcome,
                     terminal);
}

static const char *with_row(void)
{
    static char text[2000];
    snprintf(text, sizeof text, "%s%s", CONFIG, ROW);
    return text;
}

/* The only file in a folder of the experiment whose name begins so. */
static char *file_of(const char *folder, const char *start, const char *end)
{
    char **names = NULL, path[4300], *out = NULL;
    size_t count;
    snprintf(path, sizeof path, "%s/%s", support_scratch(), folder);
    assert_ok(io_folder_list(path, end, &names, &count));
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], start, strlen(start)) != 0) continue;
        assert_null(out);
        assert_ok(base_format(&out, "%s/%s", path, names[i]));
    }
    io_names_free(names, count);
    assert_non_null(out);
    return out;
}

static float *logits_of(NnNet *net, const DataSet *set)
{
    SessionPredictions predictions;
    DataView view = data_view_all(set);
    assert_ok(session_predict(net, &view, NN_F32, NULL, &predictions));
    float *out = predictions.logits;
    predictions.logits = NULL;
    session_predictions_free(&predictions);
    return out;
}

static int open_originals(void **state)
{
    static Originals o;
    ExperimentOutcome outcome;
    BaseText terminal = {0};
    SessionModel model;
    assert_ok(run_text(CONFIG, &outcome, &terminal));
    assert_int_equal(outcome.failed, 0); /* and made once for all tests */
    base_text_free(&terminal);
    char *path = file_of("e/models", "original-", ".safetensors");
    assert_ok(session_data_open("gaussians", NULL, &o.data));
    assert_ok(session_model_open("mlp", path, &o.data, &model));
    o.train = logits_of(model.net, o.data.train);
    o.test = logits_of(model.net, o.data.test);
    session_model_free(&model);
    base_free(path);
    *state = &o;
    return 0;
}

static int close_originals(void **state)
{
    Originals *o = *state;
    session_data_free(&o->data);
    base_free(o->train);
    base_free(o->test);
    return 0;
}

/* @p rows and @p columns: fewer than there are; @p hash NULL: without. */
static void write_file(const Originals *o, int64_t rows, int64_t columns, const char *hash)
{
    IoHdf5 *file = NULL;
    const DataSet *train = o->data.train, *test = o->data.test;
    int64_t shape[2] = {train->N - rows, train->K - columns}, test_shape[2] = {test->N, test->K};
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_write(file, "/train", IO_H5_F32, 2, shape, o->train));
    assert_ok(io_hdf5_write(file, "/test", IO_H5_F32, 2, test_shape, o->test));
    if (hash) assert_ok(io_hdf5_set_text(file, "/", "data_hash", hash));
    assert_ok(io_hdf5_save_take(file, support_at("mine-3-s0.h5")));
}

static StoreRun *open_run(const char *label)
{
    char start[100];
    StoreRun *run = NULL;
    snprintf(start, sizeof start, "%s-3-s0-", label);
    char *path = file_of("e", start, ".h5");
    assert_ok(store_run_read(path, &run));
    base_free(path);
    return run;
}

/* What needs weights, or what the row's making cost. */
static bool needs_network(const char *name)
{
    static const char *const NAMES[] = {"weight_distance", "relearn_steps", "anamnesis",     "recovered_forget",
                                        "probe_forget",    "knn_forget",    "cka_retrained", "cka_original",
                                        "wall_seconds",    "cpu_seconds",   "peak_memory",   "samples",
                                        "passes",          "flops",         "epochs"};
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++)
        if (strcmp(name, NAMES[i]) == 0) return true;
    return false;
}

static void assert_same_metrics(const StoreRun *want, const StoreRun *got)
{
    const char *const *names, *const *splits;
    size_t count, compared = 0, absent = 0;
    assert_true(store_run_texts(want, "/metrics/names", &names, &count));
    assert_true(store_run_texts(want, "/metrics/splits", &splits, &count));
    for (size_t i = 0; i < count; i++) {
        MathEstimate a, b;
        assert_true(store_run_metric(want, names[i], splits[i], &a));
        bool there = store_run_metric(got, names[i], splits[i], &b);
        if (there == needs_network(names[i]))
            fail_msg("%s (%s) %s", names[i], splits[i], there ? "is there" : "misses");
        absent += !there;
        if (!there) continue;
        if (a.value != b.value || a.n != b.n)
            fail_msg("%s (%s): %.17g and %.17g", names[i], splits[i], a.value, b.value);
        compared++;
    }
    assert_true(compared > 30 && absent >= 10);
}

static void assert_same_attacks(const StoreRun *want, const StoreRun *got)
{
    const char *const *labels;
    size_t count;
    assert_true(store_run_members(want, "/attacks", &labels, &count));
    assert_true(count >= 2);
    for (size_t i = 0; i < count; i++) {
        StoreArray a, b;
        char group[200], path[220];
        snprintf(group, sizeof group, "/attacks/%s", labels[i]);
        snprintf(path, sizeof path, "%s/score", group);
        assert_true(isfinite(store_run_f64(want, group, "auc")));
        assert_true(store_run_f64(want, group, "auc") == store_run_f64(got, group, "auc"));
        assert_true(store_run_array(want, path, &a) && store_run_array(got, path, &b));
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.data, b.data, (size_t)a.count * sizeof(double));
    }
}

static void test_same_as_none(void **state)
{
    const Originals *o = *state;
    ExperimentOutcome outcome;
    BaseText terminal = {0};
    write_file(o, 0, 0, o->data.hash);
    assert_ok(run_text(with_row(), &outcome, &terminal));
    assert_int_equal(outcome.done, 1);
    assert_int_equal(outcome.failed, 0);
    assert_non_null(strstr(terminal.data, "mine: judged by its logits. Not measurable"));
    base_text_free(&terminal);
    StoreRun *none = open_run("none"), *mine = open_run("mine");
    char hash[BASE_HASH_HEX];
    assert_same_metrics(none, mine);
    assert_same_attacks(none, mine);
    assert_ok(base_hash_file(support_at("mine-3-s0.h5"), hash));
    assert_string_equal(store_run_text(mine, "/meta", "weights_hash"), hash);
    assert_near(store_run_f64(mine, "/meta", "logits_only"), 1, 0, 0);
    assert_true(isnan(store_run_f64(none, "/meta", "logits_only")));
    StoreArray array;
    assert_true(store_run_array(none, "/weights/change", &array));
    assert_false(store_run_array(mine, "/weights/change", &array));
    assert_false(store_run_array(mine, "/regions/label", &array));
    store_run_free(none);
    store_run_free(mine);
    /* the same file: nothing to do; another content: this row alone */
    assert_ok(run_text(with_row(), &outcome, &terminal));
    assert_int_equal(outcome.done, 0);
    o->train[0] += 1;
    write_file(o, 0, 0, NULL);
    o->train[0] -= 1;
    assert_ok(run_text(with_row(), &outcome, &terminal));
    assert_int_equal(outcome.done, 1);
    base_text_free(&terminal);
}

static void assert_refused(BaseStatus status, const char *text)
{
    ExperimentOutcome outcome;
    BaseText terminal = {0};
    BaseStatus st = run_text(with_row(), &outcome, &terminal);
    if (st != status || !strstr(base_error_text(), text)) fail_msg("%s: %s", text, base_error_text());
    base_text_free(&terminal);
}

static void test_refusals(void **state)
{
    const Originals *o = *state;
    char text[300];
    long long N = o->data.train->N, K = o->data.train->K;
    write_file(o, 1, 0, NULL);
    snprintf(text, sizeof text, "mine-3-s0.h5: /train is [%lld, %lld] and must be [%lld, %lld]", N - 1, K, N, K);
    assert_refused(BASE_ESHAPE, text);
    write_file(o, 0, 1, NULL);
    snprintf(text, sizeof text, "mine-3-s0.h5: /train is [%lld, %lld] and must be [%lld, %lld]", N, K - 1, N, K);
    assert_refused(BASE_ESHAPE, text);
    write_file(o, 0, 0, "00ff");
    assert_refused(BASE_EUSAGE, "mine-3-s0.h5: data_hash is 00ff, and that of gaussians is ");
    IoHdf5 *file = NULL;
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_write(file, "/train", IO_H5_F32, 2, (int64_t[]){N, K}, o->train));
    assert_ok(io_hdf5_save_take(file, support_at("mine-3-s0.h5")));
    assert_refused(BASE_EFORMAT, "mine-3-s0.h5: ");
    assert_non_null(strstr(base_error_text(), "/test"));
}

/* What reading alone finds is a failed row. */
static void test_not_finite(void **state)
{
    const Originals *o = *state;
    ExperimentOutcome outcome;
    BaseText terminal = {0};
    float kept = o->test[5];
    o->test[5] = NAN;
    write_file(o, 0, 0, NULL);
    o->test[5] = kept;
    run_text(with_row(), &outcome, &terminal);
    base_text_free(&terminal);
    assert_int_equal(outcome.failed, 1);
    StoreRun *mine = open_run("mine");
    assert_string_equal(store_run_text(mine, "/", "status"), "failed");
    const char *reason = store_run_text(mine, "/", "reason");
    if (!strstr(reason, "mine-3-s0.h5: /test [") || !strstr(reason, "holds nan for image 1, class 1"))
        fail_msg("%s", reason);
    store_run_free(mine);
}

#define WITH_ORIGINALS(test) cmocka_unit_test_setup_teardown(test, open_originals, close_originals)
static const struct CMUnitTest tests[] = {
    WITH_ORIGINALS(test_same_as_none),
    WITH_ORIGINALS(test_refusals),
    WITH_ORIGINALS(test_not_finite),
};
SUPPORT_MAIN(tests)
