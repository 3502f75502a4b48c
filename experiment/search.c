/* experiment/search.c - points in the order of a grid or a seeded draw, prepared once per stretch that shares preparation. */
#include "experiment/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "session/answers.h"

void experiment_search_free(ExperimentSearch *search)
{
    base_free(search->at);
    base_free(search->value);
    base_free(search->score);
    base_free(search->acc_retain);
    base_free(search->acc_forget);
    base_free(search->cost);
    *search = (ExperimentSearch){0};
}

size_t experiment_search_grid(const ExperimentMethod *m)
{
    size_t points = 1;
    for (size_t a = 0; a < m->axis_count; a++) points *= m->axes[a].count;
    return points;
}

/* Place on @p axis of grid point @p point: the last axis runs fastest. */
static size_t place(const ExperimentMethod *m, size_t point, size_t axis)
{
    for (size_t a = m->axis_count; a-- > axis + 1;) point /= m->axes[a].count;
    return point % m->axes[axis].count;
}

static BaseStatus set_point(const ExperimentMethod *m, size_t point, void *params)
{
    const BaseEntry *entry = &m->method->entry;
    BaseStatus st = BASE_OK;
    for (size_t a = 0; a < m->axis_count && st == BASE_OK; a++)
        st = base_param_set(entry->params, entry->param_count, params, entry->name, m->axes[a].param->name,
                            m->axes[a].values[place(m, point, a)], m->where);
    return st;
}

const char *experiment_search_objective(const DataForget *sets, size_t count)
{
    size_t images = 0;
    for (size_t i = 0; i < count; i++) images += data_forget_by_image(&sets[i]);
    return images == 0      ? EXPERIMENT_OBJECTIVE
           : images < count ? EXPERIMENT_OBJECTIVE_MIXED
                            : EXPERIMENT_OBJECTIVE_IMAGES;
}

BaseStatus experiment_search_choose(const ExperimentMethod *m, const ExperimentSearch *s, void *params)
{
    return set_point(m, (size_t)s->at[s->chosen], params);
}

void experiment_search_text(const ExperimentMethod *m, const ExperimentSearch *s, size_t i, BaseText *out)
{
    base_text_add(out, "{");
    for (size_t a = 0; a < m->axis_count; a++)
        base_text_add(out, "%s%s: %s", a ? ", " : "", m->axes[a].param->name,
                      m->axes[a].values[place(m, (size_t)s->at[i], a)]);
    base_text_add(out, "}");
}

/* Points between two calls of prepare(): the product of the tunable axes, which stand last. */
static size_t stretch(const ExperimentMethod *m)
{
    size_t points = 1;
    for (size_t a = 0; a < m->axis_count; a++) points *= m->axes[a].tunable ? m->axes[a].count : 1;
    return points;
}

BaseStatus experiment_search_alloc(const ExperimentMethod *m, size_t points, ExperimentSearch *s)
{
    BaseStatus st = BASE_OK;
    s->axis_count = m->axis_count;
    s->points = points;
    s->chosen = -1;
    BASE_TRY(BASE_ALLOC(points, &s->at));
    BASE_TRY(BASE_ALLOC(s->axis_count * points, &s->value));
    BASE_TRY(BASE_ALLOC(points, &s->score));
    BASE_TRY(BASE_ALLOC(points, &s->acc_retain));
    BASE_TRY(BASE_ALLOC(points, &s->acc_forget));
    BASE_TRY(BASE_ALLOC(points, &s->cost));
out:
    return st;
}

bool experiment_search_values(const ExperimentMethod *m, ExperimentSearch *s)
{
    size_t grid = experiment_search_grid(m);
    for (size_t i = 0; i < s->points; i++)
        if (s->at[i] < 0 || (size_t)s->at[i] >= grid) return false;
    for (size_t a = 0; a < s->axis_count; a++) {
        for (size_t i = 0; i < s->points; i++) {
            size_t at = place(m, (size_t)s->at[i], a);
            if (!base_parse_f64(m->axes[a].values[at], &s->value[a * s->points + i]))
                s->value[a * s->points + i] = (double)at;
        }
    }
    return true;
}

/* The objective needs both of its accuracies. */
static BaseStatus check_validation(const ExperimentMethod *m, const UnlearnContext *context, const DataView *validation)
{
    int64_t forgotten = 0;
    if (data_forget_by_image(context->forget)) return BASE_OK; /* the forgotten images are training images */
    for (int64_t i = 0; i < validation->n; i++)
        forgotten += data_forget_holds(context->forget, data_view_label(validation, i), -1);
    if (forgotten > 0 && forgotten < validation->n) return BASE_OK;
    return base_error_set(BASE_EUSAGE,
                          "search %s: the validation split has %lld retained and %lld forgotten images, but needs some "
                          "of both: set validation higher",
                          m->label, (long long)(validation->n - forgotten), (long long)forgotten);
}

/* Right answers among the forgotten images that were trained on, in percent. */
static BaseStatus known_images(const UnlearnContext *context, NnNet *net, double *percent)
{
    BaseStatus st = BASE_OK;
    DataIndex gone = {0}, kept = {0};
    SessionPredictions predictions = {0};
    BASE_TRY(data_forget_partition(&context->train, context->forget, &gone, &kept));
    const DataView view = data_view_of(context->train.set, &gone);
    BASE_TRY(session_predict_train(net, &view, context->precision, NULL, &predictions));
    const SessionTally tally = session_tally(&predictions.p, NULL);
    *percent = session_percent(tally.right, tally.n);
out:
    session_predictions_free(&predictions);
    data_index_free(&gone);
    data_index_free(&kept);
    return st;
}

static BaseStatus score_point(const ExperimentSearchTask *task, const UnlearnContext *context, void *state,
                              const void *params, NnNet *net, ExperimentSearch *s, size_t point)
{
    BaseStatus st = BASE_OK;
    UnlearnReport report = {0};
    SessionPredictions predictions = {0};
    double share = 1 / (double)task->context_count;
    nn_net_copy(net, context->original);
    st = task->method->method->apply(context, state, params, net, &report);
    s->passes += report.passes;
    s->evaluations += share * (1 + report.judged / (double)task->validation->n);
    BASE_TRY(st);
    BASE_TRY(session_predict(net, task->validation, context->precision, NULL, &predictions));
    SessionTally tally = session_tally(&predictions.p, context->forget);
    double retain = session_percent(tally.right_retain, tally.n_retain);
    double forget = session_percent(tally.right_forget, tally.n_forget);
    s->acc_retain[point] += share * retain;
    bool images = data_forget_by_image(context->forget);
    if (images) BASE_TRY(known_images(context, net, &forget));
    s->acc_forget[point] += share * forget;
    s->score[point] += share * retain / 100 * (1 - (images ? fabs(forget - retain) : forget) / 100);
out:
    session_predictions_free(&predictions);
    unlearn_report_free(&report);
    return st;
}

/* What the loops over sets and trials share. */
typedef struct {
    const ExperimentSearchTask *task;
    void *params; /* of the trial */
    NnNet *net;
    ExperimentSearch *search;
} Trials;

/* Where a point stands among the trials: preparations in turn; within one the last tunable axis slowest, which is the
 * order that UnlearnContext.grid asks for. */
static size_t turn(const ExperimentMethod *m, size_t point)
{
    size_t key = point / stretch(m);
    for (size_t a = m->axis_count; a-- > 0;)
        if (m->axes[a].tunable) key = key * m->axes[a].count + place(m, point, a);
    return key;
}

static BaseStatus trial_order(const ExperimentMethod *m, const ExperimentSearch *s, size_t **out)
{
    BaseStatus st = BASE_ALLOC(s->points, out);
    if (st != BASE_OK) return st;
    for (size_t i = 0; i < s->points; i++) {
        size_t at = i, key = turn(m, (size_t)s->at[i]);
        for (; at > 0 && turn(m, (size_t)s->at[(*out)[at - 1]]) > key; at--) (*out)[at] = (*out)[at - 1];
        (*out)[at] = i;
    }
    return BASE_OK;
}

/* An equal search ends with the trial behind which no whole evaluation is left: on the first set, by which the others go. */
static bool is_spent(const Trials *t, size_t set, size_t done)
{
    const ExperimentBudget *budget = t->task->budget;
    const double each = t->search->evaluations * (double)t->task->context_count;
    return budget->strategy == EXPERIMENT_SEARCH_EQUAL && set == 0 && done > 0 && each + 1 > (double)budget->trials;
}

/* Every trial on one forget set. A trial that gives no finite network only loses. */
static BaseStatus search_set(const Trials *t, size_t set)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = t->task->method;
    UnlearnContext grid = t->task->contexts[set];
    const UnlearnContext *context = &grid;
    ExperimentSearch *s = t->search;
    size_t every = stretch(m), prepared = SIZE_MAX, *order = NULL;
    void *state = NULL;
    char label[160];
    snprintf(label, sizeof label, "search %s", m->label);
    grid.grid = every > 1;
    if (set > 0 || t->task->budget->strategy != EXPERIMENT_SEARCH_EQUAL) BASE_TRY(trial_order(m, s, &order));
    for (size_t k = 0; k < s->points; k++) {
        if (is_spent(t, set, k)) s->points = k;
        if (k == s->points) break;
        size_t i = order ? order[k] : k, point = (size_t)s->at[i];
        double started = base_clock_wall();
        BASE_TRY(set_point(m, point, t->params));
        if (point / every != prepared && m->method->prepare) {
            if (state && m->method->release) m->method->release(state);
            state = NULL;
            BASE_TRY(m->method->prepare(context, t->params, &state));
        }
        prepared = point / every;
        st = score_point(t->task, context, state, t->params, t->net, s, i);
        if (st != BASE_OK && st != BASE_ENUMERIC) goto out;
        if (st != BASE_OK) s->score[i] = s->acc_retain[i] = s->acc_forget[i] = NAN;
        st = BASE_OK;
        s->cost[i] += base_clock_wall() - started;
        base_progress(label, (int64_t)(set * s->points + k) + 1, (int64_t)(t->task->context_count * s->points), NULL);
    }
out:
    if (state && m->method->release) m->method->release(state);
    base_free(order);
    return st;
}

/* Grid point of the published values. */
static int64_t published_point(const ExperimentMethod *m)
{
    size_t point = 0;
    for (size_t a = 0; a < m->axis_count; a++) point = point * m->axes[a].count + m->axes[a].published;
    return (int64_t)point;
}

/* In the order of a draw, since evaluations may not suffice for all: what is left is a draw, too. The published point first. */
static void shuffle(const ExperimentMethod *m, BaseRandom *random, ExperimentSearch *s)
{
    const int64_t first = published_point(m);
    size_t at = 0;
    for (size_t i = s->points; i-- > 1;) {
        size_t k = base_random_below(random, i + 1);
        int64_t swap = s->at[i];
        s->at[i] = s->at[k];
        s->at[k] = swap;
    }
    while (at < s->points && s->at[at] != first) at++;
    if (at < s->points) s->at[at] = s->at[0];
    s->at[0] = first;
}

/* The points to try, ascending: the whole grid, or some of it. */
static BaseStatus draw(const ExperimentSearchTask *task, ExperimentSearch *s)
{
    size_t grid = experiment_search_grid(task->method), points = grid;
    if (task->budget->strategy != EXPERIMENT_SEARCH_GRID && task->budget->trials < (int64_t)grid)
        points = (size_t)task->budget->trials;
    BaseStatus st = experiment_search_alloc(task->method, points, s);
    if (st != BASE_OK) return st;
    BaseRandom random = base_random_make(task->contexts[0].seed, "search", 0);
    base_random_choose(&random, (int64_t)grid, (int64_t)points, s->at);
    if (task->budget->strategy == EXPERIMENT_SEARCH_EQUAL) shuffle(task->method, &random, s);
    return BASE_OK;
}

static BaseStatus check_size(const ExperimentSearchTask *task)
{
    const int64_t n = task->validation->n, all = n + task->contexts[0].train.n;
    if (task->budget->strategy != EXPERIMENT_SEARCH_EQUAL || n >= EXPERIMENT_VALIDATION_LEAST ||
        (double)n >= 0.19 * (double)all) /* a fifth, but for the rounding of each class */
        return BASE_OK;
    return base_error_set(
        BASE_EUSAGE,
        "search %s: the validation split has %lld images: an equal search takes %d, or a fifth of the %lld "
        "training images where that is less: set validation higher",
        task->method->label, (long long)n, EXPERIMENT_VALIDATION_LEAST, (long long)all);
}

BaseStatus experiment_search(const ExperimentSearchTask *task, void *params, ExperimentSearch *out)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = task->method;
    size_t size = m->method->entry.params_size ? m->method->entry.params_size : 1;
    ExperimentSearch s = {0};
    Trials t = {.task = task, .search = &s};
    double started = base_clock_wall();
    *out = (ExperimentSearch){0};
    for (size_t i = 0; i < task->context_count; i++)
        BASE_TRY(check_validation(m, &task->contexts[i], task->validation));
    BASE_TRY(check_size(task));
    BASE_TRY(draw(task, &s));
    BASE_TRY(nn_net_clone(task->contexts[0].original, &t.net));
    BASE_TRY(base_alloc_bytes(1, size, &t.params));
    memcpy(t.params, params, m->method->entry.params_size);
    if (task->budget->epochs > 0) BASE_TRY(experiment_method_set_epochs(m, task->budget->epochs, t.params));
    s.n = task->validation->n;
    for (size_t i = 0; i < task->context_count; i++) BASE_TRY(search_set(&t, i));
    experiment_search_values(m, &s);
    for (size_t i = 0; i < s.points; i++)
        if (!isnan(s.score[i]) && (s.chosen < 0 || s.score[i] > s.score[s.chosen])) s.chosen = (int64_t)i;
    BASE_CHECK(s.chosen >= 0, BASE_ENUMERIC, "search %s: no trial gave a finite network: %s", m->label,
               base_error_text());
    BASE_TRY(experiment_search_choose(m, &s, params));
    s.seconds = base_clock_wall() - started;
    *out = s;
    s = (ExperimentSearch){0};
out:
    base_free(t.params);
    nn_net_free(t.net);
    experiment_search_free(&s);
    return st;
}
