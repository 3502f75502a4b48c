/* session/params.c - defaults, texts that read back, and assignments. */
#include "session/params.h"

#include <string.h>

#include "base/memory.h"

BaseStatus session_params_defaults(const BaseEntry *entry, void **out)
{
    BaseStatus st = base_alloc_bytes(1, entry->params_size ? entry->params_size : 1, out);
    if (st == BASE_OK) base_param_defaults(entry->params, entry->param_count, *out);
    return st;
}

void session_params_text(const BaseParam *table, size_t count, const void *values, BaseText *out)
{
    const char *comma = "";
    base_text_add(out, "{");
    for (size_t i = 0; i < count; i++) {
        const char *text = (const char *)values + table[i].offset;
        if (table[i].kind == BASE_KIND_TEXT && !*text && !*table[i].text) continue; /* says nothing */
        base_text_add(out, "%s%s: ", comma, table[i].name);
        comma = ", ";
        base_param_format(&table[i], values, out);
    }
    base_text_add(out, "}");
}

BaseStatus session_param_read(const BaseYaml *node, const BaseParam *table, size_t count, void *values,
                              const char *owner, const char *where)
{
    char *text = NULL;
    BaseStatus st = base_yaml_flow_text(node, &text);
    if (st == BASE_OK) st = base_param_set(table, count, values, owner, node->key, text, where);
    base_free(text);
    return st;
}

BaseStatus session_params_read(const BaseParam *table, size_t count, void *values, const char *text, const char *owner,
                               const char *where)
{
    BaseStatus st = BASE_OK;
    BaseYaml *map = NULL;
    BASE_TRY(base_yaml_parse(text, strlen(text), where, &map));
    BASE_CHECK(map->kind == BASE_YAML_MAP, BASE_EFORMAT, "%s: '%.80s' is no map of parameters", where, text);
    for (size_t i = 0; i < map->count; i++)
        BASE_TRY(session_param_read(map->items[i], table, count, values, owner, where));
out:
    base_yaml_free(map);
    return st;
}

const BaseParam session_common_params[] = {
    BASE_PARAM_F64(SessionCommon, val_fraction, 0, 0, 0.9, "share of the training images held out for validation"),
};
const size_t session_common_param_count = BASE_COUNT(session_common_params);

BaseStatus session_assign(const char *const *assignments, size_t assignment_count, const BaseParam *table, size_t count,
                          void *values, SessionCommon *common, const char *owner)
{
    base_param_defaults(session_common_params, session_common_param_count, common);
    for (size_t i = 0; i < assignment_count; i++) {
        char key[128];
        const char *equals = strchr(assignments[i], '=');
        size_t length = equals ? (size_t)(equals - assignments[i]) : 0;
        if (length == 0 || length >= sizeof key)
            return base_error_set(BASE_EUSAGE, "--set %.100s: must be key=value", assignments[i]);
        memcpy(key, assignments[i], length);
        key[length] = '\0';
        bool is_common = strcmp(key, session_common_params[0].name) == 0;
        BaseStatus st =
            base_param_set(is_common ? session_common_params : table, is_common ? session_common_param_count : count,
                           is_common ? (void *)common : values, owner, key, equals + 1, "--set");
        if (st != BASE_OK) return st;
    }
    return BASE_OK;
}
