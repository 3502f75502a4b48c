/* experiment/seed.c - what all jobs of a seed share: data split, original, and for each forget set the retrained network they
 * are compared with. */
#include "experiment/seed.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "experiment/given.h"

static BaseStatus predict_splits(NnNet *net, const SessionSplit *split, NnPrecision precision,
                                 SessionPredictions out[EVAL_SPLITS])
{
    BaseStatus st = BASE_OK;
    BASE_TRY(session_predict_train(net, &split->train, precision, "predict train", &out[EVAL_TRAIN]));
    if (split->validation.n > 0)
        BASE_TRY(session_predict(net, &split->validation, precision, "predict validation", &out[EVAL_VALIDATION]));
    BASE_TRY(session_predict(net, &split->test, precision, "predict test", &out[EVAL_TEST]));
out:
    return st;
}

UnlearnContext experiment_context(const ExperimentSetting *s, const SessionSplit *split, const NnNet *original,
                                  uint64_t seed, const DataForget *forget)
{
    return (UnlearnContext){.original = original,
                            .train = split->train,
                            .validation = split->validation,
                            .forget = forget,
                            .training = &s->e->train,
                            .precision = s->e->precision,
                            .seed = seed,
                            .number = (int64_t)experiment_config_number(s->e, seed),
                            .beside = s->e->beside};
}

ModelMaking experiment_making(const ExperimentSetting *s, const ExperimentMethod *method, const void *params,
                              const UnlearnContext *context, const char *forget)
{
    return (ModelMaking){.recipe = experiment_config_recipe(s->e, s->data, context->seed),
                         .method = method->method,
                         .params = params,
                         .context = context,
                         .forget = forget,
                         .folder = s->models,
                         .in_turn = method->in_turn,
                         .keep_trained = s->e->cache == EXPERIMENT_CACHE_TRAINED};
}

EvalSubject experiment_subject(const ExperimentSetting *s, const ExperimentSeed *seed, const DataForget *forget,
                               const NnNet *net)
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
static BaseStatus predict_untrained(const ExperimentSetting *s, ExperimentSeed *seed)
{
    BaseStatus st = BASE_OK;
    NnNet *net = NULL;
    BaseRandom random = base_random_make(seed->seed, "untrained", 0);
    BASE_TRY(nn_net_clone(seed->net, &net));
    nn_net_init(net, base_random_u64(&random));
    BASE_TRY(predict_splits(net, &seed->split, s->e->precision, seed->untrained));
out:
    nn_net_free(net);
    return st;
}

BaseStatus experiment_seed_split(const ExperimentSetting *s, uint64_t seed, SessionSplit *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionSplit){0};
    if (s->design)
        BASE_TRY(experiment_design_split(s->design, s->data, MODEL_HALF_TARGET, s->e->validation, seed, out));
    else
        BASE_TRY(session_split_make(s->data, s->e->validation, seed, out));
    BASE_CHECK(out->train.n > 0, BASE_EUSAGE, "validation = %g leaves no training image", s->e->validation);
out:
    return st; /* the caller frees, on failure too */
}

static BaseStatus split_make(const ExperimentSetting *s, ExperimentSeed *seed)
{
    return seed->split.train.set ? BASE_OK : experiment_seed_split(s, seed->seed, &seed->split);
}

BaseStatus experiment_net_create(const ExperimentSetting *s, SessionModel *out)
{
    BaseStatus st = session_model_create(s->e->arch, s->data, out);
    if (st == BASE_OK) nn_net_set_tuning(out->net, s->e->tuning);
    return st;
}

BaseStatus experiment_seed_train(const ExperimentSetting *s, ExperimentSeed *seed)
{
    BaseStatus st = BASE_OK;
    SessionModel model = {0};
    if (seed->trained) return BASE_OK;
    BASE_TRY(split_make(s, seed));
    BASE_TRY(experiment_net_create(s, &model));
    const ModelRecipe recipe = experiment_config_recipe(s->e, s->data, seed->seed);
    BASE_TRY(model_original(&recipe, &seed->split.train, s->models, model.net, &seed->cost, &seed->path));
    BASE_TRY(nn_net_hash(model.net, seed->hash));
    seed->net = model.net;
    model.net = NULL;
    seed->trained = true;
out:
    session_model_free(&model);
    return base_error_prefix(st, "original, seed %llu", (unsigned long long)seed->seed);
}

static BaseStatus seed_fill(const ExperimentSetting *s, ExperimentSeed *seed)
{
    BaseStatus st = experiment_seed_train(s, seed);
    if (st != BASE_OK) return st;
    st = predict_splits(seed->net, &seed->split, s->e->precision, seed->predictions);
    if (st == BASE_OK) st = predict_untrained(s, seed);
    return base_error_prefix(st, "original, seed %llu", (unsigned long long)seed->seed);
}

/* Keeps the reason of a failure, so that each job that meets it again can say it. */
static BaseStatus remember(BaseStatus st, char **reason)
{
    if (base_strdup(base_error_text(), reason) != BASE_OK) *reason = NULL;
    return base_error_set(st, "%s", *reason ? *reason : "not enough memory");
}

BaseStatus experiment_seed_make(const ExperimentSetting *setting, ExperimentSeed *seed)
{
    if (seed->made && seed->st == BASE_OK) return BASE_OK;
    if (seed->made) return base_error_set(seed->st, "%s", seed->reason ? seed->reason : "the original failed");
    seed->made = true;
    seed->st = seed_fill(setting, seed);
    if (seed->st == BASE_OK) return BASE_OK;
    return remember(seed->st, &seed->reason);
}

void experiment_unlearned_free(ExperimentUnlearned *u)
{
    for (int i = 0; i < EVAL_SPLITS; i++) session_predictions_free(&u->predictions[i]);
    eval_features_free(&u->features);
    eval_features_free(&u->original_features);
    nn_net_free(u->net);
    unlearn_report_free(&u->report);
    model_cost_free(&u->cost);
    base_free(u->path);
    *u = (ExperimentUnlearned){0};
}

/* *given false where the method makes a network. */
static BaseStatus take_given(const ExperimentSetting *s, const ExperimentSeed *seed, const ExperimentMethod *method,
                             const UnlearnContext *context, const void *params, ExperimentUnlearned *out, bool *given)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    if (method->method->logits) BASE_TRY(method->method->logits(context, params, &path));
    *given = path != NULL;
    if (!path) goto out;
    BASE_TRY(experiment_given_read(path, s->data, &seed->split, out->predictions));
    BASE_TRY(base_hash_file(path, out->hash));
    out->report.cost = UNLEARN_COST_UNKNOWN;
out:
    base_free(path);
    return st;
}

BaseStatus experiment_unlearned_make(const ExperimentSetting *s, const ExperimentSeed *seed, const ExperimentJob *job,
                                     const ExperimentMethod *method, const void *params, ExperimentUnlearned *out)
{
    BaseStatus st = BASE_OK;
    bool given;
    UnlearnContext context = experiment_context(s, &seed->split, seed->net, seed->seed, job->forget);
    const ModelMaking making = experiment_making(s, method, params, &context, job->forget_text);
    BASE_TRY(take_given(s, seed, method, &context, params, out, &given));
    if (given) return BASE_OK;
    context.seed = job->draw;
    BASE_TRY(nn_net_clone(seed->net, &out->net));
    BASE_TRY(model_unlearned(&making, out->net, &out->report, &out->cost, &out->path));
    BASE_TRY(nn_net_hash(out->net, out->hash));
    BASE_TRY(predict_splits(out->net, &seed->split, s->e->precision, out->predictions));
    EvalSubject subject = experiment_subject(s, seed, job->forget, out->net);
    BASE_TRY(eval_relearn(&subject, &s->e->relearn, &out->relearned));
    BASE_TRY(eval_probe(&subject, &s->e->probe, &out->probed));
    BASE_TRY(eval_probe_forgotten(&subject, &s->e->probe, out->net, &out->features));
    BASE_TRY(eval_probe_forgotten(&subject, &s->e->probe, seed->net, &out->original_features));
out:
    if (st != BASE_OK) experiment_unlearned_free(out);
    return st;
}

static void reference_free(ExperimentReference *r)
{
    experiment_unlearned_free(&r->made);
    base_free(r->reason);
    *r = (ExperimentReference){0};
}

/* The reference's network alone, from the cache or trained; needs no original. */
static BaseStatus reference_network(const ExperimentSetting *s, const SessionSplit *split, uint64_t seed,
                                    const ExperimentJob *job, ExperimentUnlearned *made)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = experiment_config_reference(s->e);
    SessionModel model = {0};
    BASE_TRY(experiment_net_create(s, &model)); /* for its shape: retraining starts from scratch */
    BASE_TRY(nn_net_clone(model.net, &made->net));
    UnlearnContext context = experiment_context(s, split, model.net, seed, job->forget);
    const ModelMaking making = experiment_making(s, m, m->params, &context, job->forget_text);
    BASE_TRY(model_unlearned(&making, made->net, &made->report, &made->cost, &made->path));
out:
    session_model_free(&model);
    return st;
}

BaseStatus experiment_reference_train(const ExperimentSetting *s, ExperimentSeed *seed, const ExperimentJob *job)
{
    ExperimentUnlearned made = {0};
    BaseStatus st = split_make(s, seed);
    if (st == BASE_OK) st = reference_network(s, &seed->split, seed->seed, job, &made);
    experiment_unlearned_free(&made);
    return st;
}

BaseStatus experiment_peer_predict(const ExperimentSetting *s, const ExperimentSeed *seed, const ExperimentJob *job,
                                   SessionPredictions out[EVAL_SPLITS], EvalFeatures *features, NnNet **net)
{
    BaseStatus st = BASE_OK;
    SessionSplit split = {0};
    ExperimentUnlearned made = {0};
    BASE_TRY(experiment_seed_split(s, job->peer, &split));
    BASE_TRY(reference_network(s, &split, job->peer, job, &made));
    BASE_TRY(predict_splits(made.net, &seed->split, s->e->precision, out));
    EvalSubject subject = experiment_subject(s, seed, job->forget, made.net);
    BASE_TRY(eval_probe_forgotten(&subject, &s->e->probe, made.net, features));
    *net = made.net;
    made.net = NULL;
out:
    experiment_unlearned_free(&made);
    session_split_free(&split);
    return st;
}

BaseStatus experiment_reference_give_up(ExperimentSeed *seed, const ExperimentJob *job, BaseStatus why,
                                        const char *reason)
{
    ExperimentReference *r = &seed->reference;
    if (r->forget == job->forget) return BASE_OK;
    reference_free(r);
    r->forget = job->forget;
    r->st = why;
    return base_strdup(reason, &r->reason);
}

BaseStatus experiment_reference_make(const ExperimentSetting *s, ExperimentSeed *seed, const ExperimentJob *job)
{
    ExperimentReference *r = &seed->reference;
    if (!experiment_config_reference(s->e)) return BASE_OK;
    if (r->forget == job->forget && r->st == BASE_OK) return BASE_OK;
    if (r->forget == job->forget) return base_error_set(r->st, "%s", r->reason ? r->reason : "retraining failed");
    reference_free(r);
    const ExperimentMethod *m = experiment_config_reference(s->e);
    BaseStatus st = experiment_unlearned_make(s, seed, job, m, m->params, &r->made);
    r->forget = job->forget;
    r->st = st;
    if (st == BASE_OK) return BASE_OK;
    base_warning(
        "retraining without %s failed: rows of this forget set lack every number that needs the retrained network: %s",
        job->forget_both, base_error_text());
    return remember(st, &r->reason);
}

void experiment_seed_free(ExperimentSeed *seed)
{
    for (int i = 0; i < EVAL_SPLITS; i++) {
        session_predictions_free(&seed->predictions[i]);
        session_predictions_free(&seed->untrained[i]);
    }
    reference_free(&seed->reference);
    session_split_free(&seed->split);
    nn_net_free(seed->net);
    model_cost_free(&seed->cost);
    base_free(seed->path);
    base_free(seed->reason);
    *seed = (ExperimentSeed){0};
}
