/* run/sweep.h - an experiment under way: what its processes have in common and what each of them does. */
#ifndef RUN_SWEEP_H
#define RUN_SWEEP_H

#include "run/board.h"
#include "run/graph.h"
#include "run/run.h"
#include "run/shadows/design.h"

typedef struct {
    const RunConfig *config;
    RunExperiment *e;
    RunData data;
    RunDesign design; /* empty without shadow models */
    DataClasses *forget, *search_sets;
    size_t forget_count, search_set_count;
    RunJob *jobs; /* [job_count] */
    size_t job_count;
    RunSetting setting;
    RunGraph graph;
    RunBoard *board;
    char *folder, *models, *shadows, *old, *board_path;
    uint8_t *states;  /* [graph.count] as last read */
    double *seconds;  /* [graph.count] */
    uint8_t *counted; /* [graph.count] scratch */
} RunSweep;

typedef struct {
    int done, failed, skipped, running; /* jobs, but running counts trainings and searches too */
    double left;                        /* seconds; NaN: not known yet */
} RunProgress;
/** By the states on the board, and by what steps alike have taken. */
BaseStatus run_progress(RunSweep *sweep, RunProgress *out);
/** "3 of 18 jobs done, 1 failed, 2 running, about 1:05 to go" */
void run_progress_text(const RunSweep *sweep, const RunProgress *progress, char text[160]);

/** Takes steps from the board until every job is settled, by whomever. @p spread: trainings first, for there are
 * several processes. Fails where nothing can be stored any more. */
BaseStatus run_work(RunSweep *sweep, bool spread);

/** Starts config->jobs processes of this program that work on the board, hands on what they say, and waits. */
BaseStatus run_spawn(RunSweep *sweep);

#endif
