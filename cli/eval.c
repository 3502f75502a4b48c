/* cli/eval.c - `expunge eval`: accuracies with their intervals, shares per class and confusion as a table. */
#include "session/evaluation.h"

#include <math.h>

#include "cli/commands.h"
#include "report/escape.h"
#include "session/forget.h"

enum { NAMES_MAX = 40 }; /* columns of a class name */

static void add_share(BaseText *text, const char *name, int64_t right, int64_t n)
{
    MathEstimate e = math_stats_share(right, n, 0.95);
    if (n > 0)
        base_text_add(text, "%-10s %6.2f%%  [%.2f, %.2f]  n = %lld\n", name, 100 * e.value, 100 * e.lo, 100 * e.hi,
                      (long long)n);
}

static BaseStatus print_table(const CliOptions *o, const SessionData *data, const SessionEvaluation *e)
{
    const SessionTally *t = &e->tally;
    int64_t K = e->K;
    BaseText text = {0};
    base_text_add(&text, "%s split of %s; 95%% intervals\n", e->split, o->data);
    add_share(&text, "accuracy", t->right, t->n);
    if (e->forgets) {
        add_share(&text, "ACC_r", t->right_retain, t->n_retain);
        add_share(&text, "ACC_f", t->right_forget, t->n_forget);
        base_text_add(&text, "forgotten: ");
        session_forget_both(&e->forget, data->train, &text);
        base_text_add(&text, "\n");
    }
    int names = 0; /* columns of the widest name */
    for (int64_t c = 0; c < K; c++) {
        int width = report_text_width(data->train->class_names[c]);
        names = width > names ? width : names;
    }
    if (names > NAMES_MAX) names = NAMES_MAX;
    base_text_add(&text, "\nconfusion: rows are true classes, columns are predicted classes\n%5s %*s %7s ", "", names,
                  "", "right");
    for (int64_t k = 0; k < K && K <= 32; k++) base_text_add(&text, "%6lld", (long long)k);
    base_text_add(&text, "\n");
    for (int64_t c = 0; c < K; c++) {
        double share = session_evaluation_percent(e, c);
        base_text_add(&text, "%5lld ", (long long)c);
        report_text_fit(&text, data->train->class_names[c], names);
        base_text_add(&text, " ");
        if (isnan(share))
            base_text_add(&text, "%7s ", "-");
        else
            base_text_add(&text, "%6.2f%% ", share);
        for (int64_t k = 0; k < K && K <= 32; k++) base_text_add(&text, "%6lld", (long long)e->confusion[c * K + k]);
        base_text_add(&text, "\n");
    }
    return cli_print_text_take(&text);
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    SessionData data = {0};
    SessionModel model = {0};
    SessionEvaluation evaluation = {0};
    const SessionQuestion question = {o->split, {.classes = o->forget, .index = o->forget_index}, &o->prepare, o->use};
    BASE_TRY(cli_open(o, &data, &model));
    BASE_TRY(session_evaluate(&data, &model, &question, &evaluation));
    BASE_TRY(o->json ? cli_print_json_take(session_evaluation_json(&evaluation, &data, &model))
                     : print_table(o, &data, &evaluation));
out:
    session_evaluation_free(&evaluation);
    session_model_free(&model);
    session_data_free(&data);
    return st;
}

const CliCommand cli_eval = {
    .name = "eval",
    .summary = "print accuracies and the confusion matrix of a weights file",
    .purpose =
        {
#include "cli/help/eval.txt.inc"
        },
    .usage = {"--arch A --weights F --data D [--split train|test] [--forget 3 | --forget-index FILE]"},
    .takes = "arch! weights! override image-size data! split forget forget-index precision tuning memory json",
    .examples = {"expunge eval --arch convnet --weights original.safetensors --data fashion-mnist",
                 "expunge eval --arch convnet --weights out.safetensors --data fashion-mnist --forget 3 --json"},
    .run = run,
};
