/* sweep/spawn.h - processes of this program that share a sweep with this one. */
#ifndef SWEEP_SPAWN_H
#define SWEEP_SPAWN_H

#include "sweep/sweep.h"

/** First argument of a worker's command line. */
#define SWEEP_WORKER "--sweep-worker"

/** Borrowed. */
typedef struct {
    int count;                    /* processes */
    int threads;                  /* of each, as OMP_NUM_THREADS */
    const char *const *arguments; /* [argument_count] what `work` of sweep_worker_main gets */
    size_t argument_count;
} SweepWorkers;
/** Starts them, passes on what they say, shows progress, and waits. A worker that dies is started anew, a few times. */
BaseStatus sweep_spawn(Sweep *sweep, const SweepWorkers *workers);
/** main() of a worker, where argv[1] is SWEEP_WORKER; returns the exit status. */
int sweep_worker_main(int argc, char **argv, BaseStatus (*work)(int argc, char **argv));

#endif
