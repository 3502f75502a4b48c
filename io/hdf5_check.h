/* io/hdf5_check.h - what is looked at in every HDF5 file before anything of it is read: where its arrays lie, how they
 * are packed, and that its groups can be walked in a time that its size allows. Nothing is believed of a file because
 * of what stands in it. */
#ifndef IO_HDF5_CHECK_H
#define IO_HDF5_CHECK_H

#include "io/hdf5_private.h"

/** *first: @p object was not there yet. BASE_ENOMEM, BASE_EFORMAT. */
BaseStatus io_hdf5_seen_add(IoHdf5Seen *seen, hid_t object, bool *first);
void io_hdf5_seen_free(IoHdf5Seen *seen);

/** Called once for each object, an array's storage having been checked. @p chunk [IO_H5_DIMS]: what is read at once,
 *  a chunk or one element. */
typedef struct {
    hid_t id;
    H5O_type_t type;
    const char *name;
    const hsize_t *chunk;
} IoHdf5Object;
typedef BaseStatus (*IoHdf5Visit)(void *user, const IoHdf5Object *object);

/**
 * Walks all groups of an open file of @p size bytes.
 * @param visit  NULL: the checks alone.
 * @return BASE_EFORMAT for arrays in other files (external storage, virtual arrays), links to other files, filters
 *         other than deflate, shuffle and fletcher32, arrays far larger than what the file stores of them, groups
 *         nested more than 32 deep, and more links than so many bytes can hold.
 */
BaseStatus io_hdf5_check(hid_t file, int64_t size, IoHdf5Visit visit, void *user);

#endif
