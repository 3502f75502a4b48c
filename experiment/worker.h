/* experiment/worker.h - an experiment under way, and how one process of its sweep does a step. */
#ifndef EXPERIMENT_WORKER_H
#define EXPERIMENT_WORKER_H

#include "experiment/steps.h"
#include "experiment/task.h"

/** What its processes have in common. */
typedef struct {
    const ExperimentTask *task;
    ExperimentConfig *e;
    SessionData data;
    ExperimentDesign design; /* empty without shadow models */
    ExperimentJob *jobs;     /* [job_count] */
    size_t job_count;
    ExperimentSetting setting;
    ExperimentSteps steps;
    Sweep sweep;
    char *folder;
} Experiment;

/** Takes steps from the queue until every job is settled, by whomever. @p spread: trainings first, for there are
 *  several processes. Fails where nothing can be stored any more. */
BaseStatus experiment_work(Experiment *experiment, bool spread);

#endif
