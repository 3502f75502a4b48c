/* audit/manifest.c - files in order with their hashes; its own is taken with zeros in the hash's place. */
#include "audit/manifest.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "io/file.h"
#include "io/json.h"

#define FORMAT "expunge audit manifest 1"
#define SELF   "\"manifest_sha256\": \""

static BaseStatus add_name(char ***names, size_t *count, const char *below, const char *name)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    BASE_TRY(base_format(&path, "%s%s%s", below, *below ? "/" : "", name));
    BASE_TRY(BASE_GROW(names, *count, *count + 1));
    (*names)[(*count)++] = path;
    path = NULL;
out:
    base_free(path);
    return st;
}

/* Files of folder/below, then those of its folders, at most @p depth deep: a report has one level. */
static BaseStatus list(const char *folder, const char *below, int depth, char ***names, size_t *count)
{
    BaseStatus st = BASE_OK;
    char *path = NULL, **found = NULL, *inner = NULL;
    size_t n = 0;
    BASE_TRY(base_format(&path, "%s%s%s", folder, *below ? "/" : "", below));
    BASE_TRY(io_folder_list(path, "", &found, &n));
    for (size_t i = 0; i < n; i++) {
        base_free(inner);
        base_free(path);
        path = inner = NULL;
        BASE_TRY(base_format(&inner, "%s%s%s", below, *below ? "/" : "", found[i]));
        BASE_TRY(base_format(&path, "%s/%s", folder, inner));
        if (depth > 0 && io_path_is_folder(path))
            BASE_TRY(list(folder, inner, depth - 1, names, count));
        else
            BASE_TRY(add_name(names, count, below, found[i]));
    }
out:
    io_names_free(found, n);
    base_free(inner);
    base_free(path);
    return st;
}

BaseStatus audit_files(const char *folder, char ***names, size_t *count)
{
    *names = NULL;
    *count = 0;
    BaseStatus st = list(folder, "", 4, names, count);
    if (st == BASE_OK) return st;
    io_names_free(*names, *count);
    *names = NULL;
    *count = 0;
    return st;
}

static BaseStatus results_json(const char *folder, IoJson **out)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *path = NULL, hash[BASE_HASH_HEX];
    size_t count = 0;
    *out = io_json_array();
    BASE_TRY(audit_files(folder, &names, &count));
    for (size_t i = 0; i < count; i++) {
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", folder, names[i]));
        BASE_TRY(base_hash_file(path, hash));
        IoJson *row = io_json_object();
        io_json_set_take(row, "file", io_json_text_value(names[i]));
        io_json_set_take(row, "sha256", io_json_text_value(hash));
        io_json_add_take(*out, row);
    }
out:
    io_names_free(names, count);
    base_free(path);
    return st;
}

/* Where the manifest's own hash stands in its text; NULL: nowhere. */
static char *own_hash(char *text)
{
    char *at = strstr(text, SELF), *last = NULL;
    for (; at; at = strstr(at + 1, SELF)) last = at + strlen(SELF);
    return last && strlen(last) >= BASE_HASH_HEX - 1 ? last : NULL;
}

/* SHA-256 of the text with its own hash as zeros. */
static bool hash_own(char *text, size_t size, char hash[BASE_HASH_HEX])
{
    char *at = own_hash(text);
    if (!at) return false;
    memset(at, '0', BASE_HASH_HEX - 1);
    base_hash_bytes(text, size, hash);
    return true;
}

IoJson *audit_manifest_begin(void)
{
    IoJson *json = io_json_object();
    io_json_set_take(json, "format", io_json_text_value(FORMAT));
    return json;
}

BaseStatus audit_manifest_write(IoJson *json, const char *folder)
{
    BaseStatus st = BASE_OK;
    IoJson *results = NULL;
    char hash[BASE_HASH_HEX], *text = NULL, *path = NULL;
    st = results_json(folder, &results);
    io_json_set_take(json, "results", results);
    if (st != BASE_OK) goto out;
    memset(hash, '0', BASE_HASH_HEX - 1);
    hash[BASE_HASH_HEX - 1] = '\0';
    io_json_set_take(json, "manifest_sha256", io_json_text_value(hash));
    BASE_TRY(io_json_text(json, &text));
    if (hash_own(text, strlen(text), hash)) memcpy(own_hash(text), hash, BASE_HASH_HEX - 1);
    BASE_TRY(base_format(&path, "%s/" AUDIT_MANIFEST, folder));
    BASE_TRY(io_file_write(path, text, strlen(text)));
out:
    base_free(text);
    base_free(path);
    return st;
}

BaseStatus audit_manifest_read(const char *folder, BaseYaml **out, bool *own_right)
{
    BaseStatus st = BASE_OK;
    char *path = NULL, *text = NULL, then[BASE_HASH_HEX] = "", now[BASE_HASH_HEX];
    size_t size;
    *out = NULL;
    BASE_TRY(base_format(&path, "%s/" AUDIT_MANIFEST, folder));
    BASE_TRY(io_file_read(path, (size_t)1 << 20, &text, &size));
    st = base_yaml_parse(text, size, path, out);
    if (st == BASE_ENOMEM) goto out;
    const BaseYaml *format = st == BASE_OK ? base_yaml_get(*out, "format") : NULL;
    BASE_CHECK(format && format->text && strcmp(format->text, FORMAT) == 0, BASE_EFORMAT,
               "%s: is not the manifest of an audit", path);
    char *at = own_hash(text);
    if (at) memcpy(then, at, BASE_HASH_HEX - 1);
    then[BASE_HASH_HEX - 1] = '\0';
    *own_right = hash_own(text, size, now) && strcmp(now, then) == 0;
out:
    if (st != BASE_OK) {
        base_yaml_free(*out);
        *out = NULL;
    }
    base_free(path);
    base_free(text);
    return st;
}

const char *audit_manifest_text(const BaseYaml *map, const char *key)
{
    const BaseYaml *value = base_yaml_get(map, key);
    return value && value->kind == BASE_YAML_SCALAR ? value->text : "";
}

bool audit_manifest_lists(const BaseYaml *results, const char *name)
{
    for (size_t i = 0; results && i < results->count; i++)
        if (strcmp(audit_manifest_text(results->items[i], "file"), name) == 0) return true;
    return false;
}

BaseStatus audit_manifest_replaceable(const char *folder)
{
    BaseStatus st = BASE_OK;
    BaseYaml *manifest = NULL;
    char **names = NULL;
    size_t count = 0;
    bool right;
    if (!io_path_exists(folder)) return BASE_OK;
    BASE_CHECK(io_path_is_folder(folder), BASE_EUSAGE, "--out %s is a file; an audit is written to a folder", folder);
    BASE_TRY(audit_files(folder, &names, &count));
    if (count == 0) goto out;
    st = audit_manifest_read(folder, &manifest, &right);
    if (st == BASE_ENOMEM) goto out;
    BASE_CHECK(st == BASE_OK, BASE_EUSAGE,
               "--out %s holds other files and not an audit, and would be replaced: name another folder", folder);
    for (size_t i = 0; i < count; i++)
        BASE_CHECK(audit_manifest_lists(base_yaml_get(manifest, "results"), names[i]) ||
                       strcmp(names[i], AUDIT_MANIFEST) == 0 || strcmp(names[i], AUDIT_SIGNATURE) == 0,
                   BASE_EUSAGE,
                   "--out %s holds %s, which is not part of the audit there and would be lost: move it, or name "
                   "another folder",
                   folder, names[i]);
out:
    io_names_free(names, count);
    base_yaml_free(manifest);
    return st;
}
