/* cli/eval.c - `expunge eval`: one pass over one split; shares per class with their intervals, confusion as a table. */
#include "eval/eval.h"
#include <math.h>

#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "report/escape.h"
#include "session/answers.h"
#include "session/classes.h"
#include "session/data.h"
#include "session/model.h"

enum { NAMES_MAX = 40 }; /* columns of a class name */

typedef struct {
    SessionData data;
    SessionModel model;
    DataClasses forget;
    SessionPredictions predictions;
    SessionTally tally;
    int64_t *confusion; /* [K, K] */
} Work;

static void work_free(Work *w)
{
    base_free(w->confusion);
    session_predictions_free(&w->predictions);
    data_classes_free(&w->forget);
    session_model_free(&w->model);
    session_data_free(&w->data);
}

static int64_t class_count(const Work *w, int64_t c)
{
    int64_t K = w->predictions.p.K, n = 0;
    for (int64_t k = 0; k < K; k++) n += w->confusion[c * K + k];
    return n;
}

static double class_percent(const Work *w, int64_t c)
{
    return session_percent(w->confusion[c * w->predictions.p.K + c], class_count(w, c));
}

static const char *split_name(const CliOptions *o) { return o->split ? o->split : "test"; }

static BaseStatus print_json(const CliOptions *o, const Work *w)
{
    const SessionTally *t = &w->tally;
    int64_t K = w->predictions.p.K;
    IoJson *json = io_json_object(), *per_class = io_json_array(), *confusion = io_json_array();
    IoJson *classes = io_json_array(), *per_class_ci = io_json_array();
    io_json_set_take(json, "split", io_json_text_value(split_name(o)));
    if (o->forget) {
        io_json_set_take(json, "forget", session_classes_json(&w->forget));
        io_json_set_take(json, "forget_names", session_classes_names_json(&w->forget, w->data.train));
    }
    cli_json_percent(json, "accuracy", t->right, t->n);
    cli_json_percent(json, "acc_retain", t->right_retain, o->forget ? t->n_retain : 0);
    cli_json_percent(json, "acc_forget", t->right_forget, o->forget ? t->n_forget : 0);
    io_json_set_take(json, "n", io_json_integer(t->n));
    io_json_set_take(json, "n_retain", io_json_integer(t->n_retain));
    io_json_set_take(json, "n_forget", io_json_integer(t->n_forget));
    for (int64_t c = 0; c < K; c++) {
        IoJson *row = io_json_array();
        for (int64_t k = 0; k < K; k++) io_json_add_take(row, io_json_integer(w->confusion[c * K + k]));
        io_json_add_take(confusion, row);
        io_json_add_take(per_class, io_json_number(class_percent(w, c)));
        io_json_add_take(per_class_ci, cli_json_percent_ci(w->confusion[c * K + c], class_count(w, c)));
    }
    for (int64_t k = 0; k < K; k++) io_json_add_take(classes, io_json_text_value(w->data.train->class_names[k]));
    io_json_set_take(json, "classes", classes);
    io_json_set_take(json, "preprocessing", io_json_text_value(w->data.prep));
    io_json_set_take(json, "tuning_hash", io_json_text_value(w->model.tuning ? session_model_tuning(&w->model) : NULL));
    io_json_set_take(json, "per_class", per_class);
    io_json_set_take(json, "per_class_ci", per_class_ci);
    io_json_set_take(json, "confusion", confusion);
    return cli_print_json_take(json);
}

static void add_share(BaseText *text, const char *name, int64_t right, int64_t n)
{
    MathEstimate e = math_stats_share(right, n, 0.95);
    if (n > 0)
        base_text_add(text, "%-10s %6.2f%%  [%.2f, %.2f]  n = %lld\n", name, 100 * e.value, 100 * e.lo, 100 * e.hi,
                      (long long)n);
}

static BaseStatus print_table(const CliOptions *o, const Work *w)
{
    const SessionTally *t = &w->tally;
    int64_t K = w->predictions.p.K;
    BaseText text = {0};
    base_text_add(&text, "%s split of %s; 95%% intervals\n", split_name(o), o->data);
    add_share(&text, "accuracy", t->right, t->n);
    if (o->forget) {
        add_share(&text, "ACC_r", t->right_retain, t->n_retain);
        add_share(&text, "ACC_f", t->right_forget, t->n_forget);
        base_text_add(&text, "forgotten: ");
        session_classes_both(&w->forget, w->data.train, &text);
        base_text_add(&text, "\n");
    }
    int names = 0; /* columns of the widest name */
    for (int64_t c = 0; c < K; c++) {
        int width = report_text_width(w->data.train->class_names[c]);
        names = width > names ? width : names;
    }
    if (names > NAMES_MAX) names = NAMES_MAX;
    base_text_add(&text, "\nconfusion: rows are true classes, columns are predicted classes\n%5s %*s %7s ", "", names,
                  "", "right");
    for (int64_t k = 0; k < K && K <= 32; k++) base_text_add(&text, "%6lld", (long long)k);
    base_text_add(&text, "\n");
    for (int64_t c = 0; c < K; c++) {
        double share = class_percent(w, c);
        base_text_add(&text, "%5lld ", (long long)c);
        report_text_fit(&text, w->data.train->class_names[c], names);
        base_text_add(&text, " ");
        if (isnan(share))
            base_text_add(&text, "%7s ", "-");
        else
            base_text_add(&text, "%6.2f%% ", share);
        for (int64_t k = 0; k < K && K <= 32; k++) base_text_add(&text, "%6lld", (long long)w->confusion[c * K + k]);
        base_text_add(&text, "\n");
    }
    return cli_print_text_take(&text);
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    Work w = {0};
    BASE_TRY(session_weights_check(o->arch, o->weights));
    BASE_TRY(session_data_open(o->data, &o->prepare, &w.data));
    BASE_TRY(session_model_open(o->arch, o->weights, &w.data, &w.model));
    BASE_TRY(session_model_tune(&w.model, o->tuning));
    if (o->forget) BASE_TRY(data_classes_parse(w.data.train, o->forget, &w.forget));
    DataView view = data_view_all(strcmp(split_name(o), "train") == 0 ? w.data.train : w.data.test);
    BASE_TRY(session_predict(w.model.net, &view, nn_precision_available(o->use), "eval", &w.predictions));
    BASE_TRY(session_chance_warn(&w.predictions, &w.data));
    w.tally = session_tally(&w.predictions.p, o->forget ? &w.forget : NULL);
    BASE_TRY(BASE_ALLOC(w.predictions.p.K * w.predictions.p.K, &w.confusion));
    eval_confusion(&w.predictions.p, w.confusion);
    BASE_TRY(o->json ? print_json(o, &w) : print_table(o, &w));
out:
    work_free(&w);
    return st;
}

const CliCommand cli_eval = {
    .name = "eval",
    .summary = "print accuracies and the confusion matrix of a weights file",
    .purpose =
        {
#include "cli/help/eval.txt.inc"
        },
    .usage = {"--arch A --weights F --data D [--split train|test] [--forget 3]"},
    .takes = "arch! weights! data! split forget precision tuning json",
    .examples = {"expunge eval --arch convnet --weights original.safetensors --data fashion-mnist",
                 "expunge eval --arch convnet --weights out.safetensors --data fashion-mnist --forget 3 --json"},
    .run = run,
};
