/* run/graph.h - what an experiment has to do, as steps that say which steps must be settled before them.
 *
 *     train the original of a seed ──┬── its row
 *                                    ├── a search ────────────┐
 *     retrain without a set ─────────┴────────────────────────┴── the row of a method
 *
 * Trainings need nothing, so that all of them can run at once. A step that is no row leaves a file in `models`. */
#ifndef RUN_GRAPH_H
#define RUN_GRAPH_H

#include "run/job.h"

typedef enum { RUN_STEP_TRAIN, RUN_STEP_RETRAIN, RUN_STEP_SEARCH, RUN_STEP_ROW } RunStepKind;
enum { RUN_NEEDS_MAX = 3 };

typedef struct {
    RunStepKind kind;
    size_t job;   /* the row; of another step: the first row that needs it */
    size_t group; /* steps of one seed and forget set share networks in memory; their numbers follow each other */
    size_t alike; /* steps of the same number take about as long: the method's place, the originals' behind it */
    size_t needs[RUN_NEEDS_MAX], need_count; /* smaller numbers */
    char *path;                              /* what it leaves in `models`, owned; NULL of a row */
} RunStep;

typedef struct {
    RunStep *steps; /* [count] each behind those it needs */
    size_t count;
    size_t *rows; /* [row_count] the step of each job */
    size_t row_count;
    struct {
        size_t first, count;
    } * groups; /* [group_count] */
    size_t group_count;
} RunGraph;

/** @p jobs as run_plan_make orders them; both are borrowed. Owned: run_graph_free. */
BaseStatus run_graph_make(const RunSetting *setting, const RunJob *jobs, size_t count, RunGraph *out);
void run_graph_free(RunGraph *graph);

/** "svd, forget 3, seed 0"; of a step that is no row, what it makes for it. */
void run_step_text(const RunGraph *graph, const RunJob *jobs, size_t step, char text[256]);

#endif
