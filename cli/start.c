/* cli/start.c - a constructor that runs before OpenBLAS's own, and a handler for exceptions that nobody caught. */
#include "cli/start.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/system.h"
#include "cli/commands.h"

/* ------------------------------------------------------------ C++ libraries */

static bool speaks_to_starter;

/* C has no way to catch what a C++ library throws; its std::terminate() calls this. */
static void last_words(void)
{
    const void *(*current)(void) = (const void *(*)(void))(intptr_t)dlsym(RTLD_DEFAULT, "__cxa_current_exception_type");
    /* std::type_info: its functions' table, its name. Without memory for an exception there is none. */
    const char *const *type = current ? current() : NULL;
    const char *name = type ? type[1] : "St9bad_alloc";
    char line[512], prefix[32];
    bool memory = strcmp(name, "St9bad_alloc") == 0;
    if (speaks_to_starter)
        snprintf(prefix, sizeof prefix, "E %d ", memory ? BASE_ENOMEM : BASE_EBACKEND);
    else
        snprintf(prefix, sizeof prefix, "expunge: ");
    int length = memory ? snprintf(line, sizeof line,
                                   "%snot enough memory: a library could not get any (std::bad_alloc)\n", prefix)
                        : snprintf(line, sizeof line,
                                   "%sa library ended the program with a C++ exception of type %.200s\n", prefix, name);
    if (write(STDERR_FILENO, line, (size_t)length) < 0) _exit(1); /* nobody reads it */
    _exit(1);
}

void cli_start_last_words(bool worker)
{
    typedef void (*Handler)(void);
    Handler (*set)(Handler) = (Handler(*)(Handler))(intptr_t)dlsym(RTLD_DEFAULT, "_ZSt13set_terminatePFvvE");
    speaks_to_starter = worker;
    if (set) set(last_words); /* libstdc++ is oneDNN's; where there is none nothing is thrown */
}

/* ------------------------------------------------------------ before main() */

#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes: there is no limit that it would start under */
/* Where OpenBLAS cannot map its buffers it tries for ever, in its constructor already: before that, nothing but this
 * runs. Takes no memory and no stdio. */
static void say_and_end(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (write(STDERR_FILENO, texts[i], strlen(texts[i])) < 0) break;
    _exit(1);
}

static const char *megabytes(size_t bytes, char text[24])
{
    char *at = text + 23;
    *at = '\0';
    size_t n = (bytes + 999999) / 1000000;
    do *--at = (char)('0' + n % 10);
    while (n /= 10);
    return at;
}

static void check_limit(char *const *environment)
{
    /* Beside the buffers and stacks: the heap, what libraries map at their start, and room for a line of error text. */
    static const size_t REST = (size_t)32 << 20, STACK = (size_t)8 << 20;
    struct rlimit space, stack;
    if (getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur == RLIM_INFINITY) return;
    size_t threads = (size_t)math_blas_start_threads(environment), each = STACK;
    if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur != RLIM_INFINITY) each = stack.rlim_cur;
    size_t need = (size_t)base_system_mapped_memory() + REST + (threads + 1) * MATH_BLAS_BUFFER + (threads - 1) * each;
    if (space.rlim_cur >= need) return;
    char number[2][24];
    const char *const TEXTS[] = {
        "expunge: the limit of ",
        megabytes(space.rlim_cur, number[0]),
        " MB on this process's address space (ulimit -v) is too small: the program, with OpenBLAS's "
        "buffers for ",
        threads > 1 ? "all threads" : "one thread",
        ", needs ",
        megabytes(need, number[1]),
        threads > 1 ? " MB to start; raise it, or use fewer threads (OMP_NUM_THREADS)\n" : " MB to start; raise it\n"};
    say_and_end(TEXTS, sizeof TEXTS / sizeof *TEXTS);
}

static void before_constructors(int argc, char **argv, char **environment)
{
    (void)argc;
    (void)argv;
    check_limit(environment);
    cli_start_last_words(false); /* constructors allocate too */
}
__attribute__((section(".preinit_array"), used)) static void (*const start)(int, char **,
                                                                            char **) = before_constructors;
#endif

/* ------------------------------------------------------------ once more, with another environment */

/* libgomp's threads spin for milliseconds at every barrier. Where another process or the data thread holds one of the
 * cores that is most of the time: a training beside one busy process took 137 s, with short spins 41 s. */
static const char SPINS[] = "GOMP_SPINCOUNT";

/* libgomp and OpenBLAS read their environment before main(). Comes back only where it cannot be done. */
static void start_again(char **argv, const SessionBlas *blas, bool short_spins)
{
    char path[4096]; /* by its own path, so that it keeps its name in ps */
    if (base_system_program_path(path, sizeof path) != BASE_OK) {
        base_error_clear();
        return;
    }
    if (short_spins && setenv(SPINS, "10000", 1) != 0) return;
    if (*blas->next &&
        (setenv(SESSION_BLAS_CORE, blas->next, 1) != 0 || setenv(SESSION_BLAS_CHAIN, blas->chain, 1) != 0))
        return;
    execv(path, argv);
    if (blas->chooser != SESSION_BLAS_OPENBLAS) return;
    unsetenv(SESSION_BLAS_CORE); /* it is not what runs */
    unsetenv(SESSION_BLAS_CHAIN);
}

BaseStatus cli_start(char **argv, SessionBlas *blas)
{
    BaseStatus st = BASE_OK;
    bool short_spins = !getenv(SPINS) && !getenv("OMP_WAIT_POLICY");
    session_blas_look(blas);
    if (short_spins || *blas->next) start_again(argv, blas, short_spins); /* where it cannot: slower, no more */
    blas->next[0] = '\0';
    BASE_TRY(session_blas_check(blas));
    if (!*blas->next) goto out;
    start_again(argv, blas, false);
    BASE_FAIL(BASE_EBACKEND, "OpenBLAS's %s kernels give wrong results on this CPU; start with %s=%s", blas->core,
              SESSION_BLAS_CORE, blas->next);
out:
    return st;
}

BaseStatus cli_start_environment(void)
{
    static const char *const NAMES[] = {SPINS, SESSION_BLAS_CORE, SESSION_BLAS_CHAIN};
    BaseText text = {0};
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++)
        if (getenv(NAMES[i])) base_text_add(&text, "%s=%s\n", NAMES[i], getenv(NAMES[i]));
    return cli_print_text_take(&text);
}
