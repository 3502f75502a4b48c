/* In blocks of 8 channels, on every CPU: oneDNN is held to AVX2. */
enum { WIDTH = 8 };
#include "tests/nn/winograd.h"

int main(void)
{
    if (dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2) != dnnl_success) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pass_equals_the_twin),
        cmocka_unit_test(test_same_bits_with_any_thread_count),
        cmocka_unit_test(test_the_rules_take_it),
    };
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
