/* report/table.c - cells keep value and interval; building never fails visibly, the first error stays in the table. */
#include "report/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "report/escape.h"

/* Runs @p call unless something failed before. */
#define STICK(table, call)                                                                                             \
    do {                                                                                                               \
        if ((table)->st == BASE_OK) (table)->st = (call);                                                              \
    } while (0)

ReportTable report_table_make(const char *title)
{
    ReportTable table = {0};
    table.st = base_strdup(title, &table.title);
    return table;
}

void report_table_free(ReportTable *t)
{
    for (int c = 0; c < t->column_count; c++) {
        base_free(t->columns[c].key);
        base_free(t->columns[c].title);
        base_free(t->columns[c].unit);
        base_free(t->columns[c].arrow);
        base_free(t->columns[c].ideal);
    }
    for (int i = 0; i < t->row_count * t->column_count; i++) base_free(t->cells[i].text);
    for (int r = 0; r < t->row_count; r++) base_free(t->reasons[r]);
    for (int i = 0; i < t->note_count; i++) base_free(t->notes[i]);
    base_free(t->title);
    base_free(t->columns);
    base_free(t->cells);
    base_free(t->flags);
    base_free(t->reasons);
    base_free(t->notes);
    base_free(t->note_intervals);
    *t = (ReportTable){0};
}

int report_table_column(ReportTable *t, const char *key, const char *title, bool number, int decimals, int importance)
{
    int at = t->column_count;
    ReportColumn column = {.decimals = decimals, .importance = importance, .number = number};
    STICK(t, BASE_GROW(&t->columns, at, at + 1));
    if (t->st != BASE_OK) return at;
    t->columns[at] = column;
    t->column_count = at + 1;
    STICK(t, base_strdup(key, &t->columns[at].key));
    STICK(t, base_strdup(title, &t->columns[at].title));
    return at;
}

void report_table_ideal(ReportTable *t, int column, const char *unit, const char *arrow, const char *ideal)
{
    if (t->st != BASE_OK) return;
    ReportColumn *c = &t->columns[column];
    base_free(c->unit); /* a second call replaces */
    base_free(c->arrow);
    base_free(c->ideal);
    c->unit = c->arrow = c->ideal = NULL;
    STICK(t, base_strdup(unit, &c->unit));
    STICK(t, base_strdup(arrow, &c->arrow));
    STICK(t, base_strdup(ideal, &c->ideal));
}

void report_table_row(ReportTable *t, unsigned flags)
{
    int at = t->row_count, columns = t->column_count;
    STICK(t, base_grow_by_one((void **)&t->cells, (size_t)at, (size_t)columns * sizeof *t->cells));
    STICK(t, BASE_GROW_BY_ONE(&t->flags, at));
    STICK(t, BASE_GROW_BY_ONE(&t->reasons, at));
    if (t->st != BASE_OK) return;
    for (int c = 0; c < columns; c++)
        t->cells[at * columns + c] = (ReportCell){.value = NAN, .lo = NAN, .hi = NAN, .sd = NAN};
    t->flags[at] = flags;
    t->reasons[at] = NULL;
    t->row_count = at + 1;
}

static ReportCell *last(ReportTable *t, int column) { return &t->cells[(t->row_count - 1) * t->column_count + column]; }

void report_table_reason(ReportTable *t, const char *reason)
{
    if (t->st == BASE_OK) STICK(t, base_strdup(reason, &t->reasons[t->row_count - 1]));
}

void report_table_text(ReportTable *t, int column, const char *text)
{
    if (t->st == BASE_OK) STICK(t, base_strdup(text ? text : "", &last(t, column)->text));
}

void report_table_number(ReportTable *t, int column, MathEstimate value, double sd)
{
    if (t->st == BASE_OK)
        *last(t, column) = (ReportCell){.value = value.value, .lo = value.lo, .hi = value.hi, .sd = sd, .n = value.n};
}

void report_table_best(ReportTable *t, int row, int column)
{
    if (t->st == BASE_OK) t->cells[row * t->column_count + column].best = true;
}

static void add_note(ReportTable *t, const char *text, bool intervals)
{
    STICK(t, BASE_GROW(&t->notes, t->note_count, t->note_count + 1));
    STICK(t, BASE_GROW(&t->note_intervals, t->note_count, t->note_count + 1));
    if (t->st != BASE_OK) return;
    t->note_intervals[t->note_count] = intervals;
    t->notes[t->note_count++] = NULL;
    STICK(t, base_strdup(text, &t->notes[t->note_count - 1]));
}

void report_table_note(ReportTable *t, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_note(t, text, false);
}

void report_table_interval_note(ReportTable *t, const char *text) { add_note(t, text, true); }

static void add_number(BaseText *out, double value, int decimals)
{
    char text[64];
    if (decimals >= 0)
        snprintf(text, sizeof text, "%.*f", decimals, value);
    else if (value != 0 && fabs(value) < 1e-3)
        snprintf(text, sizeof text, "%.2e", value);
    else if (fabs(value) >= 1000)
        snprintf(text, sizeof text, "%.0f", value);
    else
        snprintf(text, sizeof text, "%.3g", value);
    const char *shown = text;
    if (strspn(text, "-0.") == strlen(text) && text[0] == '-') shown++; /* no negative zero */
    base_text_add(out, "%s", shown);
}

void report_table_cell(const ReportTable *t, int row, int column, bool interval, BaseText *out)
{
    const ReportCell *cell = &t->cells[row * t->column_count + column];
    const ReportColumn *c = &t->columns[column];
    if (!c->number) {
        base_text_add(out, "%s", cell->text ? cell->text : "");
        return;
    }
    if (isnan(cell->value)) {
        if (!(t->flags[row] & REPORT_ROW_FAILED)) base_text_add(out, "–");
        return;
    }
    add_number(out, cell->value, c->decimals);
    if (!isnan(cell->sd)) {
        base_text_add(out, " ± ");
        add_number(out, cell->sd, c->decimals);
    }
    if (interval && !isnan(cell->lo) && !isnan(cell->hi)) {
        base_text_add(out, " [");
        add_number(out, cell->lo, c->decimals);
        base_text_add(out, ", ");
        add_number(out, cell->hi, c->decimals);
        base_text_add(out, "]");
    }
}

static bool any(const ReportTable *t, int column, int which)
{
    for (int r = 0; r < t->row_count; r++) {
        const ReportCell *cell = &t->cells[r * t->column_count + column];
        const double values[] = {cell->lo, cell->hi, cell->sd, cell->n > 0 ? 1 : NAN};
        if (!isnan(values[which])) return true;
    }
    return false;
}

static void csv_number(BaseText *out, double value)
{
    if (!isnan(value)) base_text_add(out, "%.17g", value);
}

void report_table_csv(const ReportTable *t, BaseText *out)
{
    static const char *const PARTS[] = {"_lo", "_hi", "_sd", "_n"};
    bool failed = false;
    for (int r = 0; r < t->row_count; r++) failed = failed || t->reasons[r];
    for (int c = 0; c < t->column_count; c++) {
        if (c) base_text_add(out, ",");
        report_escape_csv(out, t->columns[c].key);
        for (int p = 0; p < 4 && t->columns[c].number; p++) {
            if (!any(t, c, p)) continue;
            BaseText key = {0};
            base_text_add(&key, "%s%s", t->columns[c].key, PARTS[p]);
            base_text_add(out, ",");
            if (key.data) report_escape_csv(out, key.data);
            if (key.st != BASE_OK) out->st = key.st;
            base_text_free(&key);
        }
    }
    base_text_add(out, failed ? ",failed\n" : "\n");
    for (int r = 0; r < t->row_count; r++) {
        for (int c = 0; c < t->column_count; c++) {
            const ReportCell *cell = &t->cells[r * t->column_count + c];
            if (c) base_text_add(out, ",");
            if (!t->columns[c].number) {
                report_escape_csv(out, cell->text ? cell->text : "");
                continue;
            }
            csv_number(out, cell->value);
            const double parts[] = {cell->lo, cell->hi, cell->sd, cell->n > 0 ? (double)cell->n : NAN};
            for (int p = 0; p < 4; p++) {
                if (!any(t, c, p)) continue;
                base_text_add(out, ",");
                csv_number(out, parts[p]);
            }
        }
        if (failed) base_text_add(out, ",");
        if (t->reasons[r]) report_escape_csv(out, t->reasons[r]);
        base_text_add(out, "\n");
    }
}
