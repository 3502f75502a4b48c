/* report/scores.c - the table of the scores that other papers compare methods by, and of what each method cost. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/results.h"

static int importance_of(const ReportExperiment *e, const ReportQuantity *q)
{
    (void)e;
    return q->in_scores;
}

/* Repeats of relearning that gave up, over all runs. */
static void relearn_note(ReportTable *t, const ReportExperiment *e)
{
    size_t given_up = 0, all = 0;
    double limit = NAN;
    for (size_t l = 0; l < e->label_count; l++) {
        for (size_t i = 0; i < e->labels[l].count; i++) {
            StoreArray reached;
            const StoreRun *run = e->labels[l].runs[i]->store;
            if (!store_run_array(run, "/relearn/reached", &reached) || reached.type != STORE_U8) continue;
            limit = store_run_f64(run, "/relearn", "limit");
            for (int64_t k = 0; k < reached.count; k++) given_up += ((const uint8_t *)reached.data)[k] == 0;
            all += (size_t)reached.count;
        }
    }
    if (given_up)
        report_table_note(t,
                          "Relearning: %zu of %zu repeats had not relearned after %.0f steps and count as that many, a "
                          "lower bound; AIN is then left out.",
                          given_up, all, limit);
}

/* Of how much training from retained images the recovered accuracy speaks. */
static void recovered_note(ReportTable *t, const ReportExperiment *e)
{
    double most[2] = {NAN, NAN}, least[2] = {NAN, NAN};
    static const char *const NAMES[2] = {"retain_steps", "judged"};
    char text[2][64];
    for (size_t l = 0; l < e->label_count; l++)
        for (size_t i = 0; i < e->labels[l].count; i++)
            for (int k = 0; k < 2; k++) { /* fmin and fmax pass over NaN: not measured */
                double x = store_run_f64(e->labels[l].runs[i]->store, "/relearn", NAMES[k]);
                least[k] = fmin(least[k], x);
                most[k] = fmax(most[k], x);
            }
    if (isnan(most[0])) return;
    for (int k = 0; k < 2; k++)
        if (least[k] < most[k])
            snprintf(text[k], sizeof text[k], "%.0f to %.0f", least[k], most[k]);
        else
            snprintf(text[k], sizeof text[k], "%.0f", most[k]);
    report_table_note(
        t,
        "recovered ACC_f: accuracy on %s test images of the forgotten classes within %s steps on retained "
        "images alone, the highest after any epoch; the value of the retrained network is what comes back by itself.",
        text[1], text[0]);
}

ReportTable report_results_metrics(const ReportExperiment *e)
{
    ReportTable t = report_table_make("Scores from other papers, and costs");
    const ReportQuantity *quantities[REPORT_COLUMNS_MAX];
    int columns[REPORT_COLUMNS_MAX], scored[REPORT_COLUMNS_MAX],
        count = report_results_order(e, importance_of, quantities);
    bool scores = false;
    while (count > 0 && quantities[count - 1]->in_scores == 0) count--;
    report_table_column(&t, "label", "method", false, 0, 1000);
    for (int i = 0; i < count; i++) {
        columns[i] = report_results_column(&t, quantities[i], quantities[i]->in_scores);
        scored[i] = quantities[i]->cost ? -1 : columns[i]; /* nobody is best by what it cost */
        scores = scores || !quantities[i]->cost;
    }
    for (size_t l = 0; l < e->label_count && scores; l++) {
        const ReportLabel *label = &e->labels[l];
        bool training = label->rank == REPORT_RANK_ORIGINAL && !*label->runs[0]->forget;
        if (training || label->failed == label->count) continue;
        report_table_row(&t, report_results_flags(label));
        report_table_text(&t, 0, label->label);
        for (int i = 0; i < count; i++) report_results_number(&t, columns[i], label, quantities[i]);
    }
    report_results_mark(&t, e, quantities, scored, count);
    report_reach_notes(&t, e, quantities, count);
    relearn_note(&t, e);
    recovered_note(&t, e);
    report_table_note(&t,
                      "FLOPs and epochs count passes through the network; a pass of a method that needs gradients "
                      "counts as three forward passes. A method's own linear algebra is only in the time. The cost of "
                      "a search is given under Searches.");
    return t;
}
