/* experiment/estimate.h - what an experiment still has to do and about how long that takes, before anything is done. */
#ifndef EXPERIMENT_ESTIMATE_H
#define EXPERIMENT_ESTIMATE_H

#include "experiment/shadows/make.h"
#include "experiment/steps.h"
#include "experiment/task.h"

typedef struct {
    const ExperimentSetting *setting;
    const ExperimentJob *jobs; /* [count] */
    size_t count;
    const ExperimentSteps *steps;
    const char *folder;                    /* of the runs; need not exist */
    bool force;                            /* complete jobs count as to do */
    int columns;                           /* of the terminal */
    int processes;                         /* that will share the jobs */
    const ExperimentShadowMaking *shadows; /* NULL: none */
} ExperimentEstimateTask;

/** Rates are measured here on a few batches; what trained or unlearned before in the folder is taken to last as long as
 *  then, the rest what its epochs cost at these rates. Appends the plan's table to @p terminal, fills planned, skipped
 *  and hours. Writes no file. */
BaseStatus experiment_estimate(const ExperimentEstimateTask *task, ExperimentOutcome *outcome, BaseText *terminal);

#endif
