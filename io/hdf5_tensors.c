/* io/hdf5_tensors.c - checkpoints as HDF5: one array a tensor, "conv1.weight" at the root or in groups
 * ("conv1/weight"), with the metadata as text attributes of the root. Half precision is HDF5's own 16-bit float,
 * bfloat16 another; booleans are the enumeration that h5py makes. What was read is written back as the same file with
 * only changed arrays replaced. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/containers.h"
#include "io/file.h"
#include "io/hdf5_check.h"
#include "io/names.h"

enum { LINKS_MOST = 1 << 16, DEPTH = 16 };
/* Deflate packs 1032 to 1, and fill values need no room: as in io/hdf5_probe.c, for all arrays together. */
static const int64_t RATIO = 1100, FREE_BYTES = (int64_t)64 << 20;

typedef struct {
    IoHdf5 *file;
    char **paths; /* [count] of the arrays, one per tensor */
    size_t count;
} Kept;

typedef struct {
    const char *path;
    IoHdf5 *file;
    IoTensors *tensors;
    IoNames paths;
    int64_t most, bytes, links; /* bytes: of all tensors so far */
    BaseText beside;
} Reader;

static void free_kept(void *data)
{
    Kept *kept = data;
    if (!kept) return;
    io_hdf5_close(kept->file);
    io_names_free(kept->paths, kept->count);
    base_free(kept);
}

static bool sniff(const unsigned char *head, size_t size, int64_t file_size)
{
    (void)file_size;
    return size >= 8 && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0;
}

/* ---- types ---- */

static hid_t small_float(size_t exponent_bits)
{
    size_t mantissa = 15 - exponent_bits;
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, mantissa, exponent_bits, 0, mantissa);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, ((size_t)1 << (exponent_bits - 1)) - 1);
    return type;
}

static hid_t boolean(void)
{
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    H5Tenum_insert(type, "FALSE", &(signed char){0});
    H5Tenum_insert(type, "TRUE", &(signed char){1});
    return type;
}

/* The type of a tensor in a file and, this machine being little-endian, in memory. The caller closes it. */
static hid_t type_of(IoDtype dtype)
{
    switch (dtype) {
    case IO_F64: return H5Tcopy(H5T_IEEE_F64LE);
    case IO_F32: return H5Tcopy(H5T_IEEE_F32LE);
    case IO_F16: return small_float(5);
    case IO_BF16: return small_float(8);
    case IO_I64: return H5Tcopy(H5T_STD_I64LE);
    case IO_I32: return H5Tcopy(H5T_STD_I32LE);
    case IO_I16: return H5Tcopy(H5T_STD_I16LE);
    case IO_I8: return H5Tcopy(H5T_STD_I8LE);
    case IO_U8: return H5Tcopy(H5T_STD_U8LE);
    case IO_BOOL: return boolean();
    default: return H5I_INVALID_HID;
    }
}

static bool dtype_of(hid_t type, IoDtype *out)
{
    size_t size = H5Tget_size(type), sign, exponent, exponent_bits, mantissa, mantissa_bits;
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        if (H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0) return false;
        *out = size == 8 ? IO_F64 : size == 4 ? IO_F32 : exponent_bits == 8 ? IO_BF16 : IO_F16;
        return size == 8 || size == 4 || (size == 2 && (exponent_bits == 8 || exponent_bits == 5));
    case H5T_INTEGER:
        *out = size == 8 ? IO_I64 : size == 4 ? IO_I32 : size == 2 ? IO_I16 : IO_I8;
        if (H5Tget_sign(type) != H5T_SGN_NONE) return size == 8 || size == 4 || size == 2 || size == 1;
        *out = IO_U8;
        return size == 1;
    case H5T_ENUM: *out = IO_BOOL; return size == 1 && H5Tget_nmembers(type) == 2;
    default: return false;
    }
}

/* Booleans of any spelling are read as they lie. */
static hid_t memory_type(hid_t data, IoDtype dtype) { return dtype == IO_BOOL ? H5Dget_type(data) : type_of(dtype); }

/* ---- reading ---- */

/* "/a/b" -> "a.b" */
static BaseStatus name_of(const char *path, char **out)
{
    BaseStatus st = base_strdup(path + 1, out);
    for (char *c = *out; st == BASE_OK && *c; c++)
        if (*c == '/') *c = '.';
    return st;
}

static BaseStatus take_array(Reader *r, hid_t data, const char *path)
{
    BaseStatus st = BASE_OK;
    char *name = NULL;
    IoTensor *tensor;
    IoDtype dtype;
    IoH5Info info;
    int64_t count, bytes;
    hid_t type = H5Dget_type(data), space = H5Dget_space(data), memory = H5I_INVALID_HID;
    BASE_CHECK(type >= 0 && space >= 0, BASE_EFORMAT, "%s: %s: %s", r->path, path, io_hdf5_reason());
    if (!dtype_of(type, &dtype) || !io_hdf5_extent(space, &info)) {
        if (r->beside.size < 200) base_text_add(&r->beside, "%s%.60s", r->beside.size ? ", " : "", path + 1);
        goto out;
    }
    BASE_CHECK(io_tensor_measure(dtype, info.ndim, info.shape, &count, &bytes) &&
                   !__builtin_add_overflow(r->bytes, bytes, &r->bytes) && r->bytes <= r->most,
               BASE_ELIMIT, "%s: %s: the arrays so far have more than %lld bytes, far more than the file", r->path,
               path, (long long)r->most);
    BASE_TRY(name_of(path, &name));
    BASE_TRY(io_names_add(&r->paths, path));
    BASE_TRY(io_tensors_append(r->tensors, name, dtype, info.ndim, info.shape, &tensor));
    memory = memory_type(data, dtype);
    BASE_CHECK(!count || H5Dread(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor->data) >= 0, BASE_EFORMAT,
               "%s: %s cannot be read: %s", r->path, path, io_hdf5_reason());
out:
    if (memory >= 0) H5Tclose(memory);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    base_free(name);
    return st;
}

typedef struct {
    IoNames names;
    BaseStatus st;
} Members;

static herr_t add_member(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    (void)group;
    Members *members = user;
    if (info->type == H5L_TYPE_HARD) members->st = io_names_add(&members->names, name);
    return members->st == BASE_OK ? 0 : -1;
}

/* In the order of their making where the file knows it, else by name. */
static BaseStatus list_members(hid_t group, const char *where, Members *out)
{
    unsigned tracked = 0;
    hid_t creation = H5Gget_create_plist(group);
    if (creation >= 0) {
        H5Pget_link_creation_order(creation, &tracked);
        H5Pclose(creation);
    }
    H5_index_t index = tracked & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    herr_t rc = H5Literate(group, index, H5_ITER_INC, NULL, add_member, out);
    if (out->st == BASE_OK && rc < 0) out->st = base_error_set(BASE_EFORMAT, "%s: %s", where, io_hdf5_reason());
    return out->st;
}

static BaseStatus walk(Reader *r, hid_t group, const char *path, int depth)
{
    BaseStatus st = BASE_OK;
    Members members = {.st = BASE_OK};
    char *below = NULL;
    hid_t object = H5I_INVALID_HID;
    BASE_CHECK(depth <= DEPTH, BASE_ELIMIT, "%s: groups nested more than %d deep", r->path, DEPTH);
    BASE_TRY(list_members(group, r->path, &members));
    for (size_t i = 0; i < members.names.count; i++) {
        BASE_CHECK(r->links++ < LINKS_MOST, BASE_ELIMIT, "%s: more than %d arrays and groups", r->path, LINKS_MOST);
        base_free(below);
        below = NULL;
        BASE_TRY(base_format(&below, "%s/%s", path, members.names.items[i]));
        object = H5Oopen(group, members.names.items[i], H5P_DEFAULT);
        BASE_CHECK(object >= 0, BASE_EFORMAT, "%s: %s: %s", r->path, below, io_hdf5_reason());
        H5I_type_t kind = H5Iget_type(object);
        if (kind == H5I_DATASET) BASE_TRY(take_array(r, object, below));
        bool first = true;
        if (kind == H5I_GROUP) BASE_TRY(io_hdf5_seen_add(&r->file->seen, object, &first));
        if (kind == H5I_GROUP && first) BASE_TRY(walk(r, object, below, depth + 1));
        H5Oclose(object);
        object = H5I_INVALID_HID;
    }
out:
    if (object >= 0) H5Oclose(object);
    base_free(below);
    io_names_drop(&members.names);
    return st;
}

/* A group that holds all of them is no part of their names. */
static void strip_group(const IoNames *paths, IoTensors *tensors)
{
    static const char *const GROUPS[] = {"/state_dict/", "/model_state_dict/", "/model/",   "/net/",
                                         "/params/",     "/weights/",          "/tensors/", NULL};
    for (const char *const *group = GROUPS; *group; group++) {
        size_t n = strlen(*group), i = 0;
        while (i < paths->count && strncmp(paths->items[i], *group, n) == 0) i++;
        if (i < paths->count) continue;
        for (i = 0; i < tensors->count; i++) {
            char *name = tensors->items[i].name; /* the path without its first slash */
            memmove(name, name + n - 1, strlen(name) - n + 2);
        }
        return;
    }
}

static BaseStatus read_meta(Reader *r)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *value = NULL;
    size_t count = 0;
    BASE_TRY(io_hdf5_attributes(r->file, "/", &names, &count));
    for (size_t i = 0; i < count; i++) {
        st = io_hdf5_get_text(r->file, "/", names[i], &value);
        if (st == BASE_OK) st = io_tensors_set_meta(r->tensors, names[i], value);
        base_free(value);
        value = NULL;
        if (st == BASE_ENOMEM) goto out;
        st = BASE_OK; /* numbers are not metadata, and stay where they are */
    }
out:
    io_names_free(names, count);
    return st;
}

static BaseStatus read_file(Reader *r)
{
    BaseStatus st = BASE_OK;
    Kept *kept = NULL;
    hid_t root = H5I_INVALID_HID;
    int64_t size;
    BASE_TRY(io_file_size(r->path, &size));
    if (__builtin_mul_overflow(size, RATIO, &r->most)) r->most = INT64_MAX / 2;
    r->most += FREE_BYTES;
    BASE_TRY(io_hdf5_open(r->path, &r->file));
    BASE_TRY(io_tensors_create(&r->tensors));
    root = H5Gopen2(r->file->id, "/", H5P_DEFAULT);
    BASE_CHECK(root >= 0, BASE_EFORMAT, "%s: %s", r->path, io_hdf5_reason());
    bool first; /* so that a link to the root is not */
    BASE_TRY(io_hdf5_seen_add(&r->file->seen, root, &first));
    BASE_TRY(walk(r, root, "", 0));
    BASE_TRY(r->beside.st);
    BASE_CHECK(r->tensors->count, BASE_EFORMAT, "%s: holds no arrays of numbers", r->path);
    BASE_TRY(io_tensors_check_names(r->tensors, r->path));
    strip_group(&r->paths, r->tensors);
    BASE_TRY(read_meta(r));
    BASE_TRY(io_tensors_keep(r->tensors, &io_container_hdf5, free_kept));
    BASE_TRY(BASE_ALLOC(1, &kept));
    BASE_TRY(io_names_give(&r->paths, &kept->paths, &kept->count));
    kept->file = r->file;
    r->file = NULL;
    r->tensors->origin->data = kept;
    r->tensors->origin->beside = r->beside.data;
    r->beside = (BaseText){0};
    kept = NULL;
out:
    if (root >= 0) H5Gclose(root);
    base_free(kept);
    return st;
}

static BaseStatus read_hdf5(const char *path, IoTensors **out)
{
    Reader r = {.path = path};
    BaseStatus st = read_file(&r);
    io_hdf5_close(r.file);
    io_names_drop(&r.paths);
    base_text_free(&r.beside);
    return io_tensors_finish(st, r.tensors, out);
}

/* ---- writing ---- */

/* Replaces the array's numbers where they are others. */
static BaseStatus update_array(const IoHdf5 *file, const char *path, const IoTensor *t, const char *where)
{
    BaseStatus st = BASE_OK;
    size_t bytes = (size_t)t->count * io_dtype_size(t->dtype);
    char *old = NULL;
    hid_t memory = H5I_INVALID_HID, data = io_hdf5_object(file, path);
    BASE_CHECK(data >= 0, BASE_EBACKEND, "%s: %s: %s", where, path, io_hdf5_reason());
    if (!t->count) goto out;
    memory = memory_type(data, t->dtype);
    BASE_TRY(BASE_ALLOC_RAW(bytes, &old));
    BASE_CHECK(H5Dread(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, old) >= 0, BASE_EBACKEND, "%s: %s: %s", where, path,
               io_hdf5_reason());
    BASE_CHECK(memcmp(old, t->data, bytes) == 0 || H5Dwrite(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data) >= 0,
               BASE_EBACKEND, "%s: %s cannot be written: %s", where, path, io_hdf5_reason());
out:
    if (memory >= 0) H5Tclose(memory);
    if (data >= 0) H5Oclose(data);
    base_free(old);
    return st;
}

static BaseStatus add_array(IoHdf5 *file, const IoTensors *tensors, const IoTensor *t, const char *where)
{
    BaseStatus st = BASE_OK;
    char *path = NULL, *full = NULL;
    hid_t type = type_of(t->dtype);
    BASE_CHECK(!strchr(t->name, '/') && *t->name, BASE_EFORMAT,
               "%s: tensor '%.200s': HDF5 cannot hold an array of this name; a .safetensors file can", where, t->name);
    BASE_TRY(io_tensors_full_name(tensors, t, &full));
    BASE_TRY(base_format(&path, "/%s", full));
    BASE_TRY(io_hdf5_write_as(file, path, type, type, t->ndim, t->shape, t->data));
out:
    base_free(full);
    base_free(path);
    if (type >= 0) H5Tclose(type);
    return st;
}

static BaseStatus write_meta(IoHdf5 *file, const IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    char *old = NULL;
    for (size_t i = 0; i < tensors->meta_count; i++) {
        const char *key = tensors->meta[2 * i], *value = tensors->meta[2 * i + 1];
        base_free(old);
        old = NULL;
        st = io_hdf5_get_text(file, "/", key, &old);
        if (st == BASE_ENOMEM) goto out;
        if (st == BASE_OK && strcmp(old, value) == 0) continue;
        BASE_TRY(io_hdf5_set_text(file, "/", key, value));
    }
out:
    base_free(old);
    return st;
}

static BaseStatus write_hdf5(const IoTensors *tensors, const char *path)
{
    BaseStatus st = BASE_OK;
    const Kept *kept = io_tensors_origin(tensors, &io_container_hdf5);
    IoHdf5 *file = NULL;
    char *image = NULL;
    size_t size;
    if (kept && kept->count == tensors->count) {
        BASE_TRY(io_hdf5_image(kept->file, &image, &size));
        BASE_TRY(io_hdf5_in_memory(image, size, false, &file));
        base_free(image);
        image = NULL;
        for (size_t i = 0; i < tensors->count; i++)
            BASE_TRY(update_array(file, kept->paths[i], &tensors->items[i], path));
    } else {
        BASE_TRY(io_hdf5_in_memory(NULL, 0, true, &file));
        for (size_t i = 0; i < tensors->count; i++) BASE_TRY(add_array(file, tensors, &tensors->items[i], path));
    }
    BASE_TRY(write_meta(file, tensors));
    st = io_hdf5_save_take(file, path);
    file = NULL;
out:
    io_hdf5_close(file);
    base_free(image);
    return st;
}

static const char *const EXTENSIONS[] = {".h5", ".hdf5", NULL};
const IoContainer io_container_hdf5 = {"HDF5", EXTENSIONS, sniff, read_hdf5, write_hdf5};
