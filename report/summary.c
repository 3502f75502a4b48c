/* report/summary.c - numbers over runs: means, gaps to retraining, and which run stands for a label. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

bool report_compares(const ReportQuantity *q, double *ideal)
{
    char *end;
    *ideal = NAN;
    if (q->field || q->cost) return false; /* a column of attacks has no ideal */
    *ideal = strtod(q->ideal, &end);
    return *q->ideal && !*end;
}

static double peer_of(const ReportRun *run) { return store_run_f64(run->store, "/meta", "peer_seed"); }

bool report_is_pair(const ReportRun *run) { return !isnan(peer_of(run)); }

int report_pairs(const ReportLabel *label, const ReportQuantity *q)
{
    MathEstimate one;
    int pairs = 0;
    for (size_t i = 0; i < label->count; i++) {
        const ReportRun *a = label->runs[i];
        bool before = false;
        if (!report_value(a, q, &one)) continue;
        for (size_t k = i;
             k-- > 0 && !before && strcmp(label->runs[k]->forget, a->forget) == 0;) /* ascending by class */
            before = peer_of(a) == label->runs[k]->seed && peer_of(label->runs[k]) == a->seed &&
                     report_value(label->runs[k], q, &one);
        pairs += !before;
    }
    return pairs;
}

static bool are_pairs(const ReportLabel *label, const ReportQuantity *q)
{
    double ideal;
    bool any = false;
    if (label->rank != REPORT_RANK_RETRAINED || !report_compares(q, &ideal)) return false;
    for (size_t i = 0; i < label->count; i++) any = any || (!label->runs[i]->failed && report_is_pair(label->runs[i]));
    return any;
}

bool report_summary(const ReportLabel *label, const ReportQuantity *q, MathEstimate *out, double *sd)
{
    MathEstimate one;
    double *values = label->scratch;
    int n = 0;
    *out = math_estimate(NAN, 0);
    if (sd) *sd = NAN;
    for (size_t i = 0; i < label->count; i++) {
        if (!report_value(label->runs[i], q, &one)) continue;
        values[n++] = one.value;
        *out = one;
    }
    if (n > 1) {
        *out = math_stats_mean(values, n, 0.95, sd);
        out->lo = fmax(out->lo, q->least); /* a quantity lies in its range: what is outside says nothing */
        out->hi = fmin(out->hi, q->most);
    }
    if (n > 1 && are_pairs(label, q)) { /* neighbours in the ring of seeds share a network: t would be too short */
        *out = math_estimate(out->value, report_pairs(label, q));
        if (sd) *sd = NAN;
    }
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

MathEstimate report_mean_gap(const ReportExperiment *e, const ReportLabel *label,
                             const ReportQuantity *const *quantities, size_t count, double *sd)
{
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    MathEstimate one, gap = math_estimate(NAN, 0);
    int n = 0;
    *sd = NAN;
    if (!retrained || retrained == label) return gap;
    for (size_t i = 0; i < label->count; i++) {
        double sum = 0, reference;
        int terms = 0;
        for (size_t q = 0; q < count; q++) {
            if (!report_value(label->runs[i], quantities[q], &one) ||
                !retrained_value(retrained, label->runs[i], quantities[q], &reference))
                continue;
            sum += fabs(one.value - reference);
            terms++;
        }
        if (terms) label->scratch[n++] = sum / terms;
    }
    if (n == 1) gap = math_estimate(label->scratch[0], 1);
    if (n > 1) {
        math_stats_mean(label->scratch, n, 0.95, sd);
        gap = math_stats_mean_skewed(label->scratch, n, 0.95); /* distances are skewed */
    }
    if (gap.lo < 0) gap.lo = 0; /* a distance */
    return gap;
}

/* How far a run is from what the quantity should be: lower is better. NaN where that is not known. */
static double shortfall(const ReportLabel *retrained, const ReportRun *run, const ReportQuantity *q)
{
    MathEstimate one;
    double ideal;
    char *end;
    if (!report_value(run, q, &one)) return NAN;
    if (strcmp(q->ideal, "retrained") == 0)
        return retrained && retrained_value(retrained, run, q, &ideal) ? fabs(one.value - ideal) : (double)NAN;
    ideal = strtod(q->ideal, &end);
    if (*q->ideal && !*end) return fabs(one.value - ideal);
    return strcmp(q->arrow, "↑") == 0 ? -one.value : strcmp(q->arrow, "↓") == 0 ? one.value : (double)NAN;
}

/* Mean shortfall of the runs that have one. */
static double mean_shortfall(const ReportLabel *retrained, const ReportLabel *label, const ReportQuantity *q)
{
    double sum = 0;
    int n = 0;
    for (size_t i = 0; i < label->count; i++) {
        double one = shortfall(retrained, label->runs[i], q);
        if (!isnan(one)) sum += one, n++;
    }
    return n ? sum / n : (double)NAN;
}

static bool beats(const ReportLabel *retrained, const ReportLabel *a, const ReportLabel *b, const ReportQuantity *q)
{
    int n = 0;
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            const ReportRun *x = a->runs[i], *y = b->runs[j];
            if (x->seed != y->seed || strcmp(x->forget, y->forget) != 0) continue;
            double off = shortfall(retrained, x, q) - shortfall(retrained, y, q);
            if (!isnan(off)) a->scratch[n++] = off;
            break;
        }
    }
    return n >= 3 && math_stats_mean(a->scratch, n, 0.95, NULL).hi < 0;
}

const ReportLabel *report_best(const ReportExperiment *e, const ReportQuantity *q)
{
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED), *best = NULL;
    double least = INFINITY;
    int methods = 0;
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        double mean = label->rank == REPORT_RANK_METHOD ? mean_shortfall(retrained, label, q) : (double)NAN;
        if (isnan(mean)) continue;
        methods++;
        if (mean < least) best = label, least = mean;
    }
    for (size_t l = 0; l < e->label_count && best; l++) {
        const ReportLabel *other = &e->labels[l];
        if (other == best || other->rank != REPORT_RANK_METHOD || isnan(mean_shortfall(retrained, other, q))) continue;
        if (!beats(retrained, best, other, q)) best = NULL;
    }
    return methods > 1 ? best : NULL;
}

MathEstimate report_gap(const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *q, double *sd)
{
    return report_mean_gap(e, label, &q, 1, sd);
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

const ReportQuantity *report_quantity_with(const ReportExperiment *e, const char *role)
{
    for (size_t i = 0; i < e->quantity_count; i++) {
        const ReportQuantity *q = &e->quantities[i];
        if (strcmp(q->role, role) == 0 && (q->field || strcmp(q->split, "test") == 0 || q->in_results > 0)) return q;
    }
    return NULL;
}

const char *report_name_with(const ReportExperiment *e, const char *role)
{
    const ReportQuantity *q = report_quantity_with(e, role);
    return q ? q->name : role;
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
        if (l->rank == REPORT_RANK_METHOD && l->failed < l->count && l->runs[0]->featured) return l;
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
    if (!label || label->count == 0) return NULL;
    const char *forget = *label->runs[0]->forget ? run->forget : ""; /* an original forgets nothing */
    size_t lo = 0, hi = label->count;
    while (lo < hi) { /* runs ascend by class: a sweep has thousands */
        size_t middle = lo + (hi - lo) / 2;
        if (report_compare_forget(label->runs[middle]->forget, forget) < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    for (size_t i = lo; i < label->count && strcmp(label->runs[i]->forget, forget) == 0; i++) {
        const ReportRun *r = label->runs[i];
        if (r->failed) continue;
        if (r->seed == run->seed) return r;
        if (!near) near = r;
    }
    return near;
}
