/* report/html.h - what every page has: its head with the style for light and dark, its end, and figures. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "report/figure/draw.h"

/** Up to and with <body>. */
void report_html_open(const char *title, BaseText *out);
void report_html_close(BaseText *out);
/** The drawing in the page, its caption and links to figures/<stem>.{csv,png,svg}. */
void report_html_figure(const ReportFigure *f, BaseText *out);

#endif
