/* The job queue, where two handles are as good as two processes; and steps taken from it in the order of their needs. */
#include "tests/support/support.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "sweep/sweep.h"

static const char PLAN[BASE_HASH_HEX] = "0123456789012345678901234567890123456789012345678901234567890123";

static void test_queue(void **state)
{
    (void)state;
    static const char OTHER[BASE_HASH_HEX] = "1123456789012345678901234567890123456789012345678901234567890123";
    enum { N = 5 };
    char *path = NULL, reason[SWEEP_REASON_MAX];
    SweepQueue *a, *b, *c;
    bool first, got, unfinished;
    int deaths = -1;
    uint8_t states[N];
    double seconds[N];
    BaseStatus why;
    assert_ok(base_format(&path, "%s/queue", support_scratch()));
    assert_ok(sweep_queue_open(path, PLAN, N, &first, &a));
    assert_true(first);
    sweep_queue_set(a, 4, SWEEP_STATE_SKIPPED);
    assert_ok(sweep_queue_begin(a));
    assert_ok(sweep_queue_open(path, PLAN, N, &first, &b));
    assert_false(first);
    assert_fails(sweep_queue_open(path, OTHER, N, &first, &c), BASE_EUSAGE, "another config of this name");
    assert_ok(sweep_queue_read(b, states));
    assert_int_equal(states[4], SWEEP_STATE_SKIPPED);
    assert_int_equal(states[0], SWEEP_STATE_TODO);

    assert_ok(sweep_queue_claim(a, 0, &got, &deaths));
    assert_true(got && deaths == 0);
    assert_true(sweep_queue_busy(b, 0, 2));
    assert_false(sweep_queue_busy(b, 1, 4));
    assert_ok(sweep_queue_claim(b, 0, &got, &deaths));
    assert_false(got);
    assert_ok(sweep_queue_claim(b, 4, &got, &deaths)); /* settled */
    assert_false(got);
    assert_ok(sweep_queue_settle(a, 0, SWEEP_STATE_FAILED, 1.5, BASE_ENUMERIC, "it went wrong"));
    assert_ok(sweep_queue_reason(b, 0, &why, reason));
    assert_int_equal(why, BASE_ENUMERIC);
    assert_string_equal(reason, "it went wrong");
    assert_ok(sweep_queue_seconds(b, seconds));
    assert_near(seconds[0], 1.5, 0, 0);
    assert_near(seconds[1], 0, 0, 0);

    for (int death = 0; death <= SWEEP_DEATHS_MAX; death++) { /* whoever holds it goes without a word */
        assert_ok(sweep_queue_open(path, PLAN, N, &first, &c));
        assert_ok(sweep_queue_claim(c, 1, &got, &deaths));
        assert_true(got);
        assert_int_equal(deaths, death);
        sweep_queue_close(c);
    }
    assert_ok(sweep_queue_claim(b, 1, &got, &deaths));
    assert_true(got);
    assert_int_equal(deaths, SWEEP_DEATHS_MAX); /* it does not count on */
    sweep_queue_give_back(b, 1);
    assert_ok(sweep_queue_claim(a, 1, &got, &deaths));
    assert_int_equal(deaths, 0);

    assert_ok(sweep_queue_seal(path, &c, &unfinished));
    assert_null(c);
    sweep_queue_close(a);
    sweep_queue_close(b);
    assert_ok(sweep_queue_seal(path, &c, &unfinished));
    assert_non_null(c);
    assert_true(unfinished);
    sweep_queue_close(c);
    assert_ok(sweep_queue_open(path, OTHER, N, &first, &a)); /* nobody is there: a new session */
    assert_true(first);
    assert_ok(sweep_queue_begin(a));
    assert_ok(sweep_queue_read(a, states));
    for (int i = 0; i < N; i++) assert_int_equal(states[i], SWEEP_STATE_TODO);
    assert_ok(sweep_queue_finish(a));
    sweep_queue_close(a);
    assert_ok(sweep_queue_seal(path, &c, &unfinished));
    assert_false(unfinished);
    sweep_queue_close(c);
    base_free(path);
}

/* Any bit of head and records that something else changed is found by whoever looks next. */
static void test_damaged_queue(void **state)
{
    (void)state;
    enum { N = 3, BYTES = 96 + 16 + 16 * N };
    char *path = NULL;
    SweepQueue *a, *b;
    uint8_t states[N];
    double seconds[N];
    bool first, unfinished;
    char byte;
    assert_ok(base_format(&path, "%s/damaged", support_scratch()));
    assert_ok(sweep_queue_open(path, PLAN, N, &first, &a));
    assert_ok(sweep_queue_begin(a));
    assert_ok(sweep_queue_settle(a, 1, SWEEP_STATE_DONE, 2, BASE_OK, NULL));
    int fd = open(path, O_RDWR);
    for (int at = 0; at < BYTES; at += 3) {
        if (at >= 96 && at < 96 + 16) continue; /* whether all is finished: asked when nobody is there */
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_fails(sweep_queue_read(a, states), BASE_EFORMAT, "damaged");
        if (at >= 96 + 16) assert_fails(sweep_queue_seconds(a, seconds), BASE_EFORMAT, "something else wrote into it");
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    assert_ok(sweep_queue_read(a, states));
    assert_true(states[1] == SWEEP_STATE_DONE && states[0] == SWEEP_STATE_TODO);
    sweep_queue_close(a);
    assert_int_equal(pwrite(fd, "expunge: n", 10, 0), 10); /* a notice */
    assert_fails(sweep_queue_open(path, PLAN, N, &first, &b), BASE_EFORMAT, "is not the job queue of a sweep");
    assert_fails(sweep_queue_seal(path, &b, &unfinished), BASE_EFORMAT, "remove it");
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_ok(sweep_queue_open(path, PLAN, N, &first, &b));
    assert_true(first);
    sweep_queue_close(b);
    close(fd);
    base_free(path);
}

/* ------------------------------------------------------------ steps that are numbers */

enum { STEPS = 7 };
/* a training (0), its row (1), a search (2); a retraining (3) and two rows (4, 5) of the first group's seed; a row that
 * needs nothing (6) */
static void make_steps(SweepSteps *steps)
{
    static const SweepStep STEP[STEPS] = {
        {.early = true, .near = 1, .alike = 0},
        {.row = true, .near = 1, .alike = 1, .needs = {0}, .need_count = 1},
        {.near = 1, .alike = 2, .needs = {0, SIZE_MAX}, .need_count = 2},
        {.early = true, .near = 1, .alike = 3},
        {.row = true, .near = 1, .alike = 1, .needs = {0, 3, 2}, .need_count = 3},
        {.row = true, .near = 1, .alike = 1, .needs = {0, 3, SIZE_MAX}, .need_count = 3},
        {.row = true, .near = 2, .alike = 4},
    };
    size_t at;
    *steps = (SweepSteps){0};
    for (size_t i = 0; i < STEPS; i++) {
        if (i == 0 || i == 3 || i == 6) assert_ok(sweep_steps_group(steps));
        assert_ok(sweep_steps_add(steps, &STEP[i], &at));
        assert_int_equal(at, i);
    }
    assert_int_equal(steps->row_count, 4);
    assert_int_equal(steps->row[2], 5);
    assert_int_equal(steps->alike_count, 5);
    assert_int_equal(steps->group_count, 3);
    assert_int_equal(steps->group[1].first, 3);
    assert_int_equal(steps->group[1].count, 3);
    assert_int_equal(steps->step[2].need_count, 1); /* SIZE_MAX: none */
    assert_int_equal(steps->step[5].group, 1);
}

typedef struct {
    Sweep *sweep;
    size_t order[STEPS], count;
    size_t fails; /* this step ends the work, once */
} Diary;

static BaseStatus write_down(void *user, size_t step, int deaths)
{
    Diary *diary = user;
    assert_int_equal(deaths, 0);
    for (size_t n = 0; n < diary->sweep->steps->step[step].need_count; n++)
        assert_true(sweep_state_settled(diary->sweep->states[diary->sweep->steps->step[step].needs[n]]));
    if (step == diary->fails) {
        diary->fails = SIZE_MAX;
        return base_error_set(BASE_EIO, "the disk is full");
    }
    diary->order[diary->count++] = step;
    return sweep_queue_settle(diary->sweep->queue, step, step == 5 ? SWEEP_STATE_FAILED : SWEEP_STATE_DONE, 2, BASE_OK,
                              NULL);
}

static void open_sweep(const SweepSteps *steps, const char *name, Sweep *sweep)
{
    bool first;
    assert_ok(sweep_make(steps, sweep));
    assert_ok(sweep_queue_open(support_at(name), PLAN, steps->count, &first, &sweep->queue));
    assert_true(first);
    assert_ok(sweep_queue_begin(sweep->queue));
}

/* One process: what is in memory first. Of several: what others wait for first. Every step once, whatever failed. */
static void test_work(void **state)
{
    (void)state;
    static const size_t ALONE[STEPS] = {0, 1, 2, 3, 4, 5, 6}, SPREAD[STEPS] = {0, 3, 5, 1, 2, 4, 6};
    SweepSteps steps;
    make_steps(&steps);
    for (int spread = 0; spread < 2; spread++) {
        Sweep sweep;
        Diary diary = {.sweep = &sweep, .fails = 3};
        SweepProgress progress;
        char text[160];
        open_sweep(&steps, spread ? "spread" : "alone", &sweep);
        assert_ok(sweep_progress(&sweep, &progress));
        assert_near(progress.left, NAN, 0, 0); /* nothing has taken any time yet */
        const SweepDoing doing = {&diary, write_down, spread};
        assert_fails(sweep_work(&sweep, &doing), BASE_EIO, "the disk is full");
        assert_false(sweep_queue_busy(sweep.queue, 0, STEPS)); /* the step was given back */
        size_t met = diary.count;
        assert_ok(sweep_progress(&sweep, &progress));
        assert_near(progress.left, 2.0 * (double)(STEPS - met), 1e-12, 0);
        assert_ok(sweep_work(&sweep, &doing));
        assert_int_equal(diary.count, STEPS);
        for (size_t i = 0; i < STEPS; i++) assert_int_equal(diary.order[i], (spread ? SPREAD : ALONE)[i]);
        assert_ok(sweep_progress(&sweep, &progress));
        assert_int_equal(progress.done, 3);
        assert_int_equal(progress.failed, 1);
        assert_near(progress.left, 0, 0, 0);
        sweep_progress_text(&sweep, &progress, text);
        assert_string_equal(text, "3 of 4 jobs done, 1 failed, 0 running, about 0:00:00 to go");
        sweep_free(&sweep);
    }
    sweep_steps_free(&steps);
}

/* Whichever steps are settled, time is left for the unsettled rows and for what they need, and for nothing else. */
static void test_left(void **state)
{
    (void)state;
    static const bool ROW[STEPS] = {0, 1, 0, 0, 1, 1, 1};
    static const bool NEEDS[STEPS][STEPS] = {
        [1] = {[0] = 1}, [4] = {[0] = 1, [2] = 1, [3] = 1}, [5] = {[0] = 1, [3] = 1}};
    SweepSteps steps;
    make_steps(&steps);
    for (unsigned settled = 1; settled < 1u << STEPS; settled++) {
        Sweep sweep;
        SweepProgress progress;
        int left = 0, done = 0;
        open_sweep(&steps, "left", &sweep);
        for (size_t i = 0; i < STEPS; i++) {
            bool wanted = ROW[i], is = settled >> i & 1;
            for (size_t r = 0; r < STEPS; r++) wanted = wanted || (NEEDS[r][i] && !(settled >> r & 1));
            left += wanted && !is;
            done += ROW[i] && is;
            if (is) assert_ok(sweep_queue_settle(sweep.queue, i, SWEEP_STATE_DONE, 2, BASE_OK, NULL));
        }
        assert_ok(sweep_progress(&sweep, &progress));
        assert_near(progress.left, 2.0 * left, 1e-12, 0);
        assert_int_equal(progress.done, done);
        assert_int_equal(progress.running, 0);
        assert_ok(sweep_queue_finish(sweep.queue));
        sweep_free(&sweep);
    }
    sweep_steps_free(&steps);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    assert_int_equal(clock_gettime(clock, &now), 0);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *settle_later(void *queue)
{
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    return (void *)(intptr_t)sweep_queue_settle(queue, 0, SWEEP_STATE_DONE, 2, BASE_OK, NULL);
}

static BaseStatus never(void *user, size_t step, int deaths)
{
    (void)user, (void)step, (void)deaths;
    return base_error_set(BASE_EIO, "a step that another has was done again");
}

/* While others have all there is, a process waits for them and leaves them the processor: a tenth of it at most. */
static void test_waiting(void **state)
{
    (void)state;
    SweepSteps steps = {0};
    Sweep mine, other;
    size_t at;
    bool got, first;
    int deaths;
    pthread_t thread;
    void *settled;
    assert_ok(sweep_steps_group(&steps));
    assert_ok(sweep_steps_add(&steps, &(SweepStep){.row = true}, &at));
    open_sweep(&steps, "waiting", &mine);
    assert_ok(sweep_make(&steps, &other));
    assert_ok(sweep_queue_open(support_at("waiting"), PLAN, 1, &first, &other.queue));
    assert_ok(sweep_queue_claim(other.queue, 0, &got, &deaths));
    assert_true(got);
    const SweepDoing doing = {NULL, never, false};
    double wall = seconds(CLOCK_MONOTONIC), busy = seconds(CLOCK_THREAD_CPUTIME_ID);
    assert_int_equal(pthread_create(&thread, NULL, settle_later, other.queue), 0);
    assert_ok(sweep_work(&mine, &doing));
    busy = seconds(CLOCK_THREAD_CPUTIME_ID) - busy;
    wall = seconds(CLOCK_MONOTONIC) - wall;
    assert_int_equal(pthread_join(thread, &settled), 0);
    assert_null(settled);
    assert_true(wall > 0.25);
    assert_true(busy < 0.1 * wall);
    sweep_free(&mine);
    sweep_free(&other);
    sweep_steps_free(&steps);
}

static BaseStatus all_steps(void *user)
{
    (void)user;
    BaseStatus st = BASE_OK;
    SweepSteps steps = {0};
    Sweep sweep = {0};
    size_t at;
    for (size_t i = 0; i < 3; i++) {
        BASE_TRY(sweep_steps_group(&steps));
        BASE_TRY(sweep_steps_add(&steps, &(SweepStep){.row = true}, &at));
    }
    BASE_TRY(sweep_make(&steps, &sweep));
out:
    sweep_free(&sweep);
    sweep_steps_free(&steps);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    support_fail_allocations(all_steps, NULL, 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_queue), cmocka_unit_test(test_damaged_queue), cmocka_unit_test(test_work),
    cmocka_unit_test(test_left),  cmocka_unit_test(test_waiting),       cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
