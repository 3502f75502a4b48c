/* audit/facts.h - what an audit's pages say and signals.h5 does not: which files, which program, how long. It is
 * the "page" of manifest.json, so that the pages can be made again from the folder alone. */
#ifndef AUDIT_FACTS_H
#define AUDIT_FACTS_H

#include "audit/page.h"
#include "base/yaml.h"
#include "io/json.h"

/** The forgotten classes' names. NULL where memory failed, as all of io/json.h. */
IoJson *audit_forget_names(const AuditCollected *collected);
/** ["purpose=..", ..] */
IoJson *audit_meta_json(const AuditTask *task);
/** NULL where memory failed. */
IoJson *audit_facts_json(const AuditPage *page);

/**
 * The page of a manifest, over signals and result that were made from signals.h5.
 * @param collected  its signals are there; what else the pages show is filled in, but no images. The caller's.
 * @param page       @p task, @p collected and @p result are put into it; texts are the manifest's, which must outlive
 *                   it; class_names owned by the caller (base_free).
 * @return BASE_EFORMAT where the manifest has no page.
 */
BaseStatus audit_facts_read(const BaseYaml *manifest, AuditTask *task, AuditCollected *collected, AuditResult *result,
                            AuditPage *page);

#endif
