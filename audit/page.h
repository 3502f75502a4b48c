/* audit/page.h - what the pages of an audit are made of. */
#ifndef AUDIT_PAGE_H
#define AUDIT_PAGE_H

#include "audit/collect.h"
#include "audit/judge.h"
#include "io/json.h"
#include "report/document.h"

/** Borrowed. */
typedef struct {
    const AuditTask *task;
    const AuditCollected *collected;
    const AuditResult *result;
    const char *version, *program; /* of the program that audited, and its SHA-256; NULL: this one */
    /* of a page that is made again: */
    const char *drawn; /* folder whose drawings it shows, since another gnuplot draws otherwise; else NULL */
    bool has_pictures;
} AuditPage;

#endif
