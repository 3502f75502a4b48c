/* models/retrained.c - trains by the method retrain, with a seed per network, and keeps each by a hash of its images. */
#include "models/retrained.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "io/file.h"
#include "session/forget.h"
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
    char hex[BASE_HASH_HEX];
    int64_t n = t->train->n, *at = NULL;
    BaseStatus st = BASE_ALLOC_RAW(n, &at);
    if (st != BASE_OK) return st;
    for (int64_t i = 0; i < n; i++) at[i] = data_view_at(t->train, i);
    base_hash_bytes(at, (size_t)n * sizeof *at, hex);
    base_text_add(out, "retrained without [%s] on %lld images, %s", forget, (long long)n, hex);
    base_free(at);
    return out->st;
}

static BaseStatus make_one(const ModelRetrainTask *t, const char *what, const char *forget, int64_t i, char **path,
                           ModelCost *cost)
{
    BaseStatus st = BASE_OK;
    SessionModel model = {0};
    UnlearnReport report = {0};
    BaseText both = {0};
    char *name = NULL;
    void *params = NULL;
    ModelMaking making = {.recipe = t->recipe, .forget = forget, .folder = t->folder, .keep = true, .what = what};
    making.recipe.seed = seed_of(t, i);
    BASE_TRY(unlearn_find("retrain", &making.method));
    BASE_TRY(session_params_defaults(&making.method->entry, &params));
    BASE_TRY(base_format(&name, "retrained-%s-%02lld", forget, (long long)i));
    BASE_TRY(session_model_create(t->recipe.arch, t->recipe.data, &model));
    nn_net_set_tuning(model.net, t->recipe.tuning);
    const UnlearnContext context = {.original = model.net,
                                    .train = *t->train,
                                    .forget = t->forget,
                                    .training = t->recipe.training,
                                    .precision = t->recipe.precision,
                                    .seed = making.recipe.seed};
    making.params = params;
    making.context = &context;
    making.name = name;
    BASE_TRY(model_unlearned(&making, model.net, &report, cost, path));
    if (report.passes > 0) { /* not taken from its file */
        session_forget_both(t->forget, t->recipe.data->train, &both);
        base_notice("[%lld/%lld] retrained without %s: %.1f s", (long long)(i + 1), (long long)t->count,
                    base_text_of(&both, &st), cost->wall_seconds);
    }
out:
    unlearn_report_free(&report);
    base_text_free(&both);
    base_free(name);
    base_free(params);
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
    data_forget_text(t->forget, &forget);
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
