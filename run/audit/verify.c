/* Checks an audit's folder against its manifest and its own signals. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "run/audit/manifest.h"
#include "run/audit/results.h"

typedef struct {
    const char *folder;
    BaseText *lines;
    int64_t differences, files, inputs, gone;
} Check;

static void differ(Check *c, const char *what, const char *how)
{
    c->differences++;
    base_text_add(c->lines, "%s: %s\n", what, how);
}

/* A result file's name that leads out of the folder is none that an audit wrote. */
static bool is_inside(const char *name)
{
    return *name && *name != '/' && strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && !strstr(name, "/..");
}

static BaseStatus check_results(Check *c, const BaseYaml *results)
{
    BaseStatus st = BASE_OK;
    char *path = NULL, hash[BASE_HASH_HEX];
    for (size_t i = 0; results && i < results->count; i++) {
        const char *name = run_audit_manifest_text(results->items[i], "file");
        const char *then = run_audit_manifest_text(results->items[i], "sha256");
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", c->folder, name));
        c->files++;
        if (!is_inside(name)) {
            differ(c, name, "is no name of a result file");
        } else if (!io_path_exists(path)) {
            differ(c, name, "is missing");
        } else if (base_hash_file(path, hash) != BASE_OK) {
            differ(c, name, "cannot be read");
            base_error_clear();
        } else if (strcmp(hash, then) != 0) {
            differ(c, name, "is not the file that the audit wrote (SHA-256 differs)");
        }
    }
out:
    base_free(path);
    return st;
}

static BaseStatus check_strangers(Check *c, const BaseYaml *results)
{
    BaseStatus st = BASE_OK;
    char **names = NULL;
    size_t count = 0;
    BASE_TRY(run_audit_files(c->folder, &names, &count));
    for (size_t i = 0; i < count; i++) {
        bool known = strcmp(names[i], RUN_AUDIT_MANIFEST) == 0;
        for (size_t k = 0; !known && results && k < results->count; k++)
            known = strcmp(run_audit_manifest_text(results->items[k], "file"), names[i]) == 0;
        if (!known) differ(c, names[i], "is no part of the audit");
    }
out:
    io_names_free(names, count);
    return st;
}

static BaseStatus check_inputs(Check *c, const BaseYaml *inputs)
{
    char hash[BASE_HASH_HEX];
    for (size_t i = 0; inputs && i < inputs->count; i++) {
        const char *path = run_audit_manifest_text(inputs->items[i], "path");
        if (!io_path_exists(path)) {
            base_text_add(c->lines, "note: input %s (%s) is not there and was not checked\n", path,
                          run_audit_manifest_text(inputs->items[i], "role"));
            c->gone++;
        } else if (base_hash_file(path, hash) != BASE_OK ||
                   strcmp(hash, run_audit_manifest_text(inputs->items[i], "sha256")) != 0) {
            base_error_clear();
            differ(c, path, "is not the input that was audited (SHA-256 differs)");
            c->inputs++;
        } else {
            c->inputs++;
        }
    }
    return BASE_OK;
}

/* The images, where they can still be opened as they were. */
static BaseStatus check_data(Check *c, const BaseYaml *data)
{
    DataOptions options = {0};
    RunData now = {0};
    const BaseYaml *asked = base_yaml_get(data, "options");
    const char *spec = run_audit_manifest_text(data, "data");
#define X(field, flag, value, def, help)                                                                               \
    if (base_yaml_get(asked, flag)) options.field = run_audit_manifest_text(asked, flag);
    DATA_OPTION_LIST(X)
#undef X
    BaseStatus st = run_data_open(spec, &options, &now);
    if (st == BASE_ENOMEM) return st;
    if (st != BASE_OK) {
        base_text_add(c->lines, "note: data %s cannot be opened and were not checked (%s)\n", spec, base_error_text());
        base_error_clear();
        c->gone++;
    } else {
        if (strcmp(now.hash, run_audit_manifest_text(data, "sha256")) != 0)
            differ(c, spec, "holds other images or labels, or prepared in another way, than were audited");
        c->inputs++;
    }
    run_data_free(&now);
    return BASE_OK;
}

static void check_program(Check *c, const BaseYaml *manifest)
{
    char hash[BASE_HASH_HEX];
    const BaseYaml *program = base_yaml_get(manifest, "program");
    const char *config = run_audit_manifest_text(manifest, "config");
    base_hash_bytes(config, strlen(config), hash);
    if (strcmp(hash, run_audit_manifest_text(manifest, "config_sha256")) != 0)
        differ(c, RUN_AUDIT_MANIFEST, "its config has another SHA-256 than it says");
    if (base_hash_program(hash) != BASE_OK)
        base_error_clear();
    else if (strcmp(hash, run_audit_manifest_text(program, "sha256")) != 0)
        base_text_add(c->lines, "note: the audit was made by another build of the program (version %s)\n",
                      run_audit_manifest_text(program, "version"));
}

/* signals.h5 once more through everything that made report.json. */
static BaseStatus check_numbers(Check *c)
{
    BaseStatus st = BASE_OK;
    RunAuditSignals signals = {0};
    RunAuditResult result = {0};
    IoJson *json = NULL;
    char *path = NULL, *now = NULL, *then = NULL;
    size_t size;
    BASE_TRY(base_format(&path, "%s/signals.h5", c->folder));
    BASE_TRY(run_audit_signals_read(path, &signals));
    BASE_TRY(run_audit_judge(&signals, &result));
    BASE_TRY(run_audit_results(&signals, &result, &json));
    BASE_TRY(io_json_text(json, &now));
    base_free(path);
    path = NULL;
    BASE_TRY(base_format(&path, "%s/report.json", c->folder));
    BASE_TRY(io_file_read(path, (size_t)1 << 20, &then, &size));
    BASE_TRY(run_audit_results_compare(now, then, c->lines, &c->differences));
out:
    if (st != BASE_OK && st != BASE_ENOMEM) {
        differ(c, "numbers cannot be made again", base_error_text());
        base_error_clear();
        st = BASE_OK;
    }
    io_json_free(json);
    base_free(path);
    base_free(now);
    base_free(then);
    run_audit_result_free(&result);
    run_audit_signals_free(&signals);
    return st;
}

BaseStatus run_audit_verify(const char *folder, BaseText *lines, int64_t *differences)
{
    BaseStatus st = BASE_OK;
    Check c = {.folder = folder, .lines = lines};
    BaseYaml *manifest = NULL;
    bool own_right;
    *differences = 0;
    BASE_CHECK(io_path_is_folder(folder), BASE_EIO, "%s: no such folder; --verify takes what `expunge audit -o` wrote",
               folder);
    BASE_TRY(run_audit_manifest_read(folder, &manifest, &own_right));
    if (!own_right) differ(&c, RUN_AUDIT_MANIFEST, "is not as the audit wrote it (its own SHA-256 differs)");
    const BaseYaml *results = base_yaml_get(manifest, "results");
    BASE_TRY(check_results(&c, results));
    BASE_TRY(check_strangers(&c, results));
    BASE_TRY(check_inputs(&c, base_yaml_get(manifest, "inputs")));
    BASE_TRY(check_data(&c, base_yaml_get(manifest, "data")));
    check_program(&c, manifest);
    BASE_TRY(check_numbers(&c));
    *differences = c.differences;
    if (c.differences == 0)
        base_text_add(lines,
                      "%s: %lld files and %lld inputs are as they were, %lld inputs were not checked, and the numbers "
                      "follow from signals.h5\n",
                      folder, (long long)c.files, (long long)c.inputs, (long long)c.gone);
    st = lines->st;
out:
    base_yaml_free(manifest);
    return st;
}
