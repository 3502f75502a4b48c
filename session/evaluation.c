/* session/evaluation.c - one pass over a split, counted per class, and the same as JSON. */
#include "session/evaluation.h"

#include "base/memory.h"
#include "session/forget.h"
#include "session/json.h"

void session_evaluation_free(SessionEvaluation *e)
{
    data_forget_free(&e->forget);
    base_free(e->confusion);
    *e = (SessionEvaluation){0};
}

BaseStatus session_evaluate(const SessionData *data, const SessionModel *model, const SessionQuestion *q,
                            SessionEvaluation *out)
{
    BaseStatus st = BASE_OK;
    SessionPredictions predictions = {0};
    DataView view;
    const char *split = q->split ? q->split : q->forget.index || q->forget.images ? "train" : "test";
    *out = (SessionEvaluation){0};
    BASE_TRY(data_forget_wish_check(&q->forget, &out->forgets));
    BASE_TRY(session_data_view(data, split, &view, &out->split));
    bool train = view.set == data->train;
    BASE_CHECK(train || !q->forget.index, BASE_EUSAGE,
               "the images that %s names are training images, and none is in the test split; leave --split out",
               q->forget.index);
    if (out->forgets) BASE_TRY(data_forget_open(data->train, &q->forget, q->options, &out->forget));
    NnPrecision precision = nn_precision_available(q->precision);
    BASE_TRY((train ? session_predict_train : session_predict)(model->net, &view, precision, "eval", &predictions));
    BASE_TRY(session_chance_warn(&predictions, data));
    out->tally = session_tally(&predictions.p, out->forgets ? &out->forget : NULL);
    out->K = predictions.p.K;
    BASE_TRY(BASE_ALLOC(out->K * out->K, &out->confusion));
    eval_confusion(&predictions.p, out->confusion);
out:
    session_predictions_free(&predictions);
    if (st != BASE_OK) session_evaluation_free(out);
    return st;
}

int64_t session_evaluation_count(const SessionEvaluation *e, int64_t c)
{
    int64_t n = 0;
    for (int64_t k = 0; k < e->K; k++) n += e->confusion[c * e->K + k];
    return n;
}

double session_evaluation_percent(const SessionEvaluation *e, int64_t c)
{
    return session_percent(e->confusion[c * e->K + c], session_evaluation_count(e, c));
}

IoJson *session_evaluation_json(const SessionEvaluation *e, const SessionData *data, const SessionModel *model)
{
    const SessionTally *t = &e->tally;
    int64_t K = e->K;
    IoJson *json = io_json_object(), *per_class = io_json_array(), *confusion = io_json_array();
    IoJson *classes = io_json_array(), *per_class_ci = io_json_array();
    io_json_set_take(json, "split", io_json_text_value(e->split));
    if (e->forgets) session_forget_json(&e->forget, data->train, json);
    session_json_percent(json, "accuracy", t->right, t->n);
    session_json_percent(json, "acc_retain", t->right_retain, e->forgets ? t->n_retain : 0);
    session_json_percent(json, "acc_forget", t->right_forget, e->forgets ? t->n_forget : 0);
    io_json_set_take(json, "n", io_json_integer(t->n));
    io_json_set_take(json, "n_retain", io_json_integer(t->n_retain));
    io_json_set_take(json, "n_forget", io_json_integer(t->n_forget));
    for (int64_t c = 0; c < K; c++) {
        IoJson *row = io_json_array();
        for (int64_t k = 0; k < K; k++) io_json_add_take(row, io_json_integer(e->confusion[c * K + k]));
        io_json_add_take(confusion, row);
        io_json_add_take(per_class, io_json_number(session_evaluation_percent(e, c)));
        io_json_add_take(per_class_ci,
                         session_json_percent_ci(e->confusion[c * K + c], session_evaluation_count(e, c)));
    }
    for (int64_t k = 0; k < K; k++) io_json_add_take(classes, io_json_text_value(data->train->class_names[k]));
    io_json_set_take(json, "classes", classes);
    io_json_set_take(json, "preprocessing", io_json_text_value(data->prep));
    io_json_set_take(json, "tuning_hash", io_json_text_value(model->tuning ? session_model_tuning(model) : NULL));
    io_json_set_take(json, "per_class", per_class);
    io_json_set_take(json, "per_class_ci", per_class_ci);
    io_json_set_take(json, "confusion", confusion);
    return json;
}
