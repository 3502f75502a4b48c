/* run/audit/agree.h - what a manifest says that signals.h5 knows too: classes, models, seed, options, attacks. */
#ifndef RUN_AUDIT_AGREE_H
#define RUN_AUDIT_AGREE_H

#include "base/yaml.h"
#include "run/audit/page.h"

/**
 * Holds a manifest against the signals of the same folder, and names of classes against the data, where they are there.
 * @param page  of run_audit_facts_read: its texts are the manifest's.
 * @param data  borrowed; NULL: gone.
 * @param lines one for each difference. *differences grows.
 */
BaseStatus run_audit_agree(const BaseYaml *manifest, const RunAuditPage *page, const DataSet *data, BaseText *lines,
                           int64_t *differences);

#endif
