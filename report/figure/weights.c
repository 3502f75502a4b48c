/* report/figure/weights.c - layer by layer, how far each method moved the weights: ||W' - W|| / ||W||, one line per
 * method. */
#include <math.h>
#include <stdio.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { LINES = 8, NAMED = 40 };

typedef struct {
    const char *label;
    const double *change; /* [count] */
    size_t count;
} Line;

/* Older runs have them of methods that edit layer by layer only. */
static bool changes_of(const ReportRun *run, const char *const **names, Line *line)
{
    static const char *const FROM[][3] = {{"/weights/names", "/weights", "change"},
                                          {"/layers/names", "/layers", "weight_change"}};
    StoreArray a;
    for (int i = 0; i < 2; i++) {
        if (!store_run_texts(run->store, FROM[i][0], names, &line->count) ||
            !store_run_array_in(run->store, FROM[i][1], FROM[i][2], &a))
            continue;
        line->change = a.data;
        return a.type == STORE_F64 && a.count == (int64_t)line->count;
    }
    return false;
}

static bool moved(const Line *line)
{
    for (size_t i = 0; i < line->count; i++)
        if (line->change[i] > 0) return true;
    return false;
}

/* The first LINES labels with a network of the same layers that moved; rows of `each` have figures of their own. */
static int collect(const ReportFigures *f, Line lines[LINES], const char *const **names)
{
    int count = 0;
    for (size_t l = 0; l < f->e->label_count && count < LINES; l++) {
        const char *family, *parameter, *value, *const *own;
        Line line = {.label = f->e->labels[l].label};
        if (!f->job[l] || report_figure_each_of(&f->e->labels[l], &family, &parameter, &value)) continue;
        if (!changes_of(f->job[l], &own, &line) || !moved(&line) || (count > 0 && line.count != lines[0].count))
            continue;
        if (count == 0) *names = own;
        lines[count++] = line;
    }
    return count;
}

BaseStatus report_figure_weights(ReportFigures *f)
{
    static const char *const STYLES[LINES] = {"lt 1", "lt 2", "lt 3", "lt 4", "lt 5", "lt 6", "lt 7", "lt 8"};
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    const char *const *names = NULL, *titles[LINES];
    Line lines[LINES];
    int count = collect(f, lines, &names), rows = (count + 3) / 4;
    if (count == 0 || lines[0].count < 2) return BASE_OK;
    size_t layers = lines[0].count;
    report_figure_begin(f, "weights", NULL, "line,label,place,layer,change_percent\n");
    for (int i = 0; i < count; i++) {
        titles[i] = lines[i].label;
        for (size_t l = 0; l < layers; l++) {
            double change = 100 * lines[i].change[l];
            base_text_add(csv, "%d,", i);
            report_escape_csv(csv, lines[i].label);
            base_text_add(csv, ",%zu,", l);
            report_escape_csv(csv, names[l]);
            base_text_add(csv, ",");
            if (isfinite(change)) base_text_add(csv, "%.8g", change);
            base_text_add(csv, "\n");
        }
    }
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set multiplot\nset logscale y\nset format y '%%g'\nset ylabel 'change of the weights (%%)'\n"
                  "set xrange [-0.4:%zu-0.6]\nset lmargin at screen 0.10\nset rmargin at screen 0.97\n"
                  "set tmargin at screen %.3f\nset bmargin at screen 0.22\n",
                  layers, 0.93 - 0.05 * rows);
    if (layers <= NAMED)
        report_figure_names(gp, "x", names, layers, true);
    else
        base_text_add(gp, "set xlabel 'layer, from front to back'\n");
    base_text_add(gp, "plot ");
    for (int i = 0; i < count; i++) {
        report_figure_data(f, i > 0);
        base_text_add(gp, " skip 1 using ($1 == %d && $5 > 0 ? $3 : NaN):5 with linespoints lt %d notitle", i, i + 1);
    }
    base_text_add(gp, "\n");
    report_figure_legend(gp, titles, STYLES, count, 0.04 + 0.05 * rows);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(caption, "How far each layer's weight matrix is from the original's, relative to its norm there (");
    for (size_t l = 0; l < f->e->label_count; l++) {
        if (!f->job[l] || f->e->labels[l].label != lines[count - 1].label) continue;
        report_figure_job(f->job[l], caption);
        break;
    }
    base_text_add(
        caption,
        "). Where a line has a gap the layer was left as it was. Retraining moves weights far, too: distance alone is "
        "neither good nor bad.");
    return report_figure_add(f, "Change of the weights by layer", 960, 480);
}
