/* mia/verdict/epsilon.h - the evidence that epsilon is above 0, as a normal quantile. */
#ifndef MIA_VERDICT_EPSILON_H
#define MIA_VERDICT_EPSILON_H

#include "math/groups.h"

/**
 * *z is the largest quantile of Fisher's p over the top and bottom 4, 8, 16, .. scores of the points in @p counts [n]; *looks is
 * how many p there were. Which points are the k highest does not depend on who is a member: given how many of each class they
 * are, p is exact where members and non-members of a class are exchangeable, however classes differ. @p classes NULL: all are
 * of one. *z is -inf where there are fewer than 8 points. O(n log n), and math_fisher for each look. BASE_ENOMEM.
 */
BaseStatus mia_epsilon_quantile(const double *score, const uint8_t *member, const uint8_t *counts,
                                const MathGroups *classes, int64_t n, double *z, int64_t *looks);

#endif
