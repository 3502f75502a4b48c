#include "tests/support/support.h"

#include <stdlib.h>

#include "base/log.h"
#include "io/file.h"
#include "report/report.h"
#include "tests/report/runs.h"

static void show(void *user, BaseLogLevel level, const char *text)
{
    (void)user, (void)level;
    print_message("log: %s\n", text);
}

static void test_demo(void **state)
{
    (void)state;
    const char *folder = getenv("EXPUNGE_REPORT_FOLDER");
    BaseText terminal = {0};
    if (!folder) folder = support_scratch();
    const char *const folders[] = {folder};
    ReportConfig config = {folders, 1, folder, "expunge run configs/demo.yaml"};
    BaseLogSink sink = {show, NULL, NULL};
    base_log_sink(&sink);
    runs_write_demo(folder);
    assert_ok(report_make(&config, 160, &terminal));
    if (getenv("EXPUNGE_REPORT_FOLDER")) print_message("%s\n", terminal.data);
    base_text_free(&terminal);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_demo)};
    if (argc == 3 && strcmp(argv[1], IO_HDF5_PROBE) == 0) return io_hdf5_probe_main(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
