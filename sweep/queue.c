/* sweep/queue.c - the file: the head (magic, the plan's hash, written last); whether all is finished; a record for each
 * step; then from the next page on PAGE bytes of reason for each, which stay holes where nothing failed. Head and
 * records hold their own sums, so that what another program wrote into the file is no state of a step. Locks are on
 * byte numbers, whatever stands there: 0 the session, 1 a reader's passport, FIRST + i step i. */
#include "sweep/queue.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/lock.h"

#define MAGIC "expunge queue 1\n"
enum {
    MAGIC_SIZE = sizeof MAGIC - 1,
    HASH = 64,
    SESSION = 0,
    PASSPORT = 1,
    FIRST = 2,
    PAGE = 1024,
    TRIES = 10,
    READS = 3
};

typedef struct {
    char magic[MAGIC_SIZE], plan[HASH];
    int64_t steps;
    uint64_t sum; /* of what is above */
} Head;

typedef struct {
    uint32_t state, sum; /* of the place, the state and the seconds */
    double seconds;
} Record;

enum { FINISHED = sizeof(Head), RECORDS = FINISHED + sizeof(Record) };

struct SweepQueue {
    char *path; /* for messages */
    IoLock *lock;
    size_t steps;
    char plan[BASE_HASH_HEX];
    uint8_t *states; /* [steps] while the first process lays out */
    Record *records; /* [steps] as read last */
};

static int64_t record_at(size_t step) { return RECORDS + (int64_t)(step * sizeof(Record)); }
static int64_t reason_at(const SweepQueue *q, size_t step)
{
    return (record_at(q->steps) / PAGE + 1 + (int64_t)step) * PAGE;
}
static int64_t lock_at(size_t step) { return FIRST + (int64_t)step; }

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); }

/* The session exclusively, where nobody else is there. A process that is being killed takes a moment to be gone. */
static BaseStatus enter_alone(SweepQueue *q, bool *alone)
{
    BaseStatus st = BASE_OK;
    *alone = false;
    for (int i = 0; i < TRIES && !*alone && st == BASE_OK; i++) {
        if (i) nap();
        st = io_lock_try(q->lock, SESSION, IO_LOCK_EXCLUSIVE, alone);
    }
    return st;
}

/* FNV-1a: against damage, not against people. */
static uint64_t add_sum(uint64_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) sum = (sum ^ at[i]) * 0x100000001b3u;
    return sum;
}

static uint64_t head_sum(const Head *head) { return add_sum(0xcbf29ce484222325u, head, offsetof(Head, sum)); }

static uint32_t record_sum(size_t step, const Record *r)
{
    uint64_t place = step, sum = add_sum(0xcbf29ce484222325u, &place, sizeof place);
    sum = add_sum(add_sum(sum, &r->state, sizeof r->state), &r->seconds, sizeof r->seconds);
    return (uint32_t)(sum ^ sum >> 32);
}

static Record make_record(size_t step, uint8_t state, double seconds)
{
    Record r = {.state = state, .seconds = seconds};
    r.sum = record_sum(step, &r);
    return r;
}

/* SIZE_MAX: the record that says whether all is finished. */
static BaseStatus write_record(SweepQueue *q, size_t step, uint8_t state, double seconds)
{
    Record r = make_record(step, state, seconds);
    return io_lock_write(q->lock, step == SIZE_MAX ? FINISHED : record_at(step), &r, sizeof r);
}

static BaseStatus damaged(const SweepQueue *q)
{
    return base_error_set(BASE_EFORMAT,
                          "%s: is damaged; something else wrote into it: stop the sweep, remove the file and run again "
                          "(complete runs are kept)",
                          q->path);
}

/* Records from @p step on; SIZE_MAX: the one of the end. A record that is being written is read again. */
static BaseStatus read_records(SweepQueue *q, size_t step, size_t count, Record *out)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < READS; i++) {
        bool good = true;
        if (i) nap();
        BASE_TRY(io_lock_read(q->lock, step == SIZE_MAX ? FINISHED : record_at(step), out, count * sizeof *out));
        for (size_t k = 0; k < count && good; k++)
            good = out[k].sum == record_sum(step + k, &out[k]) && out[k].state <= SWEEP_STATE_FAILED;
        if (good) return BASE_OK;
    }
    st = damaged(q);
out:
    return st;
}

/* What is there: nothing, or a queue of ours; *head zeros where nothing was laid out. */
static BaseStatus read_head(SweepQueue *q, Head *head)
{
    BaseStatus st = BASE_OK;
    int64_t size;
    BASE_TRY(io_lock_size(q->lock, &size));
    BASE_TRY(io_lock_read(q->lock, 0, head, sizeof *head));
    BASE_CHECK(size == 0 || memcmp(head->magic, MAGIC, MAGIC_SIZE) == 0, BASE_EFORMAT,
               "%s: is not the job queue of a sweep, or is damaged, and would be overwritten: remove it", q->path);
out:
    return st;
}

static BaseStatus queue_make(const char *path, SweepQueue **out)
{
    BaseStatus st = BASE_OK;
    SweepQueue *q = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &q));
    BASE_TRY(base_strdup(path, &q->path));
    BASE_TRY(io_lock_open(path, &q->lock));
    *out = q;
    q = NULL;
out:
    sweep_queue_close(q);
    return st;
}

BaseStatus sweep_queue_open(const char *path, const char plan[BASE_HASH_HEX], size_t steps, bool *first,
                            SweepQueue **out)
{
    BaseStatus st = BASE_OK;
    SweepQueue *q = NULL;
    Head head;
    *out = NULL;
    BASE_TRY(queue_make(path, &q));
    q->steps = steps;
    memcpy(q->plan, plan, sizeof q->plan);
    BASE_TRY(BASE_ALLOC(steps, &q->records));
    for (;;) {
        BASE_TRY(enter_alone(q, first));
        if (*first) break;
        BASE_TRY(io_lock_wait(q->lock, SESSION, IO_LOCK_SHARED));
        BASE_TRY(read_head(q, &head));
        if (head.plan[0]) break;
        io_lock_release(q->lock, SESSION); /* who laid it out was killed over it */
    }
    if (*first) {
        BASE_TRY(BASE_ALLOC(steps, &q->states));
        BASE_TRY(read_head(q, &head));
        BASE_TRY(io_lock_truncate(q->lock, 0));
        BASE_TRY(io_lock_write(q->lock, 0, MAGIC, MAGIC_SIZE));
    } else {
        if (head.sum != head_sum(&head)) BASE_TRY(damaged(q));
        BASE_CHECK(memcmp(head.plan, plan, HASH) == 0 && head.steps == (int64_t)steps, BASE_EUSAGE,
                   "%s: another config of this name (or with another --force) is running there: wait until it is done, "
                   "or choose another --results",
                   path);
    }
    *out = q;
    q = NULL;
out:
    sweep_queue_close(q);
    return st;
}

void sweep_queue_close(SweepQueue *q)
{
    if (!q) return;
    io_lock_close(q->lock);
    base_free(q->path);
    base_free(q->states);
    base_free(q->records);
    base_free(q);
}

void sweep_queue_set(SweepQueue *q, size_t step, SweepState state) { q->states[step] = (uint8_t)state; }

BaseStatus sweep_queue_begin(SweepQueue *q)
{
    BaseStatus st = BASE_OK;
    Head head = {.steps = (int64_t)q->steps};
    bool got;
    BASE_TRY(io_lock_truncate(q->lock, reason_at(q, q->steps)));
    BASE_TRY(write_record(q, SIZE_MAX, SWEEP_STATE_TODO, 0));
    for (size_t i = 0; i < q->steps; i++) q->records[i] = make_record(i, q->states[i], 0);
    BASE_TRY(io_lock_write(q->lock, RECORDS, q->records, q->steps * sizeof *q->records));
    memcpy(head.magic, MAGIC, MAGIC_SIZE);
    memcpy(head.plan, q->plan, HASH);
    head.sum = head_sum(&head);
    BASE_TRY(io_lock_write(q->lock, 0, &head, sizeof head));
    BASE_TRY(io_lock_try(q->lock, SESSION, IO_LOCK_SHARED, &got)); /* from exclusive to shared: always got */
out:
    return st;
}

BaseStatus sweep_queue_finish(SweepQueue *q) { return write_record(q, SIZE_MAX, SWEEP_STATE_DONE, 0); }

BaseStatus sweep_queue_seal(const char *path, SweepQueue **out, bool *unfinished)
{
    BaseStatus st = BASE_OK;
    SweepQueue *q = NULL;
    Head head;
    Record finished = {.state = SWEEP_STATE_TODO};
    bool alone;
    *out = NULL;
    BASE_TRY(queue_make(path, &q));
    BASE_TRY(enter_alone(q, &alone));
    if (!alone) goto out;
    BASE_TRY(read_head(q, &head));
    if (head.plan[0]) BASE_TRY(read_records(q, SIZE_MAX, 1, &finished));
    *unfinished = head.plan[0] && finished.state != SWEEP_STATE_DONE;
    *out = q;
    q = NULL;
out:
    sweep_queue_close(q);
    return st;
}

BaseStatus sweep_queue_read(SweepQueue *q, uint8_t *states)
{
    BaseStatus st = BASE_OK;
    Head head;
    /* a network file system shows others' writes to whoever takes a lock */
    BASE_TRY(io_lock_wait(q->lock, PASSPORT, IO_LOCK_SHARED));
    st = read_head(q, &head);
    if (st == BASE_OK && head.sum != head_sum(&head)) st = damaged(q);
    if (st == BASE_OK) st = read_records(q, 0, q->steps, q->records);
    for (size_t i = 0; i < q->steps && st == BASE_OK; i++) states[i] = (uint8_t)q->records[i].state;
    io_lock_release(q->lock, PASSPORT);
out:
    return st;
}

BaseStatus sweep_queue_claim(SweepQueue *q, size_t step, bool *got, int *deaths)
{
    BaseStatus st = BASE_OK;
    Record record;
    BASE_TRY(io_lock_try(q->lock, lock_at(step), IO_LOCK_EXCLUSIVE, got));
    if (!*got) goto out;
    BASE_TRY(read_records(q, step, 1, &record));
    uint8_t state = (uint8_t)record.state;
    if (sweep_state_settled(state)) { /* by another, since the caller looked */
        io_lock_release(q->lock, lock_at(step));
        *got = false;
        goto out;
    }
    *deaths = state == SWEEP_STATE_TODO ? 0 : state - SWEEP_STATE_TAKEN + 1;
    if (*deaths > SWEEP_DEATHS_MAX) *deaths = SWEEP_DEATHS_MAX;
    BASE_TRY(write_record(q, step, (uint8_t)(SWEEP_STATE_TAKEN + *deaths), 0));
out:
    return st;
}

BaseStatus sweep_queue_settle(SweepQueue *q, size_t step, SweepState state, double seconds, BaseStatus why,
                              const char *reason)
{
    BaseStatus st = BASE_OK;
    if (reason) {
        char page[PAGE] = {0};
        int32_t code = (int32_t)why;
        memcpy(page, &code, sizeof code);
        strncpy(page + sizeof code, reason, SWEEP_REASON_MAX - 1);
        BASE_TRY(io_lock_write(q->lock, reason_at(q, step), page, sizeof page));
    }
    BASE_TRY(write_record(q, step, (uint8_t)state, seconds));
out:
    io_lock_release(q->lock, lock_at(step));
    return st;
}

void sweep_queue_give_back(SweepQueue *q, size_t step)
{
    if (write_record(q, step, SWEEP_STATE_TODO, 0) != BASE_OK) base_error_clear();
    io_lock_release(q->lock, lock_at(step));
}

BaseStatus sweep_queue_reason(SweepQueue *q, size_t step, BaseStatus *why, char reason[SWEEP_REASON_MAX])
{
    char page[PAGE];
    int32_t code;
    BaseStatus st = io_lock_read(q->lock, reason_at(q, step), page, sizeof page);
    if (st != BASE_OK) return st;
    memcpy(&code, page, sizeof code);
    *why = code > BASE_OK && code < BASE_STATUS_COUNT ? (BaseStatus)code : BASE_EARG;
    memcpy(reason, page + sizeof code, SWEEP_REASON_MAX);
    reason[SWEEP_REASON_MAX - 1] = '\0';
    return BASE_OK;
}

BaseStatus sweep_queue_seconds(SweepQueue *q, double *seconds)
{
    BaseStatus st = read_records(q, 0, q->steps, q->records);
    for (size_t i = 0; i < q->steps && st == BASE_OK; i++) seconds[i] = q->records[i].seconds;
    return st;
}

bool sweep_queue_busy(SweepQueue *q, size_t first, size_t count)
{
    return io_lock_busy(q->lock, lock_at(first), (int64_t)count);
}
