/* io/hdf5_types.c - what the HDF5 files of this folder stand on: libhdf5's own messages, its types as ours, and texts
 * in either of h5py's forms. */
#include <stdio.h>

#include "base/memory.h"
#include "io/hdf5_private.h"
#include "io/names.h"

static _Thread_local bool done;

void io_hdf5_quiet(void)
{
    if (done) return;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0); /* a filter that libhdf5 does not know would be a library that it looks for and loads */
    done = true;
}

void io_hdf5_manners_save(IoHdf5Manners *out)
{
    H5E_auto2_t print = NULL;
    *out = (IoHdf5Manners){0};
    H5Eget_auto2(H5E_DEFAULT, &print, &out->print_data);
    out->print = (void (*)(void))print;
    H5PLget_loading_state(&out->plugins);
}

void io_hdf5_manners_restore(const IoHdf5Manners *saved)
{
    H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t)saved->print, saved->print_data);
    H5PLset_loading_state(saved->plugins);
    done = false;
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

/* Both kinds that h5py writes: pointers to text (variable length), or rows of a fixed width. */
BaseStatus io_hdf5_texts(hid_t object, bool attribute, const char *what, char ***out, size_t *count)
{
    BaseStatus st = BASE_OK;
    IoH5Info info = {0};
    IoNames names = {0};
    char *rows = NULL, **pointers = NULL;
    hid_t memory = H5I_INVALID_HID;
    hid_t type = attribute ? H5Aget_type(object) : H5Dget_type(object);
    hid_t space = attribute ? H5Aget_space(object) : H5Dget_space(object);
    BASE_CHECK(type >= 0 && space >= 0, BASE_EFORMAT, "%s: %s", what, io_hdf5_reason());
    BASE_CHECK(H5Tget_class(type) == H5T_STRING && io_hdf5_extent(space, &info), BASE_EFORMAT, "%s holds no text",
               what);
    BASE_CHECK(info.count <= IO_HDF5_TEXTS, BASE_ELIMIT, "%s holds %lld texts; at most %d are read", what,
               (long long)info.count, IO_HDF5_TEXTS);
    bool variable = H5Tis_variable_str(type) > 0;
    size_t width = variable ? sizeof(char *) : H5Tget_size(type) + 1;
    BASE_CHECK(width > 0 && width <= (size_t)IO_HDF5_TEXT_BYTES / (size_t)(info.count ? info.count : 1), BASE_ELIMIT,
               "%s holds %lld texts of %zu bytes; at most %d bytes are read", what, (long long)info.count, width,
               IO_HDF5_TEXT_BYTES);
    memory = H5Tcopy(H5T_C_S1);
    H5Tset_size(memory, variable ? H5T_VARIABLE : width);
    H5Tset_cset(memory, H5Tget_cset(type));
    BASE_TRY(BASE_ALLOC(info.count * (int64_t)width, &rows));
    if (variable) pointers = (char **)(void *)rows;
    if (info.count) {
        herr_t rc =
            attribute ? H5Aread(object, memory, rows) : H5Dread(object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows);
        BASE_CHECK(rc >= 0, BASE_EFORMAT, "%s cannot be read: %s", what, io_hdf5_reason());
    }
    for (int64_t i = 0; i < info.count; i++) {
        const char *text = pointers ? pointers[i] : rows + (size_t)i * width;
        BASE_TRY(io_names_add(&names, text ? text : ""));
    }
    BASE_TRY(io_names_give(&names, out, count));
out:
    if (pointers) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers);
    base_free(rows);
    io_names_drop(&names);
    if (memory >= 0) H5Tclose(memory);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return st;
}
