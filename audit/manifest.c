/* audit/manifest.c - files in order with their hashes; its own is taken with zeros in the hash's place. */
#include "audit/manifest.h"

#include <stdio.h>
#include <string.h>

#include "audit/facts.h"
#include "audit/signature.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "io/file.h"
#include "io/json.h"
#include "math/blas.h"
#include "math/threads.h"

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

static IoJson *program_json(BaseStatus *st)
{
    char hash[BASE_HASH_HEX], cpu[128];
    BaseText libraries = {0};
    IoJson *json = io_json_object();
    *st = base_hash_program(hash);
    session_libraries(&libraries);
    base_clock_cpu_name(cpu, sizeof cpu);
    io_json_set_take(json, "version", io_json_text_value(SESSION_PROGRAM_VERSION));
    io_json_set_take(json, "sha256", io_json_text_value(hash));
    io_json_set_take(json, "libraries", io_json_text_of(&libraries));
    io_json_set_take(json, "blas_core", io_json_text_value(math_blas_core()));
    io_json_set_take(json, "cpu", io_json_text_value(cpu));
    io_json_set_take(json, "threads", io_json_integer(math_threads_get()));
    base_text_end(&libraries, st);
    return json;
}

BaseStatus audit_config_signals(const AuditSignals *s, BaseText *out)
{
    base_text_add(out, "seed: %llu\naudit: ", (unsigned long long)s->seed);
    session_params_text(audit_params, audit_param_count, &s->options, out);
    base_text_add(out, "\nattacks:\n");
    for (size_t i = 0; i < s->choice_count; i++) {
        const BaseEntry *entry = &s->choice[i].attack->entry;
        base_text_add(out, "  %s: ", entry->name);
        session_params_text(entry->params, entry->param_count, s->choice[i].params, out);
        base_text_add(out, "\n");
    }
    return out->st;
}

/* What was asked for, in words that a second call would take. */
static BaseStatus config_text(const AuditTask *t, const AuditCollected *c, BaseText *out)
{
    base_text_add(out, "arch: %s\nforget: ", c->arch);
    session_classes_words(&c->forget, c->data.train, out);
    base_text_add(out, "\nprecision: %s\n", nn_precision_name(t->precision));
    if (t->tuning) base_text_add(out, "tuning: %s\n", nn_tuning_hash(t->tuning));
    BaseStatus st = audit_config_signals(&c->signals, out);
    if (st != BASE_OK) return st;
    if (t->make_retrained) {
        base_text_add(out, "retrained_by_us: %lld\ntrain: ", (long long)t->make_retrained);
        session_params_text(nn_train_params, nn_train_param_count, t->training, out);
        base_text_add(out, "\n");
    }
    return out->st;
}

static IoJson *data_json(const AuditTask *t, const AuditCollected *c)
{
    IoJson *json = io_json_object(), *options = io_json_object();
    io_json_set_take(json, "data", io_json_text_value(t->data));
    io_json_set_take(json, "sha256", io_json_text_value(c->data.hash));
    io_json_set_take(json, "preprocessing", io_json_text_value(c->data.prep));
#define X(field, flag, value, def, help)                                                                               \
    if (t->prepare && t->prepare->field) io_json_set_take(options, flag, io_json_text_value(t->prepare->field));
    DATA_OPTION_LIST(X)
#undef X
    io_json_set_take(json, "options", options);
    return json;
}

static IoJson *inputs_json(const AuditCollected *c)
{
    IoJson *json = io_json_array();
    for (size_t i = 0; i < c->input_count; i++) {
        const AuditInput *input = &c->input[i];
        IoJson *row = io_json_object();
        io_json_set_take(row, "role", io_json_text_value(input->role));
        io_json_set_take(row, "path", io_json_text_value(input->path));
        io_json_set_take(row, "sha256", io_json_text_value(input->file));
        if (*input->weights) io_json_set_take(row, "weights_sha256", io_json_text_value(input->weights));
        io_json_add_take(json, row);
    }
    return json;
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

BaseStatus audit_manifest_write(const AuditPage *page, const char *folder)
{
    BaseStatus st = BASE_OK;
    const AuditTask *t = page->task;
    const AuditCollected *c = page->collected;
    IoJson *json = io_json_object(), *results = NULL;
    BaseText config = {0};
    char hash[BASE_HASH_HEX], *text = NULL, *path = NULL;
    BASE_TRY(config_text(t, c, &config));
    base_hash_bytes(config.data, config.size, hash);
    io_json_set_take(json, "format", io_json_text_value(FORMAT));
    io_json_set_take(json, "command", io_json_text_value(t->command));
    io_json_set_take(json, "program", program_json(&st));
    if (st != BASE_OK) goto out;
    io_json_set_take(json, "config", io_json_text_of(&config));
    io_json_set_take(json, "config_sha256", io_json_text_value(hash));
    io_json_set_take(json, "data", data_json(t, c));
    io_json_set_take(json, "inputs", inputs_json(c));
    io_json_set_take(json, "page", audit_facts_json(page));
    st = results_json(folder, &results);
    io_json_set_take(json, "results", results);
    if (st != BASE_OK) goto out;
    memset(hash, '0', BASE_HASH_HEX - 1);
    io_json_set_take(json, "manifest_sha256", io_json_text_value(hash));
    BASE_TRY(io_json_text(json, &text));
    if (hash_own(text, strlen(text), hash)) memcpy(own_hash(text), hash, BASE_HASH_HEX - 1);
    BASE_TRY(base_format(&path, "%s/" AUDIT_MANIFEST, folder));
    BASE_TRY(io_file_write(path, text, strlen(text)));
out:
    io_json_free(json);
    base_text_free(&config);
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
    BASE_CHECK(format && format->text && strcmp(format->text, FORMAT) == 0, BASE_EFORMAT, "%s: no manifest of an audit",
               path);
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
    BASE_CHECK(io_path_is_folder(folder), BASE_EUSAGE, "--out %s is a file; an audit is a folder", folder);
    BASE_TRY(audit_files(folder, &names, &count));
    if (count == 0) goto out;
    st = audit_manifest_read(folder, &manifest, &right);
    if (st == BASE_ENOMEM) goto out;
    BASE_CHECK(st == BASE_OK, BASE_EUSAGE,
               "--out %s holds other files and no audit, and would be replaced: name another folder", folder);
    for (size_t i = 0; i < count; i++)
        BASE_CHECK(audit_manifest_lists(base_yaml_get(manifest, "results"), names[i]) ||
                       strcmp(names[i], AUDIT_MANIFEST) == 0 || strcmp(names[i], AUDIT_SIGNATURE) == 0,
                   BASE_EUSAGE,
                   "--out %s holds %s, which is no part of the audit there and would be lost: move it, or name another "
                   "folder",
                   folder, names[i]);
out:
    io_names_free(names, count);
    base_yaml_free(manifest);
    return st;
}
