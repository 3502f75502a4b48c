#include "tests/support/support.h"

#include <sys/resource.h>

#include "tests/nn/formula.h"

/* A program of its own, so that the peak is that of this network: parameters 346 MB, plain weights that need no copy,
 * and what lives at a time of the activations. */
static void logits_are_torchvisions_within_memory(void **state)
{
    (void)state;
    formula_check("vit_b_16", "vit_b_16_imagenet");
#if !defined(__SANITIZE_ADDRESS__)
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    print_message("peak memory %ld MB\n", usage.ru_maxrss >> 10);
    assert_true(usage.ru_maxrss < 1500000000 / 1024);
#endif
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(logits_are_torchvisions_within_memory),
};
SUPPORT_MAIN(tests)
