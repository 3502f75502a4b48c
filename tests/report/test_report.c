#include "tests/support/support.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "io/file.h"
#include "report/load.h"
#include "report/report.h"
#include "tests/report/folder.h"
#include "tests/report/runs.h"

static void has(const char *text, const char *part)
{
    if (strstr(text, part)) return;
    print_error("'%s' is not in:\n%.6000s\n", part, text);
    fail();
}

static void has_not(const char *text, const char *part)
{
    if (!strstr(text, part)) return;
    print_error("'%s' is in:\n%.300s\n", part, strstr(text, part));
    fail();
}

static BaseStatus make(const char *folder, int columns, BaseText *terminal)
{
    const char *const folders[] = {folder};
    const ReportConfig config = {.folders = folders,
                                 .folder_count = 1,
                                 .out = folder,
                                 .command = "expunge run configs/demo.yaml --set note='<i>'"};
    return report_make(&config, columns, terminal);
}

static bool have_gnuplot(void) { return system("gnuplot --version >/dev/null 2>&1") == 0; }

/* Everything at once; EXPUNGE_REPORT_FOLDER keeps it to be looked at. */
static void test_demo(void **state)
{
    (void)state;
    char *folder = folder_of("demo"), *text;
    const char *keep = getenv("EXPUNGE_REPORT_FOLDER");
    const char *at = keep ? keep : folder;
    BaseText terminal = {0};
    runs_write_demo(at);
    assert_ok(make(at, 400, &terminal));
    has(terminal.data, "demo: vgg11_bn on fashion-mnist, test set\n");
    has(terminal.data, "91.52 [90.92, 92.12]");
    has(terminal.data, "retrained (reference)");
    has(terminal.data, "mask_logit 100% <b>&'x' (control)");
    has(terminal.data, "failed: loss is not finite at epoch 2, step 17, lr 0.1: try a lower lr");
    base_text_free(&terminal);

    text = text_in(at, "report.html");
    has(text, "svd was asked to forget the class 3 (Dress)");
    has(text,
        "Test accuracy on what was forgotten went from 91.30% to 0.20% (retrained from scratch: 0.00%; mask_logit "
        "100% &lt;b&gt;&amp;&#39;x&#39;, a control: 0.00%)");
    has(text, "on what was kept it went from 92.14% to 91.52% (retrained from scratch: 92.35%; mask_logit");
    has(text,
        "called 98.70% [97.20, 100.00] of the audited forgotten images non-members (n = 1000; retrained: 100.00%; "
        "mask_logit 100% &lt;b&gt;&amp;&#39;x&#39;, a control: 21.00%). "
        "That is what these attacks found with this many images; other attacks may find more.");
    has(text, "mask_logit 100% &lt;b&gt;&amp;&#39;x&#39;");
    has(text, "note=&#39;&lt;i&gt;&#39;");
    has_not(text, "mask_logit 100% <b>");
    has_not(text, "http-equiv");
    has_not(text, "compliant");
    base_free(text);
    text = text_in(at, "results.tex");
    has(text, "mask\\_logit 100\\% \\textless{}b\\textgreater{}\\&'x' (control) & 92.20 [91.60, 92.80]");
    has(text, "\\multicolumn{");
    base_free(text);
    text = text_in(at, "results.md");
    has(text, "| svd | 91.52 \\[90.92, 92.12\\] | 0.20 \\[0.00, 1.40\\] | 98.70 \\[97.20, 100.00\\] | 0.78 |");
    has(text, "| scrub (failed) | failed: loss is not finite");
    base_free(text);
    text = text_in(at, "results.csv");
    has(text, "acc_retain_train");
    has(text, "\"failed: loss is not finite at epoch 2, step 17, lr 0.1: try a lower lr\"");
    base_free(text);
    text = text_in(at, "runs.csv");
    has(text, "demo-svd-3-1.h5");
    base_free(text);
    text = text_in(at, "layers.csv"); /* of what was computed for no layer there is no column */
    has(text,
        "layer,features,rank_retain,forget_removed,weight_change\nfeatures.0,9,1.5,,1\nfeatures.4,288,3.75,12.5,2\n");
    base_free(text);
    static const struct {
        const char *name, *head;
        int lines;
    } TABLES[] = {
        {"accuracy", "place,label,acc_retain,acc_retain_lo,acc_retain_hi,acc_forget,acc_forget_lo,acc_forget_hi\n", 7},
        {"confusion", "true,predicted,after_percent,after_count,before_percent,before_count\n", 101},
        {"confusion-retrained", "true,predicted,after_percent,after_count,before_percent,before_count\n", 101},
        {"destinations", "place,class,name,after_percent,after_images,retrained_percent,retrained_images\n", 10},
        {"history", "curve,label,epoch,loss,accuracy_percent\n", 61},
        {"regions", "panel,x,y,class\n", 11201},
        {"roc", "curve,label,fpr,tpr\n", 1488},
        {"search", "alpha_f,alpha_r,score,column,row,chosen,acc_retain,acc_forget\n", 26},
        {"signals", "panel,label,confidence,loss,retain_train_confidence_percent,retain_test_confidence_percent,", 121},
        {"spectra", "panel,layer,component,retain,forget,importance_retain,importance_forget\n", 888},
    };
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        char name[64];
        int lines = 0;
        snprintf(name, sizeof name, "figures/%s.csv", TABLES[i].name);
        text = text_in(at, name);
        assert_memory_equal(text, TABLES[i].head, strlen(TABLES[i].head));
        for (const char *c = text; *c; c++) lines += *c == '\n';
        assert_int_equal(lines, TABLES[i].lines);
        base_free(text);
    }
    if (have_gnuplot()) {
        static const char *const STEMS[] = {
            "accuracy", "confusion", "confusion-retrained", "roc", "signals", "spectra", "regions",
            "search",   "history",   "destinations"};
        assert_string_equal(told, "");
        for (size_t i = 0; i < sizeof STEMS / sizeof *STEMS; i++) {
            char name[64];
            snprintf(name, sizeof name, "figures/%s.png", STEMS[i]);
            text = text_in(at, name);
            assert_memory_equal(text, "\x89PNG", 4);
            base_free(text);
            snprintf(name, sizeof name, "figures/%s.svg", STEMS[i]);
            text = text_in(at, name);
            has(text, "</svg>");
            base_free(text);
        }
    }
    base_free(folder);
}

/* svd of two classes with two seeds: ACC_r 91.5, 92, 92.5, 93; of class 10 the second seed ran out of memory, which leaves the
 * class out. Seeds' means 92 and 92.5: 92.25, and t(0.975, 1) = 12.706 times 0.25 to each side; sd over the four 0.645.
 * Against retraining (92, 92, 93, 93): gaps .5 0 .5 0. */
static void test_several(void **state)
{
    (void)state;
    char *folder = folder_of("several"), *text;
    BaseText terminal = {0};
    runs_write_classes(folder);
    assert_ok(make(folder, 400, &terminal));
    has(terminal.data, "92.25 ± 0.65 [89.07, 95.43]");
    has(terminal.data,
        "svd: 1 of 6 runs failed and are not in its row (out of memory); means and intervals leave out a class that a "
        "seed lacks.");
    base_text_free(&terminal);
    text = text_in(folder, "gaps.md");
    has(text, "| svd | 0.25 ± 0.29");
    base_free(text);
    text = text_in(folder, "classes.md"); /* class 10 after class 3 */
    has(text, "| svd | 0 | T-shirt/top |");
    assert_true(strstr(text, "| svd | 3 |") < strstr(text, "| svd | 10 |"));
    base_free(text);
    text = text_in(folder, "report.html");
    has(text, "each of 3 class sets in turn, with 2 seeds");
    base_free(text);
    base_free(folder);
}

/* A run made again with other settings replaces the older one; two averages would be of two experiments. */
static void test_superseded(void **state)
{
    (void)state;
    char *folder = folder_of("superseded"), path[4300];
    const char *const folders[] = {folder};
    ReportSet set;
    StoreRun *run;
    runs_write_classes(folder);
    snprintf(path, sizeof path, "%s/classes-svd-0-1.h5", folder);
    assert_ok(store_run_read(path, &run));
    assert_ok(store_run_set_text(run, "/", "id", "newer"));
    assert_ok(store_run_set_text(run, "/meta", "started", "2025-02-01T00:00:00Z"));
    snprintf(path, sizeof path, "%s/zz.h5", folder);
    assert_ok(store_run_write(run, path));
    store_run_free(run);
    assert_ok(report_load(folders, 1, NULL, &set));
    assert_int_equal(set.superseded, 1);
    assert_int_equal(set.run_count, 18);
    assert_int_equal(set.experiment_count, 1);
    const ReportLabel *svd = report_featured(&set.experiments[0]);
    assert_string_equal(svd->label, "svd");
    assert_string_equal(svd->runs[0]->id, "newer");
    report_set_free(&set);
    base_free(folder);
}

static void test_foreign(void **state)
{
    (void)state;
    char *folder = folder_of("foreign"), path[4300], *text;
    BaseText terminal = {0};
    assert_fails(make(folder, 80, &terminal), BASE_ENOTFOUND, "no run file (*.h5) in");
    snprintf(path, sizeof path, "%s/junk.h5", folder);
    assert_ok(io_file_write(path, "junk", 4));
    assert_fails(make(folder, 80, &terminal), BASE_ENOTFOUND, "no run file (*.h5) in");
    const RunSpec failed = {"only", "svd", "svd", "unlearn", "3", "Dress", "out of memory", 1, 0, 0, 0, 0, 0.5, false};
    run_write(folder, &failed);
    *told = '\0';
    assert_ok(make(folder, 80, &terminal));
    has(told, "ignored:");
    has(told, "junk.h5");
    has(terminal.data, "svd (failed)");
    has(terminal.data, "out of memory");
    text = text_in(folder, "report.html");
    has(text, "no unlearning run succeeded (1 of 1 runs failed)");
    has(text, "junk.h5");
    base_free(text);
    base_text_free(&terminal);
    assert_int_not_equal(make("/nonexistent/folder", 80, &terminal), BASE_OK);
    base_text_free(&terminal);
    base_free(folder);
}

static void test_without_gnuplot(void **state)
{
    (void)state;
    char *folder = folder_of("without"), *text, *path = NULL;
    BaseText terminal = {0};
    assert_ok(base_strdup(getenv("PATH"), &path));
    runs_write_demo(folder);
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    BaseStatus st = make(folder, 100, &terminal);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(st, BASE_OK);
    has(told, "gnuplot is not installed");
    assert_null(strstr(strstr(told, "gnuplot is not installed") + 1, "gnuplot is not installed")); /* once */
    text = text_in(folder, "report.html");
    has(text, "download=\"accuracy.csv\"");
    has(text, "(not drawn)");
    has_not(text, "<svg");
    base_free(text);
    text = text_in(folder, "figures/accuracy.csv");
    has(text, "svd,91.52,90.92");
    base_free(text);
    base_text_free(&terminal);
    base_free(path);
    base_free(folder);
}

static void test_gnuplot_error(void **state)
{
    (void)state;
    char *folder = folder_of("error"), *program = NULL, *path = NULL;
    const char script[] =
        "#!/bin/sh\nprintf 'plot x\\n     ^\\n\"a.gp\" line 3: undefined variable: y\\n\\n' >&2\nexit 1\n";
    BaseText terminal = {0};
    runs_write_classes(folder);
    assert_ok(base_strdup(getenv("PATH"), &path));
    assert_ok(base_format(&program, "%s/gnuplot", folder));
    assert_ok(io_file_write(program, script, sizeof script - 1));
    assert_int_equal(system("chmod +x $(find \"${TMPDIR:-/tmp}\"/expunge-test-*/error -name gnuplot)"), 0);
    assert_int_equal(setenv("PATH", folder, 1), 0);
    BaseStatus st = make(folder, 100, &terminal);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(st, BASE_OK);
    has(told, "figure accuracy: gnuplot ended with 1: \"a.gp\" line 3: undefined variable: y\n");
    base_text_free(&terminal);
    base_free(program);
    base_free(path);
    base_free(folder);
}

typedef struct {
    const char *folder;
} Once;

static BaseStatus once(void *user)
{
    const Once *o = user;
    BaseText terminal = {0};
    BaseStatus st = make(o->folder, 100, &terminal);
    base_text_free(&terminal);
    return st;
}

/* Without gnuplot, so that a thousand rounds start no thousand children. */
static void test_allocations(void **state)
{
    (void)state;
    char *folder = folder_of("allocations"), *path = NULL;
    const RunSpec svd = {"a", "svd", "svd", "unlearn", "3", "Dress", NULL, 1, 0, 90, 1, 0.9, 0.5, false};
    run_write(folder, &svd);
    Once o = {folder};
    assert_ok(base_strdup(getenv("PATH"), &path));
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    base_log_sink(NULL);
    support_fail_some_allocations(once, &o, 11, 6000); /* each round writes all files */
    assert_int_equal(setenv("PATH", path, 1), 0);
    base_free(path);
    base_free(folder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_demo),        cmocka_unit_test(test_several),         cmocka_unit_test(test_superseded),
    cmocka_unit_test(test_foreign),     cmocka_unit_test(test_without_gnuplot), cmocka_unit_test(test_gnuplot_error),
    cmocka_unit_test(test_allocations),
};

int main(int argc, char **argv)
{
    const char *runs = getenv("EXPUNGE_REPORT_RUNS"); /* tests/scripts/results_h5py.sh: only write run files there */
    base_system_started(argv[0]);
    if (argc == 3 && strcmp(argv[1], IO_HDF5_PROBE) == 0) return io_hdf5_probe_main(argv[2]);
    if (runs) return runs_write_demo(runs), 0;
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
