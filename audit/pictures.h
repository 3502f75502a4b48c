/* audit/pictures.h - the forgotten images that the unlearned model exposes most, as PNG files. */
#ifndef AUDIT_PICTURES_H
#define AUDIT_PICTURES_H

#include "audit/page.h"

typedef struct {
    char file[32]; /* "figures/exposed-01.png" */
    char caption[160];
    char *png; /* [size], owned */
    size_t size;
} AuditPicture;
typedef struct {
    AuditPicture *item; /* [count] */
    size_t count;
    char *words; /* what they are, owned */
} AuditPictures;

/** Whether images of the set can be shown: one pixel wide or high they cannot. */
bool audit_has_pictures(const DataSet *set);
/** Writes them below @p folder. None where the data are not pictures (one pixel), nobody is exposed, or options say so.
 *  Where the page is made again without the data, those of page->drawn are taken. */
BaseStatus audit_pictures_make(const AuditPage *page, const char *folder, AuditPictures *out);
void audit_pictures_free(AuditPictures *pictures);

#endif
