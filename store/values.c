/* store/values.c - typed setting and reading by path on top of the tree; a missing value is NAN, NULL or false. */
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/tree.h"

BaseStatus store_run_set_array(StoreRun *run, const char *path, StoreType type, int ndim, const int64_t *shape,
                               const void *data)
{
    BaseStatus st = BASE_OK;
    StoreItem item = {.type = type, .ndim = ndim, .count = 1};
    BASE_CHECK(ndim >= 0 && ndim <= STORE_DIMS, BASE_ESHAPE, "%s: %d dimensions; 0 to %d are stored", path, ndim,
               STORE_DIMS);
    for (int i = 0; i < ndim; i++) {
        BASE_CHECK(shape[i] >= 0 && (shape[i] == 0 || item.count <= INT64_MAX / shape[i]), BASE_ESHAPE,
                   "%s: dimension %d is %lld", path, i, (long long)shape[i]);
        item.shape[i] = shape[i];
        item.count *= shape[i];
    }
    BASE_TRY(base_alloc_raw((size_t)item.count, store_type_size(type), &item.data));
    if (item.count > 0) memcpy(item.data, data, (size_t)item.count * store_type_size(type));
    st = store_tree_put_take(run, path, &item);
out:
    base_free(item.data);
    return store_tree_keep(run, st);
}

BaseStatus store_run_set_column(StoreRun *run, const char *group, const char *name, StoreType type, int64_t n,
                                const void *data)
{
    char path[STORE_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", group, name);
    return store_run_set_array(run, path, type, 1, &n, data);
}

BaseStatus store_run_set_texts(StoreRun *run, const char *path, const char *const *texts, size_t count)
{
    BaseStatus st = BASE_OK;
    StoreItem item = {.ndim = 1, .shape = {(int64_t)count}};
    BASE_TRY(BASE_ALLOC(count, &item.texts));
    for (; item.count < (int64_t)count; item.count++) {
        BASE_TRY(base_strdup(texts[item.count], &item.texts[item.count]));
    }
    return store_tree_keep(run, store_tree_put_take(run, path, &item));
out:
    for (int64_t i = 0; i < item.count; i++) base_free(item.texts[i]);
    base_free(item.texts);
    return store_tree_keep(run, st);
}

const char *store_run_text(const StoreRun *run, const char *group, const char *name)
{
    const StoreAttr *attr = store_tree_attr(run, group, name);
    return attr && attr->kind == STORE_ATTR_TEXT ? attr->text : NULL;
}

double store_run_f64(const StoreRun *run, const char *group, const char *name)
{
    const StoreAttr *attr = store_tree_attr(run, group, name);
    if (!attr || attr->kind == STORE_ATTR_TEXT) return NAN;
    return attr->kind == STORE_ATTR_F64 ? attr->f64 : (double)attr->i64;
}

bool store_run_array(const StoreRun *run, const char *path, StoreArray *out)
{
    const StoreItem *item = store_tree_item(run, path);
    if (!item || item->texts) return false;
    *out = (StoreArray){.type = item->type, .ndim = item->ndim, .count = item->count, .data = item->data};
    memcpy(out->shape, item->shape, sizeof out->shape);
    return true;
}

bool store_run_array_in(const StoreRun *run, const char *group, const char *name, StoreArray *out)
{
    char path[STORE_PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", group, name);
    return length < STORE_PATH_MAX && store_run_array(run, path, out);
}

bool store_run_texts(const StoreRun *run, const char *path, const char *const **texts, size_t *count)
{
    const StoreItem *item = store_tree_item(run, path);
    if (!item || !item->texts) return false;
    *texts = (const char *const *)item->texts;
    *count = (size_t)item->count;
    return true;
}

bool store_run_names(const StoreRun *run, const char *group, const char *const **names, size_t *count)
{
    const StoreGroup *g = store_tree_group(run, group);
    *names = g ? (const char *const *)g->attr_names.at : NULL;
    *count = g ? g->attr_names.count : 0;
    return g != NULL;
}

bool store_run_members(const StoreRun *run, const char *group, const char *const **names, size_t *count)
{
    const StoreGroup *g = store_tree_group(run, group);
    *names = g ? (const char *const *)g->member_names.at : NULL;
    *count = g ? g->member_names.count : 0;
    return g != NULL;
}

/* /metrics as columns. A file from elsewhere may lack one or differ in length: then there are no metrics, unless it is
 * a late one, which files of schema 3 and before do not have. */
typedef struct {
    StoreMetric metric;
    MathEstimate value;
} Row;
typedef struct {
    const char *path;
    enum { TEXT, F64, I64 } kind;
    size_t at; /* in a Row */
    bool late;
} Column;
enum { NAME, SPLIT, VALUE, LO, HI, N };
static const Column COLUMNS[] = {
    [NAME] = {"/metrics/names", TEXT, offsetof(Row, metric.name), false},
    [SPLIT] = {"/metrics/splits", TEXT, offsetof(Row, metric.split), false},
    [VALUE] = {"/metrics/value", F64, offsetof(Row, value.value), false},
    [LO] = {"/metrics/lo", F64, offsetof(Row, value.lo), false},
    [HI] = {"/metrics/hi", F64, offsetof(Row, value.hi), false},
    [N] = {"/metrics/n", I64, offsetof(Row, value.n), false},
    {"/metrics/titles", TEXT, offsetof(Row, metric.title), false},
    {"/metrics/units", TEXT, offsetof(Row, metric.unit), false},
    {"/metrics/ideals", TEXT, offsetof(Row, metric.ideal), false},
    {"/metrics/directions", TEXT, offsetof(Row, metric.direction), true},
    {"/metrics/roles", TEXT, offsetof(Row, metric.role), true},
    {"/metrics/least", F64, offsetof(Row, metric.least), true},
    {"/metrics/most", F64, offsetof(Row, metric.most), true},
    {"/metrics/decimals", I64, offsetof(Row, metric.decimals), true},
    {"/metrics/in_results", I64, offsetof(Row, metric.in_results), true},
    {"/metrics/in_scores", I64, offsetof(Row, metric.in_scores), true},
};
enum { COLUMN_COUNT = sizeof COLUMNS / sizeof *COLUMNS, NUMBER = sizeof(double) }; /* an int64_t is as long */

static bool read_cell(const StoreRun *run, const Column *column, size_t rows, size_t i, Row *row)
{
    char *to = (char *)row + column->at;
    const char *const *texts;
    size_t count;
    StoreArray array;
    if (column->kind == TEXT) {
        if (!store_run_texts(run, column->path, &texts, &count) || count != rows) return false;
        memcpy(to, &texts[i], sizeof texts[i]);
        return true;
    }
    if (!store_run_array(run, column->path, &array) || array.type != (column->kind == F64 ? STORE_F64 : STORE_I64) ||
        array.count != (int64_t)rows)
        return false;
    memcpy(to, (const char *)array.data + i * NUMBER, NUMBER);
    return true;
}

static bool read_row(const StoreRun *run, size_t rows, size_t i, Row *row)
{
    *row = (Row){.metric = {.direction = "", .role = "", .least = -INFINITY, .most = INFINITY, .decimals = -1}};
    for (int c = 0; c < COLUMN_COUNT; c++)
        if (!read_cell(run, &COLUMNS[c], rows, i, row) && !COLUMNS[c].late) return false;
    return true;
}

static size_t names_of(const StoreRun *run)
{
    const char *const *names;
    size_t count;
    return store_run_texts(run, COLUMNS[NAME].path, &names, &count) ? count : 0;
}

/* The rows in memory that hold @p more than this run has; their texts are the run's until they are written. */
static BaseStatus read_rows(const StoreRun *run, size_t more, Row **rows, size_t *count)
{
    BaseStatus st = BASE_OK;
    *count = names_of(run);
    BASE_TRY(BASE_ALLOC(*count + more, rows));
    for (size_t i = 0; i < *count; i++)
        if (!read_row(run, *count, i, &(*rows)[i])) *count = 0;
out:
    return st;
}

static BaseStatus write_rows(StoreRun *run, const Row *rows, size_t count)
{
    BaseStatus st = BASE_OK;
    const char **texts = NULL;
    char *numbers = NULL;
    int64_t shape[1] = {(int64_t)count};
    BASE_TRY(BASE_ALLOC(count, &texts));
    BASE_TRY(BASE_ALLOC(count * NUMBER, &numbers));
    for (int c = 0; c < COLUMN_COUNT; c++) {
        bool text = COLUMNS[c].kind == TEXT;
        for (size_t i = 0; i < count; i++) {
            const char *from = (const char *)&rows[i] + COLUMNS[c].at;
            memcpy(text ? (char *)&texts[i] : numbers + i * NUMBER, from, text ? sizeof *texts : NUMBER);
        }
        BASE_TRY(text ? store_run_set_texts(run, COLUMNS[c].path, texts, count)
                      : store_run_set_array(run, COLUMNS[c].path, COLUMNS[c].kind == F64 ? STORE_F64 : STORE_I64, 1,
                                            shape, numbers));
    }
out:
    base_free(texts);
    base_free(numbers);
    return st;
}

BaseStatus store_run_add_metric(StoreRun *run, const StoreMetric *metric, MathEstimate value)
{
    BaseStatus st = BASE_OK;
    Row *rows = NULL;
    size_t count, at = 0;
    BASE_TRY(read_rows(run, 1, &rows, &count));
    while (at < count &&
           (strcmp(rows[at].metric.name, metric->name) != 0 || strcmp(rows[at].metric.split, metric->split) != 0))
        at++;
    rows[at] = (Row){*metric, value};
    st = write_rows(run, rows, at == count ? count + 1 : count);
out:
    base_free(rows);
    return st;
}

BaseStatus store_run_describe_metrics(StoreRun *run, void (*describe)(StoreMetric *metric))
{
    BaseStatus st = BASE_OK;
    Row *rows = NULL;
    size_t count;
    const char *const *roles;
    if (store_run_texts(run, "/metrics/roles", &roles, &count)) return BASE_OK;
    BASE_TRY(read_rows(run, 0, &rows, &count));
    for (size_t i = 0; i < count; i++) describe(&rows[i].metric);
    if (count > 0) st = write_rows(run, rows, count);
out:
    base_free(rows);
    return st;
}

bool store_run_metric_at(const StoreRun *run, size_t i, StoreMetric *out)
{
    Row row;
    size_t rows = names_of(run);
    bool there = i < rows && read_row(run, rows, i, &row);
    if (there) *out = row.metric;
    return there;
}

bool store_run_metric(const StoreRun *run, const char *name, const char *split, MathEstimate *out)
{
    const char *const *names, *const *splits;
    size_t rows, count, i = 0;
    Row row;
    if (!store_run_texts(run, COLUMNS[NAME].path, &names, &rows) ||
        !store_run_texts(run, COLUMNS[SPLIT].path, &splits, &count) || count != rows)
        return false;
    while (i < rows && (strcmp(names[i], name) != 0 || strcmp(splits[i], split) != 0)) i++;
    if (i == rows) return false;
    for (int c = VALUE; c <= N; c++)
        if (!read_cell(run, &COLUMNS[c], rows, i, &row)) return false;
    *out = row.value;
    return true;
}
