/* experiment/job.h - one job: from a trained original to everything that is stored about one unlearned network. */
#ifndef EXPERIMENT_JOB_H
#define EXPERIMENT_JOB_H

#include "experiment/seed.h"
#include "store/store.h"

/** Whether its row is in the folder, or set aside there and will come back. */
BaseStatus experiment_job_complete(const char *folder, const ExperimentJob *job, bool *out);
/** Key and file of the job's search (*path owned): of its axes, budget, seed, the sets it looks at and the files that the
 *  method reads. */
BaseStatus experiment_search_place(const ExperimentSetting *setting, const ExperimentJob *job, char key[BASE_HASH_HEX],
                                   char **path);
/** Makes the job's search and leaves it in the cache. */
BaseStatus experiment_job_search(const ExperimentSetting *setting, ExperimentSeed *seed, const ExperimentJob *job);
/** Does the job and fills @p run; one line about the outcome is appended to @p summary. */
BaseStatus experiment_job(const ExperimentSetting *setting, ExperimentSeed *seed, const ExperimentJob *job,
                          StoreRun *run, BaseText *summary);

#endif
