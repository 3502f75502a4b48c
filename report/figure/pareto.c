/* report/figure/pareto.c - compute against accuracy: processor seconds of each method beside ACC_r (1 - ACC_f), and the
 * frontier of those that no other beats in both. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/escape.h"
#include "report/figure/draw.h"

enum { WIDTH = 960, HEIGHT = 600, LEFT = 80, RIGHT = 30, TOP = 60, BOTTOM = 70, LINE = 15, LETTER = 7, TRIES = 40 };
static const double LEAST = 0.01; /* seconds; what is faster is drawn there */

typedef struct {
    const ReportLabel *label;
    const char *family, *parameter; /* of a value of `each`; NULL: it is none */
    const char *text;               /* beside the point; NULL: nothing */
    int line;                       /* that joins the values of one row, from 1; 0: none */
    double seconds, score, lo, hi;
    double px, py; /* pixels from the bottom left */
    double tx, ty; /* of its name's left end */
    bool frontier, left;
} Point;

static int by_seconds(const void *pa, const void *pb)
{
    const Point *a = pa, *b = pb;
    if (a->seconds != b->seconds) return a->seconds < b->seconds ? -1 : 1;
    return (b->score > a->score) - (b->score < a->score);
}

/* Values of one row would crowd with a name each: a line joins them, and the row's name stands at the slowest. */
static void join(Point *points, size_t count)
{
    int lines = 0;
    for (size_t i = 0; i < count; i++) {
        Point *last = NULL;
        for (size_t j = i + 1; points[i].family && j < count; j++) {
            if (!points[j].family || strcmp(points[i].family, points[j].family) != 0 ||
                strcmp(points[i].parameter, points[j].parameter) != 0)
                continue;
            if (!points[i].line) points[i].line = ++lines;
            points[j].line = points[i].line;
            last = &points[j];
        }
        if (last) {
            points[i].text = NULL;
            last->text = last->family;
        }
    }
}

static BaseStatus collect(const ReportExperiment *e, Point **out, size_t *count)
{
    BaseStatus st = BASE_OK;
    const ReportQuantity *cost = report_quantity_with(e, "cost");
    const ReportQuantity *score = report_quantity_with(e, "score");
    *out = NULL;
    *count = 0;
    if (!cost || !score) return BASE_OK;
    BASE_TRY(BASE_ALLOC(e->label_count, out));
    for (size_t l = 0; l < e->label_count; l++) {
        MathEstimate c, s;
        const char *family = NULL, *parameter = NULL, *value;
        if (e->labels[l].rank == REPORT_RANK_ORIGINAL || !report_summary(&e->labels[l], cost, &c, NULL) ||
            !report_summary(&e->labels[l], score, &s, NULL))
            continue;
        if (!report_figure_each_of(&e->labels[l], &family, &parameter, &value)) family = NULL;
        (*out)[(*count)++] = (Point){.label = &e->labels[l],
                                     .family = family,
                                     .parameter = parameter,
                                     .text = e->labels[l].label,
                                     .seconds = c.value,
                                     .score = s.value,
                                     .lo = s.lo,
                                     .hi = s.hi};
    }
    qsort(*out, *count, sizeof **out, by_seconds);
    join(*out, *count);
    double best = -INFINITY;
    for (size_t i = 0; i < *count; i++) {
        if ((*out)[i].label->rank == REPORT_RANK_CONTROL) continue; /* no rival of a method */
        (*out)[i].frontier = (*out)[i].score > best;
        best = fmax(best, (*out)[i].score);
    }
out:
    return st;
}

static double overlap(double a, double width_a, double b, double width_b)
{
    return fmin(a + width_a, b + width_b) - fmax(a, b);
}

static bool collides(const Point *p, const Point *points, size_t count, size_t placed, double x, double y, double width)
{
    for (size_t i = 0; i < count; i++) /* other points' marks */
        if (overlap(x, width, points[i].px - 5, 10) > 0 && overlap(y - LINE / 2.0, LINE, points[i].py - 5, 10) > 0 &&
            &points[i] != p)
            return true;
    for (size_t i = 0; i < placed; i++) {
        if (!points[i].text) continue;
        double other = LETTER * report_text_width(points[i].text);
        if (overlap(x, width, points[i].tx, other) > 0 && fabs(y - points[i].ty) < LINE) return true;
    }
    return x < LEFT || x + width > WIDTH - RIGHT + 25 || y < BOTTOM + 8 || y > HEIGHT - TOP - 8;
}

/* Names beside their points, moved up or down until they are free of each other. */
static void place(Point *points, size_t count, double lo, double hi)
{
    for (size_t i = 0; i < count; i++) {
        Point *p = &points[i];
        double s = fmax(p->seconds, LEAST);
        p->px = LEFT + (WIDTH - LEFT - RIGHT) * (log10(s) - lo) / (hi - lo);
        p->py = BOTTOM + (HEIGHT - TOP - BOTTOM) * p->score / 1.05;
    }
    for (size_t i = 0; i < count; i++) {
        Point *p = &points[i];
        if (!p->text) continue;
        double width = LETTER * report_text_width(p->text);
        bool found = false;
        for (int t = 0; t < TRIES && !found; t++) {
            double step = (t / 2 + 1) / 2 * LINE * ((t / 2) % 2 ? -1 : 1);
            p->left = t % 2;
            p->tx = p->left ? p->px - 11 - width : p->px + 11;
            p->ty = p->py + step;
            found = !collides(p, points, count, i, p->tx, p->ty, width);
        }
    }
}

static void write_points(const ReportExperiment *e, const Point *points, size_t count, BaseText *csv)
{
    report_escape_csv(csv, report_name_with(e, "cost"));
    base_text_add(csv, ",score,score_lo,score_hi,frontier,control,line\n");
    for (size_t i = 0; i < count; i++) {
        const Point *p = &points[i];
        report_escape_csv(csv, p->label->label);
        base_text_add(csv, ",%.6g,%.8g,", p->seconds, p->score);
        if (!isnan(p->lo)) base_text_add(csv, "%.8g", p->lo);
        base_text_add(csv, ",");
        if (!isnan(p->hi)) base_text_add(csv, "%.8g", p->hi);
        base_text_add(csv, ",%d,%d,%d\n", p->frontier, p->label->rank == REPORT_RANK_CONTROL, p->line);
    }
}

static void write_labels(const Point *points, size_t count, BaseText *gp)
{
    for (size_t i = 0; i < count; i++) {
        const Point *p = &points[i];
        if (!p->text) continue;
        double near = p->left ? p->tx + LETTER * report_text_width(p->text) + 2 : p->tx - 2;
        base_text_add(gp, "set label ");
        report_escape_gnuplot(gp, p->text);
        base_text_add(gp, " at screen %.4f,%.4f left font ',11'%s\n", p->tx / WIDTH, p->ty / HEIGHT,
                      p->label->rank == REPORT_RANK_CONTROL ? " textcolor rgb '#7F7F7F'" : "");
        if (fabs(p->ty - p->py) > 1)
            base_text_add(gp, "set arrow from screen %.4f,%.4f to screen %.4f,%.4f nohead lc rgb '#bbbbbb' lw 0.8\n",
                          p->px / WIDTH, p->py / HEIGHT, near / WIDTH, p->ty / HEIGHT);
    }
}

BaseStatus report_figure_pareto(ReportFigures *f)
{
    BaseStatus st = BASE_OK;
    BaseText *csv = &f->csv, *gp = &f->gp;
    Point *points;
    size_t count;
    BASE_TRY(collect(f->e, &points, &count));
    if (count < 4) goto out;
    double lo = floor(log10(fmax(points[0].seconds, LEAST))), hi = ceil(log10(fmax(points[count - 1].seconds, LEAST)));
    if (hi <= lo) hi = lo + 1;
    place(points, count, lo, hi);
    int lines = 0;
    for (size_t i = 0; i < count; i++) lines = points[i].line > lines ? points[i].line : lines;
    report_figure_begin(f, "pareto", NULL, "label,");
    write_points(f->e, points, count, csv);
    report_figure_preamble(gp);
    base_text_add(
        gp,
        "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset bmargin at screen %.4f\nset tmargin at "
        "screen %.4f\nset logscale x\nset xrange [%g:%g]\nset yrange [0:1.05]\nset ytics 0,0.2,1\nset format x "
        "'%%g'\nset xlabel 'processor seconds of the unlearning'\nset ylabel 'ACC_r (1 - ACC_f)'\n"
        "set key above right horizontal\n",
        (double)LEFT / WIDTH, 1 - (double)RIGHT / WIDTH, (double)BOTTOM / HEIGHT, 1 - (double)TOP / HEIGHT, pow(10, lo),
        pow(10, hi));
    write_labels(points, count, gp);
    base_text_add(gp, "x(s) = s < %g ? %g : s\nd = ", LEAST, LEAST);
    report_figure_data(f, false);
    base_text_add(gp, "\nset datafile missing NaN\nplot d skip 1 using ($6 == 1 ? x($2) : NaN):3 with steps lc rgb "
                      "'#0072B2' lw 1.5 title "
                      "'not beaten in both', \\\n"
                      "  d skip 1 using (x($2)):3:4:5 with yerrorbars lc rgb '#555555' pt 0 lw 1 notitle, \\\n"
                      "  d skip 1 using ($7 == 1 ? NaN : x($2)):3 with points pt 7 ps 1 lc rgb '#D55E00' title "
                      "'methods', \\\n"
                      "  d skip 1 using ($7 == 1 ? x($2) : NaN):3 with points pt 6 ps 1 lc rgb '#7F7F7F' title "
                      "'controls'");
    for (int line = 1; line <= lines; line++)
        base_text_add(
            gp, ", \\\n  d skip 1 using ($8 == %d ? x($2) : NaN):3 with lines lc rgb '#D55E00' lw 0.8 notitle", line);
    base_text_add(gp, "\n");
    base_text_add(
        &f->caption,
        "Processor seconds of one unlearning (without the search for its parameters) against the score on the test "
        "set; anything below 0.01 s is drawn at 0.01 s. High and left is good, but a control shows that a high score "
        "alone is not forgetting.%s",
        lines ? " A thin line joins the values of one row of the config." : "");
    st = report_figure_add(f, "Computing time against accuracy", WIDTH, HEIGHT);
out:
    base_free(points);
    return st;
}
