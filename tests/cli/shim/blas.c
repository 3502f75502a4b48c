/* Preloaded by tests/cli/blas.sh and memory.sh: stands in for machines that are not at hand.
 *   SHIM_CORE=NAME     OpenBLAS chooses this core type by itself, as on a CPU that it does not know
 *   SHIM_WRONG=A,B     the kernels of these core types compute cblas_dtrsm wrongly
 *   SHIM_STARTS=FILE   each start of a program adds a byte to the file
 *   SHIM_STAY=1        a program cannot start itself again
 *   SHIM_NEW=N         from the N-th allocation of the C++ library on, it gets no memory */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))(intptr_t)dlsym(RTLD_NEXT, #name))

extern char **environ;
static char *variable(const char *name)
{
    size_t length = strlen(name);
    for (char **at = environ; at && *at; at++)
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=') return *at + length + 1;
    return NULL;
}

static int called_from(const void *address, const char *library)
{
    Dl_info info;
    return dladdr(address, &info) && info.dli_fname && strstr(info.dli_fname, library) != NULL;
}

char *getenv(const char *name)
{
    char *value = variable(name), *core = variable("SHIM_CORE");
    if (!value && core && strcmp(name, "OPENBLAS_CORETYPE") == 0 &&
        called_from(__builtin_return_address(0), "libopenblas"))
        return core;
    return value;
}

char *openblas_get_corename(void);
void cblas_dtrsm(int order, int side, int half, int transpose, int diagonal, int m, int n, double alpha,
                 const double *a, int lda, double *b, int ldb);
void cblas_dtrsm(int order, int side, int half, int transpose, int diagonal, int m, int n, double alpha,
                 const double *a, int lda, double *b, int ldb)
{
    char *wrong = variable("SHIM_WRONG"), *core = openblas_get_corename();
    NEXT(cblas_dtrsm)(order, side, half, transpose, diagonal, m, n, alpha, a, lda, b, ldb);
    for (size_t length = strlen(core); wrong && *wrong; wrong += strcspn(wrong, ","), wrong += *wrong == ',')
        if (strncmp(wrong, core, length) == 0 && (wrong[length] == ',' || !wrong[length])) b[0] += 1;
}

__attribute__((constructor)) static void count_start(void)
{
    char *path = variable("SHIM_STARTS");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (file < 0) return;
    if (write(file, ".", 1) != 1) _exit(99);
    close(file);
}

int execv(const char *path, char *const argv[]) { return variable("SHIM_STAY") ? -1 : execve(path, argv, environ); }

extern void *__libc_malloc(size_t size);
void *malloc(size_t size)
{
    static long calls;
    char *from = environ ? variable("SHIM_NEW") : NULL;
    if (from && called_from(__builtin_return_address(0), "libstdc++") && ++calls >= atol(from)) return NULL;
    return __libc_malloc(size);
}
