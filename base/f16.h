/* base/f16.h - half precision (IEEE 754 binary16): a sign, 5 bits of exponent, 10 of mantissa. */
#ifndef BASE_F16_H
#define BASE_F16_H

#include <math.h>
#include <stdint.h>

/** Exact. The bits below the sign, as those of a float32, are the value times 2^-112, subnormal numbers included. */
static inline float base_f16_to_f32(uint16_t half)
{
    union {
        uint32_t bits;
        float value;
    } u = {.bits = (uint32_t)(half & 0x7fff) << 13};
    float value = (half & 0x7c00) != 0x7c00 ? u.value * 0x1p112f : half & 0x3ff ? NAN : INFINITY;
    return half & 0x8000 ? -value : value;
}

/** @p value: finite. Rounds |value| / unit to the nearest even whole number (rintf in the default rounding mode), where
 *  unit is the spacing of halves at its size; a carry into the next power of two is the right encoding by itself, and
 *  what is too large becomes infinite. */
static inline uint16_t base_f16_from_f32(float value)
{
    int exponent;
    frexpf(value, &exponent);           /* |value| in [2^(exponent-1), 2^exponent) */
    if (exponent < -13) exponent = -13; /* below 2^-14: subnormal, spacing 2^-24 */
    if (exponent > 17) exponent = 17;   /* infinite either way */
    int bits = 0x7c00;
    if (exponent < 17) bits = ((exponent + 13) << 10) + (int)rintf(ldexpf(fabsf(value), 11 - exponent));
    if (value == 0) bits = 0;
    if (bits > 0x7c00) bits = 0x7c00;
    return (uint16_t)(bits | (signbit(value) ? 0x8000 : 0));
}

#endif
