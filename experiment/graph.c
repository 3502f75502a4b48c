/* experiment/graph.c - walks seed by seed and set by set, and remembers the numbers of the steps that later ones need. */
#include "experiment/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* A graph that grows, and where the present seed and forget set stand in it. */
typedef struct {
    const ExperimentSetting *s;
    const ExperimentJob *jobs;
    ExperimentGraph graph;
    size_t room, group_room;
    size_t train, retrain; /* SIZE_MAX: none */
    size_t *searches;      /* [method_count] of the seed, where searches are shared */
} Maker;

static BaseStatus open_group(Maker *m)
{
    BaseStatus st = BASE_OK;
    ExperimentGraph *g = &m->graph;
    if (g->group_count == m->group_room) {
        size_t room = m->group_room ? 2 * m->group_room : 16;
        BASE_TRY(BASE_GROW(&g->groups, g->group_count, room));
        m->group_room = room;
    }
    g->groups[g->group_count].first = g->count;
    g->groups[g->group_count++].count = 0;
out:
    return st;
}

/* A step of the group opened last; *path is taken. */
static BaseStatus add(Maker *m, ExperimentStepKind kind, size_t job, const size_t *needs, size_t need_count,
                      char **path, size_t *at)
{
    BaseStatus st = BASE_OK;
    ExperimentGraph *g = &m->graph;
    const ExperimentMethod *method = m->jobs[job].method;
    size_t methods = m->s->e->method_count;
    if (g->count == m->room) {
        size_t room = m->room ? 2 * m->room : 64;
        BASE_TRY(BASE_GROW(&g->steps, g->count, room));
        m->room = room;
    }
    ExperimentStep *step = &g->steps[g->count];
    *step = (ExperimentStep){.kind = kind, .job = job, .group = g->group_count - 1};
    step->alike = (method ? (size_t)(method - m->s->e->methods) : methods) * (EXPERIMENT_STEP_ROW + 1) + (size_t)kind;
    for (size_t i = 0; i < need_count; i++)
        if (needs[i] != SIZE_MAX) step->needs[step->need_count++] = needs[i];
    if (path) step->path = *path, *path = NULL;
    g->groups[g->group_count - 1].count++;
    if (kind == EXPERIMENT_STEP_ROW) g->rows[job] = g->count;
    *at = g->count++;
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
    BASE_TRY(open_group(m));
    BASE_TRY(model_original_path(e, m->s->data, m->jobs[job].seed, m->s->models, key, &path));
    BASE_TRY(add(m, EXPERIMENT_STEP_TRAIN, job, NULL, 0, &path, &m->train));
    BASE_TRY(add(m, EXPERIMENT_STEP_ROW, job, &m->train, 1, NULL, &row));
    for (size_t i = 0; i < e->method_count; i++) {
        m->searches[i] = SIZE_MAX;
        if (e->methods[i].axis_count > 0 && m->s->search_set_count > 0)
            BASE_TRY(add_search(m, job + 1 + i, &m->searches[i]));
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
    BASE_TRY(open_group(m));
    if (!reference) goto out;
    UnlearnContext context = {.forget = first->forget, .seed = first->seed};
    const ModelMaking making = {m->s->e,           m->s->data, reference->method,
                                reference->params, &context,   first->forget_text,
                                m->s->models,      false,      false};
    BASE_TRY(model_unlearned_path(&making, key, &path));
    size_t row = job + (size_t)(reference - m->s->e->methods);
    BASE_TRY(add(m, EXPERIMENT_STEP_RETRAIN, row, NULL, 0, &path, &m->retrain));
out:
    base_free(path);
    return st;
}

BaseStatus experiment_graph_make(const ExperimentSetting *setting, const ExperimentJob *jobs, size_t count,
                                 ExperimentGraph *out)
{
    BaseStatus st = BASE_OK;
    Maker m = {.s = setting, .jobs = jobs, .train = SIZE_MAX, .retrain = SIZE_MAX};
    *out = (ExperimentGraph){0};
    BASE_TRY(BASE_ALLOC(count, &m.graph.rows));
    BASE_TRY(BASE_ALLOC(setting->e->method_count, &m.searches));
    m.graph.row_count = count;
    for (size_t i = 0; i < count; i++) {
        const ExperimentMethod *method = jobs[i].method;
        size_t search, row;
        if (!method) {
            BASE_TRY(begin_seed(&m, i));
            continue;
        }
        size_t number = (size_t)(method - setting->e->methods);
        if (number == 0) BASE_TRY(begin_set(&m, i));
        search = m.searches[number];
        if (method->axis_count > 0 && setting->search_set_count == 0) BASE_TRY(add_search(&m, i, &search));
        BASE_TRY(add(&m, EXPERIMENT_STEP_ROW, i, (size_t[]){m.train, m.retrain, search}, 3, NULL, &row));
    }
    *out = m.graph;
    m.graph = (ExperimentGraph){0};
out:
    base_free(m.searches);
    experiment_graph_free(&m.graph);
    return st;
}

void experiment_graph_free(ExperimentGraph *graph)
{
    for (size_t i = 0; i < graph->count; i++) base_free(graph->steps[i].path);
    base_free(graph->steps);
    base_free(graph->rows);
    base_free(graph->groups);
    *graph = (ExperimentGraph){0};
}

void experiment_step_text(const ExperimentGraph *graph, const ExperimentJob *jobs, size_t at, char text[256])
{
    static const char *const BEFORE[] = {"training of the ", "retraining for ", "search for ", ""};
    enum { SHOWN = 140 }; /* bytes of the classes: the seed must still be seen */
    const ExperimentStep *step = &graph->steps[at];
    const ExperimentJob *job = &jobs[step->job];
    snprintf(text, 256, "%s%s%s%.*s%s, seed %llu", BEFORE[step->kind], job->method ? job->method->label : "original",
             job->forget ? ", forget " : "", SHOWN, job->forget_both, strlen(job->forget_both) > SHOWN ? "..." : "",
             (unsigned long long)job->seed);
}
