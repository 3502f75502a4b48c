/* io/pytorch.c - PyTorch's zip format (torch/serialization.py since 1.6; torch/csrc/jit/serialization/pickler): an
 * archive whose record <folder>/data.pkl is a pickle in which each tensor names a storage, and <folder>/data/<key> are
 * the storages' bytes, little-endian. */
#include "io/pytorch.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/file.h"
#include "io/json_read.h"

enum { META_MOST = 16 << 20, SHARED_MOST = 4 };
static const int64_t FREE_BYTES = 16 << 20;

typedef struct {
    const char *path;
    IoPytorch *file;
    IoPickle *pickle;
    IoPytorchSurvey survey;
    IoTensors *tensors;
    int64_t bytes; /* of all tensors so far */
} Reader;

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

/* ---- the tensors ---- */

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
               BASE_EFORMAT, "%s: tensor '%.200s' has no storage", r->path, name);
    BASE_CHECK(io_pytorch_storage_dtype(id->items[1]->name, dtype), BASE_EFORMAT,
               "%s: tensor '%.200s' is in a %s, which is not a storage that is read", r->path, name,
               id->items[1]->name);
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
static BaseStatus take_tensor(Reader *r, size_t owner, const char *name, size_t slot, const IoPickleValue *args)
{
    BaseStatus st = BASE_OK;
    IoTensors *to = owner ? r->tensors->copies[owner - 1].tensors : r->tensors;
    IoPytorchView view = {.owner = owner, .index = to->count, .slot = slot};
    IoDtype dtype = IO_F32;
    IoTensor *tensor;
    int64_t shape[IO_TENSOR_DIMS] = {0}, elements, count, bytes;
    BASE_CHECK(args->count == 6 || args->count == 7, BASE_EFORMAT, "%s: tensor '%.200s' is made from %zu values, not 6",
               r->path, name, args->count);
    BASE_CHECK(to->count < IO_TENSORS_MOST, BASE_ELIMIT, "%s: more than %d tensors, which no classifier has", r->path,
               IO_TENSORS_MOST);
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
               BASE_EFORMAT, "%s: tensor '%.200s' is not within its storage of %lld elements", r->path, name,
               (long long)elements);
    /* strides of 0 and shared storages make tensors of more bytes than the file has */
    int64_t most = SHARED_MOST * io_archive_unpacked(r->file->archive) + FREE_BYTES;
    BASE_CHECK(!__builtin_add_overflow(r->bytes, bytes, &r->bytes) && r->bytes <= most, BASE_ELIMIT,
               "%s: tensor '%.200s': the tensors so far have more than %lld bytes, %d times the file", r->path, name,
               (long long)most, SHARED_MOST);
    for (int d = 0; d < ndim; d++)
        if (shape[d] <= 1) view.stride[d] = 0; /* never stepped by, and unchecked */
    view.whole = is_whole(&view, ndim, shape, count, elements);
    BASE_TRY(io_tensors_append(to, name, dtype, ndim, shape, &tensor));
    r->file->views[r->file->count++] = view;
out:
    return st;
}

/* What the file asks for beside the weights may be anything; the weights themselves may not hang on it. */
static BaseStatus check_strange(const Reader *r, const char *name, const IoPickleValue *value)
{
    BaseStatus st = BASE_OK;
    BaseText names = {0};
    if (!io_pytorch_is_bad(value)) return BASE_OK;
    BASE_TRY(io_pytorch_strange_text(&r->survey, &names));
    BASE_FAIL(
        BASE_EFORMAT,
        "%s: tensor '%.200s' is made with %s, which the file asks for and which is refused: only plain data is read, "
        "and nothing in a file is ever run; save model.state_dict() with torch.save",
        r->path, name, names.size ? names.data : "a value that contains itself");
out:
    base_text_free(&names);
    return st;
}

/* indices: [state->count / 2] of the tensors that the state's values are. */
static BaseStatus take_state(Reader *r, size_t *indices)
{
    BaseStatus st = BASE_OK;
    char *name = NULL;
    const IoPickleValue *state = r->survey.state;
    for (size_t i = 0; i + 1 < state->count; i += 2) {
        const IoPickleValue *key = state->items[i];
        IoPickleValue *tensor = io_pytorch_tensor(state->items[i + 1]);
        if (!tensor) continue;
        BASE_CHECK((key->kind == IO_PICKLE_TEXT || key->kind == IO_PICKLE_STRING) && key->count < 4096 &&
                       !memchr(key->bytes, '\0', key->count),
                   BASE_EFORMAT, "%s: tensor %zu of the state dict has a key that is not a name", r->path, i / 2);
        BASE_TRY(base_format(&name, "%.*s", (int)key->count, key->bytes));
        BASE_TRY(check_strange(r, name, state->items[i + 1]));
        indices[i / 2] = r->tensors->count;
        BASE_TRY(take_tensor(r, 0, name, i + 1, tensor->args));
        base_free(name);
        name = NULL;
    }
    r->file->state_count = r->file->count;
    BASE_TRY(io_tensors_check_names(r->tensors, r->path));
out:
    base_free(name);
    return st;
}

static BaseStatus take_copy(Reader *r, size_t which, const size_t *indices)
{
    BaseStatus st = BASE_OK;
    const IoPytorchCopy *copy = &r->survey.copies[which];
    IoTensorsCopy *to = &r->tensors->copies[which];
    BASE_TRY(io_tensors_create(&to->tensors));
    r->tensors->copy_count++;
    BASE_TRY(base_strdup(copy->where ? copy->where : "", &to->where));
    for (size_t i = 0; i < copy->dict->count / 2; i++) {
        if (!copy->slots[i]) continue;
        IoPickleValue *value = copy->dict->items[2 * i + 1];
        const char *name = r->tensors->items[indices[copy->slots[i] / 2]].name;
        BASE_TRY(check_strange(r, name, value));
        st = take_tensor(r, which + 1, name, 2 * i + 1, io_pytorch_tensor(value)->args);
        if (st != BASE_OK) base_error_prefix(st, "beside the weights, in %.200s", to->where);
        BASE_TRY(st);
    }
    BASE_TRY(io_tensors_check_names(to->tensors, r->path));
out:
    return st;
}

static BaseStatus take_tensors(Reader *r)
{
    BaseStatus st = BASE_OK;
    const IoPytorchSurvey *s = &r->survey;
    size_t *indices = NULL, most = s->state->count / 2;
    for (size_t i = 0; i < s->copy_count; i++) most += s->copies[i].dict->count / 2;
    BASE_TRY(BASE_ALLOC(most, &r->file->views));
    BASE_TRY(BASE_ALLOC(s->state->count / 2, &indices));
    BASE_TRY(BASE_ALLOC(s->copy_count, &r->tensors->copies));
    BASE_TRY(check_strange(r, "(all of them)", s->state));
    BASE_TRY(take_state(r, indices));
    for (size_t i = 0; i < s->copy_count; i++) BASE_TRY(take_copy(r, i, indices));
out:
    base_free(indices);
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

IoTensor *io_pytorch_view_tensor(const IoTensors *tensors, const IoPytorchView *view)
{
    return &(view->owner ? tensors->copies[view->owner - 1].tensors : tensors)->items[view->index];
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
        IoTensor *tensor = io_pytorch_view_tensor(r->tensors, &file->views[view]);
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
               "%s: a zip archive without the <folder>/data.pkl that torch.save writes", r->path);
    const char *name = io_archive_name(archive, (size_t)r->file->pickle_record);
    BASE_CHECK(strlen(name) <= 4096, BASE_EFORMAT, "%s: the archive's folder has too long a name", r->path);
    BASE_TRY(base_format(&r->file->folder, "%.*s", (int)(strchr(name, '/') + 1 - name), name));
    BASE_CHECK(record_of(r, "constants.pkl") < 0, BASE_EFORMAT,
               "%s: a TorchScript program, which is not read; save model.state_dict() with torch.save", r->path);
    int64_t record = record_of(r, "byteorder");
    if (record >= 0) {
        BASE_TRY(read_record(r, record, 64, &order, &size));
        BASE_CHECK(strcmp(order, "little") == 0, BASE_EFORMAT,
                   "%s: written on a machine of byte order '%s'; only 'little' is read. PyTorch converts it here: "
                   "torch.save(torch.load(F), G)",
                   r->path, order);
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
    json_t *meta = NULL;
    if (r->file->meta_record < 0) goto out;
    BASE_TRY(read_record(r, r->file->meta_record, META_MOST, &text, &size));
    BASE_TRY(io_json_read(r->path, "record " IO_PYTORCH_META, text, size, &meta));
    BASE_TRY(io_json_read_meta(r->path, "record " IO_PYTORCH_META, meta, r->tensors));
out:
    json_decref(meta);
    base_free(text);
    return st;
}

static BaseStatus open_zip(Reader *r)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(io_archive_open(r->path, &r->file->archive));
    BASE_TRY(find_pickle(r));
    BASE_TRY(read_record(r, r->file->pickle_record, IO_PYTORCH_PICKLE_MOST, &r->file->bytes, &r->file->size));
out:
    return st;
}

/* What stands beside the weights, in words. */
static BaseStatus describe(Reader *r)
{
    BaseStatus st = BASE_OK;
    BaseText strange = {0};
    IoTensors *t = r->tensors;
    BASE_TRY(io_pytorch_strange_text(&r->survey, &strange));
    t->strange = strange.data;
    t->stale = r->survey.stale.data;
    t->origin->beside = r->survey.beside.data;
    strange = r->survey.stale = r->survey.beside = (BaseText){0};
out:
    base_text_free(&strange);
    return st;
}

static BaseStatus read_file(Reader *r, bool legacy)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(1, &r->file));
    BASE_TRY(legacy ? io_pytorch_legacy_open(r->path, r->file) : open_zip(r));
    BASE_TRY(io_pickle_read(r->file->bytes, r->file->size, &io_pytorch_rules, r->path, &r->pickle));
    BASE_TRY(io_pytorch_survey(r->pickle, r->path, &r->survey));
    io_pytorch_sieve(&r->survey, NULL);
    BASE_TRY(io_tensors_create(&r->tensors));
    BASE_TRY(read_meta(r));
    BASE_TRY(take_tensors(r));
    BASE_TRY(read_storages(r));
    BASE_TRY(io_tensors_keep(r->tensors, &io_container_pytorch, io_pytorch_free));
    r->tensors->origin->data = r->file;
    r->file = NULL;
    BASE_TRY(describe(r));
out:
    return st;
}

static BaseStatus read_pytorch(const char *path, IoTensors **out)
{
    Reader r = {.path = path};
    unsigned char head[IO_PYTORCH_LEGACY];
    *out = NULL;
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    bool legacy = got == sizeof head && memcmp(head, io_pytorch_legacy_head, got) == 0;
    if (!legacy && (got < 4 || memcmp(head, "PK\3\4", 4) != 0))
        return base_error_set(BASE_EFORMAT, "%s: not a PyTorch checkpoint: no zip archive", path);
    BaseStatus st = read_file(&r, legacy);
    io_pytorch_survey_free(&r.survey);
    io_pickle_free(r.pickle);
    io_pytorch_free(r.file);
    return io_tensors_finish(st, r.tensors, out);
}

static bool sniff(const unsigned char *head, size_t size, int64_t file_size)
{
    (void)file_size;
    return (size >= 4 && memcmp(head, "PK\3\4", 4) == 0) ||
           (size >= IO_PYTORCH_LEGACY && !memcmp(head, io_pytorch_legacy_head, IO_PYTORCH_LEGACY));
}

static const char *const EXTENSIONS[] = {".pt", ".pth", ".pth.tar", ".ckpt", ".bin", NULL};
const IoContainer io_container_pytorch = {"pytorch", EXTENSIONS, sniff, read_pytorch, io_pytorch_write};
