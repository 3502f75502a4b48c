/* audit/request.h - an audit as a person asks for it, in texts, sorted into an AuditTask. */
#ifndef AUDIT_REQUEST_H
#define AUDIT_REQUEST_H

#include "audit/collect.h"

/** Owned: audit_request_free. Texts are borrowed. What has no function here is set in `task`. */
typedef struct {
    AuditTask task;
    NnTrainConfig training;
    char *list; /* the names of retrained models, cut at their commas */
    const char **retrained, **set, **meta;
    char date[40];
} AuditRequest;
void audit_request_free(AuditRequest *request);

/** Defaults, and now as the date. */
void audit_request_begin(AuditRequest *out);
/** "attack.key=value", a key of the audit, or one of the training of models that are to be made: set task.make_retrained
 *  before. @p word is what messages call the text: "--set". BASE_EUSAGE, BASE_ENOTFOUND. */
BaseStatus audit_request_set(AuditRequest *request, const char *text, const char *word);
/** "key=value", told in the pages. */
BaseStatus audit_request_meta(AuditRequest *request, const char *text, const char *word);
/** Files, separated by commas; once. */
BaseStatus audit_request_retrained(AuditRequest *request, const char *list, const char *word);
/** The task, which borrows from the request. */
const AuditTask *audit_request_task(AuditRequest *request);

#endif
