/* cli/unlearn.c - `expunge unlearn`: one method on a copy of the weights; its cost and what each layer lost. */
#include "unlearn/unlearn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/visible.h"
#include "io/file.h"
#include "models/beside.h"
#include "nn/weights.h"
#include "session/answers.h"
#include "session/canaries.h"
#include "session/classes.h"
#include "session/json.h"
#include "session/params.h"
#include "session/program.h"
#include "sweep/ranks.h"

/* What one unlearning works on. */
typedef struct {
    const UnlearnMethod *method;
    void *params;
    SessionCommon common;
    SessionData data;
    SessionModel model;
    NnNet *net;
    DataClasses forget;
    SessionSplit split;
    NnTrainConfig training;
    UnlearnContext context;
    UnlearnReport report;
    ModelBeside beside;
    SessionTally before, after; /* on the test split */
} Work;

static void work_free(Work *w)
{
    unlearn_report_free(&w->report);
    session_split_free(&w->split);
    data_classes_free(&w->forget);
    nn_net_free(w->net);
    session_model_free(&w->model);
    session_data_free(&w->data);
    base_free(w->params);
}

/* How the weights were trained, where `expunge train` wrote it down. */
static BaseStatus read_training(const CliOptions *o, Work *w)
{
    const char *text = io_tensors_meta(w->model.tensors, "expunge.train");
    if (!text) return BASE_OK;
    base_param_defaults(nn_train_params, nn_train_param_count, &w->training);
    w->context.training = &w->training;
    return session_params_read(nn_train_params, nn_train_param_count, &w->training, text, "the training", o->weights);
}

/* What a coin left out of the training is neither kept nor to be forgotten. */
static BaseStatus leave_canaries_out(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    SessionCanaries canaries = {0};
    BASE_TRY(session_canaries_read(w->model.tensors, o->weights, &canaries));
    BASE_TRY(session_canaries_apply(&canaries, &w->data));
    session_canaries_leave_out(&canaries, &w->split.kept);
    session_split_view(&w->data, &w->split);
out:
    session_canaries_free(&canaries);
    return st;
}

static BaseStatus prepare(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    char owner[160];
    BASE_TRY(unlearn_find(o->method, &w->method));
    const BaseEntry *entry = &w->method->entry;
    snprintf(owner, sizeof owner, "method %s", entry->name);
    BASE_TRY(session_params_defaults(entry, &w->params));
    BASE_TRY(session_assign(o->set.at, o->set.count, entry->params, entry->param_count, w->params, &w->common, owner));
    BASE_TRY(model_beside_parse(o->beside, &w->beside));
    BASE_TRY(io_tensors_writable(o->out));
    BASE_TRY(session_output_check(o->out, o->data, o->weights));
    BASE_TRY(session_weights_check(o->arch, o->weights));
    BASE_TRY(session_data_open(o->data, &o->prepare, &w->data));
    BASE_TRY(session_model_open(o->arch, o->weights, &w->data, &w->model));
    BASE_TRY(session_model_tune(&w->model, o->tuning));
    BASE_TRY(data_classes_parse(w->data.train, o->forget, &w->forget));
    BASE_TRY(session_split_make(&w->data, w->common.val_fraction, (uint64_t)o->seed, &w->split));
    BASE_TRY(leave_canaries_out(o, w));
    w->context.original = w->model.net;
    w->context.train = w->split.train;
    w->context.validation = w->split.validation;
    w->context.forget = &w->forget;
    w->context.precision = nn_precision_available(o->use);
    w->context.seed = (uint64_t)o->seed;
    BASE_TRY(read_training(o, w));
    BASE_CHECK(o->share || sweep_ranks_count() == 1, BASE_EUSAGE,
               "unlearn under MPI: each of the %d ranks would do the same work; --share divides the images among them",
               sweep_ranks_count());
    if (o->share) {
        BASE_CHECK(w->method->needs & UNLEARN_SHARES, BASE_EUSAGE,
                   "--share: the work of %s cannot be shared; `expunge list methods` says which methods can share "
                   "theirs",
                   entry->name);
        w->context.reduce = sweep_ranks_sum;
        sweep_ranks_part(UNLEARN_BLOCKS, &w->context.first_block, &w->context.block_count);
    }
    if (w->method->check) BASE_TRY(w->method->check(&w->context, w->params));
out:
    return st;
}

static BaseStatus measure(Work *w, NnNet *net, const char *label, SessionTally *out)
{
    SessionPredictions predictions = {0};
    BaseStatus st = session_predict(net, &w->split.test, w->context.precision, label, &predictions);
    if (st == BASE_OK && net == w->model.net) st = session_chance_warn(&predictions, &w->data);
    if (st == BASE_OK) *out = session_tally(&predictions.p, &w->forget);
    session_predictions_free(&predictions);
    return st;
}

static BaseStatus save(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    BaseText made = {0};
    const BaseEntry *entry = &w->method->entry;
    base_text_add(&made, "%s ", entry->name);
    session_params_text(entry->params, entry->param_count, w->params, &made);
    base_text_add(&made, ", forget ");
    session_classes_both(&w->forget, w->data.train, &made);
    base_text_add(&made, ", seed %lld, data %s (%s) prepared with %s, from weights %s, expunge %s", (long long)o->seed,
                  o->data, w->data.hash, w->data.prep, w->model.hash, SESSION_PROGRAM_VERSION);
    if (w->model.tuning) base_text_add(&made, ", tuning %s", session_model_tuning(&w->model));
    BASE_TRY(made.st);
    BASE_TRY(nn_weights_update(w->net, w->model.tensors));
    BASE_TRY(io_tensors_set_meta(w->model.tensors, "expunge.unlearned", made.data));
    if (!io_tensors_meta(w->model.tensors, SESSION_META_PREP)) /* else it says what the weights were trained with */
        BASE_TRY(io_tensors_set_meta(w->model.tensors, SESSION_META_PREP, w->data.prep));
    BASE_TRY(io_tensors_write(w->model.tensors, o->out));
out:
    base_text_free(&made);
    return st;
}

static IoJson *layer_json(const UnlearnLayer *l)
{
    IoJson *row = io_json_object();
    io_json_set_take(row, "name", io_json_text_value(l->name));
    io_json_set_take(row, "n_retain", io_json_integer(l->n_retain));
    io_json_set_take(row, "n_forget", io_json_integer(l->n_forget));
    io_json_set_take(row, "features", io_json_integer(l->features));
    io_json_set_take(row, "trace_retain", io_json_number(l->trace_retain));
    io_json_set_take(row, "trace_forget", io_json_number(l->trace_forget));
    io_json_set_take(row, "rank_retain", io_json_number(l->rank_retain));
    io_json_set_take(row, "rank_forget", io_json_number(l->rank_forget));
    io_json_set_take(row, "forget_removed", io_json_number(l->forget_removed));
    io_json_set_take(row, "retain_removed", io_json_number(l->retain_removed));
    io_json_set_take(row, "weight_change", io_json_number(l->weight_change));
    if (!isnan(l->shared)) io_json_set_take(row, "shared", io_json_number(l->shared));
    return row;
}

/* What was done to a copy of the weights. */
static const char *done(const CliOptions *o, const Work *w)
{
    return io_tensors_keeps_beside(w->model.tensors, o->out) ? model_beside_done(w->beside) : "not in the output";
}

static void add_copies_json(const CliOptions *o, const Work *w, IoJson *json)
{
    const IoTensors *t = w->model.tensors;
    bool kept = io_tensors_keeps_beside(t, o->out);
    IoJson *list = io_json_array();
    for (size_t i = 0; i < t->copy_count; i++) {
        IoJson *row = io_json_object();
        io_json_set_take(row, "name", io_json_text_value(t->copies[i].where));
        io_json_set_take(row, "tensors", io_json_integer((int64_t)t->copies[i].tensors->count));
        io_json_set_take(row, "done", io_json_text_value(done(o, w)));
        io_json_add_take(list, row);
    }
    io_json_set_take(json, "beside", list);
    io_json_set_take(json, "stale", io_json_text_value(kept ? t->stale : NULL));
    io_json_set_take(json, "left_out", io_json_text_value(t->keep_strange ? NULL : t->strange));
}

static BaseStatus print_json(const CliOptions *o, const Work *w)
{
    IoJson *json = io_json_object(), *layers = io_json_array();
    const SessionTally *b = &w->before, *a = &w->after;
    io_json_set_take(json, "method", io_json_text_value(w->method->entry.name));
    io_json_set_take(json, "forget", session_classes_json(&w->forget));
    io_json_set_take(json, "forget_names", session_classes_names_json(&w->forget, w->data.train));
    session_json_percent(json, "acc_retain_before", b->right_retain, b->n_retain);
    session_json_percent(json, "acc_forget_before", b->right_forget, b->n_forget);
    session_json_percent(json, "acc_retain", a->right_retain, a->n_retain);
    session_json_percent(json, "acc_forget", a->right_forget, a->n_forget);
    io_json_set_take(json, "n_retain", io_json_integer(a->n_retain));
    io_json_set_take(json, "n_forget", io_json_integer(a->n_forget));
    io_json_set_take(json, "seconds", io_json_number(w->report.prepare_seconds + w->report.apply_seconds));
    io_json_set_take(json, "samples_retain", io_json_integer(w->report.samples_retain));
    io_json_set_take(json, "samples_forget", io_json_integer(w->report.samples_forget));
    for (int i = 0; i < w->report.layer_count; i++) io_json_add_take(layers, layer_json(&w->report.layers[i]));
    io_json_set_take(json, "layers", layers);
    add_copies_json(o, w, json);
    return cli_print_json_take(json);
}

/* At most 95 columns; a name that is too long for its column has a line of its own. The traces are in the JSON. */
static void add_layers(const UnlearnReport *r, BaseText *text)
{
    enum { SHORTEST = 5, LONGEST = 30 };
    int width = SHORTEST;
    for (int i = 0; i < r->layer_count; i++) {
        int length = (int)strlen(r->layers[i].name);
        if (length <= LONGEST && length > width) width = length;
    }
    base_text_add(text, "%-*s %8s %8s %8s %6s %6s %9s %9s %7s\n", width, "layer", "features", "n_retain", "n_forget",
                  "rank_r", "rank_f", "removed_r", "removed_f", "change");
    for (int i = 0; i < r->layer_count; i++) {
        const UnlearnLayer *l = &r->layers[i];
        bool wide = (int)strlen(l->name) > width;
        if (wide) base_text_add(text, "%s\n", l->name);
        base_text_add(text, "%-*s %8lld %8lld %8lld %6.4g %6.4g %9.4f %9.4f %7.4f\n", width, wide ? "" : l->name,
                      (long long)l->features, (long long)l->n_retain, (long long)l->n_forget, l->rank_retain,
                      l->rank_forget, l->retain_removed, l->forget_removed, l->weight_change);
    }
}

static BaseStatus print_table(const CliOptions *o, const Work *w)
{
    BaseText text = {0};
    const UnlearnReport *r = &w->report;
    const SessionTally *b = &w->before, *a = &w->after;
    if (r->layer_count > 0) add_layers(r, &text);
    base_text_add(&text, "\n%-17s %24s %24s\n", "test split", "before", "after");
    char before[48], after[48];
    session_percent_interval_text(b->right_retain, b->n_retain, before);
    session_percent_interval_text(a->right_retain, a->n_retain, after);
    base_text_add(&text, "ACC_r (n = %5lld) %24s %24s\n", (long long)a->n_retain, before, after);
    session_percent_interval_text(b->right_forget, b->n_forget, before);
    session_percent_interval_text(a->right_forget, a->n_forget, after);
    base_text_add(&text, "ACC_f (n = %5lld) %24s %24s\nBrackets: 95%% intervals.\n", (long long)a->n_forget, before,
                  after);
    base_text_add(&text, "forgotten: ");
    session_classes_both(&w->forget, w->data.train, &text);
    base_text_add(&text, "\n");
    base_text_add(&text,
                  "%.2f s (prepare %.2f s, apply %.2f s) on %lld retained and %lld forgotten images\nweights in %s\n",
                  r->prepare_seconds + r->apply_seconds, r->prepare_seconds, r->apply_seconds,
                  (long long)r->samples_retain, (long long)r->samples_forget, o->out);
    for (size_t i = 0; i < w->model.tensors->copy_count; i++) {
        base_text_add(&text, "beside them: ");
        cli_visible_add(&text, w->model.tensors->copies[i].where);
        base_text_add(&text, ", a copy of %zu tensors: %s\n", w->model.tensors->copies[i].tensors->count, done(o, w));
    }
    return cli_print_text_take(&text);
}

static BaseStatus warn(const Work *w)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &w->method->entry;
    bool alphas = base_param_find(entry->params, entry->param_count, "alpha_f") &&
                  base_param_find(entry->params, entry->param_count, "alpha_r");
    const SessionTally *b = &w->before, *a = &w->after;
    double forget = session_percent(a->right_forget, a->n_forget);
    double fall = session_percent(b->right_retain, b->n_retain) - session_percent(a->right_retain, a->n_retain);
    BaseText classes = {0};
    session_classes_both(&w->forget, w->data.train, &classes);
    BASE_TRY(classes.st);
    if (forget > 20)
        base_warning("ACC_f is still %.2f%% after forgetting %s: %s", forget, classes.data,
                     alphas ? "try a larger alpha_f, a smaller alpha_r, more forget_samples or layers=all"
                            : "try other parameters (expunge list methods) or --method svd");
    if (fall > 5)
        base_warning("ACC_r fell by %.2f points: %s", fall,
                     alphas ? "try a larger alpha_r, a smaller alpha_f, or more retain_per_class"
                            : "try other parameters (expunge list methods) or --method svd");
out:
    base_text_free(&classes);
    return st;
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    Work w = {0};
    BASE_TRY(prepare(o, &w));
    bool first = sweep_ranks_number() == 0; /* the others have the same network, and nothing to say */
    if (first) BASE_TRY(measure(&w, w.model.net, "test before", &w.before));
    BASE_TRY(nn_net_clone(w.model.net, &w.net));
    BASE_TRY(unlearn_run(w.method, &w.context, w.params, w.net, &w.report));
    BASE_TRY(model_beside_apply(w.beside, w.method, &w.context, w.params, o->weights, o->out, &w.model));
    if (!first) goto out;
    BASE_TRY(measure(&w, w.net, "test after", &w.after));
    BASE_TRY(save(o, &w));
    BASE_TRY(o->json ? print_json(o, &w) : print_table(o, &w));
    BASE_TRY(warn(&w));
out:
    work_free(&w);
    return st;
}

const CliCommand cli_unlearn = {
    .name = "unlearn",
    .summary = "remove classes from a trained network",
    .purpose =
        {
#include "cli/help/unlearn.txt.inc"
        },
    .usage = {"--arch A --weights F --data D --forget 3[,7] --method M [--set k=v]... [--share] [--beside B] -o FILE"},
    .takes = "arch! weights! data! forget! method! set beside share precision tuning json out!",
    .ranks = true,
    .set_common = true,
    .examples = {"expunge unlearn --arch convnet --weights original.safetensors --data fashion-mnist --forget 3 "
                 "--method svd -o out.safetensors",
                 "expunge unlearn --arch vgg11_bn --weights w.safetensors --data fashion-mnist --forget 3,7 --method "
                 "svd --set alpha_r=100 --set alpha_f=3 -o out.safetensors"},
    .run = run,
};
