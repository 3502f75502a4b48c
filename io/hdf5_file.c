/* io/hdf5_file.c - groups and arrays through libhdf5: files in memory for writing, identifiers closed on every path. */
#include "io/hdf5_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/hdf5_check.h"
#include "io/hdf5_probe.h"
#include "io/names.h"

enum { CHUNK_ABOVE = 4096, CHUNK_BYTES = 1 << 20, DEFLATE_LEVEL = 4, PATH_SIZE = 1024 };

static hid_t file_type(IoH5Type type)
{
    switch (type) {
    case IO_H5_F32: return H5T_IEEE_F32LE;
    case IO_H5_F64: return H5T_IEEE_F64LE;
    case IO_H5_I64: return H5T_STD_I64LE;
    case IO_H5_I32: return H5T_STD_I32LE;
    case IO_H5_U8: return H5T_STD_U8LE;
    }
    return H5I_INVALID_HID;
}

static BaseStatus wrap(hid_t id, const char *path, IoHdf5 **out)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    BASE_TRY(BASE_ALLOC(1, &file));
    file->id = id;
    BASE_TRY(base_strdup(path, &file->path));
    *out = file;
    return BASE_OK;
out:
    base_free(file);
    H5Fclose(id);
    return st;
}

BaseStatus io_hdf5_open(const char *path, IoHdf5 **out)
{
    *out = NULL;
    int64_t size;
    BaseStatus st = io_file_size(path, &size);
    if (st == BASE_OK) st = io_hdf5_probe(path, size);
    if (st != BASE_OK) return st;
    io_hdf5_quiet();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG); /* an id that leaked cannot keep the file open */
    hid_t id = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (id < 0) st = base_error_set(BASE_EFORMAT, "%s: not a readable HDF5 file (%s)", path, io_hdf5_reason());
    H5Pclose(access);
    if (st != BASE_OK) return st;
    /* once more, and not by the child's word alone: another file may stand there by now */
    st = io_hdf5_check(id, size, NULL, NULL);
    if (st == BASE_OK) return wrap(id, path, out);
    H5Fclose(id);
    return st == BASE_EFORMAT ? base_error_prefix(st, "%s: not a readable HDF5 file", path) : st;
}

/* @p image: of a whole file, copied; NULL: an empty one, whose root keeps its members in the order they come. */
BaseStatus io_hdf5_in_memory(const void *image, size_t size, bool ordered, IoHdf5 **out)
{
    *out = NULL;
    io_hdf5_quiet();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_fapl_core(access, 1 << 20, false);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_obj_track_times(creation, false);
    if (ordered) H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    /* libhdf5 tells files in memory apart by their names */
    static _Atomic unsigned made;
    char name[48];
    snprintf(name, sizeof name, "HDF5 file %u in memory", made++);
    hid_t id = H5I_INVALID_HID;
    if (!image)
        id = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    else if (H5Pset_file_image(access, (void *)image, size) >= 0)
        id = H5Fopen(name, H5F_ACC_RDWR, access);
    BaseStatus st = BASE_OK;
    if (id < 0) st = base_error_set(BASE_EBACKEND, "HDF5 cannot create a file in memory: %s", io_hdf5_reason());
    H5Pclose(access);
    H5Pclose(creation);
    return st == BASE_OK ? wrap(id, name, out) : st;
}

BaseStatus io_hdf5_create(IoHdf5 **out) { return io_hdf5_in_memory(NULL, 0, false, out); }

void io_hdf5_close(IoHdf5 *file)
{
    if (!file) return;
    io_hdf5_quiet();
    H5Fclose(file->id);
    io_hdf5_seen_free(&file->seen);
    base_free(file->path);
    base_free(file);
}

BaseStatus io_hdf5_image(const IoHdf5 *file, char **out, size_t *size)
{
    BaseStatus st = BASE_OK;
    io_hdf5_quiet();
    *out = NULL;
    BASE_CHECK(H5Fflush(file->id, H5F_SCOPE_LOCAL) >= 0, BASE_EBACKEND, "%s: HDF5: %s", file->path, io_hdf5_reason());
    ssize_t bytes = H5Fget_file_image(file->id, NULL, 0);
    BASE_CHECK(bytes > 0, BASE_EBACKEND, "%s: HDF5: %s", file->path, io_hdf5_reason());
    *size = (size_t)bytes;
    BASE_TRY(BASE_ALLOC_RAW(bytes, out));
    if (H5Fget_file_image(file->id, *out, *size) == bytes) return BASE_OK;
    st = base_error_set(BASE_EBACKEND, "%s: HDF5: %s", file->path, io_hdf5_reason());
out:
    base_free(*out);
    *out = NULL;
    return st;
}

void io_hdf5_private(IoHdf5 *file) { file->closed = true; }

BaseStatus io_hdf5_save_take(IoHdf5 *file, const char *path)
{
    BaseStatus st = BASE_OK;
    char *image = NULL;
    size_t size;
    BASE_TRY(io_hdf5_image(file, &image, &size));
    BASE_TRY(file->closed ? io_file_write_private(path, image, size) : io_file_write(path, image, size));
out:
    base_free(image);
    io_hdf5_close(file);
    return st;
}

/* HDF5 itself fails on the first missing part of a path, loudly; so each part is asked for. */
bool io_hdf5_has(IoHdf5 *file, const char *path)
{
    char part[PATH_SIZE];
    size_t size = strlen(path);
    io_hdf5_quiet();
    if (size >= sizeof part) return false;
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        if (path[i - 1] == '/') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0) return false;
        if (H5Oexists_by_name(file->id, part, H5P_DEFAULT) <= 0) return false; /* a link to nothing */
    }
    return size > 0;
}

hid_t io_hdf5_object(const IoHdf5 *file, const char *path)
{
    if (!io_hdf5_has((IoHdf5 *)file, path)) return H5I_INVALID_HID;
    return H5Oopen(file->id, path, H5P_DEFAULT);
}

BaseStatus io_hdf5_first(IoHdf5 *file, const char *path, bool *first)
{
    *first = false;
    io_hdf5_quiet();
    hid_t object = io_hdf5_object(file, path);
    if (object < 0) return base_error_set(BASE_ENOTFOUND, "%s: there is nothing at %s", file->path, path);
    BaseStatus st = io_hdf5_seen_add(&file->seen, object, first);
    H5Oclose(object);
    return st;
}

static BaseStatus open_dataset(IoHdf5 *file, const char *path, hid_t *out)
{
    *out = io_hdf5_object(file, path);
    if (*out < 0) return base_error_set(BASE_EFORMAT, "%s: there is no array %s", file->path, path);
    if (H5Iget_type(*out) == H5I_DATASET) return BASE_OK;
    H5Oclose(*out);
    *out = H5I_INVALID_HID;
    return base_error_set(BASE_EFORMAT, "%s: %s is a group where an array should be", file->path, path);
}

static BaseStatus describe(IoHdf5 *file, const char *path, hid_t data, IoH5Info *out)
{
    BaseStatus st = BASE_OK;
    hid_t type = H5Dget_type(data), space = H5Dget_space(data);
    BASE_CHECK(type >= 0 && space >= 0, BASE_EFORMAT, "%s: %s: %s", file->path, path, io_hdf5_reason());
    BASE_CHECK(io_hdf5_number(type, &out->stored, &out->is_float), BASE_EFORMAT,
               "%s: %s does not hold numbers that can be read (integers, booleans or floats of at most 64 bits)",
               file->path, path);
    BASE_CHECK(io_hdf5_extent(space, out), BASE_EFORMAT,
               "%s: %s: must be an array of at most %d dimensions and 2^63 - 1 elements", file->path, path, IO_H5_DIMS);
out:
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return st;
}

BaseStatus io_hdf5_info(IoHdf5 *file, const char *path, IoH5Info *out)
{
    hid_t data;
    *out = (IoH5Info){0};
    io_hdf5_quiet();
    BaseStatus st = open_dataset(file, path, &data);
    if (st != BASE_OK) return st;
    st = describe(file, path, data, out);
    H5Dclose(data);
    return st;
}

BaseStatus io_hdf5_read(IoHdf5 *file, const char *path, IoH5Type type, void *out)
{
    hid_t data;
    IoH5Info info;
    io_hdf5_quiet();
    BaseStatus st = open_dataset(file, path, &data);
    if (st != BASE_OK) return st;
    BASE_TRY(describe(file, path, data, &info));
    if (info.count == 0) goto out;
    BASE_CHECK(H5Dread(data, io_hdf5_memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0, BASE_EFORMAT,
               "%s: %s cannot be read: %s", file->path, path, io_hdf5_reason());
out:
    H5Dclose(data);
    return st;
}

static bool is_unsigned_64(hid_t data)
{
    hid_t type = H5Dget_type(data);
    bool yes =
        type >= 0 && H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) == 8 && H5Tget_sign(type) == H5T_SGN_NONE;
    if (type >= 0) H5Tclose(type);
    return yes;
}

/* Floats are read as doubles, in the place of the whole numbers that they become. */
static BaseStatus whole_of_floats(IoHdf5 *file, const char *path, int64_t count, uint64_t *out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(io_hdf5_read(file, path, IO_H5_F64, out));
    for (int64_t i = 0; i < count; i++) {
        double v;
        memcpy(&v, &out[i], sizeof v);
        BASE_CHECK(v == floor(v) && fabs(v) < 0x1p63, BASE_EFORMAT,
                   "%s: %s holds %.17g at place %lld; it must be a whole number of at most 64 bits", file->path, path,
                   v, (long long)i);
        out[i] = (uint64_t)(int64_t)v;
    }
out:
    return st;
}

static BaseStatus read_whole(IoHdf5 *file, const char *path, bool ids, uint64_t *out)
{
    BaseStatus st = BASE_OK;
    hid_t data = H5I_INVALID_HID;
    IoH5Info info;
    BASE_TRY(io_hdf5_info(file, path, &info));
    if (info.is_float) return whole_of_floats(file, path, info.count, out);
    BASE_TRY(open_dataset(file, path, &data));
    bool large = is_unsigned_64(data);
    if (!large) {
        st = io_hdf5_read(file, path, IO_H5_I64, out);
        goto out;
    }
    BASE_CHECK(info.count == 0 || H5Dread(data, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0,
               BASE_EFORMAT, "%s: %s cannot be read: %s", file->path, path, io_hdf5_reason());
    for (int64_t i = 0; i < info.count && !ids; i++)
        BASE_CHECK(out[i] <= INT64_MAX, BASE_EFORMAT, "%s: %s holds %llu at place %lld; it must be below 2^63",
                   file->path, path, (unsigned long long)out[i], (long long)i);
out:
    if (data >= 0) H5Dclose(data);
    return st;
}

BaseStatus io_hdf5_read_whole(IoHdf5 *file, const char *path, int64_t *out)
{
    return read_whole(file, path, false, (uint64_t *)out);
}

BaseStatus io_hdf5_read_ids(IoHdf5 *file, const char *path, uint64_t *out) { return read_whole(file, path, true, out); }

/* About 1 MiB per chunk: the leading dimensions give way first, so that a chunk is a run of whole rows. */
static void chunk_shape(size_t size, int ndim, const hsize_t *shape, hsize_t *chunk)
{
    double bytes = (double)size;
    for (int d = 0; d < ndim; d++) bytes *= (double)(chunk[d] = shape[d]);
    for (int d = 0; d < ndim && bytes > CHUNK_BYTES; d++) {
        hsize_t keep = (hsize_t)((double)shape[d] * CHUNK_BYTES / bytes);
        if (keep == 0) keep = 1;
        bytes *= (double)keep / (double)shape[d];
        chunk[d] = keep;
    }
}

static BaseStatus create_dataset(IoHdf5 *file, const char *path, hid_t type, int ndim, const int64_t *shape, hid_t *out)
{
    BaseStatus st = BASE_OK;
    hsize_t dims[IO_H5_DIMS], chunk[IO_H5_DIMS];
    hid_t space = H5I_INVALID_HID, links = H5I_INVALID_HID, creation = H5I_INVALID_HID;
    *out = H5I_INVALID_HID;
    BASE_CHECK(ndim >= 0 && ndim <= IO_H5_DIMS, BASE_EARG, "%s: %s: %d dimensions; at most %d", file->path, path, ndim,
               IO_H5_DIMS);
    double bytes = (double)H5Tget_size(type);
    for (int d = 0; d < ndim; d++) {
        BASE_CHECK(shape[d] >= 0, BASE_EARG, "%s: %s: dimension %d is %lld", file->path, path, d, (long long)shape[d]);
        bytes *= (double)(dims[d] = (hsize_t)shape[d]);
    }
    BASE_CHECK(!io_hdf5_has(file, path), BASE_EARG, "%s: %s exists already", file->path, path);
    space = ndim ? H5Screate_simple(ndim, dims, NULL) : H5Screate(H5S_SCALAR);
    links = H5Pcreate(H5P_LINK_CREATE);
    creation = H5Pcreate(H5P_DATASET_CREATE);
    BASE_CHECK(space >= 0 && links >= 0 && creation >= 0, BASE_EBACKEND, "%s: HDF5: %s", path, io_hdf5_reason());
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_obj_track_times(creation, false); /* same content, same bytes */
    if (bytes > CHUNK_ABOVE && ndim > 0) {
        chunk_shape(H5Tget_size(type), ndim, dims, chunk);
        H5Pset_chunk(creation, ndim, chunk);
        H5Pset_shuffle(creation);
        H5Pset_deflate(creation, DEFLATE_LEVEL);
    }
    *out = H5Dcreate2(file->id, path, type, space, links, creation, H5P_DEFAULT);
    BASE_CHECK(*out >= 0, BASE_EBACKEND, "%s: %s cannot be created: %s", file->path, path, io_hdf5_reason());
out:
    if (space >= 0) H5Sclose(space);
    if (links >= 0) H5Pclose(links);
    if (creation >= 0) H5Pclose(creation);
    return st;
}

BaseStatus io_hdf5_write_as(IoHdf5 *file, const char *path, hid_t stored, hid_t memory, int ndim, const int64_t *shape,
                            const void *data)
{
    hid_t set;
    io_hdf5_quiet();
    BaseStatus st = create_dataset(file, path, stored, ndim, shape, &set);
    if (st != BASE_OK) return st;
    bool empty = false;
    for (int d = 0; d < ndim; d++) empty = empty || shape[d] == 0;
    if (!empty && H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        st = base_error_set(BASE_EBACKEND, "%s: %s cannot be written: %s", file->path, path, io_hdf5_reason());
    if (H5Dclose(set) < 0 && st == BASE_OK)
        st = base_error_set(BASE_EBACKEND, "%s: %s cannot be written: %s", file->path, path, io_hdf5_reason());
    return st;
}

BaseStatus io_hdf5_write(IoHdf5 *file, const char *path, IoH5Type type, int ndim, const int64_t *shape,
                         const void *data)
{
    return io_hdf5_write_as(file, path, file_type(type), io_hdf5_memory_type(type), ndim, shape, data);
}

BaseStatus io_hdf5_write_texts(IoHdf5 *file, const char *path, const char *const *texts, size_t count)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    BaseStatus st = io_hdf5_write_as(file, path, type, type, 1, &(int64_t){(int64_t)count}, texts);
    H5Tclose(type);
    return st;
}

BaseStatus io_hdf5_read_texts(IoHdf5 *file, const char *path, char ***texts, size_t *count)
{
    hid_t data;
    *texts = NULL;
    *count = 0;
    io_hdf5_quiet();
    BaseStatus st = open_dataset(file, path, &data);
    if (st != BASE_OK) return st;
    st = io_hdf5_texts(data, false, path, texts, count);
    if (st != BASE_OK) base_error_prefix(st, "%s", file->path);
    H5Dclose(data);
    return st;
}

typedef struct {
    IoNames names;
    BaseStatus st;
} Listing;

static herr_t list_link(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    (void)group, (void)info;
    Listing *listing = user;
    listing->st = io_names_add(&listing->names, name);
    return listing->st == BASE_OK ? 0 : -1;
}

static herr_t list_attribute(hid_t object, const char *name, const H5A_info_t *info, void *user)
{
    (void)info;
    return list_link(object, name, NULL, user);
}

static BaseStatus list(IoHdf5 *file, const char *path, bool attributes, char ***names, size_t *count)
{
    *names = NULL;
    *count = 0;
    io_hdf5_quiet();
    hid_t object = io_hdf5_object(file, path);
    if (object >= 0 && !attributes && H5Iget_type(object) != H5I_GROUP) {
        H5Oclose(object);
        object = H5I_INVALID_HID;
    }
    if (object < 0)
        return base_error_set(BASE_ENOTFOUND, "%s: has no %s %s", file->path, attributes ? "object" : "group", path);
    Listing listing = {{0}, BASE_OK};
    herr_t rc = attributes ? H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, list_attribute, &listing)
                           : H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, list_link, &listing);
    BaseStatus st = listing.st;
    if (rc < 0 && st == BASE_OK)
        st = base_error_set(BASE_EFORMAT, "%s: %s cannot be listed: %s", file->path, path, io_hdf5_reason());
    H5Oclose(object);
    io_names_sort(&listing.names);
    if (st == BASE_OK) st = io_names_give(&listing.names, names, count);
    if (st != BASE_OK) io_names_drop(&listing.names);
    return st;
}

BaseStatus io_hdf5_list(IoHdf5 *file, const char *group, char ***names, size_t *count)
{
    return list(file, group, false, names, count);
}

BaseStatus io_hdf5_attributes(IoHdf5 *file, const char *path, char ***names, size_t *count)
{
    return list(file, path, true, names, count);
}
