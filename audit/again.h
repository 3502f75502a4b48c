/* audit/again.h - an audit's pages and figures made again from its signals and manifest, and compared with those
 * that lie there. */
#ifndef AUDIT_AGAIN_H
#define AUDIT_AGAIN_H

#include "audit/page.h"
#include "base/yaml.h"

/** What differed; what is missing since there was no gnuplot; pictures that lie there and cannot be made here (another
 *  gnuplot, or none; images that are gone), so that they may show anything. */
typedef struct {
    int64_t differences, unchecked, pictures;
} AuditAgain;

/**
 * Makes report.html, report.md and figures/ in a folder of its own (below TMPDIR) and compares every byte with @p
 * folder. Drawings are gnuplot's: one that this gnuplot makes otherwise is a difference where it names this version,
 * and else a picture that cannot be checked: what it says of its version is no proof.
 * @param page  of audit_facts_read; page->drawn is set meanwhile.
 * @param results  files that the manifest lists.
 * @param lines one for each difference, picture and note.
 */
BaseStatus audit_again(AuditPage *page, const char *folder, const BaseYaml *results, BaseText *lines, AuditAgain *out);

/** The same pages in a folder @p out that is not there yet, with drawings of this gnuplot alone, and pictures of images
 *  only where the images are there. */
BaseStatus audit_again_keep(AuditPage *page, const char *out);

#endif
