/* sweep/queue.h - the job queue that all processes of a sweep share: one file beside the results, on which each step has
 * a lock (who holds it works on the step; a dead process holds none) and a state.
 *
 * It is written in place, so nothing else is: a link, a file of two names, one that does not begin as a queue does, or a
 * descriptor of a standard stream is BASE_EIO or BASE_EFORMAT. Checksums detect what another program wrote into it.
 *
 * The file's life is a session: whoever comes first, with nobody else there, lays the states out again; whoever comes
 * while others work joins them, if its plan is theirs. */
#ifndef SWEEP_QUEUE_H
#define SWEEP_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

#define SWEEP_QUEUE_FILE "jobs.board" /* in the folder of the runs */
enum { SWEEP_DEATHS_MAX = 2, SWEEP_REASON_MAX = 1000 };
typedef enum {
    SWEEP_STATE_TODO,
    SWEEP_STATE_TAKEN, /* and the SWEEP_DEATHS_MAX after it: how often; more than once where processes died of it */
    SWEEP_STATE_SKIPPED = SWEEP_STATE_TAKEN + SWEEP_DEATHS_MAX + 1, /* it was complete before this session */
    SWEEP_STATE_DONE,
    SWEEP_STATE_FAILED
} SweepState;
static inline bool sweep_state_settled(uint8_t state) { return state >= SWEEP_STATE_SKIPPED; }

typedef struct SweepQueue SweepQueue;

/**
 * Joins the session of @p plan, or begins one: *first, and then the caller lays out with sweep_queue_set what is settled
 * already and lets the others in with sweep_queue_begin. Waits while another process lays out.
 * @param plan  hash of what is to be done; @p steps how many.
 * @return BASE_EUSAGE where another plan is being worked on there.
 */
BaseStatus sweep_queue_open(const char *path, const char plan[BASE_HASH_HEX], size_t steps, bool *first,
                            SweepQueue **out);
void sweep_queue_close(SweepQueue *queue);
void sweep_queue_set(SweepQueue *queue, size_t step, SweepState state);
BaseStatus sweep_queue_begin(SweepQueue *queue);
/** All rows are settled. */
BaseStatus sweep_queue_finish(SweepQueue *queue);
/** Keeps every process away until it is closed; *out NULL where one works there. *unfinished: not all rows of the last
 *  session were settled. */
BaseStatus sweep_queue_seal(const char *path, SweepQueue **out, bool *unfinished);

/** States of all steps, [steps]. */
BaseStatus sweep_queue_read(SweepQueue *queue, uint8_t *states);
/** *got: the step is this process's until it is settled or given back. *deaths: processes that died doing it. */
BaseStatus sweep_queue_claim(SweepQueue *queue, size_t step, bool *got, int *deaths);
/** @p reason of a failure, and its status; else NULL and BASE_OK. */
BaseStatus sweep_queue_settle(SweepQueue *queue, size_t step, SweepState state, double seconds, BaseStatus why,
                              const char *reason);
void sweep_queue_give_back(SweepQueue *queue, size_t step);
/** What settle was told. */
BaseStatus sweep_queue_reason(SweepQueue *queue, size_t step, BaseStatus *why, char reason[SWEEP_REASON_MAX]);
BaseStatus sweep_queue_seconds(SweepQueue *queue, double *seconds); /* [steps] 0: not settled here */
/** Whether another process works on one of @p count steps from @p first. */
bool sweep_queue_busy(SweepQueue *queue, size_t first, size_t count);

#endif
