/* Figures of the analyses: their numbers from invented runs, and a page whose rows lead to their runs. */
#include "tests/support/support.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "io/file.h"
#include "report/html.h"
#include "report/report.h"
#include "tests/report/folder.h"
#include "tests/report/runs.h"

static void has(const char *folder, const char *name, const char *part)
{
    char *text = text_in(folder, name);
    if (!strstr(text, part)) fail_msg("'%s' is not in %s:\n%.3000s", part, name, text);
    base_free(text);
}

static void make(const char *folder)
{
    const char *const folders[] = {folder};
    const ReportConfig config = {.folders = folders, .folder_count = 1, .out = folder, .command = "expunge run c.yaml"};
    BaseText terminal = {0};
    assert_ok(report_make(&config, 200, &terminal));
    base_text_free(&terminal);
}

/* Each figure was drawn, and nothing was warned about; without gnuplot only the numbers are there. */
static void drawn(const char *folder, const char *stem)
{
    char name[64];
    if (system("gnuplot --version >/dev/null 2>&1") != 0) return;
    if (*told) fail_msg("told: %s", told);
    snprintf(name, sizeof name, "figures/%s.svg", stem);
    has(folder, name, "</svg>");
}

/* A run of a family: `each` moved @p parameter to @p value, and everything of K classes is right but class 3. */
static void write_value(const char *folder, int place, const char *family, const char *parameter, const char *value,
                        const int64_t right[RUNS_K])
{
    char label[128], path[4300];
    StoreRun *run;
    int64_t m[RUNS_K * RUNS_K] = {0}, shape[] = {RUNS_K, RUNS_K};
    snprintf(label, sizeof label, "%s, %s=%s", family, parameter, *value ? value : "none");
    const RunSpec spec = {"a", label, "svd",      "unlearn",   "3", "Dress", NULL,
                          1,   0,     80 + place, 5.0 * place, 0.9, 0.5,     false};
    assert_ok(store_run_create(&run));
    run_header(run, &spec);
    const MathEstimate r = {80 + place, 79 + place, 81 + place, 9000},
                       f = {5.0 * place, 4.0 * place, 6.0 * place, 1000};
    add_metric(run, "acc_retain", "test", r);
    add_metric(run, "acc_forget", "test", f);
    assert_ok(store_run_set_text(run, "/", "id", label));
    assert_ok(store_run_set_i64(run, "/", "order", place));
    assert_ok(store_run_set_text(run, "/each", "family", family));
    assert_ok(store_run_set_text(run, "/each", parameter, value));
    for (int i = 0; i < RUNS_K; i++) {
        m[i * RUNS_K + i] = right[i];
        m[i * RUNS_K + (i + 1) % RUNS_K] += 1000 - right[i];
    }
    assert_ok(store_run_set_array(run, "/confusion/test", STORE_I64, 2, shape, m));
    snprintf(path, sizeof path, "%s/%d.h5", folder, place);
    assert_ok(store_run_write(run, path));
    store_run_free(run);
}

static void test_each(void **state)
{
    (void)state;
    char *folder = folder_of("each");
    const int64_t right[RUNS_K] = {0};
    write_value(folder, 1, "svd", "retain_per_class", "10", right);
    write_value(folder, 2, "svd", "retain_per_class", "0", right);
    write_value(folder, 3, "other", "layers", "first 1", right);
    make(folder);
    has(folder, "figures/each.csv", "0,0,svd,retain_per_class,10,81,80,82,5,4,6\n");
    has(folder, "figures/each.csv", "0,1,svd,retain_per_class,all,82,81,83,10,8,12\n"); /* 0: all */
    has(folder, "figures/each.csv", "1,0,other,layers,first 1,83,82,84,15,12,18\n");
    drawn(folder, "each");
    base_free(folder);
}

/* Many values of one method are in the figure by value alone. */
static void test_crowd(void **state)
{
    (void)state;
    char *folder = folder_of("crowd"), value[32];
    const int64_t right[RUNS_K] = {0};
    const RunSpec alone = {"a", "svd", "svd", "unlearn", "3", "Dress", NULL, 1, 0, 90, 2, 0.9, 0.5, false};
    run_write(folder, &alone);
    for (int i = 1; i <= 16; i++) {
        snprintf(value, sizeof value, "%d", i);
        write_value(folder, i, "other", "retain_per_class", value, right);
    }
    make(folder);
    has(folder, "figures/each.csv", "0,15,other,retain_per_class,16,");
    char *text = text_in(folder, "figures/accuracy.csv");
    assert_non_null(strstr(text, "\n0,svd,90,"));
    assert_null(strstr(text, "other"));
    base_free(text);
    base_free(folder);
}

/* Values and names of many methods stand upright, each beside the next; those of 16 do not. */
static void test_upright(void **state)
{
    (void)state;
    char *folder = folder_of("upright"), label[16];
    for (int i = 0; i < 17; i++) {
        snprintf(label, sizeof label, "m%d", i);
        const RunSpec spec = {"a", label, label, "unlearn", "3", "Dress", NULL, 1, 0, 90, 2, 0.9, 0.5, false};
        run_write(folder, &spec);
        if (i < 15) continue;
        make(folder);
        char *text = text_in(folder, "figures/accuracy.gp");
        assert_int_equal(i == 16, strstr(text, "labels rotate by 90") != NULL);
        assert_int_equal(i == 16, strstr(text, "xtics rotate by 60") != NULL);
        base_free(text);
    }
    drawn(folder, "accuracy");
    base_free(folder);
}

/* Nothing left out: 900 of 1000 right everywhere. Without class 1: it falls to 400, class 5 rises to 950. */
static void test_missing(void **state)
{
    (void)state;
    char *folder = folder_of("missing");
    int64_t right[RUNS_K];
    for (int i = 0; i < RUNS_K; i++) right[i] = 900;
    write_value(folder, 1, "svd", "retain_without", "", right);
    right[1] = 400, right[5] = 950;
    write_value(folder, 2, "svd", "retain_without", "1", right);
    make(folder);
    has(folder, "figures/missing.csv", "0,Trouser,0,0,90,0\n");
    has(folder, "figures/missing.csv", "0,Trouser,1,-50,40,1\n");
    has(folder, "figures/missing.csv", "0,Trouser,5,5,95,0\n");
    drawn(folder, "missing");
    base_free(folder);
}

static void test_several(void **state)
{
    (void)state;
    char *folder = folder_of("several");
    const RunSpec specs[] = {
        {"s", "svd", "svd", "unlearn", "3", "Dress", NULL, 1, 0, 90, 2, 0.9, 0.5, false},
        {"s", "svd", "svd", "unlearn", "4", "Coat", NULL, 1, 0, 92, 4, 0.9, 0.5, false},
        {"s", "svd", "svd", "unlearn", "3,4", "Dress, Coat", NULL, 1, 0, 88, 10, 0.9, 0.5, false},
        {"s", "original", "original", "original", "", "", NULL, 1, 0, 91, 91, 0.9, 0.5, false},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) run_write(folder, &specs[i]);
    make(folder);
    has(folder, "figures/several.csv", "0,svd,1,2,91,,,3,,\n"); /* two sets of one class: their mean */
    has(folder, "figures/several.csv", "0,svd,2,1,88,87.4,88.6,10,8.8,11.2\n");
    drawn(folder, "several");
    base_free(folder);
}

/* The stored run of @p label in the demo, to be changed and written back. */
static void with_run(const char *folder, const char *name, void (*change)(StoreRun *run))
{
    char path[4300];
    StoreRun *run;
    snprintf(path, sizeof path, "%s/%s.h5", folder, name);
    assert_ok(store_run_read(path, &run));
    change(run);
    assert_ok(store_run_write(run, path));
    store_run_free(run);
}

static void set_weights(StoreRun *run)
{
    static const char *const NAMES[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    const double change[] = {1.25, 1, 1, 1, 1, 1, 0, NAN};
    int64_t shape[] = {8};
    assert_ok(store_run_set_texts(run, "/weights/names", NAMES, 8));
    assert_ok(store_run_set_array(run, "/weights/change", STORE_F64, 1, shape, change));
}

/* Of a run that has them for every layer; and of an older one, whose method edited layer by layer. */
static void test_weights(void **state)
{
    (void)state;
    char *folder = folder_of("weights");
    runs_write_demo(folder);
    with_run(folder, "demo-retrain-3-1", set_weights);
    make(folder);
    has(folder, "figures/weights.csv",
        "line,label,place,layer,change_percent\n0,retrained,0,a,125\n0,retrained,1,b,100\n");
    has(folder, "figures/weights.csv", "0,retrained,6,g,0\n0,retrained,7,h,\n1,svd,0,features.0,1\n");
    drawn(folder, "weights");
    base_free(folder);
}

/* Ten rows of a network with eight layers and one of three: all in the numbers, eight in the picture, and the caption says so. */
static void test_many_weights(void **state)
{
    (void)state;
    char *folder = folder_of("many-weights"), label[16], file[64];
    for (int i = 0; i < 11; i++) {
        snprintf(label, sizeof label, "row %02d", i);
        const RunSpec spec = {"w", label, "salun", "unlearn", "3", "Dress", NULL, 1, 0, 90, 2, 0.9, 0.5, false};
        StoreRun *run;
        char path[4300];
        assert_ok(store_run_create(&run));
        run_header(run, &spec);
        add_metric(run, "acc_retain", "test", math_estimate(90, 1000));
        assert_ok(store_run_set_text(run, "/", "id", label));
        assert_ok(store_run_set_i64(run, "/", "order", i));
        if (i == 3) { /* another network, in the middle */
            static const char *const SHORT[] = {"x", "y", "z"};
            const double change[] = {0.5, 0.5, 0.5};
            int64_t shape[] = {3};
            assert_ok(store_run_set_texts(run, "/weights/names", SHORT, 3));
            assert_ok(store_run_set_array(run, "/weights/change", STORE_F64, 1, shape, change));
        } else {
            set_weights(run);
        }
        snprintf(path, sizeof path, "%s/%02d.h5", folder, i);
        assert_ok(store_run_write(run, path));
        store_run_free(run);
    }
    make(folder);
    for (int i = 0; i < 11; i++) {
        snprintf(file, sizeof file, i == 3 ? "\n%d,row %02d,2,z,50\n" : "\n%d,row %02d,1,b,100\n", i, i);
        has(folder, "figures/weights.csv", file);
    }
    char *script = text_in(folder, "figures/weights.gp");
    for (int i = 0; i < 11; i++) { /* 0 to 8 without 3 */
        snprintf(file, sizeof file, "($1 == %d && ", i);
        assert_int_equal(strstr(script, file) != NULL, i < 9 && i != 3);
    }
    base_free(script);
    has(folder, "report.html", "3 more rows are not drawn; the figure");
    drawn(folder, "weights");
    base_free(folder);
}

static void set_representation(StoreRun *run, double step, bool peer)
{
    static const char *const NAMES[] = {"a", "b", "c"},
                             *const COLUMNS[] = {"knn", "cka_to_retrained", "cka_to_original"},
                             *const ENDS[] = {"", "_lo", "_hi"};
    const int64_t shape[] = {3};
    assert_ok(store_run_set_texts(run, "/representation/names", NAMES, 3));
    for (int c = 0; c < 3; c++)
        for (int end = 0; end < 3; end++) {
            char path[64];
            double values[3];
            const double off[] = {0, -step / 2, step / 2};
            for (int l = 0; l < 3; l++) values[l] = c == 1 && !peer ? NAN : (c ? 1 : 100) * (1 - step * l + off[end]);
            snprintf(path, sizeof path, "/representation/%s%s", COLUMNS[c], ENDS[end]);
            assert_ok(store_run_set_array(run, path, STORE_F64, 1, shape, values));
        }
}

static void set_representation_retrained(StoreRun *run) { set_representation(run, 0.25, false); }
static void set_representation_svd(StoreRun *run) { set_representation(run, 0.125, true); }

/* Retraining's line is the reference and comes first, wherever it stands; what is not defined is left out. */
static void test_representation(void **state)
{
    (void)state;
    char *folder = folder_of("representation");
    runs_write_demo(folder);
    with_run(folder, "demo-svd-3-1", set_representation_svd);
    make(folder);
    has(folder, "figures/representation.csv",
        "line,label,place,layer,knn_percent,knn_lo,knn_hi,cka_to_retrained,cka_to_retrained_lo,cka_to_retrained_hi,cka_to_"
        "original,cka_to_original_lo,cka_to_original_hi\n0,svd,0,a,100,93.75,106.25,1,0.9375,1.0625,1,0.9375,1.0625\n");
    has(folder, "figures/representation.gp", "lt 1");
    with_run(folder, "demo-retrain-3-1", set_representation_retrained);
    make(folder);
    has(folder, "figures/representation.csv", "\n0,retrained,1,b,75,62.5,87.5,,,,0.75,0.625,0.875\n");
    has(folder, "figures/representation.csv", "\n1,svd,2,c,75,68.75,81.25,0.75,0.6875,0.8125,0.75,0.6875,0.8125\n");
    has(folder, "figures/representation.gp", "dt 2");
    drawn(folder, "representation");
    base_free(folder);
}

/* 100 images of each class, 90 right and 10 called the next class; then class 1 falls to 70, class 5 rises to 95, and of
 * the forgotten class 3 no image is right: 60 go to 1, 30 to 4, 10 to 5. */
static void set_confusions(StoreRun *run)
{
    int64_t m[RUNS_K * RUNS_K] = {0}, shape[] = {RUNS_K, RUNS_K};
    for (int i = 0; i < RUNS_K; i++) {
        m[i * RUNS_K + i] = 90;
        m[i * RUNS_K + (i + 1) % RUNS_K] = 10;
    }
    assert_ok(store_run_set_array(run, "/confusion/test_original", STORE_I64, 2, shape, m));
    m[11] = 70, m[12] = 30;
    m[55] = 95, m[56] = 5;
    m[33] = 0, m[31] = 60, m[34] = 30, m[35] = 10;
    assert_ok(store_run_set_array(run, "/confusion/test", STORE_I64, 2, shape, m));
}

static void set_range(StoreRun *run)
{
    assert_ok(store_run_set_i64(run, "/confusion", "first", 4));
    assert_ok(store_run_set_i64(run, "/confusion", "last", 6));
}

/* Rows of changes.csv, each a list of its first fields. */
static void rows_are(const char *folder, const char *name, const char *const *starts, int count)
{
    char *text = text_in(folder, name), *at = strchr(text, '\n');
    for (int i = 0; i < count; i++) {
        if (!at || strncmp(at + 1, starts[i], strlen(starts[i])) != 0)
            fail_msg("row %d of %s does not begin with '%s':\n%s", i, name, starts[i], text);
        at = strchr(at + 1, '\n');
    }
    assert_true(at && !at[1]);
    base_free(text);
}

static void test_changes(void **state)
{
    (void)state;
    static const char *const WHERE[] = {"4 (Coat),10,", "1 (Trouser),0,", "5 (Sandal),0,"};
    static const char *const CHANGES[] = {
        "1 (Trouser),all classes,1,-20,", "0 (T-shirt/top),all classes,2,0,", "2 (Pullover),all classes,3,0,",
        "4 (Coat),all classes,4,0,",      "6 (Shirt),all classes,5,0,",       "7 (Sneaker),all classes,6,0,",
        "8 (Bag),all classes,7,0,",       "9 (Ankle boot),all classes,8,0,",  "5 (Sandal),all classes,9,5,",
        "4 (Coat),classes 4 to 6,1,0,",   "6 (Shirt),classes 4 to 6,2,0,",    "5 (Sandal),classes 4 to 6,3,5,"};
    char *folder = folder_of("changes");
    runs_write_demo(folder);
    with_run(folder, "demo-svd-3-1", set_confusions);
    make(folder);
    rows_are(folder, "destinations.csv", WHERE, 3);
    rows_are(folder, "changes.csv", CHANGES, 9);
    has(folder, "figures/confusion.csv", "\n3,1,60,60,0,0\n");
    with_run(folder, "demo-svd-3-1", set_range);
    make(folder);
    rows_are(folder, "destinations.csv", (const char *const[]){WHERE[0], WHERE[2]}, 2);
    rows_are(folder, "changes.csv", CHANGES, 12);
    has(folder, "report.html", "Classes 4 to 6; what a row lacks of 100% goes to other classes.");
    has(folder, "figures/confusion.csv", "before_count\n4,4,90,90,90,90\n4,5,10,10,10,10\n4,6,0,0,0,0\n5,4,");
    has(folder, "figures/destinations.csv", ",4,Coat,");
    has(folder, "figures/destinations.csv", "before_percent,before_images");
    drawn(folder, "confusion");
    base_free(folder);
}

/* A search of its own for each of two classes. */
static void test_searches(void **state)
{
    (void)state;
    char *folder = folder_of("searches");
    const RunSpec specs[] = {
        {"s", "svd", "svd", "unlearn", "3", "Dress", NULL, 1, 0, 90, 2, 0.9, 0.5, false},
        {"s", "svd", "svd", "unlearn", "4", "Coat", NULL, 1, 0, 92, 4, 0.9, 0.5, false},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) run_write(folder, &specs[i]);
    make(folder);
    has(folder, "figures/searches.csv", "panel,forget,alpha_f,alpha_r,column,row,chosen,score\n0,3,1,10,0,0,0,");
    has(folder, "figures/searches.csv", "\n1,4,3,100,1,2,1,0.95\n"); /* row 11 was chosen */
    drawn(folder, "searches");
    base_free(folder);
}

/* Of more searches than are drawn all are in the table, and the caption counts the others. */
static void test_many_searches(void **state)
{
    (void)state;
    enum { SEARCHES = 14, DRAWN = 12 };
    char *folder = folder_of("many-searches"), name[64], forget[16], panel[32];
    for (int i = 0; i < SEARCHES; i++) {
        snprintf(name, sizeof name, "class %d", i);
        snprintf(forget, sizeof forget, "%d", i);
        const RunSpec spec = {"s", "svd", "svd", "unlearn", forget, name, NULL, 1, 0, 90, 2, 0.9, 0.5, false};
        run_write(folder, &spec);
    }
    make(folder);
    for (int i = 0; i < SEARCHES; i++) {
        snprintf(name, sizeof name, "\n%d,", i);
        has(folder, "figures/searches.csv", name);
    }
    has(folder, "report.html",
        "for each of the first 12 of 14 searches (the numbers of the other 2 are in the .csv), the same colours");
    snprintf(panel, sizeof panel, "$1 == %d ?", DRAWN - 1);
    has(folder, "figures/searches.gp", panel);
    snprintf(panel, sizeof panel, "$1 == %d ?", DRAWN);
    char *script = text_in(folder, "figures/searches.gp");
    assert_null(strstr(script, panel));
    base_free(script);
    base_free(folder);
}

static void closed_to_others(const char *path, bool is)
{
    struct stat info;
    if (stat(path, &info) == 0) assert_int_equal((info.st_mode & 077) == 0, is); /* no drawings without gnuplot */
}

/* The demo's svd run with the arrays of a look inside. */
static void test_inside(void **state)
{
    (void)state;
    char *folder = folder_of("inside"), path[4300];
    StoreRun *run;
    float pictures[2 * 16], maps[2 * 4];
    double shared[8], removed[8], confidence[2] = {0.9, 0.25};
    int32_t labels[2] = {3, 5}, predicted[2] = {3, 0};
    const uint8_t forgotten[2] = {1, 0};
    int64_t two[] = {2}, of_pictures[] = {2, 1, 4, 4}, of_maps[] = {2, 2, 2}, eight[] = {8},
            square[] = {RUNS_K, RUNS_K};
    int64_t before[RUNS_K * RUNS_K] = {0}, after[RUNS_K * RUNS_K] = {0};
    umask(022);
    runs_write_demo(folder);
    snprintf(path, sizeof path, "%s/demo-svd-3-1.h5", folder);
    assert_ok(store_run_read(path, &run));
    for (int i = 0; i < 32; i++) pictures[i] = (float)i / 32;
    for (int i = 0; i < 8; i++) {
        maps[i] = (float)i;
        shared[i] = 0.1 * (i + 1);
        removed[i] = 0.5;
    }
    before[33] = 90, before[34] = 10;
    after[31] = 60, after[34] = 30, after[33] = 10;
    assert_ok(store_run_set_array(run, "/layers/shared", STORE_F64, 1, eight, shared));
    assert_ok(store_run_set_array(run, "/layers/forget_removed", STORE_F64, 1, eight, removed));
    assert_ok(store_run_set_array(run, "/layers/retain_removed", STORE_F64, 1, eight, removed));
    assert_ok(store_run_set_array(run, "/confusion/test", STORE_I64, 2, square, after));
    assert_ok(store_run_set_array(run, "/confusion/test_original", STORE_I64, 2, square, before));
    assert_ok(store_run_set_array(run, "/saliency/pictures", STORE_F32, 4, of_pictures, pictures));
    assert_ok(store_run_set_array(run, "/saliency/labels", STORE_I32, 1, two, labels));
    assert_ok(store_run_set_array(run, "/saliency/forgotten", STORE_U8, 1, two, forgotten));
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "/saliency/maps%s", k ? "_original" : "");
        assert_ok(store_run_set_array(run, path, STORE_F32, 3, of_maps, maps));
        snprintf(path, sizeof path, "/saliency/predicted%s", k ? "_original" : "");
        assert_ok(store_run_set_array(run, path, STORE_I32, 1, two, predicted));
        snprintf(path, sizeof path, "/saliency/confidence%s", k ? "_original" : "");
        assert_ok(store_run_set_array(run, path, STORE_F64, 1, two, confidence));
    }
    snprintf(path, sizeof path, "%s/demo-svd-3-1.h5", folder);
    assert_ok(store_run_write(run, path));
    store_run_free(run);
    make(folder);
    has(folder, "figures/destinations.csv", "before_percent,before_images,after_percent,after_images");
    has(folder, "figures/destinations.csv", ",1,Trouser,0,0,60,60");
    has(folder, "figures/destinations.csv", ",3,Dress,90,90,10,10");
    has(folder, "report.html", "Nearest before: Coat (10.0%). Nearest after: Trouser (60.0%), Coat (30.0%).");
    has(folder, "figures/spaces.csv", "0,features.0,10,50,50\n");
    has(folder, "figures/saliency.csv", "before,0,3,1,3,0.9,0,1,1\n");
    has(folder, "figures/saliency.csv", "after,1,5,0,0,0.25,1,1,7\n");
    drawn(folder, "destinations");
    drawn(folder, "spaces");
    drawn(folder, "saliency");
    closed_to_others(path, true); /* people's pictures */
    static const char *const PICTURES[] = {"report.html", "figures/saliency.csv", "figures/saliency.gp",
                                           "figures/saliency.svg", "figures/saliency.png"};
    for (size_t i = 0; i < sizeof PICTURES / sizeof *PICTURES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, PICTURES[i]);
        closed_to_others(path, true);
    }
    snprintf(path, sizeof path, "%s/figures/destinations.csv", folder);
    closed_to_others(path, false);
    /* rows lead to their runs, numbers are in the page, and the contents name every figure */
    has(folder, "report.html", "<a href=\"#e0-run-svd\">svd</a>");
    has(folder, "report.html", " id=\"e0-run-svd\"");
    has(folder, "report.html", "<a href=\"data:text/csv;charset=utf-8,place,class,name,before_percent");
    has(folder, "report.html", "<li><a href=\"#fig-saliency\">Where the network looks</a></li>");
    has(folder, "report.html", "<figure id=\"fig-saliency\"><div class=\"card natural\"");
    has(folder, "report.html", "@media print");
    base_free(folder);
}

/* Two images of three channels, and where a network looks in them, before and after. */
static void set_saliency(StoreRun *run, int32_t first_label)
{
    static const char *const SUFFIXES[] = {"", "_original"};
    const float pictures[2 * 3 * 4] = {0}, maps[2 * 2] = {1, 2, 3, 4};
    const double confidence[2] = {0.9, 0.25};
    const int32_t labels[2] = {first_label, 5}, predicted[2] = {3, 0};
    const uint8_t forgotten[2] = {1, 0};
    const int64_t two[] = {2}, of_pictures[] = {2, 3, 2, 2}, of_maps[] = {2, 1, 2};
    char path[64];
    assert_ok(store_run_set_array(run, "/saliency/pictures", STORE_F32, 4, of_pictures, pictures));
    assert_ok(store_run_set_array(run, "/saliency/labels", STORE_I32, 1, two, labels));
    assert_ok(store_run_set_array(run, "/saliency/forgotten", STORE_U8, 1, two, forgotten));
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "/saliency/maps%s", SUFFIXES[k]);
        assert_ok(store_run_set_array(run, path, STORE_F32, 3, of_maps, maps));
        snprintf(path, sizeof path, "/saliency/predicted%s", SUFFIXES[k]);
        assert_ok(store_run_set_array(run, path, STORE_I32, 1, two, predicted));
        snprintf(path, sizeof path, "/saliency/confidence%s", SUFFIXES[k]);
        assert_ok(store_run_set_array(run, path, STORE_F64, 1, two, confidence));
    }
}

/* "before after retrained": the models in saliency.csv, each of which says where it looks in both images; "" without. */
static void models_shown(const char *folder, char shown[64])
{
    char path[4300], *text, *before = NULL;
    assert_ok(base_strdup(getenv("PATH"), &before));
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0); /* the numbers are enough */
    make(folder);
    assert_int_equal(setenv("PATH", before, 1), 0);
    base_free(before);
    *shown = '\0';
    snprintf(path, sizeof path, "%s/figures/saliency.csv", folder);
    if (access(path, F_OK) != 0) return;
    text = text_in(folder, "figures/saliency.csv");
    for (size_t at = strcspn(text, "\n") + 1; text[at]; at += strcspn(text + at, "\n") + 1) {
        char name[16] = "";
        snprintf(name, sizeof name, "%.*s", (int)strcspn(text + at, ","), text + at);
        if (!strstr(shown, name)) snprintf(shown + strlen(shown), 64 - strlen(shown), "%s%s", *shown ? " " : "", name);
    }
    size_t rows = 0, models = 1;
    for (const char *c = text; *c; c++) rows += *c == '\n';
    for (const char *c = shown; *c; c++) models += *c == ' ';
    assert_int_equal(rows, 1 + models * 2 * 2);
    base_free(text);
    unlink(path);
}

/* The retrained network is shown wherever it stands, and where it saw the same images; nothing is shown of arrays that
 * are not what they must be, and of a network whose own are not, nothing of that one. */
static void test_models_of_saliency(void **state)
{
    (void)state;
    static const struct {
        const char *array;
        StoreType type;
        int ndim;
        int64_t shape[4];
        const char *shown;
    } CASES[] = {
        {"pictures", STORE_F64, 4, {2, 3, 2, 2}, ""},
        {"pictures", STORE_F32, 3, {2, 3, 4}, ""},
        {"pictures", STORE_F32, 1, {2}, ""},
        {"pictures", STORE_F32, 4, {2, 0, 2, 2}, ""},
        {"pictures", STORE_F32, 4, {3, 3, 2, 2}, ""},
        {"labels", STORE_I64, 1, {2}, ""},
        {"labels", STORE_I32, 1, {3}, ""},
        {"forgotten", STORE_I32, 1, {2}, ""},
        {"forgotten", STORE_U8, 1, {1}, ""},
        {"maps", STORE_F64, 3, {2, 1, 2}, "before retrained"},
        {"maps", STORE_F32, 2, {2, 2}, "before retrained"},
        {"maps", STORE_F32, 3, {1, 1, 2}, "before retrained"},
        {"predicted", STORE_I64, 1, {2}, "before retrained"},
        {"confidence", STORE_F64, 1, {1}, "before retrained"},
        {"maps_original", STORE_F32, 2, {2, 2}, "after retrained"},
        {"labels", STORE_I32, 1, {2}, "before after"}, /* of other images */
    };
    static const double zeros[36];
    char path[4300], shown[64];
    const RunSpec specs[] = {
        {"m", "original", "original", "original", "3", "Dress", NULL, 1, 0, 91, 91, 0.9, 0.5, false},
        {"m", "retrained", "retrain", "unlearn", "3", "Dress", NULL, 1, 0, 92, 0, 0.9, 0.5, false},
        {"m", "svd", "svd", "unlearn", "3", "Dress", NULL, 1, 0, 91, 0, 0.9, 0.5, false},
    };
    for (size_t first = 0; first < 2; first++) { /* with the original before it, and without */
        char *folder = folder_of(first ? "two" : "three");
        StoreRun *runs[3];
        for (size_t i = first; i < 3; i++) {
            run_write(folder, &specs[i]);
            snprintf(path, sizeof path, "%s/m-%s-3-1.h5", folder, specs[i].method);
            assert_ok(store_run_read(path, &runs[i]));
            if (i == 0) continue;
            set_saliency(runs[i], 3);
            assert_ok(store_run_write(runs[i], path));
        }
        models_shown(folder, shown);
        assert_string_equal(shown, "before after retrained");
        for (size_t c = 0; first && c < sizeof CASES / sizeof *CASES; c++) {
            snprintf(path, sizeof path, "/saliency/%s", CASES[c].array);
            assert_ok(store_run_set_array(runs[2], path, CASES[c].type, CASES[c].ndim, CASES[c].shape, zeros));
            snprintf(path, sizeof path, "%s/m-svd-3-1.h5", folder);
            assert_ok(store_run_write(runs[2], path));
            models_shown(folder, shown);
            if (strcmp(shown, CASES[c].shown)) fail_msg("case %zu: shown are '%s'", c, shown);
            set_saliency(runs[2], 3);
        }
        for (int32_t label = -1; first && label <= RUNS_K; label += RUNS_K + 1) { /* no class of the run's */
            set_saliency(runs[2], label);
            assert_ok(store_run_write(runs[2], path));
            models_shown(folder, shown);
            assert_string_equal(shown, "");
        }
        for (size_t i = first; i < 3; i++) store_run_free(runs[i]);
        base_free(folder);
    }
}

/* a: 1 s, 0.5; b: 2 s, 0.4 (beaten by a in both); c: 4 s, 0.9; a control is no rival. */
static void test_pareto(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        int64_t control;
        double seconds, score;
    } ROWS[] = {{"a", 0, 1, 0.5}, {"b", 0, 2, 0.4}, {"c", 0, 4, 0.9}, {"mask", 1, 0.001, 0.95}};
    char *folder = folder_of("pareto"), path[4300];
    for (int i = 0; i < 4; i++) {
        StoreRun *run;
        const RunSpec spec = {
            "p", ROWS[i].label, ROWS[i].label, "unlearn", "3", "Dress", NULL, 1, ROWS[i].control, 0, 0, 0, 0.5, false};
        assert_ok(store_run_create(&run));
        run_header(run, &spec);
        add_metric(run, "cpu_seconds", "test", math_estimate(ROWS[i].seconds, 0));
        add_metric(run, "composite", "test", math_estimate(ROWS[i].score, 100));
        snprintf(path, sizeof path, "%s/%d.h5", folder, i);
        assert_ok(store_run_write(run, path));
        store_run_free(run);
    }
    make(folder);
    has(folder, "figures/pareto.csv", "mask,0.001,0.95,,,0,1,0\na,1,0.5,,,1,0,0\nb,2,0.4,,,0,0,0\nc,4,0.9,,,1,0,0\n");
    drawn(folder, "pareto");
    base_free(folder);
}

/* The values of a row have costs of their own, one name and one line; a row of one value is a method as any other. */
static void test_pareto_each(void **state)
{
    (void)state;
    static const struct {
        const char *label, *family, *value;
        double seconds, score;
    } ROWS[] = {
        {"a", NULL, NULL, 1, 0.5}, {"b=1", "b", "1", 2, 0.7}, {"b=9", "b", "9", 8, 0.8}, {"c=1", "c", "1", 4, 0.6}};
    char *folder = folder_of("pareto-each"), path[4300];
    for (int i = 0; i < 4; i++) {
        StoreRun *run;
        const RunSpec spec = {"p", ROWS[i].label, ROWS[i].label, "unlearn", "3", "Dress", NULL, 1, 0, 0, 0,
                              0,   0.5,           false};
        assert_ok(store_run_create(&run));
        run_header(run, &spec);
        add_metric(run, "cpu_seconds", "test", math_estimate(ROWS[i].seconds, 0));
        add_metric(run, "composite", "test", math_estimate(ROWS[i].score, 100));
        if (ROWS[i].family) {
            assert_ok(store_run_set_text(run, "/each", "family", ROWS[i].family));
            assert_ok(store_run_set_text(run, "/each", "retain_per_class", ROWS[i].value));
        }
        snprintf(path, sizeof path, "%s/%d.h5", folder, i);
        assert_ok(store_run_write(run, path));
        store_run_free(run);
    }
    make(folder);
    has(folder, "figures/pareto.csv", "\na,1,0.5,,,1,0,0\nb=1,2,0.7,,,1,0,1\nc=1,4,0.6,,,0,0,0\nb=9,8,0.8,,,1,0,1\n");
    has(folder, "figures/pareto.gp", "set label 'b' ");
    has(folder, "figures/pareto.gp", "set label 'c=1' ");
    has(folder, "figures/pareto.gp", "$8 == 1 ? x($2) : NaN):3 with lines");
    char *script = text_in(folder, "figures/pareto.gp");
    assert_null(strstr(script, "set label 'b="));
    base_free(script);
    drawn(folder, "pareto");
    base_free(folder);
}

static void test_embedded_numbers(void **state)
{
    (void)state;
    BaseText out = {0};
    report_html_csv("figures/a.csv", "x,\"50%\"\n<b>&#\n", &out);
    assert_string_equal(out.data, "<a href=\"data:text/csv;charset=utf-8,x,%2250%25%22%0A%3Cb%3E%26%23%0A\" "
                                  "download=\"a.csv\">Numbers (.csv)</a>");
    base_text_free(&out);
    report_html_csv("a&b.csv", NULL, &out);
    assert_string_equal(out.data, "<a href=\"a&amp;b.csv\">Numbers (.csv)</a>");
    base_text_free(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each),
    cmocka_unit_test(test_crowd),
    cmocka_unit_test(test_upright),
    cmocka_unit_test(test_missing),
    cmocka_unit_test(test_several),
    cmocka_unit_test(test_inside),
    cmocka_unit_test(test_representation),
    cmocka_unit_test(test_weights),
    cmocka_unit_test(test_many_weights),
    cmocka_unit_test(test_changes),
    cmocka_unit_test(test_searches),
    cmocka_unit_test(test_many_searches),
    cmocka_unit_test(test_pareto),
    cmocka_unit_test(test_pareto_each),
    cmocka_unit_test(test_embedded_numbers),
    cmocka_unit_test(test_models_of_saliency),
};
SUPPORT_MAIN(tests)
