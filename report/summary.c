/* Numbers over runs: means, gaps to retraining, and which run stands for a label. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/load.h"

bool report_value(const ReportRun *run, const ReportQuantity *q, MathEstimate *out)
{
    char group[512], name[64];
    *out = math_estimate(NAN, 0);
    if (run->failed) return false;
    if (!q->field) {
        if (!store_run_metric(run->store, q->name, q->split, out)) return false;
    } else {
        snprintf(group, sizeof group, "/attacks/%s", q->name);
        out->value = store_run_f64(run->store, group, q->field);
        snprintf(name, sizeof name, "%s_lo", q->field);
        out->lo = store_run_f64(run->store, group, name);
        snprintf(name, sizeof name, "%s_hi", q->field);
        out->hi = store_run_f64(run->store, group, name);
        double n = store_run_f64(run->store, group, strcmp(q->field, "efficacy") == 0 ? "audited" : "P");
        out->n = isnan(n) ? 0 : (int64_t)n;
    }
    out->value *= q->scale;
    out->lo *= q->scale;
    out->hi *= q->scale;
    return !isnan(out->value);
}

bool report_summary(const ReportLabel *label, const ReportQuantity *q, MathEstimate *out, double *sd, int *runs)
{
    MathEstimate one;
    double *values = label->scratch;
    int n = 0;
    *out = math_estimate(NAN, 0);
    *sd = NAN;
    for (size_t i = 0; i < label->count; i++) {
        if (!report_value(label->runs[i], q, &one)) continue;
        values[n++] = one.value;
        *out = one;
    }
    if (n > 1) {
        *out = math_stats_mean(values, n, 0.95, sd);
        double most = strcmp(q->unit, "%") == 0 ? 100 : q->field && strcmp(q->field, "auc") == 0 ? 1 : INFINITY;
        if (isfinite(most)) { /* a share lies in its range, so the interval's part outside says nothing */
            out->lo = fmax(out->lo, 0);
            out->hi = fmin(out->hi, most);
        }
    }
    *runs = n;
    return n > 0;
}

static bool retrained_value(const ReportLabel *retrained, const ReportRun *run, const ReportQuantity *q, double *out)
{
    MathEstimate one;
    double sum = 0;
    int n = 0;
    for (size_t i = 0; i < retrained->count; i++) {
        const ReportRun *r = retrained->runs[i];
        if (strcmp(r->forget, run->forget) != 0 || !report_value(r, q, &one)) continue;
        if (r->seed == run->seed) return *out = one.value, true;
        sum += one.value;
        n++;
    }
    *out = n ? sum / n : NAN;
    return n > 0;
}

MathEstimate report_gap(const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *q, double *sd)
{
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    MathEstimate one, gap = math_estimate(NAN, 0);
    double *values = label->scratch, reference;
    int n = 0;
    *sd = NAN;
    if (!retrained || retrained == label) return gap;
    for (size_t i = 0; i < label->count; i++) {
        if (report_value(label->runs[i], q, &one) && retrained_value(retrained, label->runs[i], q, &reference)) {
            values[n++] = fabs(one.value - reference);
        }
    }
    if (n == 1) gap = math_estimate(values[0], 1);
    if (n > 1) gap = math_stats_mean(values, n, 0.95, sd);
    if (gap.lo < 0) gap.lo = 0; /* a distance */
    return gap;
}

const ReportQuantity *report_quantity(const ReportExperiment *e, const char *name, const char *split, const char *field)
{
    for (size_t i = 0; i < e->quantity_count; i++) {
        const ReportQuantity *q = &e->quantities[i];
        if (strcmp(q->name, name) != 0) continue;
        if (field ? q->field && !strcmp(q->field, field) : !q->field && !strcmp(q->split, split)) return q;
    }
    return NULL;
}

const ReportLabel *report_label_of(const ReportExperiment *e, ReportRank rank)
{
    for (size_t i = 0; i < e->label_count; i++) {
        if (e->labels[i].rank == rank && e->labels[i].failed < e->labels[i].count) return &e->labels[i];
    }
    return NULL;
}

const ReportLabel *report_featured(const ReportExperiment *e)
{
    for (size_t i = 0; i < e->label_count; i++) {
        const ReportLabel *l = &e->labels[i];
        if (l->rank == REPORT_RANK_METHOD && l->failed < l->count && !strcmp(l->runs[0]->method, "svd")) return l;
    }
    const ReportLabel *method = report_label_of(e, REPORT_RANK_METHOD);
    return method ? method : report_label_of(e, REPORT_RANK_CONTROL);
}

const ReportRun *report_first_ok(const ReportLabel *label)
{
    for (size_t i = 0; label && i < label->count; i++) {
        if (!label->runs[i]->failed) return label->runs[i];
    }
    return NULL;
}

const ReportRun *report_same_job(const ReportLabel *label, const ReportRun *run)
{
    const ReportRun *near = NULL;
    for (size_t i = 0; label && i < label->count; i++) {
        const ReportRun *r = label->runs[i];
        bool same_class = !strcmp(r->forget, run->forget) || !*r->forget;
        if (r->failed || !same_class) continue;
        if (r->seed == run->seed) return r;
        if (!near) near = r;
    }
    return near;
}
