/* io/json_tree.c - jansson's values under our names. */
#include "io/json_tree.h"

#include "io/json_read.h"

static const json_t *of(const IoJsonTree *value) { return (const json_t *)value; }

BaseStatus io_json_tree_read(const char *path, const char *what, const char *text, size_t size, IoJsonTree **out)
{
    return io_json_read(path, what, text, size, (json_t **)out);
}

void io_json_tree_free(IoJsonTree *tree) { json_decref((json_t *)tree); }

IoJsonKind io_json_tree_kind(const IoJsonTree *value)
{
    switch (json_typeof(of(value))) {
    case JSON_OBJECT: return IO_JSON_MAP;
    case JSON_ARRAY: return IO_JSON_LIST;
    case JSON_STRING: return IO_JSON_TEXT;
    case JSON_INTEGER: return IO_JSON_INTEGER;
    case JSON_REAL: return IO_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE: return IO_JSON_FLAG;
    case JSON_NULL: break;
    }
    return IO_JSON_NULL;
}

const IoJsonTree *io_json_tree_get(const IoJsonTree *map, const char *key)
{
    return (const IoJsonTree *)json_object_get(of(map), key);
}

const char *io_json_tree_key(const IoJsonTree *map, const char *before)
{
    json_t *object = (json_t *)map; /* not changed: jansson's iterators are not const */
    void *at = before ? json_object_iter_next(object, json_object_key_to_iter(before)) : json_object_iter(object);
    return at ? json_object_iter_key(at) : NULL;
}

size_t io_json_tree_count(const IoJsonTree *list) { return json_array_size(of(list)); }

const IoJsonTree *io_json_tree_at(const IoJsonTree *list, size_t i)
{
    return (const IoJsonTree *)json_array_get(of(list), i);
}

bool io_json_tree_integer(const IoJsonTree *value, int64_t *out)
{
    *out = json_integer_value(of(value));
    return json_is_integer(of(value));
}

bool io_json_tree_number(const IoJsonTree *value, double *out)
{
    *out = json_number_value(of(value));
    return json_is_number(of(value));
}

bool io_json_tree_flag(const IoJsonTree *value, bool *out)
{
    *out = json_is_true(of(value));
    return json_is_boolean(of(value));
}

const char *io_json_tree_text(const IoJsonTree *value) { return json_string_value(of(value)); }
