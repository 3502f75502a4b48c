/* Threads under a limit on the address space, where OpenBLAS would try for ever to map a buffer. */
#include "tests/support/support.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "math/blas.h"
#include "math/threads.h"

static void test_threads_without_room(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* it has mapped more than any limit */
#else
    struct rlimit before, small;
    assert_ok(math_threads_set(1));
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    small = before;
    small.rlim_cur = before.rlim_max < (rlim_t)1 << 40 ? before.rlim_max : (rlim_t)1 << 40;
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    rlim_t used = small.rlim_cur - (rlim_t)base_memory_space_left();
    small.rlim_cur = used + (rlim_t)4 * MATH_BLAS_BUFFER;
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    alarm(60); /* what was before: no end */
    assert_fails(math_threads_set(40), BASE_ENOMEM, "threads = 40");
    assert_fails(math_threads_set(40), BASE_ENOMEM, "are left under the limit on the address space (ulimit -v)");
    assert_int_equal(math_threads_get(), 1);
    assert_ok(math_threads_set(1)); /* what there has been needs no more */
    int64_t left = base_memory_space_left();
    const char *wrong;
    assert_ok(math_blas_check(&wrong)); /* its buffer was taken before */
    assert_true(left - base_memory_space_left() < MATH_BLAS_BUFFER);
    alarm(0);
    setrlimit(RLIMIT_AS, &before);
#endif
}

/* OpenBLAS must start with one thread: where there were more, what the others leave when they go serves the caller. */
int main(int argc, char **argv)
{
    const struct CMUnitTest TESTS[] = {cmocka_unit_test(test_threads_without_room)};
    const char *threads = getenv("OMP_NUM_THREADS");
    (void)argc;
    if (!threads || strcmp(threads, "1") != 0) {
        setenv("OMP_NUM_THREADS", "1", 1);
        unsetenv("OPENBLAS_NUM_THREADS");
        execv(argv[0], argv);
        return 1;
    }
    return support_end(cmocka_run_group_tests(TESTS, NULL, NULL));
}
