#include "base/registry.h"

#include <string.h>

BaseStatus base_registry_find(const BaseRegistry *registry, const char *name, const BaseEntry **out)
{
    enum { MOST = 256 };
    const char *names[MOST];
    *out = NULL;
    BaseText list = {0};
    for (size_t i = 0; i < registry->count; i++) {
        const BaseEntry *entry = registry->entries[i];
        if (strcmp(entry->name, name) == 0) {
            *out = entry;
            base_text_free(&list);
            return BASE_OK;
        }
        if (i < MOST) names[i] = entry->name;
        base_text_add(&list, "%s%s", i ? ", " : "", entry->name);
    }
    const char *near = base_text_nearest(name, names, registry->count < MOST ? registry->count : MOST);
    BaseStatus st = base_error_set(BASE_ENOTFOUND, "no %s named '%.100s'%s%s%s; there are: %s", registry->kind, name,
                                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
                                   list.size ? list.data : "none");
    base_text_free(&list);
    return st;
}
