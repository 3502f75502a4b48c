/* run/job.h - one job: from a trained original to everything that is stored about one unlearned network. */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include "run/plan.h"
#include "run/search.h"
#include "run/shadows/design.h"
#include "store/store.h"

/** What all jobs of an experiment share; borrowed. */
typedef struct {
    const RunExperiment *e;
    const RunData *data;
    const char *models;             /* folder of trained networks */
    const DataClasses *search_sets; /* [search_set_count] what every search looks at; none: each job's own set */
    size_t search_set_count;
    const RunDesign *design; /* whose half the jobs train on; NULL: no shadow models, the whole training split */
    const char *command;
    int threads;
} RunSetting;

/** What all jobs of one seed and forget set are compared with: a network retrained without the set. */
typedef struct {
    const DataClasses *forget; /* NULL: none made yet */
    BaseStatus st;             /* of making it: the other jobs then go without what needs it */
    char *reason;
    NnNet *net;
    char hash[BASE_HASH_HEX], *path;
    RunCost cost;
    RunPredictions predictions[EVAL_SPLITS];
    EvalRelearned relearned;
    EvalProbed probed;
} RunReference;

/** What all jobs of one seed share, made when the first of them needs it. */
typedef struct {
    uint64_t seed;
    BaseStatus st; /* of making it: a seed whose original cannot be trained fails each of its jobs */
    char *reason;
    bool made;
    bool trained; /* split, net and what stands beside it are there; predictions may not be */
    RunSplit split;
    NnNet *net;
    char hash[BASE_HASH_HEX], *path;
    RunCost cost;
    RunPredictions predictions[EVAL_SPLITS];
    RunPredictions untrained[EVAL_SPLITS]; /* of a network that was only initialised, from a stream of its own */
    RunReference reference;                /* of the forget set at work */
} RunSeed;
/** The images of a seed: what the design says, or the training split without its validation share. BASE_EUSAGE where
 *  none is left to train on. */
BaseStatus run_seed_split(const RunSetting *setting, uint64_t seed, RunSplit *out);
BaseStatus run_seed_make(const RunSetting *setting, RunSeed *seed);
/** Only the split and the original, without what is measured on it. */
BaseStatus run_seed_train(const RunSetting *setting, RunSeed *seed);
void run_seed_free(RunSeed *seed);
/** Fills seed->reference for the job's set, retraining where the cache has no such network; nothing where the
 * experiment has no method to take it from. Fails where retraining does. */
BaseStatus run_reference_make(const RunSetting *setting, RunSeed *seed, const RunJob *job);
/** Only makes its network and leaves it in the cache; needs no original. */
BaseStatus run_reference_train(const RunSetting *setting, RunSeed *seed, const RunJob *job);
/** The reference of the job's set is known to have failed: nothing is tried again. */
BaseStatus run_reference_give_up(RunSeed *seed, const RunJob *job, BaseStatus why, const char *reason);
/** Predictions on every split that has images. */
BaseStatus run_predict_splits(NnNet *net, const RunSplit *split, NnPrecision precision,
                              RunPredictions out[EVAL_SPLITS]);
/** What relearning and probing of @p net look at. */
EvalSubject run_subject(const RunSetting *setting, const RunSeed *seed, const DataClasses *forget, const NnNet *net);
UnlearnContext run_context(const RunSetting *setting, const RunSeed *seed, const DataClasses *forget);

/** Key and file of the job's search (*path owned): of its axes, budget, seed and the sets it looks at. */
BaseStatus run_search_place(const RunSetting *setting, const RunJob *job, char key[BASE_HASH_HEX], char **path);
/** Makes the job's search and leaves it in the cache. */
BaseStatus run_job_search(const RunSetting *setting, RunSeed *seed, const RunJob *job);
/** Does the job and fills @p run; one line about the outcome is appended to @p summary. */
BaseStatus run_job(const RunSetting *setting, RunSeed *seed, const RunJob *job, StoreRun *run, BaseText *summary);
/** A row that says which job failed and why. */
BaseStatus run_job_failed(const RunSetting *setting, const RunJob *job, const char *reason, StoreRun *run);

#endif
