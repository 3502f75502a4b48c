/* experiment/experiment.h - config -> plan -> jobs -> store -> report. */
#ifndef EXPERIMENT_EXPERIMENT_H
#define EXPERIMENT_EXPERIMENT_H

#include "base/text.h"
#include "nn/backend.h"

typedef struct {
    const char *config;             /* path */
    const char *const *assignments; /* --set a.b=c */
    size_t assignment_count;
    const char *results; /* parent folder; the experiment's name is appended */
    bool force;          /* do jobs again that are complete */
    bool dry_run;        /* say what would be done and how long it may take; writes nothing */
    int jobs;            /* processes that do jobs at the same time; 1: this one */
    bool worker;         /* one of those: reports nothing */
    int threads;         /* of this process and, above one job, of all of them together */
    const char *command; /* as typed, stored with results */
    int columns;         /* of the terminal */
} ExperimentTask;

typedef struct {
    int done, skipped, failed;
    int planned;       /* jobs; dry run: of which `skipped` are complete */
    double hours;      /* dry run: estimate */
    char folder[4096]; /* where the results are */
    bool silent;       /* another process of the MPI job says all this */
} ExperimentOutcome;

/** Every job of the experiment, then the report. Jobs may be shared with other processes: those started here, the ranks
 * of an MPI job, and whoever else was told to do the same config at the same place. @p terminal gets the report's
 * table. A failed job is a stored row. A dry run gets the plan's table there instead. */
BaseStatus experiment_run(const ExperimentTask *config, ExperimentOutcome *outcome, BaseText *terminal);

/** First argument of a worker's command line, and what main() then calls; returns the exit status. */
#define EXPERIMENT_WORKER "--sweep-worker"
int experiment_worker_main(int argc, char **argv);

#endif
