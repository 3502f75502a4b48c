/* io/tar.h - the members of a tar file, by place: POSIX ustar and pax, and GNU's long names. Not compressed. */
#ifndef IO_TAR_H
#define IO_TAR_H

#include <stdint.h>

#include "base/status.h"

/** Calls @p each with every regular file in the order of the archive: its name, and where its bytes lie in the file. Links,
 *  folders and devices are passed over. Reads headers alone. BASE_EFORMAT for what is no tar file or cut off, BASE_EIO,
 *  BASE_ENOMEM, or what @p each returns. */
BaseStatus io_tar_list(const char *path, BaseStatus (*each)(void *user, const char *name, int64_t offset, int64_t size),
                       void *user);

#endif
