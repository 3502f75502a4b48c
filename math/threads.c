/* math/threads.c - sets both libraries at once; under a limit on memory, stacks and buffers are taken early. */
#include "math/threads.h"

#include <cblas.h>
#include <omp.h>
#include <pthread.h>

#include "base/memory.h"
#include "math/blas.h"

/* Under a limit on the address space everything is taken at once and with a check, since OpenBLAS tries for ever to map
 * a buffer that there is no room for. */
static BaseStatus check_room(int64_t bytes, int threads)
{
    static const int64_t SPARE = 16 << 20; /* what must be left to end with an error */
    int64_t left = base_memory_space_left();
    if (bytes + SPARE <= left) return BASE_OK;
    return base_error_set(
        BASE_ENOMEM,
        "threads = %d: their stacks and OpenBLAS's buffers need %.0f MB more, and %.0f MB are left under the limit on "
        "the address space (ulimit -v); use fewer threads, or raise the limit",
        threads, (double)bytes / 1e6, (double)left / 1e6);
}

/* OpenBLAS takes a buffer for its caller at the first product that is too large for its kernels without one (100^3). */
static BaseStatus take_buffer(int threads)
{
    enum { SIDE = 128 };
    static float x[SIDE * SIDE], product[SIDE * SIDE];
    static bool taken;
    if (taken) return BASE_OK;
    BaseStatus st = check_room(MATH_BLAS_BUFFER, threads);
    if (st != BASE_OK) return st;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, x, SIDE, x, SIDE, 0, product, SIDE);
    taken = true;
    return BASE_OK;
}

static int64_t stack_size(void)
{
    size_t bytes = 0;
    pthread_attr_t attributes;
    if (pthread_getattr_default_np(&attributes) != 0) return 0;
    pthread_attr_getstacksize(&attributes, &bytes);
    pthread_attr_destroy(&attributes);
    return (int64_t)bytes;
}

BaseStatus math_threads_set(int n)
{
    BaseStatus st = BASE_OK;
    static int most; /* so many there have been */
    bool limited = base_memory_space_left() < INT64_MAX;
    if (n < 1 || n > MATH_THREADS_MAX)
        return base_error_set(BASE_EARG, "threads = %d: must be 1 to %d", n, MATH_THREADS_MAX);
    if (most == 0) most = openblas_get_num_threads();
    if (limited) BASE_TRY(take_buffer(n));
    if (limited && n > most) BASE_TRY(check_room((n - most) * (MATH_BLAS_BUFFER + stack_size()), n));
    most = n > most ? n : most;
    omp_set_dynamic(0);
    omp_set_num_threads(n);
    openblas_set_num_threads(n);
    if (limited) {
#pragma omp parallel
        omp_get_thread_num(); /* they are started, and stay */
    }
out:
    return st;
}

int math_threads_get(void) { return omp_get_max_threads(); }
