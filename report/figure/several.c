/* report/figure/several.c - several classes at once: accuracy on kept and forgotten classes by the number of classes
 * forgotten, one line per method. */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { LINES = 8, SIZES = 16 };

static int size_of(const ReportRun *run)
{
    int size = *run->forget != '\0' && !report_run_images(run);
    for (const char *c = run->forget; *c; c++) size += *c == ',';
    return size;
}

/* Distinct sizes, ascending. */
static int sizes_of(const ReportExperiment *e, int sizes[SIZES])
{
    int count = 0;
    for (size_t l = 0; l < e->label_count; l++) {
        for (size_t i = 0; i < e->labels[l].count; i++) {
            int size = size_of(e->labels[l].runs[i]), at = 0;
            while (at < count && sizes[at] < size) at++;
            if (size == 0 || (at < count && sizes[at] == size) || count == SIZES) continue;
            memmove(sizes + at + 1, sizes + at, (size_t)(count - at) * sizeof *sizes);
            sizes[at] = size;
            count++;
        }
    }
    return count;
}

/* Mean over the runs that forget @p size classes; the interval of a single one. */
static int mean_of(const ReportLabel *label, const ReportQuantity *q, int size, MathEstimate *out)
{
    int runs = 0;
    double sum = 0;
    for (size_t i = 0; i < label->count; i++) {
        MathEstimate v;
        if (label->runs[i]->failed || size_of(label->runs[i]) != size || !report_value(label->runs[i], q, &v)) continue;
        sum += v.value;
        runs++;
        *out = v;
    }
    if (runs != 1) *out = (MathEstimate){runs ? sum / runs : (double)NAN, NAN, NAN, 0};
    return runs;
}

static bool add_line(BaseText *csv, const ReportLabel *label, int line, const int *sizes, int size_count,
                     const ReportQuantity *const q[2])
{
    bool any = false;
    for (int s = 0; s < size_count; s++) {
        MathEstimate v[2];
        int runs = mean_of(label, q[0], sizes[s], &v[0]);
        mean_of(label, q[1], sizes[s], &v[1]);
        if (runs == 0) continue;
        base_text_add(csv, "%d,", line);
        report_escape_csv(csv, label->label);
        base_text_add(csv, ",%d,%d", sizes[s], runs);
        for (int k = 0; k < 2; k++) report_figure_estimate(csv, v[k]);
        base_text_add(csv, "\n");
        any = true;
    }
    return any;
}

BaseStatus report_figure_several(ReportFigures *f)
{
    static const char *const STYLES[LINES] = {"lt 1", "lt 2", "lt 3", "lt 4", "lt 5", "lt 6", "lt 7", "lt 8"};
    static const char *const TITLES[] = {"retained classes", "forgotten classes"};
    BaseText *csv = &f->csv, *gp = &f->gp;
    const ReportQuantity *const q[2] = {report_quantity_with(f->e, "retained"),
                                        report_quantity_with(f->e, "forgotten")};
    const char *names[LINES];
    int sizes[SIZES], size_count = sizes_of(f->e, sizes), lines = 0;
    if (!q[0] || !q[1] || size_count < 2) return BASE_OK;
    report_figure_begin(f, "several", NULL, "line,label,classes,runs");
    for (int k = 0; k < 2; k++) report_figure_columns(csv, q[k]);
    base_text_add(csv, "\n");
    for (size_t l = 0; l < f->e->label_count && lines < LINES; l++) {
        if (!add_line(csv, &f->e->labels[l], lines, sizes, size_count, q)) continue;
        names[lines++] = f->e->labels[l].label;
    }
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set multiplot\nset xlabel 'classes forgotten'\nset tmargin at screen 0.80\nset bmargin at screen "
                  "0.14\nset xrange [%g:%g]\nset xtics (",
                  sizes[0] - 0.3, sizes[size_count - 1] + 0.3);
    for (int s = 0; s < size_count; s++) base_text_add(gp, "%s%d", s ? ", " : "", sizes[s]);
    base_text_add(gp, ")\nset yrange [0:105]\nset ytics 0,20,100\n");
    for (int k = 0; k < 2; k++) {
        base_text_add(gp, "set lmargin at screen %g\nset rmargin at screen %g\nset title '%s'\nset ylabel '%s'\nplot ",
                      k ? 0.55 : 0.08, k ? 0.98 : 0.51, TITLES[k], k ? "" : "test accuracy (%)");
        for (int c = 0; c < lines; c++) { /* a little apart, or equal values hide each other */
            report_figure_data(f, c > 0);
            base_text_add(gp, " skip 1 using ($1 == %d ? $3 + %g : NaN):%d:%d:%d with yerrorlines lt %d notitle", c,
                          0.04 * (c - (lines - 1) / 2.0), k ? 8 : 5, k ? 9 : 6, k ? 10 : 7, c + 1);
        }
        base_text_add(gp, "\n");
    }
    report_figure_legend(gp, names, STYLES, lines, 0.11);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(
        &f->caption,
        "Test accuracy on what was kept and what was forgotten, by the number of forgotten classes; the mean over sets "
        "of the same size. A method that scales stays close to the retrained line.");
    return report_figure_add(f, "Accuracy by the number of classes forgotten", 960, 470);
}
