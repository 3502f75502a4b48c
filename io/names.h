/* io/names.h - a growing list of names, for this folder's own use. */
#ifndef IO_NAMES_H
#define IO_NAMES_H

#include <stddef.h>

#include "base/status.h"

typedef struct {
    char **items;
    size_t count, room;
} IoNames;
BaseStatus io_names_add(IoNames *names, const char *name); /* a copy */
/** Byte order, the same in every locale. */
void io_names_sort(IoNames *names);
/** Hands the list over (count 0: a valid pointer) and leaves @p names empty; after an error use io_names_drop. */
BaseStatus io_names_give(IoNames *names, char ***out, size_t *count);
void io_names_drop(IoNames *names);

#endif
