/* sweep/ranks.h - the processes of an MPI job (make MPI=1): who they are, and sums over them. Built without MPI, or
 * started without mpirun or srun, there is one. */
#ifndef SWEEP_RANKS_H
#define SWEEP_RANKS_H

#include <stdint.h>

#include "base/status.h"

/** Before anything else of this header; once. May be left out: then there is one rank. */
BaseStatus sweep_ranks_start(void);
/** At the end, with what came of it. After an error of work shared out by sweep_ranks_part every rank is ended, since the
 *  others wait for this one; else they are let go on. */
void sweep_ranks_stop(BaseStatus st);
int sweep_ranks_number(void); /* of this process */
int sweep_ranks_count(void);
/** This process's threads: @p all divided among the ranks that may run on the same CPUs. */
int sweep_ranks_threads(int all);
/** Returns when every rank has called it. */
void sweep_ranks_meet(void);

/** Work in @p blocks (a power of two) equal blocks is shared out: this rank takes *count of them from *from, the first
 *  ranks all, of a number that is a power of two; the others none. */
void sweep_ranks_part(int blocks, int *from, int *count);
/** Sums floats, or doubles where @p wide, over those ranks in place, and gives the sum to all. The order of the
 * additions is a balanced tree over the blocks and does not depend on how many ranks there are: same bits. */
BaseStatus sweep_ranks_sum(void *user, void *x, int64_t n, bool wide);

#endif
