/* run/record.h - what a job found out, put into a run by the schema of store/store.h. */
#ifndef RUN_RECORD_H
#define RUN_RECORD_H

#include "eval/saliency/saliency.h"
#include "run/job.h"

/** Who this run is and what made it: root attributes and /meta. */
BaseStatus run_record_identity(const RunSetting *setting, const RunJob *job, StoreRun *run);
BaseStatus run_record_params(const BaseEntry *entry, const void *params, StoreRun *run);
BaseStatus run_record_metrics(const EvalContext *context, StoreRun *run);
/** /relearn: the steps of each repeat. */
BaseStatus run_record_relearned(const EvalRelearned *relearned, StoreRun *run);
/** The confusion matrix of @p predictions at /confusion/<name>. */
BaseStatus run_record_confusion(const EvalPredictions *predictions, const char *name, StoreRun *run);
BaseStatus run_record_class_names(const DataSet *set, StoreRun *run);
BaseStatus run_record_report(const UnlearnReport *report, StoreRun *run);
BaseStatus run_record_search(const RunMethod *method, const RunSearch *search, StoreRun *run);
/** What the search was allowed, and the sets it looked at (@p forget: where each set is searched on by itself). */
BaseStatus run_record_budget(const RunExperiment *e, const RunMethod *method, const char *forget, const char *key,
                             StoreRun *run);
BaseStatus run_record_history(const RunCost *cost, StoreRun *run);
/** /each: the values that made this method one of several of its row. */
BaseStatus run_record_each(const RunMethod *method, StoreRun *run);
/** /saliency of subject->original and subject->net, where the config asks for it. */
BaseStatus run_record_saliency(const EvalSubject *subject, const EvalSaliencyConfig *config, StoreRun *run);
/** /signals: p_y and loss of every training and test image, kept and forgotten apart. */
BaseStatus run_record_signals(const EvalPredictions *train, const EvalPredictions *test, const DataClasses *forget,
                              StoreRun *run);
/** /regions where an image is two numbers; nothing otherwise. */
BaseStatus run_record_regions(const RunData *data, NnNet *net, NnPrecision precision, StoreRun *run);

/** Every attack of the experiment on the predictions of the UNLEARNED network, whose hash is stored with each score. An
 *  attack that cannot be made here is stored with its reason. */
BaseStatus run_attacks(const RunExperiment *e, const EvalPredictions *train, const EvalPredictions *test,
                       const DataClasses *forget, const char *weights_hash, uint64_t seed, StoreRun *run);

#endif
