/* io/hdf5_types.c - what the HDF5 files of this folder stand on: libhdf5's own messages, and its types as ours. */
#include <stdio.h>

#include "io/hdf5_private.h"

void io_hdf5_quiet(void)
{
    static _Thread_local bool done;
    if (done) return;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0); /* a filter that libhdf5 does not know would be a library that it looks for and loads */
    done = true;
}

static herr_t innermost(unsigned n, const H5E_error2_t *error, void *user)
{
    (void)n;
    char *text = user;
    snprintf(text, 256, "%s", error->desc ? error->desc : "unknown error");
    for (; *text; text++)
        if ((unsigned char)*text < ' ') *text = ' ';
    return 1; /* the first is enough */
}

const char *io_hdf5_reason(void)
{
    static _Thread_local char text[256];
    snprintf(text, sizeof text, "unknown error");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
    return text;
}

size_t io_hdf5_type_size(IoH5Type type)
{
    static const size_t SIZES[] = {[IO_H5_F32] = 4, [IO_H5_F64] = 8, [IO_H5_I64] = 8, [IO_H5_I32] = 4, [IO_H5_U8] = 1};
    return SIZES[type];
}

hid_t io_hdf5_memory_type(IoH5Type type)
{
    switch (type) {
    case IO_H5_F32: return H5T_NATIVE_FLOAT;
    case IO_H5_F64: return H5T_NATIVE_DOUBLE;
    case IO_H5_I64: return H5T_NATIVE_INT64;
    case IO_H5_I32: return H5T_NATIVE_INT32;
    case IO_H5_U8: return H5T_NATIVE_UINT8;
    }
    return H5I_INVALID_HID;
}

bool io_hdf5_number(hid_t type, IoH5Type *stored, bool *is_float)
{
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    *is_float = class == H5T_FLOAT;
    *stored = IO_H5_U8;
    if (class == H5T_FLOAT) {
        *stored = size <= 4 ? IO_H5_F32 : IO_H5_F64;
        return size >= 2 && size <= 8;
    }
    if (class == H5T_ENUM) return size == 1; /* what h5py makes of booleans */
    if (class != H5T_INTEGER || size == 0 || size > 8) return false;
    bool is_signed = H5Tget_sign(type) != H5T_SGN_NONE;
    if (size == 1 && !is_signed) return true;
    *stored = size < 4 || (size == 4 && is_signed) ? IO_H5_I32 : IO_H5_I64;
    return true;
}

bool io_hdf5_extent(hid_t space, IoH5Info *out)
{
    hsize_t shape[H5S_MAX_RANK];
    if (H5Sget_simple_extent_type(space) == H5S_NULL) return false;
    int ndim = H5Sget_simple_extent_dims(space, shape, NULL);
    if (ndim < 0 || ndim > IO_H5_DIMS) return false;
    out->ndim = ndim;
    int64_t count = 1;
    for (int d = 0; d < ndim; d++) {
        if (shape[d] > INT64_MAX || __builtin_mul_overflow(count, (int64_t)shape[d], &count)) return false;
        out->shape[d] = (int64_t)shape[d];
    }
    out->count = count;
    return count <= INT64_MAX / 8;
}
