/* mia/fit/folds.h - which fold each point belongs to, so that what is fitted never saw the point it judges. */
#ifndef MIA_FIT_FOLDS_H
#define MIA_FIT_FOLDS_H

#include "mia/mia.h"

/** Fold 0..folds-1 of every member and non-member, -1 of audited points, to @p fold [N]. Points of one role and class
 *  are dealt in a random order by input->seed, so folds differ by at most one point in all; how classes are numbered
 * changes nothing. Of a cluster the first point is dealt and the others follow: a fit that saw a copy has seen the point.
 * @p folds >= 2. */
BaseStatus mia_folds_make(const MiaInput *input, int64_t folds, int32_t *fold);
/** How many clusters have points of each role (without clusters: points), to @p count [MIA_AUDITED]: no more folds can have
 *  points of both kinds. */
BaseStatus mia_folds_units(const MiaInput *input, int64_t count[MIA_AUDITED]);

#endif
