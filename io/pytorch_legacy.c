/* io/pytorch_legacy.c - PyTorch's format from before version 1.6 (torch/serialization.py, _legacy_save): pickles in a
 * row - a magic number, the protocol's number, the system's byte order, the object, the keys of its storages - then
 * each storage in the order of those keys: its elements as an int64 and their bytes. It becomes what the zip format is:
 * a pickle, whose references to storages lose the sixth part that only this format has, and one record a storage. It is
 * written back as a zip. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/pytorch.h"

enum { KEY_MOST = 64, DEEPEST = 3000, PROTOCOL = 1001 };

/* A pickle of 0x1950a86a20f9469cfc6c. */
const unsigned char io_pytorch_legacy_head[IO_PYTORCH_LEGACY] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c,
                                                                 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

static const struct {
    const char *name;
    int64_t width;
} OTHERS[] = {{"torch.ComplexFloatStorage", 8},
              {"torch.ComplexDoubleStorage", 16},
              {"torch.QInt8Storage", 1},
              {"torch.QUInt8Storage", 1},
              {"torch.QInt32Storage", 4}};

typedef struct {
    const IoPickleValue *key;
    int64_t width;
} Storage;

typedef struct {
    const char *path;
    IoPytorch *file;
    char *head; /* [size] the file's first bytes, the pickles among them */
    size_t size, at;
    IoPickle *object, *keys;
    Storage *storages; /* by key */
    size_t count;
} Legacy;

static int64_t width_of(const char *storage)
{
    IoDtype dtype;
    if (io_pytorch_storage_dtype(storage, &dtype)) return (int64_t)io_dtype_size(dtype);
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
        if (strcmp(OTHERS[i].name, storage) == 0) return OTHERS[i].width;
    return 0;
}

static bool is_key(const IoPickleValue *key)
{
    if ((key->kind != IO_PICKLE_TEXT && key->kind != IO_PICKLE_STRING) || !key->count || key->count > KEY_MOST)
        return false;
    for (size_t i = 0; i < key->count; i++)
        if (key->bytes[i] < '0' || key->bytes[i] > '9') return false;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const IoPickleValue *x = ((const Storage *)a)->key, *y = ((const Storage *)b)->key;
    size_t n = x->count < y->count ? x->count : y->count;
    int order = memcmp(x->bytes, y->bytes, n);
    return order ? order : x->count < y->count ? -1 : x->count > y->count;
}

/* ('storage', torch.FloatStorage, key, location, elements, None): notes the first five, and leaves the sixth out. */
static BaseStatus note_storage(Legacy *l, IoPickleValue *id)
{
    BaseStatus st = BASE_OK;
    if (id->memo == 2) goto out;
    id->memo = 2;
    BASE_CHECK(id->kind == IO_PICKLE_TUPLE && id->count == 6 && io_pickle_spells(id->items[0], "storage") &&
                   id->items[1]->kind == IO_PICKLE_GLOBAL && is_key(id->items[2]),
               BASE_EFORMAT, "%s: a reference to something that is not a storage", l->path);
    BASE_CHECK(
        id->items[5]->kind == IO_PICKLE_NONE, BASE_EFORMAT,
        "%s: storages that are parts of others, which PyTorch wrote before version 0.4, are not read; load it in "
        "PyTorch and save it again",
        l->path);
    int64_t width = width_of(id->items[1]->name);
    BASE_CHECK(width, BASE_EFORMAT, "%s: a storage of %s, whose size is not known", l->path, id->items[1]->name);
    BASE_TRY(BASE_GROW_BY_ONE(&l->storages, l->count));
    l->storages[l->count++] = (Storage){id->items[2], width};
    id->count = 5;
out:
    return st;
}

static BaseStatus find_storages(Legacy *l, IoPickleValue *value, int depth)
{
    BaseStatus st = BASE_OK;
    if (!value || value->memo || value->kind < IO_PICKLE_TUPLE) return BASE_OK;
    BASE_CHECK(depth < DEEPEST, BASE_ELIMIT, "%s: values within values, more than %d deep", l->path, DEEPEST);
    value->memo = 1;
    if (value->kind == IO_PICKLE_PERSISTENT) {
        BASE_TRY(note_storage(l, value->args));
        goto out;
    }
    BASE_TRY(find_storages(l, value->args, depth + 1));
    for (size_t i = 0; i < value->count; i++) BASE_TRY(find_storages(l, value->items[i], depth + 1));
    BASE_TRY(find_storages(l, value->state, depth + 1));
out:
    return st;
}

static BaseStatus next_pickle(Legacy *l, IoPickle **out)
{
    size_t used = 0;
    if (l->at >= l->size)
        return base_error_set(BASE_EFORMAT, "%s: the file ends before its weights: it was cut short", l->path);
    BaseStatus st = io_pickle_read_first(l->head + l->at, l->size - l->at, &io_pytorch_rules, l->path, &used, out);
    l->at += used;
    return st;
}

static BaseStatus read_pickles(Legacy *l)
{
    BaseStatus st = BASE_OK;
    IoPickle *one = NULL;
    l->at = IO_PYTORCH_LEGACY + 1; /* with its STOP */
    BASE_TRY(next_pickle(l, &one));
    const IoPickleValue *value = io_pickle_root(one);
    BASE_CHECK(value->kind == IO_PICKLE_INT && value->whole == PROTOCOL, BASE_EFORMAT,
               "%s: PyTorch's old format, but not its protocol %d", l->path, PROTOCOL);
    io_pickle_free(one);
    one = NULL;
    BASE_TRY(next_pickle(l, &one));
    value = io_pickle_get(io_pickle_root(one), "little_endian");
    BASE_CHECK(value && value->kind == IO_PICKLE_BOOL && value->truth, BASE_EFORMAT,
               "%s: numbers in big-endian order; only little-endian ones are read", l->path);
    BASE_TRY(next_pickle(l, &l->object));
    BASE_TRY(next_pickle(l, &l->keys));
out:
    io_pickle_free(one);
    return st;
}

/* The storages' places, one after the other. */
static BaseStatus place_storages(Legacy *l)
{
    BaseStatus st = BASE_OK;
    const IoPickleValue *keys = io_pickle_root(l->keys);
    int64_t at = (int64_t)l->at, size = 0;
    FILE *file = fopen(l->path, "rb");
    BASE_CHECK(file, BASE_EIO, "%s: cannot be read", l->path);
    BASE_CHECK(keys->kind == IO_PICKLE_LIST, BASE_EFORMAT, "%s: the list of its storages is not a list", l->path);
    if (l->count > 1) qsort(l->storages, l->count, sizeof *l->storages, compare_keys);
    for (size_t i = 0; i < keys->count; i++) {
        int64_t elements;
        char name[KEY_MOST + 32];
        Storage wanted = {.key = keys->items[i]};
        const Storage *found = !is_key(wanted.key) || !l->count
                                   ? NULL
                                   : bsearch(&wanted, l->storages, l->count, sizeof wanted, compare_keys);
        BASE_CHECK(found, BASE_EFORMAT, "%s: nothing refers to storage %zu", l->path, i);
        BASE_CHECK(fseeko(file, (off_t)at, SEEK_SET) == 0 && fread(&elements, sizeof elements, 1, file) == 1,
                   BASE_EFORMAT, "%s: the file ends before storage %zu of %zu: it was cut short", l->path, i,
                   keys->count);
        BASE_CHECK(elements >= 0 && !__builtin_mul_overflow(elements, found->width, &size), BASE_EFORMAT,
                   "%s: storage %zu has an impossible size", l->path, i);
        snprintf(name, sizeof name, "archive/data/%.*s", (int)found->key->count, found->key->bytes);
        BASE_TRY(io_archive_add_part(l->file->archive, name, at + 8, size));
        at += 8 + size;
    }
    BASE_TRY(io_archive_sort(l->file->archive));
out:
    if (file) fclose(file);
    return st;
}

static BaseStatus read_head(Legacy *l)
{
    BaseStatus st = BASE_OK;
    FILE *file = NULL;
    int64_t size;
    BASE_TRY(io_file_size(l->path, &size));
    l->size = size < IO_PYTORCH_PICKLE_MOST ? (size_t)size : IO_PYTORCH_PICKLE_MOST;
    BASE_TRY(BASE_ALLOC_RAW(l->size + 1, &l->head));
    file = fopen(l->path, "rb");
    BASE_CHECK(file && fread(l->head, 1, l->size, file) == l->size, BASE_EIO, "%s: cannot be read", l->path);
out:
    if (file) fclose(file);
    return st;
}

BaseStatus io_pytorch_legacy_open(const char *path, IoPytorch *file)
{
    BaseStatus st = BASE_OK;
    Legacy l = {.path = path, .file = file};
    BaseText pickle = {0};
    file->pickle_record = file->meta_record = -1;
    BASE_TRY(read_head(&l));
    BASE_TRY(read_pickles(&l));
    io_pickle_unmark(l.object);
    BASE_TRY(find_storages(&l, io_pickle_root(l.object), 0));
    BASE_TRY(io_archive_parts(path, &file->archive));
    BASE_TRY(place_storages(&l));
    BASE_TRY(io_pickle_write(l.object, &pickle));
    BASE_TRY(base_format(&file->folder, "archive/"));
    file->bytes = pickle.data;
    file->size = pickle.size;
    pickle = (BaseText){0};
out:
    base_text_free(&pickle);
    base_free(l.storages);
    io_pickle_free(l.object);
    io_pickle_free(l.keys);
    base_free(l.head);
    return st;
}
