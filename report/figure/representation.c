/* report/figure/representation.c - layer by layer, what the features still tell of the forgotten classes and how like they
 * are to those of the retrained and of the original network: one line per method, retraining's own as the reference. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { LINES = 8, NAMED = 24, PANELS = 3, COLUMNS = 3 * PANELS };

typedef struct {
    const char *label;
    size_t count; /* of layers */
    const ReportRun *run;
    const double *columns[COLUMNS]; /* of each panel the value and its ends */
} Line;

static const char *const GROUP = "/representation", *const NAMES[PANELS] = {"knn", "cka_to_retrained",
                                                                            "cka_to_original"};

static bool line_of(const ReportRun *run, const char *const **names, Line *line)
{
    static const char *const ENDS[] = {"", "_lo", "_hi"};
    StoreArray a;
    if (!store_run_texts(run->store, "/representation/names", names, &line->count)) return false;
    for (int c = 0; c < COLUMNS; c++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s", NAMES[c / 3], ENDS[c % 3]);
        if (!store_run_array_in(run->store, GROUP, name, &a) || a.type != STORE_F64 || a.count != (int64_t)line->count)
            return false;
        line->columns[c] = a.data;
    }
    line->run = run;
    return true;
}

/* Retraining first, whose line is the reference, then the first labels; rows of `each` have figures of their own. */
static int collect(const ReportFigures *f, Line lines[LINES], const char *const **names)
{
    int count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t l = 0; l < f->e->label_count && count < LINES; l++) {
            const ReportLabel *label = &f->e->labels[l];
            const char *family, *parameter, *value, *const *own;
            Line line = {.label = label->label};
            if ((label->rank == REPORT_RANK_RETRAINED) != (pass == 0) || !f->job[l]) continue;
            if (report_figure_each_of(label, &family, &parameter, &value)) continue;
            if (!line_of(f->job[l], &own, &line) || (count > 0 && line.count != lines[0].count)) continue;
            if (count == 0) *names = own;
            lines[count++] = line;
        }
    return count;
}

static void add_rows(BaseText *csv, const Line *line, int number, const char *const *names)
{
    for (size_t l = 0; l < line->count; l++) {
        base_text_add(csv, "%d,", number);
        report_escape_csv(csv, line->label);
        base_text_add(csv, ",%zu,", l);
        report_escape_csv(csv, names[l]);
        for (int c = 0; c < COLUMNS; c += 3)
            report_figure_estimate(
                csv, (MathEstimate){line->columns[c][l], line->columns[c + 1][l], line->columns[c + 2][l], 0});
        base_text_add(csv, "\n");
    }
}

static bool any_value(const Line *lines, int count, int panel)
{
    for (int i = 0; i < count; i++)
        for (size_t l = 0; l < lines[i].count; l++)
            if (isfinite(lines[i].columns[3 * panel][l])) return true;
    return false;
}

BaseStatus report_figure_representation(ReportFigures *f)
{
    static const char *const STYLES[] = {"lt 1", "lt 2", "lt 3", "lt 4", "lt 5", "lt 6", "lt 8"};
    static const char *const REFERENCE = "lt 7 lw 3 dt 2";
    static const char *const TITLES[PANELS] = {"5 nearest neighbours (%)", "CKA to retrained", "CKA to original"};
    const char *const *names = NULL, *titles[LINES], *styles[LINES];
    BaseText *csv = &f->csv, *gp = &f->gp;
    Line lines[LINES];
    int count = collect(f, lines, &names), rows = (count + 3) / 4;
    if (count == 0 || lines[0].count < 2) return BASE_OK;
    bool named = lines[0].count <= NAMED, referred = lines[0].run->rank == REPORT_RANK_RETRAINED;
    report_figure_begin(f, "representation", NULL,
                        "line,label,place,layer,knn_percent,knn_lo,knn_hi,cka_to_retrained,cka_to_retrained_lo,"
                        "cka_to_retrained_hi,cka_to_original,cka_to_original_lo,cka_to_original_hi\n");
    for (int i = 0; i < count; i++) {
        titles[i] = lines[i].label;
        styles[i] = referred && i == 0 ? REFERENCE : STYLES[i - referred];
        add_rows(csv, &lines[i], i, names);
    }
    double top = 0.95 - 0.035 * rows, bottom = named ? 0.13 : 0.08, each = (top - bottom) / PANELS;
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set multiplot\nset xrange [-0.4:%zu-0.6]\nset lmargin at screen 0.10\nset rmargin at screen 0.97\n",
                  lines[0].count);
    for (int p = 0; p < PANELS; p++) {
        base_text_add(gp,
                      "set tmargin at screen %.3f\nset bmargin at screen %.3f\nset ylabel '%s'\nset yrange [%s]\n"
                      "set ytics %s\n",
                      top - p * each - 0.01, top - (p + 1) * each + 0.01, TITLES[p], p ? "*<0:1.05" : "0:105",
                      p ? "0.25" : "25");
        if (p < PANELS - 1)
            base_text_add(gp, "set xtics %s\nset format x ''\n", named ? "1" : "autofreq");
        else if (named)
            report_figure_names(gp, "x", names, lines[0].count, true);
        else
            base_text_add(gp, "set format x '%%g'\nset xlabel 'layer, from front to back'\n");
        if (!any_value(lines, count, p)) base_text_add(gp, "set label 1 'not measured' at graph 0.5,0.5 center\n");
        base_text_add(gp, "plot ");
        for (int i = count - 1; i >= 0; i--) { /* the reference last: over the others */
            report_figure_data(f, i < count - 1);
            base_text_add(gp, " skip 1 using ($1 == %d ? $3 : NaN):%d with linespoints %s notitle", i, 5 + 3 * p,
                          styles[i]);
        }
        base_text_add(gp, "\nunset label 1\n");
    }
    report_figure_legend(gp, titles, styles, count, 0.02 + 0.035 * rows);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(&f->caption, "What each layer's inputs tell of the forgotten classes' test images (");
    report_figure_job(lines[count - 1].run, &f->caption);
    base_text_add(
        &f->caption,
        "): how many of these images their nearest neighbours among training images recognise, and how like the "
        "features are to those of the retrained and of the original network. Maps are averaged over their pixels. "
        "Where a class is forgotten in a layer, the line meets retraining's; of CKA to retrained, retraining's own line is "
        "that of two networks retrained with different seeds.");
    return report_figure_add(f, "Representations by layer", 960, 860);
}
