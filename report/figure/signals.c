/* report/figure/signals.c - what the attacks see: histograms of confidence in the true class and of loss, for members,
 * non-members and the forgotten images, in the original, the unlearned and the retrained model. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { SETS = 4, BINS = 40, PANELS = 3 };
static const char *const SET_NAMES[SETS] = {"retain_train", "retain_test", "forget_train", "forget_test"};
static const char *const SET_TITLES[SETS] = {"retained, training (members)", "retained, test (non-members)",
                                             "forgotten, training (audited)", "forgotten, test"};
static const char *const STYLES[SETS] = {"lt 1 lw 2", "lt 2 lw 2", "lt 3 lw 2", "lt 4 lw 2"};
static const double LOSS_LO = -5, LOSS_HI = 1.5; /* log10 of nats */

static double value_at(const StoreArray *a, int64_t i)
{
    return a->type == STORE_F32 ? (double)((const float *)a->data)[i] : ((const double *)a->data)[i];
}

/* Share of each bin in percent; values beyond the ends fall into the end bins. */
static bool histogram(const StoreRun *run, const char *set, bool loss, double share[BINS])
{
    char path[128];
    StoreArray a;
    int64_t n = 0;
    memset(share, 0, BINS * sizeof *share);
    snprintf(path, sizeof path, "/signals/%s/%s", set, loss ? "loss" : "confidence");
    if (!store_run_array(run, path, &a) || (a.type != STORE_F64 && a.type != STORE_F32)) return false;
    for (int64_t i = 0; i < a.count; i++) {
        double v = value_at(&a, i);
        if (isnan(v)) continue;
        double at = loss ? (log10(v > 1e-300 ? v : 1e-300) - LOSS_LO) / (LOSS_HI - LOSS_LO) : v;
        int bin = at <= 0 ? 0 : at >= 1 ? BINS - 1 : (int)(at * BINS);
        share[bin]++;
        n++;
    }
    for (int b = 0; b < BINS && n; b++) share[b] *= 100.0 / (double)n;
    return n > 0;
}

static bool add_panel(BaseText *csv, const StoreRun *run, int panel, const char *label)
{
    double share[2][SETS][BINS];
    bool any = false, has[2][SETS];
    for (int k = 0; k < 2; k++) {
        for (int s = 0; s < SETS; s++) {
            has[k][s] = histogram(run, SET_NAMES[s], k == 1, share[k][s]);
            any = any || has[k][s];
        }
    }
    for (int b = 0; b < BINS && any; b++) {
        double confidence = (b + 0.5) / BINS, loss = pow(10, LOSS_LO + (b + 0.5) / BINS * (LOSS_HI - LOSS_LO));
        base_text_add(csv, "%d,", panel);
        report_escape_csv(csv, label);
        base_text_add(csv, ",%.6g,%.6g", confidence, loss);
        for (int k = 0; k < 2; k++) {
            for (int s = 0; s < SETS; s++) {
                base_text_add(csv, ",");
                if (has[k][s]) base_text_add(csv, "%.6g", share[k][s][b]);
            }
        }
        base_text_add(csv, "\n");
    }
    return any;
}

static void plot(ReportFigures *f, int panel, bool loss)
{
    base_text_add(&f->gp, "plot ");
    for (int s = 0; s < SETS; s++) {
        report_figure_data(f, s > 0);
        base_text_add(&f->gp, " skip 1 every ::%d::%d using %d:%d with histeps %s notitle", panel * BINS,
                      panel * BINS + BINS - 1, loss ? 4 : 3, (loss ? 5 + SETS : 5) + s, STYLES[s]);
    }
    base_text_add(&f->gp, "\n");
}

BaseStatus report_figure_signals(ReportFigures *f)
{
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    const int labels[PANELS] = {report_figures_rank(f, REPORT_RANK_ORIGINAL), report_figures_featured(f),
                                report_figures_rank(f, REPORT_RANK_RETRAINED)};
    const char *names[PANELS];
    int panels = 0, job = -1;
    report_figure_begin(f, "signals", NULL, "panel,label,confidence,loss");
    for (int k = 0; k < 2; k++) {
        for (int s = 0; s < SETS; s++) base_text_add(csv, ",%s_%s_percent", SET_NAMES[s], k ? "loss" : "confidence");
    }
    base_text_add(csv, "\n");
    for (int p = 0; p < PANELS; p++) {
        if (labels[p] < 0 || !add_panel(csv, f->full[labels[p]], panels, f->e->labels[labels[p]].label)) continue;
        names[panels++] = f->e->labels[labels[p]].label;
        if (job < 0 || p == 1) job = labels[p];
    }
    if (panels == 0) return csv->st;
    int height = 70 + 265 * panels;
    report_figure_preamble(gp);
    base_text_add(gp, "set multiplot\nset style fill solid 0.2\n");
    for (int p = 0; p < panels; p++) {
        double top = 1 - (85.0 + 265.0 * p) / height, bottom = top - 175.0 / height;
        for (int k = 0; k < 2; k++) {
            base_text_add(gp,
                          "set lmargin at screen %g\nset rmargin at screen %g\nset tmargin at screen %.4f\n"
                          "set bmargin at screen %.4f\nset title ",
                          k ? 0.57 : 0.08, k ? 0.98 : 0.49, top, bottom);
            report_escape_gnuplot(gp, names[p]);
            base_text_add(gp, " offset 0,-0.6\nset ylabel 'share of set (%%)'\nset yrange [0.05:100]\nset logscale y\n"
                              "set ytics ('0.1' 0.1, '1' 1, '10' 10, '100' 100)\n");
            if (k == 0)
                base_text_add(gp, "unset logscale x\nset xrange [0:1]\nset format x '%%g'\nset xtics 0.2\n"
                                  "set xlabel 'confidence in the true class' offset 0,0.5\n");
            else
                base_text_add(
                    gp,
                    "set logscale x\nset xrange [1e-5:%g]\nset xtics ('0.00001' 1e-5, '0.001' 1e-3, '0.1' 0.1, "
                    "'1' 1, '10' 10)\nset xlabel 'loss (nats)' offset 0,0.5\n",
                    pow(10, LOSS_HI));
            plot(f, p, k == 1);
        }
    }
    report_figure_legend(gp, SET_TITLES, STYLES, SETS, 45.0 / height);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(caption, "Shares of each set of images, on a logarithmic axis (");
    report_figure_job(f->job[job], caption);
    base_text_add(caption,
                  "). After good forgetting, the forgotten training images look as they do in the retrained model.");
    return report_figure_add(f, "Confidence and loss of single images", 1160, height);
}
