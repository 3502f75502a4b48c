/* experiment/experiment.c - checks everything, lays out the folder, has the steps done, and writes the report. */
#include "experiment/experiment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "experiment/bind.h"
#include "experiment/estimate.h"
#include "experiment/known.h"
#include "experiment/paths.h"
#include "experiment/read.h"
#include "experiment/shadows/make.h"
#include "experiment/worker.h"
#include "io/file.h"
#include "report/report.h"
#include "session/program.h"
#include "sweep/ranks.h"
#include "sweep/spawn.h"

static void under_way_free(Experiment *s)
{
    sweep_free(&s->sweep);
    experiment_steps_free(&s->steps);
    experiment_plan_free(s->jobs, s->job_count);
    experiment_forget_free(s->setting.forget, s->setting.forget_count);
    experiment_forget_free(s->setting.search_sets, s->setting.search_set_count);
    experiment_design_free(&s->design);
    session_data_free(&s->data);
    experiment_config_free(s->e);
    base_free(s->folder);
    base_free(s->setting.models);
    base_free(s->setting.shadows);
}

/* The config's line that a fault of the data belongs to: of the option whose name or file the message begins with. */
static const char *where_data(const ExperimentConfig *e)
{
    const char *text = base_error_text();
#define X(field, flag, value, def, help)                                                                               \
    if (e->prepare.field) {                                                                                            \
        size_t name = strlen(#field), file = strlen(e->prepare.field);                                                 \
        if (strncmp(text, #field " '", name + 2) == 0 ||                                                               \
            (strncmp(text, e->prepare.field, file) == 0 && text[file] == ':'))                                         \
            return base_yaml_get(e->root, #field)->where;                                                              \
    }
    DATA_OPTION_LIST(X)
#undef X
    return base_yaml_get(e->root, "data")->where;
}

/* Everything that can be wrong is said here, before the first image is trained on and before anything is written. */
static BaseStatus prepare(Experiment *s, ExperimentOutcome *outcome)
{
    BaseStatus st = BASE_OK;
    SessionModel model = {0};
    SessionSplit split = {0};
    const ExperimentTask *c = s->task;
    ExperimentSetting *setting = &s->setting;
    BASE_TRY(experiment_config_read(c->config, c->assignments, c->assignment_count, &s->e));
    st = session_data_open(s->e->data, &s->e->prepare, &s->data);
    BASE_TRY(experiment_paths_explain(s->e->root, base_error_prefix(st, "%s", where_data(s->e))));
    BASE_TRY(base_error_prefix(session_model_create(s->e->arch, &s->data, &model), "%s",
                               base_yaml_get(s->e->root, "arch")->where));
    BASE_TRY(experiment_config_bind(s->e, &s->data, &model, &setting->forget, &setting->forget_count));
    BASE_TRY(experiment_config_bind_search(s->e, &s->data, &model, &setting->search_sets, &setting->search_set_count));
    if (s->e->shadows.pairs > 0) {
        BASE_TRY(experiment_design_make(&s->data, &s->e->shadows, &s->design));
        BASE_TRY(experiment_design_split(&s->design, &s->data, MODEL_HALF_TARGET, s->e->validation, 0, &split));
    }
    BASE_TRY(experiment_plan_make(s->e, &s->data, setting->forget, setting->forget_count, setting->search_sets,
                                  &s->jobs, &s->job_count));
    outcome->planned = (int)s->job_count;
    BASE_TRY(base_format(&s->folder, "%s/%s", c->results ? c->results : "results", s->e->name));
    BASE_TRY(base_format(&setting->models, "%s/models", s->folder));
    BASE_TRY(base_format(&setting->shadows, "%s/shadows", s->folder));
    BASE_CHECK(strlen(s->folder) < sizeof outcome->folder, BASE_EUSAGE, "--results: the path is too long");
    snprintf(outcome->folder, sizeof outcome->folder, "%s", s->folder);
    setting->e = s->e;
    setting->data = &s->data;
    setting->design = s->e->shadows.pairs > 0 ? &s->design : NULL;
    setting->command = c->command;
    setting->threads = session_threads_share(c->threads, c->jobs);
    BASE_TRY(experiment_steps_make(&s->setting, s->jobs, s->job_count, &s->steps));
    BASE_TRY(sweep_make(&s->steps.sweep, &s->sweep));
out:
    session_split_free(&split);
    session_model_free(&model);
    return st;
}

static BaseStatus open_folder(Experiment *s)
{
    BaseStatus st = BASE_OK;
    char *probe = NULL, *figures = NULL;
    BASE_TRY(base_format(&probe, "%s/probe.h5", s->folder));
    BASE_TRY(io_path_writable(probe));
    io_folder_sweep(s->folder);
    io_folder_sweep(s->setting.models);
    BASE_TRY(base_format(&figures, "%s/figures", s->folder));
    io_folder_sweep(figures);
out:
    base_free(figures);
    base_free(probe);
    return st;
}

/* The file names of all jobs, sorted; the array alone is owned. */
static BaseStatus planned_names(const Experiment *s, char ***out)
{
    BaseStatus st = BASE_ALLOC(s->job_count, out);
    if (st != BASE_OK) return st;
    for (size_t i = 0; i < s->job_count; i++) (*out)[i] = s->jobs[i].file;
    qsort(*out, s->job_count, sizeof **out, base_ascending_text);
    return BASE_OK;
}

static bool is_planned(const Experiment *s, char *const *planned, char *file)
{
    return bsearch(&file, planned, s->job_count, sizeof *planned, base_ascending_text) != NULL;
}

static BaseStatus move(const char *from, const char *to, const char *file)
{
    BaseStatus st = BASE_OK;
    char *a = NULL, *b = NULL;
    BASE_TRY(base_format(&a, "%s/%s", from, file));
    BASE_TRY(base_format(&b, "%s/%s", to, file));
    BASE_CHECK(rename(a, b) == 0, BASE_EIO, "%s: cannot be moved to %s: %s", a, to, strerror(errno));
out:
    base_free(a);
    base_free(b);
    return st;
}

/* A folder holds the runs of one config: those of an earlier one step aside, so that the report mixes nothing, and come
 * back when the config does. */
static BaseStatus set_aside(Experiment *s)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, **planned = NULL, *old = NULL;
    size_t count = 0, moved = 0;
    BASE_TRY(base_format(&old, "%s/superseded", s->folder));
    BASE_TRY(planned_names(s, &planned));
    BASE_TRY(io_folder_list(s->folder, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        if (is_planned(s, planned, names[i])) continue;
        if (moved++ == 0) BASE_TRY(io_folder_make(old));
        BASE_TRY(move(s->folder, old, names[i]));
    }
    if (moved) base_notice("%zu runs of an earlier form of this config moved to %s", moved, old);
    io_names_free(names, count);
    names = NULL, count = 0;
    if (!io_path_exists(old)) goto out;
    BASE_TRY(io_folder_list(old, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++)
        if (is_planned(s, planned, names[i])) BASE_TRY(move(old, s->folder, names[i]));
out:
    base_free(old);
    base_free(planned);
    io_names_free(names, count);
    return st;
}

/* What was done before: jobs by their files, trainings and searches by theirs (a damaged one is made again by who
 * reads it). */
static BaseStatus lay_out(Experiment *s)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < s->steps.sweep.count; i++) {
        const ExperimentStep *step = &s->steps.step[i];
        bool row = step->kind == EXPERIMENT_STEP_ROW, complete = !row && io_path_exists(step->path);
        if (row && !s->task->force) BASE_TRY(experiment_job_complete(s->folder, &s->jobs[step->job], &complete));
        sweep_queue_set(s->sweep.queue, i, complete ? SWEEP_STATE_SKIPPED : SWEEP_STATE_TODO);
    }
out:
    return st;
}

/* Of everything that decides what is done and stored. */
static BaseStatus plan_hash(const Experiment *s, char hex[BASE_HASH_HEX])
{
    BaseStatus st = BASE_OK;
    BaseHash *hash = NULL;
    BASE_TRY(base_hash_create(&hash));
    for (size_t i = 0; i < s->job_count; i++) base_hash_add_text(hash, s->jobs[i].id);
    base_hash_add_text(hash, s->task->force ? "force" : "");
    base_hash_finish(hash, hex);
out:
    base_hash_free(hash);
    return st;
}

static BaseStatus open_queue(Experiment *s)
{
    BaseStatus st = BASE_OK;
    char plan[BASE_HASH_HEX], *path = NULL;
    bool first;
    BASE_TRY(plan_hash(s, plan));
    BASE_TRY(io_folder_make(s->setting.models));
    BASE_TRY(base_format(&path, "%s/" SWEEP_QUEUE_FILE, s->folder));
    BASE_TRY(sweep_queue_open(path, plan, s->steps.sweep.count, &first, &s->sweep.queue));
    BASE_CHECK(!first || !s->task->worker, BASE_ECANCEL, "the sweep that started this worker is over");
    if (!first) goto out;
    BASE_TRY(open_folder(s));
    BASE_TRY(set_aside(s));
    BASE_TRY(lay_out(s));
    BASE_TRY(sweep_queue_begin(s->sweep.queue));
out:
    base_free(path);
    return st;
}

static BaseStatus do_report(const Experiment *s, BaseText *terminal)
{
    const char *folder = s->folder;
    ReportConfig config = {.folders = &folder,
                           .folder_count = 1,
                           .out = s->folder,
                           .command = s->task->command,
                           .known = &experiment_known};
    return report_make(&config, s->task->columns, terminal);
}

/* What the queue says was done and what lies in the folder are two things: a row counts when it can be read. */
static BaseStatus check_stored(const Experiment *s)
{
    BaseStatus st = BASE_OK;
    const char *first = NULL;
    char *path = NULL;
    size_t stored = 0;
    for (size_t i = 0; i < s->job_count; i++) {
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", s->folder, s->jobs[i].file));
        if (store_run_stored(path, s->jobs[i].id))
            stored++;
        else if (!first)
            first = s->jobs[i].file;
    }
    BASE_CHECK(stored == s->job_count, BASE_EIO,
               "%s: %zu of the %zu planned rows are stored; %s is missing or damaged; the same command makes what is "
               "missing",
               s->folder, stored, s->job_count, first);
out:
    base_free(path);
    return st;
}

/* Those who come later find the queue of the first rank. */
static BaseStatus meet_queue(Experiment *s)
{
    bool first = sweep_ranks_number() == 0;
    BaseStatus st = first ? open_queue(s) : BASE_OK;
    if (st == BASE_OK) sweep_ranks_meet();
    return first ? st : open_queue(s);
}

/* Places in what a worker gets; behind them the --set texts. */
enum { ARG_THREADS, ARG_MEMORY, ARG_JOBS, ARG_FORCE, ARG_RESULTS, ARG_COMMAND, ARG_CONFIG, ARGS };

static BaseStatus spawn(Experiment *s)
{
    BaseStatus st = BASE_OK;
    const ExperimentTask *t = s->task;
    const char **arguments = NULL;
    char threads[24], memory[24], jobs[24];
    SweepWorkers workers = {.count = t->jobs, .threads = session_threads_share(t->threads, t->jobs)};
    BASE_TRY(BASE_ALLOC(ARGS + t->assignment_count, &arguments));
    snprintf(threads, sizeof threads, "%d", workers.threads);
    arguments[ARG_THREADS] = threads;
    snprintf(memory, sizeof memory, "%lld", (long long)(base_memory_budget_is_set() ? base_memory_budget() : 0));
    arguments[ARG_MEMORY] = memory;
    snprintf(jobs, sizeof jobs, "%d", (int)t->jobs);
    arguments[ARG_JOBS] = jobs;
    if (t->jobs > 1) base_memory_divide_budget((int)t->jobs);
    arguments[ARG_FORCE] = t->force ? "1" : "0";
    arguments[ARG_RESULTS] = t->results ? t->results : "results";
    arguments[ARG_COMMAND] = t->command ? t->command : "";
    arguments[ARG_CONFIG] = t->config;
    for (size_t i = 0; i < t->assignment_count; i++) arguments[ARGS + i] = t->assignments[i];
    workers.arguments = arguments;
    workers.argument_count = ARGS + t->assignment_count;
    BASE_TRY(sweep_spawn(&s->sweep, &workers));
out:
    base_free(arguments);
    return st;
}

static BaseStatus work_as_worker(int argc, char **argv)
{
    BaseStatus st = BASE_OK;
    int64_t threads, memory, jobs;
    ExperimentOutcome outcome;
    BaseText unused = {0};
    BASE_CHECK(argc >= ARGS && base_parse_i64(argv[ARG_THREADS], &threads) &&
                   base_parse_i64(argv[ARG_MEMORY], &memory) && base_parse_i64(argv[ARG_JOBS], &jobs) && jobs >= 1,
               BASE_EUSAGE, "a worker was started without its experiment");
    base_memory_set_budget(memory);
    base_memory_divide_budget((int)jobs);
    BASE_TRY(session_threads_set(threads, NULL));
    const ExperimentTask task = {.config = argv[ARG_CONFIG],
                                 .assignments = (const char *const *)argv + ARGS,
                                 .assignment_count = (size_t)(argc - ARGS),
                                 .results = argv[ARG_RESULTS],
                                 .force = strcmp(argv[ARG_FORCE], "1") == 0,
                                 .worker = true,
                                 .jobs = 1,
                                 .threads = (int)threads,
                                 .command = argv[ARG_COMMAND]};
    BASE_TRY(experiment_run(&task, &outcome, &unused));
out:
    base_text_free(&unused);
    return st;
}

int experiment_worker_main(int argc, char **argv) { return sweep_worker_main(argc, argv, work_as_worker); }

BaseStatus experiment_run(const ExperimentTask *task, ExperimentOutcome *outcome, BaseText *terminal)
{
    BaseStatus st = BASE_OK;
    Experiment s = {.task = task};
    SweepProgress progress;
    BaseStatus shadowed = BASE_OK; /* first, since several processes share that work; its failure spoils no job */
    char *reason = NULL;
    *outcome = (ExperimentOutcome){.silent = sweep_ranks_number() != 0};
    BASE_CHECK(task->jobs <= 1 || sweep_ranks_count() == 1, BASE_EUSAGE,
               "--jobs %d under MPI: each of the %d ranks already runs jobs; leave --jobs out", task->jobs,
               sweep_ranks_count());
    BASE_TRY(prepare(&s, outcome));
    if (task->dry_run) {
        BASE_TRY(session_threads_set(s.setting.threads, NULL)); /* rates are those of one of the processes */
        st = outcome->silent ? BASE_OK : experiment_estimate(&s, outcome, terminal);
        goto out;
    }
    if (task->worker)
        BASE_TRY(open_queue(&s));
    else
        BASE_TRY(meet_queue(&s));
    if (s.setting.design && !task->worker) shadowed = experiment_shadows_make(&s.setting);
    if (shadowed != BASE_OK) BASE_TRY(base_strdup(base_error_text(), &reason));
    if (task->jobs > 1)
        BASE_TRY(spawn(&s));
    else
        BASE_TRY(experiment_work(&s, task->worker || sweep_ranks_count() > 1));
    BASE_TRY(sweep_progress(&s.sweep, &progress));
    outcome->done = progress.done;
    outcome->skipped = progress.skipped;
    outcome->failed = progress.failed;
    if (!task->worker && !outcome->silent) {
        BASE_TRY(check_stored(&s));
        BASE_TRY(do_report(&s, terminal));
    }
    BASE_CHECK(!reason, shadowed, "%s; everything else is in %s/report.html", reason, s.folder);
out:
    base_free(reason);
    under_way_free(&s);
    return st;
}
