/* run/audit/pictures.h - the forgotten images that the unlearned model exposes most, as PNG files. */
#ifndef RUN_AUDIT_PICTURES_H
#define RUN_AUDIT_PICTURES_H

#include "run/audit/page.h"

typedef struct {
    char file[32]; /* "figures/exposed-01.png" */
    char caption[160];
    char *png; /* [size], owned */
    size_t size;
} RunAuditPicture;
typedef struct {
    RunAuditPicture *item; /* [count] */
    size_t count;
    char *words; /* what they are, owned */
} RunAuditPictures;

/** Whether images of the set can be shown: one pixel wide or high they cannot. */
bool run_audit_has_pictures(const DataSet *set);
/** Writes them below @p folder. None where the data are no pictures (one pixel), nobody is exposed, or options say so.
 *  Where the page is made again without the data, those of page->drawn are taken. */
BaseStatus run_audit_pictures_make(const RunAuditPage *page, const char *folder, RunAuditPictures *out);
void run_audit_pictures_free(RunAuditPictures *pictures);

#endif
