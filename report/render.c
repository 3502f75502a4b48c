/* report/render.c - the renderings of report/table.h that are read by people. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/escape.h"
#include "report/table.h"

static const char *mark(unsigned flags)
{
    if (flags & REPORT_ROW_FAILED) return " (failed)";
    if (flags & REPORT_ROW_REFERENCE) return " (reference)";
    if (flags & REPORT_ROW_ORIGINAL) return " (original)";
    if (flags & REPORT_ROW_SHORT) return " (falls short)";
    return flags & REPORT_ROW_CONTROL ? " (control)" : "";
}

static const char *text_or(const char *text) { return text ? text : ""; }

/* "ACC_r ↑" */
static void add_title(const ReportColumn *c, BaseText *out)
{
    base_text_add(out, "%s", c->title);
    if (*text_or(c->arrow)) base_text_add(out, " %s", c->arrow);
}

/* "%, ideal: retrained" */
static void add_subtitle(const ReportColumn *c, BaseText *out)
{
    base_text_add(out, "%s", text_or(c->unit));
    if (*text_or(c->ideal)) base_text_add(out, "%s→ %s", *text_or(c->unit) ? " " : "", c->ideal);
}

static bool has_subtitle(const ReportColumn *c) { return *text_or(c->unit) || *text_or(c->ideal); }

static bool shown(const ReportTable *t, int column) { return t->columns[column].importance > 0; }

/* Rows before the first: what stands above a column. */
enum { TITLE = -2, SUBTITLE = -1 };

/* What stands in a row of a column, fit for a terminal. */
static void cell_text(const ReportTable *t, int row, int column, bool interval, BaseText *out)
{
    BaseText raw = {0};
    if (row == TITLE) add_title(&t->columns[column], out);
    if (row == SUBTITLE) add_subtitle(&t->columns[column], out);
    if (row < 0) return;
    report_table_cell(t, row, column, interval, &raw);
    report_escape_plain(out, base_text_of(&raw, &out->st));
    if (column == 0) base_text_add(out, "%s", mark(t->flags[row]));
    base_text_free(&raw);
}

typedef void Escape(BaseText *out, const char *text);

/* The same in a page's own escaping. */
static void add_cell(const ReportTable *t, int row, int column, Escape *escape, BaseText *out)
{
    BaseText text = {0};
    cell_text(t, row, column, true, &text);
    escape(out, base_text_of(&text, &out->st));
    base_text_free(&text);
}

/* ---- terminal ---- */

typedef struct {
    int width[256];
    bool drop[256];
    bool interval;
} Layout;

static int measure(const ReportTable *t, Layout *layout, BaseStatus *st)
{
    int total = -2;
    for (int c = 0; c < t->column_count; c++) {
        if (!shown(t, c) || layout->drop[c]) continue;
        int width = 0;
        for (int r = TITLE; r < t->row_count; r++) {
            BaseText text = {0};
            if (r < 0 || c == 0 || !t->reasons[r]) cell_text(t, r, c, layout->interval, &text);
            int w = report_text_width(base_text_of(&text, st));
            if (w > width) width = w;
            base_text_free(&text);
        }
        layout->width[c] = width;
        total += width + 2;
    }
    return total;
}

static void pad(BaseText *out, const char *text, int width, bool right, bool last)
{
    int spaces = width - report_text_width(text);
    if (right)
        base_text_add(out, "%*s%s", spaces > 0 ? spaces : 0, "", text);
    else
        base_text_add(out, "%s%*s", text, spaces > 0 && !last ? spaces : 0, "");
}

/* Words onto lines of @p width, the first after @p indent columns that are taken already. */
static void wrap(BaseText *out, const char *text, int indent, int width)
{
    int at = indent;
    for (const char *word = text; *word;) {
        size_t length = strcspn(word, " ");
        BaseText piece = {0};
        base_text_append(&piece, word, length);
        int w = report_text_width(base_text_of(&piece, &out->st));
        if (at > indent && at + 1 + w > width) {
            base_text_add(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            base_text_add(out, " ");
            at++;
        }
        base_text_add(out, "%s", base_text_of(&piece, &out->st));
        at += w;
        base_text_free(&piece);
        word += length + (word[length] == ' ');
    }
    base_text_add(out, "\n");
}

static void terminal_line(const ReportTable *t, const Layout *layout, int row, int width, BaseText *out)
{
    int last = 0, at = 0;
    for (int c = 0; c < t->column_count; c++) {
        if (shown(t, c) && !layout->drop[c]) last = c;
    }
    for (int c = 0; c < t->column_count; c++) {
        if (!shown(t, c) || layout->drop[c]) continue;
        BaseText text = {0};
        cell_text(t, row, c, layout->interval, &text);
        bool spans = row >= 0 && t->reasons[row];
        if (c) base_text_add(out, "  ");
        pad(out, base_text_of(&text, &out->st), layout->width[c], t->columns[c].number, c == last && !spans);
        base_text_free(&text);
        at += layout->width[c] + 2;
        if (spans) {
            base_text_add(out, "  ");
            wrap(out, t->reasons[row], at, width);
            return;
        }
    }
    while (out->st == BASE_OK && out->size && out->data[out->size - 1] == ' ') out->data[--out->size] = '\0';
    base_text_add(out, "\n");
}

static void terminal_rule(const Layout *layout, const ReportTable *t, BaseText *out)
{
    bool first = true;
    for (int c = 0; c < t->column_count; c++) {
        if (!shown(t, c) || layout->drop[c]) continue;
        for (int i = 0; i < layout->width[c] + (first ? 0 : 2); i++) base_text_add(out, "─");
        first = false;
    }
    base_text_add(out, "\n");
}

static int least_important(const ReportTable *t, const Layout *layout)
{
    int least = -1;
    for (int c = 1; c < t->column_count; c++) {
        if (!shown(t, c) || layout->drop[c]) continue;
        if (least < 0 || t->columns[c].importance <= t->columns[least].importance) least = c;
    }
    return least;
}

static bool has_intervals(const ReportTable *t)
{
    for (int i = 0; i < t->row_count * t->column_count; i++) {
        if (shown(t, i % t->column_count) && !isnan(t->cells[i].lo) && !isnan(t->cells[i].hi)) return true;
    }
    return false;
}

void report_table_terminal(const ReportTable *t, int width, BaseText *out)
{
    Layout layout = {.interval = true};
    BaseText dropped = {0};
    bool subtitles = false;
    if (t->column_count > 256 || t->column_count < 1) return;
    if (measure(t, &layout, &out->st) > width) layout.interval = false;
    for (int c; measure(t, &layout, &out->st) > width && (c = least_important(t, &layout)) > 0;) {
        layout.drop[c] = true;
        base_text_add(&dropped, "%s%s", dropped.size ? ", " : "", t->columns[c].title);
    }
    for (int c = 0; c < t->column_count; c++)
        subtitles = subtitles || (shown(t, c) && !layout.drop[c] && has_subtitle(&t->columns[c]));
    base_text_add(out, "%s\n", t->title);
    terminal_line(t, &layout, TITLE, width, out);
    if (subtitles) terminal_line(t, &layout, SUBTITLE, width, out);
    terminal_rule(&layout, t, out);
    for (int r = 0; r < t->row_count; r++) terminal_line(t, &layout, r, width, out);
    for (int i = 0; i < t->note_count; i++) {
        if (layout.interval || !t->note_intervals[i]) wrap(out, t->notes[i], 0, width);
    }
    if (!layout.interval && has_intervals(t)) base_text_add(&dropped, "%sthe intervals", dropped.size ? " and " : "");
    const char *left_out = base_text_of(&dropped, &out->st);
    if (*left_out) {
        BaseText line = {0};
        base_text_add(&line, "Left out at this width: %s; the report has them.", left_out);
        wrap(out, base_text_of(&line, &out->st), 0, width);
        base_text_free(&line);
    }
    base_text_free(&dropped);
}

static bool is_best(const ReportTable *t, int row, int column) { return t->cells[row * t->column_count + column].best; }

/* ---- Markdown ---- */

void report_table_markdown(const ReportTable *t, BaseText *out)
{
    base_text_add(out, "### ");
    report_escape_markdown(out, text_or(t->title));
    base_text_add(out, "\n\n|");
    for (int c = 0; c < t->column_count; c++) {
        if (!shown(t, c)) continue;
        base_text_add(out, " ");
        add_cell(t, TITLE, c, report_escape_markdown, out);
        if (has_subtitle(&t->columns[c])) base_text_add(out, "<br>");
        add_cell(t, SUBTITLE, c, report_escape_markdown, out);
        base_text_add(out, " |");
    }
    base_text_add(out, "\n|");
    for (int c = 0; c < t->column_count; c++) {
        if (shown(t, c)) base_text_add(out, t->columns[c].number ? "---:|" : "---|");
    }
    base_text_add(out, "\n");
    for (int r = 0; r < t->row_count; r++) {
        bool told = false;
        base_text_add(out, "|");
        for (int c = 0; c < t->column_count; c++) {
            if (!shown(t, c)) continue;
            const char *bold = is_best(t, r, c) ? "**" : "";
            base_text_add(out, " %s", bold);
            if (c == 0 || !t->reasons[r])
                add_cell(t, r, c, report_escape_markdown, out);
            else if (!told)
                report_escape_markdown(out, t->reasons[r]);
            told = told || c > 0;
            base_text_add(out, "%s |", bold);
        }
        base_text_add(out, "\n");
    }
    for (int i = 0; i < t->note_count; i++) {
        base_text_add(out, "\n");
        report_escape_markdown(out, t->notes[i]);
        base_text_add(out, "\n");
    }
}

/* ---- LaTeX ---- */

void report_table_tex(const ReportTable *t, BaseText *out)
{
    int columns = 0;
    base_text_add(out, "%% needs \\usepackage{booktabs}\n\\begin{table}\n  \\centering\n  \\caption{");
    report_escape_tex(out, text_or(t->title));
    base_text_add(out, "}\n  \\begin{tabular}{");
    for (int c = 0; c < t->column_count; c++) {
        if (!shown(t, c)) continue;
        base_text_add(out, t->columns[c].number ? "r" : "l");
        columns++;
    }
    base_text_add(out, "}\n    \\toprule\n");
    for (int line = TITLE; line <= SUBTITLE; line++) {
        for (int c = 0; c < t->column_count; c++) {
            if (!shown(t, c)) continue;
            base_text_add(out, c ? " & " : "    ");
            add_cell(t, line, c, report_escape_tex, out);
        }
        base_text_add(out, " \\\\\n");
    }
    base_text_add(out, "    \\midrule\n");
    for (int r = 0; r < t->row_count; r++) {
        for (int c = 0; c < t->column_count; c++) {
            if (!shown(t, c)) continue;
            bool spans = c > 0 && t->reasons[r], bold = is_best(t, r, c);
            base_text_add(out, c ? " & " : "    ");
            if (spans) base_text_add(out, "\\multicolumn{%d}{l}{", columns - 1);
            if (bold) base_text_add(out, "\\textbf{");
            if (spans)
                report_escape_tex(out, t->reasons[r]);
            else
                add_cell(t, r, c, report_escape_tex, out);
            if (spans || bold) base_text_add(out, "}");
            if (spans) break;
        }
        base_text_add(out, " \\\\\n");
    }
    base_text_add(out, "    \\bottomrule\n  \\end{tabular}\n");
    for (int i = 0; i < t->note_count; i++) {
        base_text_add(out, "\n  \\footnotesize ");
        report_escape_tex(out, t->notes[i]);
    }
    base_text_add(out, "%s\\end{table}\n", t->note_count ? "\n" : "");
}

/* ---- HTML ---- */

static void html_head(const ReportTable *t, BaseText *out)
{
    base_text_add(out, "<thead><tr>");
    for (int c = 0; c < t->column_count; c++) {
        if (!shown(t, c)) continue;
        bool sub = has_subtitle(&t->columns[c]);
        base_text_add(out, "<th scope=\"col\"%s><button type=\"button\">",
                      t->columns[c].number ? " class=\"num\"" : "");
        add_cell(t, TITLE, c, report_escape_html, out);
        base_text_add(out, sub ? "</button><small>" : "</button>");
        add_cell(t, SUBTITLE, c, report_escape_html, out);
        base_text_add(out, sub ? "</small></th>" : "</th>");
    }
    base_text_add(out, "</tr></thead>\n");
}

enum { LONG_TEXT = 24 }; /* columns that on a narrow screen would become a word wide */

static void html_cell(const ReportTable *t, int row, int column, const char *to, BaseText *out)
{
    const ReportCell *cell = &t->cells[row * t->column_count + column];
    BaseText text = {0};
    report_table_cell(t, row, column, true, &text);
    const char *shown_text = base_text_of(&text, &out->st);
    size_t head = strcspn(shown_text, "["); /* the interval goes small on a line of its own */
    bool split = t->columns[column].number && shown_text[head];
    if (t->columns[column].number)
        base_text_add(out, "<td class=\"num\" data-v=\"%.9g\">", cell->value);
    else
        base_text_add(out, !column                                     ? "<th scope=\"row\">"
                           : report_text_width(shown_text) > LONG_TEXT ? "<td class=\"long\">"
                                                                       : "<td>");
    if (cell->best) base_text_add(out, "<b>");
    if (split) {
        base_text_append(out, shown_text, head - 1);
        base_text_add(out, "<small>%s</small>", shown_text + head);
    } else if (column == 0 && to && *shown_text) {
        base_text_add(out, "<a href=\"#%s-", to);
        report_escape_slug(out, shown_text);
        report_escape_within(out, "\">", shown_text, "</a>");
    } else {
        report_escape_html(out, shown_text);
    }
    if (cell->best) base_text_add(out, "</b>");
    if (column == 0 && *mark(t->flags[row]))
        base_text_add(out, " <span class=\"tag\">%s</span>", mark(t->flags[row]) + 1);
    base_text_add(out, column || t->columns[column].number ? "</td>" : "</th>");
    base_text_free(&text);
}

/* The first row of each name: rows of one name stand together. */
static void html_anchor(const ReportTable *t, int row, const char *anchor, BaseText *out)
{
    const char *name = text_or(t->cells[row * t->column_count].text);
    if (!anchor || (row > 0 && strcmp(name, text_or(t->cells[(row - 1) * t->column_count].text)) == 0)) return;
    base_text_add(out, " id=\"%s-", anchor);
    report_escape_slug(out, name);
    base_text_add(out, "\"");
}

void report_table_html(const ReportTable *t, const char *anchor, const char *to, BaseText *out)
{
    int columns = 0;
    for (int c = 0; c < t->column_count; c++) columns += shown(t, c);
    report_escape_within(out, "<div class=\"scroll\" tabindex=\"0\"><table class=\"sortable\"><caption>",
                         text_or(t->title), "</caption>\n");
    html_head(t, out);
    base_text_add(out, "<tbody>\n");
    for (int r = 0; r < t->row_count; r++) {
        unsigned f = t->flags[r];
        const char *style = f & REPORT_ROW_FAILED      ? "failed"
                            : f & REPORT_ROW_REFERENCE ? "reference"
                            : f & REPORT_ROW_CONTROL   ? "control"
                                                       : "";
        base_text_add(out, "<tr class=\"%s\"", style);
        html_anchor(t, r, anchor, out);
        base_text_add(out, ">");
        for (int c = 0; c < t->column_count; c++) {
            if (!shown(t, c)) continue;
            if (c > 0 && t->reasons[r]) {
                base_text_add(out, "<td colspan=\"%d\">", columns - 1);
                report_escape_html(out, t->reasons[r]);
                base_text_add(out, "</td>");
                break;
            }
            html_cell(t, r, c, to, out);
        }
        base_text_add(out, "</tr>\n");
    }
    base_text_add(out, "</tbody></table></div>\n");
    for (int i = 0; i < t->note_count; i++) report_escape_within(out, "<p class=\"note\">", t->notes[i], "</p>\n");
}
