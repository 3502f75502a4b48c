/* run/board.h - the queue that all processes of a sweep share: one file beside the results, on which each step has a
 * lock (who holds it works on the step; a dead process holds none) and a state.
 *
 * It is written in place, so nothing else is: a link, a file of two names, one that does not begin as a queue does, or a
 * descriptor of a standard stream is BASE_EIO or BASE_EFORMAT. Sums find what another program wrote into it.
 *
 * The file's life is a session: whoever comes first, with nobody else there, lays the states out anew; whoever comes
 * while others work joins them, if its plan is theirs. */
#ifndef RUN_BOARD_H
#define RUN_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

#define RUN_BOARD_FILE "jobs.board" /* in the folder of the runs */
enum { RUN_DEATHS_MAX = 2, RUN_REASON_MAX = 1000 };
typedef enum {
    RUN_STATE_TODO,
    RUN_STATE_TAKEN, /* and the RUN_DEATHS_MAX behind it: how often; more than once where processes died of it */
    RUN_STATE_SKIPPED = RUN_STATE_TAKEN + RUN_DEATHS_MAX + 1, /* it was complete before this session */
    RUN_STATE_DONE,
    RUN_STATE_FAILED
} RunState;
static inline bool run_state_settled(uint8_t state) { return state >= RUN_STATE_SKIPPED; }

typedef struct RunBoard RunBoard;

/**
 * Joins the session of @p plan, or begins one: *first, and then the caller lays out with run_board_set what is settled
 * already and lets the others in with run_board_begin. Waits while another process lays out.
 * @param plan  hash of what is to be done; @p steps how many.
 * @return BASE_EUSAGE where another plan is being worked on there.
 */
BaseStatus run_board_open(const char *path, const char plan[BASE_HASH_HEX], size_t steps, bool *first, RunBoard **out);
void run_board_close(RunBoard *board);
void run_board_set(RunBoard *board, size_t step, RunState state);
BaseStatus run_board_begin(RunBoard *board);
/** All jobs are settled. */
BaseStatus run_board_finish(RunBoard *board);
/** Keeps every process away until it is closed; *out NULL where one works there. *unfinished: not all jobs of the last
 *  session were settled. */
BaseStatus run_board_seal(const char *path, RunBoard **out, bool *unfinished);

/** States of all steps, [steps]. */
BaseStatus run_board_read(RunBoard *board, uint8_t *states);
/** *got: the step is this process's until it is settled or given back. *deaths: processes that died doing it. */
BaseStatus run_board_claim(RunBoard *board, size_t step, bool *got, int *deaths);
/** @p reason of a failure, and its status; else NULL and BASE_OK. */
BaseStatus run_board_settle(RunBoard *board, size_t step, RunState state, double seconds, BaseStatus why,
                            const char *reason);
void run_board_give_back(RunBoard *board, size_t step);
/** What settle was told. */
BaseStatus run_board_reason(RunBoard *board, size_t step, BaseStatus *why, char reason[RUN_REASON_MAX]);
BaseStatus run_board_seconds(RunBoard *board, double *seconds); /* [steps] 0: not settled here */
/** Whether another process works on one of @p count steps from @p first. */
bool run_board_busy(RunBoard *board, size_t first, size_t count);

#endif
