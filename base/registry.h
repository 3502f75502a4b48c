/* base/registry.h - plug-in tables. A folder of plug-ins has list.h with one X(name) row per file <name>.c, which
 * exports one const object whose FIRST member is a BaseEntry. The frame file (unlearn/unlearn.c, ...) expands the
 * list into a BaseRegistry. Rows are const; order and presence are visible by grep. */
#ifndef BASE_REGISTRY_H
#define BASE_REGISTRY_H

#include "base/param.h"

typedef struct {
    const char *name;    /* as written in configs and on the command line; equals the file's name */
    const char *summary; /* one line for `expunge list` */
    const char *source;  /* paper and equation, or "" */
    const BaseParam *params;
    size_t param_count, params_size; /* rows; sizeof the parameter struct (0: none) */
} BaseEntry;

/** The usual middle of a BaseEntry initialiser. */
#define BASE_ENTRY(name, summary, source, Params, table)                       \
    {(name), (summary), (source), (table), BASE_COUNT(table), sizeof(Params)}
#define BASE_ENTRY_PLAIN(name, summary, source) {(name), (summary), (source), 0, 0, 0}

typedef struct {
    const char *kind;                /* "method", "attack", ... */
    const BaseEntry *const *entries; /* [count] */
    size_t count;
} BaseRegistry;

/** @return BASE_OK and the entry (static storage); BASE_ENOTFOUND with "did you mean" and the full list in the text. */
BaseStatus base_registry_find(const BaseRegistry *registry, const char *name, const BaseEntry **out);

#endif
