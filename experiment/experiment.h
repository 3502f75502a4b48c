/* experiment/experiment.h - config -> plan -> steps -> jobs -> store -> report. */
#ifndef EXPERIMENT_EXPERIMENT_H
#define EXPERIMENT_EXPERIMENT_H

#include "base/text.h"
#include "experiment/task.h"

/** Every job of the experiment, then the report. Jobs may be shared with other processes: those started here, the ranks
 * of an MPI job, and other processes that run the same config in the same place. @p terminal gets the report's
 * table. A failed job is a stored row. A dry run gets the plan's table there instead. */
BaseStatus experiment_run(const ExperimentTask *task, ExperimentOutcome *outcome, BaseText *terminal);

/** main() of a process that another one's --jobs started: argv[1] is SWEEP_WORKER. Returns the exit status. */
int experiment_worker_main(int argc, char **argv);

#endif
