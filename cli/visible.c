/* cli/visible.c - control characters and broken UTF-8 become visible escapes; all else passes unchanged. */
#include "cli/visible.h"

#include <string.h>

/* How many bytes from @p s on are to stay as they are; what follows them, as its number, to @p number, and how many
 * bytes it has. */
static size_t plain(const char *s, bool lines, char number[8], size_t *taken)
{
    size_t at = 0;
    *number = '\0';
    for (*taken = 0; s[at];) {
        uint32_t c;
        size_t n = base_text_point(s + at, &c);
        if (n > 0 && (!base_text_acts(c) || (lines && (c == '\n' || c == '\t')))) {
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
