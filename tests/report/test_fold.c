/* Means and intervals over training seeds: by hand, against a naive twin, and how often the interval holds. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "report/fold.h"
#include "tests/report/metrics.h"

enum { CLASSES = 10, SEEDS = 6, AGAIN = 3, MOST = CLASSES * SEEDS * AGAIN };

/* Runs of every class, seed and unlearning, in a label's order; values go into its scratch. */
typedef struct {
    ReportRun run[MOST];
    const ReportRun *runs[MOST];
    double scratch[2 * MOST];
    ReportLabel label;
} Grid;

static void grid_make(Grid *g, int classes, int seeds, int again)
{
    static const char *const NAMES[CLASSES] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    int n = 0;
    memset(g, 0, sizeof *g);
    for (int c = 0; c < classes; c++)
        for (int s = 0; s < seeds; s++)
            for (int j = 0; j < again; j++, n++) {
                g->run[n] = (ReportRun){.forget = NAMES[c], .seed = 7 * s};
                g->runs[n] = &g->run[n];
            }
    g->label = (ReportLabel){.label = "x", .runs = g->runs, .count = (size_t)n, .scratch = g->scratch};
}

/* Two classes, two seeds: seeds' means 2 and 5, so 3.5 with t(0.975, 1) = 12.7062 times |5 - 2| / 2 = 1.5 to each side. */
static void by_hand(void **state)
{
    (void)state;
    static Grid g;
    double sd;
    grid_make(&g, 2, 2, 1);
    memcpy(g.scratch, (double[]){1, 4, 3, 6}, 4 * sizeof(double));
    ReportFold f = report_fold(&g.label);
    assert_int_equal(f.seeds, 2);
    assert_int_equal(f.cells, 4);
    MathEstimate mean = report_fold_mean(&f, false, &sd);
    assert_near(mean.value, 3.5, 1e-15, 0);
    assert_near(mean.hi, 3.5 + 12.706204736 * 1.5, 0, 1e-9);
    assert_int_equal(mean.n, 2);
    assert_near(sd, sqrt(13.0 / 3), 1e-14, 0); /* 2.5^2, .5^2, .5^2, 2.5^2 */
    /* one seed: over its classes */
    grid_make(&g, 3, 1, 1);
    memcpy(g.scratch, (double[]){1, 2, 3}, 3 * sizeof(double));
    f = report_fold(&g.label);
    mean = report_fold_mean(&f, false, &sd);
    assert_int_equal(mean.n, 3);
    assert_near(mean.hi, 2 + 4.3026527297 / sqrt(3), 0, 1e-9);
    /* unlearnings of one network: over them, and beside other networks only their mean; t(0.975, 1) times 0.5 */
    grid_make(&g, 1, 1, 3);
    memcpy(g.scratch, (double[]){1, 2, NAN}, 3 * sizeof(double));
    f = report_fold(&g.label);
    assert_int_equal(f.runs, 2);
    mean = report_fold_mean(&f, false, &sd);
    assert_near(mean.value, 1.5, 1e-15, 0);
    assert_int_equal(mean.n, 2);
    assert_near(mean.hi, 1.5 + 12.706204736 * 0.5, 0, 1e-9);
    assert_near(sd, sqrt(0.5), 1e-15, 0);
    grid_make(&g, 2, 1, 2);
    memcpy(g.scratch, (double[]){1, 2, 4, 9}, 4 * sizeof(double)); /* classes 1.5 and 6.5 */
    f = report_fold(&g.label);
    mean = report_fold_mean(&f, false, &sd);
    assert_int_equal(mean.n, 2);
    assert_near(mean.lo, 4 - 12.706204736 * 2.5, 0, 1e-9);
    assert_near(sd, sqrt(12.5), 1e-14, 0);
}

/* A class that a seed lacks would be a difference of seeds; where no class is whole there is no interval. */
static void gaps_in_the_design(void **state)
{
    (void)state;
    static Grid g;
    grid_make(&g, 2, 2, 1);
    memcpy(g.scratch, (double[]){1, 2, 100, NAN}, 4 * sizeof(double));
    ReportFold f = report_fold(&g.label);
    assert_false(f.broken);
    assert_int_equal(f.cells, 2);
    assert_near(report_fold_mean(&f, false, NULL).value, 1.5, 1e-15, 0);
    memcpy(g.scratch, (double[]){1, NAN, NAN, 3}, 4 * sizeof(double));
    f = report_fold(&g.label);
    assert_true(f.broken);
    MathEstimate mean = report_fold_mean(&f, false, NULL);
    assert_near(mean.value, 2, 1e-15, 0);
    assert_true(isnan(mean.lo) && isnan(mean.hi));
    memcpy(g.scratch, (double[]){NAN, NAN, NAN, NAN}, 4 * sizeof(double));
    f = report_fold(&g.label);
    assert_int_equal(f.cells + f.seeds + f.runs, 0);
    assert_true(isnan(report_fold_mean(&f, false, NULL).value));
}

/* A table's cell from runs that have these numbers (NaN: failed) in the grid's order, as report_summary gives it. */
static MathEstimate summary_of(Grid *g, const double *values, const ReportQuantity *q, double *sd)
{
    MathEstimate out;
    for (size_t i = 0; i < g->label.count; i++) {
        g->run[i].failed = isnan(values[i]);
        assert_ok(store_run_create(&g->run[i].store));
        if (!isnan(values[i])) add_metric(g->run[i].store, q->name, q->split, math_estimate(values[i], 100));
    }
    report_summary(&g->label, q, &out, sd);
    for (size_t i = 0; i < g->label.count; i++) store_run_free(g->run[i].store);
    return out;
}

/* What has no interval has none in tables either, not the whole range; an interval is cut to the range at each end that
 * leaves it, where there is an end. */
static void no_interval_is_none(void **state)
{
    (void)state;
    static Grid g;
    const ReportQuantity share =
                             {.name = "acc_retain", .split = "test", .ideal = "", .scale = 1, .least = 0, .most = 100},
                         seconds = {.name = "wall_seconds", .split = "test", .ideal = "", .scale = 1, .most = INFINITY};
    double sd;
    const ReportQuantity *const both[] = {&share, &seconds};
    for (int i = 0; i < 2; i++) { /* broken: class 0 of one seed, class 1 of the other */
        grid_make(&g, 2, 2, 1);
        MathEstimate mean = summary_of(&g, (double[]){96, NAN, NAN, 98}, both[i], &sd);
        assert_near(mean.value, 97, 1e-12, 0);
        assert_true(isnan(mean.lo) && isnan(mean.hi));
    }
    grid_make(&g, 1, 1, 2); /* 97 +- 12.706 on 1 degree; the upper end leaves the range of a share alone */
    for (int i = 0; i < 2; i++) {
        MathEstimate mean = summary_of(&g, (double[]){96, 98}, both[i], &sd);
        assert_near(mean.lo, 97 - 12.706204736, 0, 1e-9);
        assert_near(mean.hi, i ? 97 + 12.706204736 : 100, 0, 1e-9);
        assert_near(sd, sqrt(2), 1e-14, 0);
        assert_int_equal(mean.n, 2);
    }
    MathEstimate low = summary_of(&g, (double[]){1, 3}, &seconds, &sd);
    assert_near(low.lo, 0, 0, 0);
    low = summary_of(&g, (double[]){5, NAN}, &share, &sd); /* one run: its own */
    assert_near(low.value, 5, 0, 0);
    assert_true(isnan(low.lo) && isnan(sd));
}

/* By definition, from a table [class][seed] of lists. Both add the same few numbers, in an order that may differ: 1e-13. */
static void against_a_twin(void **state)
{
    (void)state;
    static Grid g;
    BaseRandom r = base_random_make(1, "fold", 0);
    for (int t = 0; t < 300; t++) {
        int classes = 1 + (int)base_random_below(&r, CLASSES), seeds = 1 + (int)base_random_below(&r, SEEDS),
            again = 1 + (int)base_random_below(&r, AGAIN), n = 0, have[SEEDS] = {0}, wanted = 0;
        double cell[CLASSES][SEEDS], mean[SEEDS] = {0}, lost = t % 3 ? 0.1 : 0;
        int whole = 0;
        grid_make(&g, classes, seeds, again);
        for (int c = 0; c < classes; c++)
            for (int s = 0; s < seeds; s++) {
                double sum = 0;
                int there = 0;
                for (int j = 0; j < again; j++, n++) {
                    g.scratch[n] = base_random_uniform(&r) < lost ? (double)NAN : base_random_normal(&r);
                    if (!isnan(g.scratch[n])) sum += g.scratch[n], there++;
                }
                cell[c][s] = there ? sum / there : (double)NAN;
                have[s] += there > 0;
            }
        for (int s = 0; s < seeds; s++) wanted += have[s] > 0;
        for (int c = 0; c < classes; c++) {
            int there = 0;
            for (int s = 0; s < seeds; s++) there += !isnan(cell[c][s]);
            if (there != wanted) continue;
            whole++;
            for (int s = 0; s < seeds; s++) mean[s] += isnan(cell[c][s]) ? 0 : cell[c][s];
        }
        const ReportFold f = report_fold(&g.label);
        assert_int_equal(f.seeds, wanted);
        if (wanted < 2) continue;
        assert_int_equal(f.broken, whole == 0);
        for (int s = 0, at = 0; s < seeds && whole; s++)
            if (have[s]) assert_near(f.seed[at++], mean[s] / whole, 1e-13, 0);
        if (whole) assert_int_equal(f.cells, whole * wanted);
    }
}

/* y = seed + class + noise, sd 1, 1, 0.5; ten classes: 95% intervals over seeds hold in 95% of worlds, those over runs, which take
 * all of them to be independent, in far fewer. Four standard deviations of 2000 coins of 0.95 are 0.02. */
static void holds(void **state)
{
    (void)state;
    enum { TRIALS = 2000 };
    static Grid g;
    BaseRandom r = base_random_make(2, "cover", 0);
    for (int seeds = 2; seeds <= 5; seeds++) {
        int held = 0, naive = 0;
        grid_make(&g, CLASSES, seeds, 1);
        for (int t = 0; t < TRIALS; t++) {
            double seed[SEEDS], class, truth = 0;
            for (int s = 0; s < seeds; s++) seed[s] = base_random_normal(&r);
            for (int c = 0, n = 0; c < CLASSES; c++) {
                class = base_random_normal(&r);
                truth += class / CLASSES; /* new trainings, these classes */
                for (int s = 0; s < seeds; s++, n++) g.scratch[n] = seed[s] + class + 0.5 * base_random_normal(&r);
            }
            MathEstimate over = math_stats_mean(g.scratch, (int64_t)g.label.count, 0.95, NULL);
            naive += over.lo <= truth && truth <= over.hi;
            const ReportFold f = report_fold(&g.label);
            MathEstimate mean = report_fold_mean(&f, false, NULL);
            held += mean.lo <= truth && truth <= mean.hi;
        }
        print_message("# %d seeds: %.1f%% over seeds, %.1f%% over runs\n", seeds, 100.0 * held / TRIALS,
                      100.0 * naive / TRIALS);
        assert_true(fabs((double)held / TRIALS - 0.95) < 0.02);
        assert_true((double)naive / TRIALS < 0.8);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(by_hand),
    cmocka_unit_test(gaps_in_the_design),
    cmocka_unit_test(no_interval_is_none),
    cmocka_unit_test(against_a_twin),
    cmocka_unit_test(holds),
};
SUPPORT_MAIN(tests)
