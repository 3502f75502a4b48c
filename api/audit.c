/* api/audit.c - the audit of a host's signals: options sorted into an AuditTask; audit/ does the work. */
#include "audit/audit.h"

#include <string.h>
#include <time.h>

#include "api/call.h"
#include "api/files.h"
#include "api/signals.h"
#include "base/memory.h"
#include "session/program.h"

typedef struct {
    AuditTask task;
    const char **set, **meta; /* [option_count] at most */
    BaseText command;
    char date[40];
} Work;

static const char META[] = "meta.";

static void work_free(Work *w)
{
    base_free(w->set);
    base_free(w->meta);
    base_text_free(&w->command);
}

/* "key=value" where it is this key: the value. */
static const char *value_of(const char *text, const char *key)
{
    size_t length = strlen(key);
    return strncmp(text, key, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

static BaseStatus read_seed(const char *text, uint64_t *out)
{
    if (base_parse_u64(text, out) && *out <= INT64_MAX) return BASE_OK;
    return base_error_set(BASE_EUSAGE, "option seed=%.40s: must be a whole number from 0 to %lld", text,
                          (long long)INT64_MAX);
}

static BaseStatus read_option(const char *text, const char **command, Work *w)
{
    BaseStatus st = BASE_OK;
    AuditTask *t = &w->task;
    char key[64];
    const char *value, *dot = strchr(text, '.'), *equals = strchr(text, '=');
    BASE_CHECK(equals && equals > text && equals - text < (ptrdiff_t)sizeof key, BASE_EUSAGE,
               "option %.100s: must be key=value", text);
    if ((value = value_of(text, "attacks"))) {
        t->attacks = value;
    } else if ((value = value_of(text, "forget"))) {
        t->forget = value;
    } else if ((value = value_of(text, "seed"))) {
        BASE_TRY(read_seed(value, &t->seed));
    } else if ((value = value_of(text, "command"))) {
        *command = value;
    } else if (strncmp(text, META, strlen(META)) == 0 && equals > text + strlen(META)) {
        w->meta[t->meta_count++] = text + strlen(META);
    } else if (dot && dot < equals) {
        w->set[t->set_count++] = text;
    } else {
        memcpy(key, text, (size_t)(equals - text));
        key[equals - text] = '\0';
        BASE_CHECK(strcmp(key, "pictures") != 0, BASE_EUSAGE, "option pictures: an audit of logits has no images");
        BASE_TRY(base_param_set(audit_params, audit_param_count, &t->options, "audit", key, equals + 1, "option"));
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

static void add_option(BaseText *out, const char *option)
{
    static const char *const OWN[] = {"attacks", "forget", "seed"};
    for (size_t i = 0; i < BASE_COUNT(OWN); i++) {
        const char *value = value_of(option, OWN[i]);
        if (!value) continue;
        base_text_add(out, " --%s", OWN[i]);
        add_word(out, value);
        return;
    }
    bool meta = strncmp(option, META, strlen(META)) == 0;
    base_text_add(out, meta ? " --meta" : " --set");
    add_word(out, meta ? option + strlen(META) : option);
}

/* What a shell would do again; signals.h5 of an audit is a file of signals. */
static BaseStatus command_of(const expunge_signals *signals, const char *const *options, size_t count, const char *out,
                             Work *w)
{
    BaseStatus st = BASE_OK;
    char *kept = NULL;
    BASE_TRY(base_format(&kept, "%s/signals.h5", out));
    base_text_add(&w->command, "expunge audit --signals");
    add_word(&w->command, signals->path ? signals->path : kept);
    for (size_t i = 0; i < count; i++) add_option(&w->command, options[i]);
    base_text_add(&w->command, " -o");
    add_word(&w->command, signals->path ? out : "again");
    st = w->command.st;
out:
    base_free(kept);
    return st;
}

static BaseStatus prepare(const expunge_signals *signals, const char *out, const char *const *options, size_t count,
                          Work *w)
{
    BaseStatus st = BASE_OK;
    const char *command = NULL;
    AuditTask *t = &w->task;
    time_t now = time(NULL);
    struct tm utc;
    base_param_defaults(audit_params, audit_param_count, &t->options);
    BASE_TRY(BASE_ALLOC(count, &w->set));
    BASE_TRY(BASE_ALLOC(count, &w->meta));
    for (size_t i = 0; i < count; i++) {
        BASE_CHECK(options[i], BASE_EARG, "options[%zu] is NULL", i);
        BASE_TRY(read_option(options[i], &command, w));
    }
    if (!command) {
        BASE_TRY(command_of(signals, options, count, out, w));
        command = w->command.data;
    }
    gmtime_r(&now, &utc);
    strftime(w->date, sizeof w->date, "%Y-%m-%d %H:%M UTC", &utc);
    t->signals = api_signals_name(signals);
    t->arrays = signals->path ? NULL : &signals->arrays;
    t->set = w->set;
    t->meta = w->meta;
    t->out = out;
    t->command = command;
    t->date = w->date;
out:
    return st;
}

expunge_status expunge_audit(const expunge_signals *signals, const char *out, const char *const *options,
                             size_t option_count, char **json)
{
    ApiCall call;
    ApiFiles files;
    BaseStatus st = BASE_OK;
    Work w = {.set = NULL};
    BaseText terminal = {0};
    MiaVerdict verdict;
    api_enter(&call);
    API_GIVEN(json);
    *json = NULL;
    API_GIVEN(signals);
    API_GIVEN(out);
    if (option_count) API_GIVEN(options);
    BASE_CHECK(*out, BASE_EARG, "out is empty: it must be the name of a folder");
    BASE_TRY(prepare(signals, out, options, option_count, &w));
    api_files_begin(&files);
    st = audit_run(&w.task, json, &terminal, &verdict);
    api_files_end(&files);
out:
    base_text_free(&terminal);
    work_free(&w);
    return api_leave(&call, st);
}
