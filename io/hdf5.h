/* io/hdf5.h - HDF5 files as groups of arrays and attributes.
 *
 * Reading a user's file: libhdf5 1.10.8 itself crashes or hangs on some corrupted files, so io_hdf5_open first
 * walks and reads the file in a child process (this program again, posix_spawn) with limits on memory and time; a dead
 * child is one clear line. Writing: everything is built in memory (core driver), then its file image is written by
 * io_file_write, so a full disk is an error of ours and no half file is left. HDF5's own error printing is off.
 */
#ifndef IO_HDF5_H
#define IO_HDF5_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct IoHdf5 IoHdf5;
typedef enum { IO_H5_F32, IO_H5_F64, IO_H5_I64, IO_H5_I32, IO_H5_U8 } IoH5Type;
enum { IO_H5_DIMS = 8 };
typedef struct {
    IoH5Type stored; /* nearest of the above to what the file holds */
    bool is_float;
    int ndim;
    int64_t shape[IO_H5_DIMS];
    int64_t count;
} IoH5Info;

/** Opens for reading, whoever made the file. Child and opening process both refuse what io/hdf5_check.h lists: arrays
 *  and links in other files, other filters, arrays far larger than what the file stores of them. BASE_EIO, BASE_EFORMAT. */
BaseStatus io_hdf5_open(const char *path, IoHdf5 **out);
/** An empty file in memory for writing. */
BaseStatus io_hdf5_create(IoHdf5 **out);
/** The bytes of the file as io_hdf5_save_take would write them. *out owned (base_free). */
BaseStatus io_hdf5_image(const IoHdf5 *file, char **out, size_t *size);
/** What io_hdf5_save_take writes is readable by its owner alone: files that hold images or logits. */
void io_hdf5_private(IoHdf5 *file);
/** Writes the image atomically and frees; on failure nothing is at @p path and the handle is freed too. */
BaseStatus io_hdf5_save_take(IoHdf5 *file, const char *path);
void io_hdf5_close(IoHdf5 *file); /* NULL is fine */

bool io_hdf5_has(IoHdf5 *file, const char *path); /* dataset or group */
/** BASE_EFORMAT naming the path where it is missing, no numeric array, or of more than IO_H5_DIMS dimensions. */
BaseStatus io_hdf5_info(IoHdf5 *file, const char *path, IoH5Info *out);
/** Reads a whole array converted to @p type into @p out [info.count], the caller's storage. */
BaseStatus io_hdf5_read(IoHdf5 *file, const char *path, IoH5Type type, void *out);
/** Where the rows (first dimension) of an array of bytes lie in its file. *out NULL where that is not simple: other numbers,
 *  chunks that hold parts of rows or more than 64 MiB, chunks that were never written, external storage. */
typedef struct IoHdf5Rows IoHdf5Rows;
BaseStatus io_hdf5_rows(IoHdf5 *file, const char *path, IoHdf5Rows **out);
void io_hdf5_rows_free(IoHdf5Rows *rows);
/** Rows that are read at once: those of a block. */
int64_t io_hdf5_rows_each(const IoHdf5Rows *rows);
/** Rows block * each to (block + 1) * each - 1, @p out [each, width]; of the last block some may mean nothing. The file may
 *  be closed; threads may call it at once. BASE_EIO, BASE_EFORMAT where the file is another one by now. */
BaseStatus io_hdf5_rows_read(const IoHdf5Rows *rows, int64_t block, uint8_t *out);
/** Reads an array of whole numbers of any numeric type, and cuts none: BASE_EFORMAT names the first that has a fraction, is no
 *  number or does not fit 64 bits with a sign. @p out [info.count]. */
BaseStatus io_hdf5_read_whole(IoHdf5 *file, const char *path, int64_t *out);
/** The same for numbers that only name things: unlike ones get unlike ids, up to 2^64 - 1 too. */
BaseStatus io_hdf5_read_ids(IoHdf5 *file, const char *path, uint64_t *out);
/** Creates missing groups; arrays over 4 KiB are chunked and deflated. @p data [shape]. */
BaseStatus io_hdf5_write(IoHdf5 *file, const char *path, IoH5Type type, int ndim, const int64_t *shape,
                         const void *data);
/** Variable-length UTF-8 strings. */
BaseStatus io_hdf5_write_texts(IoHdf5 *file, const char *path, const char *const *texts, size_t count);
BaseStatus io_hdf5_read_texts(IoHdf5 *file, const char *path, char ***texts, size_t *count); /* io_names_free */

/* Attributes of a group or dataset ("/" is the root). Setting replaces, and makes the group where nothing is at the
 * path. Reading: BASE_ENOTFOUND where absent. */
BaseStatus io_hdf5_set_text(IoHdf5 *file, const char *path, const char *name, const char *value);
BaseStatus io_hdf5_set_f64(IoHdf5 *file, const char *path, const char *name, double value);
BaseStatus io_hdf5_set_i64(IoHdf5 *file, const char *path, const char *name, int64_t value);
BaseStatus io_hdf5_get_text(IoHdf5 *file, const char *path, const char *name, char **out); /* owned */
/** An array of numbers of any numeric type (a scalar has *count 1). *out owned. */
BaseStatus io_hdf5_get_f64s(IoHdf5 *file, const char *path, const char *name, double **out, size_t *count);
BaseStatus io_hdf5_get_texts(IoHdf5 *file, const char *path, const char *name, char ***out, size_t *count);

/** Names of a group's members, sorted; io_names_free. BASE_ENOTFOUND where there is no such group. */
BaseStatus io_hdf5_list(IoHdf5 *file, const char *group, char ***names, size_t *count);
/** *first: the object at @p path was not asked for before, under this name or another. For walks, since links may go in
 *  circles. BASE_ENOTFOUND where nothing is there. */
BaseStatus io_hdf5_first(IoHdf5 *file, const char *path, bool *first);
/** Names of an object's attributes, sorted. */
BaseStatus io_hdf5_attributes(IoHdf5 *file, const char *path, char ***names, size_t *count);

/** What the functions here change in libhdf5 for others who use it in this process: its printing of errors, on this thread, and
 *  whether it may load filters, in the process. */
typedef struct {
    void (*print)(void);
    void *print_data;
    unsigned plugins;
} IoHdf5Manners;
void io_hdf5_manners_save(IoHdf5Manners *out);
void io_hdf5_manners_restore(const IoHdf5Manners *saved);

/** The child's side of io_hdf5_open: main() calls it first thing when argv[1] is IO_HDF5_PROBE; tests' main too.
 *  Returns the exit status. */
#define IO_HDF5_PROBE "--probe-hdf5"
int io_hdf5_probe_main(const char *path);

#endif
