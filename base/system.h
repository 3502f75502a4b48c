/* base/system.h - what each operating system answers in its own way, or not at all. Linux's calls and files are known
 * to base/system.c alone; each has another way beside it for systems without, or says that there is none. */
#ifndef BASE_SYSTEM_H
#define BASE_SYSTEM_H

#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

extern char **environ; /* glibc declares it, others leave that to the program */

/** First thing in main(): descriptors 0 to 2 that whoever started this program closed are opened on /dev/null. Else the
 *  next file opened gets such a number, and what is meant for standard error is written into it. BASE_EIO. */
BaseStatus base_system_descriptors(void);
/** main() says first how it was called (argv[0]): where the system does not know this program's file (/proc/self/exe),
 *  it is looked for by that name. */
void base_system_started(const char *name);
/**
 * A name by which the program that runs can be opened and started again, on Linux even after its file was replaced.
 * Static storage.
 * @return BASE_OK; BASE_EIO where neither the system nor base_system_started knows.
 */
BaseStatus base_system_program(const char **out);
/** This process is a host's that uses the library: its own file must be neither started nor taken for this program's. What
 *  stands in for it from here on is @p helper; copied; "": there is none (base_system_program: BASE_EIO). */
void base_system_set_helper(const char *helper);
/** The file that @p address is part of: a program, or a shared library; false where the system does not say. */
bool base_system_file_of(const void *address, char *out, size_t size);
/** The file of the code that runs: base_system_program's, or in a host's process the library's. Static storage. */
BaseStatus base_system_code(const char **out);
/** The path of base_system_program's file, as people know it. */
BaseStatus base_system_program_path(char *out, size_t size);

/** pipe(), both ends closed in programs that are started. 0, or -1 with errno. */
int base_system_pipe(int ends[2]);
/**
 * posix_spawnp() of argv[0] with this environment in @p folder; @p actions may be added to.
 * @return 0, or a number of errno.h. A program that is not there may also be one that ends with 127.
 */
int base_system_spawn_in(const char *folder, posix_spawn_file_actions_t *actions, char *const argv[], pid_t *pid);
/**
 * From now on this process is killed when @p parent dies, however that dies: at once on Linux, elsewhere within a
 * second, by a thread that looks.
 * @return BASE_OK; BASE_ECANCEL where it is gone already; BASE_ENOMEM.
 */
BaseStatus base_system_follow(pid_t parent);

/** Exchanges what two paths name, so that neither is ever missing. 0, or -1 with errno, ENOSYS where there is no such
 *  call. */
int base_system_exchange(const char *a, const char *b);

/** Locks of the open file: unlike flock() they have ranges, and unlike the process's own record locks they stay when
 *  some other part of the program opens and closes the same file. */
typedef enum { BASE_SYSTEM_LOCK_LOOK, BASE_SYSTEM_LOCK_TRY, BASE_SYSTEM_LOCK_WAIT } BaseSystemLock;
bool base_system_has_locks(void);
/** fcntl() with @p range as there; LOOK and TRY come back at once. 0, or -1 with errno, ENOSYS without such locks. */
int base_system_lock(int fd, BaseSystemLock how, struct flock *range);

/** A wish for large pages: without them the block is as good. */
void base_system_wish_huge(void *block, size_t bytes);
/** Bytes that malloc() gave for @p block; 0 where it does not say. */
size_t base_system_block_bytes(void *block);

/** Bytes, 0 where unknown. Peak: the largest resident set since the start, or since the last reset where the system
 *  has one. */
int64_t base_system_peak_memory(void);
int64_t base_system_resident_memory(void);
/** Address space in use. Takes no memory and no stdio, so that it may run before libraries' constructors. */
int64_t base_system_mapped_memory(void);
void base_system_reset_peak(void);
/** Of another process so far, or of what it has started and still runs, whichever is largest. */
int64_t base_system_peak_memory_of(pid_t pid);
/** Kills a process and, where the system lists them, what it has started. */
void base_system_kill_tree(pid_t pid);

/** The processor's name: what /proc/cpuinfo calls it, or "<machine> CPU" with the numbers of its maker and part. */
void base_system_cpu_name(char *out, size_t size);
/** The same from another file, for tests. */
void base_system_read_cpu_name(const char *cpuinfo, char *out, size_t size);

/** One bit per CPU that this process may run on; none where the system does not say. */
typedef struct {
    uint8_t bits[128];
} BaseSystemCpus;
BaseSystemCpus base_system_cpus(void);

/** Calls @p each with the path of every library in this process, links followed; with none where the system does not
 *  list them. */
void base_system_libraries(void (*each)(void *user, const char *path), void *user);

#endif
