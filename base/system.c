/* base/system.c - Linux's calls, the files below /proc, and what stands in for both elsewhere. */
#include "base/system.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Built with BASE_SYSTEM_PLAIN this file knows only what every system has: how tests see the other ways at work. */
#if defined(__linux__) && !defined(BASE_SYSTEM_PLAIN)
#define LINUX 1
#include <malloc.h>
#include <sched.h>
#include <sys/prctl.h>
#else
#define LINUX 0
#endif
#if defined(__has_include)
#if __has_include(<link.h>)
#define LISTS_LIBRARIES 1
#include <dlfcn.h>
#include <link.h>
#endif
#endif
#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

/* ------------------------------------------------------------ standard descriptors */

BaseStatus base_system_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        int got = open("/dev/null", O_RDWR); /* the lowest free number, which is this one */
        if (got == fd) continue;
        int why = errno;
        if (got >= 0) close(got);
        return base_error_set(BASE_EIO, "descriptor %d is closed, and /dev/null cannot be opened in its place: %s", fd,
                              got < 0 ? strerror(why) : "it got another number");
    }
    return BASE_OK;
}

/* ------------------------------------------------------------ the program's own file */

static char found[PATH_MAX]; /* by base_system_started, or the helper */
static bool hosted;

static bool runs(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

void base_system_started(const char *name)
{
    char path[PATH_MAX];
    found[0] = '\0';
    if (!name) return;
    if (strchr(name, '/')) {
        if (!runs(name) || !realpath(name, found)) found[0] = '\0';
        return;
    }
    const char *folder = getenv("PATH"); /* where the shell found it */
    while (folder) {
        size_t length = strcspn(folder, ":");
        snprintf(path, sizeof path, "%.*s/%s", length ? (int)length : 1, length ? folder : ".", name);
        if (runs(path) && realpath(path, found)) return;
        found[0] = '\0';
        folder = folder[length] ? folder + length + 1 : NULL;
    }
}

BaseStatus base_system_program(const char **out)
{
    static const char own[] = "/proc/self/exe";
    *out = LINUX && !hosted && access(own, X_OK) == 0 ? own : found;
    if (**out) return BASE_OK;
    if (hosted)
        return base_error_set(BASE_EIO, "the program expunge-helper, which reads files for the library, is not known: "
                                        "name it with expunge_set_helper");
    return base_error_set(BASE_EIO, "this program's own file is not known: there is no %s, so start it by its path",
                          own);
}

void base_system_set_helper(const char *helper)
{
    hosted = true;
    snprintf(found, sizeof found, "%s", helper);
}

bool base_system_file_of(const void *address, char *out, size_t size)
{
    char path[PATH_MAX] = "";
#if LINUX
    Dl_info info;
    struct link_map *map = NULL; /* without a name: the program itself, which may have been started from anywhere */
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) && map)
        if (!realpath(*map->l_name ? map->l_name : "/proc/self/exe", path)) path[0] = '\0';
#elif defined(LISTS_LIBRARIES)
    Dl_info info;
    if (dladdr(address, &info) && info.dli_fname && !realpath(info.dli_fname, path)) path[0] = '\0';
#else
    (void)address;
#endif
    snprintf(out, size, "%s", path);
    return *path != '\0';
}

BaseStatus base_system_code(const char **out)
{
    static char path[PATH_MAX];
    if (!hosted) return base_system_program(out);
    *out = path;
    if (base_system_file_of(path, path, sizeof path)) return BASE_OK;
    return base_error_set(BASE_EIO, "the file of the library is not known");
}

BaseStatus base_system_program_path(char *out, size_t size)
{
    const char *name;
    BaseStatus st = base_system_program(&name);
    ssize_t length = st == BASE_OK && name != found ? readlink(name, out, size - 1) : -1;
    if (length >= 0)
        out[length] = '\0';
    else
        snprintf(out, size, "%s", found);
    return st;
}

/* ------------------------------------------------------------ processes */

#if LINUX
int base_system_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
#else
int base_system_pipe(int ends[2])
{
    if (pipe(ends) != 0) return -1;
    for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return 0;
}
#endif

#if LINUX
int base_system_spawn_in(const char *folder, posix_spawn_file_actions_t *actions, char *const argv[], pid_t *pid)
{
    int rc = posix_spawn_file_actions_addchdir_np(actions, folder);
    return rc ? rc : posix_spawnp(pid, argv[0], actions, NULL, argv, environ);
}
#else
int base_system_spawn_in(const char *folder, posix_spawn_file_actions_t *actions, char *const argv[], pid_t *pid)
{
    static char shell[] = "sh", option[] = "-c",
                script[] = "CDPATH= cd -- \"$0\" && { command -v \"$1\" >/dev/null || exit 127; } && exec \"$@\"";
    char *all[64] = {shell, option, script, (char *)folder}; /* posix_spawn writes to none of them */
    size_t n = 0;
    for (; argv[n]; n++) {
        if (n + 5 == sizeof all / sizeof *all) return E2BIG;
        all[n + 4] = argv[n];
    }
    return posix_spawn(pid, "/bin/sh", actions, NULL, all, environ);
}
#endif

#if LINUX
static int watch_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }
#else
static pid_t followed;

static void *look(void *unused)
{
    (void)unused;
    while (getppid() == followed) nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    kill(getpid(), SIGKILL);
    return NULL;
}

static int watch_parent(void)
{
    pthread_t thread;
    followed = getppid();
    int rc = pthread_create(&thread, NULL, look, NULL);
    return rc ? rc : pthread_detach(thread);
}
#endif

BaseStatus base_system_follow(pid_t parent)
{
    if (watch_parent() != 0) return base_error_set(BASE_ENOMEM, "no thread can be started to watch the parent process");
    if (getppid() != parent)
        return base_error_set(BASE_ECANCEL, "the process that started this one is gone"); /* before it was watched */
    return BASE_OK;
}

BaseSystemCpus base_system_cpus(void)
{
    BaseSystemCpus cpus = {{0}};
#if LINUX
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (size_t i = 0; i < 8 * sizeof cpus.bits && i < CPU_SETSIZE; i++)
            if (CPU_ISSET(i, &set)) cpus.bits[i / 8] |= (uint8_t)(1 << i % 8);
#endif
    return cpus;
}

/* ------------------------------------------------------------ files */

int base_system_exchange(const char *a, const char *b)
{
#if LINUX && defined(RENAME_EXCHANGE)
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
#else
    (void)a, (void)b;
    errno = ENOSYS;
    return -1;
#endif
}

#if defined(F_OFD_SETLK) && !defined(BASE_SYSTEM_PLAIN)
bool base_system_has_locks(void) { return true; }

int base_system_lock(int fd, BaseSystemLock how, struct flock *range)
{
    static const int COMMANDS[] = {[BASE_SYSTEM_LOCK_LOOK] = F_OFD_GETLK,
                                   [BASE_SYSTEM_LOCK_TRY] = F_OFD_SETLK,
                                   [BASE_SYSTEM_LOCK_WAIT] = F_OFD_SETLKW};
    return fcntl(fd, COMMANDS[how], range);
}
#else
bool base_system_has_locks(void) { return false; }

int base_system_lock(int fd, BaseSystemLock how, struct flock *range)
{
    (void)fd, (void)how, (void)range;
    errno = ENOSYS;
    return -1;
}
#endif

/* ------------------------------------------------------------ memory */

void base_system_wish_huge(void *block, size_t bytes)
{
#if LINUX && defined(MADV_HUGEPAGE)
    (void)madvise(block, bytes, MADV_HUGEPAGE);
#else
    (void)block, (void)bytes;
#endif
}

size_t base_system_block_bytes(void *block)
{
#if LINUX
    return malloc_usable_size(block);
#else
    (void)block;
    return 0;
#endif
}

/* The number of that line of /proc/self/status, in kB there; 0 where there is none. */
static int64_t status_bytes_in(const char *path, const char *name)
{
    long long kib = 0;
    char line[256];
    size_t length = strlen(name);
    FILE *file = LINUX ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, length) == 0 && sscanf(line + length, ": %lld", &kib) == 1) break;
    if (file) fclose(file);
    return kib * 1024;
}

static int64_t status_bytes(const char *name) { return status_bytes_in("/proc/self/status", name); }

enum { DEEP = 16 }; /* generations of processes that are followed */

/* Calls @p each with a process and then all that it has started. */
static void walk(pid_t pid, int depth, void (*each)(void *user, pid_t pid), void *user)
{
    char path[64];
    long child;
    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    DIR *threads = LINUX && depth < DEEP ? opendir(path) : NULL;
    pid_t children[256];
    int count = 0;
    for (const struct dirent *entry; threads && (entry = readdir(threads));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%ld/task/%.20s/children", (long)pid, entry->d_name);
        FILE *file = fopen(path, "r");
        while (file && count < 256 && fscanf(file, "%ld", &child) == 1) children[count++] = (pid_t)child;
        if (file) fclose(file);
    }
    if (threads) closedir(threads);
    each(user, pid);
    for (int i = 0; i < count; i++) walk(children[i], depth + 1, each, user);
}

static void take_peak(void *user, pid_t pid)
{
    int64_t *peak = user;
    char path[48];
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    int64_t bytes = status_bytes_in(path, "VmHWM");
    if (bytes > *peak) *peak = bytes;
}

int64_t base_system_peak_memory_of(pid_t pid)
{
    int64_t peak = 0;
    walk(pid, 0, take_peak, &peak);
    return peak;
}

static void kill_one(void *user, pid_t pid)
{
    (void)user;
    kill(pid, SIGKILL);
}

void base_system_kill_tree(pid_t pid) { walk(pid, 0, kill_one, NULL); }

int64_t base_system_peak_memory(void)
{
    struct rusage usage;
    int64_t bytes = status_bytes("VmHWM");
    if (bytes > 0 || getrusage(RUSAGE_SELF, &usage) != 0) return bytes;
#ifdef __APPLE__
    return usage.ru_maxrss; /* the one system that counts it in bytes */
#else
    return (int64_t)usage.ru_maxrss * 1024;
#endif
}

int64_t base_system_resident_memory(void) { return status_bytes("VmRSS"); }

int64_t base_system_mapped_memory(void)
{
    char text[32];
    int fd = LINUX ? open("/proc/self/statm", O_RDONLY | O_CLOEXEC) : -1; /* its first number: pages */
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[length > 0 ? length : 0] = '\0';
    return strtoll(text, NULL, 10) * (int64_t)sysconf(_SC_PAGESIZE);
}

void base_system_reset_peak(void)
{
    FILE *file = LINUX ? fopen("/proc/self/clear_refs", "w") : NULL;
    if (!file) return;
    fputs("5", file);
    fclose(file);
}

/* ------------------------------------------------------------ processor and libraries */

/* The value of a line "name : value"; NULL where it is another line. */
static const char *value_of(char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0) return NULL;
    char *value = line + length + strspn(line + length, " \t");
    if (*value++ != ':') return NULL;
    value += strspn(value, " \t");
    value[strcspn(value, "\n")] = '\0';
    return *value ? value : NULL;
}

/* Arm's processors have no "model name" there but two numbers. */
void base_system_read_cpu_name(const char *cpuinfo, char *out, size_t size)
{
    char line[512], maker[16] = "", part[16] = "", name[256] = "";
    struct utsname machine;
    FILE *file = fopen(cpuinfo, "r");
    while (file && !*name && fgets(line, sizeof line, file)) {
        const char *value;
        if ((value = value_of(line, "model name")))
            snprintf(name, sizeof name, "%s", value);
        else if (!*maker && (value = value_of(line, "CPU implementer")))
            snprintf(maker, sizeof maker, "%s", value);
        else if (!*part && (value = value_of(line, "CPU part")))
            snprintf(part, sizeof part, "%s", value);
    }
    if (file) fclose(file);
    const char *kind = uname(&machine) == 0 ? machine.machine : "unknown";
    if (*name)
        snprintf(out, size, "%s", name);
    else if (*maker && *part)
        snprintf(out, size, "%s CPU, implementer %s, part %s", kind, maker, part);
    else
        snprintf(out, size, "%s CPU", kind);
}

void base_system_cpu_name(char *out, size_t size)
{
    base_system_read_cpu_name(LINUX ? "/proc/cpuinfo" : "", out, size);
}

#ifdef LISTS_LIBRARIES
typedef struct {
    void (*each)(void *user, const char *path);
    void *user;
} Listing;

static int list_one(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    const Listing *listing = user;
    char path[PATH_MAX];
    /* the program itself has no name, nor has the kernel's own library a file */
    if (info->dlpi_name && *info->dlpi_name && realpath(info->dlpi_name, path)) listing->each(listing->user, path);
    return 0;
}

void base_system_libraries(void (*each)(void *user, const char *path), void *user)
{
    dl_iterate_phdr(list_one, &(Listing){each, user});
}
#else
void base_system_libraries(void (*each)(void *user, const char *path), void *user) { (void)each, (void)user; }
#endif
