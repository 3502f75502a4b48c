/* report/figure/accuracy.c - accuracy by method: retained beside forgotten classes or images, with intervals. */
#include "report/escape.h"
#include "report/figure/draw.h"

enum { CROWD = 16 }; /* with more rows, values of one method are left to their own figure, and texts stand upright */

/* Both bars of each row, their intervals and their values. */
static void plot(BaseText *gp, size_t count, bool images)
{
    const char *font = count > 9 ? "8" : "10";
    const char *values = count > CROWD ? "labels rotate by 90 left offset 0,0.3" : "labels offset 0,0.6";
    base_text_add(
        gp,
        "\nplot d skip 1 using ($1-0.2):3:(0.36) with boxes lc rgb '#0072B2' title '%s', \\\n"
        "  d skip 1 using ($1+0.2):6:(0.36) with boxes lc rgb '#E69F00' title '%s', \\\n"
        "  d skip 1 using ($1-0.2):4:(0):($5-$4) with vectors nohead lc rgb '#222222' lw 1.6 notitle, \\\n"
        "  d skip 1 using ($1+0.2):7:(0):($8-$7) with vectors nohead lc rgb '#222222' lw 1.6 notitle, \\\n"
        "  d skip 1 using ($1-0.2):(valid(5) ? $5 : $3):(sprintf('%%.1f', $3)) with %s font ',%s' notitle, \\\n"
        "  d skip 1 using ($1+0.2):(valid(8) ? $8 : $6):(sprintf('%%.1f', $6)) with %s font ',%s' notitle\n",
        images ? "test images" : "retained classes", images ? "forgotten images" : "forgotten classes", values, font,
        values, font);
}

BaseStatus report_figure_accuracy(ReportFigures *f)
{
    BaseText *csv = &f->csv, *gp = &f->gp;
    const ReportQuantity *r = report_quantity_with(f->e, "retained");
    const ReportQuantity *u = report_quantity_with(f->e, "forgotten");
    const char *names[64];
    size_t count = 0, longest = 0;
    bool images = report_any_images(f->e);
    const char *title = images ? "Accuracy by method" : "Test accuracy by method";
    if (!r || !u) return BASE_OK;
    report_figure_begin(f, "accuracy", NULL, "place,label");
    report_figure_columns(csv, r);
    report_figure_columns(csv, u);
    base_text_add(csv, "\n");
    for (size_t l = 0; l < f->e->label_count && count < 64; l++) {
        const ReportLabel *label = &f->e->labels[l];
        const char *family, *parameter, *value;
        MathEstimate a, b;
        if (f->e->label_count > CROWD && report_figure_each_of(label, &family, &parameter, &value)) continue;
        bool any = report_summary(label, r, &a, NULL);
        any = report_summary(label, u, &b, NULL) || any;
        if (!any) continue;
        base_text_add(csv, "%zu,", count);
        report_escape_csv(csv, label->label);
        report_figure_estimate(csv, a);
        report_figure_estimate(csv, b);
        base_text_add(csv, "\n");
        names[count++] = label->label;
        if ((size_t)report_text_width(label->label) > longest) longest = (size_t)report_text_width(label->label);
    }
    if (count == 0) return csv->st;
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set title '%s'\nset ylabel 'accuracy (%%)'\nset yrange [0:%d]\n"
                  "set ytics 0,20,100\nunset grid\nset grid ytics back lt 1 lw 0.6 lc rgb '#dddddd'\n"
                  "set rmargin 3\nset xrange [-0.6:%zu-0.4]\nset key above center horizontal\n"
                  "set style fill solid 1.0 noborder\n",
                  title, count > CROWD ? 116 : 108, count);
    report_figure_names(gp, "x", names, count, longest * count > 90);
    if (count > CROWD) base_text_add(gp, "set xtics rotate by 60 right\n");
    base_text_add(gp, "d = ");
    report_figure_data(f, false);
    plot(gp, count, images);
    base_text_add(
        &f->caption,
        images
            ? "Accuracy on the test images and, where single images are forgotten, on these training images. After good "
              "forgetting both bars are as high as those of the retrained model. Lines: 95%% intervals."
            : "Accuracy on the test images of the retained and of the forgotten classes. After good forgetting both bars are "
              "as high as those of the retrained model. Lines: 95%% intervals.");
    return report_figure_add(f, title, 900, 540);
}
