/* report/figure/spaces.c - layer by layer: what part of the forget space the retain space shares,
 * tr(P_r P_f) / tr(P_f), and what the edit took out of the responses to forgotten and to retained inputs. */
#include <math.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { SERIES = 3, NAMED = 40 };

BaseStatus report_figure_spaces(ReportFigures *f)
{
    static const char *const COLUMNS[SERIES] = {"shared", "forget_removed", "retain_removed"};
    static const char *const TITLES[SERIES] = {"forget space shared by the retain space", "forgotten response removed",
                                               "retained response removed"};
    static const char *const STYLES[SERIES] = {"lt 3 lw 2", "lt 2 lw 2", "lt 1 lw 2"};
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    const char *const *names;
    size_t count;
    StoreArray a[SERIES];
    int at = report_figures_featured(f);
    if (at < 0 || !store_run_texts(f->full[at], "/layers/names", &names, &count) || count < 2) return BASE_OK;
    for (int s = 0; s < SERIES; s++)
        if (!store_run_array_in(f->full[at], "/layers", COLUMNS[s], &a[s]) || a[s].type != STORE_F64 ||
            a[s].count != (int64_t)count)
            return BASE_OK;
    if (isnan(((const double *)a[0].data)[0])) return BASE_OK; /* no spectra were asked for */
    report_figure_begin(f, "spaces", NULL,
                        "place,layer,shared_percent,forget_removed_percent,retain_removed_percent\n");
    for (size_t l = 0; l < count; l++) {
        base_text_add(csv, "%zu,", l);
        report_escape_csv(csv, names[l]);
        for (int s = 0; s < SERIES; s++) {
            double v = ((const double *)a[s].data)[l];
            base_text_add(csv, ",");
            if (!isnan(v)) base_text_add(csv, "%.8g", 100 * v);
        }
        base_text_add(csv, "\n");
    }
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set multiplot\nset ylabel 'share (%%)'\nset yrange [0:105]\nset ytics 0,20,100\nset xrange "
                  "[-0.4:%zu-0.6]\nset lmargin at screen 0.10\nset rmargin at screen 0.97\nset tmargin at screen 0.87\n"
                  "set bmargin at screen 0.22\n",
                  count);
    if (count <= NAMED) report_figure_names(gp, "x", names, count, true);
    base_text_add(gp, "plot ");
    for (int s = 0; s < SERIES; s++) {
        report_figure_data(f, s > 0);
        base_text_add(gp, " skip 1 using 1:%d with linespoints %s notitle", s + 3, STYLES[s]);
    }
    base_text_add(gp, "\n");
    report_figure_legend(gp, TITLES, STYLES, SERIES, 0.1);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(caption, "Layer by layer (%s, ", f->e->labels[at].label);
    report_figure_job(f->job[at], caption);
    base_text_add(
        caption,
        "): the part of the forget space that the retain space contains, too, weighted by importance, and what the "
        "edit removed from the layer's response to forgotten and to retained inputs. If nearly everything is shared, "
        "little can be removed without harm.");
    return report_figure_add(f, "Overlap of the two spaces", 900, 480);
}
