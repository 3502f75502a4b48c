/* audit/results.h - the numbers of an audit as JSON: what report.json holds under "results", and what a check makes
 * again from signals.h5. */
#ifndef AUDIT_RESULTS_H
#define AUDIT_RESULTS_H

#include "audit/judge.h"
#include "io/json.h"

/** "leaks", "indistinguishable by loss only", .. */
IoJson *audit_verdict_json(const MiaAudit *audit);
/** Nothing in it depends on when or where the audit was made. BASE_ENOMEM. *out owned: io_json_free. */
BaseStatus audit_results(const AuditSignals *signals, const AuditResult *result, IoJson **out);

/** One line into @p lines for each place where the two texts of report.json differ: numbers by more than 1e-9 relative (they may
 *  have been made with other libraries), all else in any way. *differences grows. At most 20 lines. BASE_EFORMAT. */
BaseStatus audit_results_compare(const char *now, const char *then, BaseText *lines, int64_t *differences);

/** Keys: "forget_train", .. */
const char *audit_group_key(AuditGroup group);

#endif
