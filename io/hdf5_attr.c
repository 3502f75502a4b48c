/* io/hdf5_attr.c - attributes: texts, numbers as doubles or int64. */
#include <string.h>

#include "base/memory.h"
#include "io/hdf5_private.h"
#include "io/names.h"

/* Replaces what is there: an attribute is a note, not an array. Makes the group where nothing is at the path. */
static BaseStatus set(IoHdf5 *file, const char *path, const char *name, hid_t stored, hid_t memory, const void *value)
{
    BaseStatus st = BASE_OK;
    hid_t attribute = H5I_INVALID_HID, space = H5I_INVALID_HID, object = io_hdf5_object(file, path);
    if (object < 0) {
        hid_t links = H5Pcreate(H5P_LINK_CREATE), creation = H5Pcreate(H5P_GROUP_CREATE);
        H5Pset_create_intermediate_group(links, 1);
        H5Pset_obj_track_times(creation, false);
        object = H5Gcreate2(file->id, path, links, creation, H5P_DEFAULT);
        H5Pclose(links);
        H5Pclose(creation);
    }
    BASE_CHECK(object >= 0, BASE_EBACKEND, "%s: %s cannot be created: %s", file->path, path, io_hdf5_reason());
    if (H5Aexists(object, name) > 0) H5Adelete(object, name);
    space = H5Screate(H5S_SCALAR);
    attribute = H5Acreate2(object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    BASE_CHECK(attribute >= 0 && H5Awrite(attribute, memory, value) >= 0, BASE_EBACKEND,
               "%s: attribute %s of %s cannot be written: %s", file->path, name, path, io_hdf5_reason());
out:
    if (attribute >= 0) H5Aclose(attribute);
    if (space >= 0) H5Sclose(space);
    if (object >= 0) H5Oclose(object);
    return st;
}

BaseStatus io_hdf5_set_text(IoHdf5 *file, const char *path, const char *name, const char *value)
{
    io_hdf5_quiet();
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    BaseStatus st = set(file, path, name, type, type, &value);
    H5Tclose(type);
    return st;
}

BaseStatus io_hdf5_set_f64(IoHdf5 *file, const char *path, const char *name, double value)
{
    io_hdf5_quiet();
    return set(file, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

BaseStatus io_hdf5_set_i64(IoHdf5 *file, const char *path, const char *name, int64_t value)
{
    io_hdf5_quiet();
    return set(file, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

static BaseStatus open_attribute(IoHdf5 *file, const char *path, const char *name, hid_t *out)
{
    io_hdf5_quiet();
    *out = H5I_INVALID_HID;
    hid_t object = io_hdf5_object(file, path);
    if (object < 0) return base_error_set(BASE_ENOTFOUND, "%s: there is nothing at %s", file->path, path);
    BaseStatus st = BASE_OK;
    BASE_CHECK(H5Aexists(object, name) > 0, BASE_ENOTFOUND, "%s: %s has no attribute '%s'", file->path, path, name);
    *out = H5Aopen(object, name, H5P_DEFAULT);
    BASE_CHECK(*out >= 0, BASE_EFORMAT, "%s: attribute %s of %s: %s", file->path, name, path, io_hdf5_reason());
out:
    H5Oclose(object);
    return st;
}

BaseStatus io_hdf5_get_texts(IoHdf5 *file, const char *path, const char *name, char ***out, size_t *count)
{
    hid_t attribute;
    *out = NULL;
    *count = 0;
    BaseStatus st = open_attribute(file, path, name, &attribute);
    if (st != BASE_OK) return st;
    st = io_hdf5_texts(attribute, true, name, out, count);
    if (st != BASE_OK) base_error_prefix(st, "%s: attribute of %s", file->path, path);
    H5Aclose(attribute);
    return st;
}

BaseStatus io_hdf5_get_text(IoHdf5 *file, const char *path, const char *name, char **out)
{
    char **texts;
    size_t count;
    *out = NULL;
    BaseStatus st = io_hdf5_get_texts(file, path, name, &texts, &count);
    if (st != BASE_OK) return st;
    BASE_CHECK(count == 1, BASE_EFORMAT, "%s: attribute %s of %s holds %zu texts; it must hold one", file->path, name,
               path, count);
    *out = texts[0];
    texts[0] = NULL;
out:
    io_names_free(texts, count);
    return st;
}

BaseStatus io_hdf5_get_f64s(IoHdf5 *file, const char *path, const char *name, double **out, size_t *count)
{
    hid_t attribute, type = H5I_INVALID_HID, space = H5I_INVALID_HID;
    IoH5Info info = {0};
    double *values = NULL;
    *out = NULL;
    *count = 0;
    BaseStatus st = open_attribute(file, path, name, &attribute);
    if (st != BASE_OK) return st;
    type = H5Aget_type(attribute);
    space = H5Aget_space(attribute);
    BASE_CHECK(type >= 0 && space >= 0, BASE_EFORMAT, "%s: attribute %s of %s: %s", file->path, name, path,
               io_hdf5_reason());
    BASE_CHECK(io_hdf5_number(type, &info.stored, &info.is_float) && io_hdf5_extent(space, &info), BASE_EFORMAT,
               "%s: attribute %s of %s holds no numbers", file->path, name, path);
    BASE_TRY(BASE_ALLOC(info.count, &values));
    BASE_CHECK(info.count == 0 || H5Aread(attribute, H5T_NATIVE_DOUBLE, values) >= 0, BASE_EFORMAT,
               "%s: attribute %s of %s cannot be read: %s", file->path, name, path, io_hdf5_reason());
    *out = values;
    *count = (size_t)info.count;
    values = NULL;
out:
    base_free(values);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    H5Aclose(attribute);
    return st;
}
