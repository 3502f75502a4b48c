/* The tree of values, and what it is asked for: keys, calls, numpy arrays. */
#include <string.h>

#include "base/memory.h"
#include "io/pickle.h"

enum { CHUNK = 256 };

typedef struct Chunk {
    struct Chunk *next;
    size_t count;
    IoPickleValue values[CHUNK];
} Chunk;

struct IoPickle {
    Chunk *chunks; /* the newest first */
    IoPickleValue *root;
};

/* ---- the tree ---- */

void io_pickle_free(IoPickle *pickle)
{
    if (!pickle) return;
    for (Chunk *chunk = pickle->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        for (size_t i = 0; i < chunk->count; i++) {
            IoPickleValue *v = &chunk->values[i];
            if (v->kind >= IO_PICKLE_TUPLE)
                base_free(v->items);
            else if (v->owned)
                base_free((void *)v->bytes);
        }
        base_free(chunk);
    }
    base_free(pickle);
}

BaseStatus io_pickle_create(IoPickle **out) { return BASE_ALLOC(1, out); }

IoPickleValue *io_pickle_root(const IoPickle *pickle) { return pickle->root; }
void io_pickle_set_root(IoPickle *pickle, IoPickleValue *root) { pickle->root = root; }

BaseStatus io_pickle_new(IoPickle *pickle, IoPickleKind kind, IoPickleValue **out)
{
    *out = NULL;
    if (!pickle->chunks || pickle->chunks->count == CHUNK) {
        Chunk *fresh;
        BaseStatus st = BASE_ALLOC(1, &fresh);
        if (st != BASE_OK) return st;
        fresh->next = pickle->chunks;
        pickle->chunks = fresh;
    }
    *out = &pickle->chunks->values[pickle->chunks->count++];
    (*out)->kind = kind;
    return BASE_OK;
}

BaseStatus io_pickle_append(IoPickleValue *to, IoPickleValue *const *items, size_t n)
{
    if (!n) return BASE_OK;
    if (to->room - to->count < n) {
        size_t room = 2 * to->room;
        if (room < to->count + n) room = to->count + n;
        BaseStatus st = BASE_GROW(&to->items, to->count, room);
        if (st != BASE_OK) return st;
        to->room = room;
    }
    memcpy(to->items + to->count, items, n * sizeof *items);
    to->count += n;
    return BASE_OK;
}

void io_pickle_unmark(IoPickle *pickle)
{
    for (Chunk *chunk = pickle->chunks; chunk; chunk = chunk->next)
        for (size_t i = 0; i < chunk->count; i++) chunk->values[i].memo = 0;
}

/* ---- questions ---- */
bool io_pickle_spells(const IoPickleValue *value, const char *text)
{
    size_t size = strlen(text);
    return value &&
           (value->kind == IO_PICKLE_TEXT || value->kind == IO_PICKLE_STRING || value->kind == IO_PICKLE_BYTES) &&
           value->count == size && memcmp(value->bytes, text, size) == 0;
}

bool io_pickle_calls(const IoPickleValue *value, const char *name)
{
    return value && value->kind == IO_PICKLE_CALL && strcmp(value->name, name) == 0;
}

bool io_pickle_is_dict(const IoPickleValue *value)
{
    return value && (value->kind == IO_PICKLE_DICT || io_pickle_calls(value, "collections.OrderedDict"));
}

IoPickleValue *io_pickle_get(const IoPickleValue *dict, const char *key)
{
    if (!io_pickle_is_dict(dict)) return NULL;
    for (size_t i = dict->count; i >= 2; i -= 2)
        if (io_pickle_spells(dict->items[i - 2], key)) return dict->items[i - 1];
    return NULL;
}

/* ---- numpy ---- */

static const char *const NUMPY_NAMES[] = {"numpy.core.multiarray._reconstruct",
                                          "numpy._core.multiarray._reconstruct",
                                          "numpy.ndarray",
                                          "numpy.dtype",
                                          "_codecs.encode",
                                          "collections.OrderedDict",
                                          NULL};
const IoPickleRules io_pickle_numpy = {.names = NUMPY_NAMES, .bytes = true, .operations = 4u << 20, .depth = 32};

/* dtype('u1'), then its state (3, '|', ...): the byte order is there. */
static bool read_dtype(const IoPickleValue *dtype, IoPickleArray *out)
{
    static const char *const KINDS[] = {"u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "b1", NULL};
    if (!io_pickle_calls(dtype, "numpy.dtype") || !dtype->args->count || !dtype->state) return false;
    const IoPickleValue *state = dtype->state;
    if (state->kind != IO_PICKLE_TUPLE || state->count < 2) return false;
    if (!io_pickle_spells(state->items[1], "<") && !io_pickle_spells(state->items[1], "|")) return false;
    for (const char *const *kind = KINDS; *kind; kind++) {
        if (!io_pickle_spells(dtype->args->items[0], *kind)) continue;
        out->kind = (*kind)[0];
        out->item_bytes = (*kind)[1] - '0';
        return true;
    }
    return false;
}

BaseStatus io_pickle_array(const IoPickleValue *value, const char *where, IoPickleArray *out)
{
    BaseStatus st = BASE_OK;
    *out = (IoPickleArray){.count = 1};
    BASE_CHECK(io_pickle_calls(value, "numpy.core.multiarray._reconstruct") ||
                   io_pickle_calls(value, "numpy._core.multiarray._reconstruct"),
               BASE_EFORMAT, "%s: not a numpy array", where);
    /* ndarray.__setstate__: (version, shape, dtype, is_fortran, bytes) */
    const IoPickleValue *state = value->state;
    BASE_CHECK(state && state->kind == IO_PICKLE_TUPLE && state->count == 5, BASE_EFORMAT,
               "%s: a numpy array without its state", where);
    const IoPickleValue *shape = state->items[1], *data = state->items[4];
    BASE_CHECK(
        read_dtype(state->items[2], out), BASE_EFORMAT,
        "%s: a numpy array of a dtype that is not read: must be little-endian u1 to u8, i1 to i8, f2 to f8 or b1",
        where);
    const IoPickleValue *fortran = state->items[3];
    BASE_CHECK((fortran->kind == IO_PICKLE_BOOL && !fortran->truth) ||
                   (fortran->kind == IO_PICKLE_INT && fortran->whole == 0),
               BASE_EFORMAT, "%s: a numpy array in Fortran order; must be in C order", where);
    BASE_CHECK(shape->kind == IO_PICKLE_TUPLE && shape->count <= IO_PICKLE_DIMS, BASE_EFORMAT,
               "%s: a numpy array of more than %d dimensions", where, IO_PICKLE_DIMS);
    out->ndim = (int)shape->count;
    int64_t bytes;
    for (int d = 0; d < out->ndim; d++) {
        const IoPickleValue *size = shape->items[d];
        BASE_CHECK(size->kind == IO_PICKLE_INT && size->whole >= 0 &&
                       !__builtin_mul_overflow(out->count, size->whole, &out->count),
                   BASE_EFORMAT, "%s: a numpy array of impossible shape", where);
        out->shape[d] = size->whole;
    }
    BASE_CHECK(!__builtin_mul_overflow(out->count, (int64_t)out->item_bytes, &bytes) &&
                   (data->kind == IO_PICKLE_STRING || data->kind == IO_PICKLE_BYTES) && (uint64_t)bytes == data->count,
               BASE_EFORMAT, "%s: a numpy array whose bytes do not fit its shape", where);
    out->data = data->bytes;
out:
    return st;
}
