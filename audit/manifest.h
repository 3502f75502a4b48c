/* audit/manifest.h - manifest.json: the SHA-256 of all that an audit was made of and of all that it made. */
#ifndef AUDIT_MANIFEST_H
#define AUDIT_MANIFEST_H

#include "base/yaml.h"
#include "io/json.h"

#define AUDIT_MANIFEST  "manifest.json"
#define AUDIT_SIGNATURE "manifest.json.sig"

/** What audit_manifest_write finishes; NULL where memory failed, as all of io/json.h. Owned: io_json_free. */
IoJson *audit_manifest_begin(void);
/** Adds the hash of every file below @p folder, and its own, and writes it there, last. */
BaseStatus audit_manifest_write(IoJson *json, const char *folder);

/** BASE_EUSAGE where @p folder exists and is neither empty nor an audit alone: it would be replaced. */
BaseStatus audit_manifest_replaceable(const char *folder);

/** The manifest of a folder; *out owned. *own_right: its text is as it was written. BASE_EIO, BASE_EFORMAT: none there.
 */
BaseStatus audit_manifest_read(const char *folder, BaseYaml **out, bool *own_right);
/** A text of a map, "" if it is missing. Borrowed. */
const char *audit_manifest_text(const BaseYaml *map, const char *key);

/** Whether the manifest's `results` list a file of this name. */
bool audit_manifest_lists(const BaseYaml *results, const char *name);

/** Relative paths ("figures/roc.svg") of every file below a folder, sorted; io_names_free. */
BaseStatus audit_files(const char *folder, char ***names, size_t *count);

#endif
