/* What the analyses need of experiment/: rows that stand for several methods, classes in turn, saliency in a run. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "data/set/build.h"
#include "experiment/bind.h"
#include "experiment/canonical.h"
#include "experiment/read.h"
#include "experiment/record.h"
#include "io/file.h"
#include "models/turn.h"
#include "nn/arch/arch.h"
#include "session/params.h"
#include "tests/experiment/whole.h"

static const char HEAD[] = "name: e\ndata: gaussians\narch: mlp\nforget: [[3], [0, 3]]\n"
                           "train: {epochs: 1, batch_size: 512, lr: 0.1, augment: false}\n"
                           "relearn: false\nprobe: false\nmethods:\n";

static BaseStatus read_config(const char *methods, ExperimentConfig **out)
{
    char path[4200], text[4096];
    snprintf(path, sizeof path, "%s/e.yaml", support_scratch());
    snprintf(text, sizeof text, "%s%s", HEAD, methods);
    assert_ok(io_file_write(path, text, strlen(text)));
    return experiment_config_read(path, NULL, 0, out);
}

static void test_each(void **state)
{
    (void)state;
    static const char *const LABELS[] = {"none",
                                         "svd, alpha_r=10, layers=last",
                                         "svd, alpha_r=10, layers=first 2",
                                         "svd, alpha_r=30, layers=last",
                                         "svd, alpha_r=30, layers=first 2",
                                         "w, retain_without=none",
                                         "w, retain_without=1"};
    ExperimentConfig *e;
    assert_ok(read_config("  - none\n  - {name: svd, set: {alpha_f: 5}, each: {alpha_r: [10, 30], layers: [last, first "
                          "2]}}\n  - {name: svd, label: w, each: {retain_without: [\"\", 1]}}\n",
                          &e));
    assert_int_equal(e->method_count, 7);
    for (size_t i = 0; i < 7; i++) assert_string_equal(e->methods[i].label, LABELS[i]);
    assert_null(e->methods[0].family);
    assert_string_equal(e->methods[4].family, "svd");
    assert_string_equal(e->methods[4].each[0].name, "alpha_r");
    assert_string_equal(e->methods[4].each[0].value, "30");
    assert_string_equal(e->methods[4].each[1].value, "first 2");
    BaseText params = {0};
    session_params_text(e->methods[3].method->entry.params, e->methods[3].method->entry.param_count,
                        e->methods[3].params, &params);
    assert_non_null(strstr(params.data, "alpha_r: 30, alpha_f: 5"));
    base_text_free(&params);
    StoreRun *run;
    assert_ok(store_run_create(&run));
    experiment_record_each(&e->methods[4], run);
    assert_string_equal(store_run_text(run, "/each", "family"), "svd");
    assert_string_equal(store_run_text(run, "/each", "layers"), "first 2");
    store_run_free(run);
    experiment_config_free(e);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *methods, *text;
    } CASES[] = {
        {"  - {name: svd, each: [1]}\n", "each: must be a map of parameters to lists of values"},
        {"  - {name: svd, each: {}}\n", "each: must be a map of parameters to lists of values"},
        {"  - {name: svd, each: {alpha_r: 3}}\n", "each: alpha_r: must be a list of values"},
        {"  - {name: svd, each: {alpha_r: []}}\n", "each: alpha_r: must be a list of values"},
        {"  - {name: svd, each: {alpha: [3]}}\n", "alpha"},
        {"  - {name: svd, each: {alpha_r: [-3]}}\n", "alpha_r"},
        {"  - {name: svd, set: {alpha_r: 1}, each: {alpha_r: [3]}}\n", "is in both set and each"},
        {"  - {name: svd, search: {alpha_r: [1]}, each: {alpha_r: [3]}}\n", "is in both search and each"},
        {"  - {name: svd, alpha_r: 1, set: {alpha_r: 3}}\n", "is in the row and in its 'set'"},
        {"  - {name: svd, alpha_r: 1, search: {alpha_r: [3]}}\n", "is in the row and in its 'search'"},
        {"  - {name: svd, alpha_r: 1, each: {alpha_r: [3]}}\n", "is in the row and in its 'each'"},
        {"  - {name: svd, each: {alpha_r: [3, 3]}}\n", "the label 'svd, alpha_r=3' is used twice"},
        {"  - {name: svd, in_turn: maybe}\n", "in_turn = 'maybe': must be true or false"},
        {"  - {name: retrain, in_turn: true}\n", "in_turn: not with a search"},
        {"  - {name: svd, in_turn: true, search: {alpha_r: [1, 2]}}\n", "in_turn: not with a search"},
    };
    ExperimentConfig *e = NULL;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_fails(read_config(CASES[i].methods, &e), BASE_EUSAGE, CASES[i].text);
    char many[2000], *at = many + sprintf(many, "  - {name: svd, each: {alpha_r: [1");
    for (int i = 0; i < 149; i++) at += sprintf(at, ", %d", i + 2);
    at += sprintf(at, "], alpha_f: [1");
    for (int i = 0; i < 149; i++) at += sprintf(at, ", %d", i + 2);
    sprintf(at, "]}}\n");
    assert_fails(read_config(many, &e), BASE_ELIMIT, "each: more than 10000 combinations");
}

/* The hash of a run's weights. */
static void weights_of(const char *results, const char *label, const char *forget, char hash[BASE_HASH_HEX])
{
    char folder[4300], path[4700], **names;
    size_t count;
    *hash = '\0';
    snprintf(folder, sizeof folder, "%s/e", results);
    assert_ok(io_folder_list(folder, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        StoreRun *run;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_ok(store_run_read(path, &run));
        if (strcmp(store_run_text(run, "/", "label"), label) == 0 &&
            strcmp(store_run_text(run, "/", "forget"), forget) == 0)
            snprintf(hash, BASE_HASH_HEX, "%s", store_run_text(run, "/meta", "weights_hash"));
        store_run_free(run);
    }
    io_names_free(names, count);
    assert_int_equal(strlen(hash), BASE_HASH_HEX - 1);
}

/* One class in turn is that class at once; of two the second step starts elsewhere. */
static void test_experiment(void **state)
{
    (void)state;
    char text[4096], at_once[2][BASE_HASH_HEX], in_turn[2][BASE_HASH_HEX];
    ExperimentOutcome outcome;
    BaseText terminal = {0};
    snprintf(text, sizeof text, "%s  - svd\n  - {name: svd, label: turn, in_turn: true}\n", HEAD);
    const ExperimentTask how = {.results = support_scratch(), .threads = 1, .columns = 99};
    assert_ok(whole_run(text, how, &outcome, &terminal));
    assert_int_equal(outcome.failed, 0);
    assert_int_equal(outcome.done, 5);
    weights_of(support_scratch(), "svd", "3", at_once[0]);
    weights_of(support_scratch(), "turn", "3", in_turn[0]);
    weights_of(support_scratch(), "svd", "0,3", at_once[1]);
    weights_of(support_scratch(), "turn", "0,3", in_turn[1]);
    assert_string_equal(at_once[0], in_turn[0]);
    assert_string_not_equal(at_once[1], in_turn[1]);
    base_text_free(&terminal);
}

enum { N = 40, SIDE = 8, K = 4 };

static DataSet *make_set(void)
{
    DataSet *set = NULL;
    BaseRandom r = base_random_make(3, "pixels", 0);
    assert_ok(data_set_create("synthetic", DATA_F32, N, 1, SIDE, SIDE, K, &set));
    for (int64_t i = 0; i < N * SIDE * SIDE; i++)
        ((float *)set->images)[i] = (float)(base_random_uniform(&r) + (i / SIDE % SIDE == i / (SIDE * SIDE) % K));
    for (int64_t i = 0; i < N; i++) set->labels[i] = (int32_t)(i % K);
    assert_ok(data_set_name_classes(set, NULL));
    assert_ok(data_set_finish(set, "images", "labels"));
    return set;
}

static NnNet *make_net(void)
{
    const NnArch *arch;
    NnNet *net = NULL;
    assert_ok(nn_arch_find("convnet", &arch));
    assert_ok(nn_arch_build(arch, (const int64_t[]){1, SIDE, SIDE}, K, &net));
    nn_net_init(net, 4);
    return net;
}

/* Classes 1 and 3 by hand: 1 from the original on everything, then 3 from that, on images without class 1. */
static void test_turn(void **state)
{
    (void)state;
    DataSet *set = make_set();
    NnNet *net = make_net(), *got = NULL, *want = NULL, *middle = NULL;
    const UnlearnMethod *svd;
    UnlearnReport report = {0}, step = {0};
    DataForget both = {0}, first = {0}, second = {0};
    DataIndex inside = {0}, rest = {0};
    void *params = NULL;
    assert_ok(unlearn_find("svd", &svd));
    assert_ok(session_params_defaults(&svd->entry, &params));
    assert_ok(data_forget_classes(set, "1,3", &both));
    assert_ok(data_forget_classes(set, "1", &first));
    assert_ok(data_forget_classes(set, "3", &second));
    UnlearnContext context = {.original = net, .train = data_view_all(set), .forget = &both, .seed = 2};
    assert_ok(nn_net_clone(net, &got));
    assert_ok(model_turn(svd, &context, params, got, &report));
    assert_int_equal(report.samples_forget, 20);
    assert_int_equal(report.samples_retain, 30 + 20); /* 0, 2, 3, then 0, 2: never 1 again */

    assert_ok(nn_net_clone(net, &middle));
    context.forget = &first;
    assert_ok(unlearn_run(svd, &context, params, middle, &step));
    unlearn_report_free(&step);
    step = (UnlearnReport){0};
    assert_ok(nn_net_clone(middle, &want));
    DataView all = data_view_all(set);
    assert_ok(data_partition(&all, &first.classes, &inside, &rest));
    context.original = middle;
    context.train = data_view_of(set, &rest);
    context.forget = &second;
    assert_ok(unlearn_run(svd, &context, params, want, &step));
    assert_memory_equal(nn_net_params(got), nn_net_params(want), (size_t)nn_net_param_count(net) * sizeof(float));
    assert_memory_not_equal(nn_net_params(got), nn_net_params(middle), (size_t)nn_net_param_count(net) * sizeof(float));
    unlearn_report_free(&step);
    unlearn_report_free(&report);
    data_index_free(&inside);
    data_index_free(&rest);
    data_forget_free(&both);
    data_forget_free(&first);
    data_forget_free(&second);
    base_free(params);
    nn_net_free(net);
    nn_net_free(got);
    nn_net_free(want);
    nn_net_free(middle);
    data_set_free(set);
}

static void test_saliency(void **state)
{
    (void)state;
    DataSet *set = make_set();
    NnNet *original = make_net(), *net = make_net();
    DataForget forget = {0};
    StoreRun *run;
    StoreArray maps, before, pictures, forgotten;
    nn_net_init(net, 9);
    assert_ok(data_forget_classes(set, "2", &forget));
    const EvalSubject subject = {.net = net, .original = original, .test = data_view_all(set), .forget = &forget};
    const EvalSaliencyConfig config = {.enabled = true, .images = 2, .side = 2};
    assert_ok(store_run_create(&run));
    assert_ok(experiment_record_saliency(&subject, &config, run));
    assert_true(store_run_array(run, "/saliency/maps", &maps));
    assert_true(store_run_array(run, "/saliency/maps_original", &before));
    assert_true(store_run_array(run, "/saliency/pictures", &pictures));
    assert_true(store_run_array(run, "/saliency/forgotten", &forgotten));
    assert_true(maps.ndim == 3 && maps.shape[0] == 4 && maps.count == before.count);
    assert_true(pictures.ndim == 4 && pictures.shape[2] == SIDE && forgotten.count == 4);
    assert_memory_not_equal(maps.data, before.data, (size_t)maps.count * sizeof(float)); /* two networks */
    store_run_free(run);
    data_forget_free(&forget);
    nn_net_free(net);
    nn_net_free(original);
    data_set_free(set);

    ExperimentConfig *e;
    SessionData data = {0};
    SessionModel model = {0};
    DataForget *sets;
    size_t count;
    assert_ok(read_config("  - none\nsaliency: {side: 2}\n", &e)); /* a map asks for it */
    assert_true(e->saliency.enabled && e->saliency.side == 2 && e->saliency.images == 4);
    assert_ok(session_data_open("gaussians", NULL, &data));
    assert_ok(session_model_create("mlp", &data, &model));
    assert_fails(experiment_config_bind(e, &data, &model, &sets, &count), BASE_EUSAGE,
                 "saliency: this network has no map");
    session_model_free(&model);
    session_data_free(&data);
    experiment_config_free(e);
}

/* The range is in the run and in what identifies it; without it neither knows of one. */
static void test_confusion(void **state)
{
    (void)state;
    static const struct {
        const char *range, *text;
    } BAD[] = {{"{first: 1}", "confusion: classes 1 to -1: must be a range of at least two of the classes 0 to 3"},
               {"{last: 0}", "confusion: classes 0 to 0"},
               {"{first: 1, last: 4}", "confusion: classes 1 to 4"},
               {"{first: 2, last: 2}", "confusion: classes 2 to 2"}};
    ExperimentConfig *e;
    SessionData data = {0};
    SessionModel model = {0};
    DataForget *sets;
    size_t count;
    BaseText plain = {0}, ranged = {0};
    StoreRun *run;
    const char *const *names;
    assert_ok(session_data_open("gaussians", NULL, &data));
    assert_ok(session_model_create("mlp", &data, &model));
    for (size_t i = 0; i < BASE_COUNT(BAD); i++) {
        char text[128];
        snprintf(text, sizeof text, "  - none\nconfusion: %s\n", BAD[i].range);
        assert_ok(read_config(text, &e));
        assert_fails(experiment_config_bind(e, &data, &model, &sets, &count), BASE_EUSAGE, BAD[i].text);
        experiment_config_free(e);
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(read_config(i ? "  - none\nconfusion: {first: 1, last: 3}\n" : "  - none\n", &e));
        assert_ok(experiment_config_bind(e, &data, &model, &sets, &count));
        experiment_forget_free(sets, count);
        experiment_config_canonical(e, &e->methods[0], NULL, i ? &ranged : &plain);
        assert_ok(store_run_create(&run));
        experiment_record_range(&e->confusion, run);
        assert_ok(store_run_status(run));
        assert_int_equal(store_run_names(run, "/confusion", &names, &count), i);
        assert_true(i == 0 || store_run_f64(run, "/confusion", "last") == 3);
        store_run_free(run);
        experiment_config_free(e);
    }
    assert_null(strstr(plain.data, "confusion"));
    assert_non_null(strstr(ranged.data, "first: 1, last: 3"));
    base_text_free(&plain);
    base_text_free(&ranged);
    session_model_free(&model);
    session_data_free(&data);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each), cmocka_unit_test(test_refused),  cmocka_unit_test(test_experiment),
    cmocka_unit_test(test_turn), cmocka_unit_test(test_saliency), cmocka_unit_test(test_confusion),
};
SUPPORT_MAIN(tests)
