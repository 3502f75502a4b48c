/* audit/verify.c - checks an audit's folder against its manifest, and its numbers and pages against its own
 * signals. */
#include "audit/verify.h"

#include <stdio.h>
#include <string.h>

#include "audit/again.h"
#include "audit/agree.h"
#include "audit/facts.h"
#include "audit/manifest.h"
#include "audit/report.h"
#include "audit/results.h"
#include "audit/signature.h"
#include "base/memory.h"
#include "io/file.h"

typedef struct {
    const char *folder;
    BaseText *lines;
    const char *out; /* folder for pages made again; NULL: none */
    int64_t differences, pictures, files, inputs, gone;
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
        const char *name = audit_manifest_text(results->items[i], "file");
        const char *then = audit_manifest_text(results->items[i], "sha256");
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s/%s", c->folder, name));
        c->files++;
        if (!is_inside(name)) {
            differ(c, name, "is not the name of a result file");
        } else if (!io_path_exists(path)) {
            differ(c, name, "is missing");
        } else {
            st = base_hash_file(path, hash);
            if (st == BASE_ENOMEM) goto out;
            if (st != BASE_OK)
                differ(c, name, "cannot be read");
            else if (strcmp(hash, then) != 0)
                differ(c, name, "is not the file that the audit wrote (SHA-256 differs)");
            if (st != BASE_OK) base_error_clear();
            st = BASE_OK;
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
    BASE_TRY(audit_files(c->folder, &names, &count));
    for (size_t i = 0; i < count; i++) {
        bool known = strcmp(names[i], AUDIT_MANIFEST) == 0 || strcmp(names[i], AUDIT_SIGNATURE) == 0 ||
                     audit_manifest_lists(results, names[i]);
        if (!known) differ(c, names[i], "is not part of the audit");
    }
out:
    io_names_free(names, count);
    return st;
}

static BaseStatus check_inputs(Check *c, const BaseYaml *inputs)
{
    char hash[BASE_HASH_HEX];
    for (size_t i = 0; inputs && i < inputs->count; i++) {
        const char *path = audit_manifest_text(inputs->items[i], "path");
        if (!io_path_exists(path)) {
            base_text_add(c->lines, "note: input %s (%s) is missing and was not checked\n", path,
                          audit_manifest_text(inputs->items[i], "role"));
            c->gone++;
            continue;
        }
        BaseStatus st = base_hash_file(path, hash);
        if (st == BASE_ENOMEM) return st;
        if (st != BASE_OK || strcmp(hash, audit_manifest_text(inputs->items[i], "sha256")) != 0)
            differ(c, path, "is not the input that was audited (SHA-256 differs)");
        if (st != BASE_OK) base_error_clear();
        c->inputs++;
    }
    return BASE_OK;
}

static bool is_true(const BaseYaml *map, const char *key)
{
    bool value;
    return base_parse_bool(audit_manifest_text(map, key), &value) && value;
}

/* What the folder of the weights said; *labels owned, its texts are not. */
static BaseStatus read_model(const BaseYaml *model, const char ***labels, DataModel *out)
{
    const BaseYaml *list = base_yaml_get(model, "labels");
    size_t count = list && list->kind == BASE_YAML_LIST ? list->count : 0;
    BaseStatus st = BASE_ALLOC(count, labels);
    if (st != BASE_OK) return st;
    for (size_t i = 0; i < count; i++) (*labels)[i] = list->items[i]->text ? list->items[i]->text : "";
    *out = (DataModel){.from = audit_manifest_text(model, "from"),
                       .labels = *labels,
                       .label_count = count,
                       .prepared = is_true(model, "prepared"),
                       .override = is_true(model, "override")};
    return BASE_OK;
}

/* The images, where they can still be opened as they were: then *now holds them. */
static BaseStatus check_data(Check *c, const BaseYaml *data, SessionData *now)
{
    DataOptions options = {0};
    DataModel model = {0};
    const char **labels = NULL;
    bool same = false;
    if (!*audit_manifest_text(data, "data")) return BASE_OK; /* an audit of logits */
    const BaseYaml *asked = base_yaml_get(data, "options");
    const char *spec = audit_manifest_text(data, "data");
#define X(field, flag, value, def, help)                                                                               \
    if (base_yaml_get(asked, flag)) options.field = audit_manifest_text(asked, flag);
    DATA_OPTION_LIST(X)
#undef X
    const BaseYaml *said = base_yaml_get(data, "model");
    BaseStatus st = said ? read_model(said, &labels, &model) : BASE_OK;
    if (said) options.model = &model;
    if (st == BASE_OK) st = session_data_open(spec, &options, now);
    base_free(labels);
    if (st == BASE_ENOMEM) return st;
    if (st != BASE_OK) {
        base_text_add(c->lines, "note: data %s cannot be opened and were not checked (%s)\n", spec, base_error_text());
        base_error_clear();
        c->gone++;
    } else {
        st = session_data_is(now, audit_manifest_text(data, "sha256"), &same);
        if (st == BASE_ENOMEM) return st;
        base_error_clear(); /* an image that cannot be read is none that was audited */
        if (!same) differ(c, spec, "holds other images or labels than were audited, or images prepared in another way");
        c->inputs++;
    }
    if (!same) session_data_free(now);
    return BASE_OK;
}

static BaseStatus check_program(Check *c, const BaseYaml *manifest)
{
    char hash[BASE_HASH_HEX];
    const BaseYaml *program = base_yaml_get(manifest, "program");
    const char *config = audit_manifest_text(manifest, "config");
    base_hash_bytes(config, strlen(config), hash);
    if (strcmp(hash, audit_manifest_text(manifest, "config_sha256")) != 0)
        differ(c, AUDIT_MANIFEST, "the SHA-256 of its config is not the one it states");
    BaseStatus st = base_hash_program(hash);
    if (st == BASE_ENOMEM) return st;
    if (st != BASE_OK)
        base_error_clear();
    else if (strcmp(hash, audit_manifest_text(program, "sha256")) != 0)
        base_text_add(c->lines, "note: the audit was made by another build of the program (version %s)\n",
                      audit_manifest_text(program, "version"));
    return BASE_OK;
}

/* The numbers of report.json, within what other libraries may change. */
static BaseStatus check_numbers(Check *c, const AuditPage *page)
{
    BaseStatus st = BASE_OK;
    char *path = NULL, *now = NULL, *then = NULL;
    size_t size;
    BASE_TRY(audit_page_json(page, &now));
    BASE_TRY(base_format(&path, "%s/report.json", c->folder));
    BASE_TRY(io_file_read(path, (size_t)1 << 20, &then, &size));
    BASE_TRY(audit_results_compare(now, then, c->lines, &c->differences));
out:
    base_free(path);
    base_free(now);
    base_free(then);
    return st;
}

/* signals.h5 once more through everything that made report.json and the pages. */
static BaseStatus check_again(Check *c, const BaseYaml *manifest, SessionData *data)
{
    BaseStatus st = BASE_OK;
    AuditCollected collected = {0};
    AuditResult result = {0};
    AuditTask task;
    AuditPage page = {0};
    AuditAgain again;
    char *path = NULL;
    BASE_TRY(base_format(&path, "%s/signals.h5", c->folder));
    BASE_TRY(audit_signals_read(path, &collected.signals));
    BASE_TRY(audit_judge(&collected.signals, &result));
    BASE_TRY(audit_facts_read(manifest, &task, &collected, &result, &page));
    BASE_TRY(audit_agree(manifest, &page, data->train, c->lines, &c->differences));
    if (page.has_pictures && data->train && data->train->K == collected.signals.K) {
        base_free(data->prep);
        data->prep = collected.data.prep;
        memcpy(data->hash, collected.data.hash, sizeof data->hash);
        collected.data = *data; /* taken */
        *data = (SessionData){0};
    }
    BASE_TRY(check_numbers(c, &page));
    BASE_TRY(audit_again(&page, c->folder, base_yaml_get(manifest, "results"), c->lines, &again));
    c->differences += again.differences;
    c->gone += again.unchecked;
    c->pictures = again.pictures;
    if (c->out && c->differences == 0) BASE_TRY(audit_again_keep(&page, c->out));
out:
    if (st != BASE_OK && st != BASE_ENOMEM) {
        differ(c, "numbers and pages cannot be made again", base_error_text());
        base_error_clear();
        st = BASE_OK;
    }
    base_free(path);
    audit_result_free(&result);
    audit_collected_free(&collected);
    return st;
}

static BaseStatus check_signature(Check *c, const AuditSigner *signer, BaseText *by)
{
    char *path = NULL;
    BaseStatus st = base_format(&path, "%s/" AUDIT_SIGNATURE, c->folder);
    if (st != BASE_OK) return st;
    bool there = io_path_exists(path);
    base_free(path);
    if (!signer->signers) {
        base_text_add(by, there ? "unsigned as far as was checked (" AUDIT_SIGNATURE
                                  " exists: --signers FILE --identity I checks it)"
                                : "unsigned");
        return by->st;
    }
    st = audit_signature_check(c->folder, signer->signers, signer->identity);
    if (st == BASE_OK) base_text_add(by, "signed by %s", signer->identity);
    if (st != BASE_EFORMAT) return st == BASE_OK ? by->st : st;
    differ(c, AUDIT_SIGNATURE, base_error_text());
    base_error_clear();
    base_text_add(by, "unsigned");
    return by->st;
}

/* What all of it comes to. */
static void conclude(Check *c, const char *by)
{
    if (c->differences) {
        base_text_add(c->lines, "%s: not as the audit wrote it; %s\n", c->folder, by);
        return;
    }
    base_text_add(c->lines, "%s: ", c->folder);
    if (c->pictures && !c->out)
        base_text_add(c->lines, "not verified: %lld pictures in figures/ and on the page may show anything; otherwise ",
                      (long long)c->pictures);
    base_text_add(c->lines, "%lld files and %lld inputs are unchanged, %lld were not checked, and ",
                  (long long)c->files, (long long)c->inputs, (long long)c->gone);
    if (c->pictures)
        base_text_add(c->lines, "numbers, words and tables follow from signals.h5");
    else
        base_text_add(c->lines, "numbers, pages and figures follow from signals.h5");
    if (c->pictures && c->out)
        base_text_add(c->lines, ", but %lld pictures may show anything: read %s/report.html instead of its page",
                      (long long)c->pictures, c->out);
    base_text_add(c->lines, "; %s\n", by);
}

BaseStatus audit_verify(const char *folder, const AuditSigner *signer, const char *out, BaseText *lines,
                        AuditVerdict *verdict)
{
    BaseStatus st = BASE_OK;
    Check c = {.folder = folder, .lines = lines, .out = out};
    BaseYaml *manifest = NULL;
    BaseText by = {0};
    SessionData data = {0};
    bool own_right;
    *verdict = (AuditVerdict){0};
    BASE_CHECK(io_path_is_folder(folder), BASE_EIO,
               "%s: no such folder; --verify takes a folder that `expunge audit -o` wrote", folder);
    BASE_CHECK(!out || !io_path_exists(out), BASE_EUSAGE,
               "-o %s: exists already; --verify makes the pages again in a new folder", out);
    BASE_TRY(audit_manifest_read(folder, &manifest, &own_right));
    if (!own_right) differ(&c, AUDIT_MANIFEST, "is not as the audit wrote it (its own SHA-256 differs)");
    const BaseYaml *results = base_yaml_get(manifest, "results");
    BASE_TRY(check_signature(&c, signer, &by));
    BASE_TRY(check_results(&c, results));
    BASE_TRY(check_strangers(&c, results));
    BASE_TRY(check_inputs(&c, base_yaml_get(manifest, "inputs")));
    BASE_TRY(check_data(&c, base_yaml_get(manifest, "data"), &data));
    BASE_TRY(check_program(&c, manifest));
    BASE_TRY(check_again(&c, manifest, &data));
    *verdict = (AuditVerdict){c.differences, c.pictures};
    conclude(&c, by.data);
    st = lines->st;
out:
    base_text_free(&by);
    session_data_free(&data);
    base_yaml_free(manifest);
    return st;
}
