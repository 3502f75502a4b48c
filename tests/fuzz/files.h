/* tests/fuzz/files.h - for readers that want files: a scratch folder in memory, and names in it for the input's parts.
 */
#ifndef TESTS_FUZZ_FILES_H
#define TESTS_FUZZ_FILES_H

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char fuzz_folder[64];

static int fuzz_remove(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static void fuzz_clean(void) { nftw(fuzz_folder, fuzz_remove, 8, FTW_DEPTH | FTW_PHYS); }

/** The folder's path, made at the first call and removed at exit. */
static inline const char *fuzz_files(void)
{
    if (*fuzz_folder) return fuzz_folder;
    snprintf(fuzz_folder, sizeof fuzz_folder, "%s/expunge-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(fuzz_folder)) exit(2);
    atexit(fuzz_clean);
    return fuzz_folder;
}

/** Makes the file @p name of these bytes. */
static inline void fuzz_write(const char *name, const uint8_t *bytes, size_t size)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", fuzz_files(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) exit(2);
    close(fd);
}

#endif
