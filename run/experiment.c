#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"
#include "report/report.h"
#include "run/estimate.h"
#include "run/job.h"
#include "run/run.h"
#include "run/shadows/make.h"

/* An experiment under way. */
typedef struct {
    const RunConfig *config;
    RunExperiment *e;
    RunData data;
    RunDesign design; /* empty without shadow models */
    DataClasses *forget;
    size_t forget_count;
    DataClasses *search_sets;
    size_t search_set_count;
    RunJob *jobs;
    size_t job_count;
    char *folder, *models, *shadows, *old;
    RunOutcome *outcome;
} Sweep;

static void sweep_free(Sweep *s)
{
    run_plan_free(s->jobs, s->job_count);
    run_forget_free(s->forget, s->forget_count);
    run_forget_free(s->search_sets, s->search_set_count);
    run_design_free(&s->design);
    run_data_free(&s->data);
    run_config_free(s->e);
    base_free(s->folder);
    base_free(s->models);
    base_free(s->shadows);
    base_free(s->old);
}

static BaseStatus where_prefix(BaseStatus st, const char *where)
{
    return st == BASE_OK ? st : base_error_prefix(st, "%s", where);
}

/* The config's line that a fault of the data belongs to: of the option whose name or file the message begins with. */
static const char *where_data(const RunExperiment *e)
{
    const char *text = base_error_text();
#define X(field, flag, value, def, help)                                                                               \
    if (e->prepare.field) {                                                                                            \
        size_t name = strlen(#field), file = strlen(e->prepare.field);                                                 \
        if (strncmp(text, #field " '", name + 2) == 0) return e->where_prepare.field;                                  \
        if (strncmp(text, e->prepare.field, file) == 0 && text[file] == ':') return e->where_prepare.field;            \
    }
    DATA_OPTION_LIST(X)
#undef X
    return e->where_data;
}

/* Everything that can be wrong is said here, before the first image is trained on and before anything is written. */
static BaseStatus prepare(Sweep *s)
{
    BaseStatus st = BASE_OK;
    RunModel model = {0};
    RunSplit split = {0};
    const RunConfig *c = s->config;
    BASE_TRY(run_config_read(c->config, c->assignments, c->assignment_count, &s->e));
    st = run_data_open(s->e->data, &s->e->prepare, &s->data);
    BASE_TRY(where_prefix(st, where_data(s->e)));
    BASE_TRY(where_prefix(run_model_create(s->e->arch, &s->data, &model), s->e->where_arch));
    BASE_TRY(run_config_bind(s->e, &s->data, &model, &s->forget, &s->forget_count));
    BASE_TRY(run_config_bind_search(s->e, &s->data, &s->search_sets, &s->search_set_count));
    if (s->e->shadows.pairs > 0) {
        BASE_TRY(run_design_make(&s->data, &s->e->shadows, &s->design));
        BASE_TRY(run_design_split(&s->design, &s->data, &s->e->shadows, s->e->validation, 0, &split));
    }
    BASE_TRY(run_plan_make(s->e, &s->data, s->forget, s->forget_count, &s->jobs, &s->job_count));
    BASE_TRY(base_format(&s->folder, "%s/%s", c->results ? c->results : "results", s->e->name));
    BASE_TRY(base_format(&s->models, "%s/models", s->folder));
    BASE_TRY(base_format(&s->shadows, "%s/shadows", s->folder));
    BASE_TRY(base_format(&s->old, "%s/superseded", s->folder));
    BASE_CHECK(strlen(s->folder) < sizeof s->outcome->folder, BASE_EUSAGE, "--results: the path is too long");
    snprintf(s->outcome->folder, sizeof s->outcome->folder, "%s", s->folder);
out:
    run_split_free(&split);
    run_model_free(&model);
    return st;
}

static BaseStatus open_folder(Sweep *s)
{
    BaseStatus st = BASE_OK;
    char *probe = NULL, *figures = NULL;
    BASE_TRY(io_folder_make(s->models));
    BASE_TRY(base_format(&probe, "%s/probe.h5", s->folder));
    BASE_TRY(io_path_writable(probe));
    io_folder_sweep(s->folder);
    io_folder_sweep(s->models);
    BASE_TRY(base_format(&figures, "%s/figures", s->folder));
    io_folder_sweep(figures);
out:
    base_free(figures);
    base_free(probe);
    return st;
}

static bool is_planned(const Sweep *s, const char *file)
{
    for (size_t i = 0; i < s->job_count; i++)
        if (strcmp(s->jobs[i].file, file) == 0) return true;
    return false;
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
static BaseStatus set_aside(Sweep *s)
{
    BaseStatus st = BASE_OK;
    char **names = NULL;
    size_t count = 0, moved = 0;
    BASE_TRY(io_folder_list(s->folder, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        if (is_planned(s, names[i])) continue;
        if (moved++ == 0) BASE_TRY(io_folder_make(s->old));
        BASE_TRY(move(s->folder, s->old, names[i]));
    }
    if (moved) base_notice("%zu runs of an earlier form of this config moved to %s", moved, s->old);
    io_names_free(names, count);
    names = NULL, count = 0;
    if (!io_path_exists(s->old)) goto out;
    BASE_TRY(io_folder_list(s->old, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++)
        if (is_planned(s, names[i])) BASE_TRY(move(s->old, s->folder, names[i]));
out:
    io_names_free(names, count);
    return st;
}

static BaseStatus store_failed(const RunSetting *setting, const RunJob *job, const char *reason, const char *path)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    BASE_TRY(store_run_create(&run));
    BASE_TRY(run_job_failed(setting, job, reason, run));
    BASE_TRY(store_run_write(run, path));
out:
    store_run_free(run);
    return st;
}

/* Does one job and stores its row; fails only where no row can be stored. */
static BaseStatus do_job(const RunSetting *setting, RunSeed *seed, const RunJob *job, const char *path,
                         const char *what, RunOutcome *outcome)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    char *reason = NULL;
    BaseText summary = {0};
    BASE_TRY(store_run_create(&run));
    BaseStatus job_st = run_job(setting, seed, job, run, &summary);
    if (job_st == BASE_EIO) { /* nothing more can be stored either */
        st = job_st;
        goto out;
    }
    if (job_st == BASE_OK) {
        BASE_TRY(store_run_write(run, path));
        base_notice("%s: %s", what, summary.data ? summary.data : "");
        outcome->done++;
    } else {
        BASE_TRY(base_strdup(base_error_text(), &reason));
        base_warning("%s: failed: %s", what, reason);
        BASE_TRY(store_failed(setting, job, reason, path));
        outcome->failed++;
    }
out:
    base_text_free(&summary);
    base_free(reason);
    store_run_free(run);
    return st;
}

static BaseStatus do_seed(Sweep *s, const RunSetting *setting, size_t first, size_t count)
{
    BaseStatus st = BASE_OK;
    RunSeed seed = {.seed = s->jobs[first].seed};
    char *path = NULL, what[256];
    for (size_t i = first; i < first + count; i++) {
        const RunJob *job = &s->jobs[i];
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", s->folder, job->file));
        if (!s->config->force && store_run_complete(path, job->id)) {
            s->outcome->skipped++;
            continue;
        }
        snprintf(what, sizeof what, "[%zu/%zu] %s%s%s, seed %llu", i + 1, s->job_count,
                 job->method ? job->method->label : "original", job->forget ? ", forget " : "", job->forget_text,
                 (unsigned long long)job->seed);
        BASE_TRY(do_job(setting, &seed, job, path, what, s->outcome));
    }
out:
    base_free(path);
    run_seed_free(&seed);
    return st;
}

static BaseStatus do_report(const Sweep *s, BaseText *terminal)
{
    const char *folder = s->folder;
    ReportConfig config = {.folders = &folder, .folder_count = 1, .out = s->folder, .command = s->config->command};
    return report_make(&config, s->config->columns, terminal);
}

BaseStatus run_experiment(const RunConfig *config, RunOutcome *outcome, BaseText *terminal)
{
    BaseStatus st = BASE_OK;
    Sweep s = {.config = config, .outcome = outcome};
    BaseStatus shadowed = BASE_OK; /* first, since several processes share that work; its failure spoils no job */
    char *reason = NULL;
    *outcome = (RunOutcome){0};
    BASE_TRY(prepare(&s));
    RunSetting setting = {.e = s.e,
                          .data = &s.data,
                          .models = s.models,
                          .search_sets = s.search_sets,
                          .search_set_count = s.search_set_count,
                          .design = s.e->shadows.pairs > 0 ? &s.design : NULL,
                          .command = config->command,
                          .threads = config->threads};
    const RunShadowMaking shadows = {&setting, s.forget, s.forget_count, s.shadows};
    outcome->planned = (int)s.job_count;
    if (config->dry_run) {
        const RunEstimateTask task = {
            &setting, s.jobs, s.job_count, s.folder, config->force, config->columns, setting.design ? &shadows : NULL};
        st = run_estimate(&task, outcome, terminal);
        goto out;
    }
    BASE_TRY(open_folder(&s));
    BASE_TRY(set_aside(&s));
    if (setting.design) shadowed = run_shadows_make(&shadows);
    if (shadowed != BASE_OK) BASE_TRY(base_strdup(base_error_text(), &reason));
    size_t per_seed = s.job_count / s.e->seed_count;
    for (size_t i = 0; i < s.job_count; i += per_seed) BASE_TRY(do_seed(&s, &setting, i, per_seed));
    BASE_TRY(do_report(&s, terminal));
    BASE_CHECK(!reason, shadowed, "%s; everything else is in %s/report.html", reason, s.folder);
out:
    base_free(reason);
    sweep_free(&s);
    return st;
}
