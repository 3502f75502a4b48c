/* experiment/graph.h - what an experiment has to do, as steps that say which steps must be settled before them.
 *
 *     train the original of a seed ──┬── its row
 *                                    ├── a search ────────────┐
 *     retrain without a set ─────────┴────────────────────────┴── the row of a method
 *
 * Trainings need nothing, so that all of them can run at once. A step that is no row leaves a file in `models`. */
#ifndef EXPERIMENT_GRAPH_H
#define EXPERIMENT_GRAPH_H

#include "experiment/job.h"

typedef enum {
    EXPERIMENT_STEP_TRAIN,
    EXPERIMENT_STEP_RETRAIN,
    EXPERIMENT_STEP_SEARCH,
    EXPERIMENT_STEP_ROW
} ExperimentStepKind;
enum { EXPERIMENT_NEEDS_MAX = 3 };

typedef struct {
    ExperimentStepKind kind;
    size_t job;   /* the row; of another step: the first row that needs it */
    size_t group; /* steps of one seed and forget set share networks in memory; their numbers follow each other */
    size_t alike; /* steps of the same number take about as long: the method's place, the originals' behind it */
    size_t needs[EXPERIMENT_NEEDS_MAX], need_count; /* smaller numbers */
    char *path;                                     /* what it leaves in `models`, owned; NULL of a row */
} ExperimentStep;

typedef struct {
    ExperimentStep *steps; /* [count] each behind those it needs */
    size_t count;
    size_t *rows; /* [row_count] the step of each job */
    size_t row_count;
    struct {
        size_t first, count;
    } * groups; /* [group_count] */
    size_t group_count;
} ExperimentGraph;

/** @p jobs as experiment_plan_make orders them; both are borrowed. Owned: experiment_graph_free. */
BaseStatus experiment_graph_make(const ExperimentSetting *setting, const ExperimentJob *jobs, size_t count,
                                 ExperimentGraph *out);
void experiment_graph_free(ExperimentGraph *graph);

/** "svd, forget 3, seed 0"; of a step that is no row, what it makes for it. */
void experiment_step_text(const ExperimentGraph *graph, const ExperimentJob *jobs, size_t step, char text[256]);

#endif
