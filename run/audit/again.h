/* run/audit/again.h - an audit's pages and figures made once more from its signals and manifest, and held against those
 * that lie there. */
#ifndef RUN_AUDIT_AGAIN_H
#define RUN_AUDIT_AGAIN_H

#include "base/yaml.h"
#include "run/audit/page.h"

/** What differed, what could not be made here as it was (another gnuplot, or none). */
typedef struct {
    int64_t differences, unchecked;
} RunAuditAgain;

/**
 * Makes report.html, report.md and figures/ in a folder of its own (below TMPDIR) and compares every byte with @p
 * folder. Drawings are gnuplot's: one that this gnuplot makes otherwise is a note where its version is another.
 * @param page  of run_audit_facts_read; page->drawn is set meanwhile.
 * @param results  files that the manifest lists.
 * @param lines one for each difference and each note.
 */
BaseStatus run_audit_again(RunAuditPage *page, const char *folder, const BaseYaml *results, BaseText *lines,
                           RunAuditAgain *out);

#endif
