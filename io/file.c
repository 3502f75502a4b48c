/* io/file.c - writing to a locked temporary name, sync, rename; locks tell which leftovers belong to nobody. */
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/system.h"
#include "base/text.h"
#include "io/names.h"

struct IoWriter {
    char *path, *temporary;
    int fd;
    int64_t size; /* written so far, for messages */
};

static BaseStatus open_for_reading(const char *path, int *fd, int64_t *size)
{
    struct stat info;
    *fd = -1;
    /* not blocking: a pipe without a writer would wait for ever */
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0) return base_error_set(BASE_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    BaseStatus st = BASE_OK;
    if (fstat(opened, &info) != 0)
        st = base_error_set(BASE_EIO, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        st = base_error_set(BASE_EIO, "%s: is a folder; must be a file", path);
    else if (!S_ISREG(info.st_mode))
        st = base_error_set(BASE_EIO, "%s: must be a regular file", path);
    if (st != BASE_OK) {
        close(opened);
        return st;
    }
    *fd = opened;
    *size = info.st_size;
    return BASE_OK;
}

BaseStatus io_file_size(const char *path, int64_t *size)
{
    int fd;
    BaseStatus st = open_for_reading(path, &fd, size);
    if (st == BASE_OK) close(fd);
    return st;
}

BaseStatus io_file_read(const char *path, size_t limit, char **out, size_t *size)
{
    int fd;
    int64_t length = 0;
    char *bytes = NULL;
    *out = NULL;
    *size = 0;
    BaseStatus st = open_for_reading(path, &fd, &length);
    if (st != BASE_OK) return st;
    BASE_CHECK(limit == 0 || (uint64_t)length <= limit, BASE_ELIMIT, "%s: %lld bytes; at most %zu are read", path,
               (long long)length, limit);
    BASE_TRY(BASE_ALLOC_RAW(length + 1, &bytes));
    for (int64_t at = 0; at < length;) {
        ssize_t got = read(fd, bytes + at, (size_t)(length - at));
        if (got < 0 && errno == EINTR) continue;
        BASE_CHECK(got >= 0, BASE_EIO, "%s: cannot be read: %s", path, strerror(errno));
        BASE_CHECK(got > 0, BASE_EIO, "%s: became shorter while it was being read", path);
        at += got;
    }
    bytes[length] = '\0';
    *out = bytes;
    *size = (size_t)length;
    bytes = NULL;
out:
    base_free(bytes);
    close(fd);
    return st;
}

BaseStatus io_file_read_part(const char *path, int64_t offset, size_t size, char **out)
{
    int fd;
    int64_t length = 0;
    char *bytes = NULL;
    *out = NULL;
    BaseStatus st = open_for_reading(path, &fd, &length);
    if (st != BASE_OK) return st;
    BASE_CHECK(offset >= 0 && offset <= length && (int64_t)size <= length - offset, BASE_EIO,
               "%s: became shorter: it has %lld bytes, and %zu were to be read from byte %lld on", path,
               (long long)length, size, (long long)offset);
    BASE_TRY(BASE_ALLOC_RAW(size + 1, &bytes));
    for (size_t at = 0; at < size;) {
        ssize_t got = pread(fd, bytes + at, size - at, (off_t)(offset + (int64_t)at));
        if (got < 0 && errno == EINTR) continue;
        BASE_CHECK(got >= 0, BASE_EIO, "%s: cannot be read: %s", path, strerror(errno));
        BASE_CHECK(got > 0, BASE_EIO, "%s: became shorter while it was being read", path);
        at += (size_t)got;
    }
    bytes[size] = '\0';
    *out = bytes;
    bytes = NULL;
out:
    base_free(bytes);
    close(fd);
    return st;
}

/* Who writes a temporary file holds a lock on it, which ends with the process however it ends: a number in the name
 * says little where machines share a folder, numbers are given again, or a killed process waits for its parent. */
static void remove_unless_locked(int folder, const char *name)
{
    struct stat locked, named;
    int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &locked) == 0 && S_ISREG(locked.st_mode) &&
        fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == locked.st_ino)
        unlinkat(folder, name, 0);
    close(fd);
}

/* Between its creation and its lock a sweep may take the file: then once more. Where there are no locks nothing is ever
 * swept. */
static int open_temporary(const char *path)
{
    struct stat info;
    for (;;) {
        remove_unless_locked(AT_FDCWD, path); /* of a process that died and had this number */
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0) return fd;
        while (flock(fd, LOCK_EX) != 0 && errno == EINTR) continue; /* a sweep holds it for a moment */
        if (fstat(fd, &info) != 0 || info.st_nlink > 0) return fd;
        close(fd);
    }
}

BaseStatus io_writer_open(const char *path, IoWriter **out)
{
    BaseStatus st = BASE_OK;
    IoWriter *writer = NULL;
    struct stat info;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &writer));
    writer->fd = -1;
    BASE_CHECK(stat(path, &info) != 0 || S_ISREG(info.st_mode), BASE_EIO,
               "%s: exists and is not a regular file: it would be replaced; name another file", path);
    BASE_TRY(base_strdup(path, &writer->path));
    BASE_TRY(base_format(&writer->temporary, "%s.%ld.tmp", path, (long)getpid()));
    writer->fd = open_temporary(writer->temporary);
    BASE_CHECK(writer->fd >= 0, BASE_EIO, "%s: cannot be written: %s", path, strerror(errno));
    *out = writer;
    return BASE_OK;
out:
    io_writer_drop(writer);
    return st;
}

BaseStatus io_writer_private(IoWriter *writer)
{
    if (fchmod(writer->fd, 0600) == 0) return BASE_OK;
    return base_error_set(BASE_EIO, "%s: access by others cannot be removed: %s", writer->path, strerror(errno));
}

BaseStatus io_writer_add(IoWriter *writer, const void *bytes, size_t size)
{
    const char *from = bytes;
    for (size_t at = 0; at < size;) {
        ssize_t put = write(writer->fd, from + at, size - at);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0)
            return base_error_set(BASE_EIO, "%s: cannot be written: %s (after %lld bytes)", writer->path,
                                  put < 0 ? strerror(errno) : "the disk is full", (long long)writer->size);
        at += (size_t)put;
        writer->size += put;
    }
    return BASE_OK;
}

/* The folder of @p path: "." where it names none. Owned. */
static BaseStatus folder_of(const char *path, char **out)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return base_strdup(".", out);
    return base_format(out, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

BaseStatus io_writer_finish_take(IoWriter *writer)
{
    BaseStatus st = BASE_OK;
    char *folder = NULL;
    BASE_TRY(folder_of(writer->path, &folder));
    BASE_CHECK(fsync(writer->fd) == 0, BASE_EIO, "%s: cannot be written: %s", writer->path, strerror(errno));
    BASE_CHECK(rename(writer->temporary, writer->path) == 0, BASE_EIO, "%s: cannot be put in place: %s", writer->path,
               strerror(errno));
    base_free(writer->temporary);
    writer->temporary = NULL;
    /* the new name, too, must outlive a power cut; some file systems cannot sync a folder, and the data is safe by now
     */
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
out:
    base_free(folder);
    io_writer_drop(writer);
    return st;
}

void io_writer_drop(IoWriter *writer)
{
    if (!writer) return;
    if (writer->temporary) unlink(writer->temporary);
    if (writer->fd >= 0) close(writer->fd);
    base_free(writer->temporary);
    base_free(writer->path);
    base_free(writer);
}

static BaseStatus write_whole(const char *path, bool closed, const void *bytes, size_t size)
{
    IoWriter *writer;
    BaseStatus st = io_writer_open(path, &writer);
    if (st != BASE_OK) return st;
    if (closed) st = io_writer_private(writer);
    if (st == BASE_OK) st = io_writer_add(writer, bytes, size);
    if (st == BASE_OK) return io_writer_finish_take(writer);
    io_writer_drop(writer);
    return st;
}

BaseStatus io_file_write(const char *path, const void *bytes, size_t size)
{
    return write_whole(path, false, bytes, size);
}

BaseStatus io_file_write_private(const char *path, const void *bytes, size_t size)
{
    return write_whole(path, true, bytes, size);
}

BaseStatus io_path_writable(const char *path)
{
    IoWriter *writer;
    BaseStatus st = io_writer_open(path, &writer);
    if (st == BASE_OK) io_writer_drop(writer);
    return st;
}

BaseStatus io_path_target(const char *path, char **out)
{
    struct stat info;
    char *target;
    *out = NULL;
    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode)) return BASE_OK;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return BASE_OK; /* /dev/stdout */
    if (!(target = realpath(path, NULL)))
        return base_error_set(BASE_EIO,
                              "%s: is a link that leads to nothing (%s): remove it, or name what is to be written",
                              path, strerror(errno));
    BaseStatus st = base_strdup(target, out);
    free(target);
    return st;
}

bool io_path_same(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool io_path_exists(const char *path) { return access(path, F_OK) == 0; }

BaseStatus io_path_beside(const char *path, const char *name, char **out)
{
    const char *slash = *name == '/' ? NULL : strrchr(path, '/');
    return base_format(out, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
}

BaseStatus io_path_full(const char *path, char **out)
{
    BaseStatus st = BASE_OK;
    char *whole = NULL, *known = NULL, real[PATH_MAX];
    *out = NULL;
    BASE_TRY(base_format(&whole, "%s%s", *path == '/' ? "" : "./", path));
    BASE_TRY(base_strdup(whole, &known));
    size_t end = strlen(whole), rest = end; /* known ends there, and what does not exist starts here */
    while (!realpath(end ? known : "/", real)) {
        while (end > 0 && whole[end - 1] != '/') end--;
        rest = end;
        while (end > 0 && whole[end - 1] == '/') end--;
        if (end == 0 && *path != '/') break; /* the working directory is gone */
        known[end] = '\0';
    }
    if (end == 0 && *path != '/')
        st = base_strdup(path, out);
    else
        st = base_format(out, "%s%s%s", real, whole[rest] && strcmp(real, "/") != 0 ? "/" : "", whole + rest);
out:
    base_free(whole);
    base_free(known);
    return st;
}

bool io_path_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool io_path_is_link(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

bool io_path_is_no_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? !S_ISREG(info.st_mode) : errno == ENOENT || errno == ELOOP;
}

BaseStatus io_folder_make(const char *path)
{
    BaseStatus st = BASE_OK;
    char *part = NULL;
    struct stat info;
    BASE_CHECK(*path, BASE_EIO, "no folder can be created: its name is empty");
    BASE_TRY(base_strdup(path, &part));
    for (char *end = part + 1;; end++) {
        char keep = *end;
        if (keep != '/' && keep != '\0') continue;
        *end = '\0';
        if (mkdir(part, 0777) != 0) {
            int why = errno;
            BASE_CHECK(stat(part, &info) == 0 && S_ISDIR(info.st_mode), BASE_EIO,
                       "%s: the folder cannot be created: %s", part,
                       why == EEXIST ? "a file of that name exists" : strerror(why));
        }
        *end = keep;
        if (!keep) break;
    }
out:
    base_free(part);
    return st;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

/* Not every file system says in its listing what an entry is, and none what a link leads to. */
static bool is_folder(DIR *in, const struct dirent *entry)
{
    struct stat info;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return entry->d_type == DT_DIR;
    return fstatat(dirfd(in), entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

static BaseStatus list(const char *path, const char *suffix, bool folders, char ***names, size_t *count)
{
    BaseStatus st = BASE_OK;
    IoNames found = {0};
    *names = NULL;
    *count = 0;
    DIR *folder = opendir(path);
    BASE_CHECK(folder, BASE_EIO, "%s: the folder cannot be read: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (!ends_in(entry->d_name, suffix) || (folders && !is_folder(folder, entry))) continue;
        BASE_TRY(io_names_add(&found, entry->d_name));
    }
    io_names_sort(&found);
    BASE_TRY(io_names_give(&found, names, count));
out:
    if (folder) closedir(folder);
    io_names_drop(&found);
    return st;
}

BaseStatus io_folder_list(const char *path, const char *suffix, char ***names, size_t *count)
{
    return list(path, suffix, false, names, count);
}

BaseStatus io_folder_folders(const char *path, char ***names, size_t *count)
{
    return list(path, "", true, names, count);
}

/* "<anything>.<pid>.tmp": no other name is ever removed. */
static bool is_temporary(const char *name)
{
    size_t n = strlen(name);
    if (!ends_in(name, ".tmp")) return false;
    size_t end = n - 4, start = end;
    while (start > 0 && name[start - 1] >= '0' && name[start - 1] <= '9') start--;
    return start < end && start > 0 && name[start - 1] == '.';
}

void io_folder_sweep(const char *path)
{
    char **names;
    size_t count;
    if (io_folder_list(path, ".tmp", &names, &count) != BASE_OK) {
        base_error_clear();
        return;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < count; i++)
        if (is_temporary(names[i])) remove_unless_locked(fd, names[i]);
    if (fd >= 0) close(fd);
    io_names_free(names, count);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    remove(path);
    return 0;
}

BaseStatus io_folder_cache(char **out)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    *out = NULL;
    if (cache && cache[0] == '/') return base_format(out, "%s/expunge", cache);
    return home && home[0] == '/' ? base_format(out, "%s/.cache/expunge", home) : BASE_OK;
}

BaseStatus io_folder_temporary(const char *what, char **out)
{
    const char *below = getenv("TMPDIR");
    BaseStatus st = base_format(out, "%s/expunge-%s-XXXXXX", below && *below ? below : "/tmp", what);
    if (st != BASE_OK || mkdtemp(*out)) return st;
    st = base_error_set(BASE_EIO, "%s: no folder can be created there: %s", *out, strerror(errno));
    base_free(*out);
    *out = NULL;
    return st;
}

void io_folder_remove(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

BaseStatus io_folder_replace(const char *from, const char *to)
{
    BaseStatus st = BASE_OK;
    char *old = NULL;
    if (rename(from, to) == 0) goto out; /* nothing there, or an empty folder */
    BASE_CHECK(errno == ENOTEMPTY || errno == EEXIST, BASE_EIO, "%s cannot be moved to %s: %s", from, to,
               strerror(errno));
    if (base_system_exchange(from, to) == 0) {
        io_folder_remove(from);
        goto out;
    }
    BASE_TRY(base_format(&old, "%s.old", from)); /* a system or file system that cannot exchange: two steps */
    BASE_CHECK(rename(to, old) == 0, BASE_EIO, "%s cannot be replaced: %s", to, strerror(errno));
    if (rename(from, to) != 0) {
        st = base_error_set(BASE_EIO, "%s cannot be moved to %s: %s", from, to, strerror(errno));
        rename(old, to);
        goto out;
    }
    io_folder_remove(old);
out:
    base_free(old);
    return st;
}
