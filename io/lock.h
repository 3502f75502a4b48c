/* io/lock.h - locks on bytes of a file, between processes and, where the file system does so, between machines. A lock
 * belongs to the open file and goes with the process: nothing is left of one that was killed. */
#ifndef IO_LOCK_H
#define IO_LOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct IoLock IoLock;
typedef enum { IO_LOCK_SHARED, IO_LOCK_EXCLUSIVE } IoLockKind;

/** Opens @p path, made if missing; never emptied, never removed. It will be written in place, so it must be a regular
 *  file of one name, no link, and not take the place of a standard stream. BASE_EIO; also where its file system has no
 *  locks. */
BaseStatus io_lock_open(const char *path, IoLock **out);
/** Releases every lock held through it. NULL is fine. */
void io_lock_close(IoLock *lock);

/** Byte @p at, which need not exist. Taking a byte held already changes its kind, at once and for nobody to come
 * between.
 *  @p got false where another holds it. */
BaseStatus io_lock_try(IoLock *lock, int64_t at, IoLockKind kind, bool *got);
/** Waits for it. */
BaseStatus io_lock_wait(IoLock *lock, int64_t at, IoLockKind kind);
void io_lock_release(IoLock *lock, int64_t at);
/** Whether another holds one of the @p count bytes from @p at. */
bool io_lock_busy(IoLock *lock, int64_t at, int64_t count);

/** Bytes of the file, for what those who share the locks tell each other. read: what lies beyond the end is 0. */
BaseStatus io_lock_read(IoLock *lock, int64_t at, void *bytes, size_t size);
BaseStatus io_lock_write(IoLock *lock, int64_t at, const void *bytes, size_t size);
BaseStatus io_lock_size(IoLock *lock, int64_t *size);
BaseStatus io_lock_truncate(IoLock *lock, int64_t size);

#endif
