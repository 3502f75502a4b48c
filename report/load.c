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
    static const char *const WORDS[] = {"original", "retrained", "method", "control"};
    const char *rank = text_of(run, "/", "rank");
    int i = 0;
    while (i <= REPORT_RANK_CONTROL && strcmp(rank, WORDS[i]) != 0) i++;
    return i <= REPORT_RANK_CONTROL ? (ReportRank)i : REPORT_RANK_METHOD;
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
    r->forget_map = text_of(r->store, "/", "forget_map");
    r->reason = text_of(r->store, "/", "reason");
    r->started = text_of(r->store, "/meta", "started");
    r->seed = store_run_f64(r->store, "/", "seed");
    r->rank = rank_of(r->store);
    r->featured = strcmp(text_of(r->store, "/", "rank"), "featured") == 0;
    r->unlearn = store_run_f64(r->store, "/", "unlearn_seed");
    if (isnan(r->unlearn)) r->unlearn = 0;
    r->order = store_run_f64(r->store, "/", "order");
    if (isnan(r->order)) r->order = 0;
    r->failed = strcmp(text_of(r->store, "/", "status"), "ok") != 0;
    if (r->failed && !*r->reason) r->reason = "the run states no reason";
}

bool report_run_images(const ReportRun *run) { return run->forget_map && *run->forget_map; }

bool report_any_images(const ReportExperiment *e)
{
    bool any = false;
    for (size_t l = 0; l < e->label_count && !any; l++)
        for (size_t i = 0; i < e->labels[l].count && !any; i++) any = report_run_images(e->labels[l].runs[i]);
    return any;
}

void report_run_classes(const ReportRun *run, BaseText *out)
{
    if (!*run->forget) return;
    if (report_run_images(run)) {
        base_text_add(out, "%s", run->forget_names);
        return;
    }
    base_text_add(out, "%s", run->forget);
    if (*run->forget_names) base_text_add(out, " (%s)", run->forget_names);
}

static void run_free(ReportRun *run)
{
    store_run_free(run->store);
    base_free(run->file);
}

static BaseStatus pass_over(ReportSet *set)
{
    BaseStatus st = BASE_GROW_BY_ONE(&set->passed_over, set->passed_count);
    if (st == BASE_OK) st = base_strdup(base_error_text(), &set->passed_over[set->passed_count]);
    if (st == BASE_OK) base_warning("ignored: %s", set->passed_over[set->passed_count++]);
    return st;
}

static BaseStatus read_folder(ReportSet *set, const char *folder, const ReportKnown *known)
{
    BaseStatus st = BASE_OK;
    char **names = NULL;
    size_t count = 0;
    BASE_TRY(io_folder_list(folder, ".h5", &names, &count));
    for (size_t i = 0; i < count; i++) {
        ReportRun run = {0};
        BASE_TRY(base_format(&run.file, "%s/%s", folder, names[i]));
        st = store_run_read_light(run.file, &run.store);
        if (st == BASE_OK && known->complete) st = known->complete(run.store);
        bool no_run = st != BASE_OK && st != BASE_ENOMEM;
        if (st == BASE_OK) st = BASE_GROW_BY_ONE(&set->runs, set->run_count);
        if (st != BASE_OK) run_free(&run);
        BASE_TRY(no_run ? pass_over(set) : st);
        if (no_run) continue;
        base_progress("reading runs", (int64_t)i + 1, (int64_t)count, NULL);
        describe(&run);
        set->runs[set->run_count++] = run;
    }
out:
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
    if (a->unlearn != b->unlearn) return a->unlearn < b->unlearn ? -1 : 1;
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
 * experiments, so of each label, class, seed and unlearning only the newest counts. */
static void drop_superseded(ReportSet *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->run_count; i++) {
        ReportRun *r = &set->runs[i];
        const ReportRun *before = kept ? &set->runs[kept - 1] : NULL;
        if (before && same_label(before, r) && !strcmp(before->forget, r->forget) && before->seed == r->seed &&
            before->unlearn == r->unlearn) {
            run_free(r);
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

/* Numbers of a file are anyone's. */
static int within(int64_t number, int least, int most, int otherwise)
{
    return number >= least && number <= most ? (int)number : otherwise;
}

static ReportQuantity quantity_of(const StoreMetric *m)
{
    bool low = strcmp(m->ideal, "low") == 0;
    return (ReportQuantity){.name = m->name,
                            .split = m->split,
                            .title = m->title,
                            .unit = strcmp(m->unit, "1") ? m->unit : "",
                            .ideal = low ? "" : m->ideal,
                            .arrow = !strcmp(m->direction, "up")     ? "↑"
                                     : !strcmp(m->direction, "down") ? "↓"
                                                                     : "",
                            .scale = 1,
                            .decimals = within(m->decimals, 0, 9, -1),
                            .least = m->least,
                            .most = m->most,
                            .role = m->role,
                            .in_results = within(m->in_results, 0, 999, 0),
                            .in_scores = within(m->in_scores, 0, 999, 0),
                            .cost = low};
}

static BaseStatus collect_quantities(ReportExperiment *e, const StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const char *const *attacks;
    size_t attack_count;
    StoreMetric metric;
    for (size_t i = 0; store_run_metric_at(run, i, &metric); i++) BASE_TRY(add_quantity(e, quantity_of(&metric)));
    store_run_members(run, "/attacks", &attacks, &attack_count);
    for (size_t i = 0; i < attack_count; i++) {
        char group[512];
        snprintf(group, sizeof group, "/attacks/%s", attacks[i]); /* one that audits nobody has no efficacy */
        bool headline = store_run_f64(run, group, "headline") == 1;
        ReportQuantity auc = {.name = attacks[i],
                              .field = "auc",
                              .title = attacks[i],
                              .unit = "",
                              .ideal = "retrained",
                              .arrow = "",
                              .scale = 1,
                              .decimals = 3,
                              .most = 1,
                              .role = ""};
        ReportQuantity efficacy = auc;
        efficacy.field = "efficacy";
        efficacy.unit = "%";
        efficacy.arrow = "↑";
        efficacy.scale = efficacy.most = 100;
        efficacy.decimals = 2;
        efficacy.role = headline ? "attack" : "";
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

/* Runs of one label, class and seed stand together. */
static void count_unlearnings(ReportExperiment *e)
{
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        for (size_t i = 0, n = 0; i < label->count; i++) {
            bool again = i > 0 && !strcmp(label->runs[i - 1]->forget, label->runs[i]->forget) &&
                         label->runs[i - 1]->seed == label->runs[i]->seed;
            n = again ? n + 1 : 1;
            if (n > e->unlearn_count) e->unlearn_count = n;
        }
    }
}

static int compare_labels(const void *pa, const void *pb)
{
    const ReportLabel *a = pa, *b = pb;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if (a->order != b->order) return a->order < b->order ? -1 : 1;
    return strcmp(a->label, b->label);
}

static BaseStatus group_runs(ReportSet *set, const ReportKnown *known)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < set->run_count; i++) {
        const ReportRun *r = &set->runs[i];
        bool new_experiment = i == 0 || !same_experiment(r - 1, r);
        if (new_experiment) {
            BASE_TRY(BASE_GROW(&set->experiments, set->experiment_count, set->experiment_count + 1));
            set->experiments[set->experiment_count++] = (ReportExperiment){
                .name = *r->experiment ? r->experiment : "runs", .arch = r->arch, .data = r->data, .known = known};
        }
        ReportExperiment *e = &set->experiments[set->experiment_count - 1];
        if (new_experiment || !same_label(r - 1, r)) {
            BASE_TRY(BASE_GROW(&e->labels, e->label_count, e->label_count + 1));
            e->labels[e->label_count++] = (ReportLabel){.label = r->label, .rank = r->rank, .order = r->order};
        }
        ReportLabel *l = &e->labels[e->label_count - 1];
        BASE_TRY(BASE_GROW_BY_ONE(&l->runs, l->count));
        l->runs[l->count++] = r;
        l->failed += r->failed;
        e->run_count++;
        e->failed_count += r->failed;
        if (!r->failed) BASE_TRY(collect_quantities(e, r->store));
    }
    for (size_t i = 0; i < set->experiment_count; i++) {
        ReportExperiment *e = &set->experiments[i];
        BASE_TRY(count_distinct(e));
        count_unlearnings(e);
        qsort(e->labels, e->label_count, sizeof *e->labels, compare_labels);
        for (size_t l = 0; l < e->label_count; l++) BASE_TRY(BASE_ALLOC(2 * e->labels[l].count, &e->labels[l].scratch));
        BASE_TRY(BASE_ALLOC(2 * e->label_count, &e->scratch));
    }
out:
    return st;
}

BaseStatus report_load(const char *const *folders, size_t folder_count, const ReportKnown *known, ReportSet *out)
{
    static const ReportKnown NOTHING = {0};
    BaseStatus st = BASE_OK;
    ReportSet set = {0};
    *out = (ReportSet){0};
    if (!known) known = &NOTHING;
    for (size_t i = 0; i < folder_count; i++) BASE_TRY(read_folder(&set, folders[i], known));
    BASE_CHECK(set.run_count > 0, BASE_ENOTFOUND, "no run file (*.h5) in %s%s: nothing to report",
               folder_count ? folders[0] : "no folder", folder_count > 1 ? " and the other folders" : "");
    qsort(set.runs, set.run_count, sizeof *set.runs, compare_runs);
    drop_superseded(&set);
    BASE_TRY(group_runs(&set, known));
    *out = set;
    set = (ReportSet){0};
out:
    report_set_free(&set);
    return st;
}

void report_set_free(ReportSet *set)
{
    for (size_t i = 0; i < set->run_count; i++) run_free(&set->runs[i]);
    for (size_t i = 0; i < set->passed_count; i++) base_free(set->passed_over[i]);
    for (size_t i = 0; i < set->experiment_count; i++) {
        for (size_t l = 0; l < set->experiments[i].label_count; l++) {
            base_free(set->experiments[i].labels[l].runs);
            base_free(set->experiments[i].labels[l].scratch);
        }
        base_free(set->experiments[i].labels);
        base_free(set->experiments[i].scratch);
        base_free(set->experiments[i].quantities);
    }
    base_free(set->runs);
    base_free(set->passed_over);
    base_free(set->experiments);
    *set = (ReportSet){0};
}

bool report_confusion_range(const StoreRun *run, int64_t K, int64_t *first, int64_t *last)
{
    double a = store_run_f64(run, "/confusion", "first"), b = store_run_f64(run, "/confusion", "last");
    bool range = a >= 0 && a < b && b < (double)K;
    *first = range ? (int64_t)a : 0;
    *last = range ? (int64_t)b : K - 1;
    return range;
}
