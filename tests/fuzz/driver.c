/* Runs a target over the files of a folder without libFuzzer, each in full, in its first half, and with each of up to
 * 2000 bytes changed: what `make test` can afford of fuzzing. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/file.h"
#include "tests/fuzz/fuzz.h"

#pragma weak LLVMFuzzerInitialize

enum { CHANGED_MOST = 2000 };

static BaseStatus run_file(const char *path, long *runs)
{
    char *bytes;
    size_t size;
    BaseStatus st = io_file_read(path, 0, &bytes, &size);
    if (st != BASE_OK) return st;
    LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
    LLVMFuzzerTestOneInput((const uint8_t *)bytes, size / 2);
    for (size_t i = 0; i < size && i < CHANGED_MOST; i++) {
        char keep = bytes[i];
        bytes[i] = (char)(keep ^ (1 << i % 8));
        LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
        bytes[i] = keep;
    }
    *runs += 2 + (long)(size < CHANGED_MOST ? size : CHANGED_MOST);
    base_free(bytes);
    return BASE_OK;
}

int main(int argc, char **argv)
{
    setenv("FUZZ_CHILD", "1", 1);
    char **names, path[4096];
    size_t count;
    long runs = 0;
    if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
    if (argc != 2) return fprintf(stderr, "usage: %s CORPUS\n", argv[0]), 2;
    BaseStatus st = io_folder_list(argv[1], "", &names, &count);
    for (size_t i = 0; st == BASE_OK && i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]);
        st = run_file(path, &runs);
    }
    if (st != BASE_OK || count == 0) {
        printf("not ok 1 - %s: %s\n", argv[1], st == BASE_OK ? "an empty corpus" : base_error_text());
        return 1;
    }
    io_names_free(names, count);
    printf("ok 1 - %zu files, %ld runs, %lld blocks left\n", count, runs, (long long)base_memory_live());
    return base_memory_live() != 0;
}
