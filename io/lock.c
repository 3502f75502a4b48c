/* io/lock.c - open file description locks, which belong to the descriptor and not, as POSIX's do, to the process. */
#include "io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/system.h"

struct IoLock {
    char *path;
    int fd;
};

/* rc, or -1 with errno. */
static int control(const IoLock *lock, BaseSystemLock how, short type, int64_t at, int64_t count, struct flock *out)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = count};
    int rc;
    do {
        rc = base_system_lock(lock->fd, how, &range);
    } while (rc != 0 && errno == EINTR);
    if (out) *out = range;
    return rc;
}

BaseStatus io_lock_open(const char *path, IoLock **out)
{
    BaseStatus st = BASE_OK;
    IoLock *lock = NULL;
    struct stat info;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &lock));
    lock->fd = -1;
    BASE_CHECK(base_system_has_locks(), BASE_EIO,
               "%s: this system has no open-file locks (as Linux has), which processes need to share results", path);
    BASE_TRY(base_strdup(path, &lock->path));
    /* not blocking: a pipe would wait for ever */
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    BASE_CHECK(lock->fd >= 0 || errno != ELOOP, BASE_EIO,
               "%s: is a link, and what it leads to would be overwritten: remove it", path);
    BASE_CHECK(lock->fd >= 0, BASE_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    BASE_CHECK(lock->fd > STDERR_FILENO, BASE_EIO,
               "%s: a standard stream is closed, and what is printed there would go into this file: open the stream "
               "(2>/dev/null)",
               path);
    BASE_CHECK(fstat(lock->fd, &info) == 0 && S_ISREG(info.st_mode), BASE_EIO, "%s: must be a regular file", path);
    BASE_CHECK(info.st_nlink == 1, BASE_EIO,
               "%s: has %llu names (hard links), and the file of the other names would be overwritten: remove it", path,
               (unsigned long long)info.st_nlink);
    BASE_CHECK(control(lock, BASE_SYSTEM_LOCK_LOOK, F_WRLCK, 0, 1, NULL) == 0, BASE_EIO,
               "%s: its file system supports no locks (%s): put the results on one that does", path, strerror(errno));
    *out = lock;
    lock = NULL;
out:
    io_lock_close(lock);
    return st;
}

void io_lock_close(IoLock *lock)
{
    if (!lock) return;
    if (lock->fd >= 0) close(lock->fd);
    base_free(lock->path);
    base_free(lock);
}

static short type_of(IoLockKind kind) { return kind == IO_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK; }

BaseStatus io_lock_try(IoLock *lock, int64_t at, IoLockKind kind, bool *got)
{
    *got = control(lock, BASE_SYSTEM_LOCK_TRY, type_of(kind), at, 1, NULL) == 0;
    if (*got || errno == EAGAIN || errno == EACCES) return BASE_OK;
    return base_error_set(BASE_EIO, "%s: cannot be locked: %s", lock->path, strerror(errno));
}

BaseStatus io_lock_wait(IoLock *lock, int64_t at, IoLockKind kind)
{
    if (control(lock, BASE_SYSTEM_LOCK_WAIT, type_of(kind), at, 1, NULL) == 0) return BASE_OK;
    return base_error_set(BASE_EIO, "%s: cannot be locked: %s", lock->path, strerror(errno));
}

void io_lock_release(IoLock *lock, int64_t at) { control(lock, BASE_SYSTEM_LOCK_TRY, F_UNLCK, at, 1, NULL); }

bool io_lock_busy(IoLock *lock, int64_t at, int64_t count)
{
    struct flock found;
    return control(lock, BASE_SYSTEM_LOCK_LOOK, F_WRLCK, at, count, &found) == 0 && found.l_type != F_UNLCK;
}

BaseStatus io_lock_read(IoLock *lock, int64_t at, void *bytes, size_t size)
{
    char *to = bytes;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(lock->fd, to + done, size - done, at + (int64_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base_error_set(BASE_EIO, "%s: cannot be read: %s", lock->path, strerror(errno));
        if (got == 0) break;
        done += (size_t)got;
    }
    memset(to + done, 0, size - done);
    return BASE_OK;
}

BaseStatus io_lock_write(IoLock *lock, int64_t at, const void *bytes, size_t size)
{
    const char *from = bytes;
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(lock->fd, from + done, size - done, at + (int64_t)done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return base_error_set(BASE_EIO, "%s: cannot be written: %s", lock->path, strerror(errno));
        done += (size_t)put;
    }
    return BASE_OK;
}

BaseStatus io_lock_size(IoLock *lock, int64_t *size)
{
    struct stat info;
    if (fstat(lock->fd, &info) != 0)
        return base_error_set(BASE_EIO, "%s: cannot be read: %s", lock->path, strerror(errno));
    *size = info.st_size;
    return BASE_OK;
}

BaseStatus io_lock_truncate(IoLock *lock, int64_t size)
{
    if (ftruncate(lock->fd, size) == 0) return BASE_OK;
    return base_error_set(BASE_EIO, "%s: cannot be written: %s", lock->path, strerror(errno));
}
