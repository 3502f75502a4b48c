/* Preloaded by tests/cli/allocation.sh: memory that is not there.
 *   SHIM_ALLOCATION=N  the N-th allocation of the program itself, counted from its start, fails, and every later one
 *   SHIM_ONCE=1        only that one
 *   SHIM_COUNT=FILE    a line with how many there were is added to the file at the end
 * Libraries' own allocations succeed: what they do without memory is not the program's. A program that starts itself or
 * another counts anew. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static uintptr_t low, high; /* the program's own code and data */
static long fail_at;
static int once;
static atomic_long counted;

static int first_object(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size, (void)user;
    low = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD) continue;
        uintptr_t from = (uintptr_t)(info->dlpi_addr + p->p_vaddr);
        if (from < low) low = from;
        if (from + p->p_memsz > high) high = (uintptr_t)(from + p->p_memsz);
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *n = getenv("SHIM_ALLOCATION");
    once = getenv("SHIM_ONCE") != NULL;
    dl_iterate_phdr(first_object, NULL);
    fail_at = n ? atol(n) : 0;
}

__attribute__((destructor)) static void end(void)
{
    const char *file = getenv("SHIM_COUNT");
    int fd = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (fd < 0) return;
    dprintf(fd, "%ld\n", atomic_load(&counted));
    close(fd);
}

static int fails(const void *caller)
{
    if ((uintptr_t)caller < low || (uintptr_t)caller >= high) return 0;
    long n = atomic_fetch_add(&counted, 1) + 1;
    if (!fail_at || (once ? n != fail_at : n < fail_at)) return 0;
    errno = ENOMEM;
    return 1;
}

#define FAILS fails(__builtin_return_address(0))

void *malloc(size_t size) { return FAILS ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return FAILS ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return FAILS ? NULL : __libc_realloc(block, size); }
void *aligned_alloc(size_t alignment, size_t size) { return FAILS ? NULL : __libc_memalign(alignment, size); }
void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size) { return FAILS ? NULL : __libc_memalign(alignment, size); }

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (FAILS) return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}
