/* io/json_tree.h - JSON as a tree to look at, for rooms that know no jansson. */
#ifndef IO_JSON_TREE_H
#define IO_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct IoJsonTree IoJsonTree;
typedef enum {
    IO_JSON_NULL,
    IO_JSON_FLAG,
    IO_JSON_INTEGER,
    IO_JSON_REAL,
    IO_JSON_TEXT,
    IO_JSON_LIST,
    IO_JSON_MAP
} IoJsonKind;

/** As io_json_read, by which it reads: two equal keys and numbers beyond 64 bits are refused. *out owned. BASE_EFORMAT,
 *  BASE_ENOMEM. */
BaseStatus io_json_tree_read(const char *path, const char *what, const char *text, size_t size, IoJsonTree **out);
void io_json_tree_free(IoJsonTree *tree); /* the root only */
IoJsonKind io_json_tree_kind(const IoJsonTree *value);
/** NULL where @p map is no map, or has no such key. Borrowed, as all that follows. */
const IoJsonTree *io_json_tree_get(const IoJsonTree *map, const char *key);
/** The key behind @p before, NULL being the first; NULL behind the last, and of what is no map. */
const char *io_json_tree_key(const IoJsonTree *map, const char *before);
size_t io_json_tree_count(const IoJsonTree *list); /* 0 for what is no list */
const IoJsonTree *io_json_tree_at(const IoJsonTree *list, size_t i);
/** False where the value is of another kind; an integer is a number too. */
bool io_json_tree_integer(const IoJsonTree *value, int64_t *out);
bool io_json_tree_number(const IoJsonTree *value, double *out);
bool io_json_tree_flag(const IoJsonTree *value, bool *out);
const char *io_json_tree_text(const IoJsonTree *value); /* NULL where it is no text */

#endif
