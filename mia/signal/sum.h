/* mia/signal/sum.h - sums that do not depend on the order of their terms, to the last bit: a class's number must not
 * change a score, and scores that are equal in mathematics must be equal numbers.
 *
 * Every term is cut, on its own, into a multiple of 2^-b of the largest and the multiple of 2^-2b next to what is left,
 * b = 53 - log2(terms); both kinds are added without any rounding, in whatever order. What is dropped is below
 * terms 2^-(2b + 1) of the largest: 2^-76 for 1000 terms. After Demmel & Nguyen's reproducible summation. */
#ifndef MIA_SIGNAL_SUM_H
#define MIA_SIGNAL_SUM_H

#include <math.h>
#include <stdint.h>

typedef struct {
    double scale, largest, coarse, fine; /* coarse, fine: x + c - c rounds x to the grid */
    double high, low;
} MiaSum;

/** For @p count terms at most, none of them beyond @p largest >= 0 in magnitude. */
static inline MiaSum mia_sum_start(double largest, int64_t count)
{
    int exponent = 0, bits = 51; /* more, and a term would change the constant's exponent */
    for (int64_t most = 4; most < count && bits > 1; most *= 2) bits--;
    if (largest > 0 && largest < INFINITY) frexp(largest, &exponent);
    if (exponent < -1000) exponent = -1000; /* the scale is a number, too */
    return (MiaSum){.scale = ldexp(1, -exponent),
                    .largest = largest,
                    .coarse = ldexp(1.5, 52 - bits),
                    .fine = ldexp(1.5, 52 - 2 * bits)};
}

static inline void mia_sum_add(MiaSum *sum, double x)
{
    x *= sum->scale; /* |x| <= 1 */
    double high = (x + sum->coarse) - sum->coarse;
    sum->high += high;
    sum->low += ((x - high) + sum->fine) - sum->fine;
}

static inline double mia_sum_value(const MiaSum *sum)
{
    return sum->largest < INFINITY ? (sum->high + sum->low) / sum->scale : sum->largest;
}

#endif
