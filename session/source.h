/* session/source.h - named arrays, as a signals file has them: in an HDF5 file, or in the memory of a program that uses the
 * library. Readers of either see no difference. */
#ifndef SESSION_SOURCE_H
#define SESSION_SOURCE_H

#include "base/hash.h"
#include "io/hdf5.h"
#include "io/tensors.h"

enum { SESSION_ARRAY_DIMS = 3 };
/** Values of a host: borrowed, and converted when they are read. */
typedef struct {
    const char *path; /* "/target/logits"; static storage */
    IoDtype type;     /* floating-point, I64, I32 or U8 */
    int ndim;
    int64_t shape[SESSION_ARRAY_DIMS], stride[SESSION_ARRAY_DIMS]; /* strides in values; they may be negative */
    const void *data;
    char **texts; /* [shape[0]] in place of data; owned */
} SessionArray;

typedef struct {
    IoHdf5 *file;        /* borrowed; NULL: the arrays */
    SessionArray *array; /* [count], owned */
    size_t count;
} SessionSource;

/** Keeps @p array, whose texts it takes, in place of one of the same path. */
BaseStatus session_source_set_take(SessionSource *source, SessionArray *array);
void session_source_free(SessionSource *source); /* of arrays; a file is its opener's */

/* As io_hdf5_has, io_hdf5_info, io_hdf5_read and io_hdf5_read_texts. Of arrays whole numbers outside of what @p type holds
 * become its nearest, as in HDF5; a floating-point array is not read as whole numbers (BASE_EFORMAT).
 * A group is there where one of its arrays is. */
bool session_source_has(const SessionSource *source, const char *path);
BaseStatus session_source_info(const SessionSource *source, const char *path, IoH5Info *out);
BaseStatus session_source_read(const SessionSource *source, const char *path, IoH5Type type, void *out);
/** As io_hdf5_read_whole and io_hdf5_read_ids. */
BaseStatus session_source_whole(const SessionSource *source, const char *path, int64_t *out);
BaseStatus session_source_ids(const SessionSource *source, const char *path, uint64_t *out);
BaseStatus session_source_texts(const SessionSource *source, const char *path, char ***out, size_t *count);
/** SHA-256 over names, shapes and values (as float64 or int64) of the arrays, in the order in which they were set. */
BaseStatus session_source_hash(const SessionSource *source, char hex[BASE_HASH_HEX]);

#endif
