#include "run/job.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "run/record.h"

/* ------------------------------------------------------------ what a seed's jobs share */

static BaseStatus predict_splits(NnNet *net, const RunSplit *split, NnPrecision precision,
                                 RunPredictions out[EVAL_SPLITS])
{
    BaseStatus st = BASE_OK;
    BASE_TRY(run_predict(net, &split->train, precision, "predict train", &out[EVAL_TRAIN]));
    if (split->validation.n > 0)
        BASE_TRY(run_predict(net, &split->validation, precision, "predict validation", &out[EVAL_VALIDATION]));
    BASE_TRY(run_predict(net, &split->test, precision, "predict test", &out[EVAL_TEST]));
out:
    return st;
}

static BaseStatus seed_fill(const RunSetting *s, RunSeed *seed)
{
    BaseStatus st = BASE_OK;
    RunModel model = {0};
    BASE_TRY(run_split_make(s->data, s->e->validation, seed->seed, &seed->split));
    BASE_CHECK(seed->split.train.n > 0, BASE_EUSAGE, "validation = %g leaves no training image", s->e->validation);
    BASE_TRY(run_model_create(s->e->arch, s->data, &model));
    seed->net = model.net;
    model.net = NULL;
    BASE_TRY(
        run_models_original(s->e, s->data, &seed->split, seed->seed, s->models, seed->net, &seed->cost, &seed->path));
    BASE_TRY(nn_net_hash(seed->net, seed->hash));
    BASE_TRY(predict_splits(seed->net, &seed->split, s->e->precision, seed->predictions));
out:
    run_model_free(&model);
    return st;
}

BaseStatus run_seed_make(const RunSetting *setting, RunSeed *seed)
{
    if (seed->made && seed->st == BASE_OK) return BASE_OK;
    if (seed->made) return base_error_set(seed->st, "%s", seed->reason ? seed->reason : "the original failed");
    seed->made = true;
    seed->st = seed_fill(setting, seed);
    if (seed->st == BASE_OK) return BASE_OK;
    base_error_prefix(seed->st, "original, seed %llu", (unsigned long long)seed->seed);
    if (base_strdup(base_error_text(), &seed->reason) != BASE_OK) seed->reason = NULL;
    return base_error_set(seed->st, "%s", seed->reason ? seed->reason : "not enough memory for the original");
}

void run_seed_free(RunSeed *seed)
{
    for (int i = 0; i < EVAL_SPLITS; i++) run_predictions_free(&seed->predictions[i]);
    run_split_free(&seed->split);
    nn_net_free(seed->net);
    run_cost_free(&seed->cost);
    base_free(seed->path);
    base_free(seed->reason);
    *seed = (RunSeed){0};
}

/* ------------------------------------------------------------ one unlearning */

/* What a job works on and frees at its end. */
typedef struct {
    NnNet *net;
    char hash[BASE_HASH_HEX];
    void *params;
    UnlearnReport report;
    RunCost cost;
    RunSearch search;
    RunPredictions predictions[EVAL_SPLITS];
    char *path; /* of the stored weights, or NULL */
} Work;

static void work_free(Work *w)
{
    for (int i = 0; i < EVAL_SPLITS; i++) run_predictions_free(&w->predictions[i]);
    nn_net_free(w->net);
    base_free(w->params);
    base_free(w->path);
    unlearn_report_free(&w->report);
    run_cost_free(&w->cost);
    run_search_free(&w->search);
}

static BaseStatus unlearn_timed(const RunMethod *m, const UnlearnContext *context, Work *w)
{
    base_clock_reset_peak();
    double cpu = base_clock_cpu();
    BaseStatus st = unlearn_run(m->method, context, w->params, w->net, &w->report);
    w->cost.cpu_seconds = base_clock_cpu() - cpu;
    w->cost.wall_seconds = w->report.prepare_seconds + w->report.apply_seconds;
    w->cost.peak_memory = base_clock_peak_memory();
    w->cost.samples_retain = w->report.samples_retain;
    w->cost.samples_forget = w->report.samples_forget;
    w->cost.passes = w->report.passes;
    return st;
}

/* Retraining is hours of work: from the cache of models, or done and put there. */
static BaseStatus retrain_cached(const RunSetting *s, const RunJob *job, const UnlearnContext *context, Work *w)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &job->method->method->entry;
    BaseText what = {0}, name = {0};
    char key[BASE_HASH_HEX];
    bool found;
    base_text_add(&what, "retrain without [%s] ", job->forget_text);
    run_params_text(entry->params, entry->param_count, w->params, &what);
    BASE_TRY(what.st);
    BASE_TRY(run_models_key(s->e, s->data, job->seed, what.data, key));
    base_text_add(&name, "retrain-%s-s%llu", job->forget_text, (unsigned long long)job->seed);
    BASE_TRY(name.st);
    for (char *c = name.data; *c; c++) *c = *c == ',' ? '-' : *c;
    BASE_TRY(run_models_path(s->models, name.data, key, &w->path));
    BASE_TRY(run_models_load(w->path, key, w->net, &w->cost, &found));
    if (found) goto out;
    BASE_TRY(unlearn_timed(job->method, context, w));
    base_text_add(&what, ", data %s\n%s", s->e->data, job->config);
    BASE_TRY(what.st);
    BASE_TRY(run_models_save(w->path, key, what.data, s->data->prep, w->net, &w->cost));
out:
    base_text_free(&what);
    base_text_free(&name);
    return st;
}

static BaseStatus unlearn(const RunSetting *s, const RunSeed *seed, const RunJob *job, Work *w)
{
    BaseStatus st = BASE_OK;
    const RunMethod *m = job->method;
    UnlearnContext context = {.original = seed->net,
                              .train = seed->split.train,
                              .validation = seed->split.validation,
                              .forget = job->forget,
                              .training = &s->e->train,
                              .precision = s->e->precision,
                              .seed = job->seed};
    BASE_TRY(nn_net_clone(seed->net, &w->net));
    BASE_TRY(base_alloc_bytes(1, m->method->entry.params_size ? m->method->entry.params_size : 1, &w->params));
    memcpy(w->params, m->params, m->method->entry.params_size);
    if (m->axis_count > 0) BASE_TRY(run_search(m, &context, &seed->split.validation, w->params, &w->search));
    /* the search's own preparation is not reused: the cost stored is that of one unlearning with these parameters */
    if (strcmp(m->method->entry.name, "retrain") == 0)
        BASE_TRY(retrain_cached(s, job, &context, w));
    else
        BASE_TRY(unlearn_timed(m, &context, w));
    BASE_TRY(nn_net_hash(w->net, w->hash));
out:
    return st;
}

/* ------------------------------------------------------------ what is measured and stored */

static EvalContext eval_context(const RunSeed *seed, const RunPredictions predictions[EVAL_SPLITS], const RunCost *cost,
                                const DataClasses *forget, const NnNet *net)
{
    EvalContext context = {.forget = forget,
                           .original = seed->net,
                           .net = net,
                           .wall_seconds = cost->wall_seconds,
                           .cpu_seconds = cost->cpu_seconds,
                           .peak_memory = cost->peak_memory,
                           .samples = cost->samples_retain + cost->samples_forget,
                           .passes = cost->passes};
    for (int i = 0; i < EVAL_SPLITS; i++) context.split[i] = predictions[i].p.n > 0 ? &predictions[i].p : NULL;
    return context;
}

static BaseStatus record_weights(const RunSeed *seed, const char *hash, const char *path, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(store_run_set_text(run, "/meta", "original_hash", seed->hash));
    BASE_TRY(store_run_set_text(run, "/meta", "weights_hash", hash));
    const char *slash = path ? strrchr(path, '/') : NULL;
    BASE_TRY(store_run_set_text(run, "/meta", "weights_file", slash ? slash + 1 : ""));
out:
    return st;
}

static BaseStatus record_original(const RunSetting *s, RunSeed *seed, StoreRun *run, BaseText *summary)
{
    BaseStatus st = BASE_OK;
    EvalContext context = eval_context(seed, seed->predictions, &seed->cost, NULL, seed->net);
    BASE_TRY(record_weights(seed, seed->hash, seed->path, run));
    BASE_TRY(run_record_metrics(&context, run));
    BASE_TRY(run_record_confusion(&seed->predictions[EVAL_TEST].p, "test", run));
    BASE_TRY(run_record_class_names(s->data->train, run));
    BASE_TRY(run_record_history(&seed->cost, run));
    BASE_TRY(run_record_regions(s->data, seed->net, s->e->precision, run));
    RunTally tally = run_tally(&seed->predictions[EVAL_TEST].p, NULL);
    base_text_add(summary, "accuracy %.2f%% on the test set, %.1f s", run_percent(tally.right, tally.n),
                  seed->cost.wall_seconds);
out:
    return st;
}

static BaseStatus record_unlearned(const RunSetting *s, RunSeed *seed, const RunJob *job, Work *w, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const RunExperiment *e = s->e;
    const EvalPredictions *train = &w->predictions[EVAL_TRAIN].p, *test = &w->predictions[EVAL_TEST].p;
    EvalContext context = eval_context(seed, w->predictions, &w->cost, job->forget, w->net);
    BASE_TRY(record_weights(seed, w->hash, w->path, run));
    BASE_TRY(run_record_params(&job->method->method->entry, w->params, run));
    BASE_TRY(run_record_metrics(&context, run));
    BASE_TRY(store_run_set_i64(run, "/meta", "samples_retain", w->cost.samples_retain));
    BASE_TRY(store_run_set_i64(run, "/meta", "samples_forget", w->cost.samples_forget));
    BASE_TRY(run_record_confusion(test, "test", run));
    BASE_TRY(run_record_confusion(&seed->predictions[EVAL_TEST].p, "test_original", run));
    BASE_TRY(run_record_class_names(s->data->train, run));
    BASE_TRY(run_record_report(&w->report, run));
    if (w->search.points > 0) BASE_TRY(run_record_search(job->method, &w->search, run));
    BASE_TRY(run_record_signals(train, test, job->forget, run));
    BASE_TRY(run_record_regions(s->data, w->net, e->precision, run));
    BASE_TRY(run_attacks(e, train, test, job->forget, w->hash, job->seed, run));
out:
    return st;
}

BaseStatus run_job(const RunSetting *s, RunSeed *seed, const RunJob *job, StoreRun *run, BaseText *summary)
{
    BaseStatus st = BASE_OK;
    Work w = {0};
    BASE_TRY(run_record_identity(s, job, run));
    BASE_TRY(run_seed_make(s, seed));
    if (!job->method) {
        BASE_TRY(record_original(s, seed, run, summary));
        goto out;
    }
    BASE_TRY(unlearn(s, seed, job, &w));
    BASE_TRY(predict_splits(w.net, &seed->split, s->e->precision, w.predictions));
    BASE_TRY(record_unlearned(s, seed, job, &w, run));
    RunTally tally = run_tally(&w.predictions[EVAL_TEST].p, job->forget);
    char retain[32], forget[32];
    run_percent_text(tally.right_retain, tally.n_retain, retain);
    run_percent_text(tally.right_forget, tally.n_forget, forget);
    base_text_add(summary, "ACC_r %s, ACC_f %s on the test set, %.2f s", retain, forget, w.cost.wall_seconds);
out:
    work_free(&w);
    return st;
}

BaseStatus run_job_failed(const RunSetting *s, const RunJob *job, const char *reason, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(run_record_identity(s, job, run));
    BASE_TRY(store_run_set_text(run, "/", "status", "failed"));
    BASE_TRY(store_run_set_text(run, "/", "reason", reason));
out:
    return st;
}
