/* report/table.h - one table model, five renderings. Numbers stay numbers until a renderer prints them. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "base/text.h"
#include "math/stats.h"

typedef struct {
    char *key;      /* of the CSV column */
    char *title;    /* "ACC_r" */
    char *unit;     /* "%", or "" */
    char *arrow;    /* "↑", "↓" or "" : the published direction */
    char *ideal;    /* "retrained", "0.5", or "" */
    int decimals;   /* -1: three significant digits */
    int importance; /* 0: in the CSV only; the terminal drops the smallest first */
    bool number;
} ReportColumn;

typedef struct {
    char *text;               /* of a text column; NULL: empty */
    double value, lo, hi, sd; /* NaN where not defined; sd: over runs */
    int64_t n;
    bool best; /* printed in bold: best of its column beyond chance */
} ReportCell;

/* What a row is; shown as a mark and a style. */
enum {
    REPORT_ROW_REFERENCE = 1,
    REPORT_ROW_CONTROL = 2,
    REPORT_ROW_FAILED = 4,
    REPORT_ROW_ORIGINAL = 8,
    REPORT_ROW_SHORT = 16 /* too far from retraining */
};

typedef struct {
    char *title;
    ReportColumn *columns;
    int column_count;
    ReportCell *cells; /* [row_count, column_count] */
    unsigned *flags;   /* [row_count] */
    char **reasons;    /* [row_count] of a failed row, spanning the columns after the first; else NULL */
    int row_count;
    char **notes;
    bool *note_intervals; /* [note_count] the note is about intervals: goes where they are left out */
    int note_count;
    BaseStatus st; /* the first failure sticks, as in BaseText: look once */
} ReportTable;

ReportTable report_table_make(const char *title);
void report_table_free(ReportTable *table);
/** Before any row. @return its number. The first column names the row. */
int report_table_column(ReportTable *table, const char *key, const char *title, bool number, int decimals,
                        int importance);
void report_table_ideal(ReportTable *table, int column, const char *unit, const char *arrow, const char *ideal);
void report_table_row(ReportTable *table, unsigned flags);
void report_table_reason(ReportTable *table, const char *reason); /* of the last row */
/* Cells of the last row. */
void report_table_text(ReportTable *table, int column, const char *text);
void report_table_number(ReportTable *table, int column, MathEstimate value, double sd);
/** Marks a row's cell; called after it has its number. */
void report_table_best(ReportTable *table, int row, int column);
void report_table_note(ReportTable *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A note about the intervals, which is left out with them. */
void report_table_interval_note(ReportTable *table, const char *text);

/** Cell as printed: "94.19", "94.19 ± 0.50", each followed by " [93.90, 94.50]" where @p interval. */
void report_table_cell(const ReportTable *table, int row, int column, bool interval, BaseText *out);

/** Fits @p width: first without intervals, then without the least important columns; says what it left out. */
void report_table_terminal(const ReportTable *table, int width, BaseText *out);
void report_table_markdown(const ReportTable *table, BaseText *out);
/** Numbers in full precision; key, key_lo, key_hi, key_sd, key_n where any row has them. */
void report_table_csv(const ReportTable *table, BaseText *out);
void report_table_tex(const ReportTable *table, BaseText *out); /* booktabs */
/** Names in the first column link to "#<to>-<slug>" (NULL: they do not), and the first row of each name has the anchor
 *  "<anchor>-<slug>" (NULL: none). */
void report_table_html(const ReportTable *table, const char *anchor, const char *to, BaseText *out);

#endif
