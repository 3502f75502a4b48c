/* Python's own writer (Lib/pickle.py, protocol 2) in the opcodes that torch.load(weights_only=True) knows: each value
 * is put into the memo when it is written and fetched from there the next time. */
#include <string.h>

#include "io/pickle.h"

typedef struct {
    BaseText *out;
    uint32_t memo_count;
    BaseStatus st;
} Writer;

static void put_bytes(Writer *w, const char *bytes, size_t size) { base_text_append(w->out, bytes, size); }
static void put_code(Writer *w, unsigned char code) { put_bytes(w, (const char *)&code, 1); }

static void put_number(Writer *w, uint64_t value, int width)
{
    for (int i = 0; i < width; i++) put_code(w, (unsigned char)(value >> 8 * i));
}

/* A memo index under the opcode for one byte or for four. */
static void put_index(Writer *w, unsigned char small, unsigned char large, uint32_t index)
{
    put_code(w, index < 256 ? small : large);
    put_number(w, index, index < 256 ? 1 : 4);
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
        put_number(w, (uint64_t)whole, 1);
    } else if (whole >= 0 && whole < 65536) {
        put_code(w, 'M');
        put_number(w, (uint64_t)whole, 2);
    } else if (whole >= INT32_MIN && whole <= INT32_MAX) {
        put_code(w, 'J');
        put_number(w, (uint64_t)whole, 4);
    } else {
        put_code(w, 0x8a);
        put_code(w, 8);
        put_number(w, (uint64_t)whole, 8);
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
    put_number(w, value->count, is_small ? 1 : 4);
    put_bytes(w, value->bytes, value->count);
}

static void put_name(Writer *w, const char *name)
{
    const char *dot = strrchr(name, '.');
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
    put_name(w, value->name);
    put_value(w, value->args);
    put_code(w, 'R');
    memoize(w, value);
    put_items(w, value, 'u');
    if (!value->state) return;
    put_value(w, value->state);
    put_code(w, 'b');
}

static void put_value(Writer *w, IoPickleValue *value)
{
    if (value->memo) {
        put_index(w, 'h', 'j', value->memo - 1);
        return;
    }
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
    case IO_PICKLE_GLOBAL: put_name(w, value->name); break;
    case IO_PICKLE_CALL: put_call(w, value); return;
    case IO_PICKLE_PERSISTENT:
        put_value(w, value->args);
        put_code(w, 'Q');
        break;
    default: w->st = base_error_set(BASE_EARG, "a bytes object cannot be written to a pickle of protocol 2"); return;
    }
    memoize(w, value);
}

BaseStatus io_pickle_write(IoPickle *pickle, BaseText *out)
{
    Writer w = {.out = out};
    io_pickle_unmark(pickle);
    put_bytes(&w, "\x80\x02", 2);
    put_value(&w, io_pickle_root(pickle));
    put_code(&w, '.');
    return w.st != BASE_OK ? w.st : out->st;
}
