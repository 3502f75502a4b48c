/* base/bf16.h - bf16 is the upper half of a float32, rounded to nearest even; a NaN stays one. */
#ifndef BASE_BF16_H
#define BASE_BF16_H

#include <stdint.h>

static inline float base_bf16_to_f32(uint16_t half)
{
    union {
        uint32_t bits;
        float value;
    } u = {.bits = (uint32_t)half << 16};
    return u.value;
}

static inline uint16_t base_bf16_from_f32(float value)
{
    union {
        float value;
        uint32_t bits;
    } u = {.value = value};
    return value != value ? 0x7fc0 : (uint16_t)((u.bits + 0x7fff + (u.bits >> 16 & 1)) >> 16);
}

#endif
