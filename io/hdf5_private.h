/* io/hdf5_private.h - what the HDF5 files of this folder share. */
#ifndef IO_HDF5_PRIVATE_H
#define IO_HDF5_PRIVATE_H

/* From 1.12 on, H5O_info_t and H5L_info_t are other structures (tokens in place of addresses) unless 1.10's are asked for. */
#define H5_USE_110_API
#include <hdf5.h>

#include "io/hdf5.h"

/* Objects of one file that were met, by their addresses: hard links, and soft ones too, may go in circles. */
typedef struct {
    uint64_t *slot; /* [room] address + 1; 0: free */
    size_t count, room;
} IoHdf5Seen;

struct IoHdf5 {
    hid_t id;
    IoHdf5Seen seen; /* of io_hdf5_first */
    char *path;      /* for messages */
    bool closed;     /* to others, once it is saved */
};

/* Text is read whole, so its size is limited; labels and configurations are far below. */
enum { IO_HDF5_TEXTS = 1 << 20, IO_HDF5_TEXT_BYTES = 64 << 20 };

/** HDF5 keeps its error printing per thread: called by every function that may be a thread's first. */
void io_hdf5_quiet(void);
/** HDF5's own innermost message of the call that just failed ("unknown error" if none). Valid until the next call. */
const char *io_hdf5_reason(void);

/** False where @p type is not a number that io_hdf5_read converts: integers and booleans of 1 to 8 bytes, floats of 2
 * to 8. */
bool io_hdf5_number(hid_t type, IoH5Type *stored, bool *is_float);
/** The type of IoH5Type values in memory; a constant of HDF5, never closed. */
hid_t io_hdf5_memory_type(IoH5Type type);
size_t io_hdf5_type_size(IoH5Type type);
/** False for a null dataspace, more than IO_H5_DIMS dimensions, or a size in bytes (8 per element) that overflows. */
bool io_hdf5_extent(hid_t space, IoH5Info *out);
/** Opens a group or dataset; negative if it does not exist (each part of the path is looked up first). */
hid_t io_hdf5_object(const IoHdf5 *file, const char *path);
/** A file in memory: @p image [size] of a whole one (copied), or NULL and an empty one, whose root keeps its members in
 *  the order they come where @p ordered. */
BaseStatus io_hdf5_in_memory(const void *image, size_t size, bool ordered, IoHdf5 **out);
/** io_hdf5_write with HDF5's own types. */
BaseStatus io_hdf5_write_as(IoHdf5 *file, const char *path, hid_t stored, hid_t memory, int ndim, const int64_t *shape,
                            const void *data);
/** Texts of a dataset or attribute, named @p what in messages. Owned: io_names_free. */
BaseStatus io_hdf5_texts(hid_t object, bool attribute, const char *what, char ***out, size_t *count);

#endif
