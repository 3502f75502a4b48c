/* base/text.c - a buffer that doubles, strtod and strtoll held to the whole text, and edit distance for near names. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool reserve(BaseText *text, size_t extra)
{
    if (text->st != BASE_OK) return false;
    size_t need = text->size + extra + 1;
    if (need <= text->room) return true;
    size_t room = text->room ? text->room : 256;
    while (room < need) room *= 2;
    text->st = BASE_GROW(&text->data, text->data ? text->size + 1 : 0, room);
    if (text->st == BASE_OK) text->room = room;
    return text->st == BASE_OK;
}

void base_text_append(BaseText *text, const char *bytes, size_t size)
{
    if (!reserve(text, size)) return;
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void base_text_le(BaseText *text, uint64_t number, int width)
{
    char bytes[8];
    for (int i = 0; i < width; i++) bytes[i] = (char)(number >> 8 * i);
    base_text_append(text, bytes, (size_t)width);
}

void base_text_add(BaseText *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !reserve(text, (size_t)length)) return;
    va_start(args, format);
    vsnprintf(text->data + text->size, (size_t)length + 1, format, args);
    va_end(args);
    text->size += (size_t)length;
}

void base_text_free(BaseText *text)
{
    base_free(text->data);
    *text = (BaseText){0};
}

BaseStatus base_text_take(BaseText *text, char **out)
{
    BaseStatus st = text->st;
    *out = NULL;
    if (st == BASE_OK && !text->data) st = base_strdup("", out);
    if (st == BASE_OK && text->data) {
        *out = text->data;
        text->data = NULL;
    }
    base_text_free(text);
    return st;
}

const char *base_text_of(const BaseText *part, BaseStatus *st)
{
    if (*st == BASE_OK) *st = part->st;
    return part->data ? part->data : "";
}

size_t base_text_point(const char *s, uint32_t *point)
{
    const unsigned char *b = (const unsigned char *)s;
    size_t n = *b == 0 ? 0 : *b < 0x80 ? 1 : *b < 0xc2 ? 0 : *b < 0xe0 ? 2 : *b < 0xf0 ? 3 : *b < 0xf5 ? 4 : 0;
    *point = n <= 1 ? *b : *b & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xc0) != 0x80) return 0; /* the end of the text, too */
        *point = *point << 6 | (b[i] & 0x3fu);
    }
    bool too_long = (n == 3 && *point < 0x800) || (n == 4 && *point < 0x10000);
    return too_long || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000) ? 0 : n;
}

size_t base_text_character(const char *s, uint32_t *point)
{
    size_t n = base_text_point(s, point);
    if (n == 0) *point = (unsigned char)*s;
    return n ? n : 1;
}

bool base_text_acts(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0x200e || c == 0x200f || c == 0x061c;
}

bool base_parse_i64(const char *text, int64_t *out)
{
    char *end;
    if (!*text || isspace((unsigned char)*text)) return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || errno) return false;
    *out = value;
    return true;
}

bool base_parse_u64(const char *text, uint64_t *out)
{
    char *end;
    if (!isdigit((unsigned char)*text)) return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || errno) return false;
    *out = value;
    return true;
}

bool base_parse_f64(const char *text, double *out)
{
    char *end;
    if (!*text || isspace((unsigned char)*text)) return false;
    double value = strtod(text, &end);
    if (*end || !isfinite(value)) return false;
    *out = value;
    return true;
}

/* The spellings that YAML names: 1.2 has true and false, 1.1 the others too; each in lower case, Capitalised or in
 * UPPER CASE. */
static bool spells(const char *text, const char *word)
{
    bool lower = true, capital = true, upper = true;
    for (size_t i = 0;; i++) {
        char high = (char)toupper((unsigned char)word[i]);
        lower &= text[i] == word[i];
        capital &= text[i] == (i ? word[i] : high);
        upper &= text[i] == high;
        if (!word[i] || !(lower || capital || upper)) return lower || capital || upper;
    }
}

bool base_parse_bytes(const char *text, int64_t *out)
{
    static const char UNITS[] = "KMGT";
    char digits[32];
    double number;
    size_t n = strlen(text);
    const char *unit = n ? strchr(UNITS, text[n - 1]) : NULL;
    snprintf(digits, sizeof digits, "%.*s", (int)(unit && n < 30 ? n - 1 : n), text);
    if (!base_parse_f64(digits, &number) || number < 0 || number > 1e12) return false;
    for (const char *u = UNITS; unit && u <= unit; u++) number *= 1024;
    *out = number < 9e18 ? (int64_t)number : INT64_MAX;
    return true;
}

bool base_parse_bool(const char *text, bool *out)
{
    static const char *const YES[] = {"true", "yes", "on", "y"}, *const NO[] = {"false", "no", "off", "n"};
    for (size_t i = 0; i < sizeof YES / sizeof *YES; i++) {
        if (spells(text, YES[i])) return *out = true, true;
        if (spells(text, NO[i])) return *out = false, true;
    }
    return false;
}

/* Levenshtein distance over two rolling rows; names longer than a row cannot be near. */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 64 };
    size_t n = strlen(a), m = strlen(b), row[MOST + 1];
    if (n > MOST || m > MOST) return MOST;
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *base_text_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* a slip: about one letter in three */
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, candidates[i]);
        if (d < best_distance) best_distance = d, best = candidates[i];
    }
    return best;
}
