/* experiment/config.c - what others ask of a config that is read, and its end. */
#include "experiment/config.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "nn/tuning.h"

static const char *const STRATEGIES[] = {"grid", "random", "equal", NULL};
const BaseParam experiment_budget_params[] = {
    BASE_PARAM_CHOICE(
        ExperimentBudget, strategy, 0, STRATEGIES,
        "the whole grid, points of it drawn without repetition, or the same number of evaluations for each "
        "method with the published values among them"),
    BASE_PARAM_I64(ExperimentBudget, trials, 0, 0, 10000,
                   "largest number of points that each method may try; 0: no limit"),
    BASE_PARAM_I64(ExperimentBudget, epochs, 0, 0, 100000,
                   "epochs of each trial of a method that has them; 0: its own"),
};
const size_t experiment_budget_param_count = BASE_COUNT(experiment_budget_params);

const BaseParam experiment_confusion_params[] = {
    BASE_PARAM_I64(ExperimentConfusion, first, 0, 0, 1000000000, "number of the first class of the range"),
    BASE_PARAM_I64(ExperimentConfusion, last, -1, -1, 1000000000, "number of its last class; -1: all classes"),
};
const size_t experiment_confusion_param_count = BASE_COUNT(experiment_confusion_params);

BaseStatus experiment_method_params(const ExperimentMethod *m, void **params)
{
    size_t size = m->method->entry.params_size;
    BaseStatus st = base_alloc_bytes(1, size ? size : 1, params);
    if (st == BASE_OK && size) memcpy(*params, m->params, size);
    return st;
}

int64_t experiment_method_epochs(const ExperimentMethod *m, const NnTrainConfig *training)
{
    const BaseEntry *entry = &m->method->entry;
    const BaseParam *p = base_param_find(entry->params, entry->param_count, "epochs");
    int64_t epochs;
    if (!p || p->kind != BASE_KIND_I64) return 0;
    memcpy(&epochs, (const char *)m->params + p->offset, sizeof epochs);
    return epochs > 0 ? epochs : training->epochs;
}

BaseStatus experiment_method_set_epochs(const ExperimentMethod *m, int64_t epochs, void *params)
{
    const BaseEntry *entry = &m->method->entry;
    char text[32];
    for (size_t i = 0; i < m->axis_count; i++)
        if (strcmp(m->axes[i].param->name, "epochs") == 0) return BASE_OK;
    snprintf(text, sizeof text, "%lld", (long long)epochs);
    if (!base_param_find(entry->params, entry->param_count, "epochs")) return BASE_OK;
    return base_param_set(entry->params, entry->param_count, params, entry->name, "epochs", text, m->where);
}

const ExperimentMethod *experiment_config_reference(const ExperimentConfig *e)
{
    for (const ExperimentMethod *m = e->methods; m < e->methods + e->method_count; m++)
        if (strcmp(m->method->entry.name, "retrain") == 0 && m->axis_count == 0) return m;
    return NULL;
}

size_t experiment_config_number(const ExperimentConfig *e, uint64_t seed)
{
    for (size_t i = 0; i < e->seed_count; i++)
        if (e->seeds[i] == seed) return i;
    return 0;
}

ModelRecipe experiment_config_recipe(const ExperimentConfig *e, const SessionData *data, uint64_t seed)
{
    const ExperimentOriginal *original = e->originals ? &e->originals[experiment_config_number(e, seed)] : NULL;
    return (ModelRecipe){.arch = e->arch,
                         .data = data,
                         .training = &e->train,
                         .precision = e->precision,
                         .tuning = e->tuning,
                         .validation = e->validation,
                         .half = e->shadows.pairs > 0 ? &e->target : NULL,
                         .seed = seed,
                         .weights = original ? original->path : NULL,
                         .weights_hash = original ? original->hash : NULL};
}

static void free_sets(ExperimentSet *sets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        base_free(sets[i].text);
        base_free(sets[i].draw);
    }
    base_free(sets);
}

static void free_method(ExperimentMethod *m)
{
    for (size_t a = 0; a < m->axis_count; a++) {
        for (size_t i = 0; i < m->axes[a].count; i++) base_free(m->axes[a].values[i]);
        base_free(m->axes[a].values);
    }
    for (size_t k = 0; k < m->each_count; k++) base_free(m->each[k].value);
    base_free(m->axes);
    base_free(m->each);
    base_free(m->family);
    base_free(m->label);
    base_free(m->params);
}

void experiment_config_free(ExperimentConfig *e)
{
    if (!e) return;
    for (size_t i = 0; i < e->method_count; i++) free_method(&e->methods[i]);
    for (size_t i = 0; i < e->attack_count; i++) {
        base_free(e->attacks[i].label);
        base_free(e->attacks[i].params);
    }
    free_sets(e->forget, e->forget_count);
    free_sets(e->search_forget, e->search_forget_count);
    base_free(e->methods);
    base_free(e->beside);
    for (size_t i = 0; e->originals && i < e->seed_count; i++) base_free(e->originals[i].path);
    base_free(e->originals);
    base_free(e->attacks);
    base_free(e->seeds);
    base_free(e->top);
    base_yaml_free(e->root);
    nn_tuning_free(e->tuning);
    base_free(e);
}
