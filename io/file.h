/* io/file.h - whole files in, whole files out: a reader never sees half a file. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "io/names.h"

/** Reads a regular file whole. @p limit in bytes (0: none) is checked before memory is taken. *out owned (base_free),
 *  with one NUL after the last byte. @return BASE_EIO (missing, directory, unreadable), BASE_ELIMIT, BASE_ENOMEM. */
BaseStatus io_file_read(const char *path, size_t limit, char **out, size_t *size);

/** @p size bytes from @p offset on of a regular file. *out owned. BASE_EIO, also where the file ends before. */
BaseStatus io_file_read_part(const char *path, int64_t offset, size_t size, char **out);

/** BASE_EIO unless @p path is a regular file that this process may read; its size in bytes. */
BaseStatus io_file_size(const char *path, int64_t *size);

/** Writes to "<path>.<pid>.tmp" in the same folder, locked as long as it stands, fsyncs, renames, fsyncs the folder. On
 *  any failure (full disk too) the temporary file is gone and what stood at @p path still stands. */
BaseStatus io_file_write(const char *path, const void *bytes, size_t size);

/** The same for what shows images or logits of people: readable by its owner alone, whatever the umask. */
BaseStatus io_file_write_private(const char *path, const void *bytes, size_t size);

/** The same in pieces. finish renames; drop (also after an error) removes. Both free the writer; drop(NULL) is fine. */
typedef struct IoWriter IoWriter;
BaseStatus io_writer_open(const char *path, IoWriter **out);
/** Before the first byte: see io_file_write_private. */
BaseStatus io_writer_private(IoWriter *writer);
BaseStatus io_writer_add(IoWriter *writer, const void *bytes, size_t size);
BaseStatus io_writer_finish_take(IoWriter *writer);
void io_writer_drop(IoWriter *writer);

/** mkdir -p. @return BASE_EIO naming the first part that could not be made. */
BaseStatus io_folder_make(const char *path);
/** BASE_EIO unless a file could be created at @p path: asked before hours of work, not after. Leaves nothing behind. */
BaseStatus io_path_writable(const char *path);
/** @p name as the file @p path means it: beside that file, unless it is absolute. Owned. */
BaseStatus io_path_beside(const char *path, const char *name, char **out);
/** @p path from the root of the file system, for people to read: links and ".." are resolved as far as it exists. Owned. */
BaseStatus io_path_full(const char *path, char **out);
/** Where @p path leads, the links of its last part followed: what a user names as output is written there, and the link
 *  stays. *out NULL where it is not a link; owned. BASE_EIO where the link leads to nothing. */
BaseStatus io_path_target(const char *path, char **out);
/** Both are there and the same file, whatever the spelling. */
bool io_path_same(const char *a, const char *b);
bool io_path_exists(const char *path);
bool io_path_is_folder(const char *path); /* or a link to one */
bool io_path_is_link(const char *path);
/** Nothing that could be read as a file: a link to nothing or in a circle, a folder, a pipe, a device. */
bool io_path_is_no_file(const char *path);
/** Names (not paths) in a folder that end in @p suffix, sorted by byte order. Owned: io_names_free. */
BaseStatus io_folder_list(const char *path, const char *suffix, char ***names, size_t *count);
/** Names of the folders in a folder, and of links to folders, sorted likewise. Looks at links alone where the file
 * system says what each entry is. */
BaseStatus io_folder_folders(const char *path, char ***names, size_t *count);
/** Puts the folder @p from at @p to, whole or not at all, and removes what stood there; both in one parent folder. On
 *  failure what stood at @p to still stands, and @p from too. */
BaseStatus io_folder_replace(const char *from, const char *to);
/** The folder in which this user's programs keep what can be made again: $XDG_CACHE_HOME/expunge, else ~/.cache/expunge. It
 *  may not be there. *out owned, NULL where neither variable says. */
BaseStatus io_folder_cache(char **out);
/** A new folder "expunge-<what>-XXXXXX" in TMPDIR, else /tmp. *out owned; io_folder_remove takes the folder. BASE_EIO. */
BaseStatus io_folder_temporary(const char *what, char **out);
/** Removes a folder with all that is in it (links themselves, not what they name). Nothing there: fine. */
void io_folder_remove(const char *path);
/** Removes from a folder each "*.<number>.tmp" that nobody is writing, on whichever machine: what a killed run left. */
void io_folder_sweep(const char *path);

/** Unpacks a gzip file into memory, at most @p limit bytes out (checked while unpacking: a bomb is BASE_ELIMIT). A file
 *  that is not gzipped is read as it is. Truncation and bad checksums are BASE_EFORMAT. */
BaseStatus io_gzip_read(const char *path, size_t limit, char **out, size_t *size);

#endif
