#include "data/data.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "data/list.h"
#include "data/prepare/prepare.h"

#define X(name) extern const DataSource data_##name;
DATA_LIST(X)
#undef X
static const BaseEntry *const ENTRIES[] = {
#define X(name) &data_##name.entry,
    DATA_LIST(X)
#undef X
};
const BaseRegistry data_registry = {"data set", ENTRIES, BASE_COUNT(ENTRIES)};

BaseStatus data_open(const char *spec, DataSet **train, DataSet **test)
{
    return data_open_with(spec, NULL, train, test);
}

BaseStatus data_open_with(const char *spec, const DataOptions *options, DataSet **train, DataSet **test)
{
    BaseStatus st = BASE_OK;
    char *name = NULL;
    DataRequest request = {0};
    *train = *test = NULL;
    BASE_TRY(base_strdup(spec, &name));
    char *colon = strchr(name, ':'), *path = colon ? colon + 1 : NULL;
    if (colon) *colon = '\0';
    const BaseEntry *entry;
    BASE_TRY(base_registry_find(&data_registry, name, &entry));
    const DataSource *source = (const DataSource *)entry; /* the entry is its first member */
    BASE_CHECK(!path || source->path != DATA_PATH_NONE, BASE_EUSAGE, "data set '%s' takes no path; write just '%s'",
               spec, name);
    BASE_CHECK(!path || *path, BASE_EUSAGE, "data set '%s' ends at the colon; a path belongs behind it", spec);
    BASE_CHECK(path || source->path != DATA_PATH_REQUIRED, BASE_EUSAGE, "data set '%s' needs a path: %s:PATH", name,
               name);
    BASE_TRY(data_request_read(options, &request));
    BASE_TRY(source->open(path, &request, train, test));
    BASE_TRY(data_prepare(&request, source->prepares, train, test));
    const DataSet *a = *train, *b = *test;
    BASE_CHECK(a->K == b->K && a->C == b->C && a->H == b->H && a->W == b->W, BASE_EFORMAT,
               "%s: training images are %lld x %lld x %lld with %lld classes, test images %lld x %lld x %lld with %lld",
               spec, (long long)a->C, (long long)a->H, (long long)a->W, (long long)a->K, (long long)b->C,
               (long long)b->H, (long long)b->W, (long long)b->K);
out:
    if (st != BASE_OK) {
        data_set_free(*train);
        data_set_free(*test);
        *train = *test = NULL;
    }
    data_request_free(&request);
    base_free(name);
    return st;
}

DataView data_view_all(const DataSet *set) { return (DataView){set, NULL, set->N}; }
int64_t data_view_at(const DataView *view, int64_t i) { return view->index ? view->index[i] : i; }
int32_t data_view_label(const DataView *view, int64_t i) { return view->set->labels[data_view_at(view, i)]; }
DataView data_view_of(const DataSet *set, const DataIndex *index) { return (DataView){set, index->at, index->n}; }

void data_index_free(DataIndex *index)
{
    base_free(index->at);
    *index = (DataIndex){0};
}

void data_classes_free(DataClasses *classes)
{
    base_free(classes->in);
    *classes = (DataClasses){0};
}

static BaseStatus no_such_class(const DataSet *set, const char *word)
{
    enum { SHOWN = 24 };
    BaseText list = {0};
    bool named = false;
    for (int64_t k = 0; k < set->K && k < SHOWN; k++) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)k);
        bool plain = strcmp(number, set->class_names[k]) == 0;
        named |= !plain;
        base_text_add(&list, "%s%s%s%.40s", k ? ", " : "", number, plain ? "" : " ", plain ? "" : set->class_names[k]);
    }
    if (set->K > SHOWN) base_text_add(&list, ", ... %lld", (long long)set->K - 1);
    const char *near = named ? base_text_nearest(word, (const char *const *)set->class_names, (size_t)set->K) : NULL;
    BaseStatus st = list.st;
    if (st == BASE_OK)
        st = base_error_set(BASE_EUSAGE, "%s has no class '%.100s'%s%.100s%s; there are: %s", set->name, word,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list.data);
    base_text_free(&list);
    return st;
}

/* A number, else the exact name, else the name in any case; a name that two classes share is refused. */
static BaseStatus find_class(const DataSet *set, const char *word, int64_t *out)
{
    if (base_parse_i64(word, out) && *out >= 0 && *out < set->K) return BASE_OK;
    for (int exact = 1; exact >= 0; exact--) {
        int64_t found = -1;
        for (int64_t k = 0; k < set->K; k++) {
            if ((exact ? strcmp : strcasecmp)(set->class_names[k], word) != 0) continue;
            if (found >= 0)
                return base_error_set(BASE_EUSAGE, "%s: '%.100s' names the classes %lld and %lld; give the number",
                                      set->name, word, (long long)found, (long long)k);
            found = k;
        }
        if (found >= 0) return *out = found, BASE_OK;
    }
    return no_such_class(set, word);
}

/* Cuts the next item off *at: quoted, or up to a comma outside parentheses. *more: a comma followed. */
static BaseStatus next_item(char **at, char **item, bool *more)
{
    char *p = *at + strspn(*at, " \t"), *end;
    if (*p == '"' || *p == '\'') {
        *item = p + 1;
        end = strchr(p + 1, *p);
        if (!end) return base_error_set(BASE_EUSAGE, "classes: a quote is not closed: %.100s", p);
        *end++ = '\0';
        end += strspn(end, " \t");
        if (*end && *end != ',') return base_error_set(BASE_EUSAGE, "classes: a comma is missing before '%.100s'", end);
        *more = *end == ',';
    } else {
        *item = p;
        int depth = 0;
        for (end = p; *end && (*end != ',' || depth > 0); end++) depth += (*end == '(') - (*end == ')');
        *more = *end == ',';
        char *last = end;
        while (last > p && isspace((unsigned char)last[-1])) last--;
        if (last == p)
            return base_error_set(BASE_EUSAGE, "classes: an empty place in the list; write '3,7' or '[3, 7]'");
        if (last != end)
            *last = '\0';
        else if (*more)
            *end = '\0';
    }
    *at = *more ? end + 1 : end;
    return BASE_OK;
}

BaseStatus data_classes_parse(const DataSet *set, const char *text, DataClasses *out)
{
    BaseStatus st = BASE_OK;
    char *copy = NULL;
    *out = (DataClasses){.K = set->K};
    BASE_TRY(base_strdup(text, &copy));
    BASE_TRY(BASE_ALLOC(set->K, &out->in));
    char *at = copy + strspn(copy, " \t\n");
    size_t size = strlen(at);
    while (size && isspace((unsigned char)at[size - 1])) at[--size] = '\0';
    if (*at == '[') {
        BASE_CHECK(at[size - 1] == ']', BASE_EUSAGE, "classes: '%.200s' has no closing bracket; write '[3, 7]'", text);
        at[size - 1] = '\0';
        at++;
        at += strspn(at, " \t");
    }
    BASE_CHECK(*at, BASE_EUSAGE, "no class is named; give numbers or names as '3,7'");
    for (bool more = true; more;) {
        char *item;
        int64_t k;
        BASE_TRY(next_item(&at, &item, &more));
        BASE_TRY(find_class(set, item, &k));
        BASE_CHECK(!out->in[k], BASE_EUSAGE, "class %lld (%.100s) is named twice in '%.200s'", (long long)k,
                   set->class_names[k], text);
        out->in[k] = 1;
        out->count++;
    }
    BASE_CHECK(out->count < set->K, BASE_EUSAGE, "all %lld classes are named; at least one must be kept",
               (long long)set->K);
out:
    if (st != BASE_OK) data_classes_free(out);
    base_free(copy);
    return st;
}
