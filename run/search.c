#include "run/search.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

void run_search_free(RunSearch *search)
{
    base_free(search->value);
    base_free(search->score);
    base_free(search->acc_retain);
    base_free(search->acc_forget);
    *search = (RunSearch){0};
}

/* Place on @p axis of grid point @p point: the last axis runs fastest. */
static size_t place(const RunMethod *m, size_t point, size_t axis)
{
    for (size_t a = m->axis_count; a-- > axis + 1;) point /= m->axes[a].count;
    return point % m->axes[axis].count;
}

static BaseStatus set_point(const RunMethod *m, size_t point, void *params)
{
    const BaseEntry *entry = &m->method->entry;
    BaseStatus st = BASE_OK;
    for (size_t a = 0; a < m->axis_count && st == BASE_OK; a++)
        st = base_param_set(entry->params, entry->param_count, params, entry->name, m->axes[a].param->name,
                            m->axes[a].values[place(m, point, a)], m->where);
    return st;
}

/* Points between two calls of prepare(): the product of the tunable axes, which stand last. */
static size_t stretch(const RunMethod *m)
{
    size_t points = 1;
    for (size_t a = 0; a < m->axis_count; a++) points *= m->axes[a].tunable ? m->axes[a].count : 1;
    return points;
}

static BaseStatus score_point(const RunMethod *m, const UnlearnContext *context, const DataView *validation,
                              void *state, const void *params, NnNet *net, RunSearch *s, size_t point)
{
    BaseStatus st = BASE_OK;
    UnlearnReport report = {0};
    RunPredictions predictions = {0};
    s->score[point] = s->acc_retain[point] = s->acc_forget[point] = NAN;
    nn_net_copy(net, context->original);
    BASE_TRY(m->method->apply(context, state, params, net, &report));
    BASE_TRY(run_predict(net, validation, context->precision, NULL, &predictions));
    RunTally tally = run_tally(&predictions.p, context->forget);
    s->acc_retain[point] = run_percent(tally.right_retain, tally.n_retain);
    s->acc_forget[point] = run_percent(tally.right_forget, tally.n_forget);
    s->score[point] = s->acc_retain[point] / 100 * (1 - s->acc_forget[point] / 100);
out:
    run_predictions_free(&predictions);
    unlearn_report_free(&report);
    return st;
}

static BaseStatus alloc_search(const RunMethod *m, RunSearch *s)
{
    BaseStatus st = BASE_OK;
    s->axis_count = m->axis_count;
    s->points = 1;
    for (size_t a = 0; a < m->axis_count; a++) s->points *= m->axes[a].count;
    BASE_TRY(BASE_ALLOC(s->axis_count * s->points, &s->value));
    BASE_TRY(BASE_ALLOC(s->points, &s->score));
    BASE_TRY(BASE_ALLOC(s->points, &s->acc_retain));
    BASE_TRY(BASE_ALLOC(s->points, &s->acc_forget));
    for (size_t a = 0; a < s->axis_count; a++) {
        for (size_t i = 0; i < s->points; i++) {
            size_t at = place(m, i, a);
            if (!base_parse_f64(m->axes[a].values[at], &s->value[a * s->points + i]))
                s->value[a * s->points + i] = (double)at;
        }
    }
out:
    return st;
}

/* The objective needs both of its accuracies. */
static BaseStatus check_validation(const RunMethod *m, const UnlearnContext *context, const DataView *validation)
{
    BaseStatus st = BASE_OK;
    int64_t forgotten = 0;
    for (int64_t i = 0; i < validation->n; i++) forgotten += context->forget->in[data_view_label(validation, i)] != 0;
    BASE_CHECK(forgotten > 0 && forgotten < validation->n, BASE_EUSAGE,
               "search %s: the validation split holds %lld retained and %lld forgotten images, and needs some of both: "
               "set validation higher",
               m->label, (long long)(validation->n - forgotten), (long long)forgotten);
out:
    return st;
}

BaseStatus run_search(const RunMethod *m, const UnlearnContext *context, const DataView *validation, void *params,
                      RunSearch *out)
{
    BaseStatus st = BASE_OK;
    RunSearch s = {0};
    NnNet *net = NULL;
    void *state = NULL;
    double started = base_clock_wall();
    char label[160], detail[64];
    *out = (RunSearch){0};
    BASE_TRY(check_validation(m, context, validation));
    BASE_TRY(alloc_search(m, &s));
    BASE_TRY(nn_net_clone(context->original, &net));
    s.chosen = -1;
    s.n = validation->n;
    size_t every = stretch(m);
    snprintf(label, sizeof label, "search %s", m->label);
    for (size_t i = 0; i < s.points; i++) {
        BASE_TRY(set_point(m, i, params));
        if (i % every == 0 && m->method->prepare) {
            if (state && m->method->release) m->method->release(state);
            state = NULL;
            BASE_TRY(m->method->prepare(context, params, &state));
        }
        st = score_point(m, context, validation, state, params, net, &s, i);
        if (st != BASE_OK && st != BASE_ENUMERIC) goto out; /* a point that gives no finite network only loses */
        st = BASE_OK;
        if (!isnan(s.score[i]) && (s.chosen < 0 || s.score[i] > s.score[s.chosen])) s.chosen = (int64_t)i;
        snprintf(detail, sizeof detail, "best score %.4f", s.chosen < 0 ? 0 : s.score[s.chosen]);
        base_progress(label, (int64_t)i + 1, (int64_t)s.points, detail);
    }
    BASE_CHECK(s.chosen >= 0, BASE_ENUMERIC, "search %s: no point of the grid gave a finite network: %s", m->label,
               base_error_text());
    BASE_TRY(set_point(m, (size_t)s.chosen, params));
    s.seconds = base_clock_wall() - started;
    *out = s;
    s = (RunSearch){0};
out:
    if (state && m->method->release) m->method->release(state);
    nn_net_free(net);
    run_search_free(&s);
    return st;
}
