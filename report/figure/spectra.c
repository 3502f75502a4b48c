/* report/figure/spectra.c - per layer: normalised squared singular values of the inputs, and the importance curves
 * lambda = alpha s / ((alpha - 1) s + 1) that the projection gives them (Kodge, Saha, Roy 2024). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { LAYERS = 12, POINTS = 200 };

static double lambda(double alpha, double s) { return alpha * s / ((alpha - 1) * s + 1); }

static void add_value(BaseText *csv, double v)
{
    base_text_add(csv, ",");
    if (isfinite(v) && v > 1e-12) base_text_add(csv, "%.9g", v);
}

static bool spectrum(const StoreRun *run, const char *layer, const char *name, StoreArray *out)
{
    char group[600];
    snprintf(group, sizeof group, "/spectra/%s", layer);
    return store_run_array_in(run, group, name, out) && out->type == STORE_F64 && out->count > 0;
}

/* At most POINTS ranks, evenly spread on a logarithmic axis. */
static bool add_layer(BaseText *csv, const StoreRun *run, const char *layer, int panel)
{
    StoreArray r, f;
    char group[600];
    if (!spectrum(run, layer, "retain", &r) || !spectrum(run, layer, "forget", &f)) return false;
    snprintf(group, sizeof group, "/spectra/%s", layer);
    double alpha_r = store_run_f64(run, group, "alpha_retain"), alpha_f = store_run_f64(run, group, "alpha_forget");
    int64_t n = r.count > f.count ? r.count : f.count, last = 0;
    for (int i = 0; i < POINTS; i++) {
        int64_t rank = (int64_t)llround(pow((double)n, (double)i / (POINTS - 1)));
        if (rank == last) continue;
        last = rank;
        double sr = rank <= r.count ? ((const double *)r.data)[rank - 1] : NAN;
        double sf = rank <= f.count ? ((const double *)f.data)[rank - 1] : NAN;
        base_text_add(csv, "%d,", panel);
        report_escape_csv(csv, layer);
        base_text_add(csv, ",%lld", (long long)rank);
        const double values[] = {sr, sf, lambda(alpha_r, sr), lambda(alpha_f, sf)};
        for (int v = 0; v < 4; v++) add_value(csv, values[v]);
        base_text_add(csv, "\n");
    }
    return true;
}

/* Layers in the network's order where the run lists them, else by name; evenly thinned to LAYERS. */
static int choose(const StoreRun *run, const char *chosen[LAYERS])
{
    const char *const *names;
    size_t count, usable = 0;
    StoreArray a;
    if (!store_run_texts(run, "/layers/names", &names, &count) && !store_run_members(run, "/spectra", &names, &count))
        return 0;
    for (size_t i = 0; i < count; i++) usable += spectrum(run, names[i], "retain", &a);
    int taken = 0;
    size_t seen = 0, want = usable < LAYERS ? usable : LAYERS;
    for (size_t i = 0; i < count && taken < LAYERS; i++) {
        if (!spectrum(run, names[i], "retain", &a)) continue;
        bool take = want < 2 || seen * (want - 1) >= (size_t)taken * (usable - 1);
        if (take) chosen[taken++] = names[i];
        seen++;
    }
    return taken;
}

static void panels(ReportFigures *f, const char *const *names, int count, int columns, int width, int height)
{
    static const char *const SERIES[] = {"inputs of retained classes", "inputs of forgotten classes",
                                         "importance, retained", "importance, forgotten"};
    static const char *const STYLE[] = {"lc rgb '#0072B2' lw 2", "lc rgb '#D55E00' lw 2",
                                        "lc rgb '#0072B2' lw 1.6 dt (8,5)", "lc rgb '#D55E00' lw 1.6 dt (8,5)"};
    static const char *const TICS[] = {"'1' 1, '0.01' 1e-2, '1e-4' 1e-4, '1e-6' 1e-6, '1e-8' 1e-8",
                                       "'' 1, '' 1e-2, '' 1e-4, '' 1e-6, '' 1e-8"};
    BaseText *gp = &f->gp;
    int rows = (count + columns - 1) / columns;
    double cell_w = (width - 120.0) / columns, cell_h = (height - 100.0) / rows;
    for (int p = 0; p < count; p++) {
        int row = p / columns, column = p % columns;
        double left = (105 + column * cell_w) / width, top = 1 - (75 + row * cell_h) / height;
        base_text_add(gp,
                      "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\n"
                      "set bmargin at screen %.4f\nset title ",
                      left, left + (cell_w - 28) / width, top, top - (cell_h - 64) / height);
        report_escape_gnuplot(gp, names[p]);
        base_text_add(gp, " offset 0,-0.7\nset ytics (%s)\nset ylabel '%s'\nset xlabel '%s' offset 0,0.5\n",
                      TICS[column > 0], column ? "" : "s, importance", p + columns >= count ? "component" : "");
        base_text_add(gp, "plot ");
        for (int s = 0; s < 4; s++) {
            report_figure_data(f, s > 0);
            base_text_add(gp, " skip 1 using ($1 == %d ? $3 : NaN):%d with lines %s notitle", p, s + 4, STYLE[s]);
        }
        base_text_add(gp, "\n");
    }
    report_figure_legend(gp, SERIES, STYLE, 4, 45.0 / height);
}

BaseStatus report_figure_spectra(ReportFigures *f)
{
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    const char *names[LAYERS], *drawn[LAYERS];
    int at = report_figures_featured(f), count = 0;
    int wanted = at >= 0 ? choose(f->full[at], names) : 0;
    report_figure_begin(f, "spectra", NULL,
                        "panel,layer,component,retain,forget,importance_retain,importance_forget\n");
    for (int i = 0; i < wanted; i++) {
        if (add_layer(csv, f->full[at], names[i], count)) drawn[count++] = names[i];
    }
    if (count == 0) return csv->st;
    int columns = count < 4 ? count : 4, rows = (count + columns - 1) / columns;
    int width = count < 3 ? 900 : 1160, height = rows == 1 ? 460 : 120 + 250 * rows;
    report_figure_preamble(gp);
    base_text_add(gp, "set multiplot\nset logscale xy\nset yrange [1e-8:2]\nset xrange [1:*] noextend\n"
                      "set xtics ('1' 1, '10' 10, '100' 100, '1000' 1000, '10000' 10000)\n");
    panels(f, drawn, count, columns, width, height);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(
        caption,
        "Normalised squared singular values s of each layer's inputs and the importance that the method gives "
        "them (%s, ",
        f->e->labels[at].label);
    report_figure_job(f->job[at], caption);
    base_text_add(caption,
                  "). Directions that matter to the forgotten classes and not to the retained ones are removed.");
    return report_figure_add(f, "Spectra of the layers' inputs", width, height);
}
