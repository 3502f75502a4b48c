/* A thousand of each handle, made and freed: none of them leaves anything behind, which the process's size shows besides the
 * library's own count (under MODE=asan LeakSanitizer looks, too). */
#include <stdio.h>
#include <unistd.h>

#include "tests/api/world.h"

enum { TIMES = 1000, WARM = 50, MOST_PAGES = 512 };

static World world;
static expunge_data *data;
static expunge_model *model;
static char signals_file[1024];

static void a_space(void)
{
    static const float ROWS[3][2] = {{1, 0}, {2, 1}, {0, 1}};
    expunge_space *space;
    assert_done(expunge_space_create(2, 0, NULL, &space));
    assert_done(expunge_space_add(space, ROWS, 3, 2, EXPUNGE_F32));
    assert_done(expunge_space_finish(space));
    expunge_space_free(space);
}

static void signals_of_arrays(void) { expunge_signals_free(world_target(&world)); }

static void signals_of_a_file(void)
{
    expunge_signals *signals;
    assert_done(expunge_signals_open(signals_file, &signals));
    expunge_signals_free(signals);
}

static void attacks(void)
{
    expunge_signals *signals = world_target(&world);
    expunge_attacks *made;
    assert_done(expunge_attack(signals, "loss", NULL, 0, 0, &made));
    expunge_attacks_free(made);
    expunge_signals_free(signals);
}

static void data_of_arrays(void)
{
    static const float IMAGES[4][2] = {{0, 1}, {1, 0}, {1, 1}, {0, 0}};
    static const int32_t LABELS[] = {0, 1, 2, 3};
    const expunge_split split = {IMAGES, LABELS, 4};
    expunge_data *made;
    assert_done(expunge_data_create(&split, &split, EXPUNGE_F32, (int64_t[]){2, 1, 1}, 4, NULL, NULL, 0, &made));
    expunge_data_free(made);
}

static void a_model(void)
{
    expunge_model *made;
    assert_done(expunge_model_open(support_fixture("pytorch_beside.pt"), "mlp", data, NULL, 0, &made));
    expunge_model_free(made);
}

static void an_unlearned_model(void)
{
    expunge_model *made;
    assert_done(expunge_unlearn(model, "mask_logit", "3", NULL, 0, &made, NULL));
    expunge_model_free(made);
}

static void nothing(void)
{
    expunge_model *made;
    assert_refused(expunge_model_open("/nowhere.pt", NULL, data, NULL, 0, &made), EIO, "/nowhere.pt");
}

static long pages(void)
{
    long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &all, &resident) != 2) resident = 0;
    if (f) fclose(f);
    return resident;
}

static void test_handles(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*once)(void);
    } HANDLES[] = {{"space", a_space},
                   {"signals of arrays", signals_of_arrays},
                   {"signals of a file", signals_of_a_file},
                   {"attacks", attacks},
                   {"data of arrays", data_of_arrays},
                   {"model", a_model},
                   {"unlearned model", an_unlearned_model},
                   {"a failure", nothing}};
    for (size_t h = 0; h < BASE_COUNT(HANDLES); h++) {
        for (int i = 0; i < WARM; i++) HANDLES[h].once();
        const int64_t blocks = base_memory_live();
        const long before = pages();
        for (int i = WARM; i < TIMES; i++) HANDLES[h].once();
        const long grown = pages() - before;
        assert_int_equal(base_memory_live(), blocks);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
        if (grown > MOST_PAGES) fail_msg("%s: %ld pages more after %d", HANDLES[h].name, grown, TIMES - WARM);
#else
        (void)grown;
#endif
    }
}

static int prepare(void **state)
{
    (void)state;
    static const float CORNERS[4][2] = {{1, 1}, {-1, 1}, {-1, -1}, {1, -1}};
    static float images[80][2];
    static int32_t labels[80];
    for (int i = 0; i < 80; i++) {
        labels[i] = i % 4;
        for (int d = 0; d < 2; d++) images[i][d] = CORNERS[i % 4][d];
    }
    const expunge_split split = {images, labels, 80};
    world_make(&world);
    snprintf(signals_file, sizeof signals_file, "%s", support_at("signals.h5"));
    world_write_target(&world, signals_file);
    assert_done(expunge_data_create(&split, &split, EXPUNGE_F32, (int64_t[]){2, 1, 1}, 4, NULL, NULL, 0, &data));
    assert_done(expunge_model_open(support_fixture("pytorch_beside.pt"), "mlp", data, NULL, 0, &model));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    expunge_model_free(model);
    expunge_data_free(data);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest ALL[] = {cmocka_unit_test(test_handles)};
    (void)argv;
    if (argc > 1) return 3; /* the library starts its helper, never the host */
    return support_end(cmocka_run_group_tests(ALL, prepare, finish));
}
