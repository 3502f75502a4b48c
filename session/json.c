/* session/json.c - small builders for intervals, estimates and rates, used by every command that prints JSON. */
#include "session/json.h"

#include <math.h>
#include <stdio.h>

#include "session/answers.h"

IoJson *session_json_interval(double lo, double hi)
{
    if (isnan(lo) || isnan(hi)) return io_json_null();
    IoJson *pair = io_json_array();
    io_json_add_take(pair, io_json_number(lo));
    io_json_add_take(pair, io_json_number(hi));
    return pair;
}

IoJson *session_json_estimate(const MathEstimate *e)
{
    IoJson *row = io_json_object();
    io_json_set_take(row, "value", io_json_number(e->value));
    io_json_set_take(row, "ci", session_json_interval(e->lo, e->hi));
    io_json_set_take(row, "n", io_json_integer(e->n));
    return row;
}

IoJson *session_json_percent_ci(int64_t right, int64_t n)
{
    if (n == 0) return io_json_null();
    MathEstimate e = math_stats_share(right, n, 0.95);
    return session_json_interval(100 * e.lo, 100 * e.hi);
}

void session_json_percent(IoJson *object, const char *key, int64_t right, int64_t n)
{
    char ci[64];
    snprintf(ci, sizeof ci, "%s_ci", key);
    io_json_set_take(object, key, io_json_number(session_percent(right, n)));
    io_json_set_take(object, ci, session_json_percent_ci(right, n));
}

IoJson *session_json_tpr(const MiaResult *result)
{
    IoJson *all = io_json_object();
    char key[32];
    for (int i = 0; i < MIA_FPRS; i++) {
        const MathTprAtFpr *t = &result->tpr[i];
        IoJson *row = io_json_object();
        io_json_set_take(row, "value", io_json_number(t->value));
        io_json_set_take(row, "ci", session_json_interval(t->lo, t->hi));
        io_json_set_take(row, "within_fpr", io_json_number(t->within));
        io_json_set_take(row, "fpr", io_json_number(t->realised_fpr));
        io_json_set_take(row, "n", io_json_integer(t->n));
        snprintf(key, sizeof key, "%g", mia_fprs[i]);
        io_json_set_take(all, key, row);
    }
    return all;
}

static IoJson *epsilon(const MathEpsilon *e)
{
    IoJson *row = io_json_object();
    bool gaussian = e->method == MATH_EPSILON_GAUSSIAN;
    io_json_set_take(row, "method", io_json_text_value(math_epsilon_method_name(e->method)));
    io_json_set_take(row, "lower", io_json_number(e->epsilon));
    io_json_set_take(row, "largest_provable", io_json_number(e->largest));
    if (gaussian) io_json_set_take(row, "mu_lower", io_json_number(e->mu));
    io_json_set_take(row, "delta", io_json_number(e->delta));
    io_json_set_take(row, "alpha", io_json_number(e->alpha));
    io_json_set_take(row, "assumes", io_json_text_value(math_epsilon_method_text(e->method)));
    return row;
}

IoJson *session_json_epsilon(const MiaResult *result)
{
    IoJson *all = io_json_array();
    io_json_add_take(all, epsilon(&result->epsilon));
    io_json_add_take(all, epsilon(&result->epsilon_gaussian));
    return all;
}

IoJson *session_json_numbers(const MiaResult *result)
{
    IoJson *all = io_json_object();
    for (int i = 0; i < result->number_count; i++)
        io_json_set_take(all, result->numbers[i].name, session_json_estimate(&result->numbers[i].value));
    return all;
}

IoJson *session_json_params(const BaseEntry *entry, const void *params)
{
    IoJson *all = io_json_object();
    for (size_t i = 0; i < entry->param_count; i++) {
        BaseText text = {0};
        base_param_format(&entry->params[i], params, &text);
        io_json_set_take(all, entry->params[i].name, io_json_text_of(&text));
        base_text_free(&text);
    }
    return all;
}

const char *session_json_fitted(MiaFitted fitted)
{
    static const char *const WORDS[] = {
        [MIA_UNFITTED] = "no", [MIA_CROSS_FITTED] = "to the other points", [MIA_FITTED] = "to these points"};
    return WORDS[fitted];
}
