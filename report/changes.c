/* report/changes.c - the other classes when one is forgotten: which of them its images go to, and which lose and gain most
 * (the confusion analysis of Kodge, Saha, Roy 2024: analysis/interclass_confusion.py of their code). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/results.h"

/* Their counts: five destinations; ten falls and ten rises among all classes, twenty each within a range. */
enum { TOP = 5, RANKED = 10, RANKED_IN_RANGE = 20, MODELS = 3, BEFORE = 0, AFTER, RETRAINED };

/* The matrices of one job. */
typedef struct {
    StoreRun *run, *retrained;     /* owned */
    const int64_t *matrix[MODELS]; /* [K, K], borrowed from them; NULL: none */
    const char *const *names;      /* [K] */
    int64_t K, first, last;
    bool range; /* a part of the classes was asked for */
    bool *gone; /* [K] forgotten; owned */
} Confused;

typedef struct {
    double key;
    int64_t c;
} Ranked;

static const int64_t *matrix_of(const StoreRun *run, const char *path, int64_t K)
{
    StoreArray m;
    bool fits = run && store_run_array(run, path, &m) && m.ndim == 2 && m.shape[0] == K && m.shape[1] == K &&
                m.type == STORE_I64;
    return fits ? m.data : NULL;
}

static void confused_free(Confused *c)
{
    store_run_free(c->run);
    store_run_free(c->retrained);
    base_free(c->gone);
}

/* out->K 0: the job has none of this. */
static BaseStatus confused_open(const ReportExperiment *e, const ReportRun *job, Confused *out)
{
    BaseStatus st = BASE_OK;
    Confused c = {0};
    size_t count;
    const ReportRun *reference = report_same_job(report_label_of(e, REPORT_RANK_RETRAINED), job);
    *out = c;
    BASE_TRY(store_run_read(job->file, &c.run));
    if (reference && reference != job) BASE_TRY(store_run_read(reference->file, &c.retrained));
    if (!store_run_texts(c.run, "/class_names", &c.names, &count) || count < 2) goto out;
    c.K = (int64_t)count;
    c.matrix[BEFORE] = matrix_of(c.run, "/confusion/test_original", c.K);
    c.matrix[AFTER] = matrix_of(c.run, "/confusion/test", c.K);
    c.matrix[RETRAINED] = matrix_of(c.retrained, "/confusion/test", c.K);
    if (!c.matrix[BEFORE] || !c.matrix[AFTER]) goto out;
    c.range = report_confusion_range(c.run, c.K, &c.first, &c.last);
    BASE_TRY(BASE_ALLOC(c.K, &c.gone));
    for (const char *at = job->forget; *at; at += *at == ',') {
        char *end;
        long number = strtol(at, &end, 10);
        if (end == at || number < 0 || number >= c.K) goto out;
        c.gone[number] = true;
        at = end;
    }
    *out = c;
    c = (Confused){0};
out:
    confused_free(&c);
    return st;
}

/* Test images of forgotten classes that a model calls @p k. */
static MathEstimate called(const Confused *c, int model, int64_t k)
{
    int64_t hits = 0, n = 0;
    for (int64_t i = 0; i < c->K; i++) {
        if (!c->gone[i]) continue;
        hits += c->matrix[model][i * c->K + k];
        for (int64_t j = 0; j < c->K; j++) n += c->matrix[model][i * c->K + j];
    }
    return math_stats_share(hits, n, 0.95);
}

static MathEstimate accuracy(const Confused *c, int model, int64_t k)
{
    const int64_t *row = c->matrix[model] + k * c->K;
    int64_t n = 0;
    for (int64_t j = 0; j < c->K; j++) n += row[j];
    return math_stats_share(row[k], n, 0.95);
}

static void put(ReportTable *t, int column, MathEstimate share)
{
    if (share.n > 0)
        report_table_number(t, column, (MathEstimate){100 * share.value, 100 * share.lo, 100 * share.hi, share.n}, NAN);
}

/* The greatest key first, equal ones by their class. */
static int by_key(const void *pa, const void *pb)
{
    const Ranked *a = pa, *b = pb;
    if (a->key != b->key) return a->key > b->key ? -1 : 1;
    return (a->c > b->c) - (a->c < b->c);
}

static void put_class(ReportTable *t, const Confused *c, int64_t k)
{
    BaseText name = {0};
    base_text_add(&name, "%lld (%s)", (long long)k, c->names[k]);
    report_table_row(t, 0);
    report_table_text(t, 0, base_text_of(&name, &t->st));
    base_text_free(&name);
}

/* A column for each model that is there; columns[model] -1: none. */
static void model_columns(ReportTable *t, const Confused *c, const char *key, const char *title, int importance,
                          int columns[MODELS])
{
    static const char *const KEYS[MODELS] = {"before", "after", "retrained"};
    static const char *const TITLES[MODELS] = {" before", " after", ", retrained"};
    for (int m = 0; m < MODELS; m++) {
        char keys[64], titles[64];
        columns[m] = -1;
        if (!c->matrix[m]) continue;
        snprintf(keys, sizeof keys, "%s_%s", key, KEYS[m]);
        snprintf(titles, sizeof titles, "%s%s", title, TITLES[m]);
        columns[m] = report_table_column(t, keys, titles, true, 2, importance - m);
        report_table_ideal(t, columns[m], "%", "", "");
    }
}

static void put_models(ReportTable *t, const Confused *c, MathEstimate (*value)(const Confused *, int, int64_t),
                       int64_t k, const int columns[MODELS])
{
    for (int m = 0; m < MODELS; m++)
        if (columns[m] >= 0) put(t, columns[m], value(c, m, k));
}

static ReportTable make_table(const char *what, const ReportRun *job)
{
    BaseText title = {0};
    BaseStatus named = BASE_OK;
    base_text_add(&title, "%s: %s, class ", what, job->label);
    report_run_classes(job, &title);
    base_text_add(&title, ", seed %.0f", job->seed);
    ReportTable t = report_table_make(base_text_of(&title, &named));
    if (t.st == BASE_OK) t.st = named;
    base_text_free(&title);
    return t;
}

/* Classes of the range that stay, by @p value of @p model less that of @p less (-1: nothing). */
static int64_t rank(const Confused *c, int64_t first, int64_t last,
                    MathEstimate (*value)(const Confused *, int, int64_t), int model, int less, Ranked *out)
{
    int64_t count = 0;
    for (int64_t k = first; k <= last; k++) {
        MathEstimate a = value(c, model, k), b = {0};
        if (less >= 0) b = value(c, less, k);
        if (c->gone[k] || a.n == 0) continue;
        out[count++] = (Ranked){100 * a.value - 100 * b.value, k}; /* points */
    }
    qsort(out, (size_t)count, sizeof *out, by_key);
    return count;
}

static bool within(const Ranked *ranked, int64_t count, int64_t k)
{
    for (int64_t i = 0; i < count && i < TOP; i++)
        if (ranked[i].c == k && ranked[i].key > 0) return true;
    return false;
}

static ReportTable destinations(const Confused *c, const ReportRun *job, Ranked *before, Ranked *after)
{
    int shares[MODELS], right[MODELS];
    ReportTable t = make_table("Where forgotten images go", job);
    int64_t count = rank(c, c->first, c->last, called, BEFORE, -1, before);
    rank(c, c->first, c->last, called, AFTER, -1, after);
    report_table_column(&t, "class", "class", false, 0, 1000);
    model_columns(&t, c, "called", "called so", 90, shares);
    model_columns(&t, c, "accuracy", "its accuracy", 80, right);
    for (int64_t i = 0; i < count; i++) {
        int64_t k = before[i].c;
        if (!within(before, count, k) && !within(after, count, k)) continue;
        put_class(&t, c, k);
        put_models(&t, c, called, k, shares);
        put_models(&t, c, accuracy, k, right);
    }
    report_table_note(
        &t, "The five classes that most test images of what is forgotten are taken for before, and the five that they "
            "are taken for afterwards; and the test accuracy on each such class itself.");
    if (c->range)
        report_table_note(&t, "Among the classes %lld to %lld only.", (long long)c->first, (long long)c->last);
    return t;
}

/* @p most falls, then as many rises, or all classes where there are no more; ranked by what they lost. */
static void put_changes(ReportTable *t, const Confused *c, const Ranked *ranked, int64_t count, int64_t most,
                        const char *among, const int right[MODELS], const int shares[MODELS])
{
    for (int64_t i = 0; i < count; i++) {
        int64_t k = ranked[i].c;
        if (i >= most && i < count - most) continue;
        put_class(t, c, k);
        report_table_text(t, 1, among);
        report_table_number(t, 2, math_estimate((double)i + 1, 0), NAN);
        report_table_number(t, 3, math_estimate(0 - ranked[i].key, accuracy(c, AFTER, k).n), NAN);
        put_models(t, c, accuracy, k, right);
        put_models(t, c, called, k, shares);
    }
}

static ReportTable changes(const Confused *c, const ReportRun *job, Ranked *ranked)
{
    int shares[MODELS], right[MODELS];
    char among[64];
    ReportTable t = make_table("Changes of accuracy by class", job);
    report_table_column(&t, "class", "class", false, 0, 1000);
    report_table_column(&t, "among", "among", false, 0, c->range ? 95 : 0);
    report_table_column(&t, "place", "place", true, 0, 94);
    int change = report_table_column(&t, "change", "change", true, 2, 100);
    report_table_ideal(&t, change, "points", "", "");
    model_columns(&t, c, "accuracy", "accuracy", 90, right);
    model_columns(&t, c, "called", "forgotten images called so", 70, shares);
    int64_t count = rank(c, 0, c->K - 1, accuracy, BEFORE, AFTER, ranked);
    put_changes(&t, c, ranked, count, RANKED, "all classes", right, shares);
    if (c->range) {
        snprintf(among, sizeof among, "classes %lld to %lld", (long long)c->first, (long long)c->last);
        count = rank(c, c->first, c->last, accuracy, BEFORE, AFTER, ranked);
        put_changes(&t, c, ranked, count, RANKED_IN_RANGE, among, right, shares);
    }
    report_table_note(
        &t,
        "Kept classes by the change of their test accuracy, the largest fall first; where there are many, the "
        "%d lowest and the %d highest%s. The extremes of many classes are partly chance: a class of n images "
        "moves by 100 / n points with each of them.",
        RANKED, RANKED, c->range ? " (20 and 20 within the range)" : "");
    report_table_interval_note(
        &t, "A change has no interval: both accuracies are of the same images, and confusion matrices do "
            "not say which of them changed sides.");
    return t;
}

BaseStatus report_results_confused(const ReportExperiment *e, ReportTable *where, ReportTable *changed)
{
    BaseStatus st = BASE_OK;
    const ReportRun *job = report_first_ok(report_featured(e));
    Confused c = {0};
    Ranked *ranked[2] = {0};
    *where = report_table_make("Where forgotten images go");
    *changed = report_table_make("Changes of accuracy by class");
    if (!job || !*job->forget || report_run_images(job)) return BASE_OK;
    BASE_TRY(confused_open(e, job, &c));
    if (c.K == 0) goto out;
    for (int i = 0; i < 2; i++) BASE_TRY(BASE_ALLOC(c.K, &ranked[i]));
    report_table_free(where);
    report_table_free(changed);
    *where = destinations(&c, job, ranked[0], ranked[1]);
    *changed = changes(&c, job, ranked[0]);
out:
    base_free(ranked[0]);
    base_free(ranked[1]);
    confused_free(&c);
    return st;
}
