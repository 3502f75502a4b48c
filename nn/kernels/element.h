/* nn/kernels/element.h - one value of an array of float, or of bf16 as uint16_t; @p element is its size in bytes. */
#ifndef NN_KERNELS_ELEMENT_H
#define NN_KERNELS_ELEMENT_H

#include "base/bf16.h"

static inline float nn_element_get(const void *x, int64_t i, int64_t element)
{
    return element == sizeof(float) ? ((const float *)x)[i] : base_bf16_to_f32(((const uint16_t *)x)[i]);
}

static inline void nn_element_set(void *x, int64_t i, int64_t element, float value)
{
    if (element == sizeof(float))
        ((float *)x)[i] = value;
    else
        ((uint16_t *)x)[i] = base_bf16_from_f32(value);
}

#endif
