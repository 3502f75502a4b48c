/* experiment/record.h - what a job found out, put into a run by the schema of store/store.h. */
#ifndef EXPERIMENT_RECORD_H
#define EXPERIMENT_RECORD_H

#include "eval/saliency/saliency.h"
#include "experiment/plan.h"
#include "experiment/search.h"
#include "experiment/setting.h"
#include "models/kept.h"
#include "store/store.h"

/* Where only setting values can fail, nothing is returned: store_run_status. */
/** Who this run is and what made it: root attributes and /meta. */
void experiment_record_identity(const ExperimentSetting *setting, const ExperimentJob *job, StoreRun *run);
void experiment_record_params(const BaseEntry *entry, const void *params, StoreRun *run);
/** Which files of weights that the config names are this row's, after its parameters. */
BaseStatus experiment_record_files(const ExperimentConfig *experiment, const ExperimentJob *job, StoreRun *run);
BaseStatus experiment_record_metrics(const EvalContext *context, StoreRun *run);
/** Adds to a run of schema 3 or before what its method, metrics and attacks now say of themselves. */
BaseStatus experiment_record_complete(StoreRun *run);
/** /relearn: the steps of each repeat, and its right answers after training on retained images alone. */
void experiment_record_relearned(const EvalRelearned *relearned, StoreRun *run);
/** The confusion matrix of @p predictions at /confusion/<name>. */
BaseStatus experiment_record_confusion(const EvalPredictions *predictions, const char *name, StoreRun *run);
/** The classes that confusions are shown of, where the config names them. */
void experiment_record_range(const ExperimentConfusion *range, StoreRun *run);
/** /weights: how far the weights of each layer of @p net are from those of the original. */
BaseStatus experiment_record_weights(const NnNet *original, const NnNet *net, StoreRun *run);
BaseStatus experiment_record_report(const UnlearnReport *report, StoreRun *run);
BaseStatus experiment_record_search(const ExperimentMethod *method, const ExperimentSearch *search, StoreRun *run);
/** What the search of @p key was allowed, and the sets it looked at. */
void experiment_record_budget(const ExperimentSetting *setting, const ExperimentJob *job, const char *key,
                              StoreRun *run);
BaseStatus experiment_record_history(const ModelCost *cost, StoreRun *run);
/** /each: the values that made this method one of several of its row. */
void experiment_record_each(const ExperimentMethod *method, StoreRun *run);
/** /saliency of subject->original and subject->net, where the config asks for it. */
BaseStatus experiment_record_saliency(const EvalSubject *subject, const EvalSaliencyConfig *config, StoreRun *run);
/** /signals: p_y and loss of every training and test image, kept and forgotten apart. */
BaseStatus experiment_record_signals(const EvalPredictions *train, const EvalPredictions *test,
                                     const DataForget *forget, StoreRun *run);
/** /regions where an image is two numbers; nothing otherwise. */
BaseStatus experiment_record_regions(const SessionData *data, NnNet *net, NnPrecision precision, StoreRun *run);

/** Whether image @p i is one of the set: training images are forgotten or retained; held-out ones belong to the forgotten
 *  where they are of their classes, and to the retained where they are of kept ones, both where images are listed. */
bool experiment_in_set(const EvalPredictions *predictions, const DataForget *forget, bool forgotten, int64_t i);

#endif
