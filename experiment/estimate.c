/* experiment/estimate.c - times a few batches per architecture, prefers what earlier runs took, and walks through the plan. */
#include "experiment/estimate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "experiment/search_file.h"
#include "io/file.h"
#include "report/table.h"

/* What is known of a label before its jobs: the last row is the originals'. */
typedef struct {
    double wall, attacks; /* sums over earlier runs, seconds */
    int runs;
    int jobs, complete, models, searches; /* models, searches: cached for jobs that are to do */
    int models_missing, searches_missing;
    double seconds;
    const char *from;
} Row;

typedef struct {
    const ExperimentEstimateTask *task;
    Row *rows; /* [method_count + 1] */
    SessionSplit split;
    double train_rate, predict_rate; /* images a second */
    double share;                    /* of the classes that are forgotten, the mean over jobs */
    const char *train_from;
    double predicting; /* seconds of one network's predictions on every split */
    double measuring;  /* at most: relearning and probing one network */
    char **searched;   /* paths of searches that are counted already; owned */
    size_t searched_count;
    double total;
    ExperimentShadowCount *shadows; /* [shadow_count] */
    size_t shadow_count;
} Estimate;

static void estimate_free(Estimate *e)
{
    for (size_t i = 0; i < e->searched_count; i++) base_free(e->searched[i]);
    base_free(e->searched);
    base_free(e->shadows);
    base_free(e->rows);
    session_split_free(&e->split);
}

/* ------------------------------------------------------------ rates */

typedef struct {
    NnNet *net;
    const DataView *view;
    NnPrecision precision;
    NnTrainConfig config;
    bool train;
    float *logits;
} Trial;

static BaseStatus time_images(const Trial *t, int64_t n, double *seconds)
{
    BaseStatus st = BASE_OK;
    DataView part = *t->view;
    part.n = n;
    double started = base_clock_wall();
    if (t->train)
        BASE_TRY(nn_train(t->net, &part, &t->config, t->precision, 0, "measuring", NULL));
    else
        BASE_TRY(nn_predict(t->net, &part, t->precision, NULL, t->logits));
    *seconds = base_clock_wall() - started;
out:
    return st;
}

enum { FEWEST = 4, MOST = 32 }; /* batches, after the first */
static const double ENOUGH = 3; /* seconds */

/* What further batches take beside a first one: making primitives and threads is in both and falls out. A batch before
 * that warms up, and where it alone takes long it is enough. */
static BaseStatus time_batches(NnNet *net, const DataView *view, int64_t batch, NnPrecision precision, bool train,
                               double *rate)
{
    BaseStatus st = BASE_OK;
    Trial t = {.net = net, .view = view, .precision = precision, .train = train};
    double cold, seconds[2];
    int64_t first = batch < view->n ? batch : view->n;
    base_param_defaults(nn_train_params, nn_train_param_count, &t.config);
    t.config.epochs = 1;
    t.config.batch_size = batch;
    t.config.lr = 1e-6;
    t.config.schedule = NN_SCHEDULE_CONSTANT;
    BASE_TRY(BASE_ALLOC_RAW((MOST + 1) * first * nn_net_classes(net), &t.logits));
    BASE_TRY(time_images(&t, first, &cold));
    *rate = (double)first / fmax(cold, 1e-9);
    if (cold > ENOUGH) goto out;
    int64_t more = (int64_t)fmin(fmax(ENOUGH / fmax(cold, 1e-9), FEWEST), MOST) * first;
    if (more > view->n - first) more = view->n - first;
    BASE_TRY(time_images(&t, first, &seconds[0]));
    BASE_TRY(time_images(&t, first + more, &seconds[1]));
    if (more > 0 && seconds[1] > seconds[0]) *rate = (double)more / (seconds[1] - seconds[0]);
out:
    base_free(t.logits);
    return st;
}

/* The rate of an original's whole training, where one is in the cache. */
static BaseStatus cached_rate(const ExperimentSetting *s, NnNet *net, double *rate)
{
    BaseStatus st = BASE_OK;
    char key[BASE_HASH_HEX], *path = NULL;
    *rate = NAN;
    for (size_t i = 0; i < s->e->seed_count && isnan(*rate); i++) {
        ModelCost cost;
        bool found;
        base_free(path);
        path = NULL;
        const ModelRecipe recipe = experiment_config_recipe(s->e, s->data, s->e->seeds[i]);
        BASE_TRY(model_original_path(&recipe, s->models, key, &path));
        BASE_TRY(model_load(path, key, net, &cost, &found));
        if (found && cost.wall_seconds > 0) *rate = cost.passes / cost.wall_seconds;
        model_cost_free(&cost);
    }
out:
    base_free(path);
    return st;
}

static BaseStatus find_rates(Estimate *e)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = e->task->setting;
    SessionModel model = {0};
    BASE_TRY(session_model_create(s->e->arch, s->data, &model));
    nn_net_set_tuning(model.net, s->e->tuning);
    BASE_TRY(cached_rate(s, model.net, &e->train_rate));
    e->train_from = isnan(e->train_rate) ? "measured now" : "of a cached original";
    nn_net_init(model.net, 0);
    BASE_TRY(time_batches(model.net, &e->split.test, 256, s->e->precision, false, &e->predict_rate));
    if (isnan(e->train_rate))
        BASE_TRY(
            time_batches(model.net, &e->split.train, s->e->train.batch_size, s->e->precision, true, &e->train_rate));
    const EvalRelearnConfig *r = &s->e->relearn;
    const EvalProbeConfig *p = &s->e->probe;
    double K = (double)s->data->train->K;
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

static double attack_seconds(const StoreRun *run)
{
    const char *const *names;
    size_t count;
    double sum = 0;
    if (!store_run_members(run, "/attacks", &names, &count)) return 0;
    for (size_t i = 0; i < count; i++) {
        char group[512];
        snprintf(group, sizeof group, "/attacks/%s", names[i]);
        double seconds = store_run_f64(run, group, "seconds");
        sum += isnan(seconds) ? 0 : seconds;
    }
    return sum;
}

static void learn_from(Estimate *e, const StoreRun *run)
{
    const ExperimentConfig *x = e->task->setting->e;
    MathEstimate wall;
    const char *label = store_run_text(run, "/", "label"), *arch = store_run_text(run, "/", "arch");
    const char *data = store_run_text(run, "/", "data");
    if (!label || !arch || !data || strcmp(arch, x->arch) != 0 || strcmp(data, x->data) != 0) return;
    for (size_t m = 0; m < x->method_count; m++) {
        if (strcmp(x->methods[m].label, label) != 0) continue;
        if (!store_run_metric(run, "wall_seconds", "test", &wall)) continue;
        e->rows[m].wall += wall.value;
        e->rows[m].attacks += attack_seconds(run);
        e->rows[m].runs++;
    }
}

static BaseStatus read_earlier(Estimate *e)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *path = NULL;
    size_t count = 0;
    if (!io_path_exists(e->task->folder)) return BASE_OK;
    BASE_TRY(io_folder_list(e->task->folder, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        StoreRun *run;
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", e->task->folder, names[i]));
        st = store_run_read_light(path, &run);
        if (st == BASE_ENOMEM) goto out;
        if (st == BASE_OK) {
            learn_from(e, run);
            store_run_free(run);
        }
        st = BASE_OK; /* a file that is no run says nothing here */
    }
out:
    base_free(path);
    io_names_free(names, count);
    return st;
}

/* ------------------------------------------------------------ jobs */

/* A method's `epochs`, or NaN where it has none. */
static double epochs_of(const ExperimentMethod *m, const void *params, const NnTrainConfig *training)
{
    const BaseEntry *entry = &m->method->entry;
    for (size_t i = 0; i < entry->param_count; i++) {
        const BaseParam *p = &entry->params[i];
        if (strcmp(p->name, "epochs") != 0 || p->kind != BASE_KIND_I64) continue;
        int64_t epochs;
        memcpy(&epochs, (const char *)params + p->offset, sizeof epochs);
        return (double)(epochs > 0 ? epochs : training->epochs);
    }
    return NAN;
}

/* One unlearning: as before, else its epochs, else one pass, over the images that it takes. */
static double method_seconds(const Estimate *e, size_t m, double epochs, const char **from)
{
    const ExperimentMethod *method = &e->task->setting->e->methods[m];
    const Row *row = &e->rows[m];
    unsigned needs = method->method->needs;
    double n = (double)e->split.train.n *
               ((needs & UNLEARN_NEEDS_FORGET ? e->share : 0) + (needs & UNLEARN_NEEDS_RETAIN ? 1 - e->share : 0));
    *from = "its earlier runs";
    if (row->runs > 0) return row->wall / row->runs;
    *from = "nothing to compute";
    if (!(needs & (UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET))) return 0;
    *from = "its epochs";
    if (!isnan(epochs)) return epochs * n / e->train_rate;
    *from = needs & UNLEARN_NEEDS_GRADIENT ? "assumed: one epoch" : "assumed: one pass";
    return n / (needs & UNLEARN_NEEDS_GRADIENT ? e->train_rate : e->predict_rate);
}

/* A search not met before: its trials, each an unlearning and a look at the validation split. */
static BaseStatus add_search(Estimate *e, const ExperimentJob *job, size_t m, void *params, double *seconds)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = e->task->setting;
    const ExperimentMethod *method = job->method;
    char key[BASE_HASH_HEX], *path = NULL;
    ExperimentSearch search = {0};
    bool found = false, counted = false;
    const char *from;
    BASE_TRY(experiment_search_place(s, job, key, &path));
    BASE_TRY(experiment_search_load(path, key, method, &search, &found));
    for (size_t i = 0; i < e->searched_count && !counted; i++) counted = strcmp(e->searched[i], path) == 0;
    if (found) BASE_TRY(experiment_search_choose(method, &search, params));
    if (counted) goto out;
    BASE_TRY(BASE_GROW(&e->searched, e->searched_count, e->searched_count + 1));
    e->searched[e->searched_count++] = path;
    path = NULL;
    e->rows[m].searches += found;
    e->rows[m].searches_missing += !found;
    if (found) goto out;
    double trials = 1;
    for (size_t a = 0; a < method->axis_count; a++) trials *= (double)method->axes[a].count;
    if (s->e->budget.trials > 0) trials = fmin(trials, (double)s->e->budget.trials);
    double epochs = s->e->budget.epochs > 0 ? (double)s->e->budget.epochs : epochs_of(method, params, &s->e->train);
    double each = method_seconds(e, m, epochs, &from) + (double)e->split.validation.n / e->predict_rate;
    *seconds += trials * each * (s->search_set_count > 0 ? (double)s->search_set_count : 1);
out:
    base_free(path);
    experiment_search_free(&search);
    return st;
}

static BaseStatus add_model(Estimate *e, const ExperimentJob *job, size_t m, const void *params, double *seconds)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = e->task->setting;
    UnlearnContext context = {.forget = job->forget, .seed = job->seed};
    const ModelMaking making = experiment_making(s, job->method, params, &context, job->forget_text);
    char key[BASE_HASH_HEX], *path = NULL;
    double own = method_seconds(e, m, epochs_of(job->method, params, &s->e->train), &e->rows[m].from);
    if (model_kept(&making)) {
        BASE_TRY(model_unlearned_path(&making, key, &path));
        bool there = io_path_exists(path);
        e->rows[m].models += there;
        e->rows[m].models_missing += !there;
        if (there) own = 0;
    }
    *seconds += own;
out:
    base_free(path);
    return st;
}

static BaseStatus add_original(Estimate *e, const ExperimentJob *job, Row *row)
{
    BaseStatus st = BASE_OK;
    const ExperimentSetting *s = e->task->setting;
    char key[BASE_HASH_HEX], *path = NULL;
    const ModelRecipe recipe = experiment_config_recipe(s->e, s->data, job->seed);
    BASE_TRY(model_original_path(&recipe, s->models, key, &path));
    bool there = io_path_exists(path);
    row->models += there;
    row->models_missing += !there;
    row->from = e->train_from;
    row->seconds += 2 * e->predicting; /* its own and the untrained network's */
    if (!there) row->seconds += (double)s->e->train.epochs * (double)e->split.train.n / e->train_rate;
out:
    base_free(path);
    return st;
}

static BaseStatus add_method(Estimate *e, const ExperimentJob *job)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *method = job->method;
    size_t m = (size_t)(method - e->task->setting->e->methods), size = method->method->entry.params_size;
    Row *row = &e->rows[m];
    void *params = NULL;
    double seconds = e->predicting + e->measuring;
    BASE_TRY(base_alloc_bytes(1, size ? size : 1, &params));
    memcpy(params, method->params, size);
    if (method->axis_count > 0) BASE_TRY(add_search(e, job, m, params, &seconds));
    BASE_TRY(add_model(e, job, m, params, &seconds));
    if (row->runs > 0) seconds += row->attacks / row->runs;
    row->seconds += seconds;
out:
    base_free(params);
    return st;
}

/* A run of this very config that another one moved away: it comes back. */
static bool set_aside(const ExperimentEstimateTask *t, const ExperimentJob *job)
{
    char path[4600];
    int length = snprintf(path, sizeof path, "%s/superseded/%s", t->folder, job->file);
    return length > 0 && (size_t)length < sizeof path && store_run_complete(path, job->id);
}

static BaseStatus walk(Estimate *e, ExperimentOutcome *outcome)
{
    BaseStatus st = BASE_OK;
    const ExperimentEstimateTask *t = e->task;
    size_t methods = t->setting->e->method_count;
    char *path = NULL;
    bool seed_needed = false;
    for (size_t i = t->count; i-- > 0;) { /* backwards: an original stands before the jobs that need it */
        const ExperimentJob *job = &t->jobs[i];
        Row *row = &e->rows[job->method ? (size_t)(job->method - t->setting->e->methods) : methods];
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", t->folder, job->file));
        bool complete = !t->force && (store_run_complete(path, job->id) || set_aside(t, job));
        row->jobs++;
        row->complete += complete;
        outcome->skipped += complete;
        seed_needed = seed_needed || !complete;
        if (job->method && !complete) BASE_TRY(add_method(e, job));
        if (job->method) continue;
        if (seed_needed) BASE_TRY(add_original(e, job, row));
        seed_needed = false;
    }
    for (size_t m = 0; m <= methods; m++) e->total += e->rows[m].seconds;
    outcome->hours = e->total / 3600 / (t->processes > 1 ? t->processes : 1);
out:
    base_free(path);
    return st;
}

static void kept_of(int there, int missing, char out[48])
{
    if (there + missing == 0)
        snprintf(out, 48, "-");
    else
        snprintf(out, 48, "%d of %d", there, there + missing);
}

/* Of the networks that the folder of shadow models does not hold yet. */
static double shadow_seconds(const Estimate *e, const ExperimentShadowCount *count, const char **from)
{
    const ExperimentConfig *x = e->task->setting->e;
    double missing = count->networks - count->cached;
    *from = e->train_from;
    if (!count->method) return missing * (double)x->train.epochs * (double)e->split.train.n / e->train_rate;
    size_t m = (size_t)(count->method - x->methods);
    return missing * method_seconds(e, m, epochs_of(count->method, count->method->params, &x->train), from);
}

static BaseStatus count_shadows(Estimate *e, ExperimentOutcome *outcome)
{
    BaseStatus st = BASE_OK;
    const char *from;
    if (!e->task->shadows) return BASE_OK;
    BASE_TRY(experiment_shadows_count(e->task->shadows, &e->shadows, &e->shadow_count));
    for (size_t i = 0; i < e->shadow_count; i++) e->total += shadow_seconds(e, &e->shadows[i], &from);
    outcome->hours = e->total / 3600;
out:
    return st;
}

static void print_shadows(const Estimate *e, ReportTable *t)
{
    char text[48];
    for (size_t i = 0; i < e->shadow_count; i++) {
        const ExperimentShadowCount *count = &e->shadows[i];
        const char *from;
        double seconds = shadow_seconds(e, count, &from);
        report_table_row(t, 0);
        report_table_text(t, 0, count->label);
        kept_of(count->cached, count->networks - count->cached, text);
        report_table_text(t, 3, text);
        report_table_text(t, 4, "-");
        report_table_number(t, 5, math_estimate(seconds / 3600, 0), NAN);
        report_table_text(t, 6, seconds > 0 ? from : "");
    }
}

static BaseStatus print(const Estimate *e, const ExperimentOutcome *outcome, BaseText *terminal)
{
    const ExperimentConfig *x = e->task->setting->e;
    char title[512], text[48];
    bool attacks_missing = false;
    snprintf(title, sizeof title, "Plan of %s: %d jobs, %d complete, about %.2f hours to go", x->name, outcome->planned,
             outcome->skipped, outcome->hours);
    ReportTable t = report_table_make(title);
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, "jobs", "jobs", true, 0, 100);
    report_table_column(&t, "complete", "complete", true, 0, 100);
    report_table_column(&t, "models", "networks cached", false, 0, 80);
    report_table_column(&t, "searches", "searches cached", false, 0, 70);
    report_table_column(&t, "hours", "hours", true, 3, 100);
    report_table_column(&t, "from", "estimated from", false, 0, 60);
    for (size_t i = 0; i <= x->method_count; i++) {
        size_t m = i == 0 ? x->method_count : i - 1;
        const Row *row = &e->rows[m];
        bool to_do = row->complete < row->jobs;
        report_table_row(&t, 0);
        report_table_text(&t, 0, i == 0 ? "original" : x->methods[m].label);
        report_table_number(&t, 1, math_estimate(row->jobs, 0), NAN);
        report_table_number(&t, 2, math_estimate(row->complete, 0), NAN);
        kept_of(row->models, row->models_missing, text);
        report_table_text(&t, 3, text);
        kept_of(row->searches, row->searches_missing, text);
        report_table_text(&t, 4, text);
        report_table_number(&t, 5, math_estimate(row->seconds / 3600, 0), NAN);
        report_table_text(&t, 6, row->seconds > 0 && row->from ? row->from : "");
        attacks_missing = attacks_missing || (i > 0 && to_do && row->runs == 0 && x->attack_count > 0);
    }
    print_shadows(e, &t);
    report_table_note(&t, "Training %.0f images/s (%s), prediction %.0f images/s (measured now), %d thread%s.",
                      e->train_rate, e->train_from, e->predict_rate, e->task->setting->threads,
                      e->task->setting->threads == 1 ? "" : "s");
    if (e->task->processes > 1)
        report_table_note(&t, "Rows are hours of one process; the total is that of %d side by side.",
                          e->task->processes);
    if (e->measuring > 0)
        report_table_note(&t, "Relearning and the linear probe are counted at most: %.1f s a network.", e->measuring);
    if (attacks_missing)
        report_table_note(&t, "Not counted: the attacks on methods that have no earlier run in this folder.");
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
    Estimate e = {.task = task, .share = forgotten_share(task)};
    BASE_TRY(BASE_ALLOC(s->e->method_count + 1, &e.rows));
    BASE_TRY(experiment_seed_split(s, s->e->seeds[0], &e.split));
    BASE_TRY(find_rates(&e));
    BASE_TRY(read_earlier(&e));
    BASE_TRY(walk(&e, outcome));
    BASE_TRY(count_shadows(&e, outcome));
    BASE_TRY(print(&e, outcome, terminal));
out:
    estimate_free(&e);
    return st;
}
