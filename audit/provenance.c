/* audit/provenance.c - program, libraries, config, data and files of an audit as the manifest's keys. */
#include "audit/provenance.h"

#include "audit/facts.h"
#include "audit/manifest.h"
#include "base/clock.h"
#include "base/memory.h"
#include "math/blas.h"
#include "math/threads.h"
#include "session/classes.h"
#include "session/params.h"
#include "session/program.h"

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
    base_text_free(&libraries);
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
    if (t->signals || audit_of_images(c))
        base_text_add(out, "%s", c->forget_numbers);
    else
        session_classes_words(&c->forget.classes, c->data.train, out);
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

/* What the folder of the weights says of the data: verifying reads it here, with or without the folder. */
static IoJson *model_json(const DataModel *model)
{
    IoJson *json = io_json_object(), *labels = io_json_array();
    for (size_t i = 0; i < model->label_count; i++) io_json_add_take(labels, io_json_text_value(model->labels[i]));
    io_json_set_take(json, "from", io_json_text_value(model->from));
    io_json_set_take(json, "labels", labels);
    io_json_set_take(json, "prepared", io_json_bool(model->prepared));
    io_json_set_take(json, "override", io_json_bool(model->override));
    return json;
}

static IoJson *data_json(const AuditTask *t, const AuditCollected *c)
{
    IoJson *json = io_json_object(), *options = io_json_object();
    io_json_set_take(json, "data", io_json_text_value(t->data ? t->data : ""));
    io_json_set_take(json, "sha256", io_json_text_value(c->data.hash));
    io_json_set_take(json, "preprocessing", io_json_text_value(c->data.prep));
#define X(field, flag, value, def, help)                                                                               \
    if (t->prepare && t->prepare->field) io_json_set_take(options, flag, io_json_text_value(t->prepare->field));
    DATA_OPTION_LIST(X)
#undef X
    io_json_set_take(json, "options", options);
    if (t->prepare && t->prepare->model) io_json_set_take(json, "model", model_json(t->prepare->model));
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
        if (*input->training) io_json_set_take(row, "training", io_json_text_value(input->training));
        io_json_add_take(json, row);
    }
    return json;
}

BaseStatus audit_provenance_write(const AuditPage *page, const char *folder)
{
    BaseStatus st = BASE_OK;
    const AuditTask *t = page->task;
    const AuditCollected *c = page->collected;
    IoJson *json = audit_manifest_begin();
    BaseText config = {0};
    char hash[BASE_HASH_HEX];
    BASE_TRY(config_text(t, c, &config));
    base_hash_bytes(config.data, config.size, hash);
    io_json_set_take(json, "command", io_json_text_value(t->command));
    io_json_set_take(json, "program", program_json(&st));
    if (st != BASE_OK) goto out;
    io_json_set_take(json, "config", io_json_text_of(&config));
    io_json_set_take(json, "config_sha256", io_json_text_value(hash));
    io_json_set_take(json, "data", data_json(t, c));
    io_json_set_take(json, "inputs", inputs_json(c));
    io_json_set_take(json, "page", audit_facts_json(page));
    BASE_TRY(audit_manifest_write(json, folder));
out:
    io_json_free(json);
    base_text_free(&config);
    return st;
}
