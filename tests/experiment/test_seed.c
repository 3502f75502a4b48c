/* What the jobs of a seed share is made once: the original, and one retrained network a forget set, whose failure is
 * remembered and met again by nobody but the next set. */
#include "tests/support/support.h"

#include <stdio.h>

#include "experiment/bind.h"
#include "experiment/job.h"
#include "experiment/read.h"
#include "io/file.h"
#include "models/make.h"
#include "session/program.h"

static const char CONFIG[] = "name: e\n"
                             "data: gaussians\n"
                             "arch: mlp\n"
                             "seeds: [0]\n"
                             "validation: 0.1\n"
                             "forget: [3, [0, 1]]\n"
                             "train: {epochs: 1, batch_size: 512, lr: 0.1, augment: false}\n"
                             "relearn: false\n"
                             "probe: false\n"
                             "methods: [none, retrain, mask_logit]\n";

/* The linker puts it in front of model_unlearned (Makefile, WRAP). */
static struct {
    int calls, failing; /* the next so many fail */
} making;
BaseStatus __real_model_unlearned(const ModelMaking *m, NnNet *net, UnlearnReport *report, ModelCost *cost,
                                  char **path);
BaseStatus __wrap_model_unlearned(const ModelMaking *m, NnNet *net, UnlearnReport *report, ModelCost *cost,
                                  char **path);
BaseStatus __wrap_model_unlearned(const ModelMaking *m, NnNet *net, UnlearnReport *report, ModelCost *cost, char **path)
{
    making.calls++;
    if (making.failing-- > 0) return base_error_set(BASE_ENUMERIC, "attempt %d went astray", making.calls);
    return __real_model_unlearned(m, net, report, cost, path);
}

typedef struct {
    ExperimentConfig *e;
    SessionData data;
    SessionModel model;
    DataForget *forget;
    size_t forget_count, job_count;
    ExperimentJob *jobs;
    char *models;
    ExperimentSetting setting;
} World;

static World world_open(void)
{
    World w = {0};
    char *path = NULL;
    assert_ok(session_threads_set(1, NULL));
    assert_ok(base_format(&path, "%s/e.yaml", support_scratch()));
    assert_ok(base_format(&w.models, "%s/models", support_scratch()));
    assert_ok(io_file_write(path, CONFIG, sizeof CONFIG - 1));
    assert_ok(experiment_config_read(path, NULL, 0, &w.e));
    assert_ok(session_data_open(w.e->data, &w.e->prepare, &w.data));
    assert_ok(session_model_create(w.e->arch, &w.data, &w.model));
    assert_ok(experiment_config_bind(w.e, &w.data, &w.model, &w.forget, &w.forget_count));
    assert_ok(experiment_plan_make(w.e, &w.data, w.forget, w.forget_count, NULL, &w.jobs, &w.job_count));
    assert_ok(io_folder_make(w.models));
    base_free(path);
    return w;
}

static void world_close(World *w)
{
    experiment_plan_free(w->jobs, w->job_count);
    experiment_forget_free(w->forget, w->forget_count);
    session_model_free(&w->model);
    session_data_free(&w->data);
    experiment_config_free(w->e);
    base_free(w->models);
}

static ExperimentSetting setting_of(const World *w)
{
    return (ExperimentSetting){.e = w->e, .data = &w->data, .models = w->models, .command = "test", .threads = 1};
}

/* One attempt a set, whatever became of it; jobs of a set stand together, the original's own has none. */
static void references(const World *w, int failing)
{
    ExperimentSetting s = setting_of(w);
    ExperimentSeed seed = {.seed = 0};
    const DataForget *last = NULL;
    int sets = 0;
    making.calls = 0;
    making.failing = failing;
    assert_ok(experiment_seed_make(&s, &seed));
    for (size_t j = 0; j < w->job_count; j++) {
        const ExperimentJob *job = &w->jobs[j];
        char text[64];
        if (!job->method) continue;
        sets += job->forget != last;
        last = job->forget;
        BaseStatus st = experiment_reference_make(&s, &seed, job);
        assert_int_equal(making.calls, sets);
        assert_ptr_equal(seed.reference.forget, job->forget);
        snprintf(text, sizeof text, "attempt %d went astray", sets);
        if (sets <= failing)
            assert_fails(st, BASE_ENUMERIC, text); /* the same sentence for every job of the set */
        else
            assert_ok(st);
        assert_int_equal(seed.reference.made.net != NULL, sets > failing);
        assert_int_equal(seed.reference.made.predictions[EVAL_TEST].p.n > 0, sets > failing);
    }
    assert_int_equal(sets, 2);
    experiment_seed_free(&seed);
}

static void one_reference_a_set(void **state)
{
    (void)state;
    World w = world_open();
    for (int failing = 0; failing <= 2; failing++) references(&w, failing);
    world_close(&w);
}

/* Another process tried: here nobody does, and what is given up is not given up twice. */
static void what_is_given_up_stays(void **state)
{
    (void)state;
    World w = world_open();
    ExperimentSetting s = setting_of(&w);
    ExperimentSeed seed = {.seed = 0};
    const ExperimentJob *job = &w.jobs[w.job_count - 1];
    making.calls = making.failing = 0;
    assert_ok(experiment_seed_make(&s, &seed));
    assert_ok(experiment_reference_give_up(&seed, job, BASE_ENUMERIC, "elsewhere"));
    assert_ok(experiment_reference_give_up(&seed, job, BASE_EIO, "later"));
    assert_fails(experiment_reference_make(&s, &seed, job), BASE_ENUMERIC, "elsewhere");
    assert_int_equal(making.calls, 0);
    experiment_seed_free(&seed);
    world_close(&w);
}

/* The original too: one attempt, and its reason for each job after it. */
static void one_original_a_seed(void **state)
{
    (void)state;
    World w = world_open();
    ExperimentSetting s = setting_of(&w);
    ExperimentSeed seed = {.seed = 0};
    assert_ok(experiment_seed_make(&s, &seed));
    NnNet *net = seed.net;
    assert_ok(experiment_seed_make(&s, &seed));
    assert_ptr_equal(seed.net, net);
    experiment_seed_free(&seed);
    char *models = w.models;
    seed = (ExperimentSeed){.seed = 5};
    w.e->train.lr = 1e30; /* and is not to be had */
    assert_fails(experiment_seed_make(&s, &seed), BASE_ENUMERIC, "original, seed 5");
    w.e->train.lr = 0.1;
    assert_fails(experiment_seed_make(&s, &seed), BASE_ENUMERIC, "original, seed 5");
    experiment_seed_free(&seed);
    w.models = models;
    world_close(&w);
}

static BaseStatus split_once(void *user)
{
    ExperimentSetting s = setting_of(user);
    SessionSplit split;
    BaseStatus st = experiment_seed_split(&s, 0, &split);
    session_split_free(&split);
    return st;
}

static BaseStatus reference_once(void *user)
{
    const World *w = user;
    ExperimentSetting s = setting_of(w);
    ExperimentSeed seed = {.seed = 0};
    BaseStatus st = experiment_seed_make(&s, &seed);
    if (st == BASE_OK) st = experiment_reference_make(&s, &seed, &w->jobs[w->job_count - 1]);
    experiment_seed_free(&seed);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    World w = world_open();
    making.failing = 0;
    support_fail_each_allocation(split_once, &w, 100);
    assert_ok(reference_once(&w)); /* now both networks are kept */
    support_fail_some_allocations(reference_once, &w, 7, 20000);
    world_close(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_reference_a_set),
    cmocka_unit_test(what_is_given_up_stays),
    cmocka_unit_test(one_original_a_seed),
    cmocka_unit_test(without_memory),
};
SUPPORT_MAIN(tests)
