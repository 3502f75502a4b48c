/* report/load.c - runs are sorted into groups by comparison, newest first where the same one was made twice. */
#include "report/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "io/file.h"

static const char *text_of(const StoreRun *run, const char *group, const char *name)
{
    const char *text = store_run_text(run, group, name);
    return text ? text : "";
}

static ReportRank rank_of(const StoreRun *run)
{
    const char *method = text_of(run, "/", "method");
    if (strcmp(text_of(run, "/", "kind"), "original") == 0 || strcmp(method, "original") == 0 ||
        strcmp(method, "none") == 0)
        return REPORT_RANK_ORIGINAL;
    if (strcmp(method, "retrain") == 0 || strcmp(method, "retrained") == 0) return REPORT_RANK_RETRAINED;
    return store_run_f64(run, "/", "control") == 1 ? REPORT_RANK_CONTROL : REPORT_RANK_METHOD;
}

static void describe(ReportRun *r)
{
    r->id = text_of(r->store, "/", "id");
    r->experiment = text_of(r->store, "/", "experiment");
    r->method = text_of(r->store, "/", "method");
    r->label = text_of(r->store, "/", "label");
    if (!*r->label) r->label = *r->method ? r->method : r->id;
    r->arch = text_of(r->store, "/", "arch");
    r->data = text_of(r->store, "/", "data");
    r->forget = text_of(r->store, "/", "forget");
    r->forget_names = text_of(r->store, "/", "forget_names");
    r->reason = text_of(r->store, "/", "reason");
    r->started = text_of(r->store, "/meta", "started");
    r->seed = store_run_f64(r->store, "/", "seed");
    r->rank = rank_of(r->store);
    r->order = store_run_f64(r->store, "/", "order");
    if (isnan(r->order)) r->order = 0;
    r->failed = strcmp(text_of(r->store, "/", "status"), "ok") != 0;
    if (r->failed && !*r->reason) r->reason = "the run states no reason";
}

void report_run_classes(const ReportRun *run, BaseText *out)
{
    if (!*run->forget) return;
    base_text_add(out, "%s", run->forget);
    if (*run->forget_names) base_text_add(out, " (%s)", run->forget_names);
}

static BaseStatus pass_over(ReportSet *set)
{
    BaseStatus st = BASE_OK;
    char *line = NULL;
    BASE_TRY(base_strdup(base_error_text(), &line));
    BASE_TRY(BASE_GROW(&set->passed_over, set->passed_count, set->passed_count + 1));
    base_warning("ignored: %s", line);
    set->passed_over[set->passed_count++] = line;
    line = NULL;
out:
    base_free(line);
    return st;
}

static BaseStatus read_folder(ReportSet *set, const char *folder, size_t *room)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *path = NULL;
    size_t count = 0;
    BASE_TRY(io_folder_list(folder, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        StoreRun *store;
        BASE_TRY(base_format(&path, "%s/%s", folder, names[i]));
        st = store_run_read_light(path, &store);
        if (st == BASE_ENOMEM) goto out;
        if (st != BASE_OK) {
            BASE_TRY(pass_over(set));
            base_free(path);
            path = NULL;
            continue;
        }
        if (set->run_count == *room) {
            size_t more = *room ? 2 * *room : 16;
            st = BASE_GROW(&set->runs, set->run_count, more);
            if (st != BASE_OK) store_run_free(store);
            BASE_TRY(st);
            *room = more;
        }
        base_progress("reading runs", (int64_t)i + 1, (int64_t)count, NULL);
        set->runs[set->run_count] = (ReportRun){.store = store, .file = path};
        describe(&set->runs[set->run_count++]);
        path = NULL;
    }
out:
    base_free(path);
    io_names_free(names, count);
    return st;
}

int report_compare_forget(const char *a, const char *b)
{
    long x = strtol(a, NULL, 10), y = strtol(b, NULL, 10);
    return x != y ? (x > y) - (x < y) : strcmp(a, b);
}

static int compare_runs(const void *pa, const void *pb)
{
    const ReportRun *a = pa, *b = pb;
    int c;
    if ((c = strcmp(a->experiment, b->experiment))) return c;
    if ((c = strcmp(a->arch, b->arch))) return c;
    if ((c = strcmp(a->data, b->data))) return c;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if ((c = strcmp(a->label, b->label))) return c;
    if ((c = report_compare_forget(a->forget, b->forget))) return c;
    if (a->seed != b->seed) return a->seed < b->seed ? -1 : 1;
    if ((c = strcmp(b->started, a->started))) return c; /* the newest first: older ones are superseded */
    if ((c = strcmp(a->id, b->id))) return c;
    return strcmp(a->file, b->file);
}

static bool same_experiment(const ReportRun *a, const ReportRun *b)
{
    return !strcmp(a->experiment, b->experiment) && !strcmp(a->arch, b->arch) && !strcmp(a->data, b->data);
}

static bool same_label(const ReportRun *a, const ReportRun *b)
{
    return same_experiment(a, b) && a->rank == b->rank && !strcmp(a->label, b->label);
}

/* A config run again with other settings leaves the earlier files beside the new ones. Averaging both would mix two
 * experiments, so of each label, class and seed only the newest counts. */
static void drop_superseded(ReportSet *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->run_count; i++) {
        ReportRun *r = &set->runs[i];
        const ReportRun *before = kept ? &set->runs[kept - 1] : NULL;
        if (before && same_label(before, r) && !strcmp(before->forget, r->forget) && before->seed == r->seed) {
            store_run_free(r->store);
            base_free(r->file);
            set->superseded++;
        } else {
            set->runs[kept++] = *r;
        }
    }
    set->run_count = kept;
}

static BaseStatus add_quantity(ReportExperiment *e, ReportQuantity q)
{
    for (size_t i = 0; i < e->quantity_count; i++) {
        const ReportQuantity *o = &e->quantities[i];
        bool same_field = !o->field == !q.field && (!q.field || !strcmp(o->field, q.field));
        if (same_field && !strcmp(o->name, q.name) && (q.field || !strcmp(o->split, q.split))) return BASE_OK;
    }
    BaseStatus st = BASE_GROW(&e->quantities, e->quantity_count, e->quantity_count + 1);
    if (st == BASE_OK) e->quantities[e->quantity_count++] = q;
    return st;
}

/* The directions papers print; a metric without one here is judged by its distance to retraining alone. */
static const char *arrow_of(const char *name, const char *ideal)
{
    static const char *const UP[] = {"acc_retain", "accuracy", "composite", "efficacy",
                                     "tow",        "aus",      "zrf",       "zrf_repository"};
    static const char *const DOWN[] = {"acc_forget", "activation_distance", "js_retrained"};
    for (size_t i = 0; i < sizeof UP / sizeof *UP; i++) {
        if (strcmp(name, UP[i]) == 0) return "↑";
    }
    for (size_t i = 0; i < sizeof DOWN / sizeof *DOWN; i++) {
        if (strcmp(name, DOWN[i]) == 0) return "↓";
    }
    return strcmp(ideal, "low") == 0 ? "↓" : "";
}

static BaseStatus collect_quantities(ReportExperiment *e, const StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const char *const *names, *const *splits, *const *titles, *const *units, *const *ideals, *const *attacks;
    size_t count, n[4], attack_count;
    if (store_run_texts(run, "/metrics/names", &names, &count) &&
        store_run_texts(run, "/metrics/splits", &splits, &n[0]) &&
        store_run_texts(run, "/metrics/titles", &titles, &n[1]) &&
        store_run_texts(run, "/metrics/units", &units, &n[2]) &&
        store_run_texts(run, "/metrics/ideals", &ideals, &n[3])) {
        for (size_t i = 0; i < count && n[0] == count && n[1] == count && n[2] == count && n[3] == count; i++) {
            bool percent = strcmp(units[i], "%") == 0,
                 whole = !strcmp(names[i], "samples") || !strcmp(names[i], "passes");
            ReportQuantity q = {names[i],
                                splits[i],
                                NULL,
                                titles[i],
                                strcmp(units[i], "1") ? units[i] : "",
                                ideals[i],
                                arrow_of(names[i], ideals[i]),
                                1,
                                percent ? 2
                                : whole ? 0
                                        : -1};
            if (strcmp(ideals[i], "low") == 0) q.ideal = "";
            BASE_TRY(add_quantity(e, q));
        }
    }
    store_run_members(run, "/attacks", &attacks, &attack_count);
    for (size_t i = 0; i < attack_count; i++) {
        ReportQuantity efficacy = {attacks[i], NULL, "efficacy", attacks[i], "%", "retrained", "↑", 100, 2};
        ReportQuantity auc = {attacks[i], NULL, "auc", attacks[i], "", "retrained", "", 1, 3};
        char group[512];
        snprintf(group, sizeof group, "/attacks/%s", attacks[i]); /* one that audits nobody has no efficacy */
        if (!isnan(store_run_f64(run, group, "efficacy"))) BASE_TRY(add_quantity(e, efficacy));
        bool made = !isnan(store_run_f64(run, group, "auc")) || !isnan(store_run_f64(run, group, "balanced_accuracy"));
        if (made) BASE_TRY(add_quantity(e, auc)); /* one whose scores give no order has a row, and says why */
    }
out:
    return st;
}

/* How many forget sets (but the empty one) and seeds there are: sorted, since a sweep has thousands of runs. */
static BaseStatus count_distinct(ReportExperiment *e)
{
    BaseStatus st = BASE_OK;
    const char **sets = NULL;
    double *seeds = NULL;
    size_t n = 0;
    BASE_TRY(BASE_ALLOC(e->run_count, &sets));
    BASE_TRY(BASE_ALLOC(e->run_count, &seeds));
    for (size_t l = 0; l < e->label_count; l++) {
        for (size_t i = 0; i < e->labels[l].count; i++, n++) {
            sets[n] = e->labels[l].runs[i]->forget;
            seeds[n] = e->labels[l].runs[i]->seed;
        }
    }
    qsort(sets, n, sizeof *sets, base_ascending_text);
    qsort(seeds, n, sizeof *seeds, base_ascending_f64);
    for (size_t i = 0; i < n; i++) {
        e->forget_count += *sets[i] && (i == 0 || strcmp(sets[i], sets[i - 1]) != 0);
        e->seed_count += i == 0 || seeds[i] != seeds[i - 1];
    }
out:
    base_free(sets);
    base_free(seeds);
    return st;
}

static int compare_labels(const void *pa, const void *pb)
{
    const ReportLabel *a = pa, *b = pb;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if (a->order != b->order) return a->order < b->order ? -1 : 1;
    return strcmp(a->label, b->label);
}

static BaseStatus group_runs(ReportSet *set)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < set->run_count; i++) {
        const ReportRun *r = &set->runs[i];
        bool new_experiment = i == 0 || !same_experiment(r - 1, r);
        if (new_experiment) {
            BASE_TRY(BASE_GROW(&set->experiments, set->experiment_count, set->experiment_count + 1));
            set->experiments[set->experiment_count++] =
                (ReportExperiment){.name = *r->experiment ? r->experiment : "runs", .arch = r->arch, .data = r->data};
        }
        ReportExperiment *e = &set->experiments[set->experiment_count - 1];
        if (new_experiment || !same_label(r - 1, r)) {
            BASE_TRY(BASE_GROW(&e->labels, e->label_count, e->label_count + 1));
            e->labels[e->label_count++] = (ReportLabel){.label = r->label, .rank = r->rank, .order = r->order};
        }
        ReportLabel *l = &e->labels[e->label_count - 1];
        if ((l->count & (l->count - 1)) == 0) BASE_TRY(BASE_GROW(&l->runs, l->count, l->count ? 2 * l->count : 1));
        l->runs[l->count++] = r;
        l->failed += r->failed;
        e->run_count++;
        e->failed_count += r->failed;
        if (!r->failed) BASE_TRY(collect_quantities(e, r->store));
    }
    for (size_t i = 0; i < set->experiment_count; i++) {
        ReportExperiment *e = &set->experiments[i];
        BASE_TRY(count_distinct(e));
        qsort(e->labels, e->label_count, sizeof *e->labels, compare_labels);
        for (size_t l = 0; l < e->label_count; l++) BASE_TRY(BASE_ALLOC(e->labels[l].count, &e->labels[l].scratch));
    }
out:
    return st;
}

BaseStatus report_load(const char *const *folders, size_t folder_count, ReportSet *out)
{
    BaseStatus st = BASE_OK;
    ReportSet set = {0};
    size_t room = 0;
    *out = (ReportSet){0};
    for (size_t i = 0; i < folder_count; i++) BASE_TRY(read_folder(&set, folders[i], &room));
    BASE_CHECK(set.run_count > 0, BASE_ENOTFOUND, "no run file (*.h5) in %s%s: nothing to report",
               folder_count ? folders[0] : "no folder", folder_count > 1 ? " and the other folders" : "");
    qsort(set.runs, set.run_count, sizeof *set.runs, compare_runs);
    drop_superseded(&set);
    BASE_TRY(group_runs(&set));
    *out = set;
    set = (ReportSet){0};
out:
    report_set_free(&set);
    return st;
}

void report_set_free(ReportSet *set)
{
    for (size_t i = 0; i < set->run_count; i++) {
        store_run_free(set->runs[i].store);
        base_free(set->runs[i].file);
    }
    for (size_t i = 0; i < set->passed_count; i++) base_free(set->passed_over[i]);
    for (size_t i = 0; i < set->experiment_count; i++) {
        for (size_t l = 0; l < set->experiments[i].label_count; l++) {
            base_free(set->experiments[i].labels[l].runs);
            base_free(set->experiments[i].labels[l].scratch);
        }
        base_free(set->experiments[i].labels);
        base_free(set->experiments[i].quantities);
    }
    base_free(set->runs);
    base_free(set->passed_over);
    base_free(set->experiments);
    *set = (ReportSet){0};
}

BaseStatus report_run_full(const ReportRun *run, StoreRun **out) { return store_run_read(run->file, out); }
