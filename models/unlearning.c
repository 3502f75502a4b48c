/* models/unlearning.c - from an opened model to an unlearned one, with its report. */
#include "models/unlearning.h"

#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "nn/weights.h"
#include "session/canaries.h"
#include "session/forget.h"
#include "session/json.h"
#include "session/program.h"

void model_unlearning_free(ModelUnlearning *u)
{
    unlearn_report_free(&u->report);
    session_split_free(&u->split);
    data_forget_free(&u->forget);
    nn_net_free(u->net);
    base_free(u->params);
    *u = (ModelUnlearning){0};
}

BaseStatus model_unlearning_choose(const char *method, const char *const *set, size_t set_count, const char *beside,
                                   ModelUnlearning *out)
{
    BaseStatus st = BASE_OK;
    char owner[160];
    *out = (ModelUnlearning){0};
    BASE_TRY(unlearn_find(method, &out->method));
    const BaseEntry *entry = &out->method->entry;
    snprintf(owner, sizeof owner, "method %s", entry->name);
    BASE_TRY(session_params_defaults(entry, &out->params));
    BASE_TRY(session_assign(set, set_count, entry->params, entry->param_count, out->params, &out->common, owner));
    BASE_TRY(model_beside_parse(beside, &out->beside));
out:
    if (st != BASE_OK) model_unlearning_free(out);
    return st;
}

/* How the weights were trained, where `expunge train` wrote it down. */
static BaseStatus read_training(ModelUnlearning *u)
{
    const char *text = io_tensors_meta(u->model->tensors, "expunge.train");
    if (!text) return BASE_OK;
    base_param_defaults(nn_train_params, nn_train_param_count, &u->training);
    u->context.training = &u->training;
    return session_params_read(nn_train_params, nn_train_param_count, &u->training, text, "the training", u->weights);
}

/* What a coin left out of the training is neither kept nor to be forgotten. */
static BaseStatus leave_canaries_out(ModelUnlearning *u)
{
    BaseStatus st = BASE_OK;
    SessionCanaries canaries = {0};
    BASE_TRY(session_canaries_read(u->model->tensors, u->weights, &canaries));
    BASE_TRY(session_canaries_apply(&canaries, u->data));
    session_canaries_leave_out(&canaries, &u->split.kept);
    session_split_view(u->data, &u->split);
out:
    session_canaries_free(&canaries);
    return st;
}

BaseStatus model_unlearning_prepare(ModelUnlearning *u, SessionData *data, SessionModel *model, const char *weights,
                                    const DataForgetWish *forget, const DataOptions *options, NnPrecision precision,
                                    uint64_t seed)
{
    BaseStatus st = BASE_OK;
    u->data = data;
    u->model = model;
    u->weights = weights;
    BASE_TRY(data_forget_open(data->train, forget, options, &u->forget));
    BASE_TRY(unlearn_check_forget(u->method, &u->forget));
    BASE_TRY(session_split_make(data, u->common.val_fraction, seed, &u->split));
    BASE_TRY(leave_canaries_out(u));
    u->context = (UnlearnContext){.original = model->net,
                                  .train = u->split.train,
                                  .validation = u->split.validation,
                                  .forget = &u->forget,
                                  .precision = nn_precision_available(precision),
                                  .seed = seed};
    BASE_TRY(read_training(u));
out:
    return st;
}

BaseStatus model_unlearning_check(const ModelUnlearning *u)
{
    return u->method->check ? u->method->check(&u->context, u->params) : BASE_OK;
}

/* The forgotten images are training images: those that were trained on are counted. */
static BaseStatus measure_images(ModelUnlearning *u, NnNet *net, const char *label, SessionTally *out)
{
    BaseStatus st = BASE_OK;
    DataIndex gone = {0}, kept = {0};
    SessionPredictions predictions = {0};
    BASE_TRY(data_forget_partition(&u->split.train, &u->forget, &gone, &kept));
    const DataView view = data_view_of(u->data->train, &gone);
    BASE_TRY(session_predict_train(net, &view, u->context.precision, label, &predictions));
    const SessionTally t = session_tally(&predictions.p, &u->forget);
    out->n_forget = t.n_forget;
    out->right_forget = t.right_forget;
out:
    session_predictions_free(&predictions);
    data_index_free(&gone);
    data_index_free(&kept);
    return st;
}

static BaseStatus measure(ModelUnlearning *u, NnNet *net, const char *label, SessionTally *out)
{
    SessionPredictions predictions = {0};
    BaseStatus st = session_predict(net, &u->split.test, u->context.precision, label, &predictions);
    if (st == BASE_OK && net == u->model->net) st = session_chance_warn(&predictions, u->data);
    if (st == BASE_OK) *out = session_tally(&predictions.p, &u->forget);
    session_predictions_free(&predictions);
    return st == BASE_OK && data_forget_by_image(&u->forget) ? measure_images(u, net, label, out) : st;
}

BaseStatus model_unlearning_run(ModelUnlearning *u, const char *out, bool measures)
{
    BaseStatus st = BASE_OK;
    if (measures) BASE_TRY(measure(u, u->model->net, "test before", &u->before));
    BASE_TRY(nn_net_clone(u->model->net, &u->net));
    BASE_TRY(unlearn_run(u->method, &u->context, u->params, u->net, &u->report));
    u->copies_go = !out || io_tensors_keeps_beside(u->model->tensors, out);
    BASE_TRY(model_beside_apply(u->beside, u->method, &u->context, u->params, u->weights, out, u->model));
    if (measures) BASE_TRY(measure(u, u->net, "test after", &u->after));
out:
    return st;
}

BaseStatus model_unlearning_keep(const ModelUnlearning *u, IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    BaseText made = {0};
    const BaseEntry *entry = &u->method->entry;
    base_text_add(&made, "%s ", entry->name);
    session_params_text(entry->params, entry->param_count, u->params, &made);
    base_text_add(&made, ", forget ");
    session_forget_both(&u->forget, u->data->train, &made);
    base_text_add(&made, ", seed %lld, data %s (%s) prepared with %s, from weights %s, expunge %s",
                  (long long)u->context.seed, u->data->spec, u->data->hash, u->data->prep, u->model->hash,
                  SESSION_PROGRAM_VERSION);
    if (u->model->tuning) base_text_add(&made, ", tuning %s", session_model_tuning(u->model));
    BASE_TRY(made.st);
    BASE_TRY(nn_weights_update(u->net, tensors));
    BASE_TRY(io_tensors_set_meta(tensors, "expunge.unlearned", made.data));
    if (!io_tensors_meta(tensors, SESSION_META_PREP)) /* else it says what the weights were trained with */
        BASE_TRY(io_tensors_set_meta(tensors, SESSION_META_PREP, u->data->prep));
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

const char *model_unlearning_done(const ModelUnlearning *u)
{
    return u->copies_go ? model_beside_done(u->beside) : "not in the output";
}

static void add_copies_json(const ModelUnlearning *u, IoJson *json)
{
    const IoTensors *t = u->model->tensors;
    IoJson *list = io_json_array();
    for (size_t i = 0; i < t->copy_count; i++) {
        IoJson *row = io_json_object();
        io_json_set_take(row, "name", io_json_text_value(t->copies[i].where));
        io_json_set_take(row, "tensors", io_json_integer((int64_t)t->copies[i].tensors->count));
        io_json_set_take(row, "done", io_json_text_value(model_unlearning_done(u)));
        io_json_add_take(list, row);
    }
    io_json_set_take(json, "beside", list);
    io_json_set_take(json, "stale", io_json_text_value(u->copies_go ? t->stale : NULL));
    io_json_set_take(json, "left_out", io_json_text_value(t->keep_strange ? NULL : t->strange));
}

IoJson *model_unlearning_json(const ModelUnlearning *u)
{
    IoJson *json = io_json_object(), *layers = io_json_array();
    const SessionTally *b = &u->before, *a = &u->after;
    io_json_set_take(json, "method", io_json_text_value(u->method->entry.name));
    session_forget_json(&u->forget, u->data->train, json);
    session_json_percent(json, "acc_retain_before", b->right_retain, b->n_retain);
    session_json_percent(json, "acc_forget_before", b->right_forget, b->n_forget);
    session_json_percent(json, "acc_retain", a->right_retain, a->n_retain);
    session_json_percent(json, "acc_forget", a->right_forget, a->n_forget);
    io_json_set_take(json, "n_retain", io_json_integer(a->n_retain));
    io_json_set_take(json, "n_forget", io_json_integer(a->n_forget));
    io_json_set_take(json, "seconds", io_json_number(u->report.prepare_seconds + u->report.apply_seconds));
    io_json_set_take(json, "samples_retain", io_json_integer(u->report.samples_retain));
    io_json_set_take(json, "samples_forget", io_json_integer(u->report.samples_forget));
    for (int i = 0; i < u->report.layer_count; i++) io_json_add_take(layers, layer_json(&u->report.layers[i]));
    io_json_set_take(json, "layers", layers);
    add_copies_json(u, json);
    return json;
}

BaseStatus model_unlearning_warn(const ModelUnlearning *u)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &u->method->entry;
    bool alphas = base_param_find(entry->params, entry->param_count, "alpha_f") &&
                  base_param_find(entry->params, entry->param_count, "alpha_r");
    const SessionTally *b = &u->before, *a = &u->after;
    double forget = session_percent(a->right_forget, a->n_forget);
    double fall = session_percent(b->right_retain, b->n_retain) - session_percent(a->right_retain, a->n_retain);
    BaseText classes = {0};
    session_forget_both(&u->forget, u->data->train, &classes);
    BASE_TRY(classes.st);
    if (forget > 20 && !data_forget_by_image(&u->forget)) /* of images a retrained model knows as many as of others */
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
