/* nn/graph_attributes.c - each attribute by its kind into the field that the operation's table names. */
#include "nn/graph_attributes.h"

#include <stdio.h>
#include <string.h>

void nn_graph_near(BaseText *out, const char *word, const char *const *candidates, size_t count)
{
    const char *near = base_text_nearest(word, candidates, count);
    if (near) base_text_add(out, "; did you mean '%s'?", near);
}

BaseStatus nn_graph_unknown(const char *what, const char *kind, const char *word, const char *const *names,
                            size_t count)
{
    BaseText near = {0}, list = {0};
    BaseStatus st = BASE_OK;
    nn_graph_near(&near, word, names, count);
    for (size_t i = 0; i < count; i++) base_text_add(&list, "%s%s", i ? ", " : "", names[i]);
    const char *hint = base_text_of(&near, &st), *all = base_text_of(&list, &st);
    if (st == BASE_OK)
        st = base_error_set(BASE_EFORMAT, "%s no %s '%.100s'%s%s%s", what, kind, word, hint,
                            *hint ? " There are: " : "; there are: ", count ? all : "none");
    base_text_free(&near);
    base_text_free(&list);
    return st;
}

static const NnAttribute *attribute_of(const NnForm *form, const char *name)
{
    for (size_t i = 0; i < form->attribute_count; i++)
        if (strcmp(form->attributes[i].name, name) == 0) return &form->attributes[i];
    return NULL;
}

static BaseStatus unknown_attribute(const NnForm *form, const char *name)
{
    enum { MOST = 32 };
    const char *names[MOST];
    char what[64];
    size_t count = form->attribute_count < MOST ? form->attribute_count : MOST;
    for (size_t i = 0; i < count; i++) names[i] = form->attributes[i].name;
    snprintf(what, sizeof what, "%s has", form->name);
    return nn_graph_unknown(what, "attribute", name, names, count);
}

/* One whole number, or the same of a list of two. */
static bool take_counts(const IoJsonTree *value, const NnAttribute *a, int64_t out[2])
{
    bool pair = io_json_tree_count(value) == 2 && a->kind != NN_ATTRIBUTE_COUNT, good = true;
    for (size_t i = 0; i < 2 && good; i++)
        good = io_json_tree_integer(pair ? io_json_tree_at(value, i) : value, &out[i]) && (double)out[i] >= a->least &&
               (double)out[i] <= a->most;
    return good && (a->kind != NN_ATTRIBUTE_SQUARE || out[0] == out[1]);
}

static BaseStatus wrong_counts(const NnAttribute *a)
{
    static const char *const PAIRS[] = {[NN_ATTRIBUTE_SQUARE] = ", or a pair of equal ones",
                                        [NN_ATTRIBUTE_PAIR] = ", or a pair [height, width] of such"};
    bool pair = a->kind != NN_ATTRIBUTE_COUNT;
    return base_error_set(BASE_EFORMAT, "the attribute '%s' must be a whole number from %.0f to %.0f%s", a->name,
                          a->least, a->most, pair ? PAIRS[a->kind] : "");
}

/* [C], [C, 1, 1], [1, C, 1, 1], ...: up to four axes. */
static BaseStatus take_shape_of(const IoJsonTree *list, const NnAttribute *a, int64_t C, int64_t ones[2])
{
    BaseStatus st = BASE_OK;
    int64_t count = (int64_t)io_json_tree_count(list), at = -1, size;
    for (int64_t i = 0; i < count; i++) {
        bool whole = io_json_tree_integer(io_json_tree_at(list, (size_t)i), &size);
        if (whole && size == C && at < 0)
            at = i;
        else if (!whole || size != 1)
            at = count + 1;
    }
    BASE_CHECK(at >= 0 && at < count && count <= 4, BASE_EFORMAT,
               "the attribute '%s' must be a list of up to 4 numbers, one of them %lld and the others 1", a->name,
               (long long)C);
    ones[0] = at;
    ones[1] = count - 1 - at;
out:
    return st;
}

static BaseStatus set_attribute(const NnForm *form, const NnAttribute *a, const IoJsonTree *value, NnNodeInfo *set)
{
    char *field = (char *)set + a->offset;
    int64_t counts[2];
    const char *word;
    double number;
    bool flag;
    int i = 0;
    switch (a->kind) {
    case NN_ATTRIBUTE_COUNT:
    case NN_ATTRIBUTE_SQUARE:
    case NN_ATTRIBUTE_PAIR:
        if (!take_counts(value, a, counts)) return wrong_counts(a);
        memcpy(field, counts, (a->kind == NN_ATTRIBUTE_PAIR ? 2 : 1) * sizeof *counts);
        return BASE_OK;
    case NN_ATTRIBUTE_SHAPE:
        memcpy(counts, (char *)set + attribute_of(form, a->like)->offset, sizeof *counts);
        return take_shape_of(value, a, counts[0], (int64_t *)(void *)field);
    case NN_ATTRIBUTE_REAL:
        if (!io_json_tree_number(value, &number) || !(number >= a->least && number <= a->most))
            return base_error_set(BASE_EFORMAT, "the attribute '%s' must be a number from %g to %g", a->name, a->least,
                                  a->most);
        memcpy(field, &number, sizeof number);
        return BASE_OK;
    case NN_ATTRIBUTE_FLAG:
        if (!io_json_tree_flag(value, &flag))
            return base_error_set(BASE_EFORMAT, "the attribute '%s' must be true or false", a->name);
        memcpy(field, &flag, sizeof flag);
        return BASE_OK;
    case NN_ATTRIBUTE_CHOICE: break;
    }
    word = io_json_tree_text(value);
    while (word && a->words[i] && strcmp(a->words[i], word) != 0) i++;
    if (!word || !a->words[i]) {
        size_t count = 0;
        char what[96];
        while (a->words[count]) count++;
        snprintf(what, sizeof what, "the attribute '%s' has", a->name);
        return nn_graph_unknown(what, "value", word ? word : "", a->words, count);
    }
    i += form->function;
    memcpy(field, &i, sizeof i);
    return BASE_OK;
}

static void set_usual(const NnForm *form, const NnAttribute *a, NnNodeInfo *set)
{
    char *field = (char *)set + a->offset;
    const int64_t count = (int64_t)a->usual, pair[2] = {count, count}, ones[2] = {0, count};
    const int function = form->function + (int)a->usual;
    const bool flag = a->usual != 0;
    if (a->like && a->kind != NN_ATTRIBUTE_SHAPE) {
        memcpy(field, (const char *)set + attribute_of(form, a->like)->offset, sizeof count);
        return;
    }
    switch (a->kind) {
    case NN_ATTRIBUTE_COUNT:
    case NN_ATTRIBUTE_SQUARE: memcpy(field, &count, sizeof count); return;
    case NN_ATTRIBUTE_PAIR: memcpy(field, pair, sizeof pair); return;
    case NN_ATTRIBUTE_SHAPE: memcpy(field, ones, sizeof ones); return;
    case NN_ATTRIBUTE_REAL: memcpy(field, &a->usual, sizeof a->usual); return;
    case NN_ATTRIBUTE_FLAG: memcpy(field, &flag, sizeof flag); return;
    case NN_ATTRIBUTE_CHOICE: memcpy(field, &function, sizeof function); return;
    }
}

BaseStatus nn_graph_attributes(const NnForm *form, const IoJsonTree *map, NnNodeInfo *set)
{
    BaseStatus st = BASE_OK;
    *set = (NnNodeInfo){.function = form->function};
    BASE_CHECK(!map || io_json_tree_kind(map) == IO_JSON_MAP, BASE_EFORMAT, "'attributes' must be an object");
    for (const char *key = map ? io_json_tree_key(map, NULL) : NULL; key; key = io_json_tree_key(map, key))
        if (!attribute_of(form, key)) BASE_TRY(unknown_attribute(form, key));
    for (size_t i = 0; i < form->attribute_count; i++) {
        const NnAttribute *a = &form->attributes[i];
        const IoJsonTree *value = map ? io_json_tree_get(map, a->name) : NULL;
        BASE_CHECK(value || !a->needed, BASE_EFORMAT, "%s needs the attribute '%s'", form->name, a->name);
        if (value)
            BASE_TRY(set_attribute(form, a, value, set));
        else
            set_usual(form, a, set);
    }
out:
    return st;
}
