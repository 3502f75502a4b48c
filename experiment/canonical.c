/* experiment/canonical.c - the recipe's text, and behind it what method, search, measurements and attacks add. */
#include "experiment/canonical.h"

#include <string.h>

#include "base/memory.h"
#include "session/params.h"

static void add_params(BaseText *out, const char *key, const BaseParam *table, size_t count, const void *values)
{
    base_text_add(out, "%s: ", key);
    session_params_text(table, count, values, out);
    base_text_add(out, "\n");
}

void experiment_config_canonical_search(const ExperimentConfig *e, const ExperimentMethod *m,
                                        const DataForget *search_sets, BaseText *out)
{
    if (m->axis_count == 0) return;
    for (const ExperimentAxis *axis = m->axes; axis < m->axes + m->axis_count; axis++) {
        base_text_add(out, "search %s: [", axis->param->name);
        for (size_t i = 0; i < axis->count; i++) base_text_add(out, "%s%s", i ? ", " : "", axis->values[i]);
        base_text_add(out, "]\n");
    }
    add_params(out, "search budget", experiment_budget_params, experiment_budget_param_count, &e->budget);
    for (size_t i = 0; i < e->search_forget_count; i++) {
        bool images = search_sets && data_forget_by_image(&search_sets[i]); /* a file's name does not say which */
        base_text_add(out, "search without: %s", images ? "" : e->search_forget[i].text);
        if (images) data_forget_text(&search_sets[i], out);
        base_text_add(out, "\n");
    }
}

void experiment_config_canonical(const ExperimentConfig *e, const ExperimentMethod *m, const DataForget *search_sets,
                                 BaseText *out)
{
    const ModelRecipe recipe = experiment_config_recipe(e, NULL, 0);
    model_recipe_text(&recipe, out);
    if (!m) return;
    add_params(out, m->method->entry.name, m->method->entry.params, m->method->entry.param_count, m->params);
    if (m->family) base_text_add(out, "family: %s\n", m->family);
    if (m->in_turn) base_text_add(out, "in_turn: true\n");
    experiment_config_canonical_search(e, m, search_sets, out);
    add_params(out, "relearn", eval_relearn_params, eval_relearn_param_count, &e->relearn);
    /* the last row, `layers`, only where it is asked for: who does not keeps the ids from before there was such a row */
    add_params(out, "probe", eval_probe_params, eval_probe_param_count - !e->probe.layers, &e->probe);
    add_params(out, "saliency", eval_saliency_params, eval_saliency_param_count, &e->saliency);
    if (e->confusion.last >= 0)
        add_params(out, "confusion", experiment_confusion_params, experiment_confusion_param_count, &e->confusion);
    const ExperimentMethod *reference = experiment_config_reference(e);
    if (reference)
        add_params(out, "reference", reference->method->entry.params, reference->method->entry.param_count,
                   reference->params);
    for (size_t i = 0; i < e->attack_count; i++) {
        const ExperimentAttack *a = &e->attacks[i];
        base_text_add(out, "attack %s, %s, %s", a->label, a->attack->entry.name, a->wiring->name);
        add_params(out, "", a->attack->entry.params, a->attack->entry.param_count, a->params);
    }
}

BaseStatus experiment_method_identify(const ExperimentConfig *e, const ExperimentMethod *m, const DataForget *forget,
                                      uint64_t seed, BaseText *out)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &m->method->entry;
    const UnlearnContext context = {
        .forget = forget, .seed = seed, .number = (int64_t)experiment_config_number(e, seed), .beside = e->beside};
    void *params = NULL;
    if (!m->method->identify) return BASE_OK;
    BASE_TRY(experiment_method_params(m, &params));
    BASE_TRY(m->method->identify(&context, params, out));
    for (const ExperimentAxis *axis = m->axes; axis < m->axes + m->axis_count; axis++) {
        for (size_t i = 0; i < axis->count; i++) {
            BASE_TRY(base_param_set(entry->params, entry->param_count, params, entry->name, axis->param->name,
                                    axis->values[i], m->where));
            BASE_TRY(m->method->identify(&context, params, out));
        }
        memcpy(params, m->params, entry->params_size);
    }
out:
    base_free(params);
    return st;
}
