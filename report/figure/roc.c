/* report/figure/roc.c - ROC curves of one attack over the methods: linear, and log-log where a leak of few members
 * shows. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { CURVES = 8, ATTACKS = 4 };

static void add_curve(BaseText *csv, int curve, const char *label, const double *fpr, const double *tpr, int64_t n)
{
    double last_x = -1, last_y = -1;
    for (int64_t i = 0; i < n; i++) {
        if (i > 0 && i + 1 < n && !report_figure_visible(fpr[i], tpr[i], last_x, last_y)) continue;
        base_text_add(csv, "%d,", curve);
        report_escape_csv(csv, label);
        base_text_add(csv, ",%.9g,%.9g\n", fpr[i], tpr[i]);
        last_x = fpr[i];
        last_y = tpr[i];
    }
}

static void plot(ReportFigures *f, const int *labels, const double *auc, int curves, bool legend)
{
    BaseText *gp = &f->gp;
    base_text_add(gp, "plot ");
    for (int c = 0; c < curves; c++) {
        BaseText title = {0};
        if (legend) base_text_add(&title, "%.3f  %s", auc[c], f->e->labels[labels[c]].label);
        report_figure_data(f, c > 0);
        base_text_add(gp, " skip 1 using ($1 == %d ? $3 : NaN):4 with lines lt %d lw 2 ", c, c + 1);
        if (legend) {
            base_text_add(gp, "title ");
            report_escape_gnuplot(gp, base_text_of(&title, &gp->st));
        } else {
            base_text_add(gp, "notitle");
        }
        base_text_free(&title);
    }
    base_text_add(gp, ", \\\n  x with lines lc rgb '#999999' dt 2 lw 1.2 %s\n", legend ? "title 'chance'" : "notitle");
}

static BaseStatus roc_of(ReportFigures *f, const char *attack, bool first)
{
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    int labels[CURVES], curves = 0;
    double auc[CURVES], smallest = 1;
    char group[512];
    snprintf(group, sizeof group, "/attacks/%s", attack);
    report_figure_begin(f, "roc", first ? NULL : attack, "curve,label,fpr,tpr\n");
    for (size_t l = 0; l < f->e->label_count && curves < CURVES; l++) {
        StoreArray fpr, tpr;
        if (!f->full[l] || !store_run_array_in(f->full[l], group, "fpr", &fpr) || fpr.type != STORE_F64 ||
            fpr.count < 2 || !store_run_array_in(f->full[l], group, "tpr", &tpr) || tpr.type != STORE_F64 ||
            tpr.count != fpr.count)
            continue;
        labels[curves] = (int)l;
        auc[curves] = store_run_f64(f->full[l], group, "auc");
        double N = store_run_f64(f->full[l], group, "N");
        if (N > 0 && 1 / N < smallest) smallest = 1 / N;
        add_curve(csv, curves++, f->e->labels[l].label, fpr.data, tpr.data, fpr.count);
    }
    if (curves == 0) return csv->st;
    if (!(smallest < 0.1)) smallest = 1e-3;
    smallest = pow(10, floor(log10(smallest) + 1e-9));
    base_text_add(&f->title, "ROC of attack %s", attack);
    const char *title = base_text_of(&f->title, &gp->st);
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set multiplot\nset xlabel 'false-positive rate'\nset ylabel 'true-positive rate'\nset size square\n"
                  "set lmargin at screen 0.07\nset rmargin at screen 0.36\nset bmargin at screen 0.15\n"
                  "set tmargin at screen 0.88\nset xrange [0:1]\nset yrange [0:1]\nset samples 200\nset title ");
    report_escape_gnuplot(gp, title);
    base_text_add(gp, "\n");
    plot(f, labels, auc, curves, false);
    base_text_add(gp,
                  "set lmargin at screen 0.44\nset rmargin at screen 0.73\nset logscale xy\nset xrange [%g:1]\n"
                  "set yrange [%g:1]\nset format xy '%%g'\nset title 'the same, logarithmic'\n"
                  "set key at screen 0.745,0.88 left top Left reverse samplen 1.6 spacing 1.3 title 'AUC' left\n",
                  smallest, smallest);
    plot(f, labels, auc, curves, true);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(caption, "How well the attack distinguishes members from non-members, by method (");
    report_figure_job(f->job[labels[0]], caption);
    base_text_add(caption,
                  "). On the diagonal it does no better than guessing; a method should match the retrained curve.");
    return report_figure_add(f, title, 1160, 470);
}

BaseStatus report_figure_roc(ReportFigures *f)
{
    BaseStatus st = BASE_OK;
    int drawn = 0;
    for (size_t i = 0; i < f->e->quantity_count && drawn < ATTACKS; i++) {
        const ReportQuantity *q = &f->e->quantities[i];
        size_t before = f->count;
        if (!q->field || strcmp(q->field, "auc") != 0) continue;
        BASE_TRY(roc_of(f, q->name, drawn == 0));
        drawn += f->count > before;
    }
out:
    return st;
}
