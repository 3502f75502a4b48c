/* experiment/bind.c - forget sets become classes and positions; each method checks its parameters with every value of its search. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "experiment/bind.h"
#include "experiment/forget.h"
#include "experiment/given.h"

static BaseStatus check_params(const ExperimentMethod *m, const UnlearnContext *context, const void *params)
{
    return base_error_prefix(m->method->check(context, params), "%s: method %s", m->where, m->method->entry.name);
}

static BaseStatus check_method(const ExperimentMethod *m, const UnlearnContext *context)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &m->method->entry;
    void *params = NULL;
    BASE_TRY(base_error_prefix(unlearn_check_forget(m->method, context->forget), "%s", m->where));
    BASE_CHECK(!m->in_turn || !data_forget_by_image(context->forget), BASE_EUSAGE,
               "%s: in_turn takes classes one after another, and listed images are one set", m->where);
    if (!m->method->check) return BASE_OK;
    BASE_TRY(experiment_method_params(m, &params));
    BASE_TRY(check_params(m, context, params));
    for (const ExperimentAxis *axis = m->axes; axis < m->axes + m->axis_count; axis++) {
        for (size_t i = 0; i < axis->count; i++) {
            BASE_TRY(base_param_set(entry->params, entry->param_count, params, entry->name, axis->param->name,
                                    axis->values[i], m->where));
            BASE_TRY(check_params(m, context, params));
        }
        memcpy(params, m->params, entry->params_size);
    }
out:
    base_free(params);
    return st;
}

/* Logits that the method is given in place of networks, of every seed. */
static BaseStatus check_given(const ExperimentConfig *e, const SessionData *data, const ExperimentMethod *m,
                              UnlearnContext context)
{
    BaseStatus st = BASE_OK;
    void *params = NULL;
    char *path = NULL;
    if (!m->method->logits || m->axis_count > 0) return BASE_OK;
    BASE_TRY(experiment_method_params(m, &params));
    for (size_t i = 0; i < e->seed_count; i++) {
        context.seed = e->seeds[i];
        context.number = (int64_t)i;
        BASE_TRY(m->method->logits(&context, params, &path));
        if (!path) break;
        BASE_TRY(experiment_given_check(path, data));
        base_free(path);
        path = NULL;
    }
out:
    base_free(params);
    base_free(path);
    return base_error_prefix(st, "%s: method %s", m->where, m->method->entry.name);
}

/* @p texts NULL: each class in turn. */
static BaseStatus parse_sets(const ExperimentConfig *e, const SessionData *data, const ExperimentSet *texts, size_t n,
                             DataForget **out, size_t *count)
{
    BaseStatus st = BASE_OK;
    DataForget *sets = NULL;
    *out = NULL;
    *count = 0;
    if (n == 0) return BASE_OK;
    BASE_TRY(BASE_ALLOC(n, &sets));
    for (size_t i = 0; i < n; i++) {
        char number[32];
        snprintf(number, sizeof number, "#%zu", i);
        BASE_TRY(texts ? experiment_set_open(&texts[i], data, &e->prepare, &sets[i])
                       : data_forget_classes(data->train, number, &sets[i]));
        for (size_t j = 0; j < i; j++)
            BASE_CHECK(!data_forget_same(&sets[i], &sets[j]), BASE_EUSAGE, "%s: forget: the set %s is given twice",
                       texts[i].where, texts[i].text);
    }
    *out = sets;
    *count = n;
    sets = NULL;
out:
    experiment_forget_free(sets, n);
    return st;
}

static UnlearnContext context_of(const ExperimentConfig *e, const SessionData *data, const SessionModel *model,
                                 const DataForget *forget)
{
    return (UnlearnContext){.original = model->net,
                            .train = data_view_all(data->train),
                            .forget = forget,
                            .training = &e->train,
                            .precision = e->precision,
                            .seed = e->seeds[0],
                            .beside = e->beside};
}

BaseStatus experiment_config_bind_search(const ExperimentConfig *e, const SessionData *data, const SessionModel *model,
                                         DataForget **out, size_t *count)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(parse_sets(e, data, e->search_forget, e->search_forget_count, out, count));
    for (size_t i = 0; i < *count; i++) {
        const UnlearnContext context = context_of(e, data, model, &(*out)[i]);
        for (size_t m = 0; m < e->method_count; m++)
            if (e->methods[m].axis_count > 0)
                BASE_TRY(base_error_prefix(check_method(&e->methods[m], &context), "%s: search: forget",
                                           e->search_forget[i].where));
    }
out:
    if (st != BASE_OK) {
        experiment_forget_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return st;
}

BaseStatus experiment_config_bind(const ExperimentConfig *e, const SessionData *data, const SessionModel *model,
                                  DataForget **forget, size_t *count)
{
    BaseStatus st = BASE_OK;
    *forget = NULL;
    *count = 0;
    BASE_TRY(eval_saliency_check(model->net, &e->saliency));
    BASE_CHECK(e->confusion.last < 0 ? e->confusion.first == 0
                                     : e->confusion.first < e->confusion.last && e->confusion.last < data->train->K,
               BASE_EUSAGE,
               "%s: confusion: classes %lld to %lld: must be a range of at least two of the classes 0 to %lld",
               base_yaml_get(e->root, "confusion")->where, (long long)e->confusion.first, (long long)e->confusion.last,
               (long long)data->train->K - 1);
    BASE_TRY(e->forget_all ? parse_sets(e, data, NULL, (size_t)data->train->K, forget, count)
                           : parse_sets(e, data, e->forget, e->forget_count, forget, count));
    for (size_t i = 0; i < *count; i++) {
        const UnlearnContext context = context_of(e, data, model, &(*forget)[i]);
        for (size_t m = 0; m < e->method_count; m++) {
            BASE_TRY(check_method(&e->methods[m], &context));
            BASE_TRY(check_given(e, data, &e->methods[m], context));
        }
    }
out:
    if (st != BASE_OK) {
        experiment_forget_free(*forget, *count);
        *forget = NULL;
        *count = 0;
    }
    return st;
}

void experiment_forget_free(DataForget *forget, size_t count)
{
    for (size_t i = 0; forget && i < count; i++) data_forget_free(&forget[i]);
    base_free(forget);
}
