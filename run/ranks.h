/* run/ranks.h - the processes of an MPI job (make MPI=1): who they are, and sums over them. Built without MPI, or
 * started without mpirun or srun, there is one. */
#ifndef RUN_RANKS_H
#define RUN_RANKS_H

#include <stdint.h>

#include "base/status.h"

/** Before anything else of this header; once. May be left out: then there is one rank. */
BaseStatus run_ranks_start(void);
/** At the end, with what came of it. After an error of work shared out by run_ranks_part every rank is ended, since the
 *  others wait for this one; else they are let go on. */
void run_ranks_stop(BaseStatus st);
int run_ranks_number(void); /* of this process */
int run_ranks_count(void);
/** This process's threads: @p all divided among the ranks that may run on the same CPUs. */
int run_ranks_threads(int all);
/** Returns when every rank has called it. */
void run_ranks_meet(void);

/** Work in @p blocks (a power of two) equal blocks is shared out: this rank takes *count of them from *from, the first
 *  ranks all, of a number that is a power of two; the others none. */
void run_ranks_part(int blocks, int *from, int *count);
/** Sums floats, or doubles where @p wide, over those ranks in place, and gives the sum to all. The order of the
 * additions is a balanced tree over the blocks and does not depend on how many ranks there are: same bits. */
BaseStatus run_ranks_sum(void *user, void *x, int64_t n, bool wide);

#endif
