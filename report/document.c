/* report/document.c - blocks are kept as they were given; pictures are embedded as base64, so a page is one file. */
#include "report/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "report/escape.h"
#include "report/html.h"

ReportDocument report_document_make(const char *title)
{
    ReportDocument d = {0};
    d.st = base_strdup(title, &d.title);
    return d;
}

void report_document_free(ReportDocument *d)
{
    for (size_t i = 0; i < d->count; i++) {
        base_free(d->blocks[i].text);
        base_free(d->blocks[i].file);
        base_free(d->blocks[i].data);
        report_table_free(&d->blocks[i].table);
    }
    base_free(d->blocks);
    base_free(d->title);
    *d = (ReportDocument){0};
}

/* The new last block, or NULL after a failure. */
static ReportBlock *add(ReportDocument *d, ReportBlockKind kind)
{
    if (d->st == BASE_OK) d->st = BASE_GROW(&d->blocks, d->count, d->count + 1);
    if (d->st != BASE_OK) return NULL;
    d->blocks[d->count] = (ReportBlock){.kind = kind};
    return &d->blocks[d->count++];
}

static BaseStatus format_list(const char *format, va_list args, char **out)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    BaseStatus st = BASE_ALLOC(size + 1, out);
    if (st == BASE_OK) vsnprintf(*out, (size_t)size + 1, format, again);
    va_end(again);
    return st;
}

void report_document_text(ReportDocument *d, ReportBlockKind kind, const char *format, ...)
{
    va_list args;
    ReportBlock *block = add(d, kind);
    if (!block) return;
    va_start(args, format);
    d->st = format_list(format, args, &block->text);
    va_end(args);
}

void report_document_badge(ReportDocument *d, ReportTone tone, const char *word, const char *format, ...)
{
    va_list args;
    ReportBlock *block = add(d, REPORT_BLOCK_BADGE);
    if (!block) return;
    block->tone = tone;
    va_start(args, format);
    d->st = format_list(format, args, &block->text);
    va_end(args);
    if (d->st == BASE_OK) d->st = base_strdup(word, &block->file);
}

void report_document_table_take(ReportDocument *d, ReportTable *table)
{
    if (d->st == BASE_OK) d->st = table->st;
    ReportBlock *block = table->row_count ? add(d, REPORT_BLOCK_TABLE) : NULL;
    if (block)
        block->table = *table;
    else
        report_table_free(table);
    *table = (ReportTable){0};
}

void report_document_figure(ReportDocument *d, const ReportFigure *figure)
{
    ReportBlock *block = add(d, REPORT_BLOCK_FIGURE);
    if (block) block->figure = figure;
}

static void base64(const unsigned char *bytes, size_t size, BaseText *out)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        unsigned b = i + 1 < size ? bytes[i + 1] : 0, c = i + 2 < size ? bytes[i + 2] : 0;
        unsigned three = (unsigned)bytes[i] << 16 | b << 8 | c;
        char four[4];
        for (int k = 0; k < 4; k++) four[k] = DIGITS[three >> (18 - 6 * k) & 63];
        if (i + 1 >= size) four[2] = '=';
        if (i + 2 >= size) four[3] = '=';
        base_text_append(out, four, 4);
    }
}

void report_document_picture(ReportDocument *d, const char *file, const char *caption, const void *png, size_t size)
{
    BaseText data = {0};
    ReportBlock *block = add(d, REPORT_BLOCK_PICTURE);
    if (!block) return;
    base64(png, size, &data);
    d->st = data.st;
    block->data = data.data;
    if (d->st == BASE_OK) d->st = base_strdup(file, &block->file);
    if (d->st == BASE_OK) d->st = base_strdup(caption, &block->text);
}

static bool opens(const ReportDocument *d, size_t i) { return i == 0 || d->blocks[i - 1].kind != d->blocks[i].kind; }
static bool closes(const ReportDocument *d, size_t i)
{
    return i + 1 == d->count || d->blocks[i + 1].kind != d->blocks[i].kind;
}

static const char *const TONES[] = {"bad", "doubt", "open", "good"};

static void html_block(const ReportDocument *d, size_t i, BaseText *out)
{
    const ReportBlock *b = &d->blocks[i];
    switch (b->kind) {
    case REPORT_BLOCK_HEADING: report_escape_within(out, "<h2>", b->text, "</h2>\n"); break;
    case REPORT_BLOCK_LEAD: report_escape_within(out, "<p class=\"lead\">", b->text, "</p>\n"); break;
    case REPORT_BLOCK_BADGE:
        base_text_add(out, "<p class=\"badge %s\">", TONES[b->tone]);
        report_escape_within(out, "<b>", b->file, "</b> ");
        report_escape_within(out, "", b->text, "</p>\n");
        break;
    case REPORT_BLOCK_WARNING: report_escape_within(out, "<p class=\"warning\">", b->text, "</p>\n"); break;
    case REPORT_BLOCK_TEXT: report_escape_within(out, "<p class=\"text\">", b->text, "</p>\n"); break;
    case REPORT_BLOCK_NOTE: report_escape_within(out, "<p class=\"note\">", b->text, "</p>\n"); break;
    case REPORT_BLOCK_ITEM:
        report_escape_within(out, opens(d, i) ? "<ul class=\"text\">\n<li>" : "<li>", b->text,
                             closes(d, i) ? "</li></ul>\n" : "</li>\n");
        break;
    case REPORT_BLOCK_CODE: report_escape_within(out, "<pre>", b->text, "</pre>\n"); break;
    case REPORT_BLOCK_TABLE: report_table_html(&b->table, NULL, NULL, out); break;
    case REPORT_BLOCK_FIGURE: report_html_figure(b->figure, out); break;
    case REPORT_BLOCK_PICTURE:
        base_text_add(out, "%s<figure><img alt=\"\" src=\"data:image/png;base64,",
                      opens(d, i) ? "<div class=\"strip\">\n" : "");
        base_text_append(out, b->data, strlen(b->data)); /* may be long */
        report_escape_within(out, "\"><figcaption>", b->text,
                             closes(d, i) ? "</figcaption></figure></div>\n" : "</figcaption></figure>\n");
        break;
    }
}

void report_document_html(const ReportDocument *d, BaseText *out)
{
    if (d->st != BASE_OK) {
        out->st = d->st;
        return;
    }
    report_html_open(d->title, out);
    report_escape_within(out, "<h1>", d->title, "</h1>\n");
    for (size_t i = 0; i < d->count; i++) html_block(d, i, out);
    report_html_close(out);
}

static void markdown_block(const ReportDocument *d, size_t i, BaseText *out)
{
    static const char *const OPEN[] = {"## ", "", "", "> **", "", "", "- "};
    static const char *const CLOSE[] = {"\n\n", "\n\n", "\n\n", "**\n\n", "\n\n", "\n\n", "\n"};
    const ReportBlock *b = &d->blocks[i];
    switch (b->kind) {
    case REPORT_BLOCK_BADGE:
        base_text_add(out, "**");
        report_escape_markdown(out, b->file);
        base_text_add(out, "** ");
        report_escape_markdown(out, b->text);
        base_text_add(out, "\n\n");
        break;
    case REPORT_BLOCK_CODE: base_text_add(out, "```\n%s\n```\n\n", b->text); break;
    case REPORT_BLOCK_TABLE:
        report_table_markdown(&b->table, out);
        base_text_add(out, "\n");
        break;
    case REPORT_BLOCK_FIGURE:
        base_text_add(out, b->figure->svg ? "![" : "");
        report_escape_markdown(out, b->figure->title);
        base_text_add(out, b->figure->svg ? "](figures/%s.svg)\n\n" : ": [figures/%s.csv]\n\n", b->figure->stem);
        report_escape_markdown(out, b->figure->caption);
        base_text_add(out, "\n\n");
        break;
    case REPORT_BLOCK_PICTURE:
        base_text_add(out, "![");
        report_escape_markdown(out, b->text);
        base_text_add(out, "](%s)%s", b->file, closes(d, i) ? "\n\n" : "\n");
        break;
    default:
        base_text_add(out, "%s", OPEN[b->kind]);
        report_escape_markdown(out, b->text);
        base_text_add(out, "%s", CLOSE[b->kind]);
        if (b->kind == REPORT_BLOCK_ITEM && closes(d, i)) base_text_add(out, "\n");
    }
}

void report_document_markdown(const ReportDocument *d, BaseText *out)
{
    if (d->st != BASE_OK) {
        out->st = d->st;
        return;
    }
    base_text_add(out, "# ");
    report_escape_markdown(out, d->title);
    base_text_add(out, "\n\n");
    for (size_t i = 0; i < d->count; i++) markdown_block(d, i, out);
}
