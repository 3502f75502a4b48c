/* io/pickle_read.c - the machine is Python's (Lib/pickletools.py documents each opcode): a stack, marks on it, and a
 * memo. */
#include "io/pickle.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/pickle_machine.h"

enum { NAME_SHOWN = 160 };

/* A name from the file, fit for one line. */
static void show_name(const char *bytes, size_t size, char out[NAME_SHOWN])
{
    if (size >= NAME_SHOWN) size = NAME_SHOWN - 1;
    for (size_t i = 0; i < size; i++) out[i] = bytes[i] >= ' ' && bytes[i] < 127 ? bytes[i] : '?';
    out[size] = '\0';
}

static BaseStatus take(IoPickleMachine *m, size_t size, const char **out)
{
    *out = (const char *)m->at;
    if ((size_t)(m->end - m->at) < size) return io_pickle_refuse(m, "it ends in the middle of a value");
    m->at += size;
    return BASE_OK;
}

/* An unsigned little-endian number of @p width bytes. */
static BaseStatus take_number(IoPickleMachine *m, size_t width, uint64_t *out)
{
    const char *bytes;
    BaseStatus st = take(m, width, &bytes);
    *out = 0;
    for (size_t i = 0; st == BASE_OK && i < width; i++) *out |= (uint64_t)(unsigned char)bytes[i] << 8 * i;
    return st;
}

static BaseStatus take_line(IoPickleMachine *m, const char **line, size_t *size)
{
    const unsigned char *end = memchr(m->at, '\n', (size_t)(m->end - m->at));
    *line = (const char *)m->at;
    *size = 0;
    if (!end) return io_pickle_refuse(m, "it ends in the middle of a name");
    *size = (size_t)(end - m->at);
    m->at = end + 1;
    return BASE_OK;
}

static BaseStatus get(IoPickleMachine *m, uint64_t index)
{
    if (index >= m->memo_count || !m->memo[index])
        return io_pickle_refuse(m, "a memo entry is read that was never set");
    return io_pickle_push(m, m->memo[index]);
}

static BaseStatus put(IoPickleMachine *m, uint64_t index)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *value;
    BASE_TRY(io_pickle_top(m, &value));
    /* Python numbers them in order, so an index is below the count of operations */
    if (index >= m->rules->operations) BASE_TRY(io_pickle_refuse(m, "a memo index is impossibly large"));
    if (index >= m->memo_room) {
        size_t room = 2 * m->memo_room > index ? 2 * m->memo_room : (size_t)index + 64;
        BASE_TRY(BASE_GROW(&m->memo, m->memo_room, room));
        m->memo_room = room;
    }
    if (index >= m->memo_count) m->memo_count = (size_t)index + 1;
    m->memo[index] = value;
out:
    return st;
}

static BaseStatus push_bytes(IoPickleMachine *m, IoPickleKind kind, size_t width)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *value;
    uint64_t size;
    const char *bytes;
    BASE_TRY(take_number(m, width, &size));
    BASE_TRY(take(m, size > SIZE_MAX / 2 ? SIZE_MAX : (size_t)size, &bytes));
    if (kind == IO_PICKLE_BYTES && !m->rules->bytes)
        BASE_TRY(io_pickle_refuse(m, "it holds a bytes object, which is not expected"));
    BASE_TRY(io_pickle_push_new(m, kind, &value));
    value->bytes = bytes;
    value->count = (size_t)size;
out:
    return st;
}

static BaseStatus push_int(IoPickleMachine *m, int64_t whole)
{
    IoPickleValue *value;
    BaseStatus st = io_pickle_push_new(m, IO_PICKLE_INT, &value);
    if (st == BASE_OK) value->whole = whole;
    return st;
}

static BaseStatus push_bool(IoPickleMachine *m, bool truth)
{
    IoPickleValue *value;
    BaseStatus st = io_pickle_push_new(m, IO_PICKLE_BOOL, &value);
    if (st == BASE_OK) value->truth = truth;
    return st;
}

static BaseStatus push_int_of(IoPickleMachine *m, size_t width)
{
    uint64_t number;
    BaseStatus st = take_number(m, width, &number);
    if (st != BASE_OK) return st;
    return push_int(m, width == 4 ? (int32_t)(uint32_t)number : (int64_t)number);
}

static BaseStatus push_long(IoPickleMachine *m, size_t width)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *value;
    const char *bytes;
    uint64_t size, whole = 0;
    BASE_TRY(take_number(m, width, &size));
    BASE_TRY(take(m, (size_t)size, &bytes));
    if (size > 8) {
        BASE_TRY(io_pickle_push_new(m, IO_PICKLE_LONG, &value));
        value->bytes = bytes;
        value->count = (size_t)size;
        goto out;
    }
    if (size && (unsigned char)bytes[size - 1] >> 7) whole = UINT64_MAX; /* negative: ones in front */
    for (size_t i = (size_t)size; i-- > 0;) whole = whole << 8 | (unsigned char)bytes[i];
    BASE_TRY(push_int(m, (int64_t)whole));
out:
    return st;
}

static BaseStatus push_float(IoPickleMachine *m)
{
    IoPickleValue *value;
    const char *bytes;
    uint64_t bits = 0;
    BaseStatus st = take(m, 8, &bytes);
    if (st == BASE_OK) st = io_pickle_push_new(m, IO_PICKLE_FLOAT, &value);
    if (st != BASE_OK) return st;
    for (int i = 0; i < 8; i++) bits = bits << 8 | (unsigned char)bytes[i];
    memcpy(&value->real, &bits, sizeof bits);
    return BASE_OK;
}

static BaseStatus push_inert(IoPickleMachine *m, const char *module, size_t module_size, const char *name,
                             size_t name_size)
{
    IoPickleValue *value;
    const char *text;
    BaseStatus st = io_pickle_intern(m->pickle, module, module_size, name, name_size, &text);
    if (st != BASE_OK) return base_error_prefix(st, "%s", m->where), st;
    st = io_pickle_push_new(m, IO_PICKLE_GLOBAL, &value);
    if (st != BASE_OK) return st;
    value->name = text;
    value->inert = true;
    value->split = (uint16_t)module_size;
    return BASE_OK;
}

/* Only a listed name may be named at all, if others are not to be inert. */
static BaseStatus push_global(IoPickleMachine *m, const char *module, size_t module_size, const char *name,
                              size_t name_size)
{
    char shown[2][NAME_SHOWN];
    for (const char *const *known = m->rules->names; *known; known++) {
        const char *dot = strrchr(*known, '.');
        if ((size_t)(dot - *known) != module_size || memcmp(*known, module, module_size) ||
            strlen(dot + 1) != name_size || memcmp(dot + 1, name, name_size))
            continue;
        IoPickleValue *value;
        BaseStatus st = io_pickle_push_new(m, IO_PICKLE_GLOBAL, &value);
        if (st == BASE_OK) value->name = *known;
        return st;
    }
    if (m->rules->inert) return push_inert(m, module, module_size, name, name_size);
    show_name(module, module_size, shown[0]);
    show_name(name, name_size, shown[1]);
    return base_error_set(BASE_EFORMAT,
                          "%s: byte %zu of the pickle asks for '%s.%s', which is refused: only plain data is read, and "
                          "nothing in a file is ever run%s%s",
                          m->where, (size_t)(m->at - m->start), shown[0], shown[1], m->rules->hint ? "; " : "",
                          m->rules->hint ? m->rules->hint : "");
}

static BaseStatus op_global(IoPickleMachine *m)
{
    const char *module, *name;
    size_t module_size, name_size;
    BaseStatus st = take_line(m, &module, &module_size);
    if (st == BASE_OK) st = take_line(m, &name, &name_size);
    return st == BASE_OK ? push_global(m, module, module_size, name, name_size) : st;
}

static BaseStatus op_stack_global(IoPickleMachine *m)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *module, *name;
    BASE_TRY(io_pickle_pop(m, &name));
    BASE_TRY(io_pickle_pop(m, &module));
    if (module->kind != IO_PICKLE_TEXT || name->kind != IO_PICKLE_TEXT)
        BASE_TRY(io_pickle_refuse(m, "a name that is not text"));
    BASE_TRY(push_global(m, module->bytes, module->count, name->bytes, name->count));
out:
    return st;
}

/* bytes(text, "latin1"): how protocol 2 spells the bytes objects of Python 3. */
static BaseStatus encode(IoPickleMachine *m, const IoPickleValue *args)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *value;
    char *bytes = NULL;
    size_t size = 0;
    const IoPickleValue *text = args->count ? args->items[0] : NULL;
    if (args->count != 2 || text->kind != IO_PICKLE_TEXT || !io_pickle_spells(args->items[1], "latin1"))
        BASE_TRY(io_pickle_refuse(m, "_codecs.encode is read for text and 'latin1' only"));
    if (!m->rules->bytes) BASE_TRY(io_pickle_refuse(m, "it holds a bytes object, which is not expected"));
    BASE_TRY(BASE_ALLOC_RAW(text->count, &bytes));
    for (size_t i = 0; i < text->count; i++) {
        unsigned char c = (unsigned char)text->bytes[i];
        unsigned char next = i + 1 < text->count ? (unsigned char)text->bytes[i + 1] : 0;
        if (c >= 0x80) { /* U+0080 to U+00FF take two bytes in UTF-8 */
            if ((c != 0xc2 && c != 0xc3) || next >> 6 != 2) BASE_TRY(io_pickle_refuse(m, "text that is not latin1"));
            c = (unsigned char)(c << 6 | (next & 0x3f));
            i++;
        }
        bytes[size++] = (char)c;
    }
    BASE_TRY(io_pickle_push_new(m, IO_PICKLE_BYTES, &value));
    value->bytes = bytes;
    value->count = size;
    value->owned = true;
    bytes = NULL;
out:
    base_free(bytes);
    return st;
}

static BaseStatus op_reduce(IoPickleMachine *m)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *args, *callable;
    char text[NAME_SHOWN + 64];
    BASE_TRY(io_pickle_pop(m, &args));
    BASE_TRY(io_pickle_pop(m, &callable));
    if (m->rules->inert && callable->kind >= IO_PICKLE_CALL) {
        IoPickleValue nobody = {.name = "the outcome of a call", .inert = true};
        BASE_TRY(io_pickle_new_pair(m, callable, args, &args));
        BASE_TRY(io_pickle_push_call(m, &nobody, args, IO_PICKLE_APPLY));
        goto out;
    }
    if (callable->kind == IO_PICKLE_CALL) {
        snprintf(text, sizeof text, "it calls the result of calling %s, which is refused", callable->name);
        BASE_TRY(io_pickle_refuse(m, text));
    }
    if (callable->kind != IO_PICKLE_GLOBAL)
        BASE_TRY(io_pickle_refuse(m, "it calls a value that is not a constructor: refused"));
    if (args->kind != IO_PICKLE_TUPLE) BASE_TRY(io_pickle_refuse(m, "a call without a tuple of arguments"));
    if (!callable->inert && strcmp(callable->name, "_codecs.encode") == 0) {
        BASE_TRY(encode(m, args));
        goto out;
    }
    BASE_TRY(io_pickle_push_call(m, callable, args, IO_PICKLE_REDUCE));
out:
    return st;
}

static BaseStatus op_build(IoPickleMachine *m)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *state, *object;
    BASE_TRY(io_pickle_pop(m, &state));
    BASE_TRY(io_pickle_top(m, &object));
    if (object->kind != IO_PICKLE_CALL || object->state)
        BASE_TRY(io_pickle_refuse(m, "a state is given to an object that takes none, or takes only one"));
    object->state = state;
out:
    return st;
}

static BaseStatus op_persistent(IoPickleMachine *m)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *id, *value;
    if (!m->rules->persistent)
        BASE_TRY(io_pickle_refuse(m, "it refers to data outside itself, which is not expected here"));
    BASE_TRY(io_pickle_pop(m, &id));
    BASE_TRY(io_pickle_push_new(m, IO_PICKLE_PERSISTENT, &value));
    value->args = id;
out:
    return st;
}

static BaseStatus op_tuple(IoPickleMachine *m, size_t n)
{
    IoPickleValue *value;
    if (io_pickle_within_reach(m) < n) return io_pickle_refuse(m, "a tuple of more values than there are");
    BaseStatus st = io_pickle_new(m->pickle, IO_PICKLE_TUPLE, &value);
    if (st == BASE_OK) st = io_pickle_append(value, n ? m->stack + m->count - n : NULL, n);
    m->count -= n;
    return st == BASE_OK ? io_pickle_push(m, value) : st;
}

static BaseStatus op_tuple_mark(IoPickleMachine *m)
{
    IoPickleValue **items;
    size_t n;
    BaseStatus st = io_pickle_pop_mark(m, &items, &n);
    if (st != BASE_OK) return st;
    m->count += n;
    return op_tuple(m, n);
}

static BaseStatus op_append(IoPickleMachine *m, bool many)
{
    BaseStatus st = BASE_OK;
    IoPickleValue **items, *list, *one;
    size_t n = 1;
    if (many) {
        BASE_TRY(io_pickle_pop_mark(m, &items, &n));
    } else {
        BASE_TRY(io_pickle_pop(m, &one));
        items = &one;
    }
    BASE_TRY(io_pickle_top(m, &list));
    bool inert = list->kind == IO_PICKLE_CALL && list->inert && (list->listed || !list->count);
    if (list->kind != IO_PICKLE_LIST && !inert) BASE_TRY(io_pickle_refuse(m, "values are appended to a non-list"));
    list->listed = inert;
    BASE_TRY(io_pickle_append(list, items, n));
out:
    return st;
}

static BaseStatus op_set(IoPickleMachine *m, bool many)
{
    BaseStatus st = BASE_OK;
    IoPickleValue **items, *dict, *pair[2];
    size_t n = 2;
    if (many) {
        BASE_TRY(io_pickle_pop_mark(m, &items, &n));
    } else {
        BASE_TRY(io_pickle_pop(m, &pair[1]));
        BASE_TRY(io_pickle_pop(m, &pair[0]));
        items = pair;
    }
    BASE_TRY(io_pickle_top(m, &dict));
    bool inert = dict->kind == IO_PICKLE_CALL && dict->inert && !dict->listed;
    if (!io_pickle_is_dict(dict) && !inert) BASE_TRY(io_pickle_refuse(m, "entries are set in a non-dict"));
    if (n % 2) BASE_TRY(io_pickle_refuse(m, "a key without its value"));
    BASE_TRY(io_pickle_append(dict, items, n));
out:
    return st;
}

/* Says what an opcode is that no plain data needs. */
static BaseStatus refuse_opcode(IoPickleMachine *m, unsigned char code)
{
    static const struct {
        unsigned char code;
        const char *name;
    } NAMES[] = {{'o', "OBJ"},       {0x81, "NEWOBJ"},    {0x92, "NEWOBJ_EX"},  {0x82, "EXT1"},
                 {0x83, "EXT2"},     {0x84, "EXT4"},      {'P', "PERSID"},      {0x8f, "EMPTY_SET"},
                 {0x90, "ADDITEMS"}, {0x91, "FROZENSET"}, {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"},
                 {'S', "STRING"},    {'V', "UNICODE"},    {'I', "INT"},         {'L', "LONG"},
                 {'F', "FLOAT"},     {'p', "PUT"},        {'g', "GET"},         {'d', "DICT"},
                 {'l', "LIST"},      {'2', "DUP"}};
    char text[64];
    const char *name = "unknown";
    if (code == 'i') { /* INST: a name and its arguments in one */
        BaseStatus st = op_global(m);
        return st != BASE_OK ? st : io_pickle_refuse(m, "opcode INST is refused");
    }
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (NAMES[i].code == code) name = NAMES[i].name;
    snprintf(text, sizeof text, "opcode 0x%02x (%s) is refused", code, name);
    return io_pickle_refuse(m, text);
}

static BaseStatus push_bytearray(IoPickleMachine *m)
{
    BaseStatus st = push_bytes(m, IO_PICKLE_BYTES, 8);
    if (st == BASE_OK) m->stack[m->count - 1]->how = 1;
    return st;
}

/* What objects of any class are made with. */
static BaseStatus op_inert(IoPickleMachine *m, unsigned char code)
{
    IoPickleValue *value;
    switch (m->rules->inert ? code : 0) {
    case 0x81: return io_pickle_new_object(m, false);
    case 0x92: return io_pickle_new_object(m, true);
    case 0x8f: return io_pickle_push_new(m, IO_PICKLE_SET, &value);
    case 0x90: return io_pickle_fill_set(m, false);
    case 0x91: return io_pickle_fill_set(m, true);
    case 0x96: return push_bytearray(m);
    default: return refuse_opcode(m, code);
    }
}

static BaseStatus op_simple(IoPickleMachine *m, unsigned char code)
{
    IoPickleValue *value;
    uint64_t number;
    BaseStatus st;
    switch (code) {
    case '(': return io_pickle_push_mark(m);
    case '0': return io_pickle_pop(m, &value);                                       /* POP */
    case '1': return io_pickle_pop_mark(m, &(IoPickleValue **){NULL}, &(size_t){0}); /* POP_MARK */
    case 'N': return io_pickle_push_new(m, IO_PICKLE_NONE, &value);
    case 0x88: return push_bool(m, true);
    case 0x89: return push_bool(m, false);
    case 'K': return push_int_of(m, 1);
    case 'M': return push_int_of(m, 2);
    case 'J': return push_int_of(m, 4);
    case 0x8a: return push_long(m, 1);
    case 0x8b: return push_long(m, 4);
    case 'G': return push_float(m);
    case ']': return io_pickle_push_new(m, IO_PICKLE_LIST, &value);
    case '}': return io_pickle_push_new(m, IO_PICKLE_DICT, &value);
    case 'q':
    case 'r':
    case 'h':
    case 'j':
        st = take_number(m, code == 'q' || code == 'h' ? 1 : 4, &number);
        if (st != BASE_OK) return st;
        return code == 'q' || code == 'r' ? put(m, number) : get(m, number);
    case 0x94: return put(m, m->memo_count);      /* MEMOIZE */
    case 0x95: return take_number(m, 8, &number); /* FRAME: a hint for readers of streams */
    default: return op_inert(m, code);
    }
}

static BaseStatus step(IoPickleMachine *m)
{
    unsigned char code = *m->at++;
    switch (code) {
    case '.': m->stopped = true; return BASE_OK;
    case 'X': return push_bytes(m, IO_PICKLE_TEXT, 4);
    case 0x8c: return push_bytes(m, IO_PICKLE_TEXT, 1);
    case 0x8d: return push_bytes(m, IO_PICKLE_TEXT, 8);
    case 'U': return push_bytes(m, IO_PICKLE_STRING, 1);
    case 'T': return push_bytes(m, IO_PICKLE_STRING, 4);
    case 'C': return push_bytes(m, IO_PICKLE_BYTES, 1);
    case 'B': return push_bytes(m, IO_PICKLE_BYTES, 4);
    case 0x8e: return push_bytes(m, IO_PICKLE_BYTES, 8);
    case ')': return op_tuple(m, 0);
    case 0x85: return op_tuple(m, 1);
    case 0x86: return op_tuple(m, 2);
    case 0x87: return op_tuple(m, 3);
    case 't': return op_tuple_mark(m);
    case 'a': return op_append(m, false);
    case 'e': return op_append(m, true);
    case 's': return op_set(m, false);
    case 'u': return op_set(m, true);
    case 'c': return op_global(m);
    case 0x93: return op_stack_global(m);
    case 'R': return op_reduce(m);
    case 'b': return op_build(m);
    case 'Q': return op_persistent(m);
    default: return op_simple(m, code);
    }
}

/* Each value once, so that a list of lists of the same list costs no more than its parts. height -1: being measured. */
static BaseStatus measure(const IoPickleMachine *m, IoPickleValue *value, int depth)
{
    BaseStatus st = BASE_OK;
    int height = 0;
    if (!value || value->height > 0) goto out;
    if (value->height < 0 && m->rules->inert) goto out;
    if (value->height < 0) BASE_TRY(io_pickle_refuse(m, "a value contains itself"));
    if (depth > m->rules->depth) BASE_TRY(io_pickle_refuse(m, "values are nested too deeply"));
    value->height = -1;
    size_t n = value->kind >= IO_PICKLE_TUPLE ? value->count : 0;
    for (size_t i = 0; i < n + 2; i++) {
        IoPickleValue *part = i == 0 ? value->args : i <= n ? value->items[i - 1] : value->state;
        BASE_TRY(measure(m, part, depth + 1));
        if (part && part->height > height) height = part->height;
    }
    value->height = height + 1;
    if (depth + height > m->rules->depth) BASE_TRY(io_pickle_refuse(m, "values are nested too deeply"));
out:
    return st;
}

/* @p used NULL: nothing may follow. */
static BaseStatus run(IoPickleMachine *m, size_t *used)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(m->end - m->at >= 2 && m->at[0] == 0x80 && m->at[1] >= 2 && m->at[1] <= 5, BASE_EFORMAT,
               "%s: not a pickle of protocol 2 to 5", m->where);
    m->at += 2;
    while (!m->stopped) {
        if (m->at == m->end) BASE_TRY(io_pickle_refuse(m, "it ends without STOP"));
        BASE_CHECK(m->operations++ < m->rules->operations, BASE_ELIMIT, "%s: a pickle of more than %zu operations",
                   m->where, m->rules->operations);
        BASE_TRY(step(m));
    }
    if (used) *used = (size_t)(m->at - m->start);
    if (m->at != m->end && !used) BASE_TRY(io_pickle_refuse(m, "bytes follow its end"));
    if (m->count != 1 || m->mark_count) BASE_TRY(io_pickle_refuse(m, "it does not end with exactly one value"));
    BASE_TRY(measure(m, m->stack[0], 1));
    io_pickle_set_root(m->pickle, m->stack[0]);
out:
    return st;
}

BaseStatus io_pickle_read_first(const void *bytes, size_t size, const IoPickleRules *rules, const char *where,
                                size_t *used, IoPickle **out)
{
    BaseStatus st = BASE_OK;
    IoPickleMachine m = {.start = bytes, .at = bytes, .end = (const unsigned char *)bytes + size};
    m.rules = rules;
    m.where = where;
    *out = NULL;
    BASE_TRY(io_pickle_create(&m.pickle));
    BASE_TRY(run(&m, used));
    *out = m.pickle;
    m.pickle = NULL;
out:
    io_pickle_free(m.pickle);
    base_free(m.stack);
    base_free(m.memo);
    base_free(m.marks);
    return st;
}

BaseStatus io_pickle_read(const void *bytes, size_t size, const IoPickleRules *rules, const char *where, IoPickle **out)
{
    return io_pickle_read_first(bytes, size, rules, where, NULL, out);
}
