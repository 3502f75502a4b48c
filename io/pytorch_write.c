/* io/pytorch_write.c - writing PyTorch files. What was read from one keeps its archive: the pickle byte for byte, and
 * every record; only the bytes of changed tensors are replaced where they lie, through their strides. A changed tensor
 * that cannot lie there any more, since another tensor holds other values in the same place, gets a storage of its
 * own. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/json.h"
#include "io/pytorch.h"

/* ---- values ---- */

static BaseStatus new_int(IoPickle *p, int64_t whole, IoPickleValue **out)
{
    BaseStatus st = io_pickle_new(p, IO_PICKLE_INT, out);
    if (st == BASE_OK) (*out)->whole = whole;
    return st;
}

static BaseStatus new_text(IoPickle *p, const char *text, IoPickleValue **out)
{
    BaseStatus st = io_pickle_new(p, IO_PICKLE_TEXT, out);
    if (st != BASE_OK) return st;
    (*out)->bytes = text;
    (*out)->count = strlen(text);
    return st;
}

static BaseStatus new_named(IoPickle *p, IoPickleKind kind, const char *name, IoPickleValue *args, IoPickleValue **out)
{
    BaseStatus st = io_pickle_new(p, kind, out);
    if (st != BASE_OK) return st;
    (*out)->name = name;
    (*out)->args = args;
    return st;
}

static BaseStatus new_tuple(IoPickle *p, IoPickleValue *const *items, size_t count, IoPickleValue **out)
{
    BaseStatus st = io_pickle_new(p, IO_PICKLE_TUPLE, out);
    return st == BASE_OK ? io_pickle_append(*out, items, count) : st;
}

static BaseStatus new_dict(IoPickle *p, IoPickleValue **out)
{
    IoPickleValue *none;
    BaseStatus st = new_tuple(p, NULL, 0, &none);
    return st == BASE_OK ? new_named(p, IO_PICKLE_CALL, "collections.OrderedDict", none, out) : st;
}

/* The texts that every storage has in common. */
typedef struct {
    IoPickleValue *storage, *cpu;
} Words;

static BaseStatus new_words(IoPickle *p, Words *out)
{
    BaseStatus st = new_text(p, "storage", &out->storage);
    return st == BASE_OK ? new_text(p, "cpu", &out->cpu) : st;
}

/* A row-major tensor that is all of the storage @p key, which is borrowed. */
static BaseStatus new_tensor(IoPickle *p, const Words *words, const IoTensor *t, const char *key, IoPickleValue **out)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *id[5] = {words->storage, NULL, NULL, words->cpu}, *args[6], *sizes[IO_TENSOR_DIMS];
    IoPickleValue *strides[IO_TENSOR_DIMS], *tuple;
    int64_t step = 1;
    BASE_TRY(new_named(p, IO_PICKLE_GLOBAL, io_pytorch_storage_name(t->dtype), NULL, &id[1]));
    BASE_TRY(new_text(p, key, &id[2]));
    BASE_TRY(new_int(p, t->count, &id[4]));
    BASE_TRY(new_tuple(p, id, 5, &tuple));
    BASE_TRY(new_named(p, IO_PICKLE_PERSISTENT, NULL, tuple, &args[0]));
    BASE_TRY(new_int(p, 0, &args[1]));
    for (int d = t->ndim - 1; d >= 0; d--) {
        BASE_TRY(new_int(p, t->shape[d], &sizes[d]));
        BASE_TRY(new_int(p, step, &strides[d]));
        if (t->shape[d] && __builtin_mul_overflow(step, t->shape[d], &step)) step = 1; /* of an empty one: any */
    }
    BASE_TRY(new_tuple(p, sizes, (size_t)t->ndim, &args[2]));
    BASE_TRY(new_tuple(p, strides, (size_t)t->ndim, &args[3]));
    BASE_TRY(io_pickle_new(p, IO_PICKLE_BOOL, &args[4])); /* requires_grad: False */
    BASE_TRY(new_dict(p, &args[5]));
    BASE_TRY(new_tuple(p, args, 6, &tuple));
    BASE_TRY(new_named(p, IO_PICKLE_CALL, "torch._utils._rebuild_tensor_v2", tuple, out));
out:
    return st;
}

static BaseStatus add_meta(IoArchiveWriter *writer, const char *folder, const IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    char *name = NULL;
    if (!tensors->meta_count) goto out;
    for (size_t i = 0; i < 2 * tensors->meta_count; i++) {
        base_text_add(&text, i == 0 ? "{" : i % 2 ? ": " : ",\n ");
        io_json_quote(&text, tensors->meta[i]);
    }
    base_text_add(&text, "}\n");
    BASE_TRY(text.st);
    BASE_TRY(base_format(&name, "%s" IO_PYTORCH_META, folder));
    BASE_TRY(io_archive_add(writer, name, text.data, text.size));
out:
    base_free(name);
    base_text_free(&text);
    return st;
}

/* ---- a file of our own ---- */

enum { KEY_SIZE = 24, DEEPEST = 3000 };

static BaseStatus fresh_pickle(const IoTensors *tensors, char (*keys)[KEY_SIZE], char **names, BaseText *out)
{
    BaseStatus st = BASE_OK;
    IoPickle *p = NULL;
    IoPickleValue *dict, *pair[2];
    Words words;
    BASE_TRY(io_pickle_create(&p));
    BASE_TRY(new_dict(p, &dict));
    BASE_TRY(new_words(p, &words));
    for (size_t i = 0; i < tensors->count; i++) {
        snprintf(keys[i], KEY_SIZE, "%zu", i);
        BASE_TRY(io_tensors_full_name(tensors, &tensors->items[i], &names[i]));
        BASE_TRY(new_text(p, names[i], &pair[0]));
        BASE_TRY(new_tensor(p, &words, &tensors->items[i], keys[i], &pair[1]));
        BASE_TRY(io_pickle_append(dict, pair, 2));
    }
    io_pickle_set_root(p, dict);
    BASE_TRY(io_pickle_write(p, out));
out:
    io_pickle_free(p);
    return st;
}

static BaseStatus write_fresh(const IoTensors *tensors, const char *path)
{
    BaseStatus st = BASE_OK;
    BaseText pickle = {0};
    IoArchiveWriter *writer = NULL;
    char(*keys)[KEY_SIZE] = NULL, **names = NULL;
    BASE_TRY(BASE_ALLOC(tensors->count, &keys));
    BASE_TRY(BASE_ALLOC(tensors->count, &names));
    BASE_TRY(fresh_pickle(tensors, keys, names, &pickle));
    BASE_TRY(io_archive_create(path, &writer));
    BASE_TRY(io_archive_add(writer, "archive/data.pkl", pickle.data, pickle.size));
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *t = &tensors->items[i];
        char name[KEY_SIZE + 16];
        snprintf(name, sizeof name, "archive/data/%s", keys[i]);
        BASE_TRY(io_archive_add(writer, name, t->data, (size_t)t->count * io_dtype_size(t->dtype)));
    }
    BASE_TRY(io_archive_add(writer, "archive/version", "3\n", 2));
    BASE_TRY(add_meta(writer, "archive/", tensors));
    st = io_archive_finish_take(writer);
    writer = NULL;
out:
    io_archive_drop(writer);
    base_text_free(&pickle);
    if (names) io_names_free(names, tensors->count);
    base_free(keys);
    return st;
}

/* ---- a file that was read ---- */

typedef struct {
    const IoTensors *tensors;
    IoPytorch *file;
    char (*keys)[KEY_SIZE]; /* [count] of tensors that get a storage of their own; "" for the rest */
    char *storage;          /* the last one that was edited */
    size_t size;
    size_t *order; /* [count] of file->by_record: without the views of copies that are dropped */
    size_t count;
    bool *used, *dropped; /* records that the pickle refers to; copies */
    BaseText pickle;      /* empty: as it was */
} Rewrite;

static size_t bytes_of(const IoTensor *t) { return (size_t)t->count * io_dtype_size(t->dtype); }

static const IoPytorchView *view_at(const Rewrite *w, size_t i) { return &w->file->views[w->order[i]]; }
static const IoTensor *tensor_at(const Rewrite *w, size_t i)
{
    return io_pytorch_view_tensor(w->tensors, view_at(w, i));
}

/* Views of one storage are order[from .. to). */
static size_t group_end(const Rewrite *w, size_t from)
{
    size_t to = from + 1;
    while (to < w->count && view_at(w, to)->record == view_at(w, from)->record) to++;
    return to;
}

/* The values of tensor @p i in the storage that was edited last, in *out, whose last content is freed. */
static BaseStatus gather(const Rewrite *w, size_t i, char **out)
{
    base_free(*out);
    BaseStatus st = BASE_ALLOC_RAW(bytes_of(tensor_at(w, i)), out);
    if (st == BASE_OK) io_pytorch_gather(view_at(w, i), tensor_at(w, i), w->storage, *out);
    return st;
}

/* Puts the tensors' values into the storage's bytes: the changed ones, then those that must stay as they are. */
static BaseStatus edit_storage(Rewrite *w, size_t from, size_t to)
{
    BaseStatus st = BASE_OK;
    IoPytorch *file = w->file;
    size_t record = view_at(w, from)->record;
    char *was = NULL;
    bool *changed = NULL;
    base_free(w->storage);
    w->storage = NULL;
    w->size = io_archive_size(file->archive, record);
    BASE_TRY(BASE_ALLOC_RAW(w->size, &w->storage));
    BASE_TRY(io_archive_read(file->archive, record, w->storage));
    BASE_TRY(BASE_ALLOC(to - from, &changed));
    for (size_t i = from; i < to; i++) {
        const IoTensor *t = tensor_at(w, i);
        BASE_TRY(gather(w, i, &was));
        changed[i - from] = memcmp(was, t->data, bytes_of(t)) != 0;
    }
    for (int pass = 1; pass >= 0; pass--)
        for (size_t i = from; i < to; i++)
            if (changed[i - from] == (pass == 1))
                io_pytorch_scatter(view_at(w, i), tensor_at(w, i), tensor_at(w, i)->data, w->storage);
out:
    base_free(was);
    base_free(changed);
    return st;
}

/* Which tensors no longer lie in their storage. One alone in its storage always does, unless strides of 0 repeat it. */
static BaseStatus find_conflicts(Rewrite *w)
{
    BaseStatus st = BASE_OK;
    IoPytorch *file = w->file;
    char *got = NULL;
    size_t next = io_archive_count(file->archive);
    for (size_t from = 0, to; from < w->count; from = to) {
        to = group_end(w, from);
        if (to == from + 1 && view_at(w, from)->whole) continue;
        BASE_TRY(edit_storage(w, from, to));
        for (size_t i = from; i < to; i++) {
            size_t view = w->order[i];
            const IoTensor *t = tensor_at(w, i);
            BASE_TRY(gather(w, i, &got));
            if (memcmp(got, t->data, bytes_of(t)) == 0) continue;
            char name[4400];
            do { /* a key that no storage has */
                snprintf(w->keys[view], KEY_SIZE, "%zu", next++);
                snprintf(name, sizeof name, "%sdata/%s", file->folder, w->keys[view]);
            } while (io_archive_find(file->archive, name) >= 0);
        }
    }
out:
    base_free(got);
    return st;
}

static BaseStatus copy_of(IoPickle *p, const IoPickleValue *from, IoPickleValue **out)
{
    BaseStatus st = io_pickle_new(p, from->kind, out);
    if (st != BASE_OK) return st;
    (*out)->name = from->name;
    (*out)->args = from->args;
    (*out)->state = from->state;
    return io_pickle_append(*out, from->items, from->count);
}

/* The tensor keeps what is neither storage nor place: requires_grad, hooks, the parameter around it. */
static BaseStatus set_alone(IoPickle *p, const Words *words, IoPickleValue **slot, const IoTensor *t, const char *key)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *old = io_pytorch_tensor(*slot), *fresh, *parameter, *args;
    BASE_TRY(new_tensor(p, words, t, key, &fresh));
    for (size_t i = 4; i < 6; i++) fresh->args->items[i] = old->args->items[i];
    if (old->args->count > 6) BASE_TRY(io_pickle_append(fresh->args, &old->args->items[6], 1));
    fresh->state = old->state;
    if (old != *slot) {
        BASE_TRY(copy_of(p, *slot, &parameter));
        BASE_TRY(copy_of(p, (*slot)->args, &args));
        args->items[0] = fresh;
        parameter->args = args;
        fresh = parameter;
    }
    *slot = fresh;
out:
    return st;
}

/* Marks the records of every storage that is still referred to; each value once. */
static void find_used(Rewrite *w, IoPickleValue *value, int depth)
{
    char name[4400];
    if (!value || value->memo || depth > DEEPEST) return;
    value->memo = 1;
    if (value->kind < IO_PICKLE_TUPLE) return;
    const IoPickleValue *id = value->kind == IO_PICKLE_PERSISTENT ? value->args : NULL;
    const IoPickleValue *key = id && id->kind == IO_PICKLE_TUPLE && id->count > 2 ? id->items[2] : NULL;
    if (key && (key->kind == IO_PICKLE_TEXT || key->kind == IO_PICKLE_STRING) && key->count < 200) {
        snprintf(name, sizeof name, "%sdata/%.*s", w->file->folder, (int)key->count, key->bytes);
        int64_t record = io_archive_find(w->file->archive, name);
        if (record >= 0) w->used[record] = true;
    }
    find_used(w, value->args, depth + 1);
    for (size_t i = 0; i < value->count; i++) find_used(w, value->items[i], depth + 1);
    find_used(w, value->state, depth + 1);
}

/* The pickle with tensors that moved where they are now, without what is left out. */
static BaseStatus edit_pickle(Rewrite *w, const char *path)
{
    BaseStatus st = BASE_OK;
    IoPickle *p = NULL;
    IoPytorchSurvey s = {0};
    Words words;
    BASE_TRY(io_pickle_read(w->file->bytes, w->file->size, &io_pytorch_rules, path, &p));
    BASE_TRY(new_words(p, &words));
    BASE_TRY(io_pytorch_survey(p, path, &s));
    BASE_CHECK(s.copy_count == w->tensors->copy_count, BASE_EARG, "%s: these are not the copies that were read", path);
    for (size_t i = 0; i < w->count; i++) {
        const IoPytorchView *view = view_at(w, i);
        const char *key = w->keys[w->order[i]];
        if (!key[0]) continue;
        IoPickleValue *dict = view->owner ? s.copies[view->owner - 1].dict : s.state;
        BASE_TRY(set_alone(p, &words, &dict->items[view->slot], tensor_at(w, i), key));
        s.edited = true;
    }
    if (!w->tensors->keep_strange) io_pytorch_sieve(&s, w->dropped);
    io_pickle_unmark(p);
    find_used(w, io_pickle_root(p), 0);
    if (s.edited) BASE_TRY(io_pickle_write(p, &w->pickle));
out:
    io_pytorch_survey_free(&s);
    io_pickle_free(p);
    return st;
}

/* The storages of what is left out hold it too. */
static bool left_out(const Rewrite *w, size_t record, const char *name)
{
    size_t n = strlen(w->file->folder);
    return !w->tensors->keep_strange && !w->used[record] && strncmp(name, w->file->folder, n) == 0 &&
           strncmp(name + n, "data/", 5) == 0;
}

static BaseStatus write_pickle(const Rewrite *w, const char *name, IoArchiveWriter *writer)
{
    bool same = !w->pickle.size;
    return io_archive_add(writer, name, same ? w->file->bytes : w->pickle.data, same ? w->file->size : w->pickle.size);
}

static BaseStatus write_copy(const Rewrite *w, size_t record, const char *name, IoArchiveWriter *writer)
{
    char *copy = NULL;
    size_t size = io_archive_size(w->file->archive, record);
    BaseStatus st = BASE_ALLOC_RAW(size, &copy);
    if (st == BASE_OK) st = io_archive_read(w->file->archive, record, copy);
    if (st == BASE_OK) st = io_archive_add(writer, name, copy, size);
    base_free(copy);
    return st;
}

/* A file from before 1.6 has neither. */
static BaseStatus write_missing(const Rewrite *w, IoArchiveWriter *writer)
{
    BaseStatus st = BASE_OK;
    char name[4400];
    if (w->file->pickle_record >= 0) return BASE_OK;
    snprintf(name, sizeof name, "%sdata.pkl", w->file->folder);
    BASE_TRY(write_pickle(w, name, writer));
    snprintf(name, sizeof name, "%sversion", w->file->folder);
    BASE_TRY(io_archive_add(writer, name, "3\n", 2));
out:
    return st;
}

/* In the archive's order, which w->order has too. */
static BaseStatus write_records(Rewrite *w, IoArchiveWriter *writer)
{
    BaseStatus st = BASE_OK;
    IoPytorch *file = w->file;
    BASE_TRY(write_missing(w, writer));
    for (size_t r = 0, from = 0, to; r < io_archive_count(file->archive); r++) {
        const char *name = io_archive_name(file->archive, r);
        bool weights = from < w->count && view_at(w, from)->record == r;
        if ((int64_t)r == file->meta_record && w->tensors->meta_count) continue; /* written again at the end */
        to = weights ? group_end(w, from) : from;
        if ((int64_t)r == file->pickle_record) {
            BASE_TRY(write_pickle(w, name, writer));
        } else if (left_out(w, r, name)) {
            from = to;
        } else if (weights) {
            bool whole = to == from + 1 && view_at(w, from)->whole;
            if (!whole) BASE_TRY(edit_storage(w, from, to));
            BASE_TRY(io_archive_add(writer, name, whole ? tensor_at(w, from)->data : w->storage,
                                    io_archive_size(file->archive, r)));
            from = to;
        } else {
            BASE_TRY(write_copy(w, r, name, writer));
        }
    }
    for (size_t i = 0; i < w->count; i++) {
        char name[4400];
        const char *key = w->keys[w->order[i]];
        if (!key[0]) continue;
        snprintf(name, sizeof name, "%sdata/%s", file->folder, key);
        BASE_TRY(io_archive_add(writer, name, tensor_at(w, i)->data, bytes_of(tensor_at(w, i))));
    }
    BASE_TRY(add_meta(writer, file->folder, w->tensors));
out:
    return st;
}

static BaseStatus prepare(Rewrite *w)
{
    BaseStatus st = BASE_OK;
    IoPytorch *file = w->file;
    BASE_TRY(BASE_ALLOC(file->count, &w->keys));
    BASE_TRY(BASE_ALLOC(file->count, &w->order));
    BASE_TRY(BASE_ALLOC(io_archive_count(file->archive), &w->used));
    BASE_TRY(BASE_ALLOC(w->tensors->copy_count, &w->dropped));
    for (size_t i = 0; i < w->tensors->copy_count; i++) w->dropped[i] = w->tensors->copies[i].dropped;
    for (size_t i = 0; i < file->count; i++) {
        size_t owner = file->views[file->by_record[i]].owner;
        if (!owner || !w->dropped[owner - 1]) w->order[w->count++] = file->by_record[i];
    }
    BASE_TRY(find_conflicts(w));
out:
    return st;
}

BaseStatus io_pytorch_write(const IoTensors *tensors, const char *path)
{
    BaseStatus st = BASE_OK;
    Rewrite w = {.tensors = tensors, .file = io_tensors_origin(tensors, &io_container_pytorch)};
    IoArchiveWriter *writer = NULL;
    if (!w.file || w.file->state_count != tensors->count) return write_fresh(tensors, path);
    BASE_TRY(prepare(&w));
    BASE_TRY(edit_pickle(&w, path));
    BASE_TRY(io_archive_create(path, &writer));
    BASE_TRY(write_records(&w, writer));
    st = io_archive_finish_take(writer);
    writer = NULL;
out:
    io_archive_drop(writer);
    base_text_free(&w.pickle);
    base_free(w.storage);
    base_free(w.order);
    base_free(w.dropped);
    base_free(w.used);
    base_free(w.keys);
    return st;
}
