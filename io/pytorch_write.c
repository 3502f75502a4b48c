/* Writing PyTorch files. What was read from one keeps its archive: the pickle byte for byte, and every record; only the
 * bytes of changed tensors are replaced where they lie, through their strides. A changed tensor that cannot lie there
 * any more, since another tensor holds other values in the same place, gets a storage of its own. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/json_text.h"
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

enum { KEY_SIZE = 24 };

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
        BASE_TRY(base_format(&names[i], "%s%s", tensors->prefix ? tensors->prefix : "", tensors->items[i].name));
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
    size_t alone;           /* how many do */
    char *storage;          /* the last one that was edited */
    size_t size;
} Rewrite;

static size_t bytes_of(const IoTensor *t) { return (size_t)t->count * io_dtype_size(t->dtype); }

/* Views of one storage are by_record[from .. to). */
static size_t group_end(const IoPytorch *file, size_t from)
{
    size_t to = from + 1;
    while (to < file->count && file->views[file->by_record[to]].record == file->views[file->by_record[from]].record)
        to++;
    return to;
}

/* Puts the tensors' values into the storage's bytes: the changed ones, then those that must stay as they are. */
static BaseStatus edit_storage(Rewrite *w, size_t from, size_t to)
{
    BaseStatus st = BASE_OK;
    IoPytorch *file = w->file;
    size_t record = file->views[file->by_record[from]].record;
    char *was = NULL;
    bool *changed = NULL;
    base_free(w->storage);
    w->storage = NULL;
    w->size = io_archive_size(file->archive, record);
    BASE_TRY(BASE_ALLOC_RAW(w->size, &w->storage));
    BASE_TRY(io_archive_read(file->archive, record, w->storage));
    BASE_TRY(BASE_ALLOC(to - from, &changed));
    for (size_t i = from; i < to; i++) {
        const IoTensor *t = &w->tensors->items[file->by_record[i]];
        base_free(was);
        was = NULL;
        BASE_TRY(BASE_ALLOC_RAW(bytes_of(t), &was));
        io_pytorch_gather(&file->views[file->by_record[i]], t, w->storage, was);
        changed[i - from] = memcmp(was, t->data, bytes_of(t)) != 0;
    }
    for (int pass = 1; pass >= 0; pass--)
        for (size_t i = from; i < to; i++)
            if (changed[i - from] == (pass == 1))
                io_pytorch_scatter(&file->views[file->by_record[i]], &w->tensors->items[file->by_record[i]],
                                   w->tensors->items[file->by_record[i]].data, w->storage);
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
    for (size_t from = 0, to; from < file->count; from = to) {
        to = group_end(file, from);
        if (to == from + 1 && file->views[file->by_record[from]].whole) continue;
        BASE_TRY(edit_storage(w, from, to));
        for (size_t i = from; i < to; i++) {
            size_t view = file->by_record[i];
            const IoTensor *t = &w->tensors->items[view];
            base_free(got);
            got = NULL;
            BASE_TRY(BASE_ALLOC_RAW(bytes_of(t), &got));
            io_pytorch_gather(&file->views[view], t, w->storage, got);
            if (memcmp(got, t->data, bytes_of(t)) == 0) continue;
            char name[4400];
            do { /* a key that no storage has */
                snprintf(w->keys[view], KEY_SIZE, "%zu", next++);
                snprintf(name, sizeof name, "%sdata/%s", file->folder, w->keys[view]);
            } while (io_archive_find(file->archive, name) >= 0);
            w->alone++;
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

static BaseStatus edited_pickle(const Rewrite *w, const char *path, BaseText *out)
{
    BaseStatus st = BASE_OK;
    IoPickle *p = NULL;
    Words words;
    BASE_TRY(io_pickle_read(w->file->bytes, w->file->size, &io_pytorch_rules, path, &p));
    BASE_TRY(new_words(p, &words));
    IoPickleValue *state = io_pytorch_state(io_pickle_root(p));
    for (size_t i = 0; i < w->file->count; i++)
        if (w->keys[i][0])
            BASE_TRY(set_alone(p, &words, &state->items[w->file->views[i].slot], &w->tensors->items[i], w->keys[i]));
    BASE_TRY(io_pickle_write(p, out));
out:
    io_pickle_free(p);
    return st;
}

/* In the archive's order, which by_record has too. */
static BaseStatus write_records(Rewrite *w, const BaseText *pickle, IoArchiveWriter *writer)
{
    BaseStatus st = BASE_OK;
    IoPytorch *file = w->file;
    char *copy = NULL;
    size_t from = 0;
    for (size_t r = 0; r < io_archive_count(file->archive); r++) {
        const char *name = io_archive_name(file->archive, r);
        size_t size = io_archive_size(file->archive, r), to;
        if ((int64_t)r == file->meta_record && w->tensors->meta_count) continue; /* written anew at the end */
        if ((int64_t)r == file->pickle_record) {
            BASE_TRY(io_archive_add(writer, name, pickle->size ? pickle->data : file->bytes,
                                    pickle->size ? pickle->size : file->size));
        } else if (from < file->count && file->views[file->by_record[from]].record == r) {
            const IoTensor *first = &w->tensors->items[file->by_record[from]];
            to = group_end(file, from);
            bool whole = to == from + 1 && file->views[file->by_record[from]].whole;
            if (!whole) BASE_TRY(edit_storage(w, from, to));
            BASE_TRY(io_archive_add(writer, name, whole ? first->data : w->storage, size));
            from = to;
        } else {
            base_free(copy);
            copy = NULL;
            BASE_TRY(BASE_ALLOC_RAW(size, &copy));
            BASE_TRY(io_archive_read(file->archive, r, copy));
            BASE_TRY(io_archive_add(writer, name, copy, size));
        }
    }
    for (size_t i = 0; i < file->count; i++) {
        char name[4400];
        if (!w->keys[i][0]) continue;
        snprintf(name, sizeof name, "%sdata/%s", file->folder, w->keys[i]);
        BASE_TRY(io_archive_add(writer, name, w->tensors->items[i].data, bytes_of(&w->tensors->items[i])));
    }
    BASE_TRY(add_meta(writer, file->folder, w->tensors));
out:
    base_free(copy);
    return st;
}

BaseStatus io_pytorch_write(const IoTensors *tensors, const char *path)
{
    BaseStatus st = BASE_OK;
    Rewrite w = {.tensors = tensors, .file = io_tensors_origin(tensors, &io_container_pytorch)};
    BaseText pickle = {0};
    IoArchiveWriter *writer = NULL;
    if (!w.file || w.file->count != tensors->count) return write_fresh(tensors, path);
    BASE_TRY(BASE_ALLOC(tensors->count, &w.keys));
    BASE_TRY(find_conflicts(&w));
    if (w.alone) BASE_TRY(edited_pickle(&w, path, &pickle));
    BASE_TRY(io_archive_create(path, &writer));
    BASE_TRY(write_records(&w, &pickle, writer));
    st = io_archive_finish_take(writer);
    writer = NULL;
out:
    io_archive_drop(writer);
    base_text_free(&pickle);
    base_free(w.storage);
    base_free(w.keys);
    return st;
}
