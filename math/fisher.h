/* math/fisher.h - Fisher's exact test, and the same over strata. */
#ifndef MATH_FISHER_H
#define MATH_FISHER_H

#include <stdint.h>

#include "base/status.h"

/** Of n things @p marked are marked, and @p drawn are drawn without putting back. */
typedef struct {
    int64_t drawn, marked, n;
} MathStratum;

/** *p = P(at least @p right marked ones are drawn, over all strata together), strata independent. 1 for right <= the least
 *  that there can be, 0 beyond the most. Terms below 1e-18 of a stratum's largest are left out: *p is right to about 1e-15 plus
 *  1e-13 of itself, and not less than 0. One stratum: Fisher's exact test (hypergeometric). O(strata S^2) for a spread of S
 *  terms, about 18 standard deviations. BASE_ENOMEM. */
BaseStatus math_fisher(const MathStratum *stratum, int64_t strata, int64_t right, double *p);

#endif
