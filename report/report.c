/* report/report.c - makes tables in all formats and every figure of the list, section by section, then the page. */
#include "report/report.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"
#include "report/escape.h"
#include "report/page.h"
#include "report/results.h"
#include "report/write.h"

typedef BaseStatus (*FigureMake)(ReportFigures *figures);
static const FigureMake FIGURES[] = {
#define X(name) report_figure_##name,
    REPORT_FIGURE_LIST(X)
#undef X
};

static BaseStatus write_part(const ReportPart *part, const char *folder)
{
    BaseStatus st = BASE_OK;
    BaseText csv = {0}, md = {0}, tex = {0};
    if (part->table.row_count == 0) return BASE_OK;
    report_table_csv(&part->table, &csv);
    BASE_TRY(report_write_text(folder, part->stem, ".csv", &csv));
    if (part->all) {
        report_table_markdown(&part->table, &md);
        report_table_tex(&part->table, &tex);
        BASE_TRY(report_write_text(folder, part->stem, ".md", &md));
        BASE_TRY(report_write_text(folder, part->stem, ".tex", &tex));
    }
out:
    base_text_free(&csv);
    base_text_free(&md);
    base_text_free(&tex);
    return st;
}

static const ReportRun *layered_run(const ReportExperiment *e)
{
    const ReportRun *run = report_first_ok(report_featured(e));
    const char *const *names;
    size_t count;
    return run && store_run_texts(run->store, "/layers/names", &names, &count) ? run : NULL;
}

static BaseStatus make_section(const ReportExperiment *e, bool several, const char *out, const char *figures,
                               bool *gnuplot, ReportSection *s)
{
    static const char *const STEMS[REPORT_PARTS] = {"results",      "failing", "published", "gaps",   "differs",
                                                    "variance",     "metrics", "attacks",   "papers", "classes",
                                                    "destinations", "changes", "search",    "layers", "runs"};
    BaseStatus st = BASE_OK;
    BaseText prefix = {0};
    const ReportRun *layered = layered_run(e);
    s->e = e;
    if (several) { /* two experiments of one name differ in architecture or data */
        report_escape_slug(&prefix, e->name);
        base_text_add(&prefix, "-");
        report_escape_slug(&prefix, e->arch);
        base_text_add(&prefix, "-");
        report_escape_slug(&prefix, e->data);
        base_text_add(&prefix, "-");
        BASE_TRY(prefix.st);
    }
    BASE_TRY(base_strdup(several ? prefix.data : "", &s->prefix));
    s->parts[REPORT_MAIN].table = report_results_main(e);
    s->parts[REPORT_FAILING].table = report_results_failing(e);
    s->parts[REPORT_PUBLISHED].table = report_results_published(e);
    s->parts[REPORT_GAPS].table = report_results_gaps(e);
    s->parts[REPORT_DIFFERS].table = report_results_differs(e);
    s->parts[REPORT_VARIANCE].table = report_results_variance(e);
    s->parts[REPORT_METRICS].table = report_results_metrics(e);
    s->parts[REPORT_ATTACKS].table = report_results_attacks(e);
    s->parts[REPORT_PAPERS].table = report_results_papers(e);
    if (e->forget_count > 1) s->parts[REPORT_CLASSES].table = report_results_classes(e);
    BASE_TRY(report_results_confused(e, &s->parts[REPORT_DESTINATIONS].table, &s->parts[REPORT_CHANGES].table));
    s->parts[REPORT_SEARCH].table = report_results_search(e);
    if (layered) s->parts[REPORT_LAYERS].table = report_results_layers(layered);
    s->parts[REPORT_RUNS].table = report_results_runs(e);
    for (int p = 0; p < REPORT_PARTS; p++) {
        BASE_TRY(s->parts[p].table.st);
        BASE_TRY(base_format(&s->parts[p].stem, "%s%s", s->prefix, STEMS[p]));
        s->parts[p].all = p != REPORT_RUNS;
        s->parts[p].folded = p >= REPORT_PAPERS && s->parts[p].table.row_count > 12;
        BASE_TRY(write_part(&s->parts[p], out));
    }
    BASE_TRY(report_figures_open(e, figures, s->prefix, gnuplot, &s->figures));
    for (size_t i = 0; i < sizeof FIGURES / sizeof *FIGURES; i++) {
        BASE_TRY(FIGURES[i](&s->figures));
        base_progress("figures", (int64_t)i + 1, sizeof FIGURES / sizeof *FIGURES, NULL);
    }
out:
    base_text_free(&prefix);
    return st;
}

static void section_free(ReportSection *s)
{
    for (int p = 0; p < REPORT_PARTS; p++) {
        report_table_free(&s->parts[p].table);
        base_free(s->parts[p].stem);
    }
    if (s->figures.e) report_figures_close(&s->figures);
    base_free(s->prefix);
}

BaseStatus report_make(const ReportConfig *config, int columns, BaseText *terminal)
{
    BaseStatus st = BASE_OK;
    ReportSet set = {0};
    ReportSection *sections = NULL;
    BaseText page = {0};
    char *figures = NULL;
    bool gnuplot = true;
    BASE_TRY(report_load(config->folders, config->folder_count, config->known, &set));
    BASE_TRY(base_format(&figures, "%s/figures", config->out));
    BASE_CHECK(!io_path_is_link(figures), BASE_EIO,
               "%s: is a link, and files in the folder that it leads to would be overwritten: remove it", figures);
    BASE_TRY(io_folder_make(figures));
    BASE_TRY(BASE_ALLOC(set.experiment_count, &sections));
    for (size_t i = 0; i < set.experiment_count; i++) {
        BASE_TRY(
            make_section(&set.experiments[i], set.experiment_count > 1, config->out, figures, &gnuplot, &sections[i]));
        if (i) base_text_add(terminal, "\n");
        for (int p = 0; p <= REPORT_PUBLISHED; p++) {
            if (sections[i].parts[p].table.row_count == 0) continue;
            if (p) base_text_add(terminal, "\n");
            report_table_terminal(&sections[i].parts[p].table, columns, terminal);
        }
        BASE_TRY(terminal->st);
    }
    BASE_TRY(report_page(&set, sections, config->folders, config->folder_count, config->command, &page));
    bool natural = false;
    for (size_t i = 0; i < set.experiment_count; i++)
        for (size_t k = 0; k < sections[i].figures.count; k++) natural |= sections[i].figures.items[k].natural;
    BASE_TRY(natural ? report_write_private(config->out, "report", ".html", &page)
                     : report_write_text(config->out, "report", ".html", &page));
out:
    for (size_t i = 0; sections && i < set.experiment_count; i++) section_free(&sections[i]);
    base_free(sections);
    base_free(figures);
    base_text_free(&page);
    report_set_free(&set);
    return st;
}
