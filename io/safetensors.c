/* io/safetensors.c - safetensors (huggingface/safetensors, README "Format"): 8 bytes N, little-endian; N bytes of JSON,
 * an object {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ..., "__metadata__": {text: text}},
 * padded with spaces; then the data, which the tensors cover without hole or overlap. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/containers.h"
#include "io/file.h"
#include "io/json.h"
#include "io/json_read.h"

enum { HEADER_MOST = 100 << 20, ALIGN = 8 };

typedef struct {
    int64_t begin, end;
    size_t index; /* of the tensor */
} Span;

typedef struct {
    const char *path;
    FILE *file;
    int64_t header_size, data_size;
    json_t *header;
    IoTensors *tensors;
    Span *spans; /* [tensors->count] */
} Reader;

static bool sniff(const unsigned char *head, size_t size, int64_t file_size)
{
    uint64_t length = 0;
    for (size_t i = 0; i < 8 && size > 8; i++) length |= (uint64_t)head[i] << 8 * i;
    return size > 8 && head[8] == '{' && length >= 2 && length <= HEADER_MOST && (int64_t)length <= file_size - 8;
}

static BaseStatus read_header(Reader *r)
{
    BaseStatus st = BASE_OK;
    unsigned char bytes[8];
    char *text = NULL;
    int64_t size;
    BASE_TRY(io_file_size(r->path, &size));
    r->file = fopen(r->path, "rb");
    BASE_CHECK(r->file, BASE_EIO, "%s: cannot be opened: %s", r->path, strerror(errno));
    BASE_CHECK(size >= 8 && fread(bytes, 1, 8, r->file) == 8, BASE_EFORMAT,
               "%s: not a safetensors file: %lld bytes hold no header", r->path, (long long)size);
    uint64_t length = 0;
    for (int i = 0; i < 8; i++) length |= (uint64_t)bytes[i] << 8 * i;
    BASE_CHECK(
        length <= HEADER_MOST && (int64_t)length <= size - 8, BASE_EFORMAT,
        "%s: not a complete safetensors file: its header should have %llu bytes, the file has %lld (a header may have "
        "at most %d)",
        r->path, (unsigned long long)length, (long long)size, HEADER_MOST);
    r->header_size = (int64_t)length;
    r->data_size = size - 8 - r->header_size;
    BASE_TRY(BASE_ALLOC_RAW(length + 1, &text));
    BASE_CHECK(fread(text, 1, (size_t)length, r->file) == (size_t)length, BASE_EIO, "%s: cannot be read", r->path);
    BASE_CHECK(length > 0 && text[0] == '{', BASE_EFORMAT, "%s: not a safetensors file: no { after the header's length",
               r->path);
    size_t objects = 0; /* parsed, each takes a kilobyte */
    for (uint64_t i = 0; i < length; i++) objects += text[i] == '{';
    BASE_CHECK(objects <= IO_TENSORS_MOST + 2, BASE_ELIMIT, "%s: more than %d tensors, which no classifier has",
               r->path, IO_TENSORS_MOST);
    BASE_TRY(io_json_read(r->path, "the safetensors header", text, (size_t)length, &r->header));
out:
    base_free(text);
    return st;
}

static bool dtype_of(const char *name, IoDtype *out)
{
    for (int d = 0; d < IO_DTYPE_COUNT; d++)
        if (strcmp(name, io_dtype_name((IoDtype)d)) == 0) return *out = (IoDtype)d, true;
    return false;
}

/* The span is checked against the file before any memory is taken for the tensor. */
static BaseStatus take_tensor(Reader *r, const char *name, json_t *entry)
{
    BaseStatus st = BASE_OK;
    IoDtype dtype;
    IoTensor *tensor;
    int64_t shape[IO_TENSOR_DIMS] = {0}, count, bytes;
    json_t *type = json_object_get(entry, "dtype"), *dims = json_object_get(entry, "shape"),
           *offsets = json_object_get(entry, "data_offsets"), *item;
    size_t i;
    BASE_CHECK(json_is_string(type) && json_is_array(dims) && json_is_array(offsets) && json_object_size(entry) == 3 &&
                   json_array_size(offsets) == 2,
               BASE_EFORMAT, "%s: tensor '%.200s' must have exactly dtype, shape and data_offsets [begin, end]",
               r->path, name);
    BASE_CHECK(dtype_of(json_string_value(type), &dtype), BASE_EFORMAT,
               "%s: tensor '%.200s' has dtype '%.20s', which is not supported", r->path, name, json_string_value(type));
    BASE_CHECK(json_array_size(dims) <= IO_TENSOR_DIMS, BASE_EFORMAT,
               "%s: tensor '%.200s' has %zu dimensions; at most %d", r->path, name, json_array_size(dims),
               IO_TENSOR_DIMS);
    json_array_foreach(dims, i, item)
    {
        BASE_CHECK(json_is_integer(item) && json_integer_value(item) >= 0, BASE_EFORMAT,
                   "%s: tensor '%.200s': dimension %zu must be a whole number of at least 0", r->path, name, i);
        shape[i] = json_integer_value(item);
    }
    int ndim = (int)json_array_size(dims);
    json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    Span span = {json_integer_value(first), json_integer_value(last), r->tensors->count};
    BASE_CHECK(json_is_integer(first) && json_is_integer(last) && span.begin >= 0 && span.begin <= span.end &&
                   span.end <= r->data_size,
               BASE_EFORMAT, "%s: tensor '%.200s' is at bytes %lld to %lld of %lld bytes of data", r->path, name,
               (long long)span.begin, (long long)span.end, (long long)r->data_size);
    BASE_CHECK(io_tensor_measure(dtype, ndim, shape, &count, &bytes) && bytes == span.end - span.begin, BASE_EFORMAT,
               "%s: tensor '%.200s' has %lld bytes, which do not fit its shape and dtype %s", r->path, name,
               (long long)(span.end - span.begin), io_dtype_name(dtype));
    BASE_TRY(io_tensors_append(r->tensors, name, dtype, ndim, shape, &tensor));
    r->spans[span.index] = span;
out:
    return st;
}

static int by_begin(const void *a, const void *b)
{
    const Span *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1; /* an empty tensor before the one that starts there */
    return x->index < y->index ? -1 : x->index > y->index;
}

static BaseStatus check_spans(const Reader *r)
{
    int64_t at = 0;
    for (size_t i = 0; i < r->tensors->count; i++) {
        const Span *span = &r->spans[i];
        if (span->begin != at)
            return base_error_set(BASE_EFORMAT,
                                  "%s: tensor '%.200s' starts at byte %lld of the data; it must start at %lld (%s)",
                                  r->path, r->tensors->items[span->index].name, (long long)span->begin, (long long)at,
                                  span->begin < at ? "it overlaps the one before" : "there is a gap before it");
        at = span->end;
    }
    if (at == r->data_size) return BASE_OK;
    return base_error_set(BASE_EFORMAT,
                          "%s: %lld bytes follow the last tensor, where no reader of the format allows any: cut them "
                          "off, or save the tensors again",
                          r->path, (long long)(r->data_size - at));
}

static BaseStatus read_file(Reader *r)
{
    BaseStatus st = BASE_OK;
    const char *name;
    json_t *entry;
    BASE_TRY(read_header(r));
    BASE_TRY(io_tensors_create(&r->tensors));
    BASE_TRY(BASE_ALLOC(json_object_size(r->header), &r->spans));
    json_object_foreach(r->header, name, entry)
    {
        BASE_CHECK(json_is_object(entry), BASE_EFORMAT, "%s: tensor '%.200s' is not an object", r->path, name);
        if (strcmp(name, "__metadata__") == 0)
            BASE_TRY(io_json_read_meta(r->path, name, entry, r->tensors));
        else
            BASE_TRY(take_tensor(r, name, entry));
    }
    if (r->tensors->count > 1) qsort(r->spans, r->tensors->count, sizeof *r->spans, by_begin);
    BASE_TRY(check_spans(r));
    for (size_t i = 0; i < r->tensors->count; i++) {
        IoTensor *tensor = &r->tensors->items[r->spans[i].index];
        size_t bytes = (size_t)(r->spans[i].end - r->spans[i].begin);
        BASE_CHECK(fread(tensor->data, 1, bytes, r->file) == bytes, BASE_EIO, "%s: cannot be read", r->path);
    }
out:
    return st;
}

static BaseStatus read_safetensors(const char *path, IoTensors **out)
{
    Reader r = {.path = path};
    BaseStatus st = read_file(&r);
    if (r.file) fclose(r.file);
    json_decref(r.header);
    base_free(r.spans);
    return io_tensors_finish(st, r.tensors, out);
}

/* Same content, same bytes: keys and tensors in the list's order, no times. */
static BaseStatus write_safetensors(const IoTensors *tensors, const char *path)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    IoWriter *writer = NULL;
    char *name = NULL;
    int64_t at = 0;
    base_text_add(&text, "{");
    if (tensors->meta_count) base_text_add(&text, "\"__metadata__\":{");
    for (size_t i = 0; i < tensors->meta_count; i++) {
        if (i) base_text_add(&text, ",");
        io_json_quote(&text, tensors->meta[2 * i]);
        base_text_add(&text, ":");
        io_json_quote(&text, tensors->meta[2 * i + 1]);
    }
    if (tensors->meta_count) base_text_add(&text, tensors->count ? "}," : "}");
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *t = &tensors->items[i];
        int64_t bytes = t->count * (int64_t)io_dtype_size(t->dtype);
        if (i) base_text_add(&text, ",");
        BASE_TRY(io_tensors_full_name(tensors, t, &name));
        io_json_quote(&text, name);
        base_free(name);
        name = NULL;
        base_text_add(&text, ":{\"dtype\":\"%s\",\"shape\":[", io_dtype_name(t->dtype));
        for (int d = 0; d < t->ndim; d++) base_text_add(&text, "%s%lld", d ? "," : "", (long long)t->shape[d]);
        base_text_add(&text, "],\"data_offsets\":[%lld,%lld]}", (long long)at, (long long)(at + bytes));
        at += bytes;
    }
    base_text_add(&text, "}");
    while (text.st == BASE_OK && text.size % ALIGN) base_text_add(&text, " ");
    BASE_TRY(text.st);
    BASE_CHECK(text.size <= HEADER_MOST, BASE_ELIMIT, "%s: a header of %zu bytes; at most %d", path, text.size,
               HEADER_MOST);
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)text.size >> 8 * i);
    BASE_TRY(io_writer_open(path, &writer));
    BASE_TRY(io_writer_add(writer, length, sizeof length));
    BASE_TRY(io_writer_add(writer, text.data, text.size));
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *t = &tensors->items[i];
        BASE_TRY(io_writer_add(writer, t->data, (size_t)t->count * io_dtype_size(t->dtype)));
    }
    st = io_writer_finish_take(writer);
    writer = NULL;
out:
    io_writer_drop(writer);
    base_free(name);
    base_text_free(&text);
    return st;
}

static const char *const EXTENSIONS[] = {".safetensors", NULL};
const IoContainer io_container_safetensors = {"safetensors", EXTENSIONS, sniff, read_safetensors, write_safetensors};
