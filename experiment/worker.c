/* experiment/worker.c - does steps and stores what they give: a row is a file of the results, all else one of `models`. */
#include "experiment/worker.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "experiment/record.h"

typedef struct {
    Experiment *experiment;
    ExperimentSeed seed; /* networks and predictions of the seed and set last worked on */
} Worker;

static void use_seed(Worker *w, const ExperimentJob *job)
{
    if (w->seed.seed == job->seed) return; /* or nothing is made yet */
    experiment_seed_free(&w->seed);
    w->seed.seed = job->seed;
}

/* A row that says which job failed and why. */
static BaseStatus store_failed(const ExperimentSetting *setting, const ExperimentJob *job, const char *reason,
                               const char *path)
{
    StoreRun *run = NULL;
    BaseStatus st = store_run_create(&run);
    if (st != BASE_OK) return st;
    experiment_record_identity(setting, job, run);
    store_run_set_text(run, "/", "status", "failed");
    store_run_set_text(run, "/", "reason", reason);
    st = store_run_write(run, path);
    store_run_free(run);
    return st;
}

/* What one of the steps before @p row failed with, where the row cannot do without it: "" otherwise. */
static BaseStatus inherited(Worker *w, size_t at, char reason[SWEEP_REASON_MAX])
{
    BaseStatus st = BASE_OK;
    Experiment *s = w->experiment;
    const SweepStep *row = &s->steps.sweep.step[at];
    const ExperimentJob *job = &s->jobs[s->steps.step[at].job];
    reason[0] = '\0';
    for (size_t n = 0; n < row->need_count && !reason[0]; n++) {
        BaseStatus why;
        if (s->sweep.states[row->needs[n]] != SWEEP_STATE_FAILED) continue;
        BASE_TRY(sweep_queue_reason(s->sweep.queue, row->needs[n], &why, reason));
        bool comparison = s->steps.step[row->needs[n]].kind == EXPERIMENT_STEP_RETRAIN;
        if (!comparison || job->method == experiment_config_reference(s->e) || why == BASE_ENOMEM) continue;
        BASE_TRY(experiment_reference_give_up(&w->seed, job, why, reason));
        reason[0] = '\0';
    }
out:
    return st;
}

/* "[3/18] svd, forget 3, seed 0: ...; 3 of 18 jobs done, ..." */
static void tell(Experiment *s, size_t at, const char *outcome, bool failed)
{
    char what[256], all[160] = "";
    SweepProgress progress;
    size_t number = s->steps.step[at].job + 1;
    const char *then = "";
    experiment_step_text(&s->steps, s->jobs, at, what);
    if (!s->task->worker &&
        sweep_progress(&s->sweep, &progress) == BASE_OK) { /* of workers, who started them tells it */
        sweep_progress_text(&s->sweep, &progress, all);
        then = progress.done + progress.failed + progress.skipped < (int)s->job_count ? "; " : "";
    }
    (failed ? base_warning : base_notice)("[%zu/%zu] %s: %s%s%s%s", number, s->job_count, what,
                                          failed ? "failed: " : "", outcome, then, *then ? all : "");
}

/* Does a job and stores its row; fails only where no row can be stored. */
static BaseStatus do_row(Worker *w, size_t at, int deaths, double started)
{
    BaseStatus st = BASE_OK;
    Experiment *s = w->experiment;
    const ExperimentJob *job = &s->jobs[s->steps.step[at].job];
    StoreRun *run = NULL;
    BaseText summary = {0};
    char *path = NULL, reason[SWEEP_REASON_MAX];
    SweepState state = SWEEP_STATE_DONE;
    BASE_TRY(base_format(&path, "%s/%s", s->folder, job->file));
    if (deaths > 0 && !s->task->force && store_run_complete(path, job->id)) { /* who stored it died before it said so */
        st = sweep_queue_settle(s->sweep.queue, at, SWEEP_STATE_DONE, 0, BASE_OK, NULL);
        goto out;
    }
    use_seed(w, job);
    BASE_TRY(inherited(w, at, reason));
    if (deaths >= SWEEP_DEATHS_MAX)
        snprintf(reason, sizeof reason, "%d processes died while running this job (out of memory?)", deaths);
    if (!reason[0]) {
        BASE_TRY(store_run_create(&run));
        BaseStatus job_st = experiment_job(&s->setting, &w->seed, job, run, &summary);
        if (job_st == BASE_EIO) { /* nothing more can be stored either */
            st = job_st;
            goto out;
        }
        if (job_st == BASE_OK) job_st = summary.st;
        if (job_st != BASE_OK) snprintf(reason, sizeof reason, "%s", base_error_text());
    }
    if (reason[0]) {
        state = SWEEP_STATE_FAILED;
        BASE_TRY(store_failed(&s->setting, job, reason, path));
    } else {
        BASE_TRY(store_run_write(run, path));
    }
    BASE_TRY(sweep_queue_settle(s->sweep.queue, at, state, base_clock_wall() - started, BASE_OK, NULL));
    tell(s, at, reason[0] ? reason : summary.data ? summary.data : "", state == SWEEP_STATE_FAILED);
out:
    base_text_free(&summary);
    base_free(path);
    store_run_free(run);
    return st;
}

/* A training or a search: its file is in the cache afterwards, or the reason of its failure in the queue. */
static BaseStatus do_making(Worker *w, size_t at, int deaths, double started)
{
    BaseStatus st = BASE_OK;
    Experiment *s = w->experiment;
    const ExperimentStep *step = &s->steps.step[at];
    const ExperimentJob *job = &s->jobs[step->job];
    char what[256];
    SweepState state = SWEEP_STATE_DONE;
    use_seed(w, job);
    if (deaths >= SWEEP_DEATHS_MAX)
        st = base_error_set(BASE_EBACKEND, "%d processes died while running this (out of memory?)", deaths);
    else if (step->kind == EXPERIMENT_STEP_TRAIN)
        st = experiment_seed_train(&s->setting, &w->seed);
    else if (step->kind == EXPERIMENT_STEP_RETRAIN)
        st = experiment_reference_train(&s->setting, &w->seed, job);
    else
        st = experiment_job_search(&s->setting, &w->seed, job);
    if (st == BASE_EIO) goto out;
    if (st != BASE_OK) {
        state = SWEEP_STATE_FAILED;
        experiment_step_text(&s->steps, s->jobs, at, what);
        base_warning("%s failed: %s%s", what,
                     step->kind == EXPERIMENT_STEP_RETRAIN ? "rows of this forget set lack every number that needs it: "
                                                           : "",
                     base_error_text());
    }
    st = sweep_queue_settle(s->sweep.queue, at, state, base_clock_wall() - started, st,
                            state == SWEEP_STATE_FAILED ? base_error_text() : NULL);
out:
    return st;
}

static BaseStatus do_step(void *user, size_t at, int deaths)
{
    Worker *w = user;
    double started = base_clock_wall();
    bool row = w->experiment->steps.step[at].kind == EXPERIMENT_STEP_ROW;
    return row ? do_row(w, at, deaths, started) : do_making(w, at, deaths, started);
}

BaseStatus experiment_work(Experiment *experiment, bool spread)
{
    Worker w = {.experiment = experiment};
    const SweepDoing doing = {&w, do_step, spread};
    BaseStatus st = sweep_work(&experiment->sweep, &doing);
    experiment_seed_free(&w.seed);
    return st;
}
