/* Steps and what they need; two processes give what one gives, to the bit. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "experiment/bind.h"
#include "experiment/read.h"
#include "experiment/steps.h"
#include "io/file.h"
#include "models/cache.h"
#include "sweep/spawn.h"
#include "tests/experiment/whole.h"

static const char CONFIG[] = "name: e\n"
                             "data: gaussians\n"
                             "arch: mlp\n"
                             "seeds: [0, 1]\n"
                             "forget: [3, [0, 1]]\n"
                             "train: {epochs: 2, batch_size: 512, lr: 0.1, augment: false}\n"
                             "relearn: false\n"
                             "methods:\n"
                             "  - none\n"
                             "  - retrain\n"
                             "  - {name: svd, set: {spectra: true}, search: {alpha_r: [10, 100], alpha_f: [1, 3]}}\n"
                             "attacks:\n"
                             "  - {name: loss, wiring: forget}\n";

static char *write_config(void)
{
    char *path = NULL;
    assert_ok(base_format(&path, "%s/e.yaml", support_scratch()));
    assert_ok(io_file_write(path, CONFIG, sizeof CONFIG - 1));
    return path;
}

/* ------------------------------------------------------------ steps */

static size_t need_of(const ExperimentSteps *g, size_t at, ExperimentStepKind kind)
{
    const SweepStep *step = &g->sweep.step[at];
    for (size_t n = 0; n < step->need_count; n++)
        if (g->step[step->needs[n]].kind == kind) return step->needs[n];
    return SIZE_MAX;
}

/* @p shared: searches look at sets of their own, one search a seed. @p times: each network is unlearned so often, by one search. */
static void check_steps(bool shared, int times)
{
    const char *const set[] = {times > 1 ? "unlearn_seeds=2" : "unlearn_seeds=1", "search.forget=[2]"};
    char *path = write_config(), text[256];
    ExperimentConfig *e;
    SessionData data;
    SessionModel model;
    DataForget *forget, *sets;
    size_t forget_count, set_count, job_count, kinds[4] = {0};
    ExperimentJob *jobs;
    ExperimentSteps g;
    assert_ok(experiment_config_read(path, set, 1 + (size_t)shared, &e));
    assert_ok(session_data_open(e->data, &e->prepare, &data));
    assert_ok(session_model_create(e->arch, &data, &model));
    assert_ok(experiment_config_bind(e, &data, &model, &forget, &forget_count));
    assert_ok(experiment_config_bind_search(e, &data, &model, &sets, &set_count));
    assert_ok(experiment_plan_make(e, &data, forget, forget_count, sets, &jobs, &job_count));
    const ExperimentSetting setting = {
        .e = e, .data = &data, .models = "m", .search_sets = sets, .search_set_count = set_count};
    assert_ok(experiment_steps_make(&setting, jobs, job_count, &g));
    assert_int_equal(job_count, 2 * (1 + 2 * (2 + times)));
    assert_int_equal(g.sweep.row_count, job_count);
    for (size_t i = 0; i < g.sweep.count; i++) {
        const ExperimentStep *step = &g.step[i];
        const SweepStep *place = &g.sweep.step[i];
        size_t first = g.sweep.group[place->group].first;
        kinds[step->kind]++;
        for (size_t n = 0; n < place->need_count; n++) {
            assert_true(place->needs[n] < i);
            assert_int_equal(jobs[g.step[place->needs[n]].job].seed, jobs[step->job].seed);
            assert_int_equal(g.sweep.step[place->needs[n]].near, place->near);
        }
        assert_true(i >= first && i < first + g.sweep.group[place->group].count);
        assert_true((step->path == NULL) == (step->kind == EXPERIMENT_STEP_ROW));
        bool training = step->kind == EXPERIMENT_STEP_TRAIN || step->kind == EXPERIMENT_STEP_RETRAIN;
        assert_true(place->early == training);
        if (step->kind == EXPERIMENT_STEP_RETRAIN) assert_string_equal(jobs[step->job].method->label, "retrain");
        if (step->kind == EXPERIMENT_STEP_SEARCH) assert_int_equal(jobs[step->job].unlearn, 0);
        if (training) assert_int_equal(place->need_count, 0);
        if (!training) assert_true(need_of(&g, i, EXPERIMENT_STEP_TRAIN) != SIZE_MAX);
    }
    assert_int_equal(kinds[EXPERIMENT_STEP_TRAIN], 2);
    assert_int_equal(kinds[EXPERIMENT_STEP_RETRAIN], 2 * 2);
    assert_int_equal(kinds[EXPERIMENT_STEP_SEARCH], shared ? 2 : 2 * 2);
    assert_int_equal(kinds[EXPERIMENT_STEP_ROW], job_count);
    for (size_t j = 0; j < job_count; j++) {
        size_t retrain = need_of(&g, g.sweep.row[j], EXPERIMENT_STEP_RETRAIN),
               search = need_of(&g, g.sweep.row[j], EXPERIMENT_STEP_SEARCH);
        assert_int_equal(g.step[g.sweep.row[j]].job, j);
        assert_true((retrain == SIZE_MAX) == (jobs[j].method == NULL));
        assert_true((search == SIZE_MAX) == (!jobs[j].method || jobs[j].method->axis_count == 0));
        if (retrain != SIZE_MAX) assert_string_equal(jobs[g.step[retrain].job].forget_text, jobs[j].forget_text);
    }
    experiment_step_text(&g, jobs, g.sweep.row[3], text);
    assert_string_equal(text, "svd, forget 3 ((1,-1)), seed 0");
    experiment_step_text(&g, jobs, g.sweep.row[2 + (size_t)times], text);
    assert_string_equal(text,
                        times > 1 ? "svd, forget 3 ((1,-1)), seed 0, unlearning 1" : "svd, forget 3 ((1,-1)), seed 0");
    experiment_steps_free(&g);
    experiment_plan_free(jobs, job_count);
    experiment_forget_free(forget, forget_count);
    experiment_forget_free(sets, set_count);
    session_model_free(&model);
    session_data_free(&data);
    experiment_config_free(e);
    base_free(path);
}

static void test_graph(void **state)
{
    (void)state;
    for (int times = 1; times <= 2; times++) {
        check_steps(false, times);
        check_steps(true, times);
    }
}

/* ------------------------------------------------------------ whole sweeps */

static ExperimentOutcome run(const char *config_text, const char *results, int jobs, bool dry)
{
    ExperimentOutcome outcome;
    BaseText text = {0};
    const ExperimentTask how = {.results = results, .jobs = jobs, .dry_run = dry, .threads = jobs, .columns = 400};
    assert_ok(whole_run(config_text, how, &outcome, &text));
    base_text_free(&text);
    return outcome;
}

static bool is_time(const char *name)
{
    static const char *const TIMES[] = {"command",      "started",     "seconds",     "trial_seconds",
                                        "wall_seconds", "cpu_seconds", "peak_memory", "evaluate_seconds"};
    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++)
        if (strcmp(TIMES[i], name) == 0) return true;
    return false;
}

static void same_values(const StoreRun *a, const StoreArray *x, const StoreArray *y, const char *path)
{
    static const size_t SIZES[] = {8, 4, 8, 4, 1};
    const char *const *names;
    size_t count, size = SIZES[x->type];
    assert_int_equal(x->type, y->type);
    assert_int_equal(x->count, y->count);
    bool metrics = strncmp(path, "/metrics/", 9) == 0 && store_run_texts(a, "/metrics/names", &names, &count);
    for (int64_t i = 0; i < x->count; i++)
        if (!metrics || !is_time(names[i]))
            assert_memory_equal((const char *)x->data + (size_t)i * size, (const char *)y->data + (size_t)i * size,
                                size);
}

/* Every attribute, text and array of two runs, but for times. */
static void same_group(const StoreRun *a, const StoreRun *b, const char *group)
{
    const char *const *names, *const *others, *const *x, *const *y;
    size_t count, other_count, n, m;
    char path[512];
    if (store_run_names(a, group, &names, &count)) {
        assert_true(store_run_names(b, group, &others, &other_count));
        assert_int_equal(count, other_count);
        for (size_t i = 0; i < count; i++) {
            const char *text = store_run_text(a, group, names[i]);
            assert_string_equal(names[i], others[i]);
            if (is_time(names[i])) continue;
            if (text)
                assert_string_equal(text, store_run_text(b, group, names[i]));
            else
                assert_near(store_run_f64(a, group, names[i]), store_run_f64(b, group, names[i]), 0, 0);
        }
    }
    if (!store_run_members(a, group, &names, &count)) return;
    assert_true(store_run_members(b, group, &others, &other_count));
    assert_int_equal(count, other_count);
    for (size_t i = 0; i < count; i++) {
        StoreArray p, q;
        assert_string_equal(names[i], others[i]);
        snprintf(path, sizeof path, "%s/%s", group[1] ? group : "", names[i]);
        if (is_time(names[i])) continue;
        if (store_run_array(a, path, &p)) {
            assert_true(store_run_array(b, path, &q));
            same_values(a, &p, &q, path);
        } else if (store_run_texts(a, path, &x, &n)) {
            assert_true(store_run_texts(b, path, &y, &m));
            assert_int_equal(n, m);
            for (size_t k = 0; k < n; k++) assert_string_equal(x[k], y[k]);
        } else {
            same_group(a, b, path);
        }
    }
}

static void test_jobs(void **state)
{
    (void)state;
    char one[4200], two[4200], folder[4300], path[4800], **names;
    size_t count;
    snprintf(one, sizeof one, "%s/one", support_scratch());
    snprintf(two, sizeof two, "%s/two", support_scratch());
    assert_int_equal(run(CONFIG, one, 1, false).done, 14);
    ExperimentOutcome outcome = run(CONFIG, two, 2, false);
    assert_int_equal(outcome.done, 14);
    assert_int_equal(outcome.failed + outcome.skipped, 0);
    snprintf(folder, sizeof folder, "%s/e", one);
    assert_ok(io_folder_list(folder, ".h5", &names, &count));
    assert_int_equal(count, 14);
    for (size_t i = 0; i < count; i++) {
        StoreRun *a, *b;
        snprintf(path, sizeof path, "%s/e/%s", one, names[i]);
        assert_ok(store_run_read(path, &a));
        snprintf(path, sizeof path, "%s/e/%s", two, names[i]);
        assert_ok(store_run_read(path, &b));
        same_group(a, b, "/");
        store_run_free(a);
        store_run_free(b);
    }
    io_names_free(names, count);
    outcome = run(CONFIG, two, 2, false);
    assert_int_equal(outcome.skipped, 14);
}

/* The cache of test_jobs: everything used; then a run less, and what it alone used may go. */
static void test_cache(void **state)
{
    (void)state;
    char folder[4200], path[4800], **names;
    const char *folders[] = {folder};
    size_t count, unused = 0;
    ModelCacheList list;
    ModelCachePrune what = {.unused = true, .most = -1};
    snprintf(folder, sizeof folder, "%s/one", support_scratch());
    assert_ok(model_cache_list(folders, 1, &list));
    assert_int_equal(list.count, 2 + 2 * 2 + 2 * 2); /* originals, retrained networks, searches */
    for (size_t i = 0; i < list.count; i++) {
        bool original = strncmp(list.files[i].name, "original", 8) == 0;
        bool retrained = strncmp(list.files[i].name, "retrain", 7) == 0;
        assert_int_equal(list.files[i].runs, original ? 7 : retrained ? 3 : 1);
    }
    model_cache_free(&list);
    assert_ok(model_cache_prune(folders, 1, &what, &list));
    assert_int_equal(list.freed, 0);
    model_cache_free(&list);

    snprintf(path, sizeof path, "%s/e", folder);
    assert_ok(io_folder_list(path, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], "svd-3-s0", 8) != 0) continue;
        snprintf(path, sizeof path, "%s/e/%s", folder, names[i]);
        assert_int_equal(remove(path), 0);
    }
    io_names_free(names, count);
    for (int dry = 1; dry >= 0; dry--) {
        what.dry_run = dry;
        assert_ok(model_cache_prune(folders, 1, &what, &list));
        for (size_t i = 0; i < list.count; i++) {
            if (!list.files[i].remove) continue;
            unused++;
            assert_true(strncmp(list.files[i].name, "search-svd-3-s0", 15) == 0);
            snprintf(path, sizeof path, "%s/models/%s", list.files[i].folder, list.files[i].name);
            assert_int_equal(io_path_exists(path), dry);
        }
        assert_true(list.freed > 0);
        model_cache_free(&list);
    }
    assert_int_equal(unused, 2);

    what = (ModelCachePrune){.most = 0}; /* nothing may stay, but all is used */
    assert_ok(model_cache_prune(folders, 1, &what, &list));
    assert_int_equal(list.freed, 0);
    int64_t bytes = list.bytes;
    model_cache_free(&list);
    what.force = true;
    what.most = bytes / 2;
    assert_ok(model_cache_prune(folders, 1, &what, &list));
    assert_true(list.bytes - list.freed <= bytes / 2 && list.freed < list.bytes);
    model_cache_free(&list);
    folders[0] = "/usr";
    assert_fails(model_cache_list(folders, 1, &list), BASE_ENOTFOUND, "no experiment");
}

/* 10004 jobs are planned, looked up and estimated in under 2 s of this process; its share of a busy machine is not its
 * affair, so processor time is what is measured. */
static void test_many(void **state)
{
    (void)state;
    BaseText text = {0};
    if (!getenv("EXPUNGE_LONG")) skip();
    base_text_add(&text,
                  "name: many\ndata: gaussians\narch: mlp\nforget: all\ntrain: {epochs: 2, batch_size: 512}\n"
                  "methods: [none, retrain, {name: svd, search: {alpha_r: [10, 30], alpha_f: [1, 3]}}, mask_logit, "
                  "finetune, neggrad, scrub, ssd, salun, random_label]\nseeds: [0");
    for (int seed = 1; seed < 244; seed++) base_text_add(&text, ", %d", seed);
    base_text_add(&text, "]\n");
    assert_ok(text.st);
    double started = base_clock_cpu();
    ExperimentOutcome outcome = run(text.data, "nowhere", 1, true);
    double seconds = base_clock_cpu() - started;
    assert_int_equal(outcome.planned, 244 * 41);
    if (seconds > 2) fail_msg("%d jobs took %.2f s", outcome.planned, seconds);
    base_text_free(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_graph),
    cmocka_unit_test(test_jobs),
    cmocka_unit_test(test_cache),
    cmocka_unit_test(test_many),
};

int main(int argc, char **argv)
{
    base_system_started(argv[0]);
    if (argc == 3 && strcmp(argv[1], IO_HDF5_PROBE) == 0) return io_hdf5_probe_main(argv[2]);
    if (argc > 1 && strcmp(argv[1], SWEEP_WORKER) == 0) return experiment_worker_main(argc, argv);
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
