/* report/figure/history.c - trainings: loss and accuracy over epochs. */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { CURVES = 8 };

static void plot(ReportFigures *f, int curves, int column)
{
    base_text_add(&f->gp, "plot ");
    for (int c = 0; c < curves; c++) {
        report_figure_data(f, c > 0);
        base_text_add(&f->gp, " skip 1 using ($1 == %d ? $3 : NaN):%d with linespoints lt %d ps 0.6 notitle", c, column,
                      c + 1);
    }
    base_text_add(&f->gp, "\n");
}

BaseStatus report_figure_history(ReportFigures *f)
{
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    static const char *const STYLES[CURVES] = {"lt 1", "lt 2", "lt 3", "lt 4", "lt 5", "lt 6", "lt 7", "lt 8"};
    const char *names[CURVES];
    int labels[CURVES], curves = 0;
    report_figure_begin(f, "history", NULL, "curve,label,epoch,loss,accuracy_percent\n");
    for (size_t l = 0; l < f->e->label_count && curves < CURVES; l++) {
        StoreArray loss, accuracy;
        if (!f->full[l] || !store_run_array(f->full[l], "/history/loss", &loss) || loss.type != STORE_F64 ||
            loss.count < 2 || !store_run_array(f->full[l], "/history/accuracy", &accuracy) ||
            accuracy.type != STORE_F64 || accuracy.count != loss.count)
            continue;
        for (int64_t i = 0; i < loss.count; i++) {
            double a = ((const double *)accuracy.data)[i];
            base_text_add(csv, "%d,", curves);
            report_escape_csv(csv, f->e->labels[l].label);
            base_text_add(csv, ",%lld,%.9g,%.9g\n", (long long)i + 1, ((const double *)loss.data)[i], 100 * a);
        }
        names[curves] = f->e->labels[l].label;
        labels[curves++] = (int)l;
    }
    if (curves == 0) return csv->st;
    report_figure_preamble(gp);
    base_text_add(
        gp,
        "set multiplot\nset xlabel 'epoch'\nset tmargin at screen 0.84\nset bmargin at screen 0.14\n"
        "set lmargin at screen 0.09\nset rmargin at screen 0.48\nset ylabel 'training loss (nats)'\nset yrange [0:*]\n"
        "set xrange [1:*] noextend\n");
    plot(f, curves, 4);
    base_text_add(gp, "set lmargin at screen 0.59\nset rmargin at screen 0.98\nset ylabel 'training accuracy (%%)'\n"
                      "set yrange [*:100]\n");
    plot(f, curves, 5);
    report_figure_legend(gp, names, STYLES, curves, 0.12);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(caption, "Loss and accuracy of the training batches in the course of training (");
    report_figure_job(f->job[labels[curves - 1]], caption);
    base_text_add(caption,
                  "). Retraining has to follow the course of the original for its accuracy to be a fair reference.");
    return report_figure_add(f, "Trainings", 900, 460);
}
