/* audit/verify.h - an audit's folder held against its own signals. */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "base/text.h"

/** Who must have signed an audit's manifest (audit/signature.h); both NULL: nobody. */
typedef struct {
    const char *signers, *identity;
} AuditSigner;

/** How many things differ from what the audit wrote, and how many pictures may show anything, since they are drawn by
 *  another gnuplot or show images that are gone: an audit is verified where both are 0. */
typedef struct {
    int64_t differences, pictures;
} AuditVerdict;

/** Checks a folder that audit_run wrote: files, inputs that still exist, that numbers, pages and figures follow from
 *  signals.h5 and the manifest, and the signature.
 *  @p out: a new folder, into which the pages are written as this machine makes them, where nothing differs; NULL:
 * none.
 *  @p lines: one line for each difference, then one that ends with "signed by .." or "unsigned". BASE_EUSAGE. */
BaseStatus audit_verify(const char *folder, const AuditSigner *signer, const char *out, BaseText *lines,
                        AuditVerdict *verdict);

#endif
