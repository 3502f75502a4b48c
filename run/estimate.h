/* run/estimate.h - what an experiment still has to do and about how long that takes, before anything is done. */
#ifndef RUN_ESTIMATE_H
#define RUN_ESTIMATE_H

#include "run/job.h"
#include "run/run.h"
#include "run/shadows/make.h"

typedef struct {
    const RunSetting *setting;
    const RunJob *jobs; /* [count] */
    size_t count;
    const char *folder;             /* of the runs; need not exist */
    bool force;                     /* complete jobs count as to do */
    int columns;                    /* of the terminal */
    int processes;                  /* that will share the jobs */
    const RunShadowMaking *shadows; /* NULL: none */
} RunEstimateTask;

/** Rates are those of originals in the cache where there are any, else measured here on a few batches; a method's own
 *  time is that of its earlier runs in the folder, else what its epochs cost at these rates. Appends the plan's table
 * to
 *  @p terminal, fills planned, skipped and hours. Writes no file. */
BaseStatus run_estimate(const RunEstimateTask *task, RunOutcome *outcome, BaseText *terminal);

#endif
