/* tests/report/metrics.h - what the metrics and methods of invented runs say of themselves; in the program their
 * plug-ins do, in folders that report/ may not use. */
#ifndef TESTS_REPORT_METRICS_H
#define TESTS_REPORT_METRICS_H

#include <math.h>
#include <string.h>

#include "store/store.h"

static inline void add_metric(StoreRun *run, const char *name, const char *split, MathEstimate value)
{
    static const StoreMetric METRICS[] = {
        {"acc_retain", NULL, "ACC_r", "%", "retrained", "up", "retained", 0, 100, 2, 100, 0},
        {"acc_forget", NULL, "ACC_f", "%", "retrained", "down", "forgotten", 0, 100, 2, 99, 0},
        {"composite", NULL, "ACC_r(1-ACC_f)", "1", "retrained", "up", "score", 0, 1, -1, 40, 0},
        {"weight_distance", NULL, "||dW||/||W||", "1", "", "", "", -INFINITY, INFINITY, -1, 30, 0},
        {"wall_seconds", NULL, "wall", "s", "low", "down", "", 0, INFINITY, -1, 50, 70},
        {"cpu_seconds", NULL, "CPU", "s", "low", "down", "cost", 0, INFINITY, -1, 0, 0},
        {"samples", NULL, "samples", "1", "low", "down", "", 0, INFINITY, 0, 45, 0},
        {"tow", NULL, "ToW", "1", "1", "up", "", 0, 1, -1, 0, 100},
        {"relearn_steps", NULL, "relearn steps", "1", "retrained", "", "", 0, INFINITY, -1, 0, 94},
    };
    size_t i = 0;
    while (strcmp(METRICS[i].name, name) != 0) assert_true(++i < sizeof METRICS / sizeof *METRICS);
    StoreMetric metric = METRICS[i];
    metric.split = split;
    if (strcmp(split, "test") != 0) metric.in_results = metric.in_scores = 0;
    assert_ok(store_run_add_metric(run, &metric, value));
}

static inline void set_method(StoreRun *run, const char *method, bool control)
{
    const char *rank = control                       ? "control"
                       : !strcmp(method, "original") ? "original"
                       : !strcmp(method, "retrain")  ? "retrained"
                       : !strcmp(method, "svd")      ? "featured"
                                                     : "method";
    assert_ok(store_run_set_text(run, "/", "method", method));
    assert_ok(store_run_set_i64(run, "/", "control", control));
    assert_ok(store_run_set_text(run, "/", "rank", rank));
}

#endif
