/* experiment/estimate.h - what an experiment still has to do and about how long that takes, before anything is done. */
#ifndef EXPERIMENT_ESTIMATE_H
#define EXPERIMENT_ESTIMATE_H

#include "experiment/worker.h"

/** Rates are measured here on a few batches; what trained or unlearned before in the folder is taken to last as long as
 *  then, the rest what its epochs cost at these rates. Appends the plan's table to @p terminal, fills planned, skipped
 *  and hours. Writes no file. */
BaseStatus experiment_estimate(const Experiment *run, ExperimentOutcome *outcome, BaseText *terminal);

#endif
