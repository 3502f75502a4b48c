/* io/pickle_value.c - the tree of values, and what it is asked for: keys, calls, numpy arrays. */
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "io/pickle.h"

enum { CHUNK = 256, NAME_MOST = 256, NAMES_MOST = 2048, NAME_SLOTS = 2 * NAMES_MOST };

typedef struct Chunk {
    struct Chunk *next;
    size_t count;
    IoPickleValue values[CHUNK];
} Chunk;

struct IoPickle {
    Chunk *chunks; /* the newest first */
    IoPickleValue *root;
    char **names; /* [NAME_SLOTS] by hash, each beside its place where that is taken; NULL: none yet */
    size_t name_count;
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
    for (size_t i = 0; pickle->names && i < NAME_SLOTS; i++) base_free(pickle->names[i]);
    base_free(pickle->names);
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

static void clean(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i++) to[i] = from[i] > ' ' && from[i] < 127 ? from[i] : '?';
}

BaseStatus io_pickle_intern(IoPickle *pickle, const char *module, size_t module_size, const char *name,
                            size_t name_size, const char **out)
{
    BaseStatus st = BASE_OK;
    char text[NAME_MOST + 2];
    *out = NULL;
    BASE_CHECK(module_size <= NAME_MOST && name_size <= NAME_MOST - module_size, BASE_ELIMIT,
               "a pickle asks for a name of more than %d characters", NAME_MOST);
    clean(text, module, module_size);
    text[module_size] = '.';
    clean(text + module_size + 1, name, name_size);
    text[module_size + 1 + name_size] = '\0';
    if (!pickle->names) BASE_TRY(BASE_ALLOC(NAME_SLOTS, &pickle->names));
    size_t slot = base_hash_fnv1a(text) % NAME_SLOTS;
    while (pickle->names[slot] && strcmp(pickle->names[slot], text) != 0) slot = (slot + 1) % NAME_SLOTS;
    if (!pickle->names[slot]) {
        BASE_CHECK(pickle->name_count < NAMES_MOST, BASE_ELIMIT, "a pickle asks for more than %d different names",
                   NAMES_MOST);
        BASE_TRY(base_strdup(text, &pickle->names[slot]));
        pickle->name_count++;
    }
    *out = pickle->names[slot];
out:
    return st;
}

size_t io_pickle_weight(const IoPickle *pickle)
{
    size_t weight = 0;
    for (const Chunk *chunk = pickle->chunks; chunk; chunk = chunk->next)
        for (size_t i = 0; i < chunk->count; i++)
            weight += 1 + (chunk->values[i].kind >= IO_PICKLE_TUPLE ? chunk->values[i].count : 0);
    return weight;
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
    return value && value->kind == IO_PICKLE_CALL && !value->inert && strcmp(value->name, name) == 0;
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
                                          "numpy.core.numeric._frombuffer",
                                          "numpy._core.numeric._frombuffer",
                                          "numpy.core.multiarray.scalar",
                                          "numpy._core.multiarray.scalar",
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

/* Axes from the one that varies slowest in memory; NULL: as they come. */
static BaseStatus set_shape(const IoPickleValue *shape, const int *slowest, const char *where, IoPickleArray *out)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(shape->kind == IO_PICKLE_TUPLE && shape->count <= IO_PICKLE_DIMS, BASE_EFORMAT,
               "%s: a numpy array of more than %d dimensions", where, IO_PICKLE_DIMS);
    out->ndim = (int)shape->count;
    bool empty = false, beyond = false;
    for (int d = 0; d < out->ndim; d++) {
        const IoPickleValue *size = shape->items[d];
        BASE_CHECK(size->kind == IO_PICKLE_INT && size->whole >= 0, BASE_EFORMAT,
                   "%s: a numpy array of impossible shape", where);
        out->shape[d] = size->whole;
        empty |= size->whole == 0;
        beyond |= __builtin_mul_overflow(out->count, size->whole, &out->count);
    }
    BASE_CHECK(empty || !beyond, BASE_EFORMAT, "%s: a numpy array of impossible shape", where);
    if (empty) out->count = 0; /* and the other sides may be anything */
    int64_t stride = 1;
    for (int i = out->ndim - 1; i >= 0 && !empty; i--) {
        int d = slowest ? slowest[i] : i;
        out->stride[d] = stride;
        stride *= out->shape[d];
    }
out:
    return st;
}

/* ndarray.__setstate__: (version, shape, dtype, is_fortran, bytes) */
typedef struct {
    const IoPickleValue *shape, *dtype, *bytes, *axes; /* axes: _frombuffer's, of shape before they were moved */
    bool fortran;
} Parts;

static BaseStatus reconstructed(const IoPickleValue *value, const char *where, Parts *out)
{
    BaseStatus st = BASE_OK;
    const IoPickleValue *state = value->state;
    BASE_CHECK(state && state->kind == IO_PICKLE_TUPLE && state->count == 5, BASE_EFORMAT,
               "%s: a numpy array without its state", where);
    const IoPickleValue *fortran = state->items[3];
    out->shape = state->items[1], out->dtype = state->items[2], out->bytes = state->items[4];
    BASE_CHECK(fortran->kind == IO_PICKLE_BOOL || fortran->kind == IO_PICKLE_INT, BASE_EFORMAT,
               "%s: a numpy array that does not state its order", where);
    out->fortran = fortran->kind == IO_PICKLE_BOOL ? fortran->truth : fortran->whole != 0;
out:
    return st;
}

/* _frombuffer(bytes, dtype, shape, order[, axes]): protocol 5 */
static BaseStatus from_buffer(const IoPickleValue *value, const char *where, Parts *out)
{
    BaseStatus st = BASE_OK;
    const IoPickleValue *args = value->args;
    BASE_CHECK(args->count == 4 || args->count == 5, BASE_EFORMAT, "%s: a numpy array without its parts", where);
    const IoPickleValue *order = args->items[3];
    out->bytes = args->items[0], out->dtype = args->items[1], out->shape = args->items[2];
    out->fortran = io_pickle_spells(order, "F");
    if (args->count == 5 && io_pickle_spells(order, "K"))
        out->axes = args->items[4];
    else
        BASE_CHECK(out->fortran || io_pickle_spells(order, "C"), BASE_EFORMAT,
                   "%s: a numpy array in an order that is not read", where);
out:
    return st;
}

/* Axis d of the array is axis axes[d] of what its bytes are in row-major order. */
static BaseStatus move_axes(const IoPickleValue *axes, const char *where, IoPickleArray *out)
{
    BaseStatus st = BASE_OK;
    IoPickleArray before = *out;
    unsigned seen = 0;
    bool good = axes->kind == IO_PICKLE_TUPLE && axes->count == (size_t)out->ndim;
    for (int d = 0; good && d < out->ndim; d++) {
        const IoPickleValue *axis = axes->items[d];
        good =
            axis->kind == IO_PICKLE_INT && axis->whole >= 0 && axis->whole < out->ndim && !(seen & 1u << axis->whole);
        if (!good) break;
        seen |= 1u << axis->whole;
        out->shape[d] = before.shape[axis->whole];
        out->stride[d] = before.stride[axis->whole];
    }
    BASE_CHECK(good, BASE_EFORMAT, "%s: a numpy array whose axes are not those of its shape", where);
out:
    return st;
}

BaseStatus io_pickle_array(const IoPickleValue *value, const char *where, IoPickleArray *out)
{
    static const int BACKWARDS[IO_PICKLE_DIMS + 1][IO_PICKLE_DIMS] = {{0},
                                                                      {0},
                                                                      {1, 0},
                                                                      {2, 1, 0},
                                                                      {3, 2, 1, 0},
                                                                      {4, 3, 2, 1, 0},
                                                                      {5, 4, 3, 2, 1, 0},
                                                                      {6, 5, 4, 3, 2, 1, 0},
                                                                      {7, 6, 5, 4, 3, 2, 1, 0}};
    BaseStatus st = BASE_OK;
    Parts p = {0};
    int64_t bytes;
    *out = (IoPickleArray){.count = 1};
    if (io_pickle_calls(value, "numpy.core.multiarray._reconstruct") ||
        io_pickle_calls(value, "numpy._core.multiarray._reconstruct"))
        BASE_TRY(reconstructed(value, where, &p));
    else if (io_pickle_calls(value, "numpy.core.numeric._frombuffer") ||
             io_pickle_calls(value, "numpy._core.numeric._frombuffer"))
        BASE_TRY(from_buffer(value, where, &p));
    else
        BASE_FAIL(BASE_EFORMAT, "%s: not a numpy array", where);
    BASE_CHECK(
        read_dtype(p.dtype, out), BASE_EFORMAT,
        "%s: a numpy array of a dtype that is not read: must be little-endian u1 to u8, i1 to i8, f2 to f8 or b1",
        where);
    size_t ndim = p.shape->kind == IO_PICKLE_TUPLE && p.shape->count <= IO_PICKLE_DIMS ? p.shape->count : 0;
    BASE_TRY(set_shape(p.shape, p.fortran ? BACKWARDS[ndim] : NULL, where, out));
    if (p.axes) BASE_TRY(move_axes(p.axes, where, out));
    BASE_CHECK(!__builtin_mul_overflow(out->count, (int64_t)out->item_bytes, &bytes) &&
                   (p.bytes->kind == IO_PICKLE_STRING || p.bytes->kind == IO_PICKLE_BYTES) &&
                   (uint64_t)bytes == p.bytes->count,
               BASE_EFORMAT, "%s: a numpy array whose bytes do not fit its shape", where);
    out->data = p.bytes->bytes;
out:
    return st;
}

static bool read_whole(char kind, int item_bytes, const void *bytes, int64_t *out)
{
    uint64_t number = 0;
    if (kind == 'f') return false;
    memcpy(&number, bytes, (size_t)item_bytes); /* little-endian, as the array */
    int unused = 64 - 8 * item_bytes;
    if (kind == 'u' && number > INT64_MAX) return false;
    *out = kind == 'i' ? (int64_t)(number << unused) >> unused : (int64_t)number;
    return true;
}

bool io_pickle_array_whole(const IoPickleArray *array, int64_t at, int64_t *out)
{
    return read_whole(array->kind, array->item_bytes, (const char *)array->data + at * array->item_bytes, out);
}

bool io_pickle_whole(const IoPickleValue *value, int64_t *out)
{
    IoPickleArray type = {0};
    if (value->kind == IO_PICKLE_INT) return *out = value->whole, true;
    if (!io_pickle_calls(value, "numpy.core.multiarray.scalar") &&
        !io_pickle_calls(value, "numpy._core.multiarray.scalar"))
        return false;
    const IoPickleValue *args = value->args, *bytes = args->count == 2 ? args->items[1] : NULL;
    return bytes && read_dtype(args->items[0], &type) &&
           (bytes->kind == IO_PICKLE_BYTES || bytes->kind == IO_PICKLE_STRING) &&
           bytes->count == (size_t)type.item_bytes && read_whole(type.kind, type.item_bytes, bytes->bytes, out);
}
