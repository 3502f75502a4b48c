/* audit/request.c - texts are told apart by their keys, and kept for the audit to read. */
#include "audit/request.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audit/choose.h"
#include "base/memory.h"

void audit_request_free(AuditRequest *r)
{
    base_free(r->list);
    base_free(r->retrained);
    base_free(r->set);
    base_free(r->meta);
    *r = (AuditRequest){0};
}

void audit_request_begin(AuditRequest *out)
{
    time_t now = time(NULL);
    struct tm utc;
    *out = (AuditRequest){0};
    base_param_defaults(nn_train_params, nn_train_param_count, &out->training);
    base_param_defaults(audit_params, audit_param_count, &out->task.options);
    gmtime_r(&now, &utc);
    strftime(out->date, sizeof out->date, "%Y-%m-%d %H:%M UTC", &utc);
}

static BaseStatus add(const char ***list, size_t *count, const char *text)
{
    BaseStatus st = BASE_GROW_BY_ONE(list, *count);
    if (st == BASE_OK) (*list)[(*count)++] = text;
    return st;
}

BaseStatus audit_request_set(AuditRequest *r, const char *text, const char *word)
{
    BaseStatus st = BASE_OK;
    const char *equals = strchr(text, '='), *dot = strchr(text, '.');
    char key[64];
    BASE_CHECK(equals && equals > text && equals - text < (ptrdiff_t)sizeof key, BASE_EUSAGE,
               "%s %.100s: must be key=value or attack.key=value", word, text);
    if (dot && dot < equals) return add(&r->set, &r->task.set_count, text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    bool trains = base_param_find(nn_train_params, nn_train_param_count, key);
    BASE_CHECK(!trains || r->task.make_retrained, BASE_EUSAGE,
               "%s %.100s: is a key of the training, and only --make-retrained trains", word, text);
    if (trains)
        BASE_TRY(base_param_set(nn_train_params, nn_train_param_count, &r->training, "train", key, equals + 1, word));
    else
        BASE_TRY(base_param_set(audit_params, audit_param_count, &r->task.options, "audit", key, equals + 1, word));
out:
    return st;
}

BaseStatus audit_request_meta(AuditRequest *r, const char *text, const char *word)
{
    const char *equals = strchr(text, '=');
    if (equals && equals > text && equals - text < 64) return add(&r->meta, &r->task.meta_count, text);
    return base_error_set(BASE_EUSAGE, "%s %.100s: must be key=value, as in --meta purpose='erasure request 17'", word,
                          text);
}

BaseStatus audit_request_retrained(AuditRequest *r, const char *list, const char *word)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(!r->list, BASE_EUSAGE, "%s is given twice", word);
    BASE_TRY(base_strdup(list, &r->list));
    for (char *at = r->list; at;) {
        char *comma = strchr(at, ',');
        if (comma) *comma++ = '\0';
        BASE_CHECK(*at, BASE_EUSAGE, "%s '%.100s': a file's name is missing", word, list);
        BASE_TRY(add(&r->retrained, &r->task.retrained_count, at));
        at = comma;
    }
out:
    return st;
}

const AuditTask *audit_request_task(AuditRequest *r)
{
    r->task.retrained = r->retrained;
    r->task.set = r->set;
    r->task.meta = r->meta;
    r->task.training = &r->training;
    r->task.date = r->date;
    return &r->task;
}
