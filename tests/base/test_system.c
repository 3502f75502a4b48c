/* What base/system promises on every system. test_system_plain.c runs the same cases without what only Linux has. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/registry.h"
#include "base/system.h"
#include "io/file.h"
#include "io/lock.h"

#if defined(__linux__) && !defined(BASE_SYSTEM_PLAIN)
enum { ON_LINUX = 1 };
#else
enum { ON_LINUX = 0 };
#endif
enum { STARTED = 42, REFUSED = 43, WAIT_MS = 20000 };
static const char *called; /* argv[0] */

/* This program once more, as main() below understands @p what; its output goes to @p out. */
static pid_t start_again(const char *what, int out)
{
    const char *program;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    assert_ok(base_system_program(&program));
    char name[4096], number[24];
    assert_ok(base_system_program_path(name, sizeof name));
    snprintf(number, sizeof number, "%ld", (long)getpid());
    char *argv[] = {name, (char *)what, number, NULL};
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    if (out >= 0) assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int ended(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_program(void **state)
{
    (void)state;
    char path[4096], real[4096], own[BASE_HASH_HEX], file[BASE_HASH_HEX], folders[5000];
    base_system_started(called);
    assert_int_equal(ended(start_again("started", -1)), STARTED);
    assert_non_null(realpath(called, real));
    assert_ok(base_system_program_path(path, sizeof path));
    assert_string_equal(path, real);
    assert_ok(base_hash_program(own));
    assert_ok(base_hash_file(called, file));
    assert_string_equal(own, file);

    /* by a name alone it is looked for as the shell did */
    const char *link = support_at("by name");
    char *before = getenv("PATH"), *saved;
    assert_ok(base_strdup(before ? before : "", &saved));
    assert_int_equal(symlink(real, link), 0);
    snprintf(folders, sizeof folders, "/nowhere:%s:/bin", support_scratch());
    setenv("PATH", folders, 1);
    base_system_started("by name");
    assert_ok(base_system_program_path(path, sizeof path));
    assert_string_equal(path, real);
    setenv("PATH", "/nowhere:", 1);
    base_system_started("by name");
    const char *program;
    if (ON_LINUX)
        assert_ok(base_system_program(&program));
    else
        assert_fails(base_system_program(&program), BASE_EIO, "start it by its path");
    setenv("PATH", saved, 1);
    base_free(saved);
    base_system_started(called);
}

static void test_pipe(void **state)
{
    (void)state;
    int ends[2];
    char byte = 0;
    assert_int_equal(base_system_pipe(ends), 0);
    for (int i = 0; i < 2; i++) assert_true(fcntl(ends[i], F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(ends[0]);
    close(ends[1]);
}

static int in_folder(const char *folder, char *const argv[], int out)
{
    pid_t pid;
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO), 0);
    int rc = base_system_spawn_in(folder, &actions, argv, &pid);
    posix_spawn_file_actions_destroy(&actions);
    return rc ? rc : ended(pid);
}

static void test_spawn_in(void **state)
{
    (void)state;
    int ends[2];
    char want[4096], got[4096], folder[4096];
    snprintf(folder, sizeof folder, "%s/it's \"here\" $HOME", support_scratch());
    assert_ok(io_folder_make(folder));
    assert_non_null(realpath(folder, want));
    size_t length = strlen(want);
    assert_int_equal(base_system_pipe(ends), 0);
    char *const where[] = {"sh", "-c", "pwd -P; test \"$1\" = \"a 'b'\" && exit 5", "sh", "a 'b'", NULL};
    assert_int_equal(in_folder(folder, where, ends[1]), 5);
    assert_int_equal(read(ends[0], got, sizeof got), length + 1);
    assert_memory_equal(got, want, length);
    char *const nothing[] = {"no-such-program", NULL};
    int rc = in_folder(folder, nothing, ends[1]);
    assert_true(rc == ENOENT || rc == 127);
    assert_true(in_folder("/no/such/folder", where, ends[1]) != 5);
    close(ends[0]);
    close(ends[1]);
}

/* A byte from @p fd, or -1 at its end; fails where neither comes. */
static int next_byte(int fd)
{
    char byte;
    struct pollfd want = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&want, 1, WAIT_MS), 1);
    return read(fd, &byte, 1) == 1 ? byte : -1;
}

static void test_follow(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(base_system_pipe(ends), 0);
    pid_t parent = start_again("parent", ends[1]);
    close(ends[1]);
    assert_int_equal(next_byte(ends[0]), 'f'); /* the follower has its parent in view */
    kill(parent, SIGKILL);
    assert_int_equal(ended(parent), -SIGKILL);
    assert_int_equal(next_byte(ends[0]), -1); /* nobody holds the other end any more */
    close(ends[0]);
    assert_int_equal(ended(start_again("orphan", -1)), REFUSED);
}

static void test_exchange(void **state)
{
    (void)state;
    char *text;
    size_t size;
    const char *a = support_at("a"), *b = support_at("b");
    assert_ok(io_file_write(a, "first", 5));
    assert_ok(io_file_write(b, "second", 6));
    int rc = base_system_exchange(a, b);
    bool without = rc != 0 && errno == (ON_LINUX ? EINVAL : ENOSYS); /* EINVAL: not on this file system */
    assert_true(rc == 0 ? ON_LINUX : without);
    assert_ok(io_file_read(a, 0, &text, &size));
    assert_string_equal(text, rc == 0 ? "second" : "first");
    base_free(text);

    /* with or without, a full folder takes the place of another */
    char from[4200], to[4200], file[4300];
    for (int i = 0; i < 2; i++) {
        char *folder = i == 0 ? from : to;
        snprintf(folder, sizeof from, "%s/%s", support_scratch(), i == 0 ? "from" : "to");
        assert_ok(io_folder_make(folder));
        snprintf(file, sizeof file, "%s/%s", folder, i == 0 ? "new" : "old");
        assert_ok(io_file_write(file, "x", 1));
    }
    assert_ok(io_folder_replace(from, to));
    assert_false(io_path_exists(from));
    assert_false(io_path_exists(file));
    snprintf(file, sizeof file, "%s/new", to);
    assert_true(io_path_exists(file));
    snprintf(file, sizeof file, "%s.old", from);
    assert_false(io_path_exists(file));
}

static void test_locks(void **state)
{
    (void)state;
    IoLock *lock;
    const char *path = support_at("locks");
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1}, seen = range;
    int one = open(path, O_RDWR | O_CREAT, 0666), two = open(path, O_RDWR);
    assert_true(one >= 0 && two >= 0);
    assert_true(base_system_has_locks() || !ON_LINUX);
    int rc = base_system_lock(one, BASE_SYSTEM_LOCK_TRY, &range);
    if (base_system_has_locks()) {
        assert_int_equal(rc, 0);
        assert_int_equal(base_system_lock(two, BASE_SYSTEM_LOCK_TRY, &range), -1);
        assert_true(errno == EAGAIN || errno == EACCES);
        assert_int_equal(base_system_lock(two, BASE_SYSTEM_LOCK_LOOK, &seen), 0);
        assert_int_equal(seen.l_type, F_WRLCK);
        close(one); /* with the open file its locks go */
        assert_int_equal(base_system_lock(two, BASE_SYSTEM_LOCK_WAIT, &range), 0);
        assert_ok(io_lock_open(path, &lock));
        io_lock_close(lock);
    } else {
        assert_true(rc == -1 && errno == ENOSYS);
        close(one);
        assert_fails(io_lock_open(path, &lock), BASE_EIO, "this system has no open-file locks");
        assert_null(lock);
    }
    close(two);
}

static void test_memory(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    char *block = malloc(32 * MIB);
    assert_non_null(block);
    base_system_wish_huge(block, 32 * MIB);
    size_t bytes = base_system_block_bytes(block);
    assert_true(ON_LINUX ? bytes >= 32 * MIB : bytes == 0);
    memset(block, 1, 32 * MIB);
    for (int i = 0; i < 32 * MIB; i += 4096) assert_int_equal(((volatile char *)block)[i], 1);
    assert_true(base_system_peak_memory() >= 32 * MIB);
    int64_t now = base_system_resident_memory();
    assert_true(ON_LINUX ? now >= 32 * MIB : now == 0);
    free(block);
    base_system_reset_peak();
    assert_true(base_system_peak_memory() > 0);
    char *again; /* a block whose size nobody knows is given back, not kept */
    assert_ok(BASE_ALLOC_RAW(32 * MIB, &block));
    base_free(block);
    assert_ok(BASE_ALLOC(32 * MIB, &again));
    assert_int_equal(again[5], 0);
    base_free(again);
    base_memory_trim();
}

static void test_cpu(void **state)
{
    (void)state;
    static const struct {
        const char *file, *name;
    } CASES[] = {
        {"processor\t: 0\nvendor_id\t: Maker\nmodel\t\t: 1\nmodel name\t: Some(R) CPU @ 2.00GHz\n\nmodel name\t: "
         "Other\n",
         "Some(R) CPU @ 2.00GHz"},
        {"processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd bf16\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
         "CPU variant\t: 0x3\nCPU part\t: 0xd40\nCPU revision\t: 1\n\nprocessor\t: 1\nCPU implementer\t: 0x61\n",
         " CPU, implementer 0x41, part 0xd40"},
        {"processor\t: 0\nmodel name\t:\nCPU part\t: 0xd40\n", " CPU"},
        {"", " CPU"},
    };
    char name[200], small[8];
    const char *path = support_at("cpuinfo");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_ok(io_file_write(path, CASES[i].file, strlen(CASES[i].file)));
        base_system_read_cpu_name(path, name, sizeof name);
        size_t length = strlen(name), end = strlen(CASES[i].name);
        assert_true(length >= end);
        assert_string_equal(name + length - end, CASES[i].name); /* before it: what uname() calls the machine */
        assert_true(CASES[i].name[0] == ' ' ? length > end : length == end);
    }
    base_system_read_cpu_name(support_at("no such file"), small, sizeof small);
    assert_int_equal(strlen(small), sizeof small - 1);
    base_system_cpu_name(name, sizeof name);
    assert_true(*name && !strchr(name, '\n'));
    BaseSystemCpus cpus = base_system_cpus();
    int count = 0;
    for (size_t i = 0; i < 8 * sizeof cpus.bits; i++) count += cpus.bits[i / 8] >> i % 8 & 1;
    assert_true(ON_LINUX ? count >= 1 && count <= sysconf(_SC_NPROCESSORS_CONF) : count == 0);
}

static void count_library(void *user, const char *path)
{
    int *counts = user;
    counts[0]++;
    counts[1] += strstr(path, "/libcmocka.") != NULL;
    assert_int_equal(path[0], '/');
}

static void test_libraries(void **state)
{
    (void)state;
    int counts[2] = {0};
    base_system_libraries(count_library, counts);
#ifdef __linux__
    assert_true(counts[0] >= 2 && counts[1] == 1);
#endif
}

/* In a child: closes some of descriptors 0 to 2 and opens a file as the program would. */
static int descriptors_without(const char *closed)
{
    struct stat null, info;
    int before = open("/dev/null", O_RDWR);
    if (before < 0 || fstat(before, &null) != 0) return 1;
    for (const char *c = closed; *c; c++) close(*c - '0');
    if (base_system_descriptors() != BASE_OK) return 2;
    for (int fd = 0; fd <= 2; fd++) {
        bool was_closed = strchr(closed, '0' + fd) != NULL;
        if (fstat(fd, &info) != 0) return 3;
        if (was_closed && (!S_ISCHR(info.st_mode) || info.st_rdev != null.st_rdev)) return 4;
        if (was_closed && fd > 0 && write(fd, "x", 1) != 1) return 5;
    }
    int next = open("/dev/null", O_RDONLY);
    return next > STDERR_FILENO ? STARTED : 6;
}

static void test_descriptors(void **state)
{
    (void)state;
    static const char *const CLOSED[] = {"0", "1", "2", "01", "02", "12", "012", ""};
    for (size_t i = 0; i < BASE_COUNT(CLOSED); i++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) _exit(descriptors_without(CLOSED[i]));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), STARTED);
    }
}

/* In a host's process the helper is what is started and never the host, but the code is that of the file it is in. The
 * last case: there is no way back. */
static void test_helper(void **state)
{
    (void)state;
    const char *name;
    char own[PATH_MAX], path[PATH_MAX];
    assert_non_null(realpath(called, own));
    assert_ok(base_system_code(&name));
    assert_true(base_system_file_of(&called, path, sizeof path));
    assert_string_equal(path, own);
    base_system_set_helper("");
    assert_fails(base_system_program(&name), BASE_EIO, "expunge_set_helper");
    base_system_set_helper("/bin/true");
    assert_ok(base_system_program(&name));
    assert_string_equal(name, "/bin/true");
    assert_ok(base_system_program_path(path, sizeof path));
    assert_string_equal(path, "/bin/true");
    assert_ok(base_system_code(&name));
    assert_string_equal(name, own);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_spawn_in),    cmocka_unit_test(test_program),  cmocka_unit_test(test_pipe),
    cmocka_unit_test(test_follow),      cmocka_unit_test(test_exchange), cmocka_unit_test(test_locks),
    cmocka_unit_test(test_memory),      cmocka_unit_test(test_cpu),      cmocka_unit_test(test_libraries),
    cmocka_unit_test(test_descriptors), cmocka_unit_test(test_helper),
};

/* What start_again() asked for. */
static int started_again(const char *what, pid_t parent)
{
    if (strcmp(what, "started") == 0) return STARTED;
    if (strcmp(what, "orphan") == 0) return base_system_follow(parent + 1) == BASE_ECANCEL ? REFUSED : 1;
    if (strcmp(what, "follower") == 0) {
        if (base_system_follow(parent) != BASE_OK || write(STDOUT_FILENO, "f", 1) != 1) return 1;
    } else {
        start_again("follower", -1);
    }
    alarm(60); /* whatever fails, nothing is left over */
    for (;;) pause();
}

int main(int argc, char **argv)
{
    called = argv[0];
    base_system_started(argv[0]);
    if (argc == 3) return started_again(argv[1], (pid_t)atol(argv[2]));
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
