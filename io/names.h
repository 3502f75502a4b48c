/* io/names.h - a growing list of names, and the lists that this folder hands out. */
#ifndef IO_NAMES_H
#define IO_NAMES_H

#include <stddef.h>

#include "base/status.h"

typedef struct {
    char **items;
    size_t count;
} IoNames;
BaseStatus io_names_add(IoNames *names, const char *name); /* a copy */
/** Byte order, the same in every locale. */
void io_names_sort(IoNames *names);
/** Hands the list over (count 0: a valid pointer) and leaves @p names empty; after an error use io_names_drop. */
BaseStatus io_names_give(IoNames *names, char ***out, size_t *count);
void io_names_drop(IoNames *names);
/** A list that was handed over; NULL is fine. */
void io_names_free(char **names, size_t count);

#endif
