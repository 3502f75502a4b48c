/* experiment/sweep.h - an experiment under way: what its processes have in common and what each of them does. */
#ifndef EXPERIMENT_SWEEP_H
#define EXPERIMENT_SWEEP_H

#include "experiment/experiment.h"
#include "experiment/graph.h"
#include "experiment/shadows/design.h"
#include "sweep/board.h"

typedef struct {
    const ExperimentTask *config;
    ExperimentConfig *e;
    SessionData data;
    ExperimentDesign design; /* empty without shadow models */
    DataClasses *forget, *search_sets;
    size_t forget_count, search_set_count;
    ExperimentJob *jobs; /* [job_count] */
    size_t job_count;
    ExperimentSetting setting;
    ExperimentGraph graph;
    SweepBoard *board;
    char *folder, *models, *shadows, *old, *board_path;
    uint8_t *states;  /* [graph.count] as last read */
    double *seconds;  /* [graph.count] */
    uint8_t *counted; /* [graph.count] scratch */
} ExperimentSweep;

typedef struct {
    int done, failed, skipped, running; /* jobs, but running counts trainings and searches too */
    double left;                        /* seconds; NaN: not known yet */
} ExperimentProgress;
/** By the states on the board, and by what steps alike have taken. */
BaseStatus experiment_progress(ExperimentSweep *sweep, ExperimentProgress *out);
/** "3 of 18 jobs done, 1 failed, 2 running, about 1:05 to go" */
void experiment_progress_text(const ExperimentSweep *sweep, const ExperimentProgress *progress, char text[160]);

/** Takes steps from the board until every job is settled, by whomever. @p spread: trainings first, for there are
 * several processes. Fails where nothing can be stored any more. */
BaseStatus experiment_work(ExperimentSweep *sweep, bool spread);

/** Starts config->jobs processes of this program that work on the board, hands on what they say, and waits. */
BaseStatus experiment_spawn(ExperimentSweep *sweep);

#endif
