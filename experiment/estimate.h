/* experiment/estimate.h - what an experiment still has to do and about how long that takes, before anything is done. */
#ifndef EXPERIMENT_ESTIMATE_H
#define EXPERIMENT_ESTIMATE_H

#include "experiment/job.h"
#include "experiment/shadows/make.h"
#include "experiment/task.h"

typedef struct {
    const ExperimentSetting *setting;
    const ExperimentJob *jobs; /* [count] */
    size_t count;
    const char *folder;                    /* of the runs; need not exist */
    bool force;                            /* complete jobs count as to do */
    int columns;                           /* of the terminal */
    int processes;                         /* that will share the jobs */
    const ExperimentShadowMaking *shadows; /* NULL: none */
} ExperimentEstimateTask;

/** Rates are those of originals in the cache where there are any, else measured here on a few batches; a method's own
 *  time is that of its earlier runs in the folder, else what its epochs cost at these rates. Appends the plan's table
 * to
 *  @p terminal, fills planned, skipped and hours. Writes no file. */
BaseStatus experiment_estimate(const ExperimentEstimateTask *task, ExperimentOutcome *outcome, BaseText *terminal);

#endif
