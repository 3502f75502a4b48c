/* tests/report/few.h - folders of a few invented runs, as rows of numbers, and their report. */
#ifndef TESTS_REPORT_FEW_H
#define TESTS_REPORT_FEW_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "report/results.h"
#include "tests/report/metrics.h"

/* One run: its numbers in the order ACC_r, ACC_f, ToW. */
typedef struct {
    const char *label, *method, *forget, *arch, *data;
    int seed;
    double value[3];
} Spec;

static inline StoreRun *make(const Spec *s)
{
    static const char *const NAMES[] = {"acc_retain", "acc_forget", "tow"};
    StoreRun *run;
    char id[128];
    snprintf(id, sizeof id, "%s-%s-%d", s->label, s->forget, s->seed);
    assert_ok(store_run_create(&run));
    const char *const texts[] = {"id",    id,       "status", "ok",    "experiment", "scores", "kind",   "unlearn",
                                 "label", s->label, "arch",   s->arch, "data",       s->data,  "forget", s->forget};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i += 2)
        assert_ok(store_run_set_text(run, "/", texts[i], texts[i + 1]));
    assert_ok(store_run_set_i64(run, "/", "seed", s->seed));
    set_method(run, s->method, strcmp(s->method, "mask_logit") == 0);
    for (int m = 0; m < 3; m++) add_metric(run, NAMES[m], "test", math_estimate(s->value[m], 1000));
    return run;
}

static inline char *folder_of(const char *name)
{
    char *path = NULL;
    assert_ok(base_format(&path, "%s/%s", support_scratch(), name));
    assert_ok(io_folder_make(path));
    return path;
}

static inline void write_run(const char *folder, StoreRun *run)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/%s.h5", folder, store_run_text(run, "/", "id"));
    assert_ok(store_run_write(run, path));
    store_run_free(run);
}

static const ReportPaper PAPERS[] = {
    {"Unlearn-Sparse; SalUn", "MIA", NULL, NULL, "svc", "salun", "as here, confidence"},
    {"DUCK", "AUS", "aus", "test", NULL, NULL, "as here"},
    {"RUM", "ToW", "tow", "test", NULL, NULL, "as here"}};
static const ReportPublishedRow ROWS[] = {
    {"Retraining", "retrain", {94.81, 0, 100}, {0.52, NAN, 0}},
    {"Kodge et al. 2024", "svd", {94.19, 0.03, 95.5}, {0.50, 0.09, 14.23}},
};
static const ReportPublished PUBLISHED = {
    "cifar10",
    "resnet18",
    "As transcribed by a third party.",
    {{"acc_retain", "ACC_r", "retained"}, {"acc_forget", "ACC_f", "forgotten"}, {"mia", "MIA", "attack"}},
    ROWS,
    2};
static const ReportKnown KNOWN = {.papers = PAPERS, .paper_count = 3, .published = &PUBLISHED};

static inline void load(const char *folder, ReportSet *set)
{
    const char *const folders[] = {folder};
    assert_ok(report_load(folders, 1, &KNOWN, set));
    assert_int_equal(set->experiment_count, 1);
}

#endif
