/* tests/fuzz/fuzz.h - a fuzz target is one file fuzz_<name>.c with this function; its inputs are corpus/<name>/.
 * `make test` runs the corpus through driver.c, `make fuzz` builds the targets with clang's libFuzzer. A file that once
 * broke something stays in the corpus. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A file in memory with these bytes; the path is valid until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/** The target's own check: stops the process where it does not hold. */
#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) __builtin_trap();                                                                            \
    } while (0)

#endif
