/* math/exchange.h - is one model one more of R others? And families of such questions.
 *
 * R + 1 models that were made alike, each by its own chance, are exchangeable: a number x that depends on the model (an
 * AUC on fixed points, on a scale on which it is about normal) then has one distribution. If that is normal, with the mean m and standard
 * deviation S of the others' x, all on the same points,
 *     t = (x_0 - m) / (S sqrt(1 + 1/R))      has Student's distribution on R - 1 degrees of freedom,
 * a prediction interval's test. It needs no word on how points depend on each other (copies, images of one person):
 * every model sees the same ones.
 */
#ifndef MATH_EXCHANGE_H
#define MATH_EXCHANGE_H

#include "math/stats.h"

typedef struct {
    double p;       /* two-sided; NaN: not defined (R < 2, or an x is NaN) */
    double centre;  /* m */
    double offset;  /* x_0 - m */
    double reach;   /* S sqrt(1 + 1/R): what chance moves the offset by */
    double share;   /* of reach that S makes: less than 1 where the floor is larger */
    double freedom; /* R - 1 */
    bool ranked; /* the others do not vary (beyond rounding), and there is no floor: p is that of x_0's rank, at least
                       2 / (R + 1), and reach is 0 */
} MathExchange;

/** @p others [R]; @p floor a variance that each x has in any case (of a share of few points, say): S^2 is not taken to be
 *  smaller. O(R). */
MathExchange math_exchange(double judged, const double *others, int64_t R, double floor);
/** P(|T| > t) of Student's t on @p freedom degrees. */
double math_exchange_tails(double t, double freedom);
/** Half the width of offset's interval at @p level, with @p points a variance beside that over models. NaN where ranked. */
double math_exchange_half(const MathExchange *x, double points, double level);
/**
 * The evidence against "one more of them" as an e-value: its mean is at most 1 where they are exchangeable and normal, and
 * since it is a likelihood ratio of invariants (right Haar prior on m and S; Perez-Ortiz, Lardy, de Heide, Grunwald,
 * arXiv 2208.07610), it may be looked at after each further model: P(it ever reaches 1/a) <= a. The alternative: x_0
 * lies off by a normal with a standard deviation of 5 S. With n = R / (R + 1), v = R - 1, g = 1 + 25 n:
 *     E = g^(-1/2) [(1 + t^2 / v) / (1 + t^2 / (v g))]^((v + 1) / 2)          (Gonen et al. 2005, The American
 * Statistician 59, with one observation on one side). 1 where p is not defined or ranked.
 */
double math_exchange_evidence(const MathExchange *x);

/** P of all @p n hypotheses together by Simes: min over i of n p_(i) / i, at most 1. Holds for independent p and for
 *  positively dependent ones (Sarkar 1998), as of statistics of the same models. Sorts @p p. NaN for n = 0. */
double math_simes(double *p, int64_t n);
/** Holm (1979, Scandinavian Journal of Statistics 6, 65-70): with p_(1) <= .. <= p_(n), the adjusted p of the i-th is the largest
 *  (n - k + 1) p_(k) of k <= i, at most 1. Rejecting those at most a errs with a chance of at most a, however the p depend
 *  on each other. NaN is no hypothesis, and stays NaN. @p adjusted [n], not p itself. O(n^2). */
void math_holm(const double *p, int64_t n, double *adjusted);
/**
 * The closed test over all hypotheses with Simes' test for each intersection (Hommel 1988 for single ones): the chance
 * that any true set of hypotheses gets an adjusted p <= a is at most a, whichever sets one looks at.
 * @p in [n] marks the set; at least one. The adjusted p of a set: the largest over the set joined with the k largest p
 * of the others, k = 0, 1, .. O(n^2 log n).
 */
BaseStatus math_closed(const double *p, const bool *in, int64_t n, double *adjusted);

#endif
