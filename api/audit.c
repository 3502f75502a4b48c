/* api/audit.c - the audit of a host's signals, or of models in files: options sorted into an AuditTask; audit/ does the work. */
#include "audit/audit.h"

#include <string.h>

#include "api/call.h"
#include "api/files.h"
#include "api/options.h"
#include "api/signals.h"
#include "audit/request.h"
#include "base/memory.h"
#include "session/hub.h"

typedef struct {
    AuditRequest request;
    DataOptions prepare;
    bool models; /* of files; else of signals */
    const char *tuning;
    int64_t memory; /* 0: not said */
    NnPrecision precision;
    BaseText command;
} Work;

static const char META[] = "meta.";

/* Options that are one text of the task. */
static const struct {
    const char *key;
    size_t offset;
    bool models; /* has no meaning where there are only logits */
} TEXTS[] = {{"attacks", offsetof(AuditTask, attacks), false},         {"forget", offsetof(AuditTask, forget), false},
             {"command", offsetof(AuditTask, command), false},         {"arch", offsetof(AuditTask, arch), true},
             {"original", offsetof(AuditTask, original), true},        {"shadow", offsetof(AuditTask, shadow), true},
             {"forget-index", offsetof(AuditTask, forget_index), true}};

static void work_free(Work *w)
{
    nn_tuning_free(w->request.task.tuning);
    audit_request_free(&w->request);
    base_text_free(&w->command);
}

static bool take_text(const char *option, Work *w)
{
    for (size_t i = 0; i < BASE_COUNT(TEXTS); i++) {
        const char *value = api_option_value(option, TEXTS[i].key);
        if (!value || (TEXTS[i].models && !w->models)) continue;
        *(const char **)((char *)&w->request.task + TEXTS[i].offset) = value;
        return true;
    }
    return false;
}

/* *taken: it is an option of audits of models. */
static BaseStatus take_models(const char *option, Work *w, bool *taken)
{
    BaseStatus st = BASE_OK;
    const char *value;
    *taken = true;
    if ((value = api_option_value(option, "retrained")))
        return audit_request_retrained(&w->request, value, "option retrained");
    if ((value = api_option_value(option, "make-retrained")))
        return api_option_number(option, value, 1, 1000, &w->request.task.make_retrained);
    if ((value = api_option_value(option, "memory"))) return api_option_memory(value, &w->memory);
    if ((value = api_option_value(option, "precision"))) return nn_precision_parse(value, &w->precision);
    if ((value = api_option_value(option, "tuning")))
        w->tuning = value;
    else
        *taken = api_option_data(option, &w->prepare);
    return st;
}

static BaseStatus read_option(const char *option, Work *w)
{
    BaseStatus st = BASE_OK;
    const char *value, *meta = strncmp(option, META, strlen(META)) == 0 ? option + strlen(META) : "=";
    int64_t seed;
    bool taken = false;
    if (take_text(option, w)) return BASE_OK;
    if (w->models) BASE_TRY(take_models(option, w, &taken));
    if (taken) goto out;
    if ((value = api_option_value(option, "seed"))) {
        BASE_TRY(api_option_number(option, value, 0, INT64_MAX, &seed));
        w->request.task.seed = (uint64_t)seed;
    } else if (*meta != '=') {
        BASE_TRY(audit_request_meta(&w->request, meta, "option"));
    } else {
        BASE_CHECK(w->models || !api_option_value(option, "pictures"), BASE_EUSAGE,
                   "option pictures: an audit of logits has no images");
        BASE_TRY(audit_request_set(&w->request, option, "option"));
    }
out:
    return st;
}

/* " word", in a shell's quotes where it needs them. */
static void add_word(BaseText *out, const char *word)
{
    static const char SAFE[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+";
    if (*word && word[strspn(word, SAFE)] == '\0') {
        base_text_add(out, " %s", word);
        return;
    }
    base_text_add(out, " '");
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            base_text_add(out, "'\\''");
        else
            base_text_append(out, c, 1);
    base_text_add(out, "'");
}

/* As the command line has it: "--key value" where that is an option of its own. */
static void add_option(BaseText *out, const char *option)
{
    static const char *const OWN[] = {"attacks",        "forget",    "seed",   "arch",   "original", "retrained",
                                      "make-retrained", "precision", "tuning", "memory", "shadow",   "forget-index"};
    DataOptions data;
    bool own = api_option_data(option, &data), meta = strncmp(option, META, strlen(META)) == 0;
    for (size_t i = 0; i < BASE_COUNT(OWN); i++) own = own || api_option_value(option, OWN[i]);
    if (own) {
        base_text_add(out, " --%.*s", (int)strcspn(option, "="), option);
        add_word(out, strchr(option, '=') + 1);
        return;
    }
    base_text_add(out, meta ? " --meta" : " --set");
    add_word(out, meta ? option + strlen(META) : option);
}

static void add_argument(BaseText *out, const char *name, const char *value)
{
    base_text_add(out, " %s", name);
    add_word(out, value);
}

/* What a shell would do again; signals.h5 of an audit is a file of signals. */
static BaseStatus command_of(const expunge_signals *signals, const char *const *options, size_t count, Work *w)
{
    BaseStatus st = BASE_OK;
    const AuditTask *t = &w->request.task;
    BaseText *text = &w->command;
    char *kept = NULL;
    BASE_TRY(base_format(&kept, "%s/signals.h5", t->out));
    base_text_add(text, "expunge audit");
    if (signals) {
        add_argument(text, "--signals", signals->path ? signals->path : kept);
    } else {
        add_argument(text, "--weights", t->weights);
        add_argument(text, "--data", t->data);
        if (t->forget) add_argument(text, "--forget", t->forget);
        if (strcmp(t->arch, "auto") == 0) base_text_add(text, " --arch auto");
    }
    for (size_t i = 0; i < count; i++) add_option(text, options[i]);
    add_argument(text, "-o", signals && !signals->path ? "again" : t->out);
    st = text->st;
out:
    base_free(kept);
    return st;
}

/* @p w: what is audited is set; options that others depend on are read first. */
static BaseStatus prepare(const expunge_signals *signals, const char *const *options, size_t count, Work *w)
{
    BaseStatus st = BASE_OK;
    AuditTask *t = &w->request.task;
    BASE_TRY(api_options_check(options, count));
    BASE_CHECK(*t->out, BASE_EARG, "out is empty: it must be the name of a folder");
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count; i++)
            if ((api_option_value(options[i], "make-retrained") != NULL) == (pass == 0))
                BASE_TRY(read_option(options[i], w));
    if (!t->command) {
        BASE_TRY(command_of(signals, options, count, w));
        t->command = w->command.data;
    }
out:
    return st;
}

static BaseStatus run(Work *w, char **json)
{
    BaseStatus st = BASE_OK;
    ApiFiles files;
    BaseText terminal = {0};
    MiaVerdict verdict;
    api_files_begin(&files);
    const int64_t before = base_memory_budget();
    if (w->memory) base_memory_set_budget(w->memory);
    if (w->tuning) BASE_TRY(nn_tuning_read(w->tuning, &w->request.task.tuning));
    BASE_TRY(audit_run(audit_request_task(&w->request), json, &terminal, &verdict));
out:
    if (w->memory) base_memory_set_budget(before); /* of this audit: its data are closed again */
    api_files_end(&files);
    base_text_free(&terminal);
    return st;
}

expunge_status expunge_audit(const expunge_signals *signals, const char *out, const char *const *options,
                             size_t option_count, char **json)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    Work w = {.models = false};
    api_enter(&call);
    audit_request_begin(&w.request);
    API_GIVEN(json);
    *json = NULL;
    API_GIVEN(signals);
    API_GIVEN(out);
    w.request.task.out = out;
    w.request.task.signals = api_signals_name(signals);
    w.request.task.arrays = signals->path ? NULL : &signals->arrays;
    BASE_TRY(prepare(signals, options, option_count, &w));
    BASE_TRY(run(&w, json));
out:
    work_free(&w);
    return api_leave(&call, st);
}

expunge_status expunge_audit_models(const char *weights, const char *data, const char *forget, const char *out,
                                    const char *const *options, size_t option_count, char **json)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    Work w = {.models = true};
    AuditTask *t = &w.request.task;
    api_enter(&call);
    audit_request_begin(&w.request);
    API_GIVEN(json);
    *json = NULL;
    API_GIVEN(weights);
    API_GIVEN(data);
    API_GIVEN(out);
    t->arch = "auto";
    t->weights = weights;
    t->data = data;
    t->forget = forget;
    t->out = out;
    t->prepare = &w.prepare;
    BASE_TRY(prepare(NULL, options, option_count, &w));
    if (!t->forget_index) API_GIVEN(forget);
    BASE_TRY(session_graph_open(t->arch, false, &w.prepare));
    t->precision = nn_precision_available(w.precision);
    BASE_TRY(run(&w, json));
out:
    work_free(&w);
    return api_leave(&call, st);
}
