/* base/registry.c - finding plug-ins by number and by name. */
#include "base/registry.h"

#include <string.h>

size_t base_registry_count(const BaseRegistry *registry)
{
    size_t count = 0;
    for (size_t f = 0; f < registry->file_count; f++) count += registry->files[f]->count;
    return count;
}

const void *base_registry_at(const BaseRegistry *registry, size_t i)
{
    size_t f = 0;
    while (i >= registry->files[f]->count) i -= registry->files[f++]->count;
    return (const char *)registry->files[f]->first + i * registry->size;
}

BaseStatus base_registry_find(const BaseRegistry *registry, const char *name, const BaseEntry **out)
{
    enum { MOST = 256 };
    const char *names[MOST];
    size_t count = base_registry_count(registry);
    BaseText list = {0};
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        const BaseEntry *entry = base_registry_at(registry, i);
        if (strcmp(entry->name, name) == 0) return *out = entry, BASE_OK;
        if (i < MOST) names[i] = entry->name;
    }
    for (size_t i = 0; i < count; i++)
        base_text_add(&list, "%s%s", i ? ", " : "", ((const BaseEntry *)base_registry_at(registry, i))->name);
    BaseStatus st = list.st;
    if (st == BASE_OK) {
        const char *near = base_text_nearest(name, names, count < MOST ? count : MOST);
        base_error_set(st = BASE_ENOTFOUND, "no %s named '%.100s'%s%s%s; there are: %s", registry->kind, name,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
                       list.size ? list.data : "none");
    }
    base_text_free(&list);
    return st;
}
