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

/* One run's search: what was tried, and which of it was chosen. */
typedef struct {
    const StoreRun *run;
    const char *setting; /* of the chosen trial */
    size_t trials, chosen;
    double grid; /* points that there are; NaN: not known */
} Search;

static bool search_of(const ReportRun *run, Search *out)
{
    const char *const *settings;
    if (run->failed || !store_run_texts(run->store, "/search/settings", &settings, &out->trials)) return false;
    double chosen = store_run_f64(run->store, "/search", "chosen");
    if (!(chosen >= 0 && chosen < (double)out->trials)) return false;
    out->run = run->store;
    out->chosen = (size_t)chosen;
    out->setting = settings[out->chosen];
    out->grid = store_run_f64(run->store, "/search", "grid");
    return true;
}

/* Whether the chosen value is the smallest or the largest of three or more that were tried: of two, each is. A 0 that is
 * the smallest is the end of what there is, and beyond it nothing can lie. */
static bool at_edge(const Search *s, const char *name)
{
    StoreArray a;
    if (!store_run_array_in(s->run, "/search", name, &a) || a.type != STORE_F64 || (int64_t)s->chosen >= a.count ||
        !is_number(s->setting, name))
        return false;
    const double *x = a.data, own = x[s->chosen];
    double least = own, most = own;
    bool between = false;
    for (int64_t k = 0; k < a.count; k++) least = fmin(least, x[k]), most = fmax(most, x[k]);
    for (int64_t k = 0; k < a.count; k++) between = between || (x[k] > least && x[k] < most);
    return between && (own == most || (own == least && least != 0));
}

/* The parameters at an edge in any of the row's searches; in how many, where there are several. */
static void edges(const ReportExperiment *e, const ReportLabel *label, const Search *first, size_t searches,
                  BaseText *out)
{
    const char *const others[] = {"score", report_name_with(e, "retained"), report_name_with(e, "forgotten"),
                                  "trial_seconds"};
    const char *const *names;
    size_t count;
    if (!store_run_members(first->run, "/search", &names, &count)) return;
    for (size_t i = 0; i < count; i++) {
        bool other = false;
        size_t found = 0;
        for (size_t o = 0; o < sizeof others / sizeof *others; o++) other = other || !strcmp(names[i], others[o]);
        for (size_t r = 0; r < label->count && !other; r++) {
            Search s;
            found += search_of(label->runs[r], &s) && at_edge(&s, names[i]);
        }
        if (found == 0) continue;
        base_text_add(out, "%s%s", out->size ? ", " : "", names[i]);
        if (searches > 1) base_text_add(out, " in %zu of %zu runs", found, searches);
    }
}

/* What all searches of the row say; nothing where there is none. */
static void cause_of_searches(const ReportExperiment *e, const ReportLabel *label, BaseText *out)
{
    Search s, first = {0}, cut = {0};
    size_t searches = 0;
    BaseText edge = {0};
    for (size_t r = 0; r < label->count; r++) {
        if (!search_of(label->runs[r], &s)) continue;
        if (searches++ == 0) first = s;
        if (!cut.run && (double)s.trials < s.grid) cut = s;
    }
    if (searches == 0) return;
    edges(e, label, &first, searches, &edge);
    const char *list = base_text_of(&edge, &out->st);
    if (cut.run)
        base_text_add(out, "budget: %zu of %.0f points tried", cut.trials, cut.grid);
    else if (*list)
        base_text_add(out, "budget: best at the edge of %s", list);
    else
        base_text_add(out, "method");
    base_text_free(&edge);
}

void report_cause(const ReportExperiment *e, const ReportLabel *label, BaseText *out)
{
    bool fails;
    const ReportLabel *twin = twin_of(e, label, &fails);
    if (twin && !fails) {
        base_text_add(out, "recipe: %s is near", twin->label);
        return;
    }
    size_t before = out->size;
    cause_of_searches(e, label, out);
    if (out->size == before && twin) cause_of_searches(e, twin, out); /* what was tried for the other recipe */
    if (out->size == before) base_text_add(out, "open: not searched");
}
