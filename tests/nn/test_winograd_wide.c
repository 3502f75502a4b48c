/* In blocks of 16 channels, where the CPU has AVX-512. */
#include <stdio.h>

enum { WIDTH = 16 };
#include "tests/nn/winograd.h"

int main(void)
{
    if ((dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) != dnnl_cpu_isa_avx512_core) {
        puts("no AVX-512 here");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pass_equals_the_twin),
        cmocka_unit_test(test_same_bits_with_any_thread_count),
        cmocka_unit_test(test_the_rules_take_it),
    };
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
