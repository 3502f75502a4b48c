/* math/components.h - how much of a number's variance each level of a balanced nested design makes.
 *
 * Of every set c (a class) S groups (training seeds) have J numbers each (unlearnings of that network):
 *     y_csj = m_c + a_cs + e_csj,     Var a = outer, Var e = inner.
 * The mean squares between and within the groups of one set have the expectations J outer + inner and inner; equated with their
 * means over the sets (the method of moments; Searle, Casella and McCulloch 1992, Variance Components, chapter 3, the balanced
 * 1-way classification) they give both, without an assumption on the distribution or on the dependence of sets. The difference may
 * come out below 0, where the true variance is small beside its error; it is then set to 0. */
#ifndef MATH_COMPONENTS_H
#define MATH_COMPONENTS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double outer, inner;
    bool clipped; /* outer came out below 0 */
} MathComponents;

/** @p y [sets, outer, inner]; outer, inner at least 2: NaN otherwise. O(n). */
MathComponents math_components(const double *y, int64_t sets, int64_t outer, int64_t inner);

#endif
