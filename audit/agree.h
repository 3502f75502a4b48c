/* audit/agree.h - what a manifest says that signals.h5 knows too: classes, models, seed, options, attacks. */
#ifndef AUDIT_AGREE_H
#define AUDIT_AGREE_H

#include "audit/page.h"
#include "base/yaml.h"

/**
 * Compares a manifest with the signals of the same folder, and names of classes against the data, where they are there.
 * @param page  of audit_facts_read: its texts are the manifest's.
 * @param data  borrowed; NULL: gone.
 * @param lines one for each difference. *differences grows.
 */
BaseStatus audit_agree(const BaseYaml *manifest, const AuditPage *page, const DataSet *data, BaseText *lines,
                       int64_t *differences);

#endif
