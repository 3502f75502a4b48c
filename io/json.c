/* io/json.c - values as a tree that is printed in one walk; strings that are not UTF-8 are mended on the way. */
#include "io/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/index.h"
#include "base/memory.h"
#include "base/text.h"

typedef enum { OBJECT, ARRAY, NUMBER, INTEGER, TEXT, BOOL, NIL } Kind;

struct IoJson {
    Kind kind;
    char *key, *text;
    double number;
    int64_t integer;
    IoJson **items; /* [count] owned */
    size_t count;
    BaseIndex keys; /* of an object's items */
    bool failed;    /* something below could not be allocated */
};

void io_json_quote(BaseText *out, const char *value)
{
    base_text_append(out, "\"", 1);
    for (const char *at = value; *at;) {
        uint32_t c;
        size_t n = base_text_point(at, &c);
        if (n == 0)
            base_text_append(out, "\xef\xbf\xbd", 3);
        else if (c == '"' || c == '\\')
            base_text_add(out, "\\%c", *at);
        else if (c == '\n')
            base_text_append(out, "\\n", 2);
        else if (c < ' ' || c == 0x7f)
            base_text_add(out, "\\u%04x", (unsigned)c);
        else
            base_text_append(out, at, n);
        at += n ? n : 1;
    }
    base_text_append(out, "\"", 1);
}

static IoJson *make(Kind kind)
{
    IoJson *value;
    if (BASE_ALLOC(1, &value) != BASE_OK) return NULL;
    value->kind = kind;
    return value;
}

IoJson *io_json_object(void) { return make(OBJECT); }
IoJson *io_json_array(void) { return make(ARRAY); }
IoJson *io_json_null(void) { return make(NIL); }

IoJson *io_json_number(double number)
{
    IoJson *value = make(isfinite(number) ? NUMBER : NIL);
    if (value) value->number = number;
    return value;
}

IoJson *io_json_integer(int64_t integer)
{
    IoJson *value = make(INTEGER);
    if (value) value->integer = integer;
    return value;
}

IoJson *io_json_bool(bool is)
{
    IoJson *value = make(BOOL);
    if (value) value->integer = is;
    return value;
}

IoJson *io_json_text_value(const char *text)
{
    IoJson *value = make(text ? TEXT : NIL);
    if (value && text && base_strdup(text, &value->text) != BASE_OK) {
        io_json_free(value);
        return NULL;
    }
    return value;
}

IoJson *io_json_text_of(const BaseText *text)
{
    BaseStatus st = BASE_OK;
    const char *content = base_text_of(text, &st);
    return st == BASE_OK ? io_json_text_value(content) : NULL;
}

void io_json_free(IoJson *value)
{
    if (!value) return;
    for (size_t i = 0; i < value->count; i++) io_json_free(value->items[i]);
    base_index_free(&value->keys);
    base_free(value->items);
    base_free(value->key);
    base_free(value->text);
    base_free(value);
}

static bool reserve(IoJson *value) { return BASE_GROW_BY_ONE(&value->items, value->count) == BASE_OK; }

void io_json_add_take(IoJson *array, IoJson *value)
{
    if (array && value && reserve(array)) {
        array->items[array->count++] = value;
        return;
    }
    if (array) array->failed = true;
    io_json_free(value);
}

void io_json_set_take(IoJson *object, const char *key, IoJson *value)
{
    if (object && value && base_strdup(key, &value->key) != BASE_OK) {
        io_json_free(value);
        value = NULL;
    }
    size_t old = SIZE_MAX;
    if (object && value &&
        (!reserve(object) || base_index_add(&object->keys, value->key, object->count, &old) != BASE_OK)) {
        io_json_free(value);
        value = NULL;
    }
    if (old != SIZE_MAX) { /* set again: the last value counts, in the first one's place, under its key */
        char *again = value->key;
        value->key = object->items[old]->key;
        object->items[old]->key = again;
        io_json_free(object->items[old]);
        object->items[old] = value;
        return;
    }
    if (object && value)
        object->items[object->count++] = value; /* reserved above: the index knows its key, so that it must not fail */
    else if (object)
        object->failed = true;
    else
        io_json_free(value);
}

/* An array of scalars is one line: a row of a confusion matrix is read as one. */
static bool on_one_line(const IoJson *value)
{
    for (size_t i = 0; i < value->count; i++)
        if (value->items[i]->kind == OBJECT || value->items[i]->kind == ARRAY) return false;
    return value->kind == ARRAY;
}

static void print(const IoJson *value, int depth, BaseText *out)
{
    switch (value->kind) {
    case NUMBER: base_text_add(out, "%.17g", value->number); return;
    case INTEGER: base_text_add(out, "%lld", (long long)value->integer); return;
    case TEXT: io_json_quote(out, value->text); return;
    case BOOL: base_text_add(out, "%s", value->integer ? "true" : "false"); return;
    case NIL: base_text_add(out, "null"); return;
    case OBJECT:
    case ARRAY: break;
    }
    if (value->failed && out->st == BASE_OK)
        out->st = base_error_set(BASE_ENOMEM, "not enough memory for the JSON output");
    base_text_add(out, value->kind == OBJECT ? "{" : "[");
    bool inline_items = on_one_line(value);
    for (size_t i = 0; i < value->count; i++) {
        if (inline_items)
            base_text_add(out, "%s", i ? ", " : "");
        else
            base_text_add(out, "%s\n%*s", i ? "," : "", 2 * depth + 2, "");
        if (value->kind == OBJECT) {
            io_json_quote(out, value->items[i]->key);
            base_text_add(out, ": ");
        }
        print(value->items[i], depth + 1, out);
    }
    if (value->count && !inline_items) base_text_add(out, "\n%*s", 2 * depth, "");
    base_text_add(out, value->kind == OBJECT ? "}" : "]");
}

BaseStatus io_json_text(const IoJson *value, char **out)
{
    BaseText text = {0};
    *out = NULL;
    if (!value) return base_error_set(BASE_ENOMEM, "not enough memory for the JSON output");
    print(value, 0, &text);
    if (text.st == BASE_OK) {
        *out = text.data;
        return BASE_OK;
    }
    BaseStatus st = text.st;
    base_text_free(&text);
    return st;
}
