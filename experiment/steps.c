/* experiment/steps.c - walks seed by seed and set by set, and remembers the numbers of the steps that later ones need. */
#include "experiment/steps.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Steps that are added to, and where the present seed and forget set stand in them. */
typedef struct {
    const ExperimentSetting *s;
    const ExperimentJob *jobs;
    ExperimentSteps out;
    size_t seed;           /* how many began */
    size_t train, retrain; /* SIZE_MAX: none */
    size_t *searches;      /* [method_count] of the seed, where searches are shared */
} Maker;

/* A step of the group opened last; *path is taken. */
static BaseStatus add(Maker *m, ExperimentStepKind kind, size_t job, const size_t *needs, size_t need_count,
                      char **path, size_t *at)
{
    BaseStatus st = BASE_OK;
    ExperimentSteps *o = &m->out;
    const ExperimentMethod *method = m->jobs[job].method, *methods = m->s->e->methods;
    size_t place = method ? (size_t)(method - methods) : m->s->e->method_count; /* the originals' behind all */
    SweepStep step = {.row = kind == EXPERIMENT_STEP_ROW,
                      .early = kind == EXPERIMENT_STEP_TRAIN || kind == EXPERIMENT_STEP_RETRAIN,
                      .near = m->seed,
                      .alike = place * (EXPERIMENT_STEP_ROW + 1) + (size_t)kind,
                      .need_count = need_count};
    for (size_t i = 0; i < need_count; i++) step.needs[i] = needs[i];
    BASE_TRY(BASE_GROW_BY_ONE(&o->step, o->sweep.count));
    BASE_TRY(sweep_steps_add(&o->sweep, &step, at));
    o->step[*at] = (ExperimentStep){.kind = kind, .job = job};
    if (path) o->step[*at].path = *path, *path = NULL;
out:
    return st;
}

static BaseStatus add_search(Maker *m, size_t job, size_t *at)
{
    char key[BASE_HASH_HEX], *path = NULL;
    BaseStatus st = experiment_search_place(m->s, &m->jobs[job], key, &path);
    if (st == BASE_OK) st = add(m, EXPERIMENT_STEP_SEARCH, job, &m->train, 1, &path, at);
    base_free(path);
    return st;
}

static BaseStatus begin_seed(Maker *m, size_t job)
{
    BaseStatus st = BASE_OK;
    char key[BASE_HASH_HEX], *path = NULL;
    size_t row;
    const ExperimentConfig *e = m->s->e;
    const ModelRecipe recipe = experiment_config_recipe(e, m->s->data, m->jobs[job].seed);
    m->seed++;
    BASE_TRY(sweep_steps_group(&m->out.sweep));
    BASE_TRY(model_original_path(&recipe, m->s->models, key, &path));
    BASE_TRY(add(m, EXPERIMENT_STEP_TRAIN, job, NULL, 0, &path, &m->train));
    BASE_TRY(add(m, EXPERIMENT_STEP_ROW, job, &m->train, 1, NULL, &row));
    for (size_t i = 0; i < e->method_count; i++) {
        m->searches[i] = SIZE_MAX;
        if (e->methods[i].axis_count > 0 && m->s->search_set_count > 0)
            BASE_TRY(add_search(m, job + 1 + experiment_plan_place(e, i), &m->searches[i]));
    }
out:
    base_free(path);
    return st;
}

static BaseStatus begin_set(Maker *m, size_t job)
{
    BaseStatus st = BASE_OK;
    char key[BASE_HASH_HEX], *path = NULL;
    const ExperimentMethod *reference = experiment_config_reference(m->s->e);
    const ExperimentJob *first = &m->jobs[job];
    m->retrain = SIZE_MAX;
    BASE_TRY(sweep_steps_group(&m->out.sweep));
    if (!reference) goto out;
    UnlearnContext context = experiment_context(m->s, &(SessionSplit){0}, NULL, first->seed, first->forget);
    const ModelMaking making = experiment_making(m->s, reference, reference->params, &context, first->forget_text);
    BASE_TRY(model_unlearned_path(&making, key, &path));
    size_t row = job + experiment_plan_place(m->s->e, (size_t)(reference - m->s->e->methods));
    BASE_TRY(add(m, EXPERIMENT_STEP_RETRAIN, row, NULL, 0, &path, &m->retrain));
out:
    base_free(path);
    return st;
}

BaseStatus experiment_steps_make(const ExperimentSetting *setting, const ExperimentJob *jobs, size_t count,
                                 ExperimentSteps *out)
{
    BaseStatus st = BASE_OK;
    Maker m = {.s = setting, .jobs = jobs, .train = SIZE_MAX, .retrain = SIZE_MAX};
    *out = (ExperimentSteps){0};
    size_t search = SIZE_MAX, row; /* of the method at work: one serves all its unlearnings */
    BASE_TRY(BASE_ALLOC(setting->e->method_count, &m.searches));
    for (size_t i = 0; i < count; i++) {
        const ExperimentMethod *method = jobs[i].method;
        if (!method) {
            BASE_TRY(begin_seed(&m, i));
            continue;
        }
        size_t number = (size_t)(method - setting->e->methods);
        if (jobs[i].unlearn == 0) {
            if (number == 0) BASE_TRY(begin_set(&m, i));
            search = m.searches[number];
            if (method->axis_count > 0 && setting->search_set_count == 0) BASE_TRY(add_search(&m, i, &search));
        }
        BASE_TRY(add(&m, EXPERIMENT_STEP_ROW, i, (size_t[]){m.train, m.retrain, search}, 3, NULL, &row));
    }
    *out = m.out;
    m.out = (ExperimentSteps){0};
out:
    base_free(m.searches);
    experiment_steps_free(&m.out);
    return st;
}

void experiment_steps_free(ExperimentSteps *s)
{
    for (size_t i = 0; i < s->sweep.count; i++) base_free(s->step[i].path);
    base_free(s->step);
    sweep_steps_free(&s->sweep);
}

void experiment_step_text(const ExperimentSteps *steps, const ExperimentJob *jobs, size_t at, char text[256])
{
    static const char *const BEFORE[] = {"training of the ", "retraining for ", "search for ", ""};
    enum { SHOWN = 140 }; /* bytes of the classes: the seed must still be seen */
    const ExperimentStep *step = &steps->step[at];
    const ExperimentJob *job = &jobs[step->job];
    char again[40] = "";
    if (step->kind == EXPERIMENT_STEP_ROW && job->unlearn > 0)
        snprintf(again, sizeof again, ", unlearning %lld", (long long)job->unlearn);
    snprintf(text, 256, "%s%s%s%.*s%s, seed %llu%s", BEFORE[step->kind], job->method ? job->method->label : "original",
             job->forget ? ", forget " : "", SHOWN, job->forget_both, strlen(job->forget_both) > SHOWN ? "..." : "",
             (unsigned long long)job->seed, again);
}
