/* report/page.c - contents, then each experiment's headline, tables and figures, with links from rows to their runs. */
#include "report/page.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "report/escape.h"
#include "report/html.h"
#include "report/words.h"

static const char *const PART_TITLES[REPORT_PARTS] = {"Results",
                                                      "Falling short",
                                                      "Published numbers",
                                                      "Distance to retraining",
                                                      "Different from retraining?",
                                                      "Trainings and unlearnings",
                                                      "Scores and costs",
                                                      "Attacks",
                                                      "Papers' columns",
                                                      "Per class",
                                                      "Where forgotten images go",
                                                      "Changes by class",
                                                      "Searches",
                                                      "Layers",
                                                      "Runs"};

static void contents(const ReportSet *set, const ReportSection *sections, BaseText *out)
{
    base_text_add(out, "<nav aria-label=\"Contents\"><ul>\n");
    for (size_t i = 0; i < set->experiment_count; i++) {
        const ReportSection *s = &sections[i];
        base_text_add(out, "<li><a href=\"#e%zu\">", i);
        report_escape_html(out, s->e->name);
        base_text_add(out, "</a><ul>\n");
        for (int p = 0; p < REPORT_PARTS; p++) {
            if (s->parts[p].table.row_count)
                base_text_add(out, "<li><a href=\"#e%zu-p%d\">%s</a></li>\n", i, p, PART_TITLES[p]);
        }
        base_text_add(out, "</ul>Figures: <ul>\n");
        for (size_t k = 0; k < s->figures.count; k++) {
            base_text_add(out, "<li><a href=\"#fig-%s\">", s->figures.items[k].stem);
            report_escape_html(out, s->figures.items[k].title);
            base_text_add(out, "</a></li>\n");
        }
        base_text_add(out, "</ul></li>\n");
    }
    base_text_add(out, "<li><a href=\"#files\">Files and how to repeat</a></li></ul></nav>\n");
}

/* Rows named by a method lead to its runs, where each number comes from. */
static void part(const ReportPart *p, size_t experiment, int number, BaseText *out)
{
    static const bool NAMED[REPORT_PARTS] = {
        [REPORT_MAIN] = true,    [REPORT_FAILING] = true,  [REPORT_GAPS] = true,
        [REPORT_METRICS] = true, [REPORT_ATTACKS] = true,  [REPORT_CLASSES] = true,
        [REPORT_SEARCH] = true,  [REPORT_VARIANCE] = true, [REPORT_DIFFERS] = true};
    char runs[32];
    BaseText csv = {0}, file = {0};
    if (p->table.row_count == 0) return;
    snprintf(runs, sizeof runs, "e%zu-run", experiment);
    base_text_add(out, "<h3 id=\"e%zu-p%d\">%s</h3>\n", experiment, number, PART_TITLES[number]);
    if (p->folded) base_text_add(out, "<details><summary>Show %d rows</summary>\n", p->table.row_count);
    report_table_html(&p->table, number == REPORT_RUNS ? runs : NULL, NAMED[number] ? runs : NULL, out);
    report_table_csv(&p->table, &csv);
    base_text_add(&file, "%s.csv", p->stem);
    base_text_add(out, "<p class=\"note\">");
    report_html_csv(base_text_of(&file, &out->st), base_text_of(&csv, &out->st), out);
    if (p->all) base_text_add(out, ", <a href=\"%s.md\">.md</a>, <a href=\"%s.tex\">.tex</a>", p->stem, p->stem);
    base_text_add(out, "</p>\n%s", p->folded ? "</details>\n" : "");
    base_text_free(&csv);
    base_text_free(&file);
}

static void files(const ReportSet *set, const char *const *folders, size_t folder_count, const char *command,
                  BaseText *out)
{
    base_text_add(out, "<h2 id=\"files\">Files and how to repeat</h2>\n<p>%zu run file%s from:</p><ul>", set->run_count,
                  set->run_count == 1 ? "" : "s");
    for (size_t i = 0; i < folder_count; i++) report_escape_within(out, "<li><code>", folders[i], "</code></li>");
    base_text_add(out, "</ul>\n");
    if (set->superseded) {
        base_text_add(out, "<p>%zu older run%s of the same label, class and seed %s left out.</p>\n", set->superseded,
                      set->superseded == 1 ? "" : "s", set->superseded == 1 ? "is" : "are");
    }
    for (size_t i = 0; i < set->passed_count; i++)
        report_escape_within(out, "<p>Ignored: <code>", set->passed_over[i], "</code></p>\n");
    for (size_t i = 0; !command && i < set->run_count; i++)
        command = store_run_text(set->runs[i].store, "/meta", "command");
    if (command) report_escape_within(out, "<p>To repeat:</p>\n<pre>", command, "</pre>\n");
    base_text_add(
        out, "<p class=\"note\">The name of each row links to the runs from whose files its numbers come (the mean, if "
             "there are several); runs.csv has the hashes of weights, data and configuration, the seeds, the library "
             "versions and every metric of every run.</p>\n");
}

BaseStatus report_page(const ReportSet *set, const ReportSection *sections, const char *const *folders,
                       size_t folder_count, const char *command, BaseText *out)
{
    BaseText words = {0};
    BaseStatus st = BASE_OK;
    char *title = NULL;
    BASE_TRY(base_format(&title, "%s: unlearning report", set->experiments[0].name));
    report_html_open(title, out);
    report_escape_within(out, "<h1>", set->experiments[0].name, "");
    base_text_add(out,
                  set->experiment_count > 1 ? " and %zu more: unlearning report</h1>\n" : ": unlearning report</h1>\n",
                  set->experiment_count - 1);
    for (size_t i = 0; i < set->experiment_count; i++) {
        base_text_free(&words);
        report_words_headline(&set->experiments[i], &words);
        BASE_TRY(words.st);
        report_escape_within(out, "<p class=\"lead\">", words.data, "</p>\n");
        if (i == 0) contents(set, sections, out);
    }
    for (size_t i = 0; i < set->experiment_count; i++) {
        const ReportSection *s = &sections[i];
        base_text_add(out, "<h2 id=\"e%zu\">", i);
        report_escape_html(out, s->e->name);
        base_text_add(out, "</h2>\n");
        for (int p = 0; p <= REPORT_FAILING; p++) part(&s->parts[p], i, p, out);
        base_text_add(out, "<h3 id=\"e%zu-figures\">Figures</h3>\n", i);
        for (size_t k = 0; k < s->figures.count; k++) report_html_figure(&s->figures.items[k], out);
        for (int p = REPORT_FAILING + 1; p < REPORT_PARTS; p++) part(&s->parts[p], i, p, out);
    }
    files(set, folders, folder_count, command, out);
    report_html_close(out);
    st = out->st;
out:
    base_free(title);
    base_text_free(&words);
    return st;
}
