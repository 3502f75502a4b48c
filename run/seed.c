/* run/seed.c - what all jobs of a seed share: data split, original, and for each forget set the retrained network they
 * are compared with. */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "run/job.h"

BaseStatus run_predict_splits(NnNet *net, const RunSplit *split, NnPrecision precision, RunPredictions out[EVAL_SPLITS])
{
    BaseStatus st = BASE_OK;
    BASE_TRY(run_predict(net, &split->train, precision, "predict train", &out[EVAL_TRAIN]));
    if (split->validation.n > 0)
        BASE_TRY(run_predict(net, &split->validation, precision, "predict validation", &out[EVAL_VALIDATION]));
    BASE_TRY(run_predict(net, &split->test, precision, "predict test", &out[EVAL_TEST]));
out:
    return st;
}

UnlearnContext run_context(const RunSetting *s, const RunSeed *seed, const DataClasses *forget)
{
    return (UnlearnContext){.original = seed->net,
                            .train = seed->split.train,
                            .validation = seed->split.validation,
                            .forget = forget,
                            .training = &s->e->train,
                            .precision = s->e->precision,
                            .seed = seed->seed};
}

EvalSubject run_subject(const RunSetting *s, const RunSeed *seed, const DataClasses *forget, const NnNet *net)
{
    return (EvalSubject){.net = net,
                         .original = seed->net,
                         .train = seed->split.train,
                         .test = seed->split.test,
                         .forget = forget,
                         .precision = s->e->precision,
                         .seed = seed->seed};
}

/* A stream of its own: the seed itself is where the original and the retrained networks started from. */
static BaseStatus predict_untrained(const RunSetting *s, RunSeed *seed)
{
    BaseStatus st = BASE_OK;
    NnNet *net = NULL;
    BaseRandom random = base_random_make(seed->seed, "untrained", 0);
    BASE_TRY(nn_net_clone(seed->net, &net));
    nn_net_init(net, base_random_u64(&random));
    BASE_TRY(run_predict_splits(net, &seed->split, s->e->precision, seed->untrained));
out:
    nn_net_free(net);
    return st;
}

BaseStatus run_seed_split(const RunSetting *s, uint64_t seed, RunSplit *out)
{
    BaseStatus st = BASE_OK;
    *out = (RunSplit){0};
    if (s->design)
        BASE_TRY(run_design_split(s->design, s->data, &s->e->shadows, s->e->validation, seed, out));
    else
        BASE_TRY(run_split_make(s->data, s->e->validation, seed, out));
    BASE_CHECK(out->train.n > 0, BASE_EUSAGE, "validation = %g leaves no training image", s->e->validation);
out:
    return st; /* the caller frees, on failure too */
}

static BaseStatus split_make(const RunSetting *s, RunSeed *seed)
{
    return seed->split.train.set ? BASE_OK : run_seed_split(s, seed->seed, &seed->split);
}

BaseStatus run_seed_train(const RunSetting *s, RunSeed *seed)
{
    BaseStatus st = BASE_OK;
    RunModel model = {0};
    if (seed->trained) return BASE_OK;
    BASE_TRY(split_make(s, seed));
    BASE_TRY(run_model_create(s->e->arch, s->data, &model));
    nn_net_set_tuning(model.net, s->e->tuning);
    BASE_TRY(
        run_models_original(s->e, s->data, &seed->split, seed->seed, s->models, model.net, &seed->cost, &seed->path));
    BASE_TRY(nn_net_hash(model.net, seed->hash));
    seed->net = model.net;
    model.net = NULL;
    seed->trained = true;
out:
    run_model_free(&model);
    return st == BASE_OK ? st : base_error_prefix(st, "original, seed %llu", (unsigned long long)seed->seed);
}

static BaseStatus seed_fill(const RunSetting *s, RunSeed *seed)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(run_seed_train(s, seed));
    st = run_predict_splits(seed->net, &seed->split, s->e->precision, seed->predictions);
    if (st == BASE_OK) st = predict_untrained(s, seed);
    if (st != BASE_OK) base_error_prefix(st, "original, seed %llu", (unsigned long long)seed->seed);
out:
    return st;
}

/* Keeps the reason of a failure, so that each job that meets it again can say it. */
static BaseStatus remember(BaseStatus st, char **reason)
{
    if (base_strdup(base_error_text(), reason) != BASE_OK) *reason = NULL;
    return base_error_set(st, "%s", *reason ? *reason : "not enough memory");
}

BaseStatus run_seed_make(const RunSetting *setting, RunSeed *seed)
{
    if (seed->made && seed->st == BASE_OK) return BASE_OK;
    if (seed->made) return base_error_set(seed->st, "%s", seed->reason ? seed->reason : "the original failed");
    seed->made = true;
    seed->st = seed_fill(setting, seed);
    if (seed->st == BASE_OK) return BASE_OK;
    return remember(seed->st, &seed->reason);
}

static void reference_free(RunReference *r)
{
    for (int i = 0; i < EVAL_SPLITS; i++) run_predictions_free(&r->predictions[i]);
    nn_net_free(r->net);
    run_cost_free(&r->cost);
    base_free(r->path);
    base_free(r->reason);
    *r = (RunReference){0};
}

static BaseStatus reference_fill(const RunSetting *s, const RunSeed *seed, const RunJob *job, RunReference *r)
{
    BaseStatus st = BASE_OK;
    const RunMethod *m = run_config_reference(s->e);
    UnlearnContext context = run_context(s, seed, job->forget);
    UnlearnReport report = {0};
    const RunMaking making = {s->e, s->data, m->method, m->params, &context, job->forget_text, s->models, false, false};
    BASE_TRY(nn_net_clone(seed->net, &r->net));
    BASE_TRY(run_models_unlearned(&making, r->net, &report, &r->cost, &r->path));
    BASE_TRY(nn_net_hash(r->net, r->hash));
    BASE_TRY(run_predict_splits(r->net, &seed->split, s->e->precision, r->predictions));
    EvalSubject subject = run_subject(s, seed, job->forget, r->net);
    BASE_TRY(eval_relearn(&subject, &s->e->relearn, &r->relearned));
    BASE_TRY(eval_probe(&subject, &s->e->probe, &r->probed));
out:
    unlearn_report_free(&report);
    return st;
}

BaseStatus run_reference_train(const RunSetting *s, RunSeed *seed, const RunJob *job)
{
    BaseStatus st = BASE_OK;
    const RunMethod *m = run_config_reference(s->e);
    UnlearnReport report = {0};
    RunModel model = {0};
    RunCost cost = {0};
    NnNet *net = NULL;
    char *path = NULL;
    BASE_TRY(split_make(s, seed));
    BASE_TRY(run_model_create(s->e->arch, s->data, &model)); /* for its shape: retraining starts anew */
    nn_net_set_tuning(model.net, s->e->tuning);
    BASE_TRY(nn_net_clone(model.net, &net));
    UnlearnContext context = run_context(s, seed, job->forget);
    context.original = model.net;
    const RunMaking making = {s->e, s->data, m->method, m->params, &context, job->forget_text, s->models, false, false};
    BASE_TRY(run_models_unlearned(&making, net, &report, &cost, &path));
out:
    unlearn_report_free(&report);
    run_cost_free(&cost);
    run_model_free(&model);
    nn_net_free(net);
    base_free(path);
    return st;
}

BaseStatus run_reference_give_up(RunSeed *seed, const RunJob *job, BaseStatus why, const char *reason)
{
    RunReference *r = &seed->reference;
    if (r->forget == job->forget) return BASE_OK;
    reference_free(r);
    r->forget = job->forget;
    r->st = why;
    return base_strdup(reason, &r->reason);
}

BaseStatus run_reference_make(const RunSetting *s, RunSeed *seed, const RunJob *job)
{
    RunReference *r = &seed->reference;
    if (!run_config_reference(s->e)) return BASE_OK;
    if (r->forget == job->forget && r->st == BASE_OK) return BASE_OK;
    if (r->forget == job->forget) return base_error_set(r->st, "%s", r->reason ? r->reason : "retraining failed");
    reference_free(r);
    BaseStatus st = reference_fill(s, seed, job, r);
    if (st != BASE_OK) reference_free(r);
    r->forget = job->forget;
    r->st = st;
    if (st == BASE_OK) return BASE_OK;
    base_warning("retraining without %s failed: the rows of this set have no numbers that need it: %s",
                 job->forget_both, base_error_text());
    return remember(st, &r->reason);
}

void run_seed_free(RunSeed *seed)
{
    for (int i = 0; i < EVAL_SPLITS; i++) {
        run_predictions_free(&seed->predictions[i]);
        run_predictions_free(&seed->untrained[i]);
    }
    reference_free(&seed->reference);
    run_split_free(&seed->split);
    nn_net_free(seed->net);
    run_cost_free(&seed->cost);
    base_free(seed->path);
    base_free(seed->reason);
    *seed = (RunSeed){0};
}
