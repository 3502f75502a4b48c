#include "math/threads.h"

#include <cblas.h>
#include <omp.h>

BaseStatus math_threads_set(int n)
{
    if (n < 1 || n > MATH_THREADS_MAX)
        return base_error_set(BASE_EARG, "threads = %d: must be 1 to %d", n, MATH_THREADS_MAX);
    omp_set_dynamic(0);
    omp_set_num_threads(n);
    openblas_set_num_threads(n);
    return BASE_OK;
}

int math_threads_get(void) { return omp_get_max_threads(); }
