/* report/html.h - what every page has: its head with the style for light and dark, its end, and figures. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "report/figure/draw.h"

/** Up to and with <body>. */
void report_html_open(const char *title, BaseText *out);
void report_html_close(BaseText *out);
/** A link that holds the numbers themselves, so that the page needs no other file; to @p file where they are NULL or
 *  over a megabyte. */
void report_html_csv(const char *file, const char *csv, BaseText *out);
/** The drawing in the page (anchor "fig-<stem>"), its caption, its numbers, and links to figures/<stem>.{png,svg}. */
void report_html_figure(const ReportFigure *f, BaseText *out);

#endif
