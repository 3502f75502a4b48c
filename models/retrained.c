/* models/retrained.c - trains by the method retrain, with a seed per network, and keeps each by a hash of its images. */
#include "models/retrained.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "io/file.h"
#include "session/classes.h"
#include "session/model.h"
#include "session/params.h"

static uint64_t seed_of(const ModelRetrainTask *t, int64_t i)
{
    BaseRandom random = base_random_make(t->recipe.seed, "retrained", (uint64_t)i);
    return base_random_u64(&random) >> 1; /* as every seed that is stored */
}

/* "retrained without [3] on 5000 images, <hash of their positions>" */
static BaseStatus describe(const ModelRetrainTask *t, const char *forget, BaseText *out)
{
    BaseStatus st = BASE_OK;
    BaseHash *hash = NULL;
    char hex[BASE_HASH_HEX];
    BASE_TRY(base_hash_create(&hash));
    for (int64_t i = 0; i < t->train->n; i++) {
        int64_t at = data_view_at(t->train, i);
        base_hash_add(hash, &at, sizeof at);
    }
    base_hash_finish(hash, hex);
    base_text_add(out, "retrained without [%s] on %lld images, %s", forget, (long long)t->train->n, hex);
    st = out->st;
out:
    base_hash_free(hash);
    return st;
}

static BaseStatus train(const ModelRetrainTask *t, const ModelRecipe *r, NnNet *net, ModelCost *cost)
{
    BaseStatus st = BASE_OK;
    const UnlearnMethod *retrain;
    UnlearnReport report = {0};
    UnlearnContext context = {.original = net,
                              .train = *t->train,
                              .forget = t->forget,
                              .training = r->training,
                              .precision = r->precision,
                              .seed = r->seed};
    void *params = NULL;
    BASE_TRY(unlearn_find("retrain", &retrain));
    BASE_TRY(session_params_defaults(&retrain->entry, &params));
    const ModelMaking making = {.method = retrain, .params = params, .context = &context};
    BASE_TRY(model_unlearn(&making, net, &report, cost));
out:
    unlearn_report_free(&report);
    base_free(params);
    return st;
}

static BaseStatus make_one(const ModelRetrainTask *t, const char *what, const char *forget, int64_t i, char **path,
                           ModelCost *cost)
{
    BaseStatus st = BASE_OK;
    SessionModel model = {0};
    BaseText made = {0}, both = {0};
    char key[BASE_HASH_HEX], *name = NULL;
    ModelRecipe r = t->recipe;
    bool found = false;
    r.seed = seed_of(t, i);
    BASE_TRY(model_key(&r, what, key));
    BASE_TRY(base_format(&name, "retrained-%s-%02lld", forget, (long long)i));
    BASE_TRY(model_path(t->folder, name, key, path));
    BASE_TRY(session_model_create(r.arch, r.data, &model));
    BASE_TRY(model_load(*path, key, model.net, cost, &found));
    if (found) goto out;
    nn_net_set_tuning(model.net, r.tuning);
    BASE_TRY(train(t, &r, model.net, cost));
    session_classes_both(t->forget, r.data->train, &both);
    BASE_TRY(both.st);
    base_text_add(&made, "%s, classes %s, seed %llu, data %s\n", what, both.data, (unsigned long long)r.seed,
                  r.data->spec);
    model_recipe_text(&r, &made);
    BASE_TRY(made.st);
    BASE_TRY(model_save(*path, key, made.data, r.data->prep, model.net, cost));
    base_notice("[%lld/%lld] retrained without %s: %.1f s", (long long)(i + 1), (long long)t->count, both.data,
                cost->wall_seconds);
out:
    base_free(name);
    base_text_free(&made);
    base_text_free(&both);
    session_model_free(&model);
    return st;
}

BaseStatus model_retrained_make(const ModelRetrainTask *t, char **paths, ModelCost *costs)
{
    BaseStatus st = BASE_OK;
    BaseText what = {0}, forget = {0};
    for (int64_t i = 0; i < t->count; i++) {
        paths[i] = NULL;
        costs[i] = (ModelCost){0};
    }
    session_classes_text(t->forget, &forget);
    BASE_TRY(forget.st);
    BASE_TRY(describe(t, forget.data, &what));
    BASE_TRY(io_folder_make(t->folder));
    io_folder_sweep(t->folder);
    for (int64_t i = 0; i < t->count; i++) BASE_TRY(make_one(t, what.data, forget.data, i, &paths[i], &costs[i]));
out:
    base_error_prefix(st, "retraining");
    for (int64_t i = 0; i < t->count && st != BASE_OK; i++) {
        base_free(paths[i]);
        model_cost_free(&costs[i]);
        paths[i] = NULL;
    }
    base_text_free(&what);
    base_text_free(&forget);
    return st;
}
