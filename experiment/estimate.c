/* experiment/estimate.c - times a few batches, prefers what earlier runs took, and walks through the steps. */
#include "experiment/estimate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "experiment/search_file.h"
#include "io/file.h"
#include "nn/train.h"
#include "report/table.h"

/* A line of the table: one per method, and the last for the originals. */
typedef struct {
    double wall, attacks; /* sums over earlier runs, seconds */
    int runs, jobs, complete;
    int models[2], searches[2]; /* that jobs to do need: missing, there */
    double seconds;
    const char *from;
} Row;

typedef struct {
    const ExperimentEstimateTask *task;
    const ExperimentSetting *s;
    const ExperimentConfig *x;
    Row *rows; /* [method_count + 1] */
    SessionSplit split;
    double train_rate, predict_rate; /* images per second, measured here */
    double share;                    /* of the classes that are forgotten, the mean over jobs */
    double predicting;               /* seconds of one network's predictions on every split */
    double measuring;                /* at most: relearning and probing one network */
    double total;
    ExperimentShadowCount *shadows; /* [shadow_count] */
    size_t shadow_count;
} Estimate;

/* ------------------------------------------------------------ rates */

/* Images per second: of some batches for about three seconds, after one that makes primitives and threads. @p train
 * NULL: prediction. */
static BaseStatus time_batches(NnNet *net, const DataView *view, int64_t batch, NnPrecision precision,
                               const NnTrainConfig *train, double *rate)
{
    BaseStatus st = BASE_OK;
    DataView part = *view;
    float *logits = NULL;
    double seconds = 0;
    BASE_TRY(BASE_ALLOC_RAW(view->n * nn_net_classes(net), &logits));
    for (int round = 0; round < 2; round++) {
        part.n = batch * (int64_t)fmin(fmax(round ? 3 / fmax(seconds, 1e-9) : 1, 1), 32);
        if (part.n > view->n) part.n = view->n;
        double started = base_clock_wall();
        if (train)
            BASE_TRY(nn_train(net, &part, train, precision, 0, "measuring", NULL));
        else
            BASE_TRY(nn_predict(net, &part, precision, NULL, logits));
        seconds = base_clock_wall() - started;
        *rate = (double)part.n / fmax(seconds, 1e-9);
    }
out:
    base_free(logits);
    return st;
}

static BaseStatus find_rates(Estimate *e)
{
    BaseStatus st = BASE_OK;
    SessionModel model = {0};
    NnTrainConfig train;
    const EvalRelearnConfig *r = &e->x->relearn;
    const EvalProbeConfig *p = &e->x->probe;
    base_param_defaults(nn_train_params, nn_train_param_count, &train);
    train.epochs = 1;
    train.batch_size = e->x->train.batch_size;
    train.lr = 1e-6;
    train.schedule = NN_SCHEDULE_CONSTANT;
    BASE_TRY(session_model_create(e->x->arch, e->s->data, &model));
    nn_net_set_tuning(model.net, e->x->tuning);
    nn_net_init(model.net, 0);
    BASE_TRY(time_batches(model.net, &e->split.test, 256, e->x->precision, NULL, &e->predict_rate));
    BASE_TRY(time_batches(model.net, &e->split.train, train.batch_size, e->x->precision, &train, &e->train_rate));
    double K = (double)e->s->data->train->K;
    e->predicting = (double)(e->split.train.n + e->split.validation.n + e->split.test.n) / e->predict_rate;
    if (r->enabled)
        e->measuring += (double)(r->repeats * r->max_steps) *
                        ((double)r->batch_size / e->train_rate + (double)r->judge_per_class / e->predict_rate);
    if (p->enabled) e->measuring += ((double)p->per_class * K + (double)e->split.test.n / K) / e->predict_rate;
out:
    session_model_free(&model);
    return st;
}

/* ------------------------------------------------------------ earlier runs */

static BaseStatus learn_from(void *user, const StoreRun *run)
{
    Estimate *e = user;
    MathEstimate wall;
    const char *label = store_run_text(run, "/", "label"), *arch = store_run_text(run, "/", "arch");
    const char *data = store_run_text(run, "/", "data"), *const * names;
    size_t count;
    if (!label || !arch || !data || strcmp(arch, e->x->arch) != 0 || strcmp(data, e->x->data) != 0) return BASE_OK;
    for (size_t m = 0; m <= e->x->method_count; m++) {
        if (strcmp(m < e->x->method_count ? e->x->methods[m].label : "original", label) != 0) continue;
        if (!store_run_metric(run, "wall_seconds", "test", &wall)) continue;
        e->rows[m].wall += wall.value;
        e->rows[m].runs++;
        if (!store_run_members(run, "/attacks", &names, &count)) continue;
        for (size_t i = 0; i < count; i++) {
            char group[512];
            snprintf(group, sizeof group, "/attacks/%s", names[i]);
            double seconds = store_run_f64(run, group, "seconds");
            e->rows[m].attacks += isnan(seconds) ? 0 : seconds;
        }
    }
    return BASE_OK;
}

/* ------------------------------------------------------------ steps */

static Row *row_of(const Estimate *e, const ExperimentMethod *m)
{
    return &e->rows[m ? (size_t)(m - e->x->methods) : e->x->method_count];
}

/* One training (@p m NULL) or unlearning: as before, else its epochs, else one pass, over the images that it takes. */
static double seconds_of(const Estimate *e, const ExperimentMethod *m, double epochs, const char **from)
{
    const Row *row = row_of(e, m);
    unsigned needs = m ? m->method->needs : UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT;
    double n = (double)e->split.train.n *
               ((needs & UNLEARN_NEEDS_FORGET ? e->share : 0) + (needs & UNLEARN_NEEDS_RETAIN ? 1 - e->share : 0));
    *from = "its earlier runs";
    if (row->runs > 0) return row->wall / row->runs;
    *from = "nothing to compute";
    if (!(needs & (UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET))) return 0;
    *from = "its epochs";
    if (epochs > 0) return epochs * n / e->train_rate;
    *from = needs & UNLEARN_NEEDS_GRADIENT ? "assumed: one epoch" : "assumed: one pass";
    return n / (needs & UNLEARN_NEEDS_GRADIENT ? e->train_rate : e->predict_rate);
}

static double epochs_of(const Estimate *e, const ExperimentMethod *m, const void *params)
{
    return (double)(m ? experiment_method_epochs(m, params, &e->x->train) : e->x->train.epochs);
}

/* The method's parameters, with the values of its search where that is kept; owned (base_free). */
static BaseStatus params_of(const Estimate *e, const ExperimentJob *job, bool *searched, void **params)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = job->method;
    char key[BASE_HASH_HEX], *path = NULL;
    ExperimentSearch search = {0};
    *searched = false;
    BASE_TRY(experiment_method_params(m, params));
    if (m->axis_count == 0) goto out;
    BASE_TRY(experiment_search_place(e->s, job, key, &path));
    BASE_TRY(experiment_search_load(path, key, m, &search, searched));
    if (*searched) BASE_TRY(experiment_search_choose(m, &search, *params));
out:
    base_free(path);
    experiment_search_free(&search);
    return st;
}

/* Its trials, each an unlearning and a look at the validation split. */
static BaseStatus add_search(Estimate *e, const ExperimentJob *job, Row *row)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = job->method;
    const ExperimentBudget *budget = &e->x->budget;
    void *params = NULL;
    bool found;
    const char *from;
    BASE_TRY(params_of(e, job, &found, &params));
    row->searches[found]++;
    if (found) goto out;
    double trials = 1, epochs = budget->epochs > 0 ? (double)budget->epochs : epochs_of(e, m, params);
    for (size_t a = 0; a < m->axis_count; a++) trials *= (double)m->axes[a].count;
    if (budget->trials > 0) trials = fmin(trials, (double)budget->trials);
    double each = seconds_of(e, m, epochs, &from) + (double)e->split.validation.n / e->predict_rate;
    row->seconds += trials * each * (e->s->search_set_count > 0 ? (double)e->s->search_set_count : 1);
out:
    base_free(params);
    return st;
}

/* A row that is to do: its network, unless a step before makes that, and what is measured on it. */
static BaseStatus add_row(Estimate *e, const ExperimentJob *job, Row *row)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = job->method;
    UnlearnContext context = {.forget = job->forget, .seed = job->seed};
    char key[BASE_HASH_HEX], *path = NULL;
    void *params = NULL;
    bool there = false, found;
    if (!m) return BASE_OK;
    row->seconds += e->predicting + e->measuring + (row->runs > 0 ? row->attacks / row->runs : 0);
    if (m == experiment_config_reference(e->x)) return BASE_OK;
    BASE_TRY(params_of(e, job, &found, &params));
    const ModelMaking making = experiment_making(e->s, m, params, &context, job->forget_text);
    double own = seconds_of(e, m, epochs_of(e, m, params), &row->from);
    if (model_kept(&making)) {
        BASE_TRY(model_unlearned_path(&making, key, &path));
        there = io_path_exists(path);
        row->models[there]++;
    }
    if (!there) row->seconds += own;
out:
    base_free(path);
    base_free(params);
    return st;
}

static BaseStatus add_step(Estimate *e, const ExperimentStep *step, const ExperimentJob *job, Row *row)
{
    const ExperimentMethod *m = job->method;
    if (step->kind == EXPERIMENT_STEP_ROW) return add_row(e, job, row);
    if (step->kind == EXPERIMENT_STEP_SEARCH) return add_search(e, job, row);
    bool there = io_path_exists(step->path);
    double own = seconds_of(e, m, epochs_of(e, m, m ? m->params : NULL), &row->from);
    if (!m) row->seconds += 2 * e->predicting; /* its own and the untrained network's */
    row->models[there]++;
    if (!there) row->seconds += own;
    return BASE_OK;
}

/* Backwards, since what a step needs stands before it: of the other steps those count that rows to do need. */
static BaseStatus walk(Estimate *e, ExperimentOutcome *outcome)
{
    BaseStatus st = BASE_OK;
    const ExperimentEstimateTask *t = e->task;
    const SweepSteps *sweep = &t->steps->sweep;
    char *path = NULL, *aside = NULL;
    bool *wanted = NULL;
    BASE_TRY(BASE_ALLOC(sweep->count, &wanted));
    for (size_t i = sweep->count; i-- > 0;) {
        const ExperimentStep *step = &t->steps->step[i];
        const ExperimentJob *job = &t->jobs[step->job];
        Row *row = row_of(e, job->method);
        if (step->kind == EXPERIMENT_STEP_ROW) {
            base_free(path);
            base_free(aside);
            path = aside = NULL;
            BASE_TRY(base_format(&path, "%s/%s", t->folder, job->file));
            BASE_TRY(base_format(&aside, "%s/superseded/%s", t->folder, job->file)); /* it comes back */
            wanted[i] = t->force || !(store_run_complete(path, job->id) || store_run_complete(aside, job->id));
            row->jobs++;
            row->complete += !wanted[i];
            outcome->skipped += !wanted[i];
        }
        if (!wanted[i]) continue;
        BASE_TRY(add_step(e, step, job, row));
        for (size_t n = 0; n < sweep->step[i].need_count; n++) wanted[sweep->step[i].needs[n]] = true;
    }
    for (size_t m = 0; m <= e->x->method_count; m++) e->total += e->rows[m].seconds;
out:
    base_free(path);
    base_free(aside);
    base_free(wanted);
    return st;
}

/* Of the networks that the folder of shadow models does not hold yet. */
static double shadow_seconds(const Estimate *e, const ExperimentShadowCount *count, const char **from)
{
    const ExperimentMethod *m = count->method;
    return (count->networks - count->cached) * seconds_of(e, m, epochs_of(e, m, m ? m->params : NULL), from);
}

/* ------------------------------------------------------------ the table */

static void add_line(ReportTable *t, const char *label, const Row *row)
{
    const int *const kept[] = {row->models, row->searches};
    char text[48];
    report_table_row(t, 0);
    report_table_text(t, 0, label);
    for (int i = 0; i < 2; i++) {
        int all = kept[i][0] + kept[i][1];
        snprintf(text, sizeof text, all ? "%d of %d" : "-", kept[i][1], all);
        report_table_text(t, 3 + i, text);
    }
    report_table_number(t, 5, math_estimate(row->seconds / 3600, 0), NAN);
    report_table_text(t, 6, row->seconds > 0 && row->from ? row->from : "");
}

static BaseStatus print(const Estimate *e, const ExperimentOutcome *outcome, BaseText *terminal)
{
    char title[512];
    bool attacks_missing = false;
    snprintf(title, sizeof title, "Plan of %s: %d jobs, %d complete, about %.2f hours to go", e->x->name,
             outcome->planned, outcome->skipped, outcome->hours);
    ReportTable t = report_table_make(title);
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, "jobs", "jobs", true, 0, 100);
    report_table_column(&t, "complete", "complete", true, 0, 100);
    report_table_column(&t, "models", "networks cached", false, 0, 80);
    report_table_column(&t, "searches", "searches cached", false, 0, 70);
    report_table_column(&t, "hours", "hours", true, 3, 100);
    report_table_column(&t, "from", "estimated from", false, 0, 60);
    for (size_t i = 0; i <= e->x->method_count; i++) {
        const ExperimentMethod *m = i ? &e->x->methods[i - 1] : NULL;
        const Row *row = row_of(e, m);
        add_line(&t, m ? m->label : "original", row);
        report_table_number(&t, 1, math_estimate(row->jobs, 0), NAN);
        report_table_number(&t, 2, math_estimate(row->complete, 0), NAN);
        attacks_missing |= m && row->complete < row->jobs && row->runs == 0 && e->x->attack_count > 0;
    }
    for (size_t i = 0; i < e->shadow_count; i++) {
        const ExperimentShadowCount *count = &e->shadows[i];
        Row row = {.models = {count->networks - count->cached, count->cached}};
        row.seconds = shadow_seconds(e, count, &row.from);
        add_line(&t, count->label, &row);
    }
    report_table_note(&t, "Training: %.0f images/s; prediction: %.0f images/s (measured now); %d thread%s.",
                      e->train_rate, e->predict_rate, e->s->threads, e->s->threads == 1 ? "" : "s");
    if (e->task->processes > 1)
        report_table_note(&t, "Rows are in hours of one process; the total is for %d processes side by side.",
                          e->task->processes);
    if (e->measuring > 0)
        report_table_note(&t, "Relearning and the linear probe: at most %.1f s per network.", e->measuring);
    if (attacks_missing)
        report_table_note(&t, "Attacks on methods without an earlier run in this folder are not counted.");
    BaseStatus st = t.st;
    if (st == BASE_OK) report_table_terminal(&t, e->task->columns, terminal);
    report_table_free(&t);
    return st == BASE_OK ? terminal->st : st;
}

static double forgotten_share(const ExperimentEstimateTask *t)
{
    double sum = 0;
    int sets = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->jobs[i].forget) sum += (double)t->jobs[i].forget->count / (double)t->jobs[i].forget->K, sets++;
    return sets > 0 ? sum / sets : 0;
}

BaseStatus experiment_estimate(const ExperimentEstimateTask *task, ExperimentOutcome *outcome, BaseText *terminal)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = task->setting;
    Estimate e = {.task = task, .s = s, .x = s->e, .share = forgotten_share(task)};
    const char *from;
    BASE_TRY(BASE_ALLOC(s->e->method_count + 1, &e.rows));
    BASE_TRY(experiment_seed_split(s, s->e->seeds[0], &e.split));
    BASE_TRY(find_rates(&e));
    BASE_TRY(store_runs_each(task->folder, learn_from, &e));
    BASE_TRY(walk(&e, outcome));
    if (task->shadows) BASE_TRY(experiment_shadows_count(task->shadows, &e.shadows, &e.shadow_count));
    for (size_t i = 0; i < e.shadow_count; i++) e.total += shadow_seconds(&e, &e.shadows[i], &from);
    outcome->hours = e.total / 3600 / (task->processes > 1 ? task->processes : 1);
    BASE_TRY(print(&e, outcome, terminal));
out:
    base_free(e.shadows);
    base_free(e.rows);
    session_split_free(&e.split);
    return st;
}
