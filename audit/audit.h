/* audit/audit.h - `expunge audit`: from a user's models and data to a folder with a report that can be checked. */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "audit/collect.h"

/** The whole audit: collects, judges, writes task->out, all of it or nothing. What stood there is replaced only where
 * it is an audit too (BASE_EUSAGE else). *json owned: report.json's text. *terminal: appended. */
BaseStatus audit_run(const AuditTask *task, char **json, BaseText *terminal, MiaVerdict *verdict);

#endif
