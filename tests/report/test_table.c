#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "report/escape.h"
#include "report/table.h"

#define ESCAPES(function, text, want)                                                                                  \
    do {                                                                                                               \
        BaseText out = {0};                                                                                            \
        function(&out, text);                                                                                          \
        assert_int_equal(out.st, BASE_OK);                                                                             \
        assert_string_equal(out.data, want);                                                                           \
        base_text_free(&out);                                                                                          \
    } while (0)

static void fit_six(BaseText *out, const char *text) { report_text_fit(out, text, 6); }

static void test_escape(void **state)
{
    (void)state;
    ESCAPES(report_escape_html, "<a href='x'>\"&\"\n\x01", "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;  ");
    ESCAPES(report_escape_tex, "50% of $x_1^2$ \\cmd{~} #&|",
            "50\\% of \\$x\\_1\\textasciicircum{}2\\$ \\textbackslash{}cmd\\{"
            "\\textasciitilde{}\\} \\#\\&\\textbar{}");
    ESCAPES(report_escape_tex, "94.19 ± 0.50 ↑ → Größe", "94.19 $\\pm$ 0.50 $\\uparrow$ $\\to$ Größe");
    ESCAPES(report_escape_csv, "plain", "plain");
    ESCAPES(report_escape_csv, "a,\"b\"\nc", "\"a,\"\"b\"\"\nc\"");
    ESCAPES(report_escape_csv, " edge", "\" edge\"");
    ESCAPES(report_escape_csv, "=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"");
    ESCAPES(report_escape_csv, "+1+cmd", "\"'+1+cmd\"");
    ESCAPES(report_escape_csv, "-2+3", "\"'-2+3\"");
    ESCAPES(report_escape_csv, "@SUM(A1)", "\"'@SUM(A1)\"");
    ESCAPES(report_escape_csv, "\t=1", "\"'\t=1\"");
    ESCAPES(report_escape_csv, "-0.5", "-0.5"); /* a number stays one */
    ESCAPES(report_escape_csv, "+1e-3", "+1e-3");
    ESCAPES(report_escape_csv, "-", "-");
    ESCAPES(report_escape_csv, "a=b", "a=b");
    ESCAPES(report_escape_tex, "[1em] x [2]", "{[}1em] x [2]");
    ESCAPES(report_escape_tex, "  *x*", "{*}x*");
    ESCAPES(report_escape_tex, "94 [93, 95]", "94 [93, 95]");
    ESCAPES(report_escape_tex, "\x1b[2J \u202e[x", "{[}2J  [x"); /* what becomes a space is none before the bracket */
    ESCAPES(report_escape_html,
            "a\xc2\x9b"
            "1m\u202eb\u2028ö\xe9!",
            "a 1m b ö\uFFFD!");
    ESCAPES(report_escape_csv,
            "\x1b]0;x\x07,\xc2\x9b"
            "1m\xe9",
            "\" ]0;x , 1m\uFFFD\"");
    ESCAPES(report_escape_csv, " =1+1", "\"' =1+1\"");
    ESCAPES(report_escape_gnuplot, "it's `rm` \n$x", "'it''s `rm`  $x'");
    ESCAPES(report_escape_markdown, "a|b*_<x>[1]", "a\\|b\\*\\_&lt;x&gt;\\[1\\]");
    ESCAPES(report_escape_plain, "a\x1b[31mb\tc", "a [31mb c");
    ESCAPES(report_escape_slug, "NegGrad+ (α=.5)/x", "neggrad-5-x");
    ESCAPES(report_escape_slug, "+++", "x");
    assert_int_equal(report_text_width("± 0.50"), 6);
    assert_int_equal(report_text_width("服装"), 4);
    assert_int_equal(report_text_width("e\xcc\x81"), 1);
    assert_int_equal(report_text_width("\xff\xfe"), 2);
    /* the first and the last of each range, and their neighbours: combining marks and joiners, and what is two wide */
    static const char *const NONE[] = {"\u0300", "\u036f", "\u200d", "\ufe00", "\ufe0f"},
                             *const ONE[] = {"\u02ff", "\u0370", "\u200c", "\u200e",     "\u10ff",
                                             "\u1160", "\u2e7f", "\ua4d0", "\uabff",     "\ud7a4",
                                             "\uf8ff", "\ufb00", "\ufdff", "\ufe10",     "\ufeff",
                                             "\uff61", "a",      "~",      "\U0001f2ff", "\U0001fb00"},
                             *const TWO[] = {"\u1100", "\u115f", "\u2e80", "\ua4cf", "\uac00",     "\ud7a3",
                                             "\uf900", "\ufaff", "\uff00", "\uff60", "\U0001f300", "\U0001faff"};
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++) assert_int_equal(report_text_width(NONE[i]), 0);
    for (size_t i = 0; i < sizeof ONE / sizeof *ONE; i++) assert_int_equal(report_text_width(ONE[i]), 1);
    for (size_t i = 0; i < sizeof TWO / sizeof *TWO; i++) assert_int_equal(report_text_width(TWO[i]), 2);
    ESCAPES(fit_six, "été", "été   ");
    ESCAPES(fit_six, "abcdef", "abcdef");
    ESCAPES(fit_six, "ankle boot", "ankle…");
    ESCAPES(fit_six, "e\xcc\x81te\xcc\x81 ici", "e\xcc\x81te\xcc\x81 i…");
    ESCAPES(fit_six, "服装服装", "服装… "); /* a wide character that only half fits stays out */
    ESCAPES(fit_six, "a\x1b[31m", "a [31m");
}

static ReportTable sample(void)
{
    ReportTable t = report_table_make("Title");
    report_table_column(&t, "label", "method", false, 0, 1000);
    int a = report_table_column(&t, "acc", "ACC_r", true, 2, 10);
    int b = report_table_column(&t, "sec", "wall", true, -1, 5);
    int c = report_table_column(&t, "hid", "hidden", true, -1, 0);
    report_table_ideal(&t, a, "%", "↑", "retrained");
    report_table_row(&t, REPORT_ROW_REFERENCE);
    report_table_text(&t, 0, "retrained");
    report_table_number(&t, a, (MathEstimate){94.185, 93.9, 94.5, 100}, 0.5);
    report_table_number(&t, b, math_estimate(1.2345, 0), NAN);
    report_table_number(&t, c, math_estimate(1.0 / 3, 0), NAN);
    report_table_row(&t, 0);
    report_table_text(&t, 0, "a,b");
    report_table_number(&t, a, math_estimate(-0.001, 0), NAN);
    report_table_row(&t, REPORT_ROW_FAILED);
    report_table_text(&t, 0, "bad");
    report_table_reason(&t, "it broke");
    report_table_note(&t, "A %s.", "note");
    report_table_interval_note(&t, "Brackets: 95%.");
    return t;
}

static void test_renderings(void **state)
{
    (void)state;
    ReportTable t = sample();
    BaseText out = {0};
    assert_int_equal(t.st, BASE_OK);
    report_table_csv(&t, &out);
    assert_string_equal(
        out.data,
        "label,acc,acc_lo,acc_hi,acc_sd,acc_n,sec,hid,failed\n"
        "retrained,94.185000000000002,93.900000000000006,94.5,0.5,100,1.2344999999999999,0.33333333333333331,\n"
        "\"a,b\",-0.001,,,,,,,\n"
        "bad,,,,,,,,it broke\n");
    base_text_free(&out);
    report_table_markdown(&t, &out);
    assert_string_equal(out.data,
                        "### Title\n\n| method | ACC\\_r ↑<br>% → retrained | wall |\n|---|---:|---:|\n"
                        "| retrained (reference) | 94.19 ± 0.50 \\[93.90, 94.50\\] | 1.23 |\n| a,b | 0.00 | – |\n"
                        "| bad (failed) | it broke |  |\n\nA note.\n\nBrackets: 95%.\n");
    base_text_free(&out);
    report_table_tex(&t, &out);
    assert_non_null(strstr(out.data, "    method & ACC\\_r $\\uparrow$ & wall \\\\\n"));
    assert_non_null(strstr(out.data, "    retrained (reference) & 94.19 $\\pm$ 0.50 [93.90, 94.50] & 1.23 \\\\\n"));
    assert_non_null(strstr(out.data, "    bad (failed) & \\multicolumn{2}{l}{it broke} \\\\\n"));
    base_text_free(&out);
    report_table_html(&t, NULL, NULL, &out);
    assert_non_null(strstr(out.data, "94.19 ± 0.50<small>[93.90, 94.50]</small></td>"));
    assert_non_null(strstr(out.data,
                           "<tr class=\"failed\"><th scope=\"row\">bad <span class=\"tag\">(failed)</span></th>"
                           "<td colspan=\"2\">it broke</td></tr>"));
    assert_null(strstr(out.data, "hidden"));
    base_text_free(&out);
    report_table_free(&t);
}

/* 94.185 in binary is just above the tie, so it rounds up to 94.19 as printed above. */
static void test_terminal(void **state)
{
    (void)state;
    ReportTable t = sample();
    BaseText out = {0};
    report_table_terminal(&t, 80, &out);
    assert_string_equal(out.data, "Title\n"
                                  "method                                     ACC_r ↑  wall\n"
                                  "                                     % → retrained\n"
                                  "────────────────────────────────────────────────────────\n"
                                  "retrained (reference)  94.19 ± 0.50 [93.90, 94.50]  1.23\n"
                                  "a,b                                           0.00     –\n"
                                  "bad (failed)           it broke\n"
                                  "A note.\n"
                                  "Brackets: 95%.\n");
    base_text_free(&out);
    report_table_terminal(&t, 45, &out);
    assert_non_null(strstr(out.data, "94.19 ± 0.50  1.23\n"));
    assert_non_null(strstr(out.data, "A note.\nLeft out at this width: the intervals; the\nreport has them.\n"));
    base_text_free(&out);
    report_table_terminal(&t, 40, &out);
    assert_non_null(strstr(out.data, "Left out at this width: wall and the"));
    assert_null(strstr(out.data, "1.23"));
    for (const char *line = out.data; *line;) { /* nothing is wider than asked */
        char one[256];
        size_t n = strcspn(line, "\n");
        snprintf(one, sizeof one, "%.*s", (int)n, line);
        assert_true(report_text_width(one) <= 40);
        line += n + (line[n] == '\n');
    }
    base_text_free(&out);
    report_table_free(&t);
    t = report_table_make("No intervals");
    report_table_column(&t, "label", "a quite long title", false, 0, 1000);
    report_table_column(&t, "n", "n", true, 0, 10);
    report_table_row(&t, 0);
    report_table_number(&t, 1, math_estimate(1, 0), NAN);
    report_table_terminal(&t, 10, &out);
    assert_non_null(strstr(out.data, "width: n;\nthe report\nhas them."));
    base_text_free(&out);
    report_table_free(&t);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_escape), cmocka_unit_test(test_renderings),
                                          cmocka_unit_test(test_terminal)};
SUPPORT_MAIN(tests)
