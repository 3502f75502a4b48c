/* audit/copies.h - images that are copies of each other, or nearly (a crop by a pixel, another compression): they are not
 * independent, and count as one where a number rests on how many images there are. */
#ifndef AUDIT_COPIES_H
#define AUDIT_COPIES_H

#include "audit/signals.h"
#include "session/data.h"

/**
 * Fills signals->cluster where some images are copies; else it stays NULL.
 *
 * Two images are near copies where their difference hashes (Krawetz 2013: 64 bits, each pixel of an 8 x 8 grey miniature
 * darker than its right neighbour) differ in at most 3 bits, and their 16 x 16 miniatures correlate by 0.998 or more. Images
 * with fewer than 8 rows or columns are no pictures: of them only exact copies are found. O(n^2) comparisons of 64 bits up to
 * 50000 images, some seconds; beyond that only images of equal hash are compared.
 */
BaseStatus audit_find_copies(const SessionData *data, AuditSignals *signals);

/** How many images are copies of an earlier one, and how many held-out ones of one that was trained on. */
typedef struct {
    int64_t copies, across;
} AuditCopies;
BaseStatus audit_count_copies(const AuditSignals *signals, AuditCopies *out);

#endif
