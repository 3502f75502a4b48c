/* audit/report.h - report.html, report.md and report.json of an audit. */
#ifndef AUDIT_REPORT_H
#define AUDIT_REPORT_H

#include "audit/page.h"

/** report.json: the verdict, who made it, and the numbers. *out owned. */
BaseStatus audit_page_json(const AuditPage *page, char **out);
/** Writes report.html, report.md and figures/ below @p folder, which holds figures/ already. */
BaseStatus audit_page(const AuditPage *page, const char *folder);

#endif
