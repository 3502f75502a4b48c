/* run/job.h - one job: from a trained original to everything that is stored about one unlearned network. */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include "run/plan.h"
#include "run/search.h"
#include "store/store.h"

/** What all jobs of an experiment share; borrowed. */
typedef struct {
    const RunExperiment *e;
    const RunData *data;
    const char *models; /* folder of trained networks */
    const char *command;
    int threads;
} RunSetting;

/** What all jobs of one seed share, made when the first of them needs it. */
typedef struct {
    uint64_t seed;
    BaseStatus st; /* of making it: a seed whose original cannot be trained fails each of its jobs */
    char *reason;
    bool made;
    RunSplit split;
    NnNet *net;
    char hash[BASE_HASH_HEX], *path;
    RunCost cost;
    RunPredictions predictions[EVAL_SPLITS];
} RunSeed;
BaseStatus run_seed_make(const RunSetting *setting, RunSeed *seed);
void run_seed_free(RunSeed *seed);

/** Does the job and fills @p run; one line about the outcome is appended to @p summary. */
BaseStatus run_job(const RunSetting *setting, RunSeed *seed, const RunJob *job, StoreRun *run, BaseText *summary);
/** A row that says which job failed and why. */
BaseStatus run_job_failed(const RunSetting *setting, const RunJob *job, const char *reason, StoreRun *run);

#endif
