/* io/pickle_write.c - Python's own writer (Lib/pickle.py, protocol 2) in the opcodes that torch.load(weights_only=True)
 * knows: each value is put into the memo when it is written and fetched from there the next time. A value of a later
 * protocol is written in its opcodes, and the pickle says so in front. */
#include <string.h>

#include "io/pickle.h"

/* Of values within values: a tree that was read has less, but one that contains itself can be walked in other ways. */
enum { DEEPEST = 3000 };

typedef struct {
    BaseText *out;
    uint32_t memo_count;
    int depth, protocol;
    size_t budget; /* of entries: a tuple that contains itself is written more than once */
    BaseStatus st;
} Writer;

static void put_bytes(Writer *w, const char *bytes, size_t size) { base_text_append(w->out, bytes, size); }
static void put_code(Writer *w, unsigned char code) { put_bytes(w, (const char *)&code, 1); }

/* A memo index under the opcode for one byte or for four. */
static void put_index(Writer *w, unsigned char small, unsigned char large, uint32_t index)
{
    put_code(w, index < 256 ? small : large);
    base_text_le(w->out, index, index < 256 ? 1 : 4);
}

static void memoize(Writer *w, IoPickleValue *value)
{
    put_index(w, 'q', 'r', w->memo_count);
    value->memo = ++w->memo_count;
}

static void put_int(Writer *w, int64_t whole)
{
    if (whole >= 0 && whole < 256) {
        put_code(w, 'K');
        base_text_le(w->out, (uint64_t)whole, 1);
    } else if (whole >= 0 && whole < 65536) {
        put_code(w, 'M');
        base_text_le(w->out, (uint64_t)whole, 2);
    } else if (whole >= INT32_MIN && whole <= INT32_MAX) {
        put_code(w, 'J');
        base_text_le(w->out, (uint64_t)whole, 4);
    } else {
        put_code(w, 0x8a);
        put_code(w, 8);
        base_text_le(w->out, (uint64_t)whole, 8);
    }
}

static void put_float(Writer *w, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    put_code(w, 'G');
    for (int i = 7; i >= 0; i--) put_code(w, (unsigned char)(bits >> 8 * i));
}

/* Bytes with their size in front, under the opcode for sizes of one byte (0: none) or of four. */
static void put_sized(Writer *w, unsigned char small, unsigned char large, const IoPickleValue *value)
{
    bool is_small = small && value->count < 256;
    if (value->count > UINT32_MAX) w->st = base_error_set(BASE_EARG, "a pickle cannot hold text of 4 GiB");
    put_code(w, is_small ? small : large);
    base_text_le(w->out, value->count, is_small ? 1 : 4);
    put_bytes(w, value->bytes, value->count);
}

static void need(Writer *w, int protocol)
{
    if (w->protocol < protocol) w->protocol = protocol;
}

static void put_name(Writer *w, const IoPickleValue *value)
{
    const char *name = value->name, *dot = value->split ? name + value->split : strrchr(name, '.');
    if (value->inert && strchr(name, '?'))
        w->st = base_error_set(BASE_EARG, "the name '%s' cannot be written to a pickle as it was", name);
    if (strchr(dot + 1, '.')) need(w, 4); /* an attribute of a class */
    put_code(w, 'c');
    put_bytes(w, name, (size_t)(dot - name));
    put_code(w, '\n');
    put_bytes(w, dot + 1, strlen(dot + 1));
    put_code(w, '\n');
}

static void put_value(Writer *w, IoPickleValue *value);

static void put_items(Writer *w, const IoPickleValue *value, unsigned char code)
{
    if (!value->count) return;
    put_code(w, '(');
    for (size_t i = 0; i < value->count; i++) put_value(w, value->items[i]);
    put_code(w, code);
}

static void put_tuple(Writer *w, const IoPickleValue *value)
{
    static const unsigned char SHORT[] = {')', 0x85, 0x86, 0x87};
    if (value->count > 3) {
        put_items(w, value, 't');
        return;
    }
    for (size_t i = 0; i < value->count; i++) put_value(w, value->items[i]);
    put_code(w, SHORT[value->count]);
}

static void put_call(Writer *w, IoPickleValue *value)
{
    static const unsigned char CODES[] = {'R', 0x81, 0x92, 'R'};
    IoPickleHow how = (IoPickleHow)value->how;
    if (how != IO_PICKLE_APPLY) put_name(w, value);
    if (how == IO_PICKLE_NEWOBJ_EX) need(w, 4);
    if (how == IO_PICKLE_NEWOBJ_EX || how == IO_PICKLE_APPLY) {
        put_value(w, value->args->items[0]);
        put_value(w, value->args->items[1]);
    } else {
        put_value(w, value->args);
    }
    put_code(w, CODES[how]);
    memoize(w, value);
    put_items(w, value, value->listed ? 'e' : 'u');
    if (!value->state) return;
    put_value(w, value->state);
    put_code(w, 'b');
}

static void put_set(Writer *w, IoPickleValue *value)
{
    need(w, 4);
    if (value->how) { /* frozen */
        put_code(w, '(');
        for (size_t i = 0; i < value->count; i++) put_value(w, value->items[i]);
        put_code(w, 0x91);
        memoize(w, value);
        return;
    }
    put_code(w, 0x8f);
    memoize(w, value);
    put_items(w, value, 0x90);
}

static void put_object(Writer *w, const IoPickleValue *value)
{
    need(w, value->how ? 5 : 3);
    if (!value->how) {
        put_sized(w, 'C', 'B', value);
        return;
    }
    put_code(w, 0x96); /* a bytearray */
    base_text_le(w->out, value->count, 8);
    put_bytes(w, value->bytes, value->count);
}

static void put_new(Writer *w, IoPickleValue *value)
{
    switch (value->kind) {
    case IO_PICKLE_NONE: put_code(w, 'N'); return;
    case IO_PICKLE_BOOL: put_code(w, value->truth ? 0x88 : 0x89); return;
    case IO_PICKLE_INT: put_int(w, value->whole); return;
    case IO_PICKLE_LONG: put_sized(w, 0x8a, 0x8b, value); return;
    case IO_PICKLE_FLOAT: put_float(w, value->real); return;
    case IO_PICKLE_TEXT: put_sized(w, 0, 'X', value); break;
    case IO_PICKLE_STRING: put_sized(w, 'U', 'T', value); break;
    case IO_PICKLE_TUPLE:
        put_tuple(w, value);
        if (!value->count) return;
        break;
    case IO_PICKLE_LIST:
    case IO_PICKLE_DICT:
        put_code(w, value->kind == IO_PICKLE_LIST ? ']' : '}');
        memoize(w, value);
        put_items(w, value, value->kind == IO_PICKLE_LIST ? 'e' : 'u');
        return;
    case IO_PICKLE_GLOBAL: put_name(w, value); break;
    case IO_PICKLE_SET: put_set(w, value); return;
    case IO_PICKLE_CALL: put_call(w, value); return;
    case IO_PICKLE_PERSISTENT:
        put_value(w, value->args);
        put_code(w, 'Q');
        break;
    case IO_PICKLE_BYTES: put_object(w, value); break;
    }
    memoize(w, value);
}

static void put_value(Writer *w, IoPickleValue *value)
{
    size_t cost = 1 + (value->kind >= IO_PICKLE_TUPLE ? value->count : 0);
    if (w->st != BASE_OK) return;
    if (value->memo) {
        put_index(w, 'h', 'j', value->memo - 1);
        return;
    }
    if (w->depth == DEEPEST || (value->kind >= IO_PICKLE_TUPLE && cost > w->budget)) {
        w->st = base_error_set(BASE_ELIMIT, "a pickle whose values contain themselves in too many ways to be written");
        return;
    }
    if (value->kind >= IO_PICKLE_TUPLE) w->budget -= cost;
    w->depth++;
    put_new(w, value);
    w->depth--;
}

BaseStatus io_pickle_write(IoPickle *pickle, BaseText *out)
{
    Writer w = {.out = out, .protocol = 2, .budget = 4 * io_pickle_weight(pickle) + 4096};
    size_t start = out->size;
    io_pickle_unmark(pickle);
    put_bytes(&w, "\x80\x02", 2);
    put_value(&w, io_pickle_root(pickle));
    put_code(&w, '.');
    if (out->st == BASE_OK) out->data[start + 1] = (char)w.protocol;
    return w.st != BASE_OK ? w.st : out->st;
}
