/* run/audit/results.h - the numbers of an audit as JSON: what report.json holds under "results", and what a check makes
 * again from signals.h5. */
#ifndef RUN_AUDIT_RESULTS_H
#define RUN_AUDIT_RESULTS_H

#include "io/json.h"
#include "run/audit/judge.h"

/** Nothing in it depends on when or where the audit was made. BASE_ENOMEM. *out owned: io_json_free. */
BaseStatus run_audit_results(const RunAuditSignals *signals, const RunAuditResult *result, IoJson **out);

/** One line into @p lines for each place where the two texts of report.json differ: numbers by more than 1e-9 relative (they may
 *  have been made with other libraries), all else in any way. *differences grows. At most 20 lines. BASE_EFORMAT. */
BaseStatus run_audit_results_compare(const char *now, const char *then, BaseText *lines, int64_t *differences);

/** Keys: "forget_train", .. */
const char *run_audit_group_key(RunAuditGroup group);

#endif
