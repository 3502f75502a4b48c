/* base/run.h - other programs, run to their end. */
#ifndef BASE_RUN_H
#define BASE_RUN_H

#include <stdint.h>

#include "base/status.h"

/**
 * Runs argv[0], found as a shell finds it, without a word to the terminal. @p input: file for its standard input; NULL: nothing.
 * @p limit seconds, after which it is killed. *code: its exit status; 127 where there is no such program, 128 where it
 * was killed. argv is not written to. BASE_EIO where it cannot be started.
 */
BaseStatus base_run(char *const argv[], const char *input, double limit, int *code);

/** Where a program runs and what it may take. */
typedef struct {
    const char *folder;         /* its working directory */
    const char *input, *output; /* files for its standard input, and for what it says on both outputs; NULL: nothing */
    double limit;               /* seconds, after which it is killed */
} BaseRunPlan;
/** How it ended. */
typedef struct {
    int code;                         /* as of base_run */
    bool timed_out;                   /* killed at the limit */
    double wall_seconds, cpu_seconds; /* cpu: of the program and of all that it waited for */
    int64_t peak_memory;              /* bytes, of the largest of its processes, as seen every 20 ms; 0: not known */
} BaseRunEnd;
/** The same with more to say and to know. BASE_ECANCEL where this thread was asked to stop: the program is killed. */
BaseStatus base_run_plan(char *const argv[], const BaseRunPlan *plan, BaseRunEnd *end);
/** Whether such a program is in PATH. */
bool base_run_finds(const char *name);

#endif
