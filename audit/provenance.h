/* audit/provenance.h - what an audit was made of, for its manifest. */
#ifndef AUDIT_PROVENANCE_H
#define AUDIT_PROVENANCE_H

#include "audit/page.h"

/** Writes the manifest of @p folder, in which everything else lies already. */
BaseStatus audit_provenance_write(const AuditPage *page, const char *folder);
/** The lines of the manifest's config that signals.h5 knows too: seed, options, attacks. Appended. */
BaseStatus audit_config_signals(const AuditSignals *signals, BaseText *out);

#endif
