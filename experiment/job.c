/* experiment/job.c - original, search, unlearning, measurements and attacks in order; a failure is stored with its reason. */
#include "experiment/job.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "experiment/attacks.h"
#include "experiment/canonical.h"
#include "experiment/record.h"
#include "experiment/representation.h"
#include "experiment/search_file.h"
#include "report/escape.h"
#include "session/classes.h"
#include "session/params.h"

/* ------------------------------------------------------------ one unlearning */

/* What a job works on and frees at its end. */
typedef struct {
    ExperimentUnlearned own;
    const ExperimentUnlearned *u; /* that, or the reference's */
    void *params;
    ExperimentSearch search;
    char search_key[BASE_HASH_HEX];
    SessionPredictions peer[EVAL_SPLITS]; /* of the reference of another seed, on this one's images */
    EvalFeatures peer_features;
    NnNet *peer_net;
} Work;

static void work_free(Work *w)
{
    experiment_unlearned_free(&w->own);
    base_free(w->params);
    experiment_search_free(&w->search);
    for (int i = 0; i < EVAL_SPLITS; i++) session_predictions_free(&w->peer[i]);
    eval_features_free(&w->peer_features);
    nn_net_free(w->peer_net);
}

BaseStatus experiment_search_place(const ExperimentSetting *s, const ExperimentJob *job, char key[BASE_HASH_HEX],
                                   char **path)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = job->method;
    BaseText what = {0}, name = {0};
    bool shared = s->search_set_count > 0;
    *path = NULL;
    base_text_add(&what, "search %s ", m->method->entry.name);
    session_params_text(m->method->entry.params, m->method->entry.param_count, m->params, &what);
    base_text_add(&what, "\n");
    experiment_config_canonical_search(s->e, m, s->search_sets, &what);
    if (!shared) base_text_add(&what, "search without: [%s]\n", job->forget_text);
    if (!shared) BASE_TRY(experiment_method_identify(s->e, m, job->forget, job->seed, &what));
    for (size_t i = 0; i < s->search_set_count; i++)
        BASE_TRY(experiment_method_identify(s->e, m, &s->search_sets[i], job->seed, &what));
    BASE_TRY(what.st);
    const ModelRecipe recipe = experiment_config_recipe(s->e, s->data, job->seed);
    BASE_TRY(model_key(&recipe, what.data, key));
    base_text_add(&name, "%s/search-", s->models);
    report_escape_slug(&name, m->label);
    if (!shared) base_text_add(&name, "-");
    if (!shared) report_escape_slug(&name, job->forget_text);
    base_text_add(&name, "-s%llu-%.12s.h5", (unsigned long long)job->seed, key);
    BASE_TRY(base_text_take(&name, path));
out:
    base_text_free(&what);
    return st;
}

/* Found in the cache, or made and put there; the chosen values go to @p params. */
static BaseStatus search(const ExperimentSetting *s, const ExperimentSeed *seed, const ExperimentJob *job,
                         char key[BASE_HASH_HEX], void *params, ExperimentSearch *out)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = job->method;
    UnlearnContext *contexts = NULL;
    char *path = NULL;
    bool found;
    size_t count = s->search_set_count ? s->search_set_count : 1;
    BASE_TRY(experiment_search_place(s, job, key, &path));
    BASE_TRY(experiment_search_load(path, key, m, out, &found));
    if (found) {
        st = experiment_search_choose(m, out, params);
        goto out;
    }
    BASE_TRY(BASE_ALLOC(count, &contexts));
    for (size_t i = 0; i < count; i++)
        contexts[i] = experiment_context(s, &seed->split, seed->net, seed->seed,
                                         s->search_set_count ? &s->search_sets[i] : job->forget);
    const ExperimentSearchTask task = {m, &s->e->budget, contexts, count, &seed->split.validation};
    BASE_TRY(experiment_search(&task, params, out));
    BASE_TRY(experiment_search_save(path, key, m, out));
out:
    base_free(contexts);
    base_free(path);
    return st;
}

BaseStatus experiment_job_search(const ExperimentSetting *s, ExperimentSeed *seed, const ExperimentJob *job)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = job->method;
    ExperimentSearch made = {0};
    char key[BASE_HASH_HEX];
    void *params = NULL;
    BASE_TRY(experiment_seed_train(s, seed));
    BASE_TRY(experiment_method_params(m, &params));
    BASE_TRY(search(s, seed, job, key, params, &made));
out:
    experiment_search_free(&made);
    base_free(params);
    return st;
}

static BaseStatus unlearn(const ExperimentSetting *s, const ExperimentSeed *seed, const ExperimentJob *job, Work *w)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = job->method;
    bool reference = m == experiment_config_reference(s->e);
    w->u = reference ? &seed->reference.made : &w->own;
    BASE_TRY(experiment_method_params(m, &w->params));
    if (reference) goto out; /* it exists already */
    if (m->axis_count > 0) BASE_TRY(search(s, seed, job, w->search_key, w->params, &w->search));
    /* the search's own preparation is not reused: the cost stored is that of one unlearning with these parameters */
    BASE_TRY(experiment_unlearned_make(s, seed, job, m, w->params, &w->own));
out:
    return st;
}

/* Without it the row lacks what compares with another retrained network. */
static BaseStatus peer(const ExperimentSetting *s, const ExperimentSeed *seed, const ExperimentJob *job, Work *w)
{
    BaseStatus st = experiment_peer_predict(s, seed, job, w->peer, &w->peer_features, &w->peer_net);
    if (st == BASE_OK || st == BASE_ENOMEM || st == BASE_EIO || st == BASE_ECANCEL) return st;
    base_warning("seed %llu: no comparison of retrained networks, as that of seed %llu failed: %s",
                 (unsigned long long)job->seed, (unsigned long long)job->peer, base_error_text());
    base_error_clear();
    for (int i = 0; i < EVAL_SPLITS; i++) session_predictions_free(&w->peer[i]);
    eval_features_free(&w->peer_features);
    return BASE_OK;
}

/* ------------------------------------------------------------ what is measured and stored */

static void point_at(const SessionPredictions from[EVAL_SPLITS], const EvalPredictions *to[EVAL_SPLITS])
{
    for (int i = 0; i < EVAL_SPLITS; i++) to[i] = from[i].p.n > 0 ? &from[i].p : NULL;
}

static EvalContext eval_context(const ExperimentSeed *seed, const SessionPredictions predictions[EVAL_SPLITS],
                                const ModelCost *cost, const DataForget *forget, const NnNet *net)
{
    EvalContext context = {.forget = forget,
                           .original = seed->net,
                           .net = net,
                           .wall_seconds = cost->wall_seconds,
                           .cpu_seconds = cost->cpu_seconds,
                           .peak_memory = cost->peak_memory,
                           .samples = cost->samples_retain + cost->samples_forget,
                           .passes = cost->passes,
                           .gradients = true, /* a training; an unlearning says itself */
                           .train_images = seed->split.train.n};
    point_at(predictions, context.split);
    point_at(seed->predictions, context.original_split);
    point_at(seed->untrained, context.untrained_split);
    return context;
}

static EvalContext unlearned_context(const ExperimentConfig *e, const ExperimentSeed *seed, const ExperimentJob *job,
                                     const Work *w)
{
    EvalContext context = eval_context(seed, w->u->predictions, &w->u->cost, job->forget, w->u->net);
    const ExperimentUnlearned *r = &seed->reference.made;
    context.gradients = (job->method->method->needs & UNLEARN_NEEDS_GRADIENT) != 0;
    context.relearned = &w->u->relearned;
    context.probed = &w->u->probed;
    context.features = &w->u->features;
    context.original_features = &w->u->original_features;
    if (!r->net) return context;
    /* the reference itself is compared with another retrained network: with itself it would reach every ideal */
    bool reference = job->method == experiment_config_reference(e);
    point_at(reference ? w->peer : r->predictions, context.retrained_split);
    context.retrained_features = reference ? &w->peer_features : &r->features;
    context.relearned_retrained = &r->relearned;
    return context;
}

/* What the row of any network begins with. */
static BaseStatus record_network(const ExperimentSetting *s, const ExperimentSeed *seed, const char *hash,
                                 const char *path, const EvalPredictions *test, StoreRun *run)
{
    const DataSet *set = s->data->train;
    const char *slash = path ? strrchr(path, '/') : NULL;
    store_run_set_text(run, "/meta", "original_hash", seed->hash);
    store_run_set_text(run, "/meta", "weights_hash", hash);
    store_run_set_text(run, "/meta", "weights_file", slash ? slash + 1 : "");
    store_run_set_texts(run, "/class_names", (const char *const *)set->class_names, (size_t)set->K);
    return experiment_record_confusion(test, "test", run);
}

static BaseStatus record_original(const ExperimentSetting *s, ExperimentSeed *seed, const ExperimentJob *job,
                                  StoreRun *run, BaseText *summary)
{
    BaseStatus st = BASE_OK;
    EvalContext context = eval_context(seed, seed->predictions, &seed->cost, NULL, seed->net);
    BASE_TRY(record_network(s, seed, seed->hash, seed->path, &seed->predictions[EVAL_TEST].p, run));
    BASE_TRY(experiment_record_files(s->e, job, run));
    BASE_TRY(experiment_record_metrics(&context, run));
    BASE_TRY(experiment_record_history(&seed->cost, run));
    BASE_TRY(experiment_record_regions(s->data, seed->net, s->e->precision, run));
    SessionTally tally = session_tally(&seed->predictions[EVAL_TEST].p, NULL);
    base_text_add(summary, "accuracy %.2f%% on the test set, %.1f s", session_percent(tally.right, tally.n),
                  seed->cost.wall_seconds);
out:
    return st;
}

/* What is read off a network, which a row of logits has none of. */
static BaseStatus record_inside(const ExperimentSetting *s, const ExperimentSeed *seed, const ExperimentJob *job,
                                const Work *w, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const ExperimentUnlearned *u = w->u;
    bool reference = job->method == experiment_config_reference(s->e);
    if (!u->net) return store_run_set_i64(run, "/meta", "logits_only", 1);
    EvalSubject subject = experiment_subject(s, seed, job->forget, u->net);
    BASE_TRY(experiment_record_weights(seed->net, u->net, run));
    BASE_TRY(experiment_record_representation(&subject, &s->e->probe,
                                              reference ? w->peer_net : seed->reference.made.net, run));
    BASE_TRY(experiment_record_saliency(&subject, &s->e->saliency, run));
    BASE_TRY(experiment_record_regions(s->data, u->net, s->e->precision, run));
out:
    return st;
}

static BaseStatus record_unlearned(const ExperimentSetting *s, ExperimentSeed *seed, const ExperimentJob *job, Work *w,
                                   StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const ExperimentConfig *e = s->e;
    const ExperimentUnlearned *u = w->u;
    const EvalPredictions *train = &u->predictions[EVAL_TRAIN].p, *test = &u->predictions[EVAL_TEST].p;
    EvalContext context = unlearned_context(e, seed, job, w);
    double start = base_clock_wall();
    BASE_TRY(record_network(s, seed, u->hash, u->path, test, run));
    store_run_set_text(run, "/meta", "reference_hash", seed->reference.made.hash);
    if (w->peer[EVAL_TEST].p.n > 0) store_run_set_i64(run, "/meta", "peer_seed", (int64_t)job->peer);
    experiment_record_relearned(&u->relearned, run);
    experiment_record_params(&job->method->method->entry, w->params, run);
    BASE_TRY(experiment_record_files(e, job, run));
    BASE_TRY(experiment_record_metrics(&context, run));
    store_run_set_i64(run, "/meta", "samples_retain", u->cost.samples_retain);
    store_run_set_i64(run, "/meta", "samples_forget", u->cost.samples_forget);
    BASE_TRY(experiment_record_confusion(&seed->predictions[EVAL_TEST].p, "test_original", run));
    experiment_record_range(&e->confusion, run);
    BASE_TRY(experiment_record_report(&u->report, run));
    if (w->search.points > 0) {
        BASE_TRY(experiment_record_search(job->method, &w->search, run));
        experiment_record_budget(s, job, w->search_key, run);
    }
    experiment_record_each(job->method, run);
    BASE_TRY(record_inside(s, seed, job, w, run));
    BASE_TRY(experiment_record_signals(train, test, job->forget, run));
    BASE_TRY(experiment_attacks(e, train, test, job->forget, u->hash, job->seed, run));
    store_run_set_f64(run, "/meta", "evaluate_seconds", base_clock_wall() - start);
out:
    return st;
}

BaseStatus experiment_job(const ExperimentSetting *s, ExperimentSeed *seed, const ExperimentJob *job, StoreRun *run,
                          BaseText *summary)
{
    BaseStatus st = BASE_OK;
    Work w = {0};
    experiment_record_identity(s, job, run);
    BASE_TRY(experiment_seed_make(s, seed));
    if (!job->method) {
        BASE_TRY(record_original(s, seed, job, run, summary));
        st = store_run_status(run);
        goto out;
    }
    st = experiment_reference_make(s, seed, job);
    if (st == BASE_ENOMEM || st == BASE_EIO || (st != BASE_OK && job->method == experiment_config_reference(s->e)))
        goto out;
    BASE_TRY(unlearn(s, seed, job, &w));
    if (job->has_peer) BASE_TRY(peer(s, seed, job, &w));
    BASE_TRY(record_unlearned(s, seed, job, &w, run));
    BASE_TRY(store_run_status(run));
    SessionTally tally = session_tally(&w.u->predictions[EVAL_TEST].p, job->forget);
    bool images = data_forget_by_image(job->forget);
    if (images) {
        const SessionTally train = session_tally(&w.u->predictions[EVAL_TRAIN].p, job->forget);
        tally.right_forget = train.right_forget;
        tally.n_forget = train.n_forget;
    }
    char retain[32], forget[32];
    session_percent_text(tally.right_retain, tally.n_retain, retain);
    session_percent_text(tally.right_forget, tally.n_forget, forget);
    base_text_add(summary,
                  images ? "ACC_r %s on the test set, ACC_f %s on the forgotten images"
                         : "ACC_r %s, ACC_f %s on the test set",
                  retain, forget);
    if (w.u->report.cost != UNLEARN_COST_UNKNOWN) base_text_add(summary, ", %.2f s", w.u->cost.wall_seconds);
out:
    work_free(&w);
    return st;
}

BaseStatus experiment_job_complete(const char *folder, const ExperimentJob *job, bool *out)
{
    BaseStatus st = BASE_OK;
    char *path = NULL, *aside = NULL;
    BASE_TRY(base_format(&path, "%s/%s", folder, job->file));
    BASE_TRY(base_format(&aside, "%s/superseded/%s", folder, job->file));
    *out = store_run_complete(path, job->id) || store_run_complete(aside, job->id);
out:
    base_free(path);
    base_free(aside);
    return st;
}
