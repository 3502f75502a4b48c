/* Methods that end too far from retraining, and why. */
#include <math.h>
#include <string.h>

#include "report/results.h"

/* Points of the composite, 0..100. */
static const double ALLOWED = 5;

/* One number of a run and of the retrained run of its class and seed. */
static bool pair(const ReportExperiment *e, const ReportRun *run, const char *name, double scale, double *own,
                 double *ideal)
{
    const ReportRun *retrained = report_same_job(report_label_of(e, REPORT_RANK_RETRAINED), run);
    MathEstimate a, b;
    if (run->failed || !retrained || !store_run_metric(run->store, name, "test", &a) ||
        !store_run_metric(retrained->store, name, "test", &b))
        return false;
    *own = scale * a.value;
    *ideal = scale * b.value;
    return !isnan(*own - *ideal);
}

/* Means over the runs that have both. */
static bool means(const ReportExperiment *e, const ReportLabel *label, const char *name, double scale, double *own,
                  double *ideal)
{
    double a, b;
    int n = 0;
    *own = *ideal = 0;
    for (size_t i = 0; i < label->count; i++) {
        if (!pair(e, label->runs[i], name, scale, &a, &b)) continue;
        *own += a;
        *ideal += b;
        n++;
    }
    *own /= n;
    *ideal /= n;
    return n > 0;
}

bool report_failing(const ReportExperiment *e, const ReportLabel *label)
{
    double own, ideal;
    return label->rank == REPORT_RANK_METHOD && means(e, label, "composite", 100, &own, &ideal) &&
           fabs(own - ideal) > ALLOWED;
}

/* The run that is furthest off, where there are several. */
static void worst(const ReportExperiment *e, const ReportLabel *label, BaseText *out)
{
    const ReportRun *run = NULL;
    double most = -1, own, ideal, there = NAN;
    size_t within = 0, runs = 0;
    for (size_t i = 0; i < label->count; i++) {
        if (!pair(e, label->runs[i], "composite", 100, &own, &ideal)) continue;
        runs++;
        within += fabs(own - ideal) <= ALLOWED;
        if (fabs(own - ideal) > most) run = label->runs[i], most = fabs(own - ideal), there = own;
    }
    if (runs > 1)
        base_text_add(out, " %zu of %zu runs are within %g points; furthest off is class %s, seed %.0f, with %.2f.",
                      within, runs, ALLOWED, run->forget, run->seed, there);
}

/* What the search had to offer: whether no tried value was good, or what was good there is not good here. */
static void searched(const ReportLabel *label, double ideal, BaseText *out)
{
    const ReportRun *run = report_first_ok(label);
    StoreArray score;
    double chosen = run ? store_run_f64(run->store, "/search", "chosen") : NAN;
    if (isnan(chosen) || !store_run_array(run->store, "/search/score", &score) || score.type != STORE_F64 ||
        !(chosen >= 0 && chosen < (double)score.count)) {
        base_text_add(out, " Its parameters were not searched.");
        return;
    }
    double best = 100 * ((const double *)score.data)[(size_t)chosen];
    base_text_add(out, " The best of its %lld trials scored %.2f on the validation part: ", (long long)score.count,
                  best);
    base_text_add(out, best < ideal - ALLOWED ? "no value that was tried comes near."
                                              : "what was chosen there does not carry over to every class and seed.");
}

void report_failing_notes(ReportTable *t, const ReportExperiment *e)
{
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        double own, ideal, retain[2], forget[2];
        BaseText why = {0};
        if (!report_failing(e, label)) continue;
        means(e, label, "composite", 100, &own, &ideal);
        if (means(e, label, "acc_retain", 1, &retain[0], &retain[1]) &&
            means(e, label, "acc_forget", 1, &forget[0], &forget[1])) {
            bool lost = fabs(retain[0] - retain[1]) >= fabs(forget[0] - forget[1]);
            base_text_add(&why, " Mostly by what it %s: ACC_r %.2f%% (retrained %.2f%%), ACC_f %.2f%% (%.2f%%).",
                          lost ? "did to the retained classes" : "left of the forgotten classes", retain[0], retain[1],
                          forget[0], forget[1]);
        }
        worst(e, label, &why);
        searched(label, ideal, &why);
        report_table_note(t,
                          "%s falls short: 100 ACC_r(1-ACC_f) is %.2f, %.2f points from retraining's %.2f, and more "
                          "than %g count as failing.%s",
                          label->label, own, fabs(own - ideal), ideal, ALLOWED, why.data ? why.data : "");
        if (why.st != BASE_OK && t->st == BASE_OK) t->st = why.st;
        base_text_free(&why);
    }
}
