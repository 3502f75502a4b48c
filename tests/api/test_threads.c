/* Threads with handles of their own get what one thread gets, and each its own sentences; one finished space serves all.
 * `make check-tsan` runs this under ThreadSanitizer. */
#include <omp.h>
#include <pthread.h>
#include <stdio.h>

#include "tests/api/world.h"

enum { THREADS = 4, AUDITORS = 2, ROUNDS = 2, SIZE = EDIT_OUTPUTS * EDIT_FEATURES };
static World world;

/* Of one thread: what it is given, and what it found. */
typedef struct {
    const float *x;
    const expunge_space *shared;
    char file[1024], folder[1024];
    float edited[SIZE], projected[SIZE];
    char *attacked, *read, *audited;
    int number, wrong;
} Job;

static char *attack(expunge_signals *signals)
{
    static const char *const SET[] = {"logistic.folds=3"};
    expunge_attacks *attacks;
    char *json;
    assert_done(expunge_attack(signals, "loss,logistic", SET, 1, 3, &attacks));
    assert_ok(base_strdup(expunge_attacks_json(attacks), &json));
    expunge_attacks_free(attacks);
    expunge_signals_free(signals);
    return json;
}

static void all_calls(Job *job)
{
    static const char *const OPTIONS[] = {"attacks=loss", "draws=100", "command=none"};
    char want[64];
    expunge_space *space;
    expunge_signals *signals;
    world_edit(job->x, job->edited);
    assert_done(expunge_space_project(job->shared, 100, job->x, EDIT_OUTPUTS, EDIT_FEATURES, EXPUNGE_F32,
                                      job->projected, EDIT_FEATURES));
    base_free(job->attacked), base_free(job->read), expunge_free(job->audited);
    job->attacked = attack(world_target(&world));
    assert_done(expunge_signals_open(job->file, &signals));
    job->read = attack(signals);
    job->audited = NULL;
    if (job->number < AUDITORS) { /* it takes longest */
        signals = world_models(&world);
        assert_done(expunge_audit(signals, job->folder, OPTIONS, 3, &job->audited));
        expunge_signals_free(signals);
    }
    snprintf(want, sizeof want, "features = %d:", -job->number);
    expunge_space_create(-job->number, 0, NULL, &space);
    job->wrong += strstr(expunge_error_text(), want) == NULL; /* its own sentence */
}

static void *work(void *user)
{
    omp_set_num_threads(1); /* of this thread; as many as the one that it is compared with */
    for (int i = 0; i < ROUNDS; i++) all_calls(user);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    static const char *const OTHERWISE[] = {"seconds\"", "\"out\"", NULL};
    pthread_t thread[THREADS];
    static Job job[THREADS], alone;
    const int threads = omp_get_max_threads();
    float *rows = numbers(EDIT_ROWS * EDIT_FEATURES, 9);
    expunge_space *shared;
    world_make(&world);
    world_write_target(&world, support_at("signals.h5"));
    assert_done(expunge_space_create(EDIT_FEATURES, 0, NULL, &shared));
    assert_done(expunge_space_add(shared, rows, EDIT_ROWS, EDIT_FEATURES, EXPUNGE_F32));
    assert_done(expunge_space_finish(shared));
    for (int i = 0; i < THREADS; i++) {
        char name[32];
        job[i] = (Job){.x = numbers(EDIT_ROWS * EDIT_FEATURES, 10 + (uint64_t)i), .shared = shared, .number = i};
        snprintf(name, sizeof name, "audit%d", i);
        snprintf(job[i].file, sizeof job[i].file, "%s", support_at("signals.h5"));
        snprintf(job[i].folder, sizeof job[i].folder, "%s", support_at(name));
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, work, &job[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    assert_int_equal(omp_get_max_threads(), threads);
    omp_set_num_threads(1);
    for (int i = 0; i < THREADS; i++) {
        alone = job[i];
        alone.attacked = alone.read = alone.audited = NULL;
        all_calls(&alone);
        assert_int_equal(job[i].wrong, 0);
        assert_memory_equal(job[i].edited, alone.edited, sizeof alone.edited);
        assert_memory_equal(job[i].projected, alone.projected, sizeof alone.projected);
        assert_same_but(job[i].attacked, alone.attacked, OTHERWISE);
        assert_same_but(job[i].read, alone.read, OTHERWISE);
        if (i < AUDITORS) assert_same_but(job[i].audited, alone.audited, OTHERWISE);
        for (Job *j = &job[i];; j = &alone) {
            base_free(j->attacked), base_free(j->read), expunge_free(j->audited);
            if (j == &alone) break;
        }
        base_free((void *)job[i].x);
    }
    expunge_space_free(shared);
    base_free(rows);
    omp_set_num_threads(threads);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return 3; /* the library starts its helper, never the host */
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
