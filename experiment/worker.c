/* experiment/worker.c - one process of a sweep: takes steps from the board, does them, stores what they give. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "experiment/sweep.h"

typedef struct {
    ExperimentSweep *sweep;
    bool spread;
    ExperimentSeed seed; /* networks and predictions of the seed and set last worked on */
    bool has_seed;
    size_t group;
    size_t *candidates; /* [steps] that could be taken now */
    size_t candidate_count;
} Worker;

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); }

/* ------------------------------------------------------------ which step */

static bool is_ready(const ExperimentSweep *s, size_t at)
{
    const ExperimentStep *step = &s->graph.steps[at];
    bool ready = !sweep_state_settled(s->states[at]) && !s->counted[at];
    for (size_t n = 0; n < step->need_count && ready; n++) ready = sweep_state_settled(s->states[step->needs[n]]);
    return ready;
}

static void add_candidate(Worker *w, size_t at)
{
    if (!is_ready(w->sweep, at)) return;
    w->sweep->counted[at] = 1;
    w->candidates[w->candidate_count++] = at;
}

/* Unsettled jobs whose needs are settled, and of the others the needs that are ready. *left: jobs to settle. */
static BaseStatus list_candidates(Worker *w, size_t *left)
{
    BaseStatus st = BASE_OK;
    ExperimentSweep *s = w->sweep;
    const ExperimentGraph *g = &s->graph;
    *left = 0;
    w->candidate_count = 0;
    BASE_TRY(sweep_board_read(s->board, s->states));
    memset(s->counted, 0, g->count);
    for (size_t r = 0; r < g->row_count; r++) {
        const ExperimentStep *row = &g->steps[g->rows[r]];
        if (sweep_state_settled(s->states[g->rows[r]])) continue;
        (*left)++;
        for (size_t n = 0; n < row->need_count; n++) add_candidate(w, row->needs[n]);
        add_candidate(w, g->rows[r]);
    }
out:
    return st;
}

enum { LONG, SAME_GROUP, SAME_SEED, FREE_GROUP, ANY, WISHES };

/* Trainings first where others wait for them; then what the networks in memory serve; then where nobody else is. */
static bool wanted(const Worker *w, int wish, size_t at)
{
    const ExperimentSweep *s = w->sweep;
    const ExperimentStep *step = &s->graph.steps[at];
    bool same_seed = w->has_seed && s->jobs[step->job].seed == w->seed.seed;
    switch (wish) {
    case LONG: return w->spread && (step->kind == EXPERIMENT_STEP_TRAIN || step->kind == EXPERIMENT_STEP_RETRAIN);
    case SAME_GROUP: return w->has_seed && step->group == w->group;
    case SAME_SEED:
    case FREE_GROUP:
        if (wish == SAME_SEED && !same_seed) return false;
        return !sweep_board_busy(s->board, s->graph.groups[step->group].first, s->graph.groups[step->group].count);
    default: return true;
    }
}

/* *found false: nothing can be taken now. */
static BaseStatus take(Worker *w, size_t *at, int *deaths, bool *found)
{
    BaseStatus st = BASE_OK;
    *found = false;
    for (int wish = 0; wish < WISHES && !*found; wish++) {
        for (size_t c = 0; c < w->candidate_count && !*found; c++) {
            *at = w->candidates[c];
            if (wanted(w, wish, *at)) BASE_TRY(sweep_board_claim(w->sweep->board, *at, found, deaths));
        }
    }
out:
    return st;
}

/* ------------------------------------------------------------ doing it */

static void use_seed(Worker *w, const ExperimentJob *job)
{
    if (w->has_seed && w->seed.seed == job->seed) return;
    experiment_seed_free(&w->seed);
    w->seed.seed = job->seed;
    w->has_seed = true;
}

static BaseStatus store_failed(const ExperimentSetting *setting, const ExperimentJob *job, const char *reason,
                               const char *path)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    BASE_TRY(store_run_create(&run));
    BASE_TRY(experiment_job_failed(setting, job, reason, run));
    BASE_TRY(store_run_write(run, path));
out:
    store_run_free(run);
    return st;
}

/* What one of the steps before @p row failed with, where the row cannot do without it: "" otherwise. */
static BaseStatus inherited(Worker *w, const ExperimentStep *row, char reason[SWEEP_REASON_MAX])
{
    BaseStatus st = BASE_OK;
    ExperimentSweep *s = w->sweep;
    const ExperimentJob *job = &s->jobs[row->job];
    reason[0] = '\0';
    for (size_t n = 0; n < row->need_count && !reason[0]; n++) {
        BaseStatus why;
        if (s->states[row->needs[n]] != SWEEP_STATE_FAILED) continue;
        BASE_TRY(sweep_board_reason(s->board, row->needs[n], &why, reason));
        bool comparison = s->graph.steps[row->needs[n]].kind == EXPERIMENT_STEP_RETRAIN;
        if (!comparison || job->method == experiment_config_reference(s->e) || why == BASE_ENOMEM) continue;
        BASE_TRY(experiment_reference_give_up(&w->seed, job, why, reason));
        reason[0] = '\0';
    }
out:
    return st;
}

/* "[3/18] svd, forget 3, seed 0: ...; 3 of 18 jobs done, ..." */
static void tell(ExperimentSweep *s, size_t at, const char *outcome, bool failed)
{
    char what[256], all[160] = "";
    ExperimentProgress progress;
    size_t number = s->graph.steps[at].job + 1;
    const char *then = "";
    experiment_step_text(&s->graph, s->jobs, at, what);
    if (!s->config->worker &&
        experiment_progress(s, &progress) == BASE_OK) { /* of workers, who started them tells it */
        experiment_progress_text(s, &progress, all);
        then = progress.done + progress.failed + progress.skipped < (int)s->job_count ? "; " : "";
    }
    if (failed)
        base_warning("[%zu/%zu] %s: failed: %s%s%s", number, s->job_count, what, outcome, then, *then ? all : "");
    else
        base_notice("[%zu/%zu] %s: %s%s%s", number, s->job_count, what, outcome, then, *then ? all : "");
}

/* Does a job and stores its row; fails only where no row can be stored. */
static BaseStatus do_row(Worker *w, size_t at, int deaths, double started)
{
    BaseStatus st = BASE_OK;
    ExperimentSweep *s = w->sweep;
    const ExperimentStep *row = &s->graph.steps[at];
    const ExperimentJob *job = &s->jobs[row->job];
    StoreRun *run = NULL;
    BaseText summary = {0};
    char *path = NULL, reason[SWEEP_REASON_MAX];
    SweepState state = SWEEP_STATE_DONE;
    BASE_TRY(base_format(&path, "%s/%s", s->folder, job->file));
    if (deaths > 0 && !s->config->force &&
        store_run_complete(path, job->id)) { /* who stored it died before it said so */
        st = sweep_board_settle(s->board, at, SWEEP_STATE_DONE, 0, BASE_OK, NULL);
        goto out;
    }
    use_seed(w, job);
    BASE_TRY(inherited(w, row, reason));
    if (deaths >= SWEEP_DEATHS_MAX)
        snprintf(reason, sizeof reason, "%d processes died while they did this job (out of memory?)", deaths);
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
    BASE_TRY(sweep_board_settle(s->board, at, state, base_clock_wall() - started, BASE_OK, NULL));
    tell(s, at, reason[0] ? reason : summary.data ? summary.data : "", state == SWEEP_STATE_FAILED);
out:
    base_text_free(&summary);
    base_free(path);
    store_run_free(run);
    return st;
}

/* A training or a search: its file is in the cache afterwards, or the reason of its failure on the board. */
static BaseStatus do_making(Worker *w, size_t at, int deaths, double started)
{
    BaseStatus st = BASE_OK;
    ExperimentSweep *s = w->sweep;
    const ExperimentStep *step = &s->graph.steps[at];
    const ExperimentJob *job = &s->jobs[step->job];
    char what[256];
    SweepState state = SWEEP_STATE_DONE;
    use_seed(w, job);
    if (deaths >= SWEEP_DEATHS_MAX)
        st = base_error_set(BASE_EBACKEND, "%d processes died while they did this (out of memory?)", deaths);
    else if (step->kind == EXPERIMENT_STEP_TRAIN)
        st = experiment_seed_train(&s->setting, &w->seed);
    else if (step->kind == EXPERIMENT_STEP_RETRAIN)
        st = experiment_reference_train(&s->setting, &w->seed, job);
    else
        st = experiment_job_search(&s->setting, &w->seed, job);
    if (st == BASE_EIO) goto out;
    if (st != BASE_OK) {
        state = SWEEP_STATE_FAILED;
        experiment_step_text(&s->graph, s->jobs, at, what);
        base_warning("%s failed: %s%s", what,
                     step->kind == EXPERIMENT_STEP_RETRAIN ? "the rows of this set have no numbers that need it: " : "",
                     base_error_text());
    }
    st = sweep_board_settle(s->board, at, state, base_clock_wall() - started, st,
                            state == SWEEP_STATE_FAILED ? base_error_text() : NULL);
out:
    return st;
}

static BaseStatus do_step(Worker *w, size_t at, int deaths)
{
    const ExperimentStep *step = &w->sweep->graph.steps[at];
    double started = base_clock_wall();
    BaseStatus st =
        step->kind == EXPERIMENT_STEP_ROW ? do_row(w, at, deaths, started) : do_making(w, at, deaths, started);
    w->group = step->group;
    if (st != BASE_OK) sweep_board_give_back(w->sweep->board, at);
    return st;
}

BaseStatus experiment_work(ExperimentSweep *sweep, bool spread)
{
    BaseStatus st = BASE_OK;
    Worker w = {.sweep = sweep, .spread = spread};
    size_t at = 0, left;
    int deaths = 0;
    bool found;
    BASE_TRY(BASE_ALLOC(sweep->graph.count, &w.candidates));
    for (;;) {
        BASE_TRY(list_candidates(&w, &left));
        if (left == 0) {
            st = sweep_board_finish(sweep->board);
            break;
        }
        BASE_TRY(take(&w, &at, &deaths, &found));
        if (found)
            BASE_TRY(do_step(&w, at, deaths));
        else
            nap(); /* others have what there is; one of them may die */
    }
out:
    experiment_seed_free(&w.seed);
    base_free(w.candidates);
    return st;
}
