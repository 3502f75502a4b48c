/* io/tensors.c - the list itself, half precision with IEEE rounding, and prefixes of names. */
#include "io/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bf16.h"
#include "base/f16.h"
#include "base/memory.h"
#include "io/hub.h"
#include "io/names.h"

static const struct {
    const char *name;
    size_t size;
} DTYPES[] = {
#define X(name, bytes) {#name, bytes},
    IO_DTYPE_LIST(X)
#undef X
};

const char *io_dtype_name(IoDtype dtype) { return (unsigned)dtype < IO_DTYPE_COUNT ? DTYPES[dtype].name : "?"; }
size_t io_dtype_size(IoDtype dtype) { return (unsigned)dtype < IO_DTYPE_COUNT ? DTYPES[dtype].size : 0; }
bool io_dtype_is_float(IoDtype dtype) { return dtype <= IO_BF16; }

/* ---- the list ---- */

BaseStatus io_tensors_create(IoTensors **out) { return BASE_ALLOC(1, out); }

void io_tensors_free(IoTensors *tensors)
{
    if (!tensors) return;
    for (size_t i = 0; i < tensors->count; i++) {
        base_free(tensors->items[i].name);
        base_free(tensors->items[i].alias);
        base_free(tensors->items[i].data);
    }
    base_free(tensors->items);
    io_names_free(tensors->meta, 2 * tensors->meta_count);
    base_index_free(&tensors->keys);
    for (size_t i = 0; i < tensors->copy_count; i++) {
        base_free(tensors->copies[i].where);
        io_tensors_free(tensors->copies[i].tensors);
    }
    base_free(tensors->copies);
    base_free(tensors->stale);
    base_free(tensors->strange);
    base_free(tensors->prefix);
    if (tensors->origin && --tensors->origin->lists == 0) {
        io_hub_free(tensors->hub);
        if (tensors->origin->free) tensors->origin->free(tensors->origin->data);
        base_free(tensors->origin->beside);
        base_free(tensors->origin);
    }
    base_free(tensors);
}

static BaseStatus copy_text(const char *text, char **out)
{
    *out = NULL;
    return text ? base_strdup(text, out) : BASE_OK;
}

static BaseStatus copy_items(const IoTensors *from, IoTensors *to)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(from->count, &to->items));
    for (; to->count < from->count; to->count++) {
        const IoTensor *item = &from->items[to->count];
        IoTensor *copy = &to->items[to->count];
        const size_t bytes = (size_t)item->count * io_dtype_size(item->dtype);
        *copy = *item;
        copy->name = copy->alias = NULL, copy->data = NULL;
        st = base_strdup(item->name, &copy->name);
        if (st == BASE_OK) st = copy_text(item->alias, &copy->alias);
        if (st == BASE_OK) st = base_alloc_raw(bytes, 1, &copy->data);
        if (st == BASE_OK && bytes) memcpy(copy->data, item->data, bytes);
        if (st == BASE_OK) continue;
        to->count++; /* freed with what it has */
        goto out;
    }
out:
    return st;
}

BaseStatus io_tensors_copy(const IoTensors *from, IoTensors **out)
{
    BaseStatus st = BASE_OK;
    IoTensors *to = NULL;
    *out = NULL;
    BASE_TRY(io_tensors_create(&to));
    BASE_TRY(copy_items(from, to));
    for (size_t i = 0; i < from->meta_count; i++)
        BASE_TRY(io_tensors_set_meta(to, from->meta[2 * i], from->meta[2 * i + 1]));
    BASE_TRY(BASE_ALLOC(from->copy_count, &to->copies));
    for (; to->copy_count < from->copy_count; to->copy_count++) {
        IoTensorsCopy *copy = &to->copies[to->copy_count];
        copy->dropped = from->copies[to->copy_count].dropped;
        BASE_TRY(io_tensors_copy(from->copies[to->copy_count].tensors, &copy->tensors));
        st = base_strdup(from->copies[to->copy_count].where, &copy->where);
        if (st != BASE_OK) io_tensors_free(copy->tensors);
        BASE_TRY(st);
    }
    BASE_TRY(copy_text(from->prefix, &to->prefix));
    BASE_TRY(copy_text(from->stale, &to->stale));
    BASE_TRY(copy_text(from->strange, &to->strange));
    to->keep_strange = from->keep_strange;
    to->hub = from->hub;
    to->origin = from->origin;
    if (to->origin) to->origin->lists++;
    *out = to;
    to = NULL;
out:
    io_tensors_free(to);
    return st;
}

bool io_tensor_measure(IoDtype dtype, int ndim, const int64_t *shape, int64_t *count, int64_t *bytes)
{
    if ((unsigned)dtype >= IO_DTYPE_COUNT || ndim < 0 || ndim > IO_TENSOR_DIMS) return false;
    *count = 1;
    for (int d = 0; d < ndim; d++) /* from the left, as PyTorch, safetensors and HDF5 do: a 0 behind is too late */
        if (shape[d] < 0 || __builtin_mul_overflow(*count, shape[d], count)) return false;
    return !__builtin_mul_overflow(*count, (int64_t)io_dtype_size(dtype), bytes);
}

BaseStatus io_tensors_append(IoTensors *tensors, const char *name, IoDtype dtype, int ndim, const int64_t *shape,
                             IoTensor **out)
{
    BaseStatus st = BASE_OK;
    IoTensor fresh = {.dtype = dtype, .ndim = ndim};
    int64_t bytes;
    *out = NULL;
    BASE_CHECK(tensors->count < IO_TENSORS_MOST, BASE_ELIMIT, "more than %d tensors, which no classifier has",
               IO_TENSORS_MOST);
    BASE_CHECK(io_tensor_measure(dtype, ndim, shape, &fresh.count, &bytes), BASE_EARG,
               "tensor '%.200s': %d dimensions of impossible size; at most %d, none negative", name, ndim,
               IO_TENSOR_DIMS);
    for (int d = 0; d < ndim; d++) fresh.shape[d] = shape[d];
    BASE_TRY(BASE_GROW_BY_ONE(&tensors->items, tensors->count));
    BASE_TRY(base_strdup(name, &fresh.name));
    BASE_TRY(base_alloc_bytes((size_t)bytes, 1, &fresh.data));
    tensors->items[tensors->count] = fresh;
    *out = &tensors->items[tensors->count++];
    return BASE_OK;
out:
    base_free(fresh.name);
    return st;
}

BaseStatus io_tensors_move(IoTensors *to, IoTensors *from)
{
    BaseStatus st = BASE_OK;
    size_t moved = 0;
    for (; moved < from->count; moved++) {
        BASE_TRY(BASE_GROW_BY_ONE(&to->items, to->count));
        to->items[to->count++] = from->items[moved];
    }
out: /* what is left stays in front */
    if (moved) memmove(from->items, from->items + moved, (from->count - moved) * sizeof *from->items);
    from->count -= moved;
    return st;
}

BaseStatus io_tensors_add(IoTensors *tensors, const char *name, IoDtype dtype, int ndim, const int64_t *shape,
                          const void *data)
{
    IoTensor *tensor;
    if (io_tensors_find(tensors, name)) return base_error_set(BASE_EARG, "there are two tensors named '%.200s'", name);
    BaseStatus st = io_tensors_append(tensors, name, dtype, ndim, shape, &tensor);
    if (st == BASE_OK && data && tensor->count)
        memcpy(tensor->data, data, (size_t)tensor->count * io_dtype_size(dtype));
    return st;
}

IoTensor *io_tensors_find(const IoTensors *tensors, const char *name)
{
    for (size_t i = 0; i < tensors->count; i++)
        if (strcmp(tensors->items[i].name, name) == 0) return &tensors->items[i];
    for (size_t i = 0; i < tensors->count; i++)
        if (tensors->items[i].alias && strcmp(tensors->items[i].alias, name) == 0) return &tensors->items[i];
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const IoTensor *const *)a)->name, (*(const IoTensor *const *)b)->name);
}

BaseStatus io_tensors_check_names(const IoTensors *tensors, const char *path)
{
    BaseStatus st = BASE_OK;
    const IoTensor **sorted = NULL;
    BASE_TRY(BASE_ALLOC(tensors->count, &sorted));
    for (size_t i = 0; i < tensors->count; i++) sorted[i] = &tensors->items[i];
    if (tensors->count > 1) qsort(sorted, tensors->count, sizeof *sorted, compare_names);
    for (size_t i = 1; i < tensors->count; i++)
        BASE_CHECK(strcmp(sorted[i - 1]->name, sorted[i]->name) != 0, BASE_EFORMAT,
                   "%s: there are two tensors named '%.200s'", path, sorted[i]->name);
out:
    base_free(sorted);
    return st;
}

const char *io_tensors_meta(const IoTensors *tensors, const char *key)
{
    size_t at = base_index_find(&tensors->keys, key);
    return at == SIZE_MAX ? NULL : tensors->meta[2 * at + 1];
}

BaseStatus io_tensors_set_meta(IoTensors *tensors, const char *key, const char *value)
{
    BaseStatus st = BASE_OK;
    char *new_key = NULL, *new_value = NULL;
    BASE_TRY(base_strdup(value, &new_value));
    size_t old = base_index_find(&tensors->keys, key), n = tensors->meta_count;
    if (old != SIZE_MAX) {
        base_free(tensors->meta[2 * old + 1]);
        tensors->meta[2 * old + 1] = new_value;
        return BASE_OK;
    }
    BASE_TRY(base_strdup(key, &new_key));
    BASE_TRY(base_grow_by_one((void **)&tensors->meta, n, 2 * sizeof *tensors->meta)); /* key and value */
    BASE_TRY(base_index_add(&tensors->keys, new_key, n, &old));
    tensors->meta[2 * tensors->meta_count] = new_key;
    tensors->meta[2 * tensors->meta_count + 1] = new_value;
    tensors->meta_count++;
    return BASE_OK;
out:
    base_free(new_key);
    base_free(new_value);
    return st;
}

/* ---- conversion ---- */

BaseStatus io_tensor_to_f32(const IoTensor *tensor, float *out)
{
    const uint16_t *half = tensor->data;
    const double *wide = tensor->data;
    int64_t n = tensor->count;
    switch (tensor->dtype) {
    case IO_F32: memcpy(out, tensor->data, (size_t)n * sizeof *out); return BASE_OK;
    case IO_F64:
        for (int64_t i = 0; i < n; i++) out[i] = (float)wide[i];
        return BASE_OK;
    case IO_F16:
        for (int64_t i = 0; i < n; i++) out[i] = base_f16_to_f32(half[i]);
        return BASE_OK;
    case IO_BF16:
        for (int64_t i = 0; i < n; i++) out[i] = base_bf16_to_f32(half[i]);
        return BASE_OK;
    default:
        return base_error_set(BASE_EFORMAT, "tensor '%.200s' holds %s; it must hold floating-point numbers",
                              tensor->name, io_dtype_name(tensor->dtype));
    }
}

static BaseStatus overflow(const IoTensor *tensor, int64_t i, float value)
{
    return base_error_set(BASE_ENUMERIC, "tensor '%.200s': entry %lld is %g, which %s cannot hold", tensor->name,
                          (long long)i, (double)value, io_dtype_name(tensor->dtype));
}

BaseStatus io_tensor_from_f32(IoTensor *tensor, const float *values)
{
    uint16_t *half = tensor->data;
    double *wide = tensor->data;
    int64_t n = tensor->count;
    if (!io_dtype_is_float(tensor->dtype))
        return base_error_set(BASE_EFORMAT, "tensor '%.200s' holds %s; it must hold floating-point numbers",
                              tensor->name, io_dtype_name(tensor->dtype));
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(values[i])) return overflow(tensor, i, values[i]);
    switch (tensor->dtype) {
    case IO_F64:
        for (int64_t i = 0; i < n; i++) wide[i] = (double)values[i];
        return BASE_OK;
    case IO_F16:
        for (int64_t i = 0; i < n; i++)
            if (((half[i] = base_f16_from_f32(values[i])) & 0x7fff) == 0x7c00) return overflow(tensor, i, values[i]);
        return BASE_OK;
    case IO_BF16:
        for (int64_t i = 0; i < n; i++)
            if (((half[i] = base_bf16_from_f32(values[i])) & 0x7fff) == 0x7f80) return overflow(tensor, i, values[i]);
        return BASE_OK;
    default: memcpy(tensor->data, values, (size_t)n * sizeof *values); return BASE_OK;
    }
}

/* ---- names ---- */

/* The first tensor of the network; NULL where there is none. */
static const char *first_name(const IoTensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++)
        if (!tensors->items[i].aside) return tensors->items[i].name;
    return NULL;
}

size_t io_tensors_common(const IoTensors *tensors)
{
    const char *first = first_name(tensors);
    size_t size = first ? strcspn(first, ".") : 0;
    if (!first || !first[size]) return 0;
    size++;
    for (size_t i = 0; i < tensors->count; i++) {
        const char *name = tensors->items[i].name;
        if (!tensors->items[i].aside && (strncmp(name, first, size) != 0 || !name[size])) return 0;
    }
    return size;
}

BaseStatus io_tensors_cut(IoTensors *tensors, size_t size)
{
    BaseStatus st = BASE_OK;
    char *prefix = NULL;
    const char *first = first_name(tensors);
    size_t was = tensors->prefix ? strlen(tensors->prefix) : 0;
    if (!size || !first) return BASE_OK;
    BASE_TRY(base_format(&prefix, "%s%.*s", tensors->prefix ? tensors->prefix : "", (int)size, first));
    for (size_t i = 0; i < tensors->count; i++) {
        IoTensor *t = &tensors->items[i];
        if (t->aside && (t->cut != was || strncmp(t->name, prefix + was, size) != 0)) continue;
        t->cut += size;
        memmove(t->name, t->name + size, strlen(t->name) - size + 1);
    }
    for (size_t c = 0; c < tensors->copy_count; c++)
        for (size_t i = 0; i < tensors->copies[c].tensors->count; i++) {
            IoTensor *t = &tensors->copies[c].tensors->items[i];
            memmove(t->name, t->name + size, strlen(t->name) - size + 1);
        }
    base_free(tensors->prefix);
    tensors->prefix = prefix;
out:
    return st;
}

BaseStatus io_tensors_full_name(const IoTensors *tensors, const IoTensor *tensor, char **out)
{
    const char *prefix = tensors->prefix ? tensors->prefix : "";
    size_t size = tensor->aside ? tensor->cut : strlen(prefix);
    return base_format(out, "%.*s%s", (int)size, prefix, tensor->name);
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), n = strlen(end);
    return size >= n && strcmp(name + size - n, end) == 0 && (size == n || name[size - n - 1] == '.');
}

BaseStatus io_tensors_take_prefix(IoTensors *tensors)
{
    static const char *const KNOWN[] = {"module.", "_orig_mod."};
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < tensors->count; i++) {
        const char *name = tensors->items[i].name;
        tensors->items[i].aside = strcmp(name, IO_TENSORS_AVERAGED) == 0 || ends_with(name, IO_TENSORS_MEAN) ||
                                  ends_with(name, IO_TENSORS_STD);
    }
    for (size_t k = 0; st == BASE_OK && k < sizeof KNOWN / sizeof KNOWN[0];) {
        size_t size = io_tensors_common(tensors);
        bool known = size == strlen(KNOWN[k]) && strncmp(first_name(tensors), KNOWN[k], size) == 0;
        if (known) st = io_tensors_cut(tensors, size);
        k = known ? 0 : k + 1;
    }
    return st;
}
