#include "tests/support/support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "experiment/bind.h"
#include "experiment/config.h"
#include "experiment/job.h"
#include "experiment/plan.h"
#include "experiment/read.h"
#include "io/file.h"

static const char GOOD[] = "name: t\n"                                                      /* 1 */
                           "title: a test\n"                                                /* 2 */
                           "data: gaussians\n"                                              /* 3 */
                           "arch: mlp\n"                                                    /* 4 */
                           "seeds: [0, 5]\n"                                                /* 5 */
                           "forget: [0, [1, 2]]\n"                                          /* 6 */
                           "validation: 0.2\n"                                              /* 7 */
                           "train: {epochs: 3, lr: 0.05, augment: false}\n"                 /* 8 */
                           "methods:\n"                                                     /* 9 */
                           "  - none\n"                                                     /* 10 */
                           "  - name: svd\n"                                                /* 11 */
                           "    set: {layers: last}\n"                                      /* 12 */
                           "    search: {alpha_r: [10, 30], route: [svd, eigen, closed]}\n" /* 13 */
                           "  - {name: svd, label: last, set: {layers: last}}\n"            /* 14 */
                           "attacks:\n"                                                     /* 15 */
                           "  - {name: svc, wiring: paper, set: {max_points: 50}}\n"        /* 16 */
                           "  - loss\n";                                                    /* 17 */

/* Writes @p text as @p name of the scratch folder; the path, good until the next call. */
static const char *write_named(const char *name, const char *text)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", support_scratch(), name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static const char *write_config(const char *text) { return write_named("c.yaml", text); }

static ExperimentConfig *read_good(const char *const *assignments, size_t count)
{
    ExperimentConfig *e;
    assert_ok(experiment_config_read(write_config(GOOD), assignments, count, &e));
    return e;
}

static void test_reads_everything(void **state)
{
    (void)state;
    ExperimentConfig *e = read_good(NULL, 0);
    assert_string_equal(e->name, "t");
    assert_string_equal(e->title, "a test");
    assert_string_equal(e->arch, "mlp");
    assert_int_equal(e->seed_count, 2);
    assert_int_equal(e->seeds[1], 5);
    assert_int_equal(e->forget_count, 2);
    assert_string_equal(e->forget[1].text, "[1, 2]");
    assert_near(e->validation, 0.2, 0, 0);
    assert_int_equal(e->train.epochs, 3);
    assert_int_equal(e->train.batch_size, 128); /* its default */
    assert_int_equal(e->method_count, 3);
    const ExperimentMethod *svd = &e->methods[1];
    assert_int_equal(svd->axis_count, 2);
    assert_string_equal(svd->axes[0].param->name, "route"); /* what needs a new prepare() stands first */
    assert_false(svd->axes[0].tunable);
    assert_string_equal(svd->axes[1].param->name, "alpha_r");
    assert_true(svd->axes[1].tunable);
    assert_string_equal(e->methods[2].label, "last");
    assert_int_equal(e->attack_count, 2);
    assert_string_equal(e->attacks[0].label, "svc paper");
    assert_string_equal(e->attacks[1].wiring->name, "forget");
    experiment_config_free(e);
}

static void test_assignments(void **state)
{
    (void)state;
    static const char *const SET[] = {"train.epochs=7", "forget=all", "methods.2.label=other", "seeds=4"};
    ExperimentConfig *e = read_good(SET, BASE_COUNT(SET));
    assert_int_equal(e->train.epochs, 7);
    assert_true(e->forget_all);
    assert_string_equal(e->methods[2].label, "other");
    assert_int_equal(e->seed_count, 1);
    assert_int_equal(e->seeds[0], 4);
    experiment_config_free(e);
}

static void read_changed(const char *from, const char *to, ExperimentConfig **out)
{
    char text[2048];
    const char *at = strstr(GOOD, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - GOOD), GOOD, to, at + strlen(from));
    assert_ok(experiment_config_read(write_config(text), NULL, 0, out));
}

/* Booleans as YAML 1.1 and 1.2 spell them; a mark of Windows' editors in front; lists and maps whose items are all
 * commented out. */
static void test_spellings(void **state)
{
    (void)state;
    ExperimentConfig *e;
    static const char *const NO[] = {"probe: False\n", "probe: NO\n", "probe: off\n", "probe: {enabled: FALSE}\n"};
    for (size_t i = 0; i < BASE_COUNT(NO); i++) {
        read_changed("title: a test\n", NO[i], &e);
        assert_false(e->probe.enabled);
        experiment_config_free(e);
    }
    read_changed("augment: false", "augment: Yes", &e);
    assert_true(e->train.augment);
    experiment_config_free(e);
    read_changed("name: t\n", "\xef\xbb\xbfname: t\n", &e);
    assert_string_equal(e->name, "t");
    experiment_config_free(e);
    read_changed("attacks:\n  - {name: svc, wiring: paper, set: {max_points: 50}}\n  - loss\n",
                 "attacks:\n  # - {name: svc}\n  # - loss\n", &e);
    assert_int_equal(e->attack_count, 0);
    experiment_config_free(e);
    read_changed("train: {epochs: 3, lr: 0.05, augment: false}", "train:", &e);
    assert_int_equal(e->train.batch_size, 128);
    experiment_config_free(e);
}

/* Each row: the line of GOOD that changes, what it becomes, and what the message must say. */
static void test_bad_values(void **state)
{
    (void)state;
    static const struct {
        int line;
        const char *text, *message;
        BaseStatus st;
    } ROWS[] = {
        {2, "titel: x", "c.yaml:2", BASE_EUSAGE},
        {2, "titel: x", "did you mean 'title'", BASE_EUSAGE},
        {1, "name: a/b", "c.yaml:1: name = 'a/b'", BASE_EUSAGE},
        {5, "seeds: [1, x]", "c.yaml:5", BASE_EUSAGE},
        {5, "seeds: [1, 1]", "is given twice", BASE_EUSAGE},
        {5, "seeds: []", "empty", BASE_EUSAGE},
        {5, "seeds: [-1]", "at least 0", BASE_EUSAGE},
        {6, "forget: {a: 1}", "c.yaml:6", BASE_EUSAGE},
        {6, "forget: {class: 1}", "a map needs 'index'", BASE_EUSAGE},
        {6, "forget: {random: 1}", "a share above 0 and below 1", BASE_EUSAGE},
        {6, "forget: {index: a.txt, seed: 1}", "have no meaning beside it", BASE_EUSAGE},
        {7, "validation: 1.5", "c.yaml:7", BASE_EUSAGE},
        {7, "validation: lots", "c.yaml:7", BASE_EUSAGE},
        {7, "validation: 0", "a search needs images", BASE_EUSAGE},
        {8, "train: {epochs: many}", "epochs = 'many'", BASE_EUSAGE},
        {8, "train: {epochs: 0}", "c.yaml:8", BASE_EUSAGE},
        {8, "train: {epoch: 3}", "did you mean 'epochs'", BASE_EUSAGE},
        {8, "train: 3", "must be a map", BASE_EUSAGE},
        {10, "  - nothing", "c.yaml:10", BASE_ENOTFOUND},
        {13, "    search: {alpha_r: }", "c.yaml:13: search: alpha_r: the list is empty", BASE_EUSAGE},
        {10, "  - {label: x}", "without a 'name'", BASE_EUSAGE},
        {10, "  - {name: none, sets: {}}", "did you mean 'set'", BASE_EUSAGE},
        {10, "  - svd", "is used twice", BASE_EUSAGE},
        {10, "  - {name: none, label: original}", "untouched", BASE_EUSAGE},
        {12, "    set: {rout: eigen}", "did you mean 'route'", BASE_EUSAGE},
        {12, "    set: {alpha_r: -4}", "c.yaml:12", BASE_EUSAGE},
        {13, "    search: {alpha_r: 4}", "must be a list", BASE_EUSAGE},
        {13, "    search: {alpha_r: []}", "empty", BASE_EUSAGE},
        {13, "    search: {alpha_r: [1, big]}", "c.yaml:13", BASE_EUSAGE},
        {13, "    search: {beta: [1]}", "has no parameter 'beta'", BASE_EUSAGE},
        {16, "  - {name: svm}", "did you mean 'svc'", BASE_ENOTFOUND},
        {16, "  - {name: svc, wiring: papers}", "did you mean 'paper'", BASE_ENOTFOUND},
        {16, "  - loss", "is used twice", BASE_EUSAGE},
        {16, "  - {name: svc, label: a/b}", "must not contain '/'", BASE_EUSAGE},
        {16, "  - {name: svc, set: {C: 0}}", "c.yaml:16", BASE_EUSAGE},
        {3, "", "no 'data'", BASE_EUSAGE},
        {2, "search: 3", "must be a map", BASE_EUSAGE},
        {2, "search: {trial: 3}", "did you mean 'trials'", BASE_EUSAGE},
        {2, "search: {trials: 5}", "a grid of 6 points exceeds the budget of 5 trials", BASE_EUSAGE},
        {2, "search: {strategy: random}", "needs 'trials'", BASE_EUSAGE},
        {2, "search: {strategy: best}", "c.yaml:2", BASE_EUSAGE},
        {2, "search: {forget: []}", "empty", BASE_EUSAGE},
        {2, "probe: maybe", "enabled = 'maybe'", BASE_EUSAGE},
        {2, "relearn: {max_step: 3}", "did you mean 'max_steps'", BASE_EUSAGE},
        {2, "relearn: {repeats: 17}", "c.yaml:2", BASE_EUSAGE},
        {2, "cache: all", "c.yaml:2", BASE_EUSAGE},
    };
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++) {
        char text[2048];
        size_t used = 0;
        const char *at = GOOD;
        for (int line = 1; *at; line++) {
            size_t length = strcspn(at, "\n") + 1;
            if (line == ROWS[i].line)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", ROWS[i].text);
            else
                used += (size_t)snprintf(text + used, sizeof text - used, "%.*s", (int)length, at);
            at += length;
        }
        ExperimentConfig *e;
        assert_fails(experiment_config_read(write_config(text), NULL, 0, &e), ROWS[i].st, ROWS[i].message);
        assert_null(e);
    }
}

static void test_bad_files(void **state)
{
    (void)state;
    ExperimentConfig *e;
    assert_fails(experiment_config_read("/nowhere/c.yaml", NULL, 0, &e), BASE_EIO, "/nowhere/c.yaml");
    assert_fails(experiment_config_read(write_config("- a\n- b\n"), NULL, 0, &e), BASE_EUSAGE, "must be a map");
    assert_fails(experiment_config_read(write_config(""), NULL, 0, &e), BASE_EUSAGE, "must be a map");
    static const char *const SET[] = {"validation"};
    assert_fails(experiment_config_read(write_config(GOOD), SET, 1, &e), BASE_EUSAGE, "validation");
}

/* Maps key by key, lists and values whole; through two files; `--set` reaches what was inherited, and messages name the
 * line where a value stands. */
static void test_extends(void **state)
{
    (void)state;
    ExperimentConfig *e;
    write_config(GOOD);
    write_named("middle.yaml", "extends: c.yaml\nname: middle\nseeds: [9]\ntrain: {epochs: 4}\n");
    char top[4096];
    snprintf(top, sizeof top, "%s",
             write_named("top.yaml", "extends: middle.yaml\nname: top\ntrain: {momentum: 0.5}\n"));
    static const char *const SET[] = {"methods.1.set.layers=conv1"};
    assert_ok(experiment_config_read(top, NULL, 0, &e));
    assert_string_equal(e->name, "top");
    assert_string_equal(e->title, "a test");
    assert_int_equal(e->seed_count, 1);
    assert_int_equal(e->seeds[0], 9);
    assert_int_equal(e->train.epochs, 4);
    assert_near(e->train.momentum, 0.5, 0, 0);
    assert_near(e->train.lr, 0.05, 0, 0);
    assert_int_equal(e->method_count, 3);
    experiment_config_free(e);
    assert_ok(experiment_config_read(top, SET, 1, &e));
    experiment_config_free(e);
    write_named("middle.yaml", "extends: c.yaml\ntrain: {epochs: many}\n");
    assert_fails(experiment_config_read(top, NULL, 0, &e), BASE_EUSAGE, "middle.yaml:2: train: epochs = 'many'");
    write_named("middle.yaml", "extends: top.yaml\n");
    assert_fails(experiment_config_read(top, NULL, 0, &e), BASE_EUSAGE, "yaml:1: extends: more than 8 files");
    write_named("middle.yaml", "[1]\n");
    assert_fails(experiment_config_read(top, NULL, 0, &e), BASE_EUSAGE, "middle.yaml: must be a map");
    write_named("top.yaml", "extends: nowhere.yaml\n");
    assert_fails(experiment_config_read(top, NULL, 0, &e), BASE_EIO, "top.yaml:1: extends: ");
    write_named("top.yaml", "extends: [c.yaml]\n");
    assert_fails(experiment_config_read(top, NULL, 0, &e), BASE_EUSAGE, "top.yaml:1: extends: must be the path");
    static const char *const LATE[] = {"extends=c.yaml"};
    assert_fails(experiment_config_read(write_config(GOOD), LATE, 1, &e), BASE_EUSAGE, "only a file can extend");
}

/* Paths: beside the file in which they stand, also in one that another extends; from --set, and absolute ones, as they are. */
static void test_paths(void **state)
{
    (void)state;
    static const char TAIL[] = "name: t\narch: mlp\nforget: [0]\ntrain: {}\nmethods: [none]\n";
    static const char *const SET[] = {"train_index=own.txt", "data=mnist:m"};
    ExperimentConfig *e;
    char text[512], top[4096], folder[4096], want[4200];
    assert_ok(io_folder_make(support_at("deep")));
    snprintf(folder, sizeof folder, "%s/deep/", support_scratch());
    snprintf(text, sizeof text, "data: hdf5:a/x.h5\ntrain_index: train.txt\ntest_index: /t.txt\nmean: 0.5\n%s", TAIL);
    write_named("deep/base.yaml", text);
    snprintf(top, sizeof top, "%s", write_named("top.yaml", "extends: deep/base.yaml\nclass_map: ../map.txt\n"));
    assert_ok(experiment_config_read(top, NULL, 0, &e));
    snprintf(want, sizeof want, "hdf5:%sa/x.h5", folder);
    assert_string_equal(e->data, want);
    snprintf(want, sizeof want, "%strain.txt", folder);
    assert_string_equal(e->prepare.train_index, want);
    snprintf(want, sizeof want, "%s/../map.txt", support_scratch());
    assert_string_equal(e->prepare.class_map, want);
    assert_string_equal(e->prepare.test_index, "/t.txt");
    assert_string_equal(e->prepare.mean, "0.5");
    experiment_config_free(e);
    assert_ok(experiment_config_read(top, SET, 2, &e));
    assert_string_equal(e->prepare.train_index, "own.txt");
    assert_string_equal(e->data, "mnist:m");
    experiment_config_free(e);
    snprintf(text, sizeof text, "tuning: none.txt\ndata: gaussians\n%s", TAIL);
    write_named("deep/base.yaml", text);
    assert_fails(experiment_config_read(top, NULL, 0, &e), BASE_EIO, "deep/base.yaml:1: tuning: /");
    assert_fails(experiment_config_read(top, NULL, 0, &e), BASE_EIO,
                 "/deep/none.txt does not exist; a path in a config is relative to the folder of that config");
}

/* Set of a bound experiment: data, network, forget sets, jobs. */
typedef struct {
    ExperimentConfig *e;
    SessionData data;
    SessionModel model;
    DataForget *forget, *sets; /* sets: those that searches look at */
    size_t forget_count, set_count;
    ExperimentJob *jobs;
    size_t job_count;
} Bound;

static Bound bind_good(const char *const *assignments, size_t count)
{
    Bound b = {.e = read_good(assignments, count)};
    assert_ok(session_data_open(b.e->data, NULL, &b.data));
    assert_ok(session_model_create(b.e->arch, &b.data, &b.model));
    assert_ok(experiment_config_bind(b.e, &b.data, &b.model, &b.forget, &b.forget_count));
    assert_ok(experiment_config_bind_search(b.e, &b.data, &b.model, &b.sets, &b.set_count));
    assert_ok(experiment_plan_make(b.e, &b.data, b.forget, b.forget_count, b.sets, &b.jobs, &b.job_count));
    return b;
}

static void unbind(Bound *b)
{
    experiment_plan_free(b->jobs, b->job_count);
    experiment_forget_free(b->forget, b->forget_count);
    experiment_forget_free(b->sets, b->set_count);
    session_model_free(&b->model);
    session_data_free(&b->data);
    experiment_config_free(b->e);
}

static void test_plan(void **state)
{
    (void)state;
    Bound b = bind_good(NULL, 0);
    assert_int_equal(b.job_count, 2 * (1 + 2 * 3));
    assert_null(b.jobs[0].method);
    assert_string_equal(b.jobs[4].forget_text, "1,2");
    assert_int_equal(strncmp(b.jobs[4].file, "none-1-2-s0-", 12), 0);
    assert_int_equal(b.jobs[7].seed, 5);
    for (size_t i = 0; i < b.job_count; i++)
        for (size_t j = 0; j < i; j++) assert_string_not_equal(b.jobs[i].id, b.jobs[j].id);
    /* the id follows what decides the result, and nothing else */
    static const char *const TITLE[] = {"title=other", "name=elsewhere"}, *const TRAIN[] = {"train.lr=0.06"},
                             *const METHOD[] = {"methods.1.set.alpha_f=4"};
    Bound same = bind_good(TITLE, 2), train = bind_good(TRAIN, 1), method = bind_good(METHOD, 1);
    for (size_t i = 0; i < b.job_count; i++) {
        assert_string_equal(same.jobs[i].id, b.jobs[i].id);
        assert_string_not_equal(train.jobs[i].id, b.jobs[i].id);
        bool svd = b.jobs[i].method == &b.e->methods[1];
        assert_int_equal(strcmp(method.jobs[i].id, b.jobs[i].id) != 0, svd);
    }
    unbind(&b);
    unbind(&same);
    unbind(&train);
    unbind(&method);
}

/* An equal search tries the published values beside those listed, once, however they are written; only there. */
static void test_published_values(void **state)
{
    (void)state;
    static const char METHODS[] = "methods=[{name: svd, search: {alpha_r: [10, 1e2], alpha_f: [1, 10]}}, "
                                  "{name: neggrad, search: {lr: [0.01, 0.001], clip: [1.0, 0]}}]";
    static const char *const EQUAL[] = {"search={strategy: equal, trials: 4}", METHODS},
                             *const SHORT[] = {"search={strategy: equal, trials: 7}", METHODS},
                             *const RANDOM[] = {"search={strategy: random, trials: 4}", METHODS},
                             *const NONE[] = {"search.strategy=equal"};
    ExperimentConfig *e = read_good(EQUAL, 2);
    const ExperimentAxis *r = &e->methods[0].axes[0], *f = &e->methods[0].axes[1], *lr = &e->methods[1].axes[0],
                         *clip = &e->methods[1].axes[1];
    assert_int_equal(r->count, 2);
    assert_int_equal(r->published, 1);
    assert_int_equal(f->count, 3); /* 3 of the paper */
    assert_int_equal(f->published, 2);
    assert_string_equal(f->values[2], "3");
    assert_string_equal(lr->param->name, "lr");
    assert_int_equal(lr->count, 3);
    assert_string_equal(lr->values[lr->published], "0.0001");
    assert_int_equal(clip->count, 2);
    assert_int_equal(clip->published, 1);
    experiment_config_free(e);
    assert_fails(experiment_config_read(write_config(GOOD), SHORT, 2, &e), BASE_EUSAGE,
                 "a grid of 6 points, published values among them, is less than the 7 evaluations");
    assert_fails(experiment_config_read(write_config(GOOD), NONE, 1, &e), BASE_EUSAGE,
                 "an equal search needs 'trials'");
    e = read_good(RANDOM, 2);
    assert_int_equal(e->methods[0].axes[1].count, 2);
    experiment_config_free(e);
}

/* Every unlearning is a job of its own; the first one, and what is made only once, has the id that it always had. */
static void test_unlearnings(void **state)
{
    (void)state;
    static const char *const THREE[] = {"unlearn_seeds=3"};
    Bound one = bind_good(NULL, 0), b = bind_good(THREE, 1);
    assert_int_equal(b.e->unlearn_seeds, 3);
    assert_int_equal(experiment_plan_place(b.e, 0), 0);
    assert_int_equal(experiment_plan_place(b.e, 1), 1); /* none: once */
    assert_int_equal(experiment_plan_place(b.e, 2), 4);
    assert_int_equal(experiment_plan_place(b.e, 3), 7);
    assert_int_equal(b.job_count, 2 * (1 + 2 * 7));
    size_t first = 0;
    for (size_t i = 0; i < b.job_count; i++) {
        const ExperimentJob *job = &b.jobs[i];
        assert_int_equal(job->unlearn == 0, job->draw == job->seed);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(job->id, b.jobs[j].id);
            if (job->unlearn > 0 && b.jobs[j].unlearn > 0 &&
                (job->seed != b.jobs[j].seed || job->unlearn != b.jobs[j].unlearn))
                assert_true(job->draw != b.jobs[j].draw);
        }
        if (job->unlearn > 0) continue;
        assert_string_equal(job->id, one.jobs[first].id);
        assert_string_equal(job->file, one.jobs[first].file);
        first++;
    }
    assert_int_equal(first, one.job_count);
    assert_string_equal(b.jobs[4].method->label, "svd");
    assert_int_equal(b.jobs[4].unlearn, 2);
    assert_int_equal(strncmp(b.jobs[4].file, "svd-0-s0-u2-", 12), 0);
    assert_true(b.jobs[4].draw < (uint64_t)1 << 31);
    unbind(&one);
    unbind(&b);
}

/* Budget, sets searched on, and what is measured by training: read, bound, and part of the ids they decide. */
static void test_budget_and_measures(void **state)
{
    (void)state;
    static const char *const SET[] = {"search={strategy: random, trials: 4, epochs: 1, forget: [3, [0, 1]]}",
                                      "probe=false", "relearn.max_steps=9", "cache=references"};
    Bound b = bind_good(SET, BASE_COUNT(SET)), plain = bind_good(NULL, 0);
    DataForget *sets;
    size_t count;
    assert_int_equal(b.e->budget.strategy, EXPERIMENT_SEARCH_RANDOM);
    assert_int_equal(b.e->budget.trials, 4);
    assert_int_equal(b.e->budget.epochs, 1);
    assert_false(b.e->probe.enabled);
    assert_true(b.e->relearn.enabled);
    assert_int_equal(b.e->relearn.max_steps, 9);
    assert_int_equal(b.e->cache, EXPERIMENT_CACHE_REFERENCES);
    assert_ok(experiment_config_bind_search(b.e, &b.data, &b.model, &sets, &count));
    assert_int_equal(count, 2);
    assert_true(sets[0].classes.count == 1 && sets[0].classes.in[3] && sets[1].classes.count == 2 &&
                sets[1].classes.in[0] && sets[1].classes.in[1]);
    experiment_forget_free(sets, count);
    assert_ok(experiment_config_bind_search(plain.e, &plain.data, &plain.model, &sets, &count));
    assert_null(sets);
    unbind(&b);
    static const struct {
        const char *set;
        bool original, none, svd; /* whose ids it changes */
    } ROWS[] = {{"cache=references", false, false, false},
                {"search.trials=6", false, false, true},
                {"search.forget=[3]", false, false, true},
                {"probe=false", false, true, true},
                {"relearn.lr=0.5", false, true, true},
                {"methods.3=retrain", false, true, true}}; /* something to be compared with */
    for (size_t r = 0; r < BASE_COUNT(ROWS); r++) {
        Bound other = bind_good(&ROWS[r].set, 1);
        assert_int_equal(strcmp(other.jobs[0].id, plain.jobs[0].id) != 0, ROWS[r].original);
        assert_int_equal(strcmp(other.jobs[1].id, plain.jobs[1].id) != 0, ROWS[r].none);
        assert_int_equal(strcmp(other.jobs[2].id, plain.jobs[2].id) != 0, ROWS[r].svd);
        const ExperimentMethod *reference = experiment_config_reference(other.e);
        assert_int_equal(reference != NULL, r == 5);
        unbind(&other);
    }
    unbind(&plain);
    static const char UNSIR[] = "methods.1={name: unsir, search: {noise_images: [1, 2]}}";
    static const struct {
        const char *set, *message;
    } WRONG[] = {{"search.forget=[4]", "forget"},
                 {"search.forget=[3, {random: 0.1}]", "search: forget"}}; /* a class can be forgotten, images cannot */
    for (size_t r = 0; r < BASE_COUNT(WRONG); r++) {
        const char *const wrong[] = {WRONG[r].set, UNSIR};
        ExperimentConfig *e = read_good(wrong, 2);
        SessionData data;
        SessionModel model;
        assert_ok(session_data_open(e->data, NULL, &data));
        assert_ok(session_model_create(e->arch, &data, &model));
        assert_fails(experiment_config_bind_search(e, &data, &model, &sets, &count), BASE_EUSAGE, WRONG[r].message);
        if (r == 1) assert_non_null(strstr(base_error_text(), "whole classes only"));
        assert_null(sets);
        session_model_free(&model);
        session_data_free(&data);
        experiment_config_free(e);
    }
}

static void test_forget_all(void **state)
{
    (void)state;
    static const char *const SET[] = {"forget=all"};
    Bound b = bind_good(SET, 1);
    assert_int_equal(b.forget_count, 4);
    for (int64_t c = 0; c < 4; c++) assert_true(b.forget[c].classes.in[c] && b.forget[c].classes.count == 1);
    unbind(&b);
}

static void bind_fails_all(const char *const *assignments, size_t assignment_count, BaseStatus want,
                           const char *message)
{
    ExperimentConfig *e = read_good(assignments, assignment_count);
    SessionData data;
    SessionModel model;
    DataForget *forget;
    size_t count;
    assert_ok(session_data_open(e->data, NULL, &data));
    assert_ok(session_model_create(e->arch, &data, &model));
    assert_fails(experiment_config_bind(e, &data, &model, &forget, &count), want, message);
    assert_null(forget);
    session_model_free(&model);
    session_data_free(&data);
    experiment_config_free(e);
}

/* Images: a file beside the config, a share of all, a share of a class; ids and names hold the positions, not the words. */
static void test_images(void **state)
{
    (void)state;
    write_named("some.txt", "0-9\n40\n");
    char file[4200];
    snprintf(file, sizeof file,
             "forget=[{index: %s/some.txt}, {random: 0.1, seed: 3}, {class: [1, 2], random: 0.5}, 3]",
             support_scratch());
    const char *const set[] = {file}; /* paths of --set are not relative to the config */
    Bound b = bind_good(set, 1);
    assert_int_equal(b.forget_count, 4);
    assert_int_equal(b.forget[0].images.n, 11);
    assert_true(b.forget[1].images.n == 4000 && b.forget[1].classes.count == 4);
    assert_true(b.forget[2].images.n == 10000 && b.forget[2].classes.count == 2);
    assert_false(data_forget_by_image(&b.forget[3]));
    assert_int_equal(strncmp(b.jobs[1].forget_text, "images-11-", 10), 0);
    assert_string_equal(b.jobs[1].forget_both, "11 images of 4 classes");
    assert_string_equal(b.jobs[4].forget_map, "{random: 0.1, seed: 3}");
    assert_string_equal(b.jobs[10].forget_map, "");
    unbind(&b);
    snprintf(file, sizeof file, "search.forget=[{index: %s/some.txt}]", support_scratch());
    Bound before = bind_good(set, 1), again = bind_good(set, 1); /* the same text, now the sets of searches */
    ExperimentSetting searches = {.e = before.e, .data = &before.data, .models = "m", .search_set_count = 1};
    char key[3][BASE_HASH_HEX], *place;
    write_named("some.txt", "0-9\n41\n");
    Bound after = bind_good(set, 1);
    const Bound *bound[] = {&before, &again, &after};
    for (int i = 0; i < 3; i++) {
        searches.search_sets = bound[i]->sets;
        assert_ok(experiment_search_place(&searches, &before.jobs[2], key[i], &place));
        base_free(place);
    }
    assert_string_equal(key[0], key[1]);
    assert_string_not_equal(key[0], key[2]);
    assert_string_equal(before.jobs[2].id, again.jobs[2].id);
    assert_string_not_equal(before.jobs[2].id, after.jobs[2].id);
    assert_string_equal(before.jobs[3].id, after.jobs[3].id); /* no search */
    unbind(&before);
    unbind(&again);
    unbind(&after);
    ExperimentConfig *e;
    static const char HEAD[] =
        "name: t\ndata: gaussians\narch: mlp\nforget: {index: some.txt}\ntrain: {}\nmethods: [none]\n";
    assert_ok(experiment_config_read(write_config(HEAD), NULL, 0, &e));
    assert_true(strstr(e->forget[0].draw->index.s, support_scratch()) != NULL); /* relative to the config */
    experiment_config_free(e);
}

/* An edited script makes another search and other rows. */
static void test_search_identifies(void **state)
{
    (void)state;
    static const char ROW[] = "methods.1={name: command, run: \"sh my.sh {out}\", search: {limit: [5, 6]}}";
    static const char *const SETS[] = {"search.trials=9", "search.forget=[3]"};
    for (size_t shared = 0; shared < BASE_COUNT(SETS); shared++) {
        const char *const set[] = {ROW, SETS[shared]};
        char key[3][BASE_HASH_HEX], id[3][BASE_HASH_HEX], *place;
        for (int i = 0; i < 3; i++) {
            write_named("my.sh", i == 2 ? "exit 1\n" : "exit 0\n");
            Bound b = bind_good(set, 2);
            const ExperimentSetting s = {
                .e = b.e, .data = &b.data, .models = "m", .search_sets = b.sets, .search_set_count = b.set_count};
            assert_ok(experiment_search_place(&s, &b.jobs[2], key[i], &place));
            memcpy(id[i], b.jobs[2].id, sizeof id[i]);
            base_free(place);
            unbind(&b);
        }
        assert_string_equal(key[0], key[1]);
        assert_string_equal(id[0], id[1]);
        assert_string_not_equal(key[0], key[2]);
        assert_string_not_equal(id[0], id[2]);
    }
}

static void bind_fails(const char *assignment, BaseStatus want, const char *message)
{
    bind_fails_all(&assignment, 1, want, message);
}

static void test_bind_refuses(void **state)
{
    (void)state;
    bind_fails("forget=[4]", BASE_EUSAGE, "4");
    bind_fails("forget=[[0,1,2,3]]", BASE_EUSAGE, "forget");
    bind_fails("forget=[[1,2],[2,1]]", BASE_EUSAGE, "twice");
    bind_fails("forget=[{random: 0.1}, {random: 0.1, seed: 0}]", BASE_EUSAGE, "twice");
    bind_fails("forget={index: nosuch.txt}", BASE_EIO, "nosuch.txt");
    bind_fails("forget={random: 0.1, class: 9}", BASE_EUSAGE, "has no class '9'");
    bind_fails("methods.2.set.layers=[nolayer]", BASE_EUSAGE, "c.yaml:14");
}

static BaseStatus read_once(void *user)
{
    ExperimentConfig *e;
    BaseStatus st = experiment_config_read(user, NULL, 0, &e);
    experiment_config_free(e);
    return st;
}

static void test_allocations(void **state)
{
    (void)state;
    support_fail_allocations(read_once, (void *)write_config(GOOD), 4000);
}

static int shipped;

static int read_shipped(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)where;
    size_t length = strlen(path);
    if (kind != FTW_F || length < 5 || strcmp(path + length - 5, ".yaml") != 0) return 0;
    ExperimentConfig *e = NULL;
    print_message("%s\n", path);
    assert_ok(experiment_config_read(path, NULL, 0, &e));
    assert_true(!e->prepare.train_index || io_path_exists(e->prepare.train_index));
    assert_true(!e->prepare.test_index || io_path_exists(e->prepare.test_index));
    for (size_t m = 0; strstr(path, "baselines") && m < e->method_count; m++) { /* an equal budget */
        size_t points = 1;
        for (size_t a = 0; a < e->methods[m].axis_count; a++) points *= e->methods[m].axes[a].count;
        assert_true(points == 1 || (e->budget.trials > 0 && points >= (size_t)e->budget.trials));
    }
    experiment_config_free(e);
    shipped++;
    return 0;
}

/* Every config that comes with the program is read: methods, parameters, grids and attacks exist and are in range. */
static void test_shipped_configs(void **state)
{
    (void)state;
    const char *tests = getenv("EXPUNGE_TESTS");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/../configs", tests ? tests : "tests");
    assert_int_equal(nftw(folder, read_shipped, 8, FTW_PHYS), 0);
    assert_true(shipped >= 13);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_reads_everything),
    cmocka_unit_test(test_assignments),
    cmocka_unit_test(test_spellings),
    cmocka_unit_test(test_bad_values),
    cmocka_unit_test(test_bad_files),
    cmocka_unit_test(test_extends),
    cmocka_unit_test(test_paths),
    cmocka_unit_test(test_plan),
    cmocka_unit_test(test_unlearnings),
    cmocka_unit_test(test_published_values),
    cmocka_unit_test(test_forget_all),
    cmocka_unit_test(test_images),
    cmocka_unit_test(test_search_identifies),
    cmocka_unit_test(test_bind_refuses),
    cmocka_unit_test(test_allocations),
    cmocka_unit_test(test_shipped_configs),
    cmocka_unit_test(test_budget_and_measures),
};
SUPPORT_MAIN(tests)
