/* io/pickle_modern.c - what other protocols write, in the opcodes that io/pickle_read.c knows: the lines of text of
 * protocols 0 and 1 as their binary twins of protocol 2, and a bytearray of protocol 5 as bytes. Every other opcode is
 * copied as it is, so that what it may do is decided in one place. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/pickle.h"

enum { DIGITS = 400 };

typedef struct {
    unsigned char *at;
    const unsigned char *start, *end;
    const char *where;
    BaseText out;
    bool marked; /* the last opcode was a mark */
    bool stopped;
} Translation;

static BaseStatus refuse(const Translation *t, const char *what)
{
    return base_error_set(BASE_EFORMAT, "%s: byte %zu of the pickle: %s", t->where, (size_t)(t->at - t->start), what);
}

static BaseStatus take(Translation *t, uint64_t size)
{
    if ((uint64_t)(t->end - t->at) < size) return refuse(t, "it ends in the middle of a value");
    t->at += size;
    return BASE_OK;
}

/* Passes over a length of @p width bytes, little-endian, and so many bytes after it. */
static BaseStatus take_counted(Translation *t, size_t width)
{
    const unsigned char *number = t->at;
    uint64_t size = 0;
    BaseStatus st = take(t, width);
    if (st != BASE_OK) return st;
    for (size_t i = 0; i < width; i++) size |= (uint64_t)number[i] << 8 * i;
    return take(t, size);
}

static BaseStatus take_line(Translation *t, const char **line, size_t *size)
{
    const unsigned char *end = memchr(t->at, '\n', (size_t)(t->end - t->at));
    *line = (const char *)t->at;
    *size = 0;
    if (!end) return refuse(t, "it ends in the middle of a line");
    *size = (size_t)(end - t->at);
    t->at += *size + 1;
    return BASE_OK;
}

static void put_code(Translation *t, char code) { base_text_append(&t->out, &code, 1); }

static void put_whole(Translation *t, int64_t whole)
{
    if (whole == (int32_t)whole) {
        put_code(t, 'J');
        base_text_le(&t->out, (uint64_t)whole, 4);
    } else {
        base_text_append(&t->out, "\x8a\x08", 2);
        base_text_le(&t->out, (uint64_t)whole, 8);
    }
}

/* A counted value whose bytes follow @p at, where its code stands. */
static BaseStatus close_counted(Translation *t, size_t at)
{
    if (t->out.st != BASE_OK) return t->out.st;
    size_t size = t->out.size - at - 5;
    if (size > UINT32_MAX) return refuse(t, "a text of more than 4 GiB");
    for (size_t i = 0; i < 4; i++) t->out.data[at + 1 + i] = (char)(size >> 8 * i);
    return BASE_OK;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* @p digits hexadecimal digits; false where there are fewer. */
static bool read_hex(const char *text, size_t size, size_t digits, uint32_t *out)
{
    *out = 0;
    if (size < digits) return false;
    for (size_t i = 0; i < digits; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0) return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

static void put_utf8(Translation *t, uint32_t c)
{
    char bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char FIRST[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6) bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(FIRST[n] | c);
    base_text_append(&t->out, bytes, n);
}

/* UNICODE: Latin-1, and \uXXXX or \UXXXXXXXX for what that lacks. */
static BaseStatus put_text(Translation *t, const char *line, size_t size)
{
    size_t at = t->out.size;
    base_text_append(&t->out, "X\0\0\0\0", 5);
    for (size_t i = 0; i < size;) {
        uint32_t c;
        size_t digits = i + 1 < size && line[i] == '\\' ? (line[i + 1] == 'u' ? 4 : line[i + 1] == 'U' ? 8 : 0) : 0;
        if (!digits) {
            put_utf8(t, (unsigned char)line[i++]);
            continue;
        }
        if (!read_hex(line + i + 2, size - i - 2, digits, &c) || c > 0x10ffff)
            return refuse(t, "a text with an invalid escape");
        put_utf8(t, c);
        i += 2 + digits;
    }
    return close_counted(t, at);
}

/* One escape of a Python string, after its backslash; 0: none that Python writes. */
static size_t unescape(const char *text, size_t size, char *out)
{
    static const char FROM[] = "\\'\"nrtabfv", TO[] = "\\'\"\n\r\t\a\b\f\v";
    uint32_t c;
    const char *known = size && *text ? strchr(FROM, *text) : NULL;
    if (known) return *out = TO[known - FROM], 1;
    if (!size || *text != 'x' || !read_hex(text + 1, size - 1, 2, &c)) return 0;
    *out = (char)c;
    return 3;
}

/* STRING: as Python 2's repr() writes it. */
static BaseStatus put_string(Translation *t, const char *line, size_t size)
{
    size_t at = t->out.size;
    if (size < 2 || (*line != '\'' && *line != '"') || line[size - 1] != *line)
        return refuse(t, "a string without quotes");
    base_text_append(&t->out, "T\0\0\0\0", 5);
    for (size_t i = 1; i < size - 1; i++) {
        char c = line[i];
        if (c == '\\') {
            size_t used = unescape(line + i + 1, size - i - 2, &c);
            if (!used) return refuse(t, "a string with an invalid escape");
            i += used;
        }
        put_code(t, c);
    }
    return close_counted(t, at);
}

static BaseStatus put_float(Translation *t, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_code(t, 'G');
    for (int i = 56; i >= 0; i -= 8) put_code(t, (char)(bits >> i));
    return BASE_OK;
}

/* INT, LONG, FLOAT, and the memo's PUT and GET. */
static BaseStatus put_digits(Translation *t, unsigned char code, const char *line, size_t size)
{
    char digits[DIGITS];
    int64_t whole;
    double real;
    if (code == 'I' && size == 2 && line[0] == '0' && (line[1] == '0' || line[1] == '1'))
        return put_code(t, line[1] == '1' ? '\x88' : '\x89'), BASE_OK;
    if (code == 'L' && size && line[size - 1] == 'L') size--;
    if (size >= DIGITS) return refuse(t, "a number with too many digits");
    memcpy(digits, line, size);
    digits[size] = '\0';
    if (code == 'F')
        return base_parse_f64(digits, &real) ? put_float(t, real) : refuse(t, "a line that should be a number");
    if (!base_parse_i64(digits, &whole)) return refuse(t, "a line that should be a whole number of at most 64 bits");
    if (code == 'I' || code == 'L') return put_whole(t, whole), BASE_OK;
    if (whole < 0 || whole > UINT32_MAX) return refuse(t, "a memo index is impossibly large");
    put_code(t, code == 'p' ? 'r' : 'j');
    base_text_le(&t->out, (uint64_t)whole, 4);
    return BASE_OK;
}

/* "(d" and "(l" are how an empty dict or list begins; what is in it is set or appended after. */
static BaseStatus put_empty(Translation *t, unsigned char code)
{
    if (!t->marked)
        return refuse(t, "a dict or list that is built from the values before it, which Python does not write");
    t->out.data[t->out.size - 1] = code == 'd' ? '}' : ']';
    return BASE_OK;
}

static BaseStatus put_line(Translation *t, unsigned char code)
{
    const char *line;
    size_t size;
    BaseStatus st = take_line(t, &line, &size);
    if (st != BASE_OK) return st;
    return code == 'V'   ? put_text(t, line, size)
           : code == 'S' ? put_string(t, line, size)
                         : put_digits(t, code, line, size);
}

/* Passes over what belongs to an opcode. */
static BaseStatus pass(Translation *t, unsigned char code)
{
    const char *line;
    size_t size;
    BaseStatus st;
    switch (code) {
    case '.': t->stopped = true; return BASE_OK;
    case 'K':
    case 'q':
    case 'h':
    case 0x80:
    case 0x82: return take(t, 1);
    case 'M':
    case 0x83: return take(t, 2);
    case 'J':
    case 'r':
    case 'j':
    case 0x84: return take(t, 4);
    case 'G':
    case 0x95: return take(t, 8);
    case 'U':
    case 'C':
    case 0x8a:
    case 0x8c: return take_counted(t, 1);
    case 'T':
    case 'X':
    case 'B':
    case 0x8b: return take_counted(t, 4);
    case 0x8d:
    case 0x8e:
    case 0x96: return take_counted(t, 8);
    case 'P': return take_line(t, &line, &size);
    case 'c':
    case 'i': st = take_line(t, &line, &size); return st == BASE_OK ? take_line(t, &line, &size) : st;
    default: return BASE_OK;
    }
}

static BaseStatus translate(Translation *t)
{
    base_text_append(&t->out, "\x80\x02", 2);
    while (!t->stopped) {
        BaseStatus st;
        if (t->at == t->end) return refuse(t, "it ends without STOP");
        const unsigned char *from = t->at;
        unsigned char code = *t->at++;
        if (code && strchr("VSILFpg", code))
            st = put_line(t, code);
        else if (code == 'd' || code == 'l')
            st = put_empty(t, code);
        else {
            st = pass(t, code);
            if (st == BASE_OK) base_text_append(&t->out, (const char *)from, (size_t)(t->at - from));
        }
        if (st == BASE_OK) st = t->out.st;
        if (st != BASE_OK) return st;
        t->marked = code == '(';
    }
    base_text_append(&t->out, (const char *)t->at, (size_t)(t->end - t->at));
    return t->out.st;
}

static BaseStatus rename_bytearrays(Translation *t)
{
    while (!t->stopped && t->at < t->end) {
        unsigned char *code = t->at++;
        BaseStatus st = pass(t, *code);
        if (st != BASE_OK) return st;
        if (*code == 0x96) *code = 0x8e; /* BYTEARRAY8, BINBYTES8: the same length before the same bytes */
    }
    return BASE_OK;
}

BaseStatus io_pickle_modern(char **bytes, size_t *size, const char *where)
{
    Translation t = {.where = where};
    t.start = t.at = (unsigned char *)*bytes;
    t.end = t.start + *size;
    if (*size >= 2 && t.at[0] == 0x80) return t.at[1] == 5 ? rename_bytearrays(&t) : BASE_OK;
    static const char BEGINS[] = "(]})cVSILFNKMJGUTX"; /* a file that is not a pickle is the reader's to refuse */
    if (*size < 2 || !t.at[0] || !strchr(BEGINS, t.at[0])) return BASE_OK;
    BaseStatus st = translate(&t);
    if (st == BASE_OK) {
        base_free(*bytes);
        *bytes = t.out.data;
        *size = t.out.size;
    } else
        base_text_free(&t.out);
    return st;
}
