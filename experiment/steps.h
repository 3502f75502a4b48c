/* experiment/steps.h - what an experiment has to do, as steps that say which steps must be settled before them.
 *
 *     train the original of a seed ──┬── its row
 *                                    ├── a search ────────────┐
 *     retrain without a set ─────────┴────────────────────────┴── the row of a method
 *
 * Trainings need nothing, so that all of them can run at once. A step that is not a row leaves a file in `models`. */
#ifndef EXPERIMENT_STEPS_H
#define EXPERIMENT_STEPS_H

#include "experiment/job.h"
#include "sweep/sweep.h"

typedef enum {
    EXPERIMENT_STEP_TRAIN,
    EXPERIMENT_STEP_RETRAIN,
    EXPERIMENT_STEP_SEARCH,
    EXPERIMENT_STEP_ROW
} ExperimentStepKind;

typedef struct {
    ExperimentStepKind kind;
    size_t job; /* the row; of another step: the first row that needs it */
    char *path; /* what it leaves in `models`, owned; NULL of a row */
} ExperimentStep;

typedef struct {
    SweepSteps sweep;     /* its row r is job r; one group per seed and forget set */
    ExperimentStep *step; /* [sweep.count] */
} ExperimentSteps;

/** @p jobs as experiment_plan_make orders them; both are borrowed. Owned: experiment_steps_free. */
BaseStatus experiment_steps_make(const ExperimentSetting *setting, const ExperimentJob *jobs, size_t count,
                                 ExperimentSteps *out);
void experiment_steps_free(ExperimentSteps *steps);

/** "svd, forget 3, seed 0"; of a step that is not a row, what it makes for it. */
void experiment_step_text(const ExperimentSteps *steps, const ExperimentJob *jobs, size_t step, char text[256]);

#endif
