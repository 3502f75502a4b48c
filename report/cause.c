/* report/cause.c - what a method that falls short fell short by: its recipe, its budget, or itself. The order is that of the
 * excuses: where the same method with the other preset comes near, the recipe was at fault; where the search stopped at the
 * edge of its range or before its end, better values may lie beyond; else nothing that was tried helps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/results.h"

static const char *preset_of(const ReportLabel *label)
{
    const ReportRun *run = report_first_ok(label);
    const char *preset = run ? store_run_text(run->store, "/params", "preset") : NULL;
    return preset ? preset : "";
}

/* Whether both ran with the same values of all parameters, whatever the presets are called: one may set nothing. Of the same
 * class, since a search may choose for each. */
static bool same_values(const ReportLabel *label, const ReportLabel *other)
{
    const ReportRun *a = report_first_ok(label), *same_class = report_same_job(other, a),
                    *b = same_class ? same_class : report_first_ok(other);
    const char *const *names, *const *others;
    size_t count = 0, other_count = 0;
    store_run_names(a->store, "/params", &names, &count);
    store_run_names(b->store, "/params", &others, &other_count);
    bool same = count == other_count;
    for (size_t i = 0; i < count && same; i++) {
        const char *x = store_run_text(a->store, "/params", names[i]),
                   *y = store_run_text(b->store, "/params", names[i]);
        same = strcmp(names[i], "preset") == 0 || (x && y && strcmp(x, y) == 0);
    }
    return same;
}

/* A row of the same method with the other preset and other values; NULL: none. *fails: none of them comes near. */
static const ReportLabel *twin_of(const ReportExperiment *e, const ReportLabel *label, bool *fails)
{
    const ReportLabel *twin = NULL;
    const char *own = preset_of(label);
    *fails = true;
    for (size_t l = 0; l < e->label_count && *own && *fails; l++) {
        const ReportLabel *other = &e->labels[l];
        if (other == label || other->rank != REPORT_RANK_METHOD || other->failed == other->count ||
            strcmp(other->runs[0]->method, label->runs[0]->method) != 0 || !*preset_of(other) ||
            strcmp(preset_of(other), own) == 0 || same_values(label, other))
            continue;
        twin = other;
        *fails = report_failing(e, other);
    }
    return twin;
}

/* Whether the text of a trial, "{lr: 0.1, clip: true}", has a number for the parameter: words have no edge. */
static bool is_number(const char *setting, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = setting; (at = strstr(at, name)); at += length) {
        char *end;
        if ((at > setting && at[-1] != '{' && at[-1] != ' ') || at[length] != ':') continue;
        strtod(at + length + 1, &end);
        return end > at + length + 1 && (*end == ',' || *end == '}');
    }
    return false;
}

/* The parameters whose chosen value is the smallest or the largest that was tried. */
static void edges(const ReportExperiment *e, const StoreRun *run, int64_t chosen, const char *setting, BaseText *out)
{
    const char *const others[] = {"score", report_name_with(e, "retained"), report_name_with(e, "forgotten"),
                                  "trial_seconds"};
    const char *const *names;
    size_t count;
    if (!store_run_members(run, "/search", &names, &count)) return;
    for (size_t i = 0; i < count; i++) {
        StoreArray a;
        bool other = false;
        for (size_t o = 0; o < sizeof others / sizeof *others; o++) other = other || !strcmp(names[i], others[o]);
        if (other || !store_run_array_in(run, "/search", names[i], &a) || a.type != STORE_F64 || chosen >= a.count ||
            !is_number(setting, names[i]))
            continue;
        const double *x = a.data;
        double least = x[chosen], most = x[chosen];
        for (int64_t k = 0; k < a.count; k++) least = fmin(least, x[k]), most = fmax(most, x[k]);
        if (least < most && (x[chosen] == least || x[chosen] == most))
            base_text_add(out, "%s%s", out->size ? ", " : "", names[i]);
    }
}

void report_cause(const ReportExperiment *e, const ReportLabel *label, BaseText *out)
{
    const ReportRun *run = report_first_ok(label);
    const char *const *settings;
    size_t trials;
    bool fails;
    BaseText edge = {0};
    const ReportLabel *twin = twin_of(e, label, &fails);
    if (twin && !fails) {
        base_text_add(out, "recipe: %s is near", twin->label);
        return;
    }
    const double chosen = store_run_f64(run->store, "/search", "chosen"),
                 grid = store_run_f64(run->store, "/search", "grid");
    if (!store_run_texts(run->store, "/search/settings", &settings, &trials) || !(chosen >= 0) ||
        chosen >= (double)trials) {
        base_text_add(out, twin ? "method" : "open: not searched");
        return;
    }
    edges(e, run->store, (int64_t)chosen, settings[(size_t)chosen], &edge);
    const char *list = base_text_of(&edge, &out->st);
    if ((double)trials < grid)
        base_text_add(out, "budget: %zu of %.0f points tried", trials, grid);
    else if (*list)
        base_text_add(out, "budget: best at the edge of %s", list);
    else
        base_text_add(out, "method");
    base_text_free(&edge);
}
