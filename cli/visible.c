#include "cli/visible.h"

#include <string.h>

/* Bytes of the UTF-8 character at @p s, and its number; 0: it is none. */
static size_t decode(const unsigned char *s, uint32_t *point)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    *point = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0; /* the end of the text, too */
        *point = *point << 6 | (s[i] & 0x3fu);
    }
    bool too_long = (n == 3 && *point < 0x800) || (n == 4 && *point < 0x10000);
    return too_long || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000) ? 0 : n;
}

static bool acts(uint32_t c, bool lines)
{
    if (lines && (c == '\n' || c == '\t')) return false;
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0x200e || c == 0x200f || c == 0x061c;
}

/* How many bytes from @p s on are to stay as they are; what follows them, as its number, to @p number, and how many
 * bytes it has. */
static size_t plain(const char *s, bool lines, char number[8], size_t *taken)
{
    size_t at = 0;
    *number = '\0';
    for (*taken = 0; s[at];) {
        uint32_t c;
        size_t n = decode((const unsigned char *)s + at, &c);
        if (n > 0 && !acts(c, lines)) {
            at += n;
            continue;
        }
        *taken = n > 0 ? n : 1;
        snprintf(number, 8, n > 0 ? "\\u%04x" : "\\x%02x", n > 0 ? (unsigned)(c & 0xffff) : (unsigned char)s[at]);
        break;
    }
    return at;
}

bool cli_visible_put(const char *text, bool lines, FILE *to)
{
    char number[8];
    for (size_t taken; *text; text += taken) {
        size_t n = plain(text, lines, number, &taken);
        if (fwrite(text, 1, n, to) != n || fputs(number, to) < 0) return false;
        text += n;
    }
    return true;
}

void cli_visible_add(BaseText *out, const char *text)
{
    char number[8];
    for (size_t taken; *text; text += taken) {
        size_t n = plain(text, false, number, &taken);
        base_text_append(out, text, n);
        base_text_append(out, number, strlen(number));
        text += n;
    }
}
