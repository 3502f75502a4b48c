/* report/failing.c - methods that end too far from retraining, and why. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/results.h"

/* Points of the score, 0..100. */
static const double ALLOWED = 5;

/* One number of a run and of the retrained run of its class and seed. */
static bool pair(const ReportExperiment *e, const ReportRun *run, const char *role, double scale, double *own,
                 double *ideal)
{
    const ReportQuantity *q = report_quantity_with(e, role);
    const ReportRun *retrained = report_same_job(report_label_of(e, REPORT_RANK_RETRAINED), run);
    MathEstimate a, b;
    if (!q || !retrained || !report_value(run, q, &a) || !report_value(retrained, q, &b)) return false;
    *own = scale * a.value;
    *ideal = scale * b.value;
    return true;
}

/* Means over the runs that have both. */
static bool means(const ReportExperiment *e, const ReportLabel *label, const char *role, double scale, double *own,
                  double *ideal)
{
    double a, b;
    int n = 0;
    *own = *ideal = 0;
    for (size_t i = 0; i < label->count; i++) {
        if (!pair(e, label->runs[i], role, scale, &a, &b)) continue;
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
    return label->rank == REPORT_RANK_METHOD && means(e, label, "score", 100, &own, &ideal) &&
           fabs(own - ideal) > ALLOWED;
}

enum { NAME, SCORE, RETRAINED, RETAIN, FORGET, SIDE, CAUSE, WITHIN, WORST, TRIAL, SEARCH };

/* How many runs are near, and the one that is not at all. */
static void add_runs(ReportTable *t, const ReportExperiment *e, const ReportLabel *label)
{
    const ReportRun *run = NULL;
    double most = -1, own, ideal, there = NAN;
    char text[160];
    BaseText classes = {0};
    size_t within = 0, runs = 0;
    for (size_t i = 0; i < label->count; i++) {
        if (!pair(e, label->runs[i], "score", 100, &own, &ideal)) continue;
        runs++;
        within += fabs(own - ideal) <= ALLOWED;
        if (fabs(own - ideal) > most) run = label->runs[i], most = fabs(own - ideal), there = own;
    }
    snprintf(text, sizeof text, "%zu of %zu", within, runs);
    report_table_text(t, WITHIN, text);
    char seed[32] = "";
    if (run && e->seed_count > 1) snprintf(seed, sizeof seed, ", seed %.0f", run->seed);
    if (run) report_run_classes(run, &classes);
    snprintf(text, sizeof text, "%.1f (%.120s%s)", there, base_text_of(&classes, &t->st), seed);
    report_table_text(t, WORST, text);
    base_text_free(&classes);
}

/* The chosen trials' mean score on the validation part, 0..100, over the runs that were searched for; NaN without one. */
static double best_trial(const ReportLabel *label)
{
    double sum = 0;
    int searches = 0;
    for (size_t r = 0; r < label->count; r++) {
        const ReportRun *run = label->runs[r];
        StoreArray score;
        double chosen = run->failed ? NAN : store_run_f64(run->store, "/search", "chosen");
        if (isnan(chosen) || !store_run_array(run->store, "/search/score", &score) || score.type != STORE_F64 ||
            !(chosen >= 0 && chosen < (double)score.count))
            continue;
        sum += 100 * ((const double *)score.data)[(size_t)chosen];
        searches++;
    }
    return searches > 0 ? sum / searches : NAN;
}

static void add_label(ReportTable *t, const ReportExperiment *e, const ReportLabel *label)
{
    double own, ideal, retain[2], forget[2], best = best_trial(label);
    bool both = means(e, label, "retained", 1, &retain[0], &retain[1]) &&
                means(e, label, "forgotten", 1, &forget[0], &forget[1]);
    means(e, label, "score", 100, &own, &ideal);
    report_table_row(t, 0);
    report_table_text(t, NAME, label->label);
    report_table_number(t, SCORE, math_estimate(own, 0), NAN);
    report_table_number(t, RETRAINED, math_estimate(ideal, 0), NAN);
    if (both) report_table_number(t, RETAIN, math_estimate(retain[0] - retain[1], 0), NAN);
    if (both) report_table_number(t, FORGET, math_estimate(forget[0] - forget[1], 0), NAN);
    add_runs(t, e, label);
    if (!isnan(best)) report_table_number(t, TRIAL, math_estimate(best, 0), NAN);
    if (both)
        report_table_text(t, SIDE,
                          fabs(retain[0] - retain[1]) >= fabs(forget[0] - forget[1]) ? "retained" : "forgotten");
    report_table_text(t, SEARCH,
                      isnan(best)              ? "none"
                      : best < ideal - ALLOWED ? "none is near"
                                               : "does not carry over");
    BaseText cause = {0};
    report_cause(e, label, &cause);
    report_table_text(t, CAUSE, base_text_of(&cause, &t->st));
    base_text_free(&cause);
}

static void off_column(ReportTable *t, const ReportExperiment *e, const char *role)
{
    const ReportQuantity *q = report_quantity_with(e, role);
    char key[512], title[512];
    snprintf(key, sizeof key, "%s_off", report_name_with(e, role));
    snprintf(title, sizeof title, "%s off by", q ? q->title : role);
    report_table_ideal(t, report_table_column(t, key, title, true, 1, 900), "points", "", "");
}

ReportTable report_results_failing(const ReportExperiment *e)
{
    ReportTable t = report_table_make("Methods that fall short of retraining");
    const ReportQuantity *score = report_quantity_with(e, "score");
    char key[512];
    if (!score) return t;
    snprintf(key, sizeof key, "%s_retrained", score->name);
    report_table_column(&t, "label", "method", false, 0, 1000);
    report_table_column(&t, score->name, score->name, true, 1, 950);
    report_table_column(&t, key, "retrained", true, 1, 940);
    off_column(&t, e, "retained");
    off_column(&t, e, "forgotten");
    report_table_column(&t, "side", "mostly", false, 0, 890);
    report_table_column(&t, "by", "by", false, 0, 930);
    report_table_column(&t, "within", "runs near", false, 0, 600);
    report_table_column(&t, "furthest", "furthest", false, 0, 500);
    report_table_column(&t, "best_trial", "best trial", true, 1, 400);
    report_table_column(&t, "search", "its search", false, 0, 880);
    for (size_t l = 0; l < e->label_count; l++)
        if (report_failing(e, &e->labels[l])) add_label(&t, e, &e->labels[l]);
    if (t.row_count > 0)
        report_table_note(
            &t,
            "%c%s: 100 %s; a method is listed if it is more than %g points from that of the retrained runs of the same "
            "classes and seeds. Mostly: the classes whose accuracy is further off. Furthest: the %s of the worst run, and "
            "what that run forgot. Best trial: the %s of the chosen values on the validation part; its search: none is "
            "near, if that is already low. By: recipe, if the same method with the other preset is near; budget, if the "
            "search left points out or its best value is the smallest or largest tried; method, if neither; open, if there was no "
            "search and no other preset.",
            toupper(score->name[0]), score->name + (*score->name != '\0'), score->title, ALLOWED, score->name,
            score->name);
    return t;
}
