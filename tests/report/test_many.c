/* A sweep's report: memory does not grow with the arrays stored, and ten thousand runs take no half minute (long tier).
 */
#include "tests/support/support.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/file.h"
#include "report/report.h"
#include "tests/report/runs.h"

static char *folder_of(const char *name)
{
    char *path = NULL;
    base_log_sink(NULL);
    assert_ok(base_format(&path, "%s/%s", support_scratch(), name));
    assert_ok(io_folder_make(path));
    return path;
}

/* Without gnuplot: drawing is other programs' time and memory. */
static void make(const char *folder)
{
    const char *const folders[] = {folder};
    const ReportConfig config = {.folders = folders, .folder_count = 1, .out = folder};
    BaseText terminal = {0};
    char *path = NULL;
    assert_ok(base_strdup(getenv("PATH"), &path));
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    BaseStatus st = report_make(&config, 100, &terminal);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_ok(st);
    base_text_free(&terminal);
    base_free(path);
}

/* 60 runs of 2 MB of arrays each: the report may hold those of the few it draws (16 labels and three ranks at most,
 * here two labels), not all 120 MB. */
static void test_memory(void **state)
{
    (void)state;
    enum { RUNS = 60, BIG = 1 << 18 };
#ifdef __SANITIZE_ADDRESS__
    skip(); /* freed memory is kept back there */
#endif
    char *folder = folder_of("memory"), path[4300];
    double *big = NULL;
    int64_t shape[] = {BIG};
    assert_ok(BASE_ALLOC(BIG, &big));
    for (int i = 0; i < RUNS; i++) {
        StoreRun *run;
        char forget[16];
        snprintf(forget, sizeof forget, "%d", i / 2);
        const RunSpec spec = {"m",
                              i % 2 ? "svd" : "retrain",
                              i % 2 ? "svd" : "retrain",
                              "unlearn",
                              forget,
                              "x",
                              NULL,
                              1,
                              0,
                              90,
                              1,
                              0.9,
                              0.5,
                              false};
        run_write(folder, &spec);
        snprintf(path, sizeof path, "%s/m-%s-%s-1.h5", folder, spec.method, forget);
        assert_ok(store_run_read(path, &run));
        assert_ok(store_run_set_array(run, "/signals/retain_train/loss", STORE_F64, 1, shape, big));
        assert_ok(store_run_write(run, path));
        store_run_free(run);
    }
    base_free(big);
    base_clock_reset_peak();
    int64_t before = base_clock_peak_memory();
    make(folder);
    int64_t grown = base_clock_peak_memory() - before;
    if (grown > (int64_t)40 << 20) fail_msg("%lld MB more", (long long)grown >> 20);
    base_free(folder);
}

/* 20 methods, 100 classes, 5 seeds. */
static void test_time(void **state)
{
    (void)state;
    if (!getenv("EXPUNGE_LONG")) skip();
    char *folder = folder_of("many");
    for (int i = 0; i < 10000; i++) {
        char label[16], forget[16];
        snprintf(label, sizeof label, "%s%d", i % 20 == 0 ? "retrain" : "m", i % 20);
        snprintf(forget, sizeof forget, "%d", i / 20 % 100);
        const RunSpec spec = {"many",     label,    i % 20 == 0 ? "retrain" : label,
                              "unlearn",  forget,   "x",
                              NULL,       i / 2000, 0,
                              80 + i % 7, i % 11,   0.9,
                              0.5,        false};
        run_write(folder, &spec);
    }
    double started = base_clock_wall();
    make(folder);
    double seconds = base_clock_wall() - started;
    print_message("report over 10000 runs: %.1f s\n", seconds);
    assert_true(seconds < 30);
    base_free(folder);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory), cmocka_unit_test(test_time)};
SUPPORT_MAIN(tests)
