/* report/columns.c - a column has the quantity's title and ideal, a cell what the runs of a label have of it. */
#include "report/columns.h"

#include <stdio.h>
#include <string.h>

int report_results_column(ReportTable *t, const ReportQuantity *q, int importance)
{
    char key[512], title[512];
    snprintf(key, sizeof key, "%s_%s", q->name, q->field ? q->field : q->split);
    if (q->field)
        snprintf(title, sizeof title, "%s %s", strcmp(q->field, "auc") ? "MIA" : "AUC", q->title);
    else if (!strcmp(q->split, "test"))
        snprintf(title, sizeof title, "%s", q->title);
    else
        snprintf(title, sizeof title, "%s %s", q->title, q->split);
    int column = report_table_column(t, key, title, true, q->decimals, importance);
    report_table_ideal(t, column, q->unit, q->arrow, q->ideal);
    return column;
}

void report_results_number(ReportTable *t, int column, const ReportLabel *label, const ReportQuantity *q)
{
    MathEstimate value;
    double sd;
    if (label && q && report_summary(label, q, &value, &sd)) report_table_number(t, column, value, sd);
}

int report_results_order(const ReportExperiment *e, ReportImportance importance_in, const ReportQuantity **out)
{
    int count = 0;
    for (size_t i = 0; i < e->quantity_count && count < REPORT_COLUMNS_MAX; i++) {
        int at = count++;
        int mine = importance_in(e, &e->quantities[i]);
        while (at > 0 && importance_in(e, out[at - 1]) < mine) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = &e->quantities[i];
    }
    return count;
}
