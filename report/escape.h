/* report/escape.h - names are data: each format's own escaping, and widths for columns of text. What a terminal or a
 * browser obeys in place of showing it (base_text_acts) becomes a space in all of them. */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include "base/text.h"

void report_escape_html(BaseText *out, const char *text); /* & < > " ' ; also safe inside a quoted attribute */
/** The same between two pieces of markup. */
void report_escape_within(BaseText *out, const char *open, const char *text, const char *close);
void report_escape_tex(BaseText *out, const char *text); /* LaTeX text mode; arrows, plus-minus and Greek to maths */
void report_escape_csv(BaseText *out, const char *text); /* RFC 4180: quoted where needed; what a spreadsheet would
                                                             take for a formula starts with ' unless it is a number */
void report_escape_markdown(BaseText *out, const char *text); /* inside a table cell */
void report_escape_gnuplot(BaseText *out, const char *text);  /* a whole single-quoted string, quotes included */
void report_escape_plain(BaseText *out, const char *text);    /* for a terminal: control characters become spaces */
/** Lower-case letters, digits and dashes: a file name or anchor. Never empty. */
void report_escape_slug(BaseText *out, const char *text);
/** Terminal columns of UTF-8 text: wide East Asian characters count 2, combining marks 0. */
int report_text_width(const char *text);
/** Text as exactly @p columns: filled with blanks, or cut between characters with a mark at the end. */
void report_text_fit(BaseText *out, const char *text, int columns);

#endif
