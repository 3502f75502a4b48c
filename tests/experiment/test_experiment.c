/* Whole experiments on the toy data: what is compared with the retrained network, what is made only once, what a dry
 * run says. */
#include "tests/support/support.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "io/file.h"
#include "store/schema.h"
#include "store/store.h"
#include "tests/experiment/whole.h"

static const char CONFIG[] = "name: e\n"
                             "data: gaussians\n"
                             "arch: mlp\n"
                             "forget: [3]\n"
                             "train: {epochs: 2, batch_size: 512, lr: 0.1, augment: false}\n"
                             "search: {strategy: random, trials: 2, forget: [0, 3]}\n"
                             "relearn: {max_steps: 300, lr: 0.02, judge_per_class: 100}\n"
                             "methods:\n"
                             "  - none\n"
                             "  - retrain\n"
                             "  - {name: svd, search: {alpha_r: [10, 100], alpha_f: [1, 3]}}\n"
                             "  - mask_logit\n";

static ExperimentOutcome run(const char *results, const char *const *set, size_t set_count, bool dry,
                             BaseText *terminal)
{
    ExperimentOutcome outcome;
    BaseText text = {0};
    const ExperimentTask how = {.assignments = set,
                                .assignment_count = set_count,
                                .results = results,
                                .dry_run = dry,
                                .threads = 1,
                                .columns = 400};
    assert_ok(whole_run(CONFIG, how, &outcome, terminal ? terminal : &text));
    base_text_free(&text);
    return outcome;
}

static char *folder_of(const char *name)
{
    char *path = NULL;
    assert_ok(base_format(&path, "%s/%s", support_scratch(), name));
    return path;
}

/* @p name, or the start of it, is in a row's list. */
static bool listed(const char *list, const char *name)
{
    for (; *list; list += strcspn(list, " "), list += strspn(list, " ")) {
        size_t length = strcspn(list, " "), begin = length - (list[length - 1] == '_');
        if (strncmp(list, name, begin) == 0 && (begin < length || !name[begin])) return true;
    }
    return false;
}

/* A row of the table has this array, or where @p attribute is one, that attribute. */
static void assert_row(const char *path, const char *type, int ndim, const char *attribute)
{
    for (const StoreRow *row = store_schema; row->path; row++) {
        char pattern[200], *out = pattern;
        int rank = 1;
        for (const char *c = row->path; *c; c++) {
            *out++ = *c == '<' ? '*' : *c;
            if (*c == '<') c = strchr(c, '>');
        }
        *out = '\0';
        for (const char *c = row->shape; *c; c++) rank += *c == ',';
        if (strcmp(row->type, type) != 0 || fnmatch(pattern, path, FNM_PATHNAME) != 0) continue;
        if (attribute ? listed(row->shape, attribute) : rank == ndim) return;
    }
    fail_msg("store/schema.c has no %s, %s of %d dimensions%s%s", path, type, ndim, attribute ? ", " : "",
             attribute ? attribute : "");
}

static void assert_in_schema(const StoreRun *run, const char *group)
{
    static const char *const TYPES[] = {"float64", "float32", "int64", "int32", "uint8"};
    const char *const *names, *const *texts;
    size_t count, lines;
    assert_true(store_run_names(run, group, &names, &count));
    for (size_t i = 0; i < count; i++) assert_row(group, "attributes", 0, names[i]);
    assert_true(store_run_members(run, group, &names, &count));
    for (size_t i = 0; i < count; i++) {
        char path[1200];
        StoreArray array;
        snprintf(path, sizeof path, "%s/%s", group[1] ? group : "", names[i]);
        if (store_run_array(run, path, &array))
            assert_row(path, TYPES[array.type], array.ndim, NULL);
        else if (store_run_texts(run, path, &texts, &lines))
            assert_row(path, "text", 1, NULL);
        else
            assert_in_schema(run, path);
    }
}

/* The run file of a label in <results>/e. */
static StoreRun *open_run(const char *results, const char *label)
{
    char folder[4300], path[4700], **names;
    size_t count;
    StoreRun *found = NULL;
    snprintf(folder, sizeof folder, "%s/e", results);
    assert_ok(io_folder_list(folder, ".h5", &names, &count));
    for (size_t i = 0; i < count && !found; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_ok(store_run_read(path, &found));
        if (strcmp(store_run_text(found, "/", "label"), label) == 0) continue;
        store_run_free(found);
        found = NULL;
    }
    io_names_free(names, count);
    assert_non_null(found);
    assert_in_schema(found, "/");
    return found;
}

static double value(const StoreRun *run, const char *name, const char *split)
{
    MathEstimate out;
    if (!store_run_metric(run, name, split, &out)) return NAN;
    assert_true(out.n > 0);
    return out.value;
}

/* Every metric that looks at the retrained network is there. */
static void test_references(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "tow",           "aus",          "activation_distance", "js_retrained", "zrf",   "zrf_repository",
        "relearn_steps", "probe_forget", "recovered_forget",    "flops",        "epochs"};
    char *results = folder_of("references");
    ExperimentOutcome outcome = run(results, NULL, 0, false, NULL);
    assert_int_equal(outcome.done, 5);
    assert_int_equal(outcome.failed, 0);
    StoreRun *none = open_run(results, "none"), *retrain = open_run(results, "retrain"),
             *svd = open_run(results, "svd"), *mask = open_run(results, "mask_logit"),
             *original = open_run(results, "original");
    StoreRun *const runs[] = {none, retrain, svd, mask};
    for (size_t r = 0; r < 4; r++) {
        for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
            if (isnan(value(runs[r], NAMES[i], "test")) !=
                (runs[r] == retrain && listed("tow activation_distance js_retrained", NAMES[i])))
                fail_msg("%s in run %zu", NAMES[i], r);
        assert_string_equal(store_run_text(runs[r], "/meta", "reference_hash"),
                            store_run_text(retrain, "/meta", "weights_hash"));
    }
    for (size_t i = 0; i < 9; i++) assert_near(value(original, NAMES[i], "test"), NAN, 0, 0); /* it forgets nothing */
    /* retraining compares with nothing but another retrained network, of which one seed has none */
    assert_false(store_run_metric(retrain, "tow", "test", &(MathEstimate){0}));
    assert_false(store_run_metric(retrain, "js_retrained", "train", &(MathEstimate){0}));
    assert_near(value(retrain, "anamnesis", "test"), 1, 0, 0); /* the same steps from the same batches */
    assert_near(value(none, "relearn_steps", "test"), 0, 0, 0);
    assert_near(value(none, "anamnesis", "test"), 0, 0, 0);
    assert_true(value(none, "js_retrained", "test") > 0.1);
    assert_near(value(retrain, "recovered_forget", "test"), 0, 0, 0); /* it never knew the class */
    assert_true(value(none, "recovered_forget", "test") > 50);        /* it knows the class still */
    /* nothing forgotten, nothing lost: 1 over 1 + f */
    assert_near(value(none, "aus", "test"), 1 / (1 + value(none, "acc_forget", "test") / 100), 0, 1e-12);
    /* a mask hides the class from the accuracy, not from a probe: the features are the original's */
    assert_near(value(mask, "acc_forget", "test"), 0, 0, 0);
    assert_near(value(mask, "probe_forget", "test"), value(none, "probe_forget", "test"), 0, 0);
    assert_near(value(retrain, "epochs", "test"), 1.5, 0, 1e-12); /* two epochs on three of four classes */
    assert_near(store_run_f64(svd, "/search", "chosen") >= 0, 1, 0, 0);
    assert_string_equal(store_run_text(svd, "/search", "sets"), "0; 3");
    StoreArray steps;
    assert_true(store_run_array(svd, "/relearn/steps", &steps));
    assert_int_equal(steps.count, 3);
    assert_true(store_run_array(svd, "/relearn/recovered", &steps));
    assert_false(store_run_array(svd, "/representation/knn", &steps)); /* not asked for */
    assert_int_equal(steps.count, 3);
    for (size_t r = 0; r < 4; r++) store_run_free(runs[r]);
    store_run_free(original);
    base_free(results);
}

/* What the run has of each layer: at the last one the numbers of the metrics. CKA to retrained, owned. */
static double *by_layer(const StoreRun *run)
{
    static const char *const COLUMNS[][2] = {
        {"cka_to_retrained", "cka_retrained"}, {"cka_to_original", "cka_original"}, {"knn", "knn_forget"}};
    const char *const *names;
    double *out = NULL;
    size_t count;
    StoreArray a;
    assert_true(store_run_texts(run, "/representation/names", &names, &count));
    assert_true(count > 1);
    assert_near(store_run_f64(run, "/representation", "n"), 1000, 0, 0); /* of the class in the test split */
    for (size_t c = 3; c-- > 0;) {
        assert_true(store_run_array_in(run, "/representation", COLUMNS[c][0], &a));
        assert_int_equal(a.count, count);
        assert_near(((const double *)a.data)[count - 1], value(run, COLUMNS[c][1], "test"), 0, 0);
    }
    assert_ok(BASE_ALLOC((int64_t)count, &out));
    memcpy(out, a.data, count * sizeof *out);
    return out;
}

/* With two seeds each retrained network is compared with the other: the same pair of answers to the same test images,
 * whichever comes first. */
static void test_peers(void **state)
{
    (void)state;
    char *results = folder_of("peers"), folder[4300], path[4700], **names;
    static const char *const SET[] = {"methods=[retrain]", "seeds=[3, 5]", "relearn=false",
                                      "probe={epochs: 1, layers: true}"};
    double *layers[2] = {NULL, NULL};
    BaseText terminal = {0};
    size_t count;
    double js[2] = {NAN, NAN}, distance[2] = {NAN, NAN};
    assert_int_equal(run(results, SET, 4, false, &terminal).failed, 0);
    snprintf(folder, sizeof folder, "%s/e", results);
    assert_ok(io_folder_list(folder, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        StoreRun *one;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_ok(store_run_read(path, &one));
        if (strcmp(store_run_text(one, "/", "label"), "retrain") == 0) {
            int second = store_run_f64(one, "/", "seed") > 4;
            assert_near(store_run_f64(one, "/meta", "peer_seed"), second ? 3 : 5, 0, 0);
            assert_true(value(one, "tow", "test") < 1);
            js[second] = value(one, "js_retrained", "test");
            distance[second] = value(one, "activation_distance", "test");
            layers[second] = by_layer(one);
            assert_in_schema(one, "/");
        }
        store_run_free(one);
    }
    assert_true(js[0] > 1e-6 && distance[0] > 1e-4);
    assert_near(js[0], js[1], 0, 1e-9); /* sums of the same terms, each of order 1e-3 or more, in float64 */
    assert_near(distance[0], distance[1], 0, 1e-9);
    /* the two networks' images and features are the same whichever is asked; sums in float64, of 16 layers at most */
    for (int l = 0; l < 2; l++) assert_near(layers[0][l], layers[1][l], 1e-9, 0);
    base_free(layers[0]);
    base_free(layers[1]);
    io_names_free(names, count);
    base_text_free(&terminal);
    base_free(results);
}

/* Without a retrained network in the plan nothing is compared with one; switched off, nothing is trained to measure. */
static void test_without(void **state)
{
    (void)state;
    char *results = folder_of("without");
    static const char *const SET[] = {"methods=[none, mask_logit]", "relearn=false", "probe=false"};
    assert_int_equal(run(results, SET, 3, false, NULL).done, 3);
    StoreRun *mask = open_run(results, "mask_logit");
    static const char *const ABSENT[] = {"tow",       "activation_distance", "js_retrained",    "relearn_steps",
                                         "anamnesis", "probe_forget",        "recovered_forget"};
    for (size_t i = 0; i < sizeof ABSENT / sizeof *ABSENT; i++) assert_near(value(mask, ABSENT[i], "test"), NAN, 0, 0);
    assert_true(value(mask, "aus", "test") > 0); /* needs the original alone */
    assert_true(value(mask, "zrf", "train") > 0);
    assert_string_equal(store_run_text(mask, "/meta", "reference_hash"), "");
    store_run_free(mask);
    base_free(results);
}

static void modified(const char *results, struct timespec *when, size_t *count)
{
    char folder[4300], path[4700], **names;
    static const char *const KINDS[] = {".safetensors", ".h5"};
    *count = 0;
    snprintf(folder, sizeof folder, "%s/e/models", results);
    for (int k = 0; k < 2; k++) {
        size_t n;
        assert_ok(io_folder_list(folder, KINDS[k], &names, &n));
        for (size_t i = 0; i < n; i++) {
            struct stat info;
            snprintf(path, sizeof path, "%s/%s", folder, names[i]);
            assert_int_equal(stat(path, &info), 0);
            when[(*count)++] = info.st_mtim;
        }
        io_names_free(names, n);
    }
}

/* A new attack makes every job anew, and trains nothing and searches nothing again; another training does. */
static void test_made_once(void **state)
{
    (void)state;
    char *results = folder_of("once");
    static const char *const ATTACK[] = {"attacks=[loss]"}, *const TRAIN[] = {"train.lr=0.05"};
    struct timespec first[16], second[16];
    size_t n, again;
    run(results, NULL, 0, false, NULL);
    modified(results, first, &n);
    assert_int_equal(n, 3); /* original, retrained, search of svd */
    StoreRun *before = open_run(results, "svd");
    assert_int_equal(run(results, ATTACK, 1, false, NULL).done, 4); /* the original's row has no attacks */
    modified(results, second, &again);
    assert_int_equal(again, n);
    for (size_t i = 0; i < n; i++)
        assert_true(first[i].tv_sec == second[i].tv_sec && first[i].tv_nsec == second[i].tv_nsec);
    StoreRun *after = open_run(results, "svd");
    assert_string_equal(store_run_text(after, "/meta", "weights_hash"),
                        store_run_text(before, "/meta", "weights_hash"));
    assert_near(store_run_f64(after, "/search", "seconds"), store_run_f64(before, "/search", "seconds"), 0, 0);
    run(results, TRAIN, 1, false, NULL); /* a stale network is never taken */
    modified(results, second, &again);
    assert_int_equal(again, 2 * n);
    StoreRun *other = open_run(results, "retrain");
    assert_string_not_equal(store_run_text(other, "/meta", "weights_hash"),
                            store_run_text(before, "/meta", "reference_hash"));
    store_run_free(before);
    store_run_free(after);
    store_run_free(other);
    base_free(results);
}

/* Each unlearning draws anew from the same original; number 0 is the one that a single unlearning is, and is not made again. */
static void test_unlearnings(void **state)
{
    (void)state;
    char *results = folder_of("unlearnings"), folder[4300], path[4700], **names, hash[3][80] = {"", "", ""}, before[80];
    static const char *const SET[] = {"methods=[retrain, random_projection]", "relearn=false", "probe=false",
                                      "unlearn_seeds=3"};
    size_t count, rows = 0;
    assert_int_equal(run(results, SET, 3, false, NULL).done, 3);
    StoreRun *one = open_run(results, "random_projection");
    assert_true(isnan(store_run_f64(one, "/", "unlearn_seed")));
    snprintf(before, sizeof before, "%s", store_run_text(one, "/meta", "weights_hash"));
    store_run_free(one);
    ExperimentOutcome outcome = run(results, SET, 4, false, NULL);
    assert_int_equal(outcome.done, 2);
    assert_int_equal(outcome.skipped, 3);
    snprintf(folder, sizeof folder, "%s/e", results);
    assert_ok(io_folder_list(folder, ".h5", &names, &count));
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_ok(store_run_read(path, &one));
        assert_in_schema(one, "/");
        double number = store_run_f64(one, "/", "unlearn_seed");
        if (strcmp(store_run_text(one, "/", "label"), "random_projection") == 0) {
            snprintf(hash[isnan(number) ? 0 : (int)number], sizeof hash[0], "%s",
                     store_run_text(one, "/meta", "weights_hash"));
            rows++;
        }
        store_run_free(one);
    }
    io_names_free(names, count);
    assert_int_equal(rows, 3);
    assert_string_equal(hash[0], before);
    for (int i = 0; i < 3; i++) assert_string_not_equal(hash[i], hash[(i + 1) % 3]);
    base_free(results);
}

static void test_dry_run(void **state)
{
    (void)state;
    char *results = folder_of("dry");
    BaseText plan = {0};
    ExperimentOutcome outcome = run(results, NULL, 0, true, &plan);
    assert_false(io_path_exists(results));
    assert_int_equal(outcome.planned, 5);
    assert_int_equal(outcome.skipped, 0);
    assert_true(outcome.hours > 0 && outcome.hours < 1);
    assert_non_null(strstr(plan.data, "Plan of e: 5 jobs, 0 complete"));
    assert_non_null(strstr(plan.data, "(measured now)"));
    assert_non_null(strstr(plan.data, "0 of 1")); /* networks and searches still to make */
    base_text_free(&plan);
    run(results, NULL, 0, false, NULL);
    outcome = run(results, NULL, 0, true, &plan);
    assert_int_equal(outcome.skipped, 5);
    assert_near(outcome.hours, 0, 0, 0);
    base_text_free(&plan);
    static const char *const ATTACK[] = {"attacks=[loss]"};
    outcome = run(results, ATTACK, 1, true, &plan); /* the same networks, other runs */
    assert_int_equal(outcome.skipped, 1);
    assert_true(outcome.hours > 0);
    assert_non_null(strstr(plan.data, "1 of 1"));
    assert_non_null(strstr(plan.data, "its earlier runs"));
    base_text_free(&plan);
    run(results, ATTACK, 1, false, NULL);
    outcome = run(results, NULL, 0, true, &plan); /* what was set aside counts as there */
    assert_int_equal(outcome.skipped, 5);
    base_text_free(&plan);
    base_free(results);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_references), cmocka_unit_test(test_peers),       cmocka_unit_test(test_without),
    cmocka_unit_test(test_made_once),  cmocka_unit_test(test_unlearnings), cmocka_unit_test(test_dry_run),
};
SUPPORT_MAIN(tests)
