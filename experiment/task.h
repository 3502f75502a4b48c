/* experiment/task.h - what `expunge run` is asked for, and what came of it. */
#ifndef EXPERIMENT_TASK_H
#define EXPERIMENT_TASK_H

#include <stdbool.h>
#include <stddef.h>

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

#endif
