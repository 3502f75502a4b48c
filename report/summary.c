/* report/summary.c - numbers over runs: means, and which run stands for a label. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/fold.h"

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
    MathEstimate one, only = math_estimate(NAN, 0);
    int n = 0;
    *out = only;
    if (sd) *sd = NAN;
    for (size_t i = 0; i < label->count; i++) {
        label->scratch[i] = NAN;
        if (!report_value(label->runs[i], q, &one)) continue;
        label->scratch[i] = one.value;
        only = one;
        n++;
    }
    if (n > 1) {
        const ReportFold fold = report_fold(label);
        *out = report_fold_mean(&fold, false, sd);
        if (out->lo < q->least) out->lo = q->least; /* a quantity lies in its range: what is outside says nothing */
        if (out->hi > q->most) out->hi = q->most;   /* no interval (NaN) stays none */
    } else {
        *out = only;
    }
    if (n > 1 && are_pairs(label, q)) { /* neighbours in the ring of seeds share a network: t would be too short */
        *out = math_estimate(out->value, report_pairs(label, q));
        if (sd) *sd = NAN;
    }
    return n > 0;
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

const ReportLabel *report_control(const ReportExperiment *e)
{
    const ReportQuantity *score = report_quantity_with(e, "score");
    const ReportLabel *best = NULL;
    double most = -INFINITY;
    for (size_t i = 0; i < e->label_count; i++) {
        const ReportLabel *l = &e->labels[i];
        MathEstimate mean;
        if (l->rank != REPORT_RANK_CONTROL || l->failed == l->count) continue;
        const double value = score && report_summary(l, score, &mean, NULL) ? mean.value : -INFINITY;
        if (!best || value > most) best = l, most = value;
    }
    return best;
}

const ReportRun *report_first_ok(const ReportLabel *label)
{
    for (size_t i = 0; label && i < label->count; i++) {
        if (!label->runs[i]->failed) return label->runs[i];
    }
    return NULL;
}

/* Runs ascend by class: a sweep has thousands. The first of @p forget, or where it would stand. */
static size_t first_of(const ReportLabel *label, const char *forget)
{
    size_t lo = 0, hi = label->count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (report_compare_forget(label->runs[middle]->forget, forget) < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

const ReportRun *report_same_job(const ReportLabel *label, const ReportRun *run)
{
    const ReportRun *near = NULL;
    if (!label || label->count == 0) return NULL;
    const char *forget = *label->runs[0]->forget ? run->forget : ""; /* an original forgets nothing */
    for (size_t i = first_of(label, forget); i < label->count && strcmp(label->runs[i]->forget, forget) == 0; i++) {
        const ReportRun *r = label->runs[i];
        if (r->failed) continue;
        if (r->seed == run->seed) return r;
        if (!near) near = r;
    }
    return near;
}

ReportLabel report_same_set(const ReportLabel *label, const char *forget)
{
    size_t start = first_of(label, forget), end = start;
    while (end < label->count && strcmp(label->runs[end]->forget, forget) == 0) end++;
    ReportLabel part = *label;
    part.runs += start;
    part.count = end - start;
    part.failed = 0;
    for (size_t i = 0; i < part.count; i++) part.failed += part.runs[i]->failed;
    return part;
}
