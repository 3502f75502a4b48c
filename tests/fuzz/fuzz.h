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

/** The bytes up to the next zero byte, or all; *data and *size move behind it. Owned, ended by a zero: free. NULL at
 * the end. */
char *fuzz_next_text(const uint8_t **data, size_t *size);

/** libFuzzer calls it before all else, and so does driver.c; a target may do without. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** The last error is one line, and not empty. */
void fuzz_check_error(void);

/** The target's own check: stops the process where it does not hold. */
#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) __builtin_trap();                                                                            \
    } while (0)

#endif
