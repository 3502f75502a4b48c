/* cli/train.c - `expunge train`: one network from a seed, saved with what made it as metadata of the weights. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "io/file.h"
#include "models/recipe.h"
#include "nn/train.h"
#include "nn/weights.h"
#include "session/answers.h"
#include "session/canaries.h"
#include "session/classes.h"
#include "session/data.h"
#include "session/json.h"
#include "session/model.h"
#include "session/params.h"
#include "session/program.h"

/* What a training works on. */
typedef struct {
    NnTrainConfig config;
    SessionCommon common;
    SessionData data;
    DataClasses exclude;
    SessionSplit split;
    DataIndex left_out, used;
    SessionCanaries canaries;
    SessionModel model;
    NnTrainEpoch *history;
    char key[BASE_HASH_HEX], *kept; /* of the file with the training's position */
    NnTrainKeep keep;
    NnPrecision precision;
    SessionTally tally; /* on the test split */
} Work;

static void work_free(Work *w)
{
    base_free(w->history);
    base_free(w->kept);
    session_model_free(&w->model);
    session_canaries_free(&w->canaries);
    data_index_free(&w->left_out);
    data_index_free(&w->used);
    session_split_free(&w->split);
    data_classes_free(&w->exclude);
    session_data_free(&w->data);
}

/* Draws them, and takes those that their coin leaves out from what is trained on. */
static BaseStatus draw_canaries(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    int kind = 0;
    DataClasses classes = {0};
    DataIndex *trained = o->exclude ? &w->used : &w->split.kept;
    DataView view = data_view_of(w->data.train, trained);
    BASE_CHECK(o->canaries || !(o->canary_kind || o->canary_classes), BASE_EUSAGE,
               "train: %s says what canaries are, and there are none without --canaries N",
               o->canary_kind ? "--canary-kind" : "--canary-classes");
    if (!o->canaries) goto out;
    while (o->canary_kind && session_canary_kinds[kind] && strcmp(session_canary_kinds[kind], o->canary_kind) != 0)
        kind++;
    BASE_CHECK(session_canary_kinds[kind], BASE_EUSAGE, "train: --canary-kind '%.100s': must be image or label",
               o->canary_kind);
    if (o->canary_classes) BASE_TRY(data_classes_parse(w->data.train, o->canary_classes, &classes));
    BASE_TRY(session_canaries_draw(&w->data, &view, o->canaries, (SessionCanaryKind)kind,
                                   o->canary_classes ? &classes : NULL, o->exclude ? &w->exclude : NULL,
                                   (uint64_t)o->seed, &w->canaries));
    BASE_TRY(session_canaries_apply(&w->canaries, &w->data));
    session_canaries_leave_out(&w->canaries, trained);
    session_split_view(&w->data, &w->split);
out:
    data_classes_free(&classes);
    return st;
}

static BaseStatus prepare(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    base_param_defaults(nn_train_params, nn_train_param_count, &w->config);
    BASE_TRY(session_assign(o->set.at, o->set.count, nn_train_params, nn_train_param_count, &w->config, &w->common,
                            "train"));
    BASE_TRY(io_tensors_writable(o->out, NULL));
    BASE_TRY(session_output_check(o->out, o->data, NULL));
    w->precision = nn_precision_available(o->use);
    BASE_TRY(session_data_open(o->data, &o->prepare, &w->data));
    if (o->exclude) BASE_TRY(data_classes_parse(w->data.train, o->exclude, &w->exclude));
    BASE_TRY(session_model_create(o->arch, &w->data, &w->model));
    BASE_TRY(session_model_tune(&w->model, o->tuning));
    BASE_TRY(session_split_make(&w->data, w->common.val_fraction, (uint64_t)o->seed, &w->split));
    if (o->exclude) BASE_TRY(data_partition(&w->split.train, &w->exclude, &w->left_out, &w->used));
    BASE_TRY(draw_canaries(o, w));
    BASE_TRY(BASE_ALLOC(w->config.epochs, &w->history));
out:
    return st;
}

/* Everything that decides the weights: another command's position is not gone on from. */
static BaseStatus keep_key(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    BaseText what = {0};
    const ModelRecipe recipe = {.arch = o->arch,
                                .data = &w->data,
                                .training = &w->config,
                                .precision = w->precision,
                                .tuning = w->model.tuning,
                                .validation = w->common.val_fraction,
                                .seed = (uint64_t)o->seed};
    base_text_add(&what, "train without [");
    if (o->exclude) session_classes_both(&w->exclude, w->data.train, &what);
    base_text_add(&what, "]");
    for (int64_t i = 0; i < w->canaries.n; i++)
        base_text_add(&what, " %lld:%d%c", (long long)w->canaries.at[i], (int)w->canaries.label[i],
                      w->canaries.coin[i] ? '+' : '-');
    BASE_TRY(what.st);
    BASE_TRY(model_key(&recipe, what.data, w->key));
    BASE_TRY(base_format(&w->kept, "%s" NN_KEEP_ENDING, o->out));
    w->keep = (NnTrainKeep){
        .path = w->kept, .key = w->key, .seconds = o->checkpoint ? (double)o->checkpoint : (double)NN_KEEP_SECONDS};
out:
    base_text_free(&what);
    return st;
}

static BaseStatus work(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    SessionPredictions predictions = {0};
    DataView view = o->exclude ? data_view_of(w->data.train, &w->used) : w->split.train;
    nn_net_init(w->model.net, (uint64_t)o->seed);
    BASE_TRY(keep_key(o, w));
    BASE_TRY(
        nn_train_kept(w->model.net, &view, &w->config, w->precision, (uint64_t)o->seed, "train", w->history, &w->keep));
    BASE_TRY(session_predict(w->model.net, &w->split.test, w->precision, "test", &predictions));
    const DataForget excluded = {.classes = w->exclude};
    w->tally = session_tally(&predictions.p, o->exclude ? &excluded : NULL);
out:
    session_predictions_free(&predictions);
    return st;
}

static BaseStatus set_provenance(const CliOptions *o, const Work *w, IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    BaseText config = {0}, excluded = {0};
    char seed[32];
    session_params_text(nn_train_params, nn_train_param_count, &w->config, &config);
    if (o->exclude) session_classes_both(&w->exclude, w->data.train, &excluded);
    BASE_TRY(config.st);
    BASE_TRY(excluded.st);
    snprintf(seed, sizeof seed, "%lld", (long long)o->seed);
    const char *const META[][2] = {{"format", "pt"},
                                   {"expunge.arch", w->model.arch->entry.name},
                                   {"expunge.data", o->data},
                                   {"expunge.data_hash", w->data.hash},
                                   {SESSION_META_PREP, w->data.prep},
                                   {"expunge.exclude", o->exclude ? o->exclude : ""},
                                   {"expunge.excluded", excluded.data ? excluded.data : ""},
                                   {"expunge.seed", seed},
                                   {"expunge.train", config.data},
                                   {"expunge.precision", nn_precision_name(w->precision)},
                                   {SESSION_META_TUNING, session_model_tuning(&w->model)},
                                   {"expunge.program", "expunge " SESSION_PROGRAM_VERSION},
                                   {"expunge.command", o->command}};
    for (size_t i = 0; i < BASE_COUNT(META); i++) BASE_TRY(io_tensors_set_meta(tensors, META[i][0], META[i][1]));
    BASE_TRY(session_canaries_write(&w->canaries, tensors));
out:
    base_text_free(&config);
    base_text_free(&excluded);
    return st;
}

static BaseStatus save(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    BASE_TRY(nn_weights_export(w->model.net, &tensors));
    BASE_TRY(set_provenance(o, w, tensors));
    BASE_TRY(io_tensors_write(tensors, o->out));
    nn_keep_remove(&w->keep);
    BASE_TRY(nn_net_hash(w->model.net, w->model.hash));
out:
    io_tensors_free(tensors);
    return st;
}

static BaseStatus print_json(const CliOptions *o, const Work *w)
{
    IoJson *json = io_json_object(), *epochs = io_json_array();
    for (int64_t i = 0; i < w->config.epochs; i++) {
        const NnTrainEpoch *e = &w->history[i];
        IoJson *row = io_json_object();
        io_json_set_take(row, "epoch", io_json_integer(e->epoch));
        io_json_set_take(row, "loss", io_json_number(e->loss));
        io_json_set_take(row, "accuracy", io_json_number(100 * e->accuracy));
        io_json_set_take(row, "lr", io_json_number(e->lr));
        io_json_set_take(row, "seconds", io_json_number(e->seconds));
        io_json_add_take(epochs, row);
    }
    const SessionTally *t = &w->tally;
    session_json_percent(json, "accuracy", t->right, t->n);
    session_json_percent(json, "acc_retain", t->right_retain, o->exclude ? t->n_retain : 0);
    session_json_percent(json, "acc_exclude", t->right_forget, t->n_forget);
    io_json_set_take(json, "n", io_json_integer(t->n));
    if (o->exclude) {
        io_json_set_take(json, "exclude", session_classes_json(&w->exclude));
        io_json_set_take(json, "exclude_names", session_classes_names_json(&w->exclude, w->data.train));
    }
    if (w->canaries.n) io_json_set_take(json, "canaries", session_canaries_json(&w->canaries));
    io_json_set_take(json, "weights_hash", io_json_text_value(w->model.hash));
    io_json_set_take(json, "epochs", epochs);
    return cli_print_json_take(json);
}

static BaseStatus print_table(const CliOptions *o, const Work *w)
{
    BaseText text = {0};
    base_text_add(&text, "%5s  %10s  %9s  %10s  %8s\n", "epoch", "loss", "accuracy", "lr", "seconds");
    for (int64_t i = 0; i < w->config.epochs; i++) {
        const NnTrainEpoch *e = &w->history[i];
        base_text_add(&text, "%5lld  %10.4f  %8.2f%%  %10.4g  %8.2f\n", (long long)e->epoch, e->loss, 100 * e->accuracy,
                      e->lr, e->seconds);
    }
    const SessionTally *t = &w->tally;
    char all[48], trained[48], excluded[48];
    session_percent_interval_text(t->right, t->n, all);
    session_percent_interval_text(t->right_retain, t->n_retain, trained);
    session_percent_interval_text(t->right_forget, t->n_forget, excluded);
    base_text_add(&text, "test accuracy %s (n = %lld; 95%% interval)\n", all, (long long)t->n);
    if (o->exclude) {
        base_text_add(&text, "  trained classes %s (n = %lld), excluded classes %s (n = %lld)\n  excluded: ", trained,
                      (long long)t->n_retain, excluded, (long long)t->n_forget);
        session_classes_both(&w->exclude, w->data.train, &text);
        base_text_add(&text, "\n");
    }
    if (w->canaries.n) {
        base_text_add(&text, "canaries: ");
        session_canaries_text(&w->canaries, &text);
        base_text_add(&text, "\n");
    }
    base_text_add(&text, "weights %s: %s\n", o->out, w->model.hash);
    return cli_print_text_take(&text);
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    Work w = {0};
    BASE_TRY(prepare(o, &w));
    BASE_TRY(work(o, &w));
    BASE_TRY(save(o, &w));
    BASE_TRY(o->json ? print_json(o, &w) : print_table(o, &w));
out:
    work_free(&w);
    return st;
}

const CliCommand cli_train = {
    .name = "train",
    .summary = "train a classifier, with or without some classes",
    .purpose =
        {
#include "cli/help/train.txt.inc"
        },
    .usage = {"--arch A --data D [--exclude 3,7] [--canaries N] [--set k=v]... -o FILE"},
    .takes = "arch! data! exclude canaries canary-kind canary-classes set checkpoint precision tuning memory json out!",
    .set_table = nn_train_params,
    .set_count = &nn_train_param_count,
    .set_common = true,
    .examples = {"expunge train --arch convnet --data fashion-mnist --set epochs=2 -o original.safetensors",
                 "expunge train --arch convnet --data fashion-mnist --exclude 3 -o retrained.safetensors"},
    .run = run,
};
