/* The file: [0, 64) the plan's hash, written last; [64, 64 + n) states; then n times 8 bytes of seconds; then from the
 * next page on n times PAGE bytes of reasons, which stay holes where nothing failed. Locks are on byte numbers,
 * whatever stands there: 0 the session, 1 a reader's passport, FIRST + i step i. */
#include "run/board.h"

#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/lock.h"

enum { SESSION = 0, PASSPORT = 1, FIRST = 2, HASH = 64, FINISHED = 64, HEAD = 72, PAGE = 1024, TRIES = 10 };

struct RunBoard {
    IoLock *lock;
    size_t steps;
    char plan[BASE_HASH_HEX];
    uint8_t *states; /* [steps] while the first process lays out */
};

static int64_t state_at(size_t step) { return HEAD + (int64_t)step; }
static int64_t seconds_at(const RunBoard *b, size_t step) { return HEAD + (int64_t)b->steps + 8 * (int64_t)step; }
static int64_t reason_at(const RunBoard *b, size_t step)
{
    return (seconds_at(b, b->steps) / PAGE + 1 + (int64_t)step) * PAGE;
}
static int64_t lock_at(size_t step) { return FIRST + (int64_t)step; }

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); }

/* The session exclusively, where nobody else is there. A process that is being killed takes a moment to be gone. */
static BaseStatus enter_alone(RunBoard *b, bool *alone)
{
    BaseStatus st = BASE_OK;
    *alone = false;
    for (int i = 0; i < TRIES && !*alone; i++) {
        if (i) nap();
        BASE_TRY(io_lock_try(b->lock, SESSION, IO_LOCK_EXCLUSIVE, alone));
    }
out:
    return st;
}

BaseStatus run_board_open(const char *path, const char plan[BASE_HASH_HEX], size_t steps, bool *first, RunBoard **out)
{
    BaseStatus st = BASE_OK;
    RunBoard *b = NULL;
    char there[HASH] = {0};
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &b));
    b->steps = steps;
    memcpy(b->plan, plan, sizeof b->plan);
    BASE_TRY(io_lock_open(path, &b->lock));
    for (;;) {
        BASE_TRY(enter_alone(b, first));
        if (*first) break;
        BASE_TRY(io_lock_wait(b->lock, SESSION, IO_LOCK_SHARED));
        BASE_TRY(io_lock_read(b->lock, 0, there, HASH));
        if (there[0]) break;
        io_lock_release(b->lock, SESSION); /* who laid it out was killed over it */
    }
    if (*first) {
        BASE_TRY(BASE_ALLOC(steps, &b->states));
        BASE_TRY(io_lock_truncate(b->lock, 0));
    } else {
        BASE_CHECK(memcmp(there, plan, HASH) == 0, BASE_EUSAGE,
                   "%s: another config of this name (or another --force) is being run there: wait until it is done, or "
                   "take another --results",
                   path);
    }
    *out = b;
    b = NULL;
out:
    run_board_close(b);
    return st;
}

void run_board_close(RunBoard *b)
{
    if (!b) return;
    io_lock_close(b->lock);
    base_free(b->states);
    base_free(b);
}

void run_board_set(RunBoard *b, size_t step, RunState state) { b->states[step] = (uint8_t)state; }

BaseStatus run_board_begin(RunBoard *b)
{
    BaseStatus st = BASE_OK;
    bool got;
    BASE_TRY(io_lock_truncate(b->lock, reason_at(b, b->steps)));
    BASE_TRY(io_lock_write(b->lock, HEAD, b->states, b->steps));
    BASE_TRY(io_lock_write(b->lock, 0, b->plan, HASH));
    BASE_TRY(io_lock_try(b->lock, SESSION, IO_LOCK_SHARED, &got)); /* from exclusive to shared: always got */
out:
    return st;
}

BaseStatus run_board_finish(RunBoard *b) { return io_lock_write(b->lock, FINISHED, &(uint8_t){1}, 1); }

BaseStatus run_board_seal(const char *path, RunBoard **out, bool *unfinished)
{
    BaseStatus st = BASE_OK;
    RunBoard *b = NULL;
    char head[HASH] = {0};
    uint8_t finished;
    bool alone;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &b));
    BASE_TRY(io_lock_open(path, &b->lock));
    BASE_TRY(enter_alone(b, &alone));
    if (!alone) goto out;
    BASE_TRY(io_lock_read(b->lock, 0, head, sizeof head));
    BASE_TRY(io_lock_read(b->lock, FINISHED, &finished, 1));
    *unfinished = head[0] && !finished;
    *out = b;
    b = NULL;
out:
    run_board_close(b);
    return st;
}

BaseStatus run_board_read(RunBoard *b, uint8_t *states)
{
    BaseStatus st = BASE_OK;
    /* a network file system shows others' writes to whoever takes a lock */
    BASE_TRY(io_lock_wait(b->lock, PASSPORT, IO_LOCK_SHARED));
    st = io_lock_read(b->lock, HEAD, states, b->steps);
    io_lock_release(b->lock, PASSPORT);
out:
    return st;
}

BaseStatus run_board_claim(RunBoard *b, size_t step, bool *got, int *deaths)
{
    BaseStatus st = BASE_OK;
    uint8_t state;
    BASE_TRY(io_lock_try(b->lock, lock_at(step), IO_LOCK_EXCLUSIVE, got));
    if (!*got) goto out;
    BASE_TRY(io_lock_read(b->lock, state_at(step), &state, 1));
    if (run_state_settled(state)) { /* by another, since the caller looked */
        io_lock_release(b->lock, lock_at(step));
        *got = false;
        goto out;
    }
    *deaths = state == RUN_STATE_TODO ? 0 : state - RUN_STATE_TAKEN + 1;
    if (*deaths > RUN_DEATHS_MAX) *deaths = RUN_DEATHS_MAX;
    state = (uint8_t)(RUN_STATE_TAKEN + *deaths);
    BASE_TRY(io_lock_write(b->lock, state_at(step), &state, 1));
out:
    return st;
}

BaseStatus run_board_settle(RunBoard *b, size_t step, RunState state, double seconds, BaseStatus why,
                            const char *reason)
{
    BaseStatus st = BASE_OK;
    uint8_t byte = (uint8_t)state;
    if (reason) {
        char page[PAGE] = {0};
        int32_t code = (int32_t)why;
        memcpy(page, &code, sizeof code);
        strncpy(page + sizeof code, reason, RUN_REASON_MAX - 1);
        BASE_TRY(io_lock_write(b->lock, reason_at(b, step), page, sizeof page));
    }
    BASE_TRY(io_lock_write(b->lock, seconds_at(b, step), &seconds, sizeof seconds));
    BASE_TRY(io_lock_write(b->lock, state_at(step), &byte, 1));
out:
    io_lock_release(b->lock, lock_at(step));
    return st;
}

void run_board_give_back(RunBoard *b, size_t step)
{
    uint8_t state = RUN_STATE_TODO;
    if (io_lock_write(b->lock, state_at(step), &state, 1) != BASE_OK) base_error_clear();
    io_lock_release(b->lock, lock_at(step));
}

BaseStatus run_board_reason(RunBoard *b, size_t step, BaseStatus *why, char reason[RUN_REASON_MAX])
{
    char page[PAGE];
    int32_t code;
    BaseStatus st = io_lock_read(b->lock, reason_at(b, step), page, sizeof page);
    if (st != BASE_OK) return st;
    memcpy(&code, page, sizeof code);
    *why = code > BASE_OK && code < BASE_STATUS_COUNT ? (BaseStatus)code : BASE_EARG;
    memcpy(reason, page + sizeof code, RUN_REASON_MAX);
    reason[RUN_REASON_MAX - 1] = '\0';
    return BASE_OK;
}

BaseStatus run_board_seconds(RunBoard *b, double *seconds)
{
    return io_lock_read(b->lock, seconds_at(b, 0), seconds, b->steps * sizeof *seconds);
}

bool run_board_busy(RunBoard *b, size_t first, size_t count)
{
    return io_lock_busy(b->lock, lock_at(first), (int64_t)count);
}
