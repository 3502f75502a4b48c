/* report/searches.c - every trial of every search: what was tried, what it scored on the validation split, what was
 * chosen, what it cost. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/results.h"

typedef struct {
    const char *name, *title, *of, *unit;
    int decimals;
} Column;
enum { COLUMN_COUNT = 4, FIRST = 5, FEW = 2000 };

static Column column_with(const ReportExperiment *e, const char *role)
{
    const ReportQuantity *q = report_quantity_with(e, role);
    return q ? (Column){q->name, q->title, " validation", q->unit, q->decimals}
             : (Column){role, role, " validation", "%", 2};
}

static void columns_of(const ReportExperiment *e, Column out[COLUMN_COUNT])
{
    out[0] = (Column){"score", "score", "", "", 4};
    out[1] = column_with(e, "retained");
    out[2] = column_with(e, "forgotten");
    out[3] = (Column){"trial_seconds", "time", "", "s", -1};
}

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

static void add_search(ReportTable *t, const ReportRun *run, const Column columns[COLUMN_COUNT])
{
    StoreArray column[COLUMN_COUNT];
    const char *const *settings, *sets = store_run_text(run->store, "/search", "sets_named");
    if (!sets) sets = store_run_text(run->store, "/search", "sets"); /* a run of an earlier program */
    size_t trials;
    bool there[COLUMN_COUNT];
    if (!store_run_texts(run->store, "/search/settings", &settings, &trials)) return;
    double chosen = store_run_f64(run->store, "/search", "chosen");
    for (int c = 0; c < COLUMN_COUNT; c++)
        there[c] = store_run_array_in(run->store, "/search", columns[c].name, &column[c]) &&
                   column[c].type == STORE_F64 && column[c].count == (int64_t)trials;
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
    const double n = store_run_f64(run->store, "/search", "n"),
                 evaluations = store_run_f64(run->store, "/search", "evaluations");
    char spent[64] = "";
    if (!isnan(evaluations)) snprintf(spent, sizeof spent, " (%.4g evaluations)", evaluations);
    report_table_note(
        t,
        "%s, seed %.0f: %zu trial%s%s by %s; %.0f validation images%s; %.1f s and %.0f images through the "
        "network in total; budget %s.",
        run->label, run->seed, trials, trials == 1 ? "" : "s", spent, objective ? objective : "the objective", n,
        n < FEW ? ", fewer than 2000: trials that score alike may differ by chance" : "",
        store_run_f64(run->store, "/search", "seconds"), store_run_f64(run->store, "/search", "passes"),
        budget ? budget : "not recorded");
}

ReportTable report_results_search(const ReportExperiment *e)
{
    ReportTable t = report_table_make("Searches: parameters chosen on the validation split");
    Column columns[COLUMN_COUNT];
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, "sets", "searched on", false, 0, 900);
    report_table_column(&t, "seed", "seed", true, 0, 800);
    report_table_column(&t, "settings", "values", false, 0, 950);
    report_table_column(&t, "chosen", "chosen", false, 0, 940);
    columns_of(e, columns);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        char title[512];
        snprintf(title, sizeof title, "%s%s", columns[c].title, columns[c].of);
        int column = report_table_column(&t, columns[c].name, title, true, columns[c].decimals, 100 - c);
        report_table_ideal(&t, column, columns[c].unit, "", "");
    }
    for (size_t l = 0; l < e->label_count; l++) {
        for (size_t i = 0; i < e->labels[l].count; i++) {
            if (!e->labels[l].runs[i]->failed && !told_before(e, l, i)) add_search(&t, e->labels[l].runs[i], columns);
        }
    }
    return t;
}
