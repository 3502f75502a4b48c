/* report/variance.c - of what varies between the runs of a method, how much comes with the training and how much with the
 * unlearning: where networks of several seeds were each unlearned several times (math/components.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "math/components.h"
#include "report/results.h"

enum { NAME, QUANTITY, TRAINING, UNLEARNING, SHARE, RUNS };

/* The numbers of the classes that every seed and every unlearning has, [sets, seeds, unlearnings], as runs are ordered. */
static int64_t whole_sets(const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *q, double *y)
{
    const size_t each = e->seed_count * e->unlearn_count;
    int64_t sets = 0;
    for (size_t start = 0, end; start < label->count; start = end) {
        size_t n = 0;
        MathEstimate one;
        for (end = start; end < label->count && !strcmp(label->runs[end]->forget, label->runs[start]->forget); end++) {
            if (!report_value(label->runs[end], q, &one)) continue;
            if (n < each) y[(size_t)sets * each + n] = one.value;
            n++;
        }
        sets += n == each;
    }
    return sets;
}

static bool is_shown(const ReportQuantity *q)
{
    return report_results_in_gap(q) || (!q->field && !strcmp(q->role, "score") && !strcmp(q->split, "test"));
}

/* Returns whether the share was cut off at 0. */
static bool add_row(ReportTable *t, const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *q,
                    double *y)
{
    char text[512];
    const int64_t sets = whole_sets(e, label, q, y);
    const MathComponents c = math_components(y, sets, (int64_t)e->seed_count, (int64_t)e->unlearn_count);
    if (isnan(c.inner)) return false;
    report_table_row(t, report_results_flags(label));
    report_table_text(t, NAME, label->label);
    snprintf(text, sizeof text, "%s%s", q->field ? "MIA " : "", q->title);
    report_table_text(t, QUANTITY, text);
    report_table_number(t, TRAINING, math_estimate(sqrt(c.outer), 0), NAN);
    report_table_number(t, UNLEARNING, math_estimate(sqrt(c.inner), 0), NAN);
    if (c.outer + c.inner > 0)
        report_table_number(t, SHARE, math_estimate(100 * c.outer / (c.outer + c.inner), 0), NAN);
    snprintf(text, sizeof text, "%lld x %zu x %zu", (long long)sets, e->seed_count, e->unlearn_count);
    report_table_text(t, RUNS, text);
    return c.clipped;
}

ReportTable report_results_variance(const ReportExperiment *e)
{
    ReportTable t = report_table_make("Variance between trainings and between unlearnings of one network");
    int clipped = 0;
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, "quantity", "of", false, 0, 990);
    report_table_column(&t, "sd_training", "sd, trainings", true, -1, 950);
    report_table_column(&t, "sd_unlearning", "sd, unlearnings", true, -1, 940);
    int share = report_table_column(&t, "training_share", "training's share", true, 0, 980);
    report_table_ideal(&t, share, "% of the variance", "", "");
    report_table_column(&t, "runs", "classes x seeds x unlearnings", false, 0, 500);
    if (e->seed_count < 2 || e->unlearn_count < 2) return t;
    for (size_t l = 0; l < e->label_count && t.st == BASE_OK; l++) {
        const ReportLabel *label = &e->labels[l];
        double *y = NULL;
        if (label->count < e->seed_count * e->unlearn_count)
            continue; /* unlearned once: retrained, or read from files */
        t.st = BASE_ALLOC(label->count, &y);
        for (size_t i = 0; i < e->quantity_count && t.st == BASE_OK; i++)
            if (is_shown(&e->quantities[i])) clipped += add_row(&t, e, label, &e->quantities[i], y);
        base_free(y);
    }
    report_table_note(&t,
                      "By the method of moments for a balanced nested design (mean squares between seeds and between "
                      "unlearnings, over the classes that have all of them): standard deviations of one number of one "
                      "class. With few seeds the split is rough.");
    if (clipped)
        report_table_note(&t,
                          "In %d row%s the variance of trainings came out below 0, and is set to 0: it is small beside "
                          "that of unlearnings.",
                          clipped, clipped > 1 ? "s" : "");
    return t;
}
