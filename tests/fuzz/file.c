#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/status.h"
#include "tests/fuzz/fuzz.h"

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

char *fuzz_next_text(const uint8_t **data, size_t *size)
{
    if (!*size) return NULL;
    const uint8_t *end = memchr(*data, 0, *size);
    size_t length = end ? (size_t)(end - *data) : *size;
    char *text = malloc(length + 1);
    FUZZ_CHECK(text);
    memcpy(text, *data, length);
    text[length] = '\0';
    *data += length + (end != NULL);
    *size -= length + (end != NULL);
    return text;
}

void fuzz_check_error(void) { FUZZ_CHECK(*base_error_text() && !strchr(base_error_text(), '\n')); }
