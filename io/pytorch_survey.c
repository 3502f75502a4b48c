/* io/pytorch_survey.c - what a PyTorch pickle holds: the state dict and the way to it, copies of it, other tensors of
 * its shapes, and what no checkpoint needs. Each walk takes each value once, and finds names and shapes by hash: its
 * cost is the pickle's size. */
#include <stdio.h>
#include <string.h>

#include "base/index.h"
#include "base/memory.h"
#include "io/pytorch.h"

enum { DEEPEST = 3000, PREFIXES = 8, LABEL = 200, STRANGE_SHOWN = 20, KEY_SHOWN = 60 };
/* Marks of the sieve. */
enum { OPENED = 1, CLEAN, BAD, OPENED_DICT };

static const char TENSOR[] = "torch._utils._rebuild_tensor_v2", PARAMETER[] = "torch._utils._rebuild_parameter";

IoPickleValue *io_pytorch_tensor(IoPickleValue *value)
{
    if (io_pickle_calls(value, PARAMETER) && value->args->count) value = value->args->items[0];
    return io_pickle_calls(value, TENSOR) ? value : NULL;
}

/* ---- the state dict ---- */

static bool holds_tensors(const IoPickleValue *dict)
{
    for (size_t i = 0; i + 1 < dict->count; i += 2)
        if (io_pytorch_tensor(dict->items[i + 1])) return true;
    return false;
}

/* Fills the path from @p root on; marks every dict it has looked into. */
static bool state_below(IoPytorchSurvey *s, IoPickleValue *root, int depth)
{
    static const char *const KEYS[] = {"state_dict", "model_state_dict", "model", "net", NULL};
    if (!io_pickle_is_dict(root) || root->memo) return false;
    root->memo = 1;
    s->path[depth] = root;
    for (const char *const *key = KEYS; *key && depth + 1 < IO_PYTORCH_NESTING; key++)
        if (state_below(s, io_pickle_get(root, *key), depth + 1)) return true;
    s->depth = depth;
    return holds_tensors(root);
}

static bool on_the_way(const IoPytorchSurvey *s, const IoPickleValue *value)
{
    for (int i = 0; i <= s->depth; i++)
        if (s->path[i] == value) return true;
    return false;
}

void io_pytorch_add_key(BaseText *text, const IoPickleValue *key)
{
    bool spelt = key->kind == IO_PICKLE_TEXT || key->kind == IO_PICKLE_STRING;
    if (!spelt && key->kind == IO_PICKLE_INT) base_text_add(text, "%lld", (long long)key->whole);
    if (!spelt && key->kind != IO_PICKLE_INT) base_text_add(text, "?");
    for (size_t i = 0; spelt && i < key->count && i < KEY_SHOWN; i++) /* fit for a terminal */
        base_text_add(text, "%c", (unsigned char)key->bytes[i] < ' ' || key->bytes[i] == 127 ? '?' : key->bytes[i]);
}

/* Keys of the dicts on the way to the state dict, then of its entries that are not tensors. */
static void add_beside(IoPytorchSurvey *s, int depth)
{
    IoPickleValue *dict = s->path[depth];
    for (size_t i = 0; i + 1 < dict->count && s->beside.size <= LABEL; i += 2) {
        IoPickleValue *value = dict->items[i + 1];
        if (depth < s->depth && value == s->path[depth + 1]) {
            if (depth + 1 < s->depth) add_beside(s, depth + 1);
            continue;
        }
        if (dict == s->state && io_pytorch_tensor(value)) continue;
        base_text_add(&s->beside, s->beside.size ? ", " : "");
        io_pytorch_add_key(&s->beside, dict->items[i]);
    }
    if (depth == 0 && s->depth > 0) add_beside(s, s->depth);
}

/* ---- names and shapes of the state ---- */

typedef struct {
    int64_t dims[IO_TENSOR_DIMS];
    size_t size; /* bytes of them */
} Shape;

typedef struct {
    IoPytorchSurvey *s;
    BaseIndex names, shapes; /* of the state's tensors; the place of a name is its value's slot in the state dict */
    Shape *shape;            /* what the second one borrows */
    size_t groups;
    BaseStatus st;
    const IoPickleValue *group_top[STRANGE_SHOWN], *group_leaf[STRANGE_SHOWN];
    size_t group_count[STRANGE_SHOWN];
} Walk;

static bool is_name(const IoPickleValue *key) { return key->kind == IO_PICKLE_TEXT || key->kind == IO_PICKLE_STRING; }

static const IoPickleValue *shape_of(IoPickleValue *value)
{
    const IoPickleValue *tensor = io_pytorch_tensor(value);
    const IoPickleValue *shape = tensor && tensor->args->count > 2 ? tensor->args->items[2] : NULL;
    return shape && shape->kind == IO_PICKLE_TUPLE && shape->count <= IO_TENSOR_DIMS ? shape : NULL;
}

static bool same_shape(const IoPickleValue *a, const IoPickleValue *b)
{
    if (!a || !b || a->count != b->count) return false;
    for (size_t d = 0; d < a->count; d++)
        if (a->items[d]->kind != IO_PICKLE_INT || b->items[d]->kind != IO_PICKLE_INT ||
            a->items[d]->whole != b->items[d]->whole)
            return false;
    return true;
}

/* Of a matrix or more; false: too few dimensions to tell a weight by. */
static bool take_shape(const IoPickleValue *shape, Shape *out)
{
    if (!shape || shape->count < 2) return false;
    for (size_t d = 0; d < shape->count; d++) {
        if (shape->items[d]->kind != IO_PICKLE_INT) return false;
        out->dims[d] = shape->items[d]->whole;
    }
    out->size = shape->count * sizeof *out->dims;
    return true;
}

/* Leading components ("module.encoder.") that all names but n_averaged begin with. */
static size_t common_size(const IoPickleValue *dict)
{
    const IoPickleValue *first = NULL;
    size_t common = 0;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const IoPickleValue *key = dict->items[i];
        if (!io_pytorch_tensor(dict->items[i + 1]) || !is_name(key) || io_pickle_spells(key, IO_TENSORS_AVERAGED))
            continue;
        size_t same = 0;
        if (!first) {
            first = key;
            common = key->count;
        }
        while (same < common && same < key->count && key->bytes[same] == first->bytes[same]) same++;
        common = same;
    }
    while (common && first->bytes[common - 1] != '.') common--;
    return common;
}

static BaseStatus index_state(Walk *w)
{
    BaseStatus st = BASE_OK;
    const IoPickleValue *state = w->s->state;
    size_t old, skip = common_size(state);
    BASE_TRY(BASE_ALLOC(state->count / 2, &w->shape));
    for (size_t slot = state->count; slot >= 2;
         slot -= 2) { /* backwards: of a name that stands twice the last counts */
        const IoPickleValue *key = state->items[slot - 2];
        Shape *shape = &w->shape[slot / 2 - 1];
        if (!io_pytorch_tensor(state->items[slot - 1]) || !is_name(key) || key->count < skip) continue;
        if (io_pickle_spells(key, IO_TENSORS_AVERAGED)) continue;
        BASE_TRY(base_index_add_bytes(&w->names, key->bytes + skip, key->count - skip, slot - 1, &old));
        if (take_shape(shape_of(state->items[slot - 1]), shape))
            BASE_TRY(base_index_add_bytes(&w->shapes, shape->dims, shape->size, 0, &old));
    }
    w->s->steps = w->names.steps + w->shapes.steps;
out:
    return st;
}

/* The slot in the state of a tensor called so; 0: none, since slots are odd. */
static size_t find_name(const Walk *w, const char *name, size_t size)
{
    size_t slot = base_index_find_bytes(&w->names, name, size);
    return slot == SIZE_MAX ? 0 : slot;
}

static bool is_weight_shape(const Walk *w, const IoPickleValue *shape)
{
    Shape taken;
    return take_shape(shape, &taken) && base_index_find_bytes(&w->shapes, taken.dims, taken.size) != SIZE_MAX;
}

static bool is_float(IoPickleValue *value)
{
    const IoPickleValue *storage = io_pytorch_tensor(value)->args->items[0];
    const IoPickleValue *id = storage->kind == IO_PICKLE_PERSISTENT ? storage->args : NULL;
    IoDtype dtype;
    return id && id->kind == IO_PICKLE_TUPLE && id->count > 1 && id->items[1]->kind == IO_PICKLE_GLOBAL &&
           io_pytorch_storage_dtype(id->items[1]->name, &dtype) && io_dtype_is_float(dtype);
}

/* ---- copies of the state ---- */

/* Every tensor of @p dict, its first @p skip characters off, is one of the state's by name, shape and kind, or a mere
 * number; at least one is a weight. slots: [dict->count / 2] of the state, 0 for what has none. */
static bool is_copy_without(const Walk *w, const IoPickleValue *dict, const IoPickleValue *first, size_t skip,
                            size_t *slots)
{
    bool weights = false;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const IoPickleValue *key = dict->items[i], *shape = shape_of(dict->items[i + 1]);
        slots[i / 2] = 0;
        if (!io_pytorch_tensor(dict->items[i + 1])) continue;
        bool begins = is_name(key) && key->count > skip && memcmp(key->bytes, first->bytes, skip) == 0;
        size_t slot = begins ? find_name(w, key->bytes + skip, key->count - skip) : 0;
        IoPickleValue *twin = slot ? w->s->state->items[slot] : NULL;
        if (twin && same_shape(shape, shape_of(twin)) && is_float(twin) == is_float(dict->items[i + 1])) {
            slots[i / 2] = slot;
            weights = weights || (shape->count > 1 && is_float(twin));
        } else if (!shape || shape->count) {
            return false;
        }
    }
    return weights;
}

static bool is_copy(const Walk *w, const IoPickleValue *dict, size_t *slots)
{
    const IoPickleValue *first = NULL;
    for (size_t i = 0; i + 1 < dict->count && !first; i += 2) {
        const IoPickleValue *shape = shape_of(dict->items[i + 1]);
        if (shape && shape->count && is_name(dict->items[i])) first = dict->items[i];
    }
    size_t skip = 0;
    for (int tries = 0; first && tries < PREFIXES; tries++) {
        size_t slot = find_name(w, first->bytes + skip, first->count - skip);
        if (slot && is_copy_without(w, dict, first, skip, slots)) return true;
        const char *dot = memchr(first->bytes + skip, '.', first->count - skip);
        if (!dot) return false;
        skip = (size_t)(dot + 1 - first->bytes);
    }
    return false;
}

typedef struct Trail {
    const struct Trail *up;
    const IoPickleValue *key;
} Trail;

static void add_trail(BaseText *text, const Trail *trail)
{
    if (!trail || text->size > LABEL) return;
    add_trail(text, trail->up);
    if (text->size) base_text_add(text, ".");
    io_pytorch_add_key(text, trail->key);
}

static BaseStatus add_copy(Walk *w, IoPickleValue *dict, const Trail *trail, size_t **slots)
{
    BaseStatus st = BASE_OK;
    IoPytorchSurvey *s = w->s;
    BaseText where = {0};
    BASE_TRY(BASE_GROW_BY_ONE(&s->copies, s->copy_count));
    add_trail(&where, trail);
    BASE_TRY(where.st);
    s->copies[s->copy_count++] = (IoPytorchCopy){dict, where.data, *slots};
    for (size_t i = 0; i + 1 < dict->count; i += 2)
        if ((*slots)[i / 2]) dict->items[i + 1]->memo = io_pytorch_tensor(dict->items[i + 1])->memo = 1;
    *slots = NULL;
    where = (BaseText){0};
out:
    base_text_free(&where);
    return st;
}

/* ---- other tensors of the state's shapes: moments of an optimiser, averages kept as a list ---- */

static void count_stale(Walk *w, const Trail *trail)
{
    const IoPickleValue *leaf = trail ? trail->key : NULL, *top = leaf;
    for (const Trail *t = trail; t; t = t->up) top = t->key;
    if (!leaf) return;
    if (!is_name(leaf)) leaf = top;
    size_t g = 0;
    while (g < w->groups && !(w->group_top[g] == top &&
                              (w->group_leaf[g] == leaf ||
                               (is_name(leaf) && is_name(w->group_leaf[g]) && w->group_leaf[g]->count == leaf->count &&
                                memcmp(w->group_leaf[g]->bytes, leaf->bytes, leaf->count) == 0))))
        g++;
    if (g == STRANGE_SHOWN) g--; /* what has no place left is counted with the last */
    if (g == w->groups) {
        w->group_top[g] = top;
        w->group_leaf[g] = leaf;
        w->groups++;
    }
    w->group_count[g]++;
}

static void add_stale(Walk *w)
{
    BaseText *text = &w->s->stale;
    for (size_t g = 0; g < w->groups; g++) {
        base_text_add(text, text->size ? ", " : "");
        io_pytorch_add_key(text, w->group_top[g]);
        base_text_add(text, " (");
        if (w->group_leaf[g] != w->group_top[g]) {
            io_pytorch_add_key(text, w->group_leaf[g]);
            base_text_add(text, ", ");
        }
        base_text_add(text, "%zu tensor%s)", w->group_count[g], w->group_count[g] == 1 ? "" : "s");
    }
}

static void walk(Walk *w, IoPickleValue *value, const Trail *trail, int depth);

static void walk_dict(Walk *w, IoPickleValue *dict, const Trail *trail, int depth)
{
    size_t *slots = NULL;
    if (!on_the_way(w->s, dict) && holds_tensors(dict)) {
        w->st = BASE_ALLOC(dict->count / 2, &slots);
        if (w->st == BASE_OK && is_copy(w, dict, slots)) w->st = add_copy(w, dict, trail, &slots);
        base_free(slots);
    }
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        Trail below = {trail, dict->items[i]};
        walk(w, dict->items[i + 1], &below, depth + 1);
    }
}

static void walk(Walk *w, IoPickleValue *value, const Trail *trail, int depth)
{
    if (!value || value->memo || w->st != BASE_OK) return;
    if (depth > DEEPEST) {
        w->st = base_error_set(BASE_ELIMIT, "values within values, more than %d deep", DEEPEST);
        return;
    }
    value->memo = 1;
    IoPickleValue *tensor = io_pytorch_tensor(value);
    if (tensor) {
        if (tensor != value && tensor->memo) return;
        tensor->memo = 1;
        if (is_weight_shape(w, shape_of(value))) count_stale(w, trail);
        return;
    }
    if (value->kind < IO_PICKLE_TUPLE) return;
    walk(w, value->args, trail, depth + 1);
    if (value->kind == IO_PICKLE_DICT || (value->kind == IO_PICKLE_CALL && !value->listed))
        walk_dict(w, value, trail, depth);
    else
        for (size_t i = 0; i < value->count; i++) walk(w, value->items[i], trail, depth + 1);
    walk(w, value->state, trail, depth + 1);
}

static BaseStatus find_copies(IoPytorchSurvey *s)
{
    BaseStatus st = BASE_OK;
    Walk w = {.s = s};
    BASE_TRY(index_state(&w));
    io_pickle_unmark(s->pickle);
    for (size_t i = 0; i + 1 < s->state->count; i += 2) {
        IoPickleValue *tensor = io_pytorch_tensor(s->state->items[i + 1]);
        if (tensor) s->state->items[i + 1]->memo = tensor->memo = 1;
    }
    walk(&w, s->path[0], NULL, 0);
    BASE_TRY(w.st);
    add_stale(&w);
    BASE_TRY(s->stale.st);
out:
    base_index_free(&w.names);
    base_index_free(&w.shapes);
    base_free(w.shape);
    return st;
}

/* ---- what no checkpoint needs ---- */

static const char ROUND[] = "a value that contains itself", DEEP[] = "a value nested too deeply";

/* Names are interned: the same one has the same place. */
static void note_strange(IoPytorchSurvey *s, const char *name)
{
    for (size_t i = 0; i < s->strange_count; i++)
        if (s->strange[i] == name) return;
    if (s->strange_count < IO_PYTORCH_STRANGE)
        s->strange[s->strange_count++] = name;
    else
        s->more_strange = true;
}

static bool sieve(IoPytorchSurvey *s, IoPickleValue *value, bool edit, int depth);

/* A dict loses the entries that are bad, and is never bad for them. */
static void sieve_dict(IoPytorchSurvey *s, IoPickleValue *dict, bool edit, int depth)
{
    size_t kept = 0;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        bool bad = sieve(s, dict->items[i], edit, depth + 1);
        bad = sieve(s, dict->items[i + 1], edit, depth + 1) || bad;
        if (bad && edit) continue;
        dict->items[kept] = dict->items[i];
        dict->items[kept + 1] = dict->items[i + 1];
        kept += 2;
    }
    if (kept < dict->count) s->edited = true;
    dict->count = kept;
    if (sieve(s, dict->state, edit, depth + 1) && edit) {
        dict->state = NULL;
        s->edited = true;
    }
}

/* Whether a value is, or cannot be without, what is left out. What is still being looked at counts as bad, so that
 * nothing bad is reached through a value that contains itself. */
static bool sieve(IoPytorchSurvey *s, IoPickleValue *value, bool edit, int depth)
{
    if (!value) return false;
    if (value->memo == OPENED) note_strange(s, ROUND);
    if (value->memo) return value->memo == BAD || value->memo == OPENED;
    value->memo = OPENED;
    bool bad = depth > DEEPEST || !io_pytorch_familiar(value);
    if (bad && depth > DEEPEST)
        note_strange(s, DEEP);
    else if (bad)
        note_strange(s, value->name);
    if (depth <= DEEPEST && value->kind >= IO_PICKLE_TUPLE) {
        bad = sieve(s, value->args, edit, depth + 1) || bad;
        if (io_pickle_is_dict(value) && !bad) {
            value->memo = OPENED_DICT;
            sieve_dict(s, value, edit, depth);
        } else {
            for (size_t i = 0; i < value->count; i++) bad = sieve(s, value->items[i], edit, depth + 1) || bad;
            bad = sieve(s, value->state, edit, depth + 1) || bad;
        }
    }
    value->memo = bad ? BAD : CLEAN;
    return bad;
}

void io_pytorch_sieve(IoPytorchSurvey *s, const bool *dropped)
{
    io_pickle_unmark(s->pickle);
    for (size_t i = 0; i < s->copy_count; i++)
        if (dropped && dropped[i]) s->copies[i].dict->memo = BAD;
    sieve(s, s->path[0], dropped != NULL, 0);
}

bool io_pytorch_is_bad(const IoPickleValue *value) { return value->memo == BAD; }

BaseStatus io_pytorch_strange_text(const IoPytorchSurvey *s, BaseText *out)
{
    for (size_t i = 0; i < s->strange_count; i++) base_text_add(out, "%s%s", i ? ", " : "", s->strange[i]);
    if (s->more_strange) base_text_add(out, " and more");
    return out->st;
}

/* ---- all of it ---- */

BaseStatus io_pytorch_survey(IoPickle *pickle, const char *where, IoPytorchSurvey *s)
{
    BaseStatus st = BASE_OK;
    BaseText keys = {0};
    IoPickleValue *root = io_pickle_root(pickle);
    *s = (IoPytorchSurvey){.pickle = pickle};
    io_pickle_unmark(pickle);
    BASE_CHECK(root->kind != IO_PICKLE_GLOBAL && (root->kind != IO_PICKLE_CALL || !root->inert), BASE_EFORMAT,
               "%s: holds an object of '%s' and no state dict: only plain data is read, and nothing in a file is ever "
               "run; save model.state_dict() with torch.save",
               where, root->name);
    BASE_CHECK(io_pickle_is_dict(root), BASE_EFORMAT,
               "%s: holds no state dict; save model.state_dict(), or a dict with it under 'state_dict'", where);
    if (!state_below(s, root, 0)) {
        for (size_t i = 0; i < root->count && keys.size <= LABEL; i += 2) {
            base_text_add(&keys, keys.size ? ", " : "");
            io_pytorch_add_key(&keys, root->items[i]);
        }
        BASE_TRY(keys.st);
        BASE_FAIL(BASE_EFORMAT, "%s: holds no tensors under 'state_dict', 'model_state_dict', 'model' or 'net'; %s%s",
                  where, keys.size ? "its keys are: " : "it is empty", keys.size ? keys.data : "");
    }
    s->state = s->path[s->depth];
    add_beside(s, 0);
    BASE_TRY(s->beside.st);
    st = find_copies(s);
    if (st == BASE_ELIMIT) base_error_prefix(st, "%s", where);
out:
    base_text_free(&keys);
    if (st != BASE_OK) io_pytorch_survey_free(s);
    return st;
}

void io_pytorch_survey_free(IoPytorchSurvey *s)
{
    for (size_t i = 0; i < s->copy_count; i++) {
        base_free(s->copies[i].where);
        base_free(s->copies[i].slots);
    }
    base_free(s->copies);
    base_text_free(&s->beside);
    base_text_free(&s->stale);
    *s = (IoPytorchSurvey){0};
}
