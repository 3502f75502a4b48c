/* experiment/paths.c - which keys of a config are paths is known from the table of data options and the list below. */
#include "experiment/paths.h"

#include "experiment/forget.h"

#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "data/prepare/prepare.h"
#include "io/file.h"
#include "nn/arch/arch.h"

/* An option of --data is a path if its value stands in the help as FILE. */
static const struct {
    const char *key, *value;
} KEYS[] = {{"data", "NAME:FILE"},
            {"arch", NN_ARCH_GRAPH "FILE"},
            {"tuning", "FILE"},
#define X(field, flag, value, def, help) {#field, value},
            DATA_OPTION_LIST(X)
#undef X
};

/* The path within the value of a key, NULL if there is none. */
static const char *path_in(const BaseYaml *node, size_t key)
{
    const bool graph = strcmp(KEYS[key].key, "arch") == 0, named = graph || strcmp(KEYS[key].value, "NAME:FILE") == 0;
    if (!node || node->kind != BASE_YAML_SCALAR) return NULL;
    if (graph && strncmp(node->text, NN_ARCH_GRAPH, strlen(NN_ARCH_GRAPH)) != 0) return NULL;
    if (!named && strcmp(KEYS[key].value, "FILE") != 0) return NULL;
    const char *colon = named ? strchr(node->text, ':') : NULL;
    const char *path = colon ? colon + 1 : named ? "" : node->text;
    return *path ? path : NULL;
}

static BaseStatus place(BaseYaml *node, const char *within, const char *path)
{
    BaseStatus st = BASE_OK;
    char *beside = NULL, *text = NULL;
    BASE_TRY(io_path_beside(path, within, &beside));
    BASE_TRY(base_format(&text, "%.*s%s", (int)(within - node->text), node->text, beside));
    base_free(node->text);
    node->text = text;
out:
    base_free(beside);
    return st;
}

/* The value of a key, to be changed; NULL: none. */
static BaseYaml *item_of(BaseYaml *map, const char *key)
{
    for (size_t i = 0; map && map->kind == BASE_YAML_MAP && i < map->count; i++)
        if (strcmp(map->items[i]->key, key) == 0) return map->items[i];
    return NULL;
}

/* The files of a list of forget sets, or of the one that stands for a list. */
static BaseStatus place_sets(BaseYaml *map, const char *path)
{
    BaseStatus st = BASE_OK;
    BaseYaml *sets = item_of(map, "forget");
    bool list = sets && sets->kind == BASE_YAML_LIST;
    for (size_t i = 0; sets && i < (list ? sets->count : 1); i++) {
        BaseYaml *file = item_of(list ? sets->items[i] : sets, EXPERIMENT_SET_INDEX);
        if (file && file->kind == BASE_YAML_SCALAR && *file->text) BASE_TRY(place(file, file->text, path));
    }
out:
    return st;
}

BaseStatus experiment_paths_place(BaseYaml *root, const char *path)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(place_sets(root, path));
    BASE_TRY(place_sets(item_of(root, "search"), path));
    for (size_t i = 0; root->kind == BASE_YAML_MAP && i < root->count; i++) {
        for (size_t k = 0; k < BASE_COUNT(KEYS); k++) {
            BaseYaml *node = root->items[i];
            const char *within = strcmp(node->key, KEYS[k].key) == 0 ? path_in(node, k) : NULL;
            if (within) BASE_TRY(place(node, within, path));
        }
    }
out:
    return st;
}

/* Every text of the node, behind the folder of @p name. */
static BaseStatus move(BaseYaml *node, const char *name)
{
    BaseStatus st = BASE_OK;
    char *text = NULL;
    for (size_t i = 0; node && node->kind == BASE_YAML_LIST && i < node->count; i++)
        BASE_TRY(move(node->items[i], name));
    if (!node || node->kind != BASE_YAML_SCALAR || !*node->text) goto out;
    BASE_TRY(io_path_beside(name, node->text, &text));
    base_free(node->text);
    node->text = text;
out:
    return st;
}

BaseStatus experiment_paths_move(BaseYaml *root, const char *name)
{
    BaseStatus st = BASE_OK;
    BaseYaml *methods = item_of(root, "methods");
    BASE_TRY(move(item_of(item_of(root, "original"), "weights"), name));
    BASE_TRY(move(item_of(item_of(root, "retrained"), "weights"), name));
    for (size_t i = 0; methods && methods->kind == BASE_YAML_LIST && i < methods->count; i++) {
        BASE_TRY(move(item_of(methods->items[i], "weights"), name));
        BASE_TRY(move(item_of(item_of(methods->items[i], "set"), "weights"), name));
    }
out:
    return st;
}

BaseStatus experiment_paths_explain(const BaseYaml *root, BaseStatus st)
{
    if (st != BASE_EIO) return st;
    for (size_t k = 0; k < BASE_COUNT(KEYS); k++) {
        const BaseYaml *node = base_yaml_get(root, KEYS[k].key);
        const char *path = path_in(node, k);
        char *full = NULL;
        if (!path || io_path_exists(path)) continue;
        if (io_path_full(path, &full) != BASE_OK) return BASE_ENOMEM;
        const bool set = strcmp(node->where, "--set") == 0, data = strcmp(KEYS[k].key, "data") == 0;
        base_error_set(st, "%s: %s: %s does not exist%s%s%.*s%s", node->where, KEYS[k].key, full,
                       set ? "" : "; a path in a config is relative to the folder of that config",
                       set || !data ? "" : ", and --set data=", set || !data ? 0 : (int)(path - node->text), node->text,
                       set || !data ? "" : "PATH names another one");
        base_free(full);
        return st;
    }
    return st;
}
