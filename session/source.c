/* session/source.c - arrays in memory answer what an HDF5 file answers. */
#include "session/source.h"

#include <string.h>

#include "base/bf16.h"
#include "base/f16.h"
#include "base/memory.h"
#include "io/names.h"

static void drop(SessionArray *array)
{
    if (array->texts) io_names_free(array->texts, (size_t)array->shape[0]);
    *array = (SessionArray){0};
}

BaseStatus session_source_set_take(SessionSource *source, SessionArray *array)
{
    BaseStatus st = BASE_OK;
    SessionArray *place = NULL;
    for (size_t i = 0; i < source->count; i++)
        if (strcmp(source->array[i].path, array->path) == 0) place = &source->array[i];
    if (!place) {
        BASE_TRY(BASE_GROW_BY_ONE(&source->array, source->count));
        place = &source->array[source->count++];
    } else {
        drop(place);
    }
    *place = *array;
    array->texts = NULL;
out:
    drop(array);
    return st;
}

void session_source_free(SessionSource *source)
{
    for (size_t i = 0; i < source->count; i++) drop(&source->array[i]);
    base_free(source->array);
    *source = (SessionSource){0};
}

static const SessionArray *find(const SessionSource *source, const char *path)
{
    for (size_t i = 0; i < source->count; i++)
        if (strcmp(source->array[i].path, path) == 0) return &source->array[i];
    return NULL;
}

static BaseStatus find_given(const SessionSource *source, const char *path, bool texts, const SessionArray **out)
{
    *out = find(source, path);
    if (*out && ((*out)->texts != NULL) == texts) return BASE_OK;
    return base_error_set(*out ? BASE_EFORMAT : BASE_ENOTFOUND,
                          *out ? "%s: holds the wrong kind of values" : "%s is missing", path);
}

bool session_source_has(const SessionSource *source, const char *path)
{
    const size_t length = strlen(path);
    if (source->file) return io_hdf5_has(source->file, path);
    for (size_t i = 0; i < source->count; i++) {
        const char *const have = source->array[i].path;
        if (strncmp(have, path, length) == 0 && (have[length] == '\0' || have[length] == '/')) return true;
    }
    return false;
}

BaseStatus session_source_info(const SessionSource *source, const char *path, IoH5Info *out)
{
    BaseStatus st = BASE_OK;
    const SessionArray *a;
    if (source->file) return io_hdf5_info(source->file, path, out);
    BASE_TRY(find_given(source, path, false, &a));
    *out = (IoH5Info){.is_float = io_dtype_is_float(a->type), .ndim = a->ndim, .count = 1};
    out->stored = out->is_float ? IO_H5_F64 : a->type == IO_I64 ? IO_H5_I64 : a->type == IO_I32 ? IO_H5_I32 : IO_H5_U8;
    for (int d = 0; d < a->ndim; d++) out->count *= out->shape[d] = a->shape[d];
out:
    return st;
}

/* ---- values ---- */

static double real_at(IoDtype type, const void *data, int64_t i)
{
    switch (type) {
    case IO_F64: return ((const double *)data)[i];
    case IO_F32: return (double)((const float *)data)[i];
    case IO_F16: return (double)base_f16_to_f32(((const uint16_t *)data)[i]);
    default: return (double)base_bf16_to_f32(((const uint16_t *)data)[i]);
    }
}

static int64_t whole_at(IoDtype type, const void *data, int64_t i)
{
    switch (type) {
    case IO_I64: return ((const int64_t *)data)[i];
    case IO_I32: return ((const int32_t *)data)[i];
    default: return ((const uint8_t *)data)[i];
    }
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static void store(const SessionArray *a, int64_t from, IoH5Type type, void *out, int64_t to)
{
    bool real = io_dtype_is_float(a->type);
    int64_t whole = real ? 0 : whole_at(a->type, a->data, from);
    double value = real ? real_at(a->type, a->data, from) : (double)whole;
    switch (type) {
    case IO_H5_F32: ((float *)out)[to] = (float)value; break;
    case IO_H5_F64: ((double *)out)[to] = value; break;
    case IO_H5_I64: ((int64_t *)out)[to] = whole; break;
    case IO_H5_I32: ((int32_t *)out)[to] = (int32_t)within(whole, INT32_MIN, INT32_MAX); break;
    case IO_H5_U8: ((uint8_t *)out)[to] = (uint8_t)within(whole, 0, UINT8_MAX); break;
    }
}

/* The array as three dimensions, the last ones its own. */
static void spread(const SessionArray *a, int64_t shape[SESSION_ARRAY_DIMS], int64_t stride[SESSION_ARRAY_DIMS])
{
    for (int d = 0; d < SESSION_ARRAY_DIMS; d++) {
        int own = d - (SESSION_ARRAY_DIMS - a->ndim);
        shape[d] = own < 0 ? 1 : a->shape[own];
        stride[d] = own < 0 ? 0 : a->stride[own];
    }
}

static void store_all(const SessionArray *a, IoH5Type type, void *out)
{
    int64_t n[SESSION_ARRAY_DIMS], s[SESSION_ARRAY_DIMS], at = 0;
    spread(a, n, s);
    for (int64_t i = 0; i < n[0]; i++)
        for (int64_t j = 0; j < n[1]; j++)
            for (int64_t k = 0; k < n[2]; k++) store(a, i * s[0] + j * s[1] + k * s[2], type, out, at++);
}

BaseStatus session_source_read(const SessionSource *source, const char *path, IoH5Type type, void *out)
{
    BaseStatus st = BASE_OK;
    const SessionArray *a;
    if (source->file) return io_hdf5_read(source->file, path, type, out);
    BASE_TRY(find_given(source, path, false, &a));
    BASE_CHECK(!io_dtype_is_float(a->type) || type == IO_H5_F64 || type == IO_H5_F32, BASE_EFORMAT,
               "%s holds floating-point numbers; it must hold whole numbers", path);
    store_all(a, type, out);
out:
    return st;
}

BaseStatus session_source_whole(const SessionSource *source, const char *path, int64_t *out)
{
    return source->file ? io_hdf5_read_whole(source->file, path, out)
                        : session_source_read(source, path, IO_H5_I64, out);
}

BaseStatus session_source_ids(const SessionSource *source, const char *path, uint64_t *out)
{
    return source->file ? io_hdf5_read_ids(source->file, path, out) : session_source_read(source, path, IO_H5_I64, out);
}

BaseStatus session_source_texts(const SessionSource *source, const char *path, char ***out, size_t *count)
{
    BaseStatus st = BASE_OK;
    const SessionArray *a;
    char **copy = NULL;
    *out = NULL;
    *count = 0;
    if (source->file) return io_hdf5_read_texts(source->file, path, out, count);
    BASE_TRY(find_given(source, path, true, &a));
    BASE_TRY(BASE_ALLOC(a->shape[0], &copy));
    for (int64_t i = 0; i < a->shape[0]; i++) BASE_TRY(base_strdup(a->texts[i], &copy[i]));
    *count = (size_t)a->shape[0];
    *out = copy;
    copy = NULL;
out:
    if (copy) io_names_free(copy, (size_t)a->shape[0]);
    return st;
}

BaseStatus session_source_hash(const SessionSource *source, char hex[BASE_HASH_HEX])
{
    BaseStatus st = BASE_OK;
    BaseHash *hash = NULL;
    double *values = NULL;
    BASE_TRY(base_hash_create(&hash));
    for (size_t i = 0; i < source->count; i++) {
        const SessionArray *a = &source->array[i];
        int64_t count = 1;
        for (int d = 0; d < a->ndim; d++) count *= a->shape[d];
        base_hash_add_text(hash, a->path);
        base_hash_add(hash, a->shape, (size_t)a->ndim * sizeof *a->shape);
        for (int64_t k = 0; a->texts && k < count; k++) base_hash_add_text(hash, a->texts[k]);
        if (a->texts) continue;
        BASE_TRY(BASE_ALLOC_RAW(count, &values));
        store_all(a, io_dtype_is_float(a->type) ? IO_H5_F64 : IO_H5_I64, values);
        base_hash_add(hash, values, (size_t)count * sizeof *values);
        base_free(values);
        values = NULL;
    }
    base_hash_finish(hash, hex);
out:
    base_free(values);
    base_hash_free(hash);
    return st;
}
