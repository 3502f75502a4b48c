/* nn/kernels/hard_sigmoid.c - one loop for each pass. */
#include "nn/kernels/hard_sigmoid.h"

#include "nn/kernels/element.h"

void nn_hard_sigmoid_forward(int64_t count, int64_t element, const void *x, void *y)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i++) {
        float v = nn_element_get(x, i, element) / 6 + 0.5F;
        nn_element_set(y, i, element, v < 0 ? 0 : v > 1 ? 1 : v);
    }
}

void nn_hard_sigmoid_backward(int64_t count, int64_t element, const void *x, const void *g, void *dx)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i++) {
        float v = nn_element_get(x, i, element);
        nn_element_set(dx, i, element, v > -3 && v < 3 ? nn_element_get(g, i, element) / 6 : 0);
    }
}
