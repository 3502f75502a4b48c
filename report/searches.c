/* report/searches.c - every trial of every search: what was tried, what it scored on the validation split, what was
 * chosen, what it cost. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/results.h"

static const struct {
    const char *name, *title, *unit;
    int decimals;
} COLUMNS[] = {{"score", "score", "", 4},
               {"acc_retain", "ACC_r validation", "%", 2},
               {"acc_forget", "ACC_f validation", "%", 2},
               {"trial_seconds", "time", "s", -1}};
enum { COLUMN_COUNT = sizeof COLUMNS / sizeof *COLUMNS, FIRST = 5 };

/* A search that several jobs share is stored with each of them. */
static bool told_before(const ReportExperiment *e, size_t label, size_t run)
{
    const char *key = store_run_text(e->labels[label].runs[run]->store, "/search", "key");
    for (size_t l = 0; l <= label && key; l++) {
        for (size_t i = 0; i < (l == label ? run : e->labels[l].count); i++) {
            const char *other = store_run_text(e->labels[l].runs[i]->store, "/search", "key");
            if (other && strcmp(other, key) == 0) return true;
        }
    }
    return false;
}

static void add_search(ReportTable *t, const ReportRun *run)
{
    StoreArray column[COLUMN_COUNT];
    const char *const *settings, *sets = store_run_text(run->store, "/search", "sets_named");
    if (!sets) sets = store_run_text(run->store, "/search", "sets"); /* a run of an earlier program */
    size_t trials;
    bool there[COLUMN_COUNT];
    if (!store_run_texts(run->store, "/search/settings", &settings, &trials)) return;
    double chosen = store_run_f64(run->store, "/search", "chosen");
    for (int c = 0; c < COLUMN_COUNT; c++) {
        char path[64];
        snprintf(path, sizeof path, "/search/%s", COLUMNS[c].name);
        there[c] = store_run_array(run->store, path, &column[c]) && column[c].type == STORE_F64 &&
                   column[c].count == (int64_t)trials;
    }
    for (size_t i = 0; i < trials; i++) {
        report_table_row(t, 0);
        report_table_text(t, 0, run->label);
        report_table_text(t, 1, sets ? sets : run->forget);
        report_table_number(t, 2, math_estimate(run->seed, 0), NAN);
        report_table_text(t, 3, settings[i]);
        report_table_text(t, 4, (double)i == chosen ? "chosen" : "");
        for (int c = 0; c < COLUMN_COUNT; c++)
            if (there[c]) report_table_number(t, FIRST + c, math_estimate(((const double *)column[c].data)[i], 0), NAN);
    }
    const char *objective = store_run_text(run->store, "/search", "objective");
    const char *budget = store_run_text(run->store, "/search", "budget");
    report_table_note(t,
                      "%s, seed %.0f: %zu trials by %s; %.0f validation images; %.1f s and %.0f images through the "
                      "network in total; budget %s.",
                      run->label, run->seed, trials, objective ? objective : "the objective",
                      store_run_f64(run->store, "/search", "n"), store_run_f64(run->store, "/search", "seconds"),
                      store_run_f64(run->store, "/search", "passes"), budget ? budget : "not recorded");
}

ReportTable report_results_search(const ReportExperiment *e)
{
    ReportTable t = report_table_make("Searches: parameters chosen on the validation split");
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, "sets", "searched on", false, 0, 900);
    report_table_column(&t, "seed", "seed", true, 0, 800);
    report_table_column(&t, "settings", "values", false, 0, 950);
    report_table_column(&t, "chosen", "chosen", false, 0, 940);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        int column = report_table_column(&t, COLUMNS[c].name, COLUMNS[c].title, true, COLUMNS[c].decimals, 100 - c);
        report_table_ideal(&t, column, COLUMNS[c].unit, "", "");
    }
    for (size_t l = 0; l < e->label_count; l++) {
        for (size_t i = 0; i < e->labels[l].count; i++) {
            if (!e->labels[l].runs[i]->failed && !told_before(e, l, i)) add_search(&t, e->labels[l].runs[i]);
        }
    }
    return t;
}
