/* mia/null/null.h - where a loss lies among losses of models or points that did not see it: the smallest level alpha at
 * which "member" is said, alpha being the false-positive rate on that null distribution. */
#ifndef MIA_NULL_NULL_H
#define MIA_NULL_NULL_H

#include <stdint.h>

/** Privacy Meter 1's linear rule (hypothesis_test.py): member at alpha iff loss < the alpha-quantile (type 7) of the
 * null losses together with 0 and MIA_NULL_MOST; this is the smallest such alpha, 0..1. @p sorted [n] ascending, n >=
 * 1, no loss below 0. O(log n). */
double mia_null_level(const double *sorted, int64_t n, double loss);
#define MIA_NULL_MOST 1000.0

#endif
