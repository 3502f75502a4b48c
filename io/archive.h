/* io/archive.h - zip archives, as PyTorch writes them (records stored) and as other tools zip them again (deflated). */
#ifndef IO_ARCHIVE_H
#define IO_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct IoArchive IoArchive;
/** Opens for reading and checks every record before memory is taken for one: stored or deflated, not encrypted, no name
 *  twice, and all of them together no larger than the file (16 times the file, where one is deflated). BASE_EFORMAT. */
BaseStatus io_archive_open(const char *path, IoArchive **out);
/** A file that is not an archive, read as if its parts were records: io_archive_add_part names each; they are found
 *  once io_archive_sort has been called. A part that does not lie in the file is BASE_EFORMAT. */
BaseStatus io_archive_parts(const char *path, IoArchive **out);
BaseStatus io_archive_add_part(IoArchive *archive, const char *name, int64_t offset, int64_t size);
BaseStatus io_archive_sort(IoArchive *archive);
void io_archive_close(IoArchive *archive); /* NULL is fine */
/** Bytes of the file, or of what it unpacks to where that is more. */
int64_t io_archive_unpacked(const IoArchive *archive);
size_t io_archive_count(const IoArchive *archive);
const char *io_archive_name(const IoArchive *archive, size_t index); /* in the file's order; borrowed */
size_t io_archive_size(const IoArchive *archive, size_t index);      /* bytes */
/** The index of a record, or -1. */
int64_t io_archive_find(const IoArchive *archive, const char *name);
/** Reads a whole record into @p out [io_archive_size] and checks its sum. BASE_EFORMAT, BASE_ENOMEM. */
BaseStatus io_archive_read(IoArchive *archive, size_t index, void *out);

/** Writing: records in order, each aligned to 64 bytes, no times: same content, same bytes. The file appears when it is
 *  whole (IoWriter). finish and drop free the writer; drop(NULL) is fine. From 4 GiB or 65535 records on as zip64.
 *  BASE_ELIMIT: more records than are read. */
typedef struct IoArchiveWriter IoArchiveWriter;
BaseStatus io_archive_create(const char *path, IoArchiveWriter **out);
BaseStatus io_archive_add(IoArchiveWriter *writer, const char *name, const void *bytes, size_t size);
BaseStatus io_archive_finish_take(IoArchiveWriter *writer);
void io_archive_drop(IoArchiveWriter *writer);

#endif
