/* store/values.c - typed setting and reading by path on top of the tree; a missing value is NAN, NULL or false. */
#include "store/store.h"

#include <math.h>
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
    return st;
}

BaseStatus store_run_set_texts(StoreRun *run, const char *path, const char *const *texts, size_t count)
{
    BaseStatus st = BASE_OK;
    StoreItem item = {.ndim = 1, .shape = {(int64_t)count}};
    BASE_TRY(BASE_ALLOC(count, &item.texts));
    for (; item.count < (int64_t)count; item.count++) {
        BASE_TRY(base_strdup(texts[item.count], &item.texts[item.count]));
    }
    return store_tree_put_take(run, path, &item);
out:
    for (int64_t i = 0; i < item.count; i++) base_free(item.texts[i]);
    base_free(item.texts);
    return st;
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
    *names = g ? (const char *const *)g->attr_names : NULL;
    *count = g ? g->attr_count : 0;
    return g != NULL;
}

bool store_run_members(const StoreRun *run, const char *group, const char *const **names, size_t *count)
{
    const StoreGroup *g = store_tree_group(run, group);
    *names = g ? (const char *const *)g->member_names : NULL;
    *count = g ? g->member_count : 0;
    return g != NULL;
}

/* /metrics as columns. A file from elsewhere may lack one or differ in length: then there are no metrics. */
typedef struct {
    const char *const *text[5]; /* names splits titles units ideals */
    const double *number[3];    /* value lo hi */
    const int64_t *n;
    size_t count;
} Metrics;
static const char *const TEXT_COLUMNS[] = {"/metrics/names", "/metrics/splits", "/metrics/titles", "/metrics/units",
                                           "/metrics/ideals"};
static const char *const NUMBER_COLUMNS[] = {"/metrics/value", "/metrics/lo", "/metrics/hi"};

static bool metrics_of(const StoreRun *run, Metrics *out)
{
    size_t count;
    StoreArray array;
    *out = (Metrics){0};
    for (int i = 0; i < 5; i++) {
        if (!store_run_texts(run, TEXT_COLUMNS[i], &out->text[i], &count)) return false;
        if (i == 0) out->count = count;
        if (count != out->count) return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!store_run_array(run, NUMBER_COLUMNS[i], &array)) return false;
        if (array.type != STORE_F64 || array.count != (int64_t)out->count) return false;
        out->number[i] = array.data;
    }
    if (!store_run_array(run, "/metrics/n", &array)) return false;
    out->n = array.data;
    return array.type == STORE_I64 && array.count == (int64_t)out->count;
}

static size_t metric_at(const Metrics *m, const char *name, const char *split)
{
    size_t i = 0;
    while (i < m->count && (strcmp(m->text[0][i], name) != 0 || strcmp(m->text[1][i], split) != 0)) i++;
    return i;
}

BaseStatus store_run_add_metric(StoreRun *run, const char *name, const char *split, const char *title, const char *unit,
                                const char *ideal, MathEstimate value)
{
    BaseStatus st = BASE_OK;
    Metrics m;
    const char **texts = NULL;
    double *numbers = NULL;
    int64_t *n = NULL;
    if (!metrics_of(run, &m)) m = (Metrics){0};
    size_t at = metric_at(&m, name, split), count = at == m.count ? m.count + 1 : m.count;
    const char *const new_texts[] = {name, split, title, unit, ideal};
    const double new_numbers[] = {value.value, value.lo, value.hi};
    int64_t shape[1] = {(int64_t)count};
    BASE_TRY(BASE_ALLOC(count, &texts));
    BASE_TRY(BASE_ALLOC(count, &numbers));
    BASE_TRY(BASE_ALLOC(count, &n));
    /* all columns are copied before any is replaced, since the old ones are read while the new are set */
    for (int c = 0; c < 5; c++) {
        if (m.count) memcpy(texts, m.text[c], m.count * sizeof *texts);
        texts[at] = new_texts[c] ? new_texts[c] : "";
        BASE_TRY(store_run_set_texts(run, TEXT_COLUMNS[c], texts, count));
    }
    for (int c = 0; c < 3; c++) {
        if (m.count) memcpy(numbers, m.number[c], m.count * sizeof *numbers);
        numbers[at] = new_numbers[c];
        BASE_TRY(store_run_set_array(run, NUMBER_COLUMNS[c], STORE_F64, 1, shape, numbers));
    }
    if (m.count) memcpy(n, m.n, m.count * sizeof *n);
    n[at] = value.n;
    BASE_TRY(store_run_set_array(run, "/metrics/n", STORE_I64, 1, shape, n));
out:
    base_free(texts);
    base_free(numbers);
    base_free(n);
    return st;
}

bool store_run_metric(const StoreRun *run, const char *name, const char *split, MathEstimate *out)
{
    Metrics m;
    if (!metrics_of(run, &m)) return false;
    size_t at = metric_at(&m, name, split);
    if (at == m.count) return false;
    *out = (MathEstimate){m.number[0][at], m.number[1][at], m.number[2][at], m.n[at]};
    return true;
}
