/* models/retrained.c - trains by the method retrain, with a seed per network, and keeps each by a hash of its images. */
#include "models/retrained.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "io/file.h"

static uint64_t seed_of(const ModelRetrainTask *t, int64_t i)
{
    BaseRandom random = base_random_make(t->seed, "retrained", (uint64_t)i);
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

static BaseStatus train(const ModelRetrainTask *t, uint64_t seed, NnNet *net, ModelCost *cost)
{
    BaseStatus st = BASE_OK;
    const UnlearnMethod *retrain;
    UnlearnReport report = {0};
    UnlearnContext context = {.original = net,
                              .train = *t->train,
                              .forget = t->forget,
                              .training = t->training,
                              .precision = t->precision,
                              .seed = seed};
    void *params = NULL;
    BASE_TRY(unlearn_find("retrain", &retrain));
    BASE_TRY(session_params_defaults(&retrain->entry, &params));
    base_clock_reset_peak();
    double cpu = base_clock_cpu();
    BASE_TRY(unlearn_run(retrain, &context, params, net, &report));
    *cost = (ModelCost){.wall_seconds = report.prepare_seconds + report.apply_seconds,
                        .cpu_seconds = base_clock_cpu() - cpu,
                        .peak_memory = base_clock_peak_memory(),
                        .samples_retain = report.samples_retain,
                        .passes = report.passes};
out:
    unlearn_report_free(&report);
    base_free(params);
    return st;
}

static BaseStatus make_one(const ModelRetrainTask *t, const ExperimentConfig *e, const char *what, const char *forget,
                           int64_t i, char **path, ModelCost *cost)
{
    BaseStatus st = BASE_OK;
    SessionModel model = {0};
    BaseText name = {0}, made = {0}, both = {0};
    char key[BASE_HASH_HEX];
    uint64_t seed = seed_of(t, i);
    bool found = false;
    BASE_TRY(model_key(e, t->data, seed, what, key));
    base_text_add(&name, "retrained-%s-%02lld", forget, (long long)i);
    BASE_TRY(name.st);
    for (char *c = name.data; *c; c++) *c = *c == ',' ? '-' : *c;
    BASE_TRY(model_path(t->folder, name.data, key, path));
    BASE_TRY(session_model_create(t->arch, t->data, &model));
    BASE_TRY(model_load(*path, key, model.net, cost, &found));
    if (found) goto out;
    nn_net_set_tuning(model.net, t->tuning);
    BASE_TRY(train(t, seed, model.net, cost));
    session_classes_both(t->forget, t->data->train, &both);
    BASE_TRY(both.st);
    base_text_add(&made, "%s, classes %s, seed %llu, data %s\n", what, both.data, (unsigned long long)seed,
                  t->data->spec);
    experiment_config_canonical(e, NULL, &made);
    BASE_TRY(made.st);
    BASE_TRY(model_save(*path, key, made.data, t->data->prep, model.net, cost));
    base_notice("[%lld/%lld] retrained without %s: %.1f s", (long long)(i + 1), (long long)t->count, both.data,
                cost->wall_seconds);
out:
    base_text_free(&name);
    base_text_free(&made);
    base_text_free(&both);
    session_model_free(&model);
    return st;
}

BaseStatus model_retrained_make(const ModelRetrainTask *t, char **paths, ModelCost *costs)
{
    BaseStatus st = BASE_OK;
    BaseText what = {0}, forget = {0};
    char *arch = NULL;
    for (int64_t i = 0; i < t->count; i++) {
        paths[i] = NULL;
        costs[i] = (ModelCost){0};
    }
    BASE_TRY(base_strdup(t->arch, &arch));
    const ExperimentConfig e = {.arch = arch,
                                .precision = t->precision,
                                .tuning = t->tuning,
                                .train = *t->training}; /* as far as a network's key reads it */
    session_classes_text(t->forget, &forget);
    BASE_TRY(forget.st);
    BASE_TRY(describe(t, forget.data, &what));
    BASE_TRY(io_folder_make(t->folder));
    io_folder_sweep(t->folder);
    for (int64_t i = 0; i < t->count; i++) BASE_TRY(make_one(t, &e, what.data, forget.data, i, &paths[i], &costs[i]));
out:
    if (st != BASE_OK) base_error_prefix(st, "retraining");
    for (int64_t i = 0; i < t->count && st != BASE_OK; i++) {
        base_free(paths[i]);
        model_cost_free(&costs[i]);
        paths[i] = NULL;
    }
    base_text_free(&what);
    base_text_free(&forget);
    base_free(arch);
    return st;
}
