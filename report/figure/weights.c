/* report/figure/weights.c - layer by layer, how far each method moved the weights: ||W' - W|| / ||W||, one line per
 * method. The picture has the first few of one network; the numbers have all. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "report/escape.h"
#include "report/figure/draw.h"

enum { LINES = 8, NAMED = 40 };

typedef struct {
    const char *label;
    const char *const *names;
    const double *change; /* [count] */
    size_t count;
    const ReportRun *run;
    bool drawn;
} Line;

/* Older runs have them of methods that edit layer by layer only. */
static bool changes_of(const ReportRun *run, Line *line)
{
    static const char *const FROM[][3] = {{"/weights/names", "/weights", "change"},
                                          {"/layers/names", "/layers", "weight_change"}};
    StoreArray a;
    for (int i = 0; i < 2; i++) {
        if (!store_run_texts(run->store, FROM[i][0], &line->names, &line->count) ||
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

/* Labels with a network that moved; drawn are the first LINES of the first one's layers. Rows of `each` have figures of their
 * own. Returns how many. */
static size_t collect(const ReportFigures *f, Line *lines)
{
    size_t count = 0;
    int drawn = 0;
    for (size_t l = 0; l < f->e->label_count; l++) {
        const char *family, *parameter, *value;
        Line line = {.label = f->e->labels[l].label, .run = f->job[l]};
        if (!f->job[l] || report_figure_each_of(&f->e->labels[l], &family, &parameter, &value)) continue;
        if (!changes_of(f->job[l], &line) || !moved(&line)) continue;
        line.drawn = drawn < LINES && (count == 0 || line.count == lines[0].count);
        drawn += line.drawn;
        lines[count++] = line;
    }
    return count;
}

static void numbers(BaseText *csv, const Line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t l = 0; l < lines[i].count; l++) {
            double change = 100 * lines[i].change[l];
            base_text_add(csv, "%zu,", i);
            report_escape_csv(csv, lines[i].label);
            base_text_add(csv, ",%zu,", l);
            report_escape_csv(csv, lines[i].names[l]);
            base_text_add(csv, ",");
            if (isfinite(change)) base_text_add(csv, "%.8g", change);
            base_text_add(csv, "\n");
        }
    }
}

static void caption_of(BaseText *caption, const Line *lines, size_t count, int drawn)
{
    const ReportRun *last = NULL;
    for (size_t i = 0; i < count; i++)
        if (lines[i].drawn) last = lines[i].run;
    base_text_add(caption, "How far each layer's weight matrix is from the original's, relative to its norm there (");
    report_figure_job(last, caption);
    base_text_add(
        caption,
        "). Where a line has a gap the layer was left as it was. Retraining moves weights far, too: distance alone is "
        "neither good nor bad.");
    if (count > (size_t)drawn)
        base_text_add(caption, " %zu more row%s not drawn; the figure's numbers have %s.", count - (size_t)drawn,
                      count - (size_t)drawn == 1 ? " is" : "s are", count - (size_t)drawn == 1 ? "it" : "them");
}

static BaseStatus draw(ReportFigures *f, const Line *lines, size_t count)
{
    static const char *const STYLES[LINES] = {"lt 1", "lt 2", "lt 3", "lt 4", "lt 5", "lt 6", "lt 7", "lt 8"};
    BaseText *gp = &f->gp;
    const char *titles[LINES];
    const size_t layers = lines[0].count;
    int drawn = 0;
    for (size_t i = 0; i < count; i++)
        if (lines[i].drawn) titles[drawn++] = lines[i].label;
    const int rows = (drawn + 3) / 4;
    report_figure_begin(f, "weights", NULL, "line,label,place,layer,change_percent\n");
    numbers(&f->csv, lines, count);
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set multiplot\nset logscale y\nset format y '%%g'\nset ylabel 'change of the weights (%%)'\n"
                  "set xrange [-0.4:%zu-0.6]\nset lmargin at screen 0.10\nset rmargin at screen 0.97\n"
                  "set tmargin at screen %.3f\nset bmargin at screen 0.22\n",
                  layers, 0.93 - 0.05 * rows);
    if (layers <= NAMED)
        report_figure_names(gp, "x", lines[0].names, layers, true);
    else
        base_text_add(gp, "set xlabel 'layer, from front to back'\n");
    base_text_add(gp, "plot ");
    for (size_t i = 0, type = 0; i < count; i++) {
        if (!lines[i].drawn) continue;
        report_figure_data(f, type > 0);
        base_text_add(gp, " skip 1 using ($1 == %zu && $5 > 0 ? $3 : NaN):5 with linespoints lt %zu notitle", i,
                      ++type);
    }
    base_text_add(gp, "\n");
    report_figure_legend(gp, titles, STYLES, drawn, 0.04 + 0.05 * rows);
    base_text_add(gp, "unset multiplot\n");
    caption_of(&f->caption, lines, count, drawn);
    return report_figure_add(f, "Change of the weights by layer", 960, 480);
}

BaseStatus report_figure_weights(ReportFigures *f)
{
    BaseStatus st = BASE_OK;
    Line *lines = NULL;
    BASE_TRY(BASE_ALLOC(f->e->label_count, &lines));
    const size_t count = collect(f, lines);
    if (count > 0 && lines[0].count > 1) st = draw(f, lines, count);
out:
    base_free(lines);
    return st;
}
