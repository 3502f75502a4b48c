/* report/figure/regions.c - two-dimensional data: which class each place of the plane gets, before, after, and after
 * retraining. */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { PANELS = 3, CLASSES = 8, DOTS = 600 };

typedef struct {
    const double *x, *y;  /* [G] */
    const int32_t *label; /* [G, G], row i at y[i] */
    int64_t G, n;
    const double *points; /* [n, 2] */
    const int32_t *point_label;
} Regions;

static bool regions_of(const StoreRun *run, Regions *out)
{
    StoreArray x, y, label, points, point_label;
    *out = (Regions){0};
    if (!store_run_array(run, "/regions/x", &x) || !store_run_array(run, "/regions/y", &y) ||
        !store_run_array(run, "/regions/label", &label))
        return false;
    if (x.type != STORE_F64 || y.type != STORE_F64 || label.type != STORE_I32 || x.count < 2 || y.count != x.count ||
        label.count != x.count * x.count)
        return false;
    *out = (Regions){x.data, y.data, label.data, x.count, 0, NULL, NULL};
    if (store_run_array(run, "/regions/points", &points) &&
        store_run_array(run, "/regions/point_label", &point_label) && points.type == STORE_F64 &&
        point_label.type == STORE_I32 && points.count == 2 * point_label.count) {
        out->n = point_label.count;
        out->points = points.data;
        out->point_label = point_label.data;
    }
    return true;
}

static void write_panel(const Regions *r, int panel, BaseText *csv)
{
    for (int64_t i = 0; i < r->G; i++) {
        for (int64_t j = 0; j < r->G; j++) {
            base_text_add(csv, "%d,%.6g,%.6g,%d\n", panel, r->x[j], r->y[i], r->label[i * r->G + j]);
        }
    }
}

/* Points follow the grids as panel -1: every panel shows the same ones. */
static void write_points(const Regions *r, BaseText *csv)
{
    int64_t step = r->n > DOTS ? r->n / DOTS : 1;
    for (int64_t i = 0; i < r->n; i += step) {
        base_text_add(csv, "-1,%.6g,%.6g,%d\n", r->points[2 * i], r->points[2 * i + 1], r->point_label[i]);
    }
}

BaseStatus report_figure_regions(ReportFigures *f)
{
    static const char *const TINTS[CLASSES] = {"#a9cfe8", "#f3bfa0", "#a6dcc8", "#ecd0df",
                                               "#f5d79a", "#d4ecf8", "#b8b8b8", "#dddddd"};
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    const int labels[PANELS] = {report_figures_rank(f, REPORT_RANK_ORIGINAL), report_figures_featured(f),
                                report_figures_rank(f, REPORT_RANK_RETRAINED)};
    int panels = 0, shown[PANELS];
    int64_t first[PANELS + 1] = {0}; /* line of each panel's grid: an image takes no filtered rows */
    Regions r[PANELS];
    report_figure_begin(f, "regions", NULL, "panel,x,y,class\n");
    for (int p = 0; p < PANELS; p++) {
        if (labels[p] < 0 || !regions_of(f->full[labels[p]], &r[panels])) continue;
        write_panel(&r[panels], panels, csv);
        first[panels + 1] = first[panels] + r[panels].G * r[panels].G;
        shown[panels++] = labels[p];
    }
    if (panels == 0) return csv->st;
    write_points(&r[0], csv);
    int width = 60 + 360 * panels, height = 470;
    report_figure_preamble(gp);
    base_text_add(
        gp,
        "set multiplot\nunset grid\nset border 15\nunset colorbox\nset cbrange [-0.5:%d-0.5]\nset palette maxcolors %d "
        "defined (",
        CLASSES, CLASSES);
    for (int c = 0; c < CLASSES; c++) base_text_add(gp, "%s%d '%s'", c ? ", " : "", c, TINTS[c]);
    base_text_add(gp,
                  ")\nset xrange [%g:%g]\nset yrange [%g:%g]\nset xlabel 'x'\nset tmargin at screen 0.86\n"
                  "set bmargin at screen 0.14\n",
                  r[0].x[0], r[0].x[r[0].G - 1], r[0].y[0], r[0].y[r[0].G - 1]);
    for (int p = 0; p < panels; p++) {
        double left = (85.0 + 350 * p) / width;
        base_text_add(
            gp,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset ylabel '%s'\nset format y '%s'\nset title ",
            left, left + 320.0 / width, p ? "" : "y", p ? "" : "%g");
        report_escape_gnuplot(gp, f->e->labels[shown[p]].label);
        base_text_add(gp, "\nplot ");
        report_figure_data(f, false);
        base_text_add(
            gp,
            " skip 1 every ::%lld::%lld using 2:3:(int($4) %% %d) with image notitle, \\\n  '' skip 1 every ::%lld "
            "using 2:3:(int($4) %% %d + 1) with points pt 7 ps 0.35 lc variable notitle\n",
            (long long)first[p], (long long)first[p + 1] - 1, CLASSES, (long long)first[panels], CLASSES);
    }
    base_text_add(gp, "unset multiplot\n");
    base_text_add(caption,
                  "The predicted class at each point of the plane, with test points in their true class's colour (");
    report_figure_job(f->job[shown[panels - 1]], caption);
    base_text_add(caption,
                  "). After good forgetting, the region of the forgotten class is divided among its neighbours as in "
                  "the retrained model.");
    return report_figure_add(f, "Decision regions", width, height);
}
