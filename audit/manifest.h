/* audit/manifest.h - manifest.json: the SHA-256 of all that an audit was made of and of all that it made. */
#ifndef AUDIT_MANIFEST_H
#define AUDIT_MANIFEST_H

#include "audit/page.h"
#include "base/yaml.h"

#define AUDIT_MANIFEST "manifest.json"

/** Lists every file below @p folder and writes the manifest there, last. */
BaseStatus audit_manifest_write(const AuditPage *page, const char *folder);

/** The lines of the manifest's config that signals.h5 knows too: seed, options, attacks. Appended. */
BaseStatus audit_config_signals(const AuditSignals *signals, BaseText *out);

/** BASE_EUSAGE where @p folder is there and is neither empty nor an audit alone: it would be replaced. */
BaseStatus audit_manifest_replaceable(const char *folder);

/** The manifest of a folder; *out owned. *own_right: its text is as it was written. BASE_EIO, BASE_EFORMAT: none there.
 */
BaseStatus audit_manifest_read(const char *folder, BaseYaml **out, bool *own_right);
/** A text of a map, "" where it is not there. Borrowed. */
const char *audit_manifest_text(const BaseYaml *map, const char *key);

/** Whether the manifest's `results` list a file of this name. */
bool audit_manifest_lists(const BaseYaml *results, const char *name);

/** Relative paths ("figures/roc.svg") of every file below a folder, sorted; io_names_free. */
BaseStatus audit_files(const char *folder, char ***names, size_t *count);

#endif
