/* base/text.h - growing text, strict number parsing, and "did you mean". */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/** Text that grows. Start with `BaseText t = {0}`; release with base_text_free. An allocation failure sticks in
 *  `st` and later appends do nothing, so that a page can be written without a check on every line: look at st once. */
typedef struct {
    char *data; /* NUL-terminated, or NULL while empty */
    size_t size, room;
    BaseStatus st;
} BaseText;
void base_text_add(BaseText *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void base_text_append(BaseText *text, const char *bytes, size_t size);
/** A number as @p width <= 8 bytes, the lowest first. */
void base_text_le(BaseText *text, uint64_t number, int width);
void base_text_free(BaseText *text);
/** Its text, "" while it is empty, to the caller (base_free); what memory it lacked is the status. Empty afterwards. */
BaseStatus base_text_take(BaseText *text, char **out);
/** What is in @p part, "" while it is empty, to be put into something else: where @p part ran out of memory, *st says so,
 *  unless it reports an error already. */
const char *base_text_of(const BaseText *part, BaseStatus *st);

/** Bytes of the UTF-8 character at the start of @p s, and its number; 0: there is none (a wrong byte, the end). */
size_t base_text_point(const char *s, uint32_t *point);
/** The same, where a byte that starts no character stands for itself. */
size_t base_text_character(const char *s, uint32_t *point);
/** What a terminal obeys in place of showing it: controls, those beyond ASCII too, separators of lines, and marks that
 *  turn the direction of text. */
bool base_text_acts(uint32_t point);

/** Whole-string parses (no trailing characters, no overflow, no NaN or Inf): false where @p text is not one. */
bool base_parse_i64(const char *text, int64_t *out);
bool base_parse_u64(const char *text, uint64_t *out);
bool base_parse_f64(const char *text, double *out);
bool base_parse_bytes(const char *text, int64_t *out); /* "2G", "1.5M", "500": 0 or more, with K, M, G or T of 1024 */
bool base_parse_bool(const char *text, bool *out);     /* true false yes no on off y n, as YAML spells them */

/** The candidate nearest to @p word, or NULL where none is near enough to be a slip. Borrowed from the list. */
const char *base_text_nearest(const char *word, const char *const *candidates, size_t count);

#endif
