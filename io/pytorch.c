/* PyTorch's zip format (torch/serialization.py since 1.6; torch/csrc/jit/serialization/pickler): an archive whose
 * record <folder>/data.pkl is a pickle in which each tensor names a storage, and <folder>/data/<key> are the storages'
 * bytes, little-endian. The names below are those that torch.load(weights_only=True) knows and a state dict needs. */
#include "io/pytorch.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/file.h"

enum { PICKLE_MOST = 64 << 20, META_MOST = 16 << 20, NESTING = 4, SHARED_MOST = 4 };
static const int64_t FREE_BYTES = 16 << 20;

static const struct {
    const char *name;
    IoDtype dtype;
} STORAGES[] = {{"torch.FloatStorage", IO_F32},     {"torch.DoubleStorage", IO_F64}, {"torch.HalfStorage", IO_F16},
                {"torch.BFloat16Storage", IO_BF16}, {"torch.LongStorage", IO_I64},   {"torch.IntStorage", IO_I32},
                {"torch.ShortStorage", IO_I16},     {"torch.CharStorage", IO_I8},    {"torch.ByteStorage", IO_U8},
                {"torch.BoolStorage", IO_BOOL}};
enum { STORAGE_COUNT = sizeof STORAGES / sizeof STORAGES[0] };

static const char TENSOR[] = "torch._utils._rebuild_tensor_v2", PARAMETER[] = "torch._utils._rebuild_parameter";
static const char *const NAMES[] = {"collections.OrderedDict",
                                    TENSOR,
                                    PARAMETER,
                                    "torch.Size",
                                    "torch.device",
                                    "torch.float32",
                                    "torch.float64",
                                    "torch.float16",
                                    "torch.bfloat16",
                                    "torch.int64",
                                    "torch.int32",
                                    "torch.int16",
                                    "torch.int8",
                                    "torch.uint8",
                                    "torch.bool",
                                    "torch.FloatStorage",
                                    "torch.DoubleStorage",
                                    "torch.HalfStorage",
                                    "torch.BFloat16Storage",
                                    "torch.LongStorage",
                                    "torch.IntStorage",
                                    "torch.ShortStorage",
                                    "torch.CharStorage",
                                    "torch.ByteStorage",
                                    "torch.BoolStorage",
                                    NULL};
const IoPickleRules io_pytorch_rules = {.names = NAMES,
                                        .hint = "save model.state_dict() with torch.save",
                                        .persistent = true,
                                        .operations = 4u << 20,
                                        .depth = 64};

typedef struct {
    const char *path;
    IoPytorch *file;
    IoPickle *pickle;
    IoPickleValue *state; /* the dict of tensors */
    IoTensors *tensors;
    int64_t bytes; /* of all tensors so far */
    BaseText beside;
} Reader;

const char *io_pytorch_storage_name(IoDtype dtype)
{
    for (int i = 0; i < STORAGE_COUNT; i++)
        if (STORAGES[i].dtype == dtype) return STORAGES[i].name;
    return NULL;
}

void io_pytorch_free(void *pytorch)
{
    IoPytorch *file = pytorch;
    if (!file) return;
    io_archive_close(file->archive);
    base_free(file->folder);
    base_free(file->bytes);
    base_free(file->views);
    base_free(file->by_record);
    base_free(file);
}

/* ---- the pickle ---- */

IoPickleValue *io_pytorch_tensor(IoPickleValue *value)
{
    if (io_pickle_calls(value, PARAMETER) && value->args->count) value = value->args->items[0];
    return io_pickle_calls(value, TENSOR) ? value : NULL;
}

static bool holds_tensors(const IoPickleValue *dict)
{
    for (size_t i = 0; i + 1 < dict->count; i += 2)
        if (io_pytorch_tensor(dict->items[i + 1])) return true;
    return false;
}

static IoPickleValue *state_below(IoPickleValue *root, int depth)
{
    static const char *const KEYS[] = {"state_dict", "model_state_dict", "model", "net", NULL};
    if (!io_pickle_is_dict(root)) return NULL;
    for (const char *const *key = KEYS; *key && depth < NESTING; key++) {
        IoPickleValue *found = state_below(io_pickle_get(root, *key), depth + 1);
        if (found) return found;
    }
    return holds_tensors(root) ? root : NULL;
}

IoPickleValue *io_pytorch_state(IoPickleValue *root) { return state_below(root, 0); }

static void add_key(BaseText *text, const IoPickleValue *key)
{
    bool spelt = key->kind == IO_PICKLE_TEXT || key->kind == IO_PICKLE_STRING;
    if (text->size > 200) return;
    base_text_add(text, text->size ? ", " : "");
    if (!spelt) base_text_add(text, "?");
    for (size_t i = 0; spelt && i < key->count && i < 60; i++) /* fit for a terminal */
        base_text_add(text, "%c", (unsigned char)key->bytes[i] < ' ' ? '?' : key->bytes[i]);
}

/* Keys of the dicts on the way to the state dict, and of its entries that are no tensors. */
static void add_beside(const IoPickleValue *dict, const IoPickleValue *state, int depth, BaseText *text)
{
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        IoPickleValue *value = dict->items[i + 1];
        if (value == state || (dict == state && io_pytorch_tensor(value))) continue;
        if (dict != state && depth < NESTING && io_pytorch_state(value) == state)
            add_beside(value, state, depth + 1, text);
        else
            add_key(text, dict->items[i]);
    }
    if (dict != state && depth == 0) add_beside(state, state, 1, text);
}

static BaseStatus find_state(Reader *r)
{
    BaseStatus st = BASE_OK;
    BaseText keys = {0};
    IoPickleValue *root = io_pickle_root(r->pickle);
    BASE_CHECK(io_pickle_is_dict(root), BASE_EFORMAT,
               "%s: holds no state dict; save model.state_dict(), or a dict with it under 'state_dict'", r->path);
    r->state = io_pytorch_state(root);
    if (!r->state) {
        for (size_t i = 0; i < root->count; i += 2) add_key(&keys, root->items[i]);
        BASE_TRY(keys.st);
        BASE_FAIL(BASE_EFORMAT, "%s: holds no tensors under 'state_dict', 'model_state_dict', 'model' or 'net'; %s%s",
                  r->path, keys.size ? "its keys are: " : "it is empty", keys.size ? keys.data : "");
    }
    add_beside(root, r->state, 0, &r->beside);
    st = r->beside.st;
out:
    base_text_free(&keys);
    return st;
}

static bool whole(const IoPickleValue *value, int64_t *out)
{
    bool fine = value->kind == IO_PICKLE_INT && value->whole >= 0;
    *out = fine ? value->whole : 0;
    return fine;
}

/* ('storage', torch.FloatStorage, key, location, elements): the record, and what it must hold. */
static BaseStatus take_storage(const Reader *r, const char *name, const IoPickleValue *storage, IoDtype *dtype,
                               int64_t *elements, size_t *record)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    const IoPickleValue *id = storage->kind == IO_PICKLE_PERSISTENT ? storage->args : NULL;
    BASE_CHECK(id && id->kind == IO_PICKLE_TUPLE && id->count == 5 && io_pickle_spells(id->items[0], "storage") &&
                   id->items[1]->kind == IO_PICKLE_GLOBAL &&
                   (id->items[2]->kind == IO_PICKLE_TEXT || id->items[2]->kind == IO_PICKLE_STRING) &&
                   whole(id->items[4], elements),
               BASE_EFORMAT, "%s: tensor '%.200s' lies in no storage", r->path, name);
    int kind = 0;
    while (kind < STORAGE_COUNT && strcmp(STORAGES[kind].name, id->items[1]->name) != 0) kind++;
    BASE_CHECK(kind < STORAGE_COUNT, BASE_EFORMAT, "%s: tensor '%.200s' lies in a %s, which is no storage", r->path,
               name, id->items[1]->name);
    *dtype = STORAGES[kind].dtype;
    const IoPickleValue *key = id->items[2];
    BASE_TRY(
        base_format(&path, "%sdata/%.*s", r->file->folder, (int)(key->count < 200 ? key->count : 200), key->bytes));
    int64_t found = io_archive_find(r->file->archive, path), bytes;
    BASE_CHECK(found >= 0, BASE_EFORMAT, "%s: tensor '%.200s': the archive has no record %s", r->path, name, path);
    *record = (size_t)found;
    BASE_CHECK(!__builtin_mul_overflow(*elements, (int64_t)io_dtype_size(*dtype), &bytes) &&
                   (uint64_t)bytes == io_archive_size(r->file->archive, *record),
               BASE_EFORMAT, "%s: tensor '%.200s': record %s has %zu bytes; must be %lld elements of %s", r->path, name,
               path, io_archive_size(r->file->archive, *record), (long long)*elements, io_dtype_name(*dtype));
out:
    base_free(path);
    return st;
}

/* Whether the last element lies in the storage; an empty tensor lies anywhere in it. */
static bool fits(const IoPytorchView *view, int ndim, const int64_t *shape, int64_t count, int64_t elements)
{
    int64_t last = view->offset, step;
    for (int d = 0; count && d < ndim; d++)
        if (__builtin_mul_overflow(shape[d] - 1, view->stride[d], &step) || __builtin_add_overflow(last, step, &last))
            return false;
    return count ? last < elements : last <= elements;
}

static bool is_whole(const IoPytorchView *view, int ndim, const int64_t *shape, int64_t count, int64_t elements)
{
    int64_t step = 1;
    if (view->offset || count != elements) return false;
    if (!count) return true; /* a side of 0 beside others of any size, whose product may be beyond 64 bits */
    for (int d = ndim - 1; d >= 0; d--) {
        if (shape[d] != 1 && view->stride[d] != step) return false;
        step *= shape[d];
    }
    return true;
}

/* _rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks[, metadata]) */
static BaseStatus take_tensor(Reader *r, const char *name, size_t slot, const IoPickleValue *args)
{
    BaseStatus st = BASE_OK;
    IoPytorchView view = {.slot = slot};
    IoDtype dtype = IO_F32;
    IoTensor *tensor;
    int64_t shape[IO_TENSOR_DIMS] = {0}, elements, count, bytes;
    BASE_CHECK(args->count == 6 || args->count == 7, BASE_EFORMAT, "%s: tensor '%.200s' is made from %zu values, not 6",
               r->path, name, args->count);
    BASE_TRY(take_storage(r, name, args->items[0], &dtype, &elements, &view.record));
    const IoPickleValue *sizes = args->items[2], *strides = args->items[3];
    BASE_CHECK(sizes->kind == IO_PICKLE_TUPLE && strides->kind == IO_PICKLE_TUPLE && sizes->count == strides->count &&
                   sizes->count <= IO_TENSOR_DIMS,
               BASE_EFORMAT, "%s: tensor '%.200s' must have as many strides as dimensions, at most %d", r->path, name,
               IO_TENSOR_DIMS);
    int ndim = (int)sizes->count;
    bool fine = whole(args->items[1], &view.offset);
    for (int d = 0; d < ndim; d++)
        fine = whole(sizes->items[d], &shape[d]) && whole(strides->items[d], &view.stride[d]) && fine;
    BASE_CHECK(fine && io_tensor_measure(dtype, ndim, shape, &count, &bytes) &&
                   fits(&view, ndim, shape, count, elements),
               BASE_EFORMAT, "%s: tensor '%.200s' does not lie inside its storage of %lld elements", r->path, name,
               (long long)elements);
    /* strides of 0 and shared storages make tensors of more bytes than the file has */
    int64_t most = SHARED_MOST * io_archive_file_size(r->file->archive) + FREE_BYTES;
    BASE_CHECK(!__builtin_add_overflow(r->bytes, bytes, &r->bytes) && r->bytes <= most, BASE_ELIMIT,
               "%s: tensor '%.200s': the tensors so far have more than %lld bytes, %d times the file", r->path, name,
               (long long)most, SHARED_MOST);
    for (int d = 0; d < ndim; d++)
        if (shape[d] <= 1) view.stride[d] = 0; /* never stepped by, and unchecked */
    view.whole = is_whole(&view, ndim, shape, count, elements);
    BASE_TRY(io_tensors_append(r->tensors, name, dtype, ndim, shape, &tensor));
    r->file->views[r->file->count++] = view;
out:
    return st;
}

static BaseStatus take_tensors(Reader *r)
{
    BaseStatus st = BASE_OK;
    char *name = NULL;
    BASE_TRY(BASE_ALLOC(r->state->count / 2, &r->file->views));
    for (size_t i = 0; i + 1 < r->state->count; i += 2) {
        const IoPickleValue *key = r->state->items[i];
        IoPickleValue *tensor = io_pytorch_tensor(r->state->items[i + 1]);
        if (!tensor) continue;
        BASE_CHECK((key->kind == IO_PICKLE_TEXT || key->kind == IO_PICKLE_STRING) && key->count < 4096 &&
                       !memchr(key->bytes, '\0', key->count),
                   BASE_EFORMAT, "%s: tensor %zu of the state dict has a key that is no name", r->path, i / 2);
        BASE_TRY(base_format(&name, "%.*s", (int)key->count, key->bytes));
        BASE_TRY(take_tensor(r, name, i + 1, tensor->args));
        base_free(name);
        name = NULL;
    }
    BASE_TRY(io_tensors_check_names(r->tensors, r->path));
out:
    base_free(name);
    return st;
}

/* ---- the storages ---- */

/* Visits the elements of a tensor in row-major order. */
static void copy_elements(const IoPytorchView *view, const IoTensor *t, char *storage, char *dense, bool gather)
{
    size_t width = io_dtype_size(t->dtype);
    int64_t index[IO_TENSOR_DIMS] = {0}, at = view->offset;
    for (int64_t i = 0; i < t->count; i++) {
        char *there = storage + (size_t)at * width, *here = dense + (size_t)i * width;
        memcpy(gather ? here : there, gather ? there : here, width);
        for (int d = t->ndim - 1; d >= 0; d--) {
            at += view->stride[d];
            if (++index[d] < t->shape[d]) break;
            at -= view->stride[d] * t->shape[d];
            index[d] = 0;
        }
    }
}

void io_pytorch_gather(const IoPytorchView *view, const IoTensor *tensor, const char *storage, char *dense)
{
    if (view->whole)
        memcpy(dense, storage, (size_t)tensor->count * io_dtype_size(tensor->dtype));
    else
        copy_elements(view, tensor, (char *)storage, dense, true);
}

void io_pytorch_scatter(const IoPytorchView *view, const IoTensor *tensor, const char *dense, char *storage)
{
    copy_elements(view, tensor, storage, (char *)dense, false);
}

typedef struct {
    size_t record, view;
} Placed;

static int compare_places(const void *a, const void *b)
{
    const Placed *x = a, *y = b;
    if (x->record != y->record) return x->record < y->record ? -1 : 1;
    return x->view < y->view ? -1 : x->view > y->view;
}

/* Each storage is read once, however many tensors lie in it. */
static BaseStatus read_storages(const Reader *r)
{
    BaseStatus st = BASE_OK;
    IoPytorch *file = r->file;
    Placed *places = NULL;
    char *storage = NULL;
    BASE_TRY(BASE_ALLOC(file->count, &places));
    BASE_TRY(BASE_ALLOC(file->count, &file->by_record));
    for (size_t i = 0; i < file->count; i++) places[i] = (Placed){file->views[i].record, i};
    if (file->count > 1) qsort(places, file->count, sizeof *places, compare_places);
    for (size_t i = 0; i < file->count; i++) {
        size_t view = file->by_record[i] = places[i].view;
        bool first = i == 0 || places[i - 1].record != places[i].record;
        bool alone = first && (i + 1 == file->count || places[i + 1].record != places[i].record);
        IoTensor *tensor = &r->tensors->items[view];
        if (alone && file->views[view].whole) {
            BASE_TRY(io_archive_read(file->archive, places[i].record, tensor->data));
            continue;
        }
        if (first) {
            base_free(storage);
            storage = NULL;
            BASE_TRY(BASE_ALLOC_RAW(io_archive_size(file->archive, places[i].record), &storage));
            BASE_TRY(io_archive_read(file->archive, places[i].record, storage));
        }
        io_pytorch_gather(&file->views[view], tensor, storage, tensor->data);
    }
out:
    base_free(storage);
    base_free(places);
    return st;
}

/* ---- the archive ---- */

static BaseStatus read_record(const Reader *r, int64_t record, size_t most, char **out, size_t *size)
{
    BaseStatus st = BASE_OK;
    *size = io_archive_size(r->file->archive, (size_t)record);
    BASE_CHECK(*size <= most, BASE_ELIMIT, "%s: record %s has %zu bytes; at most %zu are read", r->path,
               io_archive_name(r->file->archive, (size_t)record), *size, most);
    BASE_TRY(BASE_ALLOC(*size + 1, out));
    BASE_TRY(io_archive_read(r->file->archive, (size_t)record, *out));
out:
    return st;
}

static int64_t record_of(const Reader *r, const char *name)
{
    char path[4400];
    snprintf(path, sizeof path, "%s%s", r->file->folder, name);
    return io_archive_find(r->file->archive, path);
}

static BaseStatus find_pickle(Reader *r)
{
    BaseStatus st = BASE_OK;
    static const char PICKLE[] = "/data.pkl";
    const IoArchive *archive = r->file->archive;
    char *order = NULL;
    size_t size;
    r->file->pickle_record = -1;
    for (size_t i = 0; i < io_archive_count(archive); i++) {
        const char *name = io_archive_name(archive, i), *slash = strchr(name, '/');
        if (!slash || strcmp(slash, PICKLE) != 0) continue;
        BASE_CHECK(r->file->pickle_record < 0, BASE_EFORMAT, "%s: the archive has two records data.pkl", r->path);
        r->file->pickle_record = (int64_t)i;
    }
    BASE_CHECK(r->file->pickle_record >= 0, BASE_EFORMAT,
               "%s: a zip archive without <folder>/data.pkl, which torch.save writes", r->path);
    const char *name = io_archive_name(archive, (size_t)r->file->pickle_record);
    BASE_CHECK(strlen(name) <= 4096, BASE_EFORMAT, "%s: the archive's folder has too long a name", r->path);
    BASE_TRY(base_format(&r->file->folder, "%.*s", (int)(strchr(name, '/') + 1 - name), name));
    BASE_CHECK(record_of(r, "constants.pkl") < 0, BASE_EFORMAT,
               "%s: a TorchScript program, which is not read; save model.state_dict() with torch.save", r->path);
    int64_t record = record_of(r, "byteorder");
    if (record >= 0) {
        BASE_TRY(read_record(r, record, 64, &order, &size));
        BASE_CHECK(strcmp(order, "little") == 0, BASE_EFORMAT, "%s: byte order '%s'; only 'little' is read", r->path,
                   order);
    }
    r->file->meta_record = record_of(r, IO_PYTORCH_META);
out:
    base_free(order);
    return st;
}

static BaseStatus read_meta(Reader *r)
{
    BaseStatus st = BASE_OK;
    char *text = NULL;
    size_t size;
    json_t *meta = NULL, *value;
    json_error_t error;
    const char *key;
    if (r->file->meta_record < 0) goto out;
    BASE_TRY(read_record(r, r->file->meta_record, META_MOST, &text, &size));
    meta = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    BASE_CHECK(meta, json_error_code(&error) == json_error_out_of_memory ? BASE_ENOMEM : BASE_EFORMAT,
               "%s: record " IO_PYTORCH_META " is no JSON: %s", r->path, error.text);
    BASE_CHECK(json_is_object(meta), BASE_EFORMAT, "%s: record " IO_PYTORCH_META " must be an object", r->path);
    json_object_foreach(meta, key, value)
    {
        BASE_CHECK(json_is_string(value), BASE_EFORMAT, "%s: metadata '%.100s' must be text", r->path, key);
        BASE_TRY(io_tensors_set_meta(r->tensors, key, json_string_value(value)));
    }
out:
    json_decref(meta);
    base_free(text);
    return st;
}

static BaseStatus read_file(Reader *r)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(1, &r->file));
    BASE_TRY(io_archive_open(r->path, &r->file->archive));
    BASE_TRY(find_pickle(r));
    BASE_TRY(read_record(r, r->file->pickle_record, PICKLE_MOST, &r->file->bytes, &r->file->size));
    BASE_TRY(io_pickle_read(r->file->bytes, r->file->size, &io_pytorch_rules, r->path, &r->pickle));
    BASE_TRY(find_state(r));
    BASE_TRY(io_tensors_create(&r->tensors));
    BASE_TRY(read_meta(r));
    BASE_TRY(take_tensors(r));
    BASE_TRY(read_storages(r));
    BASE_TRY(io_tensors_keep(r->tensors, &io_container_pytorch, io_pytorch_free));
    r->tensors->origin->data = r->file;
    r->tensors->origin->beside = r->beside.data;
    r->file = NULL;
    r->beside = (BaseText){0};
out:
    return st;
}

/* torch.save before 1.6: a pickle of the number 0x1950a86a20f9469cfc6c, then others. */
static const unsigned char LEGACY[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

static BaseStatus read_pytorch(const char *path, IoTensors **out)
{
    Reader r = {.path = path};
    unsigned char head[sizeof LEGACY];
    *out = NULL;
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    if (got == sizeof head && memcmp(head, LEGACY, got) == 0)
        return base_error_set(BASE_EFORMAT,
                              "%s: PyTorch's format from before version 1.6, which is not read; load it in PyTorch and "
                              "save it again",
                              path);
    if (got < 4 || memcmp(head, "PK\3\4", 4) != 0)
        return base_error_set(BASE_EFORMAT, "%s: not a PyTorch checkpoint: no zip archive", path);
    BaseStatus st = read_file(&r);
    io_pickle_free(r.pickle);
    io_pytorch_free(r.file);
    base_text_free(&r.beside);
    if (st == BASE_OK)
        *out = r.tensors;
    else
        io_tensors_free(r.tensors);
    return st;
}

static bool sniff(const unsigned char *head, size_t size, int64_t file_size)
{
    (void)file_size;
    return (size >= 4 && memcmp(head, "PK\3\4", 4) == 0) ||
           (size >= sizeof LEGACY && !memcmp(head, LEGACY, sizeof LEGACY));
}

static const char *const EXTENSIONS[] = {".pt", ".pth", ".pth.tar", NULL};
const IoContainer io_container_pytorch = {"pytorch", EXTENSIONS, sniff, read_pytorch, io_pytorch_write};
