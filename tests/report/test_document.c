#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "report/document.h"

static void one_document(ReportDocument *d, const ReportFigure *figure)
{
    ReportTable table = report_table_make("A <table>"), empty = report_table_make("nothing");
    int name = report_table_column(&table, "name", "name", false, 0, 2);
    int value = report_table_column(&table, "value", "value", true, 2, 2);
    report_table_row(&table, 0);
    report_table_text(&table, name, "a|b");
    report_table_number(&table, value, (MathEstimate){0.5, 0.25, 0.75, 10}, NAN);
    report_table_column(&empty, "name", "name", false, 0, 2);
    *d = report_document_make("Title & more");
    report_document_text(d, REPORT_BLOCK_WARNING, "beware of %d <things>", 2);
    report_document_text(d, REPORT_BLOCK_LEAD, "the *lead*");
    report_document_text(d, REPORT_BLOCK_ITEM, "first");
    report_document_text(d, REPORT_BLOCK_ITEM, "second");
    report_document_text(d, REPORT_BLOCK_HEADING, "A part");
    report_document_table_take(d, &table);
    report_document_table_take(d, &empty);
    report_document_figure(d, figure);
    report_document_picture(d, "figures/a.png", "a picture", "M", 1);
    report_document_picture(d, "figures/b.png", "b picture", "Ma\xff", 3);
    report_document_text(d, REPORT_BLOCK_CODE, "run <this>");
}

static void contains(const char *text, const char *part)
{
    if (!strstr(text, part)) print_error("lacks: %s\n", part);
    assert_non_null(strstr(text, part));
}

static void both_renderings_hold_all(void **state)
{
    (void)state;
    ReportDocument d;
    BaseText html = {0}, md = {0};
    const ReportFigure figure = {"stem",       "A figure", "Its caption", 100, "<?xml?>\n<svg>x</svg>",
                                 "a,b\n1,2\n", false,      false};
    one_document(&d, &figure);
    report_document_html(&d, &html);
    report_document_markdown(&d, &md);
    assert_ok(html.st);
    assert_ok(md.st);
    contains(html.data, "<title>Title &amp; more</title>");
    contains(html.data, "<p class=\"warning\">beware of 2 &lt;things&gt;</p>");
    contains(html.data, "<ul class=\"text\">\n<li>first</li>\n<li>second</li></ul>");
    contains(html.data, "<svg>x</svg>");
    contains(html.data, "<div class=\"strip\">\n<figure><img alt=\"\" src=\"data:image/png;base64,TQ==\">");
    contains(html.data, "base64,TWH/\"><figcaption>b picture</figcaption></figure></div>"); /* RFC 4648 by hand */
    contains(html.data, "<pre>run &lt;this&gt;</pre>");
    assert_null(strstr(html.data, "nothing"));
    contains(
        md.data,
        "# Title &amp; more\n\n> **beware of 2 &lt;things&gt;**\n\nthe \\*lead\\*\n\n- first\n- second\n\n## A part");
    contains(md.data, "![A figure](figures/stem.svg)\n\nIts caption");
    contains(md.data, "![a picture](figures/a.png)\n![b picture](figures/b.png)\n\n```\nrun <this>\n```");
    contains(md.data, "a\\|b | 0.50");
    base_text_free(&html);
    base_text_free(&md);
    report_document_free(&d);
}

static BaseStatus render_once(void *user)
{
    ReportDocument d;
    BaseText html = {0};
    const ReportFigure figure = {"stem", "A figure", "Its caption", 100, NULL, NULL, false, false};
    (void)user;
    one_document(&d, &figure);
    report_document_html(&d, &html);
    BaseStatus st = html.st;
    base_text_free(&html);
    report_document_free(&d);
    return st;
}

static void failures_stick(void **state)
{
    (void)state;
    support_fail_allocations(render_once, NULL, 500);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(both_renderings_hold_all),
    cmocka_unit_test(failures_stick),
};
SUPPORT_MAIN(tests)
