/* report/published.c - published numbers beside ours, where there are any for this data and architecture; everywhere
 * else the tables say that none is available. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/results.h"

bool report_published_any(const ReportExperiment *e)
{
    const ReportPublished *p = e->known->published;
    size_t name = strcspn(e->data, ":");
    return p && name == strlen(p->data) && strncmp(e->data, p->data, name) == 0 && strcmp(e->arch, p->arch) == 0;
}

static const ReportLabel *label_of(const ReportExperiment *e, const char *method)
{
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        if (label->failed < label->count && strcmp(label->runs[0]->method, method) == 0) return label;
    }
    return NULL;
}

ReportTable report_results_published(const ReportExperiment *e)
{
    ReportTable t = report_table_make("Published numbers beside those of this report");
    const ReportPublished *published = e->known->published;
    const ReportQuantity *ours[REPORT_PUBLISHED_COLUMNS];
    if (!report_published_any(e)) return t;
    report_table_column(&t, "printed", "published as", false, 0, 1000);
    report_table_column(&t, "label", "here", false, 0, 999);
    for (int c = 0; c < REPORT_PUBLISHED_COLUMNS; c++) {
        char key[64], title[64];
        ours[c] = report_quantity_with(e, published->columns[c].role);
        for (int mine = 0; mine < 2; mine++) {
            snprintf(key, sizeof key, "%s_%s", published->columns[c].key, mine ? "here" : "published");
            snprintf(title, sizeof title, "%s %s", published->columns[c].title, mine ? "here" : "published");
            int column = report_table_column(&t, key, title, true, 2, 100);
            report_table_ideal(&t, column, "%", "", "");
        }
    }
    for (size_t i = 0; i < published->row_count; i++) {
        const ReportPublishedRow *p = &published->rows[i];
        const ReportLabel *label = label_of(e, p->method);
        report_table_row(&t, 0);
        report_table_text(&t, 0, p->printed);
        report_table_text(&t, 1, label ? label->label : "not run");
        for (int c = 0; c < REPORT_PUBLISHED_COLUMNS; c++) {
            report_table_number(&t, 2 + 2 * c, math_estimate(p->value[c], 10), p->sd[c]);
            report_results_number(&t, 3 + 2 * c, label, ours[c]);
        }
    }
    report_table_note(&t, "%s", published->note);
    return t;
}
