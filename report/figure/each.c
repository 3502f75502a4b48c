/* report/figure/each.c - rows of a config that `each` made several methods of: accuracy on kept and forgotten classes
 * by the value, one panel a family with one parameter. Which classes were left out of the sample has a figure of its
 * own (missing.c). */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { PANELS = 6, VALUES = 24, COLUMNS = 3 };

typedef struct {
    const char *family, *parameter;
    const ReportLabel *label[VALUES];
    const char *value[VALUES];
    size_t count;
} Family;

bool report_figure_each_of(const ReportLabel *label, const char **family, const char **parameter, const char **value)
{
    const ReportRun *run = report_first_ok(label);
    const char *const *names;
    size_t count;
    if (!run || !store_run_names(run->store, "/each", &names, &count) || count != 2) return false;
    *parameter = names[strcmp(names[0], "family") == 0];
    *family = store_run_text(run->store, "/each", "family");
    *value = store_run_text(run->store, "/each", *parameter);
    return *family && *value;
}

/* Families in the config's order. */
static size_t collect(const ReportExperiment *e, Family families[PANELS])
{
    size_t count = 0;
    for (size_t l = 0; l < e->label_count; l++) {
        const char *family, *parameter, *value;
        size_t at = 0;
        if (!report_figure_each_of(&e->labels[l], &family, &parameter, &value)) continue;
        if (strcmp(parameter, "retain_without") == 0) continue;
        while (at < count &&
               (strcmp(families[at].family, family) != 0 || strcmp(families[at].parameter, parameter) != 0))
            at++;
        if (at == PANELS) continue;
        Family *f = &families[at];
        if (at == count) families[count++] = (Family){.family = family, .parameter = parameter};
        if (f->count == VALUES) continue;
        f->label[f->count] = &e->labels[l];
        f->value[f->count++] = value;
    }
    return count;
}

/* "0" is all of them where the parameter counts images or rows. */
static const char *shown(const Family *f, size_t i)
{
    static const char *const COUNTS[] = {"retain_per_class", "forget_samples", "max_patches"};
    for (size_t c = 0; c < sizeof COUNTS / sizeof *COUNTS; c++)
        if (strcmp(f->parameter, COUNTS[c]) == 0 && strcmp(f->value[i], "0") == 0) return "all";
    return f->value[i];
}

static void add_summary(BaseText *csv, const ReportLabel *label, const ReportQuantity *q)
{
    MathEstimate v;
    if (!report_summary(label, q, &v, NULL)) v = (MathEstimate){NAN, NAN, NAN, 0};
    report_figure_estimate(csv, v);
}

static void write_family(const Family *f, size_t panel, const ReportQuantity *r, const ReportQuantity *u, BaseText *csv)
{
    for (size_t i = 0; i < f->count; i++) {
        base_text_add(csv, "%zu,%zu,", panel, i);
        report_escape_csv(csv, f->family);
        base_text_add(csv, ",");
        report_escape_csv(csv, f->parameter);
        base_text_add(csv, ",");
        report_escape_csv(csv, shown(f, i));
        add_summary(csv, f->label[i], r);
        add_summary(csv, f->label[i], u);
        base_text_add(csv, "\n");
    }
}

static void panel(ReportFigures *f, const Family *family, size_t p, double kept)
{
    BaseText *gp = &f->gp;
    const char *names[VALUES];
    size_t longest = 0;
    for (size_t i = 0; i < family->count; i++) {
        names[i] = shown(family, i);
        if (strlen(names[i]) > longest) longest = strlen(names[i]);
    }
    base_text_add(gp, "set title ");
    report_escape_gnuplot(gp, family->family);
    base_text_add(gp, " offset 0,-0.5\nset xlabel ");
    report_escape_gnuplot(gp, family->parameter);
    base_text_add(gp, "\nset ylabel '%s'\nset xrange [-0.4:%zu-0.6]\n", p % COLUMNS ? "" : "test accuracy (%)",
                  family->count);
    report_figure_names(gp, "x", names, family->count, longest * family->count > 36);
    base_text_add(gp, "plot ");
    if (!isnan(kept)) base_text_add(gp, "%.10g with lines lc rgb '#0072B2' dt (6,4) lw 1.2 notitle, \\\n  ", kept);
    for (int q = 0; q < 2; q++) {
        report_figure_data(f, q > 0);
        base_text_add(gp, " skip 1 using ($1 == %zu ? $2 : NaN):%d:%d:%d with yerrorlines lc rgb '%s' notitle", p,
                      q ? 9 : 6, q ? 10 : 7, q ? 11 : 8, q ? "#E69F00" : "#0072B2");
    }
    base_text_add(gp, "\n");
}

BaseStatus report_figure_each(ReportFigures *f)
{
    static const char *const SERIES[] = {"retained classes", "forgotten classes", "retained, model retrained"},
                             *const STYLES[] = {"lc rgb '#0072B2' lw 2", "lc rgb '#E69F00' lw 2",
                                                "lc rgb '#0072B2' dt (6,4) lw 1.2"};
    BaseText *csv = &f->csv, *gp = &f->gp;
    Family families[PANELS];
    const ReportQuantity *r = report_quantity_with(f->e, "retained");
    const ReportQuantity *u = report_quantity_with(f->e, "forgotten");
    size_t count = r && u ? collect(f->e, families) : 0;
    MathEstimate kept = {NAN, NAN, NAN, 0};
    if (count == 0) return BASE_OK;
    const ReportLabel *retrained = report_label_of(f->e, REPORT_RANK_RETRAINED);
    if (retrained) report_summary(retrained, r, &kept, NULL);
    report_figure_begin(f, "each", NULL, "panel,place,family,parameter,value");
    report_figure_columns(csv, r);
    report_figure_columns(csv, u);
    base_text_add(csv, "\n");
    size_t columns = count < COLUMNS ? count : COLUMNS, rows = (count + columns - 1) / columns;
    int width = 60 + 370 * (int)(columns > 1 ? columns : 2), height = 70 + 350 * (int)rows;
    double cell = (width - 80.0) / (double)columns;
    report_figure_preamble(gp);
    base_text_add(gp, "set multiplot\nset yrange [0:105]\nset ytics 0,20,100\n");
    for (size_t p = 0; p < count; p++) {
        double left = (80 + (double)(p % columns) * cell) / width,
               top = (75.0 + 350.0 * (double)(p / columns)) / height;
        write_family(&families[p], p, r, u, csv);
        base_text_add(gp,
                      "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\n"
                      "set bmargin at screen %.4f\n",
                      left, left + (cell - 30) / width, 1 - top, 1 - top - 235.0 / height);
        panel(f, &families[p], p, kept.value);
    }
    report_figure_legend(gp, SERIES, STYLES, isnan(kept.value) ? 2 : 3, 42.0 / height);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(
        &f->caption,
        "Test accuracy on kept and forgotten classes for each value of one parameter, everything else fixed. Good "
        "values keep the blue line high and bring the orange line down. Bars: 95%% intervals.");
    return report_figure_add(f, "Accuracy by parameter", width, height);
}
