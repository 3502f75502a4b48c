/* report/html.c - the frame of a page with its style sheet and script; small tables are embedded in their links. */
#include "report/html.h"

#include <string.h>

#include "base/param.h"
#include "report/escape.h"

/* lines of files beside this one, joined as they stand */
static const char *const STYLE[] = {
#include "report/page.css.inc"
};
static const char *const SCRIPT[] = {
#include "report/page.js.inc"
};

void report_html_open(const char *title, BaseText *out)
{
    base_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                       "<meta name=\"color-scheme\" content=\"light dark\">");
    report_escape_within(out, "<title>", title, "</title><style>");
    for (size_t i = 0; i < BASE_COUNT(STYLE); i++) base_text_add(out, "%s", STYLE[i]);
    base_text_add(out, "</style></head>\n<body>\n");
}

void report_html_close(BaseText *out)
{
    base_text_add(out, "<script>");
    for (size_t i = 0; i < BASE_COUNT(SCRIPT); i++) base_text_add(out, "%s", SCRIPT[i]);
    base_text_add(out, "</script>\n</body></html>\n");
}

enum { EMBED_MAX = 1 << 20 }; /* numbers beyond that are linked, or the page would be slow */

void report_html_csv(const char *file, const char *csv, BaseText *out)
{
    static const char HEX[] = "0123456789ABCDEF";
    if (!csv || strlen(csv) > EMBED_MAX) {
        report_escape_within(out, "<a href=\"", file, "\">Numbers (.csv)</a>");
        return;
    }
    base_text_add(out, "<a href=\"data:text/csv;charset=utf-8,");
    for (const char *c = csv; *c;) {
        size_t plain = strcspn(c, "%\"<>#&'\n\r \\^`{|}");
        base_text_append(out, c, plain);
        c += plain;
        if (!*c) break;
        const char escaped[] = {'%', HEX[(unsigned char)*c >> 4], HEX[(unsigned char)*c & 15]};
        base_text_append(out, escaped, sizeof escaped);
        c++;
    }
    const char *name = strrchr(file, '/');
    report_escape_within(out, "\" download=\"", name ? name + 1 : file, "\">Numbers (.csv)</a>");
}

void report_html_figure(const ReportFigure *f, BaseText *out)
{
    const char *svg = f->svg ? strstr(f->svg, "<svg") : NULL;
    BaseText file = {0};
    base_text_add(&file, "figures/%s.csv", f->stem);
    base_text_add(out, "<figure id=\"fig-%s\">", f->stem);
    if (svg) {
        base_text_add(out, "<div class=\"card%s\" style=\"max-width:%dpx\" tabindex=\"0\" role=\"img\" aria-label=\"",
                      f->natural ? " natural" : "", f->width + 20);
        report_escape_html(out, f->title);
        base_text_add(out, "\">");
        base_text_append(out, svg, strlen(svg));
        base_text_add(out, "</div>");
    }
    report_escape_within(out, "<figcaption><strong>", f->title, ".</strong> ");
    report_escape_within(out, "", f->caption, " ");
    report_html_csv(base_text_of(&file, &out->st), f->csv, out);
    if (svg && !f->vector) base_text_add(out, ", <a href=\"figures/%s.png\">.png</a>", f->stem);
    if (svg) base_text_add(out, ", <a href=\"figures/%s.svg\">.svg</a>", f->stem);
    base_text_add(out, svg ? "" : " (not drawn)");
    base_text_add(out, "</figcaption></figure>\n");
    base_text_free(&file);
}
