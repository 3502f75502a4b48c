/* report/reach.c - an ideal of 0 or 1 is for networks that are equal; two retrained ones are not. What retraining itself
 * reaches stands below the table: where a metric compares with a retrained network, that of another seed is used, so that
 * each run is a pair (experiment/seed.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/results.h"

typedef struct {
    double ideal, mean, least, most;
    int n, pairs;
} Reach;

/* Over retrained runs. One that was compared with itself (by a version that did so) has the very ideal, and does not count. */
static Reach reach_of(const ReportLabel *retrained, const ReportQuantity *q, double ideal)
{
    int all = 0;
    Reach r = {ideal, 0, INFINITY, -INFINITY, 0, 0};
    for (size_t i = 0; i < retrained->count; i++) {
        MathEstimate one;
        if (!report_value(retrained->runs[i], q, &one)) continue;
        all++;
        if (!report_is_pair(retrained->runs[i]) && !(fabs(one.value - ideal * q->scale) > 0)) continue;
        r.mean += one.value;
        r.least = fmin(r.least, one.value);
        r.most = fmax(r.most, one.value);
        r.n++;
    }
    r.mean /= r.n ? r.n : 1;
    r.pairs = r.n + report_pairs(retrained, q) - all;
    return r;
}

/* Methods with a value; with @p reach only those that are as near to the ideal on average. */
static int methods(const ReportExperiment *e, const ReportQuantity *q, const Reach *reach, BaseText *names)
{
    int count = 0;
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        MathEstimate value;
        if (label->rank != REPORT_RANK_METHOD || !report_summary(label, q, &value, NULL) || isnan(value.value))
            continue;
        if (reach && fabs(value.value - reach->ideal) > fabs(reach->mean - reach->ideal)) continue;
        base_text_add(names, "%s%s", count++ ? ", " : "", label->label);
    }
    return count;
}

static void number_note(ReportTable *t, const ReportExperiment *e, const ReportQuantity *q, const Reach *reach)
{
    BaseText names = {0};
    char range[80] = "";
    int near = methods(e, q, reach, &names);
    if (reach->n > 1) snprintf(range, sizeof range, ", %.3g to %.3g", reach->least, reach->most);
    const char *list = base_text_of(&names, &t->st);
    report_table_note(
        t,
        "%s: the ideal is %s; retraining itself gets %.3g (%d pair%s%s). As near on average, which takes no "
        "account of chance: %s.",
        q->title, q->ideal, reach->mean, reach->pairs, reach->pairs > 1 ? "s" : "", range, near ? list : "no method");
    base_text_free(&names);
}

void report_reach_notes(ReportTable *t, const ReportExperiment *e, const ReportQuantity *const *quantities, int count)
{
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    BaseText unknown = {0}, names = {0};
    bool peers = false;
    for (int i = 0; i < count && retrained; i++) {
        double ideal;
        if (!report_compares(quantities[i], &ideal)) continue;
        Reach reach = reach_of(retrained, quantities[i], ideal);
        reach.ideal *= quantities[i]->scale;
        base_text_free(&names);
        if (reach.n > 0)
            number_note(t, e, quantities[i], &reach);
        else if (methods(e, quantities[i], NULL, &names) > 0)
            base_text_add(&unknown, "%s%s", unknown.size ? ", " : "", quantities[i]->title);
    }
    for (size_t i = 0; retrained && i < retrained->count; i++)
        peers = peers || (!retrained->runs[i]->failed && report_is_pair(retrained->runs[i]));
    if (peers)
        report_table_note(t, "What compares with a retrained network compares the retrained ones with that of the next "
                             "seed: each run of theirs is a pair. Pairs share networks, and so have no interval.");
    const char *without = base_text_of(&unknown, &t->st);
    if (*without)
        report_table_note(t,
                          "%s: no null: needs a second retrained network (a second seed). Even perfect unlearning "
                          "does not reach the ideal, since two retrained networks differ.",
                          without);
    base_text_free(&unknown);
    base_text_free(&names);
}
