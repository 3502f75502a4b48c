/* audit/facts.c - the same keys written as JSON and read back, as from a stranger who may have changed them. */
#include "audit/facts.h"

#include <stdio.h>
#include <string.h>

#include "audit/manifest.h"
#include "audit/pictures.h"
#include "base/memory.h"

IoJson *audit_forget_names(const AuditCollected *c)
{
    IoJson *all = io_json_array();
    for (size_t i = 0; i < c->forget_count; i++) io_json_add_take(all, io_json_text_value(c->forget_name[i]));
    return all;
}

IoJson *audit_meta_json(const AuditTask *task)
{
    IoJson *all = io_json_array();
    for (size_t i = 0; i < task->meta_count; i++) io_json_add_take(all, io_json_text_value(task->meta[i]));
    return all;
}

static IoJson *seconds_json(const AuditResult *r)
{
    IoJson *all = io_json_array();
    for (size_t i = 0; i < r->count; i++) io_json_add_take(all, io_json_number(r->attack[i].seconds));
    return all;
}

IoJson *audit_facts_json(const AuditPage *p)
{
    IoJson *json = io_json_object();
    io_json_set_take(json, "arch", io_json_text_value(p->collected->arch));
    io_json_set_take(json, "weights", io_json_text_value(p->task->signals ? p->task->signals : p->task->weights));
    io_json_set_take(json, "forget", io_json_text_value(p->collected->forget_numbers));
    io_json_set_take(json, "forget_names", audit_forget_names(p->collected));
    io_json_set_take(json, "out", io_json_text_value(p->task->out));
    io_json_set_take(json, "date", io_json_text_value(p->task->date));
    io_json_set_take(json, "meta", audit_meta_json(p->task));
    io_json_set_take(json, "shadows", io_json_integer((int64_t)p->collected->shadows));
    io_json_set_take(json, "retrained_by_us", io_json_integer(p->task->make_retrained));
    io_json_set_take(json, "retrained_seconds", io_json_number(p->collected->made_seconds));
    io_json_set_take(json, "attack_seconds", seconds_json(p->result));
    const DataSet *set = p->collected->data.train;
    io_json_set_take(json, "has_pictures",
                     io_json_bool(p->collected->signals.options.pictures > 0 && set && audit_has_pictures(set)));
    return json;
}

/* ---- reading ---- */

static BaseStatus read_inputs(const BaseYaml *inputs, AuditCollected *c)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(inputs ? inputs->count : 0, &c->input));
    for (size_t i = 0; inputs && i < inputs->count; i++) {
        AuditInput *input = &c->input[c->input_count++];
        BASE_TRY(base_strdup(audit_manifest_text(inputs->items[i], "role"), &input->role));
        BASE_TRY(base_strdup(audit_manifest_text(inputs->items[i], "path"), &input->path));
        BASE_TRY(base_strdup(audit_manifest_text(inputs->items[i], "training"), &input->training));
        snprintf(input->file, sizeof input->file, "%s", audit_manifest_text(inputs->items[i], "sha256"));
        snprintf(input->weights, sizeof input->weights, "%s", audit_manifest_text(inputs->items[i], "weights_sha256"));
    }
    c->unlearned_nothing = audit_unlearned_nothing(c);
out:
    return st;
}

static BaseStatus read_numbers(const BaseYaml *facts, AuditTask *t, AuditCollected *c, AuditResult *r)
{
    BaseStatus st = BASE_OK;
    const BaseYaml *seconds = base_yaml_get(facts, "attack_seconds");
    int64_t shadows = 0;
    BASE_CHECK(base_parse_i64(audit_manifest_text(facts, "shadows"), &shadows) && shadows >= 0 &&
                   base_parse_i64(audit_manifest_text(facts, "retrained_by_us"), &t->make_retrained) &&
                   base_parse_f64(audit_manifest_text(facts, "retrained_seconds"), &c->made_seconds) && seconds &&
                   seconds->kind == BASE_YAML_LIST && seconds->count == r->count,
               BASE_EFORMAT, AUDIT_MANIFEST ": a number of its page is missing");
    c->shadows = (size_t)shadows;
    for (size_t i = 0; i < r->count; i++)
        BASE_CHECK(seconds->items[i]->kind == BASE_YAML_SCALAR &&
                       base_parse_f64(seconds->items[i]->text, &r->attack[i].seconds),
                   BASE_EFORMAT, AUDIT_MANIFEST ": attack_seconds must be numbers");
out:
    return st;
}

static BaseStatus read_forget_names(const BaseYaml *names, AuditCollected *c)
{
    BaseStatus st = BASE_OK;
    BaseText joined = {0};
    BASE_CHECK(names && names->kind == BASE_YAML_LIST && names->count > 0, BASE_EFORMAT,
               AUDIT_MANIFEST ": its forget_names are not a list");
    BASE_TRY(BASE_ALLOC(names->count, &c->forget_name));
    for (; c->forget_count < names->count; c->forget_count++) {
        const BaseYaml *name = names->items[c->forget_count];
        BASE_CHECK(name->kind == BASE_YAML_SCALAR, BASE_EFORMAT, AUDIT_MANIFEST ": a forgotten class has no name");
        BASE_TRY(base_strdup(name->text, &c->forget_name[c->forget_count]));
        base_text_add(&joined, "%s%s", c->forget_count ? ", " : "", name->text);
    }
    BASE_TRY(joined.st);
    BASE_TRY(base_strdup(joined.data, &c->forget_names));
out:
    base_text_free(&joined);
    return st;
}

static BaseStatus read_meta(const BaseYaml *meta, AuditTask *task, AuditCollected *c)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(meta && meta->kind == BASE_YAML_LIST, BASE_EFORMAT, AUDIT_MANIFEST ": its meta are not a list");
    BASE_TRY(BASE_ALLOC(meta->count, &c->meta));
    for (size_t i = 0; i < meta->count; i++) {
        BASE_CHECK(meta->items[i]->kind == BASE_YAML_SCALAR, BASE_EFORMAT, AUDIT_MANIFEST ": meta are not texts");
        c->meta[i] = meta->items[i]->text;
    }
    task->meta = c->meta;
    task->meta_count = meta->count;
out:
    return st;
}

BaseStatus audit_facts_read(const BaseYaml *manifest, AuditTask *task, AuditCollected *c, AuditResult *result,
                            AuditPage *page)
{
    BaseStatus st = BASE_OK;
    const BaseYaml *facts = base_yaml_get(manifest, "page"), *data = base_yaml_get(manifest, "data"),
                   *program = base_yaml_get(manifest, "program");
    BASE_CHECK(facts && facts->kind == BASE_YAML_MAP, BASE_EFORMAT,
               AUDIT_MANIFEST ": has no 'page': it was written by an earlier version of the program");
    *task = (AuditTask){.weights = audit_manifest_text(facts, "weights"),
                        .data = audit_manifest_text(data, "data"),
                        .out = audit_manifest_text(facts, "out"),
                        .date = audit_manifest_text(facts, "date"),
                        .command = audit_manifest_text(manifest, "command")};
    BASE_TRY(base_strdup(audit_manifest_text(facts, "arch"), &c->arch));
    BASE_TRY(base_strdup(audit_manifest_text(facts, "forget"), &c->forget_numbers));
    BASE_TRY(read_forget_names(base_yaml_get(facts, "forget_names"), c));
    BASE_TRY(read_meta(base_yaml_get(facts, "meta"), task, c));
    BASE_TRY(base_strdup(audit_manifest_text(data, "preprocessing"), &c->data.prep));
    snprintf(c->data.hash, sizeof c->data.hash, "%s", audit_manifest_text(data, "sha256"));
    BASE_TRY(read_inputs(base_yaml_get(manifest, "inputs"), c));
    BASE_TRY(read_numbers(facts, task, c, result));
    page->has_pictures = strcmp(audit_manifest_text(facts, "has_pictures"), "true") == 0;
    page->task = task;
    page->collected = c;
    page->result = result;
    page->version = audit_manifest_text(program, "version");
    page->program = audit_manifest_text(program, "sha256");
out:
    return st;
}
