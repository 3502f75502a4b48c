#include "tests/support/support.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/param.h"
#include "io/file.h"
#include "io/lock.h"

static size_t files_in(const char *folder, const char *suffix)
{
    char **names;
    size_t count;
    assert_ok(io_folder_list(folder, suffix, &names, &count));
    io_names_free(names, count);
    return count;
}

static void assert_content(const char *path, const char *want, size_t want_size)
{
    char *got;
    size_t size;
    assert_ok(io_file_read(path, 0, &got, &size));
    assert_int_equal(size, want_size);
    assert_memory_equal(got, want, size);
    assert_int_equal(got[size], 0);
    base_free(got);
}

static void test_read_write(void **state)
{
    (void)state;
    char *text;
    size_t size;
    assert_ok(io_file_write(support_at("a"), "one\0two", 7));
    assert_content(support_at("a"), "one\0two", 7);
    assert_ok(io_file_write(support_at("a"), "", 0));
    assert_content(support_at("a"), "", 0);
    assert_ok(io_file_write(support_at("a"), "12345", 5));
    assert_ok(io_file_read(support_at("a"), 5, &text, &size));
    base_free(text);
    assert_fails(io_file_read(support_at("a"), 4, &text, &size), BASE_ELIMIT, "5 bytes; at most 4");
    assert_null(text);
    assert_fails(io_file_read(support_at("none"), 0, &text, &size), BASE_EIO, "none: cannot be opened: No such file");
    assert_fails(io_file_read(support_scratch(), 0, &text, &size), BASE_EIO, "is a folder");
    assert_int_equal(mkfifo(support_at("pipe"), 0600), 0);
    assert_fails(io_file_read(support_at("pipe"), 0, &text, &size), BASE_EIO, "regular file");
    assert_fails(io_file_write(support_at("pipe"), "x", 1), BASE_EIO, "not a regular file");
    assert_fails(io_file_write(support_at("no/folder"), "x", 1), BASE_EIO,
                 "no/folder: cannot be written: No such file");
    assert_fails(io_path_writable(support_at("no/folder")), BASE_EIO, "no/folder");
    assert_ok(io_path_writable(support_at("a")));
    assert_ok(io_path_writable(support_at("new")));
    assert_false(io_path_exists(support_at("new")));
    assert_content(support_at("a"), "12345", 5);
    assert_int_equal(files_in(support_scratch(), ".tmp"), 0);
}

static void test_pieces(void **state)
{
    (void)state;
    IoWriter *writer;
    assert_ok(io_file_write(support_at("b"), "old", 3));
    assert_ok(io_writer_open(support_at("b"), &writer));
    assert_ok(io_writer_add(writer, "ne", 2));
    assert_content(support_at("b"), "old", 3);
    assert_ok(io_writer_add(writer, "w", 1));
    assert_ok(io_writer_finish_take(writer));
    assert_content(support_at("b"), "new", 3);
    assert_ok(io_writer_open(support_at("b"), &writer));
    assert_ok(io_writer_add(writer, "gone", 4));
    io_writer_drop(writer);
    io_writer_drop(NULL);
    assert_content(support_at("b"), "new", 3);
    assert_int_equal(files_in(support_scratch(), ".tmp"), 0);
}

/* A limit on file size stands for the full disk: write() takes a part and then fails, as it does with ENOSPC. */
static void test_full_disk(void **state)
{
    (void)state;
    struct rlimit before, small = {.rlim_cur = 10000, .rlim_max = RLIM_INFINITY};
    assert_ok(io_file_write(support_at("kept"), "still here", 10));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    char *bytes = calloc(1, 50000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    BaseStatus st = io_file_write(support_at("kept"), bytes, 50000);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, old);
    free(bytes);
    assert_fails(st, BASE_EIO, "kept: cannot be written: File too large (after 10000 bytes)");
    assert_content(support_at("kept"), "still here", 10);
    assert_int_equal(files_in(support_scratch(), ".tmp"), 0);
}

/* Two handles are as two processes: the second gets nothing until the first lets go. */
static void test_lock(void **state)
{
    (void)state;
    char path[4200];
    IoLock *first, *second;
    bool got;
    snprintf(path, sizeof path, "%s/lock", support_scratch());
    assert_ok(io_lock_open(path, &first));
    assert_ok(io_lock_open(path, &second));
    assert_ok(io_lock_try(first, 0, IO_LOCK_EXCLUSIVE, &got));
    assert_true(got);
    assert_ok(io_lock_try(second, 0, IO_LOCK_EXCLUSIVE, &got));
    assert_false(got);
    assert_ok(io_lock_try(second, 1, IO_LOCK_EXCLUSIVE, &got)); /* another byte is another lock */
    assert_true(got);
    assert_true(io_lock_busy(second, 0, 1));
    io_lock_release(first, 0);
    assert_ok(io_lock_wait(second, 0, IO_LOCK_EXCLUSIVE));
    io_lock_close(second);
    io_lock_close(first);
    io_lock_close(NULL);
}

/* What is written in place is nobody else's file: no link leads there, no other name, no standard stream. */
static void test_lock_refuses(void **state)
{
    (void)state;
    char path[4200], other[4200];
    IoLock *lock;
    snprintf(path, sizeof path, "%s/in_place", support_scratch());
    snprintf(other, sizeof other, "%s/precious", support_scratch());
    assert_ok(io_file_write(other, "precious", 8));
    assert_int_equal(symlink(other, path), 0);
    assert_fails(io_lock_open(path, &lock), BASE_EIO, "in_place: is a link, and what it leads to would be overwritten");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_fails(io_lock_open(path, &lock), BASE_EIO, "is a link");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(other, path), 0);
    assert_fails(io_lock_open(path, &lock), BASE_EIO, "in_place: has 2 names (hard links)");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(io_lock_open(path, &lock), BASE_EIO, "must be a regular file");
    assert_int_equal(unlink(path), 0);
    int in = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    BaseStatus st = io_lock_open(path, &lock);
    dup2(in, STDIN_FILENO);
    close(in);
    assert_fails(st, BASE_EIO, "a standard stream is closed");
    assert_content(other, "precious", 8);
    assert_ok(io_lock_open(path, &lock));
    io_lock_close(lock);
}

static void test_folders(void **state)
{
    (void)state;
    char **names;
    size_t count;
    assert_ok(io_folder_make(support_at("x/y//z/")));
    assert_ok(io_folder_make(support_at("x/y/z")));
    assert_true(io_path_exists(support_at("x/y/z")));
    static const char *const BESIDE[][3] = {
        {"a/b.yaml", "c", "a/c"}, {"b.yaml", "c/d", "c/d"}, {"a/b.yaml", "/c", "/c"}, {"/b", "../c", "/../c"}};
    for (size_t i = 0; i < BASE_COUNT(BESIDE); i++) {
        char *path;
        assert_ok(io_path_beside(BESIDE[i][0], BESIDE[i][1], &path));
        assert_string_equal(path, BESIDE[i][2]);
        base_free(path);
    }
    char here[PATH_MAX], want[PATH_MAX + 32];
    assert_non_null(realpath(support_scratch(), here));
    const char *const FULL[][2] = {/* below the scratch folder, or from the root */
                                   {"x/./y/../y/z", "/x/y/z"},
                                   {"x//", "/x"},
                                   {"x/link/../file", "/x/y/file"},
                                   {"x/none/../file", "/x/none/../file"},
                                   {"none/of/these", "/none/of/these"},
                                   {"/", ""},
                                   {"/none/x", "/none/x"}};
    assert_int_equal(symlink("y/z", support_at("x/link")), 0);
    char *before = getcwd(NULL, 0);
    for (int relative = 0; relative < 2; relative++) {
        if (relative) assert_int_equal(chdir(here), 0);
        for (size_t i = 0; i < BASE_COUNT(FULL); i++) {
            const bool from_root = *FULL[i][0] == '/';
            char *path;
            assert_ok(io_path_full(from_root || relative ? FULL[i][0] : support_at(FULL[i][0]), &path));
            snprintf(want, sizeof want, "%s%s", from_root ? (FULL[i][1][0] ? "" : "/") : here, FULL[i][1]);
            assert_string_equal(path, want);
            base_free(path);
        }
    }
    assert_int_equal(chdir(before), 0);
    free(before);
    assert_ok(io_file_write(support_at("x/file"), "", 0));
    assert_fails(io_folder_make(support_at("x/file/w")), BASE_EIO,
                 "x/file: the folder cannot be created: a file of that name");
    assert_fails(io_folder_make(""), BASE_EIO, "empty");
    assert_ok(io_file_write(support_at("x/y/b.h5"), "", 0));
    assert_ok(io_file_write(support_at("x/y/a.h5"), "", 0));
    assert_ok(io_file_write(support_at("x/y/Z.h5"), "", 0));
    assert_ok(io_file_write(support_at("x/y/a.h5.txt"), "", 0));
    assert_ok(io_folder_list(support_at("x/y"), ".h5", &names, &count));
    assert_int_equal(count, 3);
    assert_string_equal(names[0], "Z.h5");
    assert_string_equal(names[1], "a.h5");
    assert_string_equal(names[2], "b.h5");
    io_names_free(names, count);
    assert_int_equal(files_in(support_at("x/y"), ""), 5);
    assert_fails(io_folder_list(support_at("x/none"), "", &names, &count), BASE_EIO, "x/none");
}

/* What is being written is locked by who writes it: a sweep tells the living by that, not by the number in the name. */
static void test_sweep(void **state)
{
    (void)state;
    int ready[2];
    char byte = 0, name[64];
    siginfo_t info;
    assert_ok(io_folder_make(support_at("sweep")));
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        IoWriter *writer;
        bool begun = io_writer_open(support_at("sweep/run.h5"), &writer) == BASE_OK &&
                     io_writer_add(writer, "half", 4) == BASE_OK;
        if (begun && write(ready[1], "x", 1) == 1) pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    snprintf(name, sizeof name, "sweep/other.h5.%ld.tmp", (long)getpid());
    assert_ok(io_file_write(support_at(name), "a dead process's", 16)); /* of another machine, with our number */
    assert_ok(io_file_write(support_at("sweep/notes.tmp"), "a person's", 10));
    assert_ok(io_file_write(support_at("sweep/x.12a.tmp"), "a person's", 10));
    assert_ok(io_file_write(support_at("sweep/.tmp"), "a person's", 10));
    io_folder_sweep(support_at("sweep"));
    io_folder_sweep(support_at("not there"));
    assert_string_equal(base_error_text(), "");
    assert_int_equal(files_in(support_at("sweep"), ""), 4);
    assert_false(io_path_exists(support_at(name)));
    kill(child, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0); /* dead, and its number still taken */
    io_folder_sweep(support_at("sweep"));
    assert_int_equal(files_in(support_at("sweep"), ""), 3);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
}

static size_t pack(const char *path, const char *text, size_t size, int level)
{
    gzFile file = gzopen(path, level ? "wb9" : "wb0");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (size_t)info.st_size;
}

static void test_gzip(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    char *text = malloc(SIZE), *got, *packed, *twice;
    size_t size, packed_size;
    for (int i = 0; i < SIZE; i++) text[i] = (char)((int64_t)i * i / 7 % 251);
    pack(support_at("t.gz"), text, SIZE, 1);
    assert_ok(io_gzip_read(support_at("t.gz"), SIZE, &got, &size));
    assert_int_equal(size, SIZE);
    assert_memory_equal(got, text, SIZE);
    assert_int_equal(got[size], 0);
    base_free(got);
    assert_fails(io_gzip_read(support_at("t.gz"), SIZE - 1, &got, &size), BASE_ELIMIT, "more than 299999 bytes");
    assert_null(got);
    assert_ok(io_gzip_read(support_at("t.gz"), 0, &got, &size));
    assert_int_equal(size, SIZE);
    base_free(got);
    /* two members one after the other, then padding */
    assert_ok(io_file_read(support_at("t.gz"), 0, &packed, &packed_size));
    twice = calloc(1, 2 * packed_size + 100);
    memcpy(twice, packed, packed_size);
    memcpy(twice + packed_size, packed, packed_size);
    assert_ok(io_file_write(support_at("two.gz"), twice, 2 * packed_size + 100));
    assert_ok(io_gzip_read(support_at("two.gz"), 0, &got, &size));
    assert_int_equal(size, 2 * SIZE);
    assert_memory_equal(got + SIZE, text, SIZE);
    base_free(got);
    free(twice);
    packed[packed_size - 6] ^= 1; /* of the checksum */
    assert_ok(io_file_write(support_at("sum.gz"), packed, packed_size));
    assert_fails(io_gzip_read(support_at("sum.gz"), 0, &got, &size), BASE_EFORMAT, "incorrect data check");
    base_free(packed);
    /* not packed: as it is */
    assert_ok(io_file_write(support_at("plain"), "plain", 5));
    assert_ok(io_gzip_read(support_at("plain"), 5, &got, &size));
    assert_string_equal(got, "plain");
    base_free(got);
    assert_fails(io_gzip_read(support_at("plain"), 4, &got, &size), BASE_ELIMIT, "at most 4");
    assert_fails(io_gzip_read(support_at("none"), 4, &got, &size), BASE_EIO, "none");
    pack(support_at("empty.gz"), "", 0, 1);
    assert_ok(io_gzip_read(support_at("empty.gz"), 10, &got, &size));
    assert_int_equal(size, 0);
    base_free(got);
    free(text);
}

static void test_gzip_cut_short(void **state)
{
    (void)state;
    const char text[] = "a text that is long enough to be packed, and packed, and packed, and packed";
    size_t whole = pack(support_at("cut.gz"), text, sizeof text, 1);
    for (size_t n = whole; n-- > 2;) {
        char *got;
        size_t size;
        assert_int_equal(truncate(support_at("cut.gz"), (off_t)n), 0);
        assert_fails(io_gzip_read(support_at("cut.gz"), 1000, &got, &size), BASE_EFORMAT,
                     "cut.gz: the gzip file ends too early");
    }
}

/* 64 MiB of zeros in 64 KiB: refused at the limit, before the memory is taken. */
static void test_gzip_bomb(void **state)
{
    (void)state;
    size_t size, bytes = (size_t)64 << 20;
    char *zeros = calloc(1, bytes), *got;
    assert_true(pack(support_at("bomb.gz"), zeros, bytes, 1) < 100000);
    free(zeros);
    assert_fails(io_gzip_read(support_at("bomb.gz"), 1 << 20, &got, &size), BASE_ELIMIT, "more than 1048576 bytes");
    assert_null(got);
}

static BaseStatus everything(void *user)
{
    char *text = NULL, **names = NULL;
    size_t size, count = 0;
    BaseStatus st = BASE_OK;
    BASE_TRY(io_file_write(user, "text", 4));
    BASE_TRY(io_file_read(user, 0, &text, &size));
    base_free(text);
    text = NULL;
    BASE_TRY(io_gzip_read(support_at("memory.gz"), 0, &text, &size));
    BASE_TRY(io_folder_make(support_at("memory/x")));
    BASE_TRY(io_folder_list(support_scratch(), "", &names, &count));
out:
    base_free(text);
    io_names_free(names, count);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    char path[4200], big[70000] = {0};
    pack(support_at("memory.gz"), big, sizeof big, 1);
    snprintf(path, sizeof path, "%s", support_at("memory.txt"));
    support_fail_allocations(everything, path, 100);
    assert_int_equal(files_in(support_scratch(), ".tmp"), 0);
}

static void fill_folder(const char *name, const char *file)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/%s/deep", support_scratch(), name);
    assert_ok(io_folder_make(path));
    snprintf(path, sizeof path, "%s/%s/deep/%s", support_scratch(), name, file);
    assert_ok(io_file_write(path, "x", 1));
}

static void test_folder_replaced(void **state)
{
    (void)state;
    char from[4200], to[4200], path[4300];
    snprintf(from, sizeof from, "%s", support_at("from"));
    snprintf(to, sizeof to, "%s", support_at("to"));
    fill_folder("from", "first");
    assert_ok(io_folder_replace(from, to)); /* nothing there */
    assert_false(io_path_exists(from));
    fill_folder("from", "second");
    assert_ok(io_folder_replace(from, to));
    assert_false(io_path_exists(from));
    snprintf(path, sizeof path, "%s/deep/second", to);
    assert_true(io_path_exists(path));
    snprintf(path, sizeof path, "%s/deep/first", to);
    assert_false(io_path_exists(path));
    assert_fails(io_folder_replace(from, to), BASE_EIO, "cannot be moved");
    assert_true(io_path_exists(to));
    io_folder_remove(to);
    assert_false(io_path_exists(to));
    io_folder_remove(to);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_folder_replaced), cmocka_unit_test(test_read_write), cmocka_unit_test(test_pieces),
    cmocka_unit_test(test_full_disk),       cmocka_unit_test(test_lock),       cmocka_unit_test(test_lock_refuses),
    cmocka_unit_test(test_folders),         cmocka_unit_test(test_sweep),      cmocka_unit_test(test_gzip),
    cmocka_unit_test(test_gzip_cut_short),  cmocka_unit_test(test_gzip_bomb),  cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
