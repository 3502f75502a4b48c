/* io/names.c - an array that doubles, sorted bytewise on request and handed over whole. */
#include "io/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"

BaseStatus io_names_add(IoNames *names, const char *name)
{
    BaseStatus st = BASE_GROW_BY_ONE(&names->items, names->count);
    if (st == BASE_OK) st = base_strdup(name, &names->items[names->count]);
    if (st == BASE_OK) names->count++;
    return st;
}

void io_names_sort(IoNames *names)
{
    if (names->count > 1) qsort(names->items, names->count, sizeof *names->items, base_ascending_text);
}

BaseStatus io_names_give(IoNames *names, char ***out, size_t *count)
{
    if (!names->items) {
        BaseStatus st = BASE_ALLOC(1, &names->items);
        if (st != BASE_OK) return st;
    }
    *out = names->items;
    *count = names->count;
    *names = (IoNames){0};
    return BASE_OK;
}

void io_names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++) base_free(names[i]);
    base_free(names);
}

void io_names_drop(IoNames *names)
{
    io_names_free(names->items, names->count);
    *names = (IoNames){0};
}
