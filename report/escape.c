/* report/escape.c - one table of replacements per format, and the columns that a code point takes on a terminal. */
#include "report/escape.h"

#include <ctype.h>
#include <string.h>

typedef struct {
    const char *from, *to;
} Replacement;

/* One character as it may stand in any page: what a terminal or a browser obeys becomes a space, a byte that is no
 * UTF-8 the sign for that. Returns how many bytes it had. */
static size_t add_point(BaseText *out, const char *text)
{
    uint32_t point;
    size_t n = base_text_point(text, &point);
    bool shown = n > 0 && !base_text_acts(point);
    base_text_append(out, shown ? text : n > 0 ? " " : "\xef\xbf\xbd", shown ? n : n > 0 ? 1 : 3);
    return n > 0 ? n : 1;
}

/* Replaces the first matching row at each position; rows may be longer than a byte (UTF-8). */
static void replace(BaseText *out, const char *text, const Replacement *rows, size_t count)
{
    while (*text) {
        size_t i = 0;
        while (i < count && strncmp(text, rows[i].from, strlen(rows[i].from)) != 0) i++;
        if (i < count) {
            base_text_append(out, rows[i].to, strlen(rows[i].to));
            text += strlen(rows[i].from);
        } else {
            text += add_point(out, text);
        }
    }
}
#define REPLACE(rows) replace(out, text, rows, sizeof(rows) / sizeof(rows)[0])

void report_escape_html(BaseText *out, const char *text)
{
    static const Replacement ROWS[] = {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}};
    REPLACE(ROWS);
}

void report_escape_within(BaseText *out, const char *open, const char *text, const char *close)
{
    base_text_add(out, "%s", open);
    report_escape_html(out, text);
    base_text_add(out, "%s", close);
}

void report_escape_tex(BaseText *out, const char *text)
{
    static const Replacement ROWS[] = {{"\\", "\\textbackslash{}"},
                                       {"{", "\\{"},
                                       {"}", "\\}"},
                                       {"$", "\\$"},
                                       {"&", "\\&"},
                                       {"#", "\\#"},
                                       {"%", "\\%"},
                                       {"_", "\\_"},
                                       {"^", "\\textasciicircum{}"},
                                       {"~", "\\textasciitilde{}"},
                                       {"<", "\\textless{}"},
                                       {">", "\\textgreater{}"},
                                       {"|", "\\textbar{}"},
                                       {"\"", "''"},
                                       {"±", "$\\pm$"},
                                       {"↑", "$\\uparrow$"},
                                       {"↓", "$\\downarrow$"},
                                       {"→", "$\\to$"},
                                       {"Δ", "$\\Delta$"},
                                       {"α", "$\\alpha$"},
                                       {"λ", "$\\lambda$"},
                                       {"ε", "$\\varepsilon$"},
                                       {"≤", "$\\le$"},
                                       {"×", "$\\times$"},
                                       {"–", "--"},
                                       {"·", "$\\cdot$"}};
    uint32_t point;
    const char *first = text;
    for (size_t n; (n = base_text_point(first, &point)) > 0 && (point == ' ' || base_text_acts(point));) first += n;
    if (*first == '[' || *first == '*') { /* after the \\ of the row before these would be its argument, its star */
        base_text_add(out, "{%c}", *first);
        text = first + 1;
    }
    REPLACE(ROWS);
}

void report_escape_markdown(BaseText *out, const char *text)
{
    static const Replacement ROWS[] = {{"\\", "\\\\"}, {"|", "\\|"},  {"*", "\\*"},  {"_", "\\_"},
                                       {"`", "\\`"},   {"<", "&lt;"}, {">", "&gt;"}, {"&", "&amp;"},
                                       {"[", "\\["},   {"]", "\\]"},  {"#", "\\#"},  {"~", "\\~"}};
    REPLACE(ROWS);
}

void report_escape_gnuplot(BaseText *out, const char *text)
{
    static const Replacement ROWS[] = {{"'", "''"}};
    base_text_append(out, "'", 1);
    REPLACE(ROWS);
    base_text_append(out, "'", 1);
}

void report_escape_plain(BaseText *out, const char *text) { replace(out, text, NULL, 0); }

void report_escape_csv(BaseText *out, const char *text)
{
    size_t n = strlen(text);
    double number;
    const char *first = text + strspn(text, " ");
    bool edge = n > 0 && (text[0] == ' ' || text[n - 1] == ' ');
    bool formula = strchr("=+-@\t\r", *first) && *first && first[1] && !base_parse_f64(first, &number);
    bool quoted = edge || formula || strpbrk(text, ",\"\r\n");
    if (quoted) base_text_append(out, formula ? "\"'" : "\"", formula ? 2 : 1);
    while (*text) {
        bool kept = *text == '\n' || *text == '\t'; /* both stand in a quoted cell, and no terminal minds them */
        if (*text == '"' || kept) {
            base_text_append(out, kept ? text : "\"\"", kept ? 1 : 2);
            text++;
        } else {
            text += add_point(out, text);
        }
    }
    if (quoted) base_text_append(out, "\"", 1);
}

void report_escape_slug(BaseText *out, const char *text)
{
    size_t start = out->size;
    for (; *text; text++) {
        char c = (char)tolower((unsigned char)*text);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (out->size == start || out->data[out->size - 1] == '-')) continue;
        base_text_append(out, plain ? &c : "-", 1);
        if (out->st != BASE_OK) return;
    }
    if (out->size > start && out->data[out->size - 1] == '-') out->data[--out->size] = '\0';
    if (out->size == start) base_text_append(out, "x", 1);
}

static int point_width(uint32_t p)
{
    bool combining = (p >= 0x300 && p <= 0x36f) || p == 0x200d || (p >= 0xfe00 && p <= 0xfe0f);
    bool wide = (p >= 0x1100 && p <= 0x115f) || (p >= 0x2e80 && p <= 0xa4cf) || (p >= 0xac00 && p <= 0xd7a3) ||
                (p >= 0xf900 && p <= 0xfaff) || (p >= 0xff00 && p <= 0xff60) || (p >= 0x1f300 && p <= 0x1faff);
    return combining ? 0 : wide ? 2 : 1;
}

int report_text_width(const char *text)
{
    int width = 0;
    for (uint32_t p; *text; width += point_width(p)) text += base_text_character(text, &p);
    return width;
}

void report_text_fit(BaseText *out, const char *text, int columns)
{
    BaseText plain = {0};
    report_escape_plain(&plain, text);
    const char *at = base_text_of(&plain, &out->st);
    bool cut = report_text_width(at) > columns;
    int used = 0, room = cut ? columns - 1 : columns;
    for (uint32_t p; *at;) {
        size_t size = base_text_character(at, &p);
        if (used + point_width(p) > room) break;
        base_text_append(out, at, size);
        used += point_width(p);
        at += size;
    }
    if (cut) used++;
    base_text_add(out, "%s%*s", cut ? "…" : "", used < columns ? columns - used : 0, "");
    base_text_free(&plain);
}
