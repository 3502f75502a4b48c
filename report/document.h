/* report/document.h - a report as a list of blocks, written once and rendered as a page and as Markdown. */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H

#include "report/figure/draw.h"
#include "report/table.h"

typedef enum {
    REPORT_BLOCK_HEADING,
    REPORT_BLOCK_LEAD,    /* what a hurried reader must see */
    REPORT_BLOCK_BADGE,   /* a word on a colour, and what follows it; see report_document_badge */
    REPORT_BLOCK_WARNING, /* stands out */
    REPORT_BLOCK_TEXT,
    REPORT_BLOCK_NOTE,
    REPORT_BLOCK_ITEM, /* neighbours are one list */
    REPORT_BLOCK_CODE,
    REPORT_BLOCK_TABLE,
    REPORT_BLOCK_FIGURE,
    REPORT_BLOCK_PICTURE /* neighbours are one strip */
} ReportBlockKind;

/** What a badge's colour says; its word says it as well. */
typedef enum { REPORT_TONE_BAD, REPORT_TONE_DOUBT, REPORT_TONE_OPEN, REPORT_TONE_GOOD } ReportTone;

typedef struct {
    ReportBlockKind kind;
    ReportTone tone; /* of a badge; its word is `file` */
    char *text;      /* owned; of a picture its caption */
    ReportTable table;
    const ReportFigure *figure; /* borrowed */
    char *file, *data; /* of a badge: its word; of a picture: its place beside the page, and the PNG as base64; owned */
} ReportBlock;

typedef struct {
    char *title;
    ReportBlock *blocks;
    size_t count;
    BaseStatus st; /* the first failure sticks, as in BaseText: look once */
} ReportDocument;

ReportDocument report_document_make(const char *title);
void report_document_free(ReportDocument *document);
void report_document_text(ReportDocument *document, ReportBlockKind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_document_badge(ReportDocument *document, ReportTone tone, const char *word, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/** Takes the table, also on failure. Without rows: nothing is added. */
void report_document_table_take(ReportDocument *document, ReportTable *table);
/** @p figure must outlive the document. */
void report_document_figure(ReportDocument *document, const ReportFigure *figure);
/** @p png [size] is copied into the page; Markdown links to @p file. */
void report_document_picture(ReportDocument *document, const char *file, const char *caption, const void *png,
                             size_t size);

void report_document_html(const ReportDocument *document, BaseText *out);
void report_document_markdown(const ReportDocument *document, BaseText *out);

#endif
