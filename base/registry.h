/* base/registry.h - plug-in tables. A folder of plug-ins has list.h with one row per file: X(name) for <name>.c, which
 * exports one const object that begins with a BaseEntry, or F(name) for a family, whose file exports a BaseRows of such
 * objects. The frame file (unlearn/unlearn.c, ...) expands the list twice, into declarations and into a BaseRegistry;
 * list.h undefines X and F at its end. Rows are const; order and presence are visible by grep. */
#ifndef BASE_REGISTRY_H
#define BASE_REGISTRY_H

#include "base/param.h"

typedef struct {
    const char *name;    /* as written in configs and on the command line; equals the file's name, but in families */
    const char *summary; /* one line for `expunge list` */
    const char *source;  /* paper and equation, or "" */
    const BaseParam *params;
    size_t param_count, params_size; /* rows; sizeof the parameter struct (0: none) */
} BaseEntry;

/** The usual middle of a BaseEntry initialiser. */
#define BASE_ENTRY(name, summary, source, Params, table)                                                               \
    {                                                                                                                  \
        (name), (summary), (source), (table), BASE_COUNT(table), sizeof(Params)                                        \
    }
#define BASE_ENTRY_PLAIN(name, summary, source)                                                                        \
    {                                                                                                                  \
        (name), (summary), (source), 0, 0, 0                                                                           \
    }

/** The objects of one file, in order. */
typedef struct {
    const void *first; /* [count] of the registry's type */
    size_t count;
} BaseRows;
#define BASE_ROWS(table)                                                                                               \
    {                                                                                                                  \
        (table), BASE_COUNT(table)                                                                                     \
    }
#define BASE_ROW(object)                                                                                               \
    &(const BaseRows) { &(object), 1 }

typedef struct {
    const char *kind;             /* "method", "attack", ... */
    const BaseRows *const *files; /* [file_count] */
    size_t file_count, size;      /* size: of one object */
} BaseRegistry;

size_t base_registry_count(const BaseRegistry *registry);
/** The object number @p i < count, which begins with its BaseEntry. Static storage. */
const void *base_registry_at(const BaseRegistry *registry, size_t i);
/** @return BASE_OK and the entry (static storage); BASE_ENOTFOUND with "did you mean" and the full list in the text. */
BaseStatus base_registry_find(const BaseRegistry *registry, const char *name, const BaseEntry **out);

#endif
