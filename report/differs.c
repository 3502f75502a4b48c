/* report/differs.c - which methods differ from retraining beyond what training again does: a claim for each method and
 * quantity, by paired t tests over training seeds, adjusted over the methods by Holm. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "math/exchange.h"
#include "report/compare.h"
#include "report/results.h"

enum { MOST = 8 };

/* The columns of a quantity, and its p of each method. */
typedef struct {
    const ReportQuantity *q;
    int difference, p;
} Column;

static int columns_of(ReportTable *t, const ReportExperiment *e, Column out[MOST])
{
    int count = 0;
    for (size_t i = 0; i < e->quantity_count && count < MOST; i++) {
        const ReportQuantity *q = &e->quantities[i];
        const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
        char key[512], title[512];
        MathEstimate value;
        if (!report_results_in_gap(q) || !retrained || !report_summary(retrained, q, &value, NULL)) continue;
        const char *part = q->field ? q->field : q->split;
        snprintf(key, sizeof key, "%s_%s_difference", q->name, part);
        snprintf(title, sizeof title, "%s%s%s less retrained", q->field ? "MIA " : "", q->title,
                 q->field || !strcmp(part, "test") ? "" : ", training set");
        out[count].q = q;
        out[count].difference = report_table_column(t, key, title, true, q->decimals, 900 - 10 * count);
        report_table_ideal(t, out[count].difference, q->unit, "", "0");
        snprintf(key, sizeof key, "%s_%s_p_holm", q->name, part);
        out[count].p = report_table_column(t, key, "p (Holm)", true, -1, 895 - 10 * count);
        count++;
    }
    return count;
}

static bool in_family(const ReportLabel *label)
{
    return label->rank == REPORT_RANK_METHOD && label->failed < label->count;
}

/* One row of one method: @p difference, @p adjusted of its columns, each @p stride behind the one before. */
static void add_row(ReportTable *t, const ReportLabel *label, const Column *columns, int count, int verdict,
                    const MathEstimate *difference, const double *adjusted, size_t stride)
{
    BaseText found = {0};
    bool tested = false;
    report_table_row(t, 0);
    report_table_text(t, 0, label->label);
    for (int c = 0; c < count; c++) {
        const double p = adjusted[(size_t)c * stride];
        report_table_number(t, columns[c].difference, difference[(size_t)c * stride], NAN);
        report_table_number(t, columns[c].p, math_estimate(p, 0), NAN);
        tested = tested || !isnan(p);
        if (p <= REPORT_LEVEL)
            base_text_add(&found, "%s%s%s", found.size ? ", " : "", columns[c].q->field ? "MIA " : "",
                          columns[c].q->title);
    }
    const char *list = base_text_of(&found, &t->st);
    report_table_text(t, verdict, *list ? list : tested ? "none shown" : "not tested");
    base_text_free(&found);
}

static void notes(ReportTable *t)
{
    report_table_note(
        t,
        "Differences: means over training seeds of a method's run less the retrained run of its class and "
        "seed, with 95%% t intervals over seeds (none of a single seed). p: two-sided paired t tests over seeds, in each "
        "column adjusted over the methods that have one there (Holm 1979); differs in: those of at most %g. No p with "
        "fewer than %d seeds in common with retraining, and where all seeds differ by the same amount, since t is then not "
        "defined. None shown is no proof of equality: see the interval, and beside it the noise floor.",
        REPORT_LEVEL, REPORT_SEEDS_LEAST);
}

ReportTable report_results_differs(const ReportExperiment *e)
{
    ReportTable t = report_table_make("Does a method differ from retraining?");
    Column columns[MOST];
    MathEstimate *difference = NULL;
    double *p = NULL, *adjusted = NULL;
    report_table_column(&t, "label", "method", false, 0, 1000);
    const int verdict = report_table_column(&t, "differs", "differs in", false, 0, 990),
              count = columns_of(&t, e, columns);
    size_t n = 0;
    for (size_t l = 0; l < e->label_count; l++) n += in_family(&e->labels[l]);
    if (t.st != BASE_OK || count == 0 || n == 0 || e->seed_count < REPORT_SEEDS_LEAST) return t;
    t.st = BASE_ALLOC((size_t)count * n, &difference);
    if (t.st == BASE_OK) t.st = BASE_ALLOC((size_t)count * n, &p);
    if (t.st == BASE_OK) t.st = BASE_ALLOC((size_t)count * n, &adjusted);
    for (int c = 0; c < count && t.st == BASE_OK; c++) {
        size_t at = (size_t)c * n;
        for (size_t l = 0; l < e->label_count; l++)
            if (in_family(&e->labels[l])) {
                difference[at] = report_difference(e, &e->labels[l], columns[c].q, &p[at]);
                at++;
            }
        math_holm(p + (size_t)c * n, (int64_t)n, adjusted + (size_t)c * n);
    }
    for (size_t l = 0, row = 0; l < e->label_count && t.st == BASE_OK; l++)
        if (in_family(&e->labels[l])) {
            add_row(&t, &e->labels[l], columns, count, verdict, difference + row, adjusted + row, n);
            row++;
        }
    notes(&t);
    base_free(difference);
    base_free(p);
    base_free(adjusted);
    return t;
}
