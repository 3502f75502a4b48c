/* experiment/estimate.c - measures rates, prefers what earlier runs took, and walks through the steps. */
#include "experiment/estimate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "experiment/shadows/make.h"
#include "io/file.h"
#include "nn/arch/arch.h"
#include "nn/rate.h"
#include "report/table.h"

static const double SECONDS = 0.3; /* of measuring, for each rate */
/* Images at once while measuring, at most: as many pixels as 256 images of 32x32 have, so that a plan for large images
 * does not take the memory of their training. */
enum { BATCH = 256, BATCH_LEAST = 8, PIXELS = BATCH * 32 * 32 };

/* A line of the table: one for the originals and one per method, then the same for shadow models. */
typedef struct {
    const ExperimentMethod *method; /* NULL: originals */
    double wall;                    /* sum over earlier runs, seconds */
    int runs, jobs, complete;
    int networks[2], searches[2]; /* that jobs to do need: missing, there */
    double seconds;
    const char *from;
} Row;

typedef struct {
    const Experiment *run;
    const ExperimentConfig *x;
    Row *rows;   /* [2 * half] */
    size_t half; /* of them: where those of shadow models begin */
    SessionSplit split;
    double train_rate, predict_rate; /* images per second, measured here */
    double share;                    /* of the classes that are forgotten, the mean over sets */
    double predicting;               /* seconds of one network's predictions on every split */
    double measuring;                /* at most: relearning and probing one network */
} Estimate;

static Row *row_of(const Estimate *e, const ExperimentMethod *m)
{
    return &e->rows[m ? 1 + (size_t)(m - e->x->methods) : 0];
}

static const char *label_of(const ExperimentMethod *m) { return m ? m->label : "original"; }

static int64_t measured_batch(const NnNet *net, int64_t batch)
{
    int64_t shape[3];
    nn_net_input_shape(net, shape);
    return base_smaller(batch, base_larger(BATCH_LEAST, PIXELS / (shape[1] * shape[2])));
}

static BaseStatus find_rates(Estimate *e)
{
    BaseStatus st = BASE_OK;
    SessionModel model = {0};
    const EvalRelearnConfig *r = &e->x->relearn;
    const EvalProbeConfig *p = &e->x->probe;
    BASE_TRY(experiment_net_create(&e->run->setting, &model));
    nn_net_init(model.net, 0);
    BASE_TRY(nn_rate_measure(model.net, e->x->precision, false, measured_batch(model.net, BATCH), SECONDS,
                             &e->predict_rate));
    BASE_TRY(nn_rate_measure(model.net, e->x->precision, true, measured_batch(model.net, e->x->train.batch_size),
                             SECONDS, &e->train_rate));
    double K = (double)e->run->data.train->K;
    e->predicting = (double)(e->split.train.n + e->split.validation.n + e->split.test.n) / e->predict_rate;
    if (r->enabled)
        e->measuring += (double)(r->repeats * r->max_steps) *
                        ((double)r->batch_size / e->train_rate + (double)r->judge_per_class / e->predict_rate);
    if (r->enabled)
        e->measuring +=
            (double)r->repeats * ((double)(r->retain_epochs * r->per_class) * K * (1 - e->share) / e->train_rate +
                                  (double)r->judge_per_class / e->predict_rate);
    if (p->enabled) e->measuring += ((double)p->per_class * K + (double)e->split.test.n / K) / e->predict_rate;
    if (p->enabled && p->layers)
        e->measuring += ((double)p->per_class * K + 3 * (double)e->split.test.n / K) / e->predict_rate;
out:
    session_model_free(&model);
    return st;
}

static BaseStatus learn_from(void *user, const StoreRun *run)
{
    Estimate *e = user;
    MathEstimate wall;
    const char *label = store_run_text(run, "/", "label"), *arch = store_run_text(run, "/", "arch");
    const char *data = store_run_text(run, "/", "data");
    if (!label || !arch || !data || !nn_arch_same(arch, e->x->arch) || strcmp(data, e->x->data) != 0) return BASE_OK;
    for (Row *row = e->rows; row < e->rows + e->half; row++) {
        if (strcmp(label_of(row->method), label) != 0 || !store_run_metric(run, "wall_seconds", "test", &wall))
            continue;
        row->wall += wall.value;
        row->runs++;
    }
    return BASE_OK;
}

/* One training (@p m NULL) or unlearning: as before, else @p epochs (0: its own), else one pass over its images. */
static double seconds_of(const Estimate *e, const ExperimentMethod *m, int64_t epochs, const char **from)
{
    const Row *row = row_of(e, m);
    unsigned needs = m ? m->method->needs : UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT;
    double n = (double)e->split.train.n *
               ((needs & UNLEARN_NEEDS_FORGET ? e->share : 0) + (needs & UNLEARN_NEEDS_RETAIN ? 1 - e->share : 0));
    if (epochs == 0) epochs = m ? experiment_method_epochs(m, &e->x->train) : e->x->train.epochs;
    *from = "its earlier runs";
    if (row->runs > 0) return row->wall / row->runs;
    *from = "nothing to compute";
    if (!(needs & (UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET))) return 0;
    *from = "its epochs";
    if (epochs > 0) return (double)epochs * n / e->train_rate;
    *from = needs & UNLEARN_NEEDS_GRADIENT ? "assumed: one epoch" : "assumed: one pass";
    return n / (needs & UNLEARN_NEEDS_GRADIENT ? e->train_rate : e->predict_rate);
}

/* Its trials, each an unlearning and a look at the validation split. */
static double search_seconds(const Estimate *e, const ExperimentMethod *m)
{
    const ExperimentBudget *budget = &e->x->budget;
    size_t sets = e->run->setting.search_set_count;
    const char *from;
    double trials = 1, each = seconds_of(e, m, budget->epochs, &from);
    for (size_t a = 0; a < m->axis_count; a++) trials *= (double)m->axes[a].count;
    if (budget->trials > 0) trials = fmin(trials, (double)budget->trials);
    return trials * (each + (double)e->split.validation.n / e->predict_rate) * (sets > 0 ? (double)sets : 1);
}

/* A method's row that is to do: its network (a search's choice names it too late) and what is measured on it. */
static BaseStatus add_row(const Estimate *e, const ExperimentJob *job, Row *row)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *m = job->method;
    UnlearnContext context = experiment_context(&e->run->setting, &(SessionSplit){0}, NULL, job->seed, job->forget);
    const ModelMaking making = experiment_making(&e->run->setting, m, m->params, &context, job->forget_text);
    context.seed = job->draw;
    char key[BASE_HASH_HEX], *path = NULL;
    bool there = m == experiment_config_reference(e->x);
    row->seconds += e->predicting + e->measuring;
    if (!there && m->axis_count == 0 && model_kept(&making)) {
        BASE_TRY(model_unlearned_path(&making, key, &path));
        there = io_path_exists(path);
        row->networks[there]++;
    }
    double own = seconds_of(e, m, 0, &row->from);
    if (!there) row->seconds += own;
out:
    base_free(path);
    return st;
}

static BaseStatus add_step(const Estimate *e, const ExperimentStep *step, const ExperimentJob *job, Row *row)
{
    const ExperimentMethod *m = job->method;
    if (step->kind == EXPERIMENT_STEP_ROW) return m ? add_row(e, job, row) : BASE_OK;
    bool search = step->kind == EXPERIMENT_STEP_SEARCH, there = io_path_exists(step->path);
    (search ? row->searches : row->networks)[there]++;
    double own = search ? search_seconds(e, m) : seconds_of(e, m, 0, &row->from);
    if (!there) row->seconds += own;
    if (!m) row->seconds += 2 * e->predicting; /* its own and the untrained network's */
    return BASE_OK;
}

/* Backwards, since what a step needs stands before it: of the other steps those count that rows to do need. */
static BaseStatus walk(Estimate *e, ExperimentOutcome *outcome)
{
    BaseStatus st = BASE_OK;
    const SweepSteps *sweep = &e->run->steps.sweep;
    bool *wanted = NULL;
    BASE_TRY(BASE_ALLOC(sweep->count, &wanted));
    for (size_t i = sweep->count; i-- > 0;) {
        const ExperimentStep *step = &e->run->steps.step[i];
        const ExperimentJob *job = &e->run->jobs[step->job];
        Row *row = row_of(e, job->method);
        if (step->kind == EXPERIMENT_STEP_ROW) {
            bool complete = false;
            if (!e->run->task->force) BASE_TRY(experiment_job_complete(e->run->folder, job, &complete));
            wanted[i] = !complete;
            row->jobs++;
            row->complete += complete;
            outcome->skipped += complete;
        }
        if (!wanted[i]) continue;
        BASE_TRY(add_step(e, step, job, row));
        for (size_t n = 0; n < sweep->step[i].need_count; n++) wanted[sweep->step[i].needs[n]] = true;
    }
out:
    base_free(wanted);
    return st;
}

static void add_line(const Row *row, bool shadows, ReportTable *t)
{
    const int *const cached[] = {row->networks, row->searches};
    char text[128];
    report_table_row(t, 0);
    snprintf(text, sizeof text, "%s%.100s", shadows ? "shadows: " : "", label_of(row->method));
    report_table_text(t, 0, text);
    if (!shadows) report_table_number(t, 1, math_estimate(row->jobs, 0), NAN);
    if (!shadows) report_table_number(t, 2, math_estimate(row->complete, 0), NAN);
    for (int i = 0; i < 2; i++) {
        int all = cached[i][0] + cached[i][1];
        snprintf(text, sizeof text, all ? "%d of %d" : "-", cached[i][1], all);
        report_table_text(t, 3 + i, text);
    }
    report_table_number(t, 5, math_estimate(row->seconds / 3600, 0), NAN);
    report_table_text(t, 6, row->seconds > 0 && row->from ? row->from : "");
}

static BaseStatus print(const Estimate *e, const ExperimentOutcome *outcome, BaseText *terminal)
{
    char title[512];
    int processes = e->run->task->jobs, threads = e->run->setting.threads;
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
    for (size_t i = 0; i < 2 * e->half; i++) {
        const Row *row = &e->rows[i];
        if (i < e->half || row->networks[0] + row->networks[1] > 0) add_line(row, i >= e->half, &t);
    }
    report_table_note(&t, "Training: %.0f images/s; prediction: %.0f images/s (measured now); %d thread%s.",
                      e->train_rate, e->predict_rate, threads, threads == 1 ? "" : "s");
    if (processes > 1)
        report_table_note(&t, "Rows are in hours of one process; the total is for %d processes side by side.",
                          processes);
    if (e->measuring > 0)
        report_table_note(&t, "Relearning and the linear probe: at most %.1f s per network.", e->measuring);
    if (e->x->attack_count > 0) report_table_note(&t, "Attacks are not counted.");
    BaseStatus st = t.st;
    if (st == BASE_OK) report_table_terminal(&t, e->run->task->columns, terminal);
    report_table_free(&t);
    return st == BASE_OK ? terminal->st : st;
}

/* Part of the training images; of classes as if they were all of one size. */
static double share_of(const DataForget *f, const DataSet *train)
{
    return data_forget_by_image(f) ? (double)f->images.n / (double)train->N
                                   : (double)f->classes.count / (double)f->classes.K;
}

BaseStatus experiment_estimate(const Experiment *run, ExperimentOutcome *outcome, BaseText *terminal)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = &run->setting;
    Estimate e = {.run = run, .x = s->e, .half = s->e->method_count + 1};
    BASE_TRY(BASE_ALLOC(2 * e.half, &e.rows));
    for (size_t i = 0; i < s->forget_count; i++)
        e.share += share_of(&s->forget[i], s->data->train) / (double)s->forget_count;
    BASE_TRY(experiment_seed_split(s, s->e->seeds[0], &e.split));
    BASE_TRY(find_rates(&e));
    for (size_t i = 0; i < 2 * e.half; i++) e.rows[i].method = i % e.half ? &s->e->methods[i % e.half - 1] : NULL;
    BASE_TRY(store_runs_each(run->folder, learn_from, &e));
    BASE_TRY(walk(&e, outcome));
    for (Row *row = e.rows + e.half; s->design && row < e.rows + 2 * e.half; row++) {
        BASE_TRY(experiment_shadows_count(s, row->method, row->networks));
        row->seconds = row->networks[0] * seconds_of(&e, row->method, 0, &row->from);
    }
    for (size_t i = 0; i < 2 * e.half; i++) outcome->hours += e.rows[i].seconds / 3600 / fmax(run->task->jobs, 1);
    BASE_TRY(print(&e, outcome, terminal));
out:
    base_free(e.rows);
    session_split_free(&e.split);
    return st;
}
