/* report/papers.c - which of these numbers each paper would call its own, under which name. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/results.h"

static const ReportQuantity *quantity_of(const ReportExperiment *e, const ReportPaper *c)
{
    if (c->name) return report_quantity(e, c->name, c->split, NULL);
    const ReportRun *run = report_first_ok(report_featured(e));
    for (size_t i = 0; i < e->quantity_count && run; i++) {
        const ReportQuantity *q = &e->quantities[i];
        char group[512];
        if (!q->field || strcmp(q->field, "efficacy") != 0) continue;
        snprintf(group, sizeof group, "/attacks/%s", q->name);
        const char *attack = store_run_text(run->store, group, "attack"),
                   *wiring = store_run_text(run->store, group, "wiring");
        if (attack && wiring && !strcmp(attack, c->attack) && !strcmp(wiring, c->wiring)) return q;
    }
    return NULL;
}

ReportTable report_results_papers(const ReportExperiment *e)
{
    ReportTable t = report_table_make("The columns of other papers");
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED), *featured = report_featured(e);
    report_table_column(&t, "paper", "paper", false, 0, 1000);
    report_table_column(&t, "column", "name there", false, 0, 999);
    report_table_column(&t, "here", "here", false, 0, 998);
    report_table_column(&t, "how", "theirs", false, 0, 997);
    int ours = report_table_column(&t, "featured", featured ? featured->label : "method", true, -1, 900);
    int theirs = retrained ? report_table_column(&t, "retrained", retrained->label, true, -1, 800) : -1;
    for (size_t i = 0; i < e->known->paper_count; i++) {
        const ReportPaper *c = &e->known->papers[i];
        const ReportQuantity *q = quantity_of(e, c);
        char here[600];
        if (!q) continue;
        snprintf(here, sizeof here, "%s%s%s%s", q->field ? "MIA " : "", q->title, q->field ? "" : ", ",
                 q->field ? "" : q->split);
        report_table_row(&t, 0);
        report_table_text(&t, 0, c->paper);
        report_table_text(&t, 1, c->column);
        report_table_text(&t, 2, here);
        report_table_text(&t, 3, c->how);
        report_results_number(&t, ours, featured, q);
        if (theirs >= 0) report_results_number(&t, theirs, retrained, q);
    }
    report_table_note(
        &t, "The values are those of the column of this report, not converted. Avg. Gap of Unlearn-Sparse and SalUn "
            "averages the gaps of their columns; the mean gap under Results names its own columns.");
    return t;
}
