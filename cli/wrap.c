/* cli/wrap.c - words go onto the line as long as they fit. */
#include "cli/wrap.h"

#include <string.h>

/* Characters of the first @p length bytes. */
static int columns_of(const char *s, size_t length)
{
    int n = 0;
    for (size_t i = 0; i < length; i++) n += ((unsigned char)s[i] & 0xC0) != 0x80;
    return n;
}

/* Bytes of the first word and, where that is an option, of its value. */
static size_t unit(const char *s)
{
    size_t length = strcspn(s, " ");
    bool option = length > 0 && s[s[0] == '['] == '-' && !strchr(",;.:])", s[length - 1]) && s[length] == ' ';
    return option && s[length + 1] != '-' ? length + 1 + strcspn(s + length + 1, " ") : length;
}

void cli_wrap_words(BaseText *out, const char *text, int hang, int columns)
{
    const char *line = out->data ? strrchr(out->data, '\n') : NULL;
    const char *start = line ? line + 1 : out->data ? out->data : "";
    int at = columns_of(start, strlen(start));
    bool apart = at > 0 && start[strlen(start) - 1] != ' ';
    for (size_t length; *text; text += length + strspn(text + length, " "), apart = true) {
        length = unit(text);
        int wide = columns_of(text, length);
        if (apart && at + 1 + wide > columns) {
            base_text_add(out, "\n%*s", hang, "");
            at = hang;
        } else if (apart) {
            base_text_add(out, " ");
            at++;
        }
        base_text_append(out, text, length);
        at += wide;
    }
}

void cli_wrap_row(BaseText *out, int indent, int width, const char *name, const char *meaning, int columns)
{
    base_text_add(out, "%*s%-*s ", indent, "", width, name);
    cli_wrap_words(out, meaning, indent + width + 1, columns);
    base_text_add(out, "\n");
}

void cli_wrap_lines(BaseText *out, const char *const *lines, int columns)
{
    int hang = 0;
    bool begun = false;
    for (const char *line; (line = *lines); lines++) {
        bool row = strncmp(line, "  ", 2) == 0;
        if (begun && (row || !*line)) base_text_add(out, "\n");
        if (row) {
            const char *gap = strstr(line + 2, "  ");
            hang = gap ? (int)(gap - line + (int)strspn(gap, " ")) : 2;
            base_text_append(out, line, (size_t)hang);
            line += hang;
        } else if (!begun) {
            hang = 0;
        }
        if (!*line) base_text_add(out, "\n");
        begun = *line != '\0';
        cli_wrap_words(out, line, hang, columns);
    }
    base_text_add(out, "\n");
}
