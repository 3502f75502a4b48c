/* report/figure/search.c - a search over two parameters: the score of each pair, the chosen one framed; and where each
 * class has a search of its own, their scores side by side. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/escape.h"
#include "report/figure/draw.h"

enum { LEVELS = 24, CLASSES = 12, COLUMNS = 4 }; /* further classes are in the table alone */

/* Distinct values, ascending; false where there are too many for an axis. */
static bool levels_of(const StoreArray *a, double levels[LEVELS], int *count)
{
    *count = 0;
    for (int64_t i = 0; i < a->count; i++) {
        double v = ((const double *)a->data)[i];
        int at = 0;
        while (at < *count && levels[at] < v) at++;
        if (at < *count && levels[at] == v) continue;
        if (*count == LEVELS) return false;
        memmove(levels + at + 1, levels + at, (size_t)(*count - at) * sizeof *levels);
        levels[at] = v;
        ++*count;
    }
    return *count > 0;
}

static int level_at(const double *levels, double v)
{
    int at = 0;
    while (levels[at] < v) at++;
    return at;
}

/* The searched parameters are the columns that are neither the score nor what the score was made of. */
static int axes_of(const ReportExperiment *e, const StoreRun *run, const char *axis[2], StoreArray array[2],
                   StoreArray *score)
{
    const char *const others[] = {"score", report_name_with(e, "retained"), report_name_with(e, "forgotten"),
                                  "trial_seconds"};
    const char *const *names;
    size_t count;
    int axes = 0;
    if (!store_run_array(run, "/search/score", score) || score->type != STORE_F64 || score->count < 2) return 0;
    store_run_members(run, "/search", &names, &count);
    for (size_t i = 0; i < count; i++) {
        StoreArray a;
        bool other = false;
        for (int o = 0; o < 4; o++) other = other || strcmp(names[i], others[o]) == 0;
        if (other || !store_run_array_in(run, "/search", names[i], &a) || a.type != STORE_F64 ||
            a.count != score->count)
            continue;
        if (axes < 2) axis[axes] = names[i], array[axes] = a;
        axes++;
    }
    return axes;
}

static void axis_names(BaseText *gp, const char *which, const double *levels, int count)
{
    base_text_add(gp, "set %stics (", which);
    for (int i = 0; i < count; i++) base_text_add(gp, "%s'%g' %d", i ? ", " : "", levels[i], i);
    base_text_add(gp, ") scale 0");
}

static bool column_of(const StoreRun *run, const char *name, int64_t count, StoreArray *out)
{
    bool good = store_run_array_in(run, "/search", name, out) && out->type == STORE_F64 && out->count == count;
    if (!good) *out = (StoreArray){0};
    return good;
}

static void add_value(BaseText *csv, const StoreArray *a, int64_t i)
{
    base_text_add(csv, ",");
    if (a->data && isfinite(((const double *)a->data)[i])) base_text_add(csv, "%.10g", ((const double *)a->data)[i]);
}

/* Score, ACC_r or ACC_f of each pair, each on its own range of colours. */
static void panel(BaseText *gp, int p, const StoreArray *values, const char *ylabel, int nx, int panels)
{
    static const char *const TITLES[] = {"score", "retained, validation (%)", "forgotten, validation (%)"};
    const int column = p == 0 ? 3 : 6 + p;
    const char *format = p == 0 ? "%.3f" : "%.1f", *colours[] = {"#222222", "#ffffff"}, *tests[] = {"<", ">="};
    double lo = INFINITY, hi = -INFINITY;
    int font = panels == 1 ? 10 : nx > 6 ? 7 : 9;
    base_text_add(gp, "set title '%s'\nset ylabel ", TITLES[p]);
    report_escape_gnuplot(gp, p ? "" : ylabel);
    for (int64_t i = 0; i < values->count; i++) {
        double v = ((const double *)values->data)[i];
        if (isfinite(v)) lo = fmin(lo, v), hi = fmax(hi, v);
    }
    if (!(hi > lo)) lo = isfinite(lo) ? lo : 0, hi = lo + 1;
    base_text_add(gp,
                  "\nmid = %.10g\nset cbrange [%.10g:%.10g]\n"
                  "plot d skip 1 using 4:5:(0.48):(0.48):%d with boxxyerror lc palette notitle, \\\n"
                  "  d skip 1 using ($6 == 1 ? $4 : NaN):5:(0.46):(0.46) with boxxyerror fs empty border lc rgb "
                  "'#D55E00' lw 3 notitle",
                  (lo + hi) / 2, lo, hi, column);
    for (int i = 0; i < 2; i++)
        base_text_add(gp,
                      ", \\\n  d skip 1 using ($%d %s mid ? $4 : NaN):5:(sprintf('%s', $%d)) with labels font ',%d' "
                      "textcolor rgb '%s' notitle",
                      column, tests[i], format, column, font, colours[i]);
    base_text_add(gp, "\n");
}

static BaseStatus search_of(ReportFigures *f, size_t label, bool first)
{
    BaseText *csv = &f->csv, *gp = &f->gp;
    const char *axis[2];
    StoreArray a[2], score, accuracy[2] = {{0}};
    double x[LEVELS], y[LEVELS];
    int nx, ny;
    const StoreRun *run = f->full[label];
    const char *const parts[] = {report_name_with(f->e, "retained"), report_name_with(f->e, "forgotten")};
    if (!run || axes_of(f->e, run, axis, a, &score) != 2 || !levels_of(&a[0], x, &nx) || !levels_of(&a[1], y, &ny))
        return BASE_OK;
    int panels =
        column_of(run, parts[0], score.count, &accuracy[0]) && column_of(run, parts[1], score.count, &accuracy[1]) ? 3
                                                                                                                   : 1;
    double chosen = store_run_f64(run, "/search", "chosen");
    const char *objective = store_run_text(run, "/search", "objective");
    report_figure_begin(f, "search", first ? NULL : f->e->labels[label].label, "");
    report_escape_csv(csv, axis[0]);
    base_text_add(csv, ",");
    report_escape_csv(csv, axis[1]);
    base_text_add(csv, ",score,column,row,chosen");
    for (int k = 0; k < 2; k++) {
        base_text_add(csv, ",");
        report_escape_csv(csv, parts[k]);
    }
    base_text_add(csv, "\n");
    for (int64_t i = 0; i < score.count; i++) {
        double vx = ((const double *)a[0].data)[i], vy = ((const double *)a[1].data)[i];
        base_text_add(csv, "%.10g,%.10g", vx, vy);
        add_value(csv, &score, i);
        base_text_add(csv, ",%d,%d,%d", level_at(x, vx), level_at(y, vy), (double)i == chosen);
        for (int k = 0; k < 2; k++) add_value(csv, &accuracy[k], i);
        base_text_add(csv, "\n");
    }
    base_text_add(&f->title, "Search of %s: ", f->e->labels[label].label);
    report_figure_job(f->job[label], &f->title);
    report_figure_preamble(gp);
    base_text_add(gp,
                  "unset grid\nset border 0\nset style fill solid 1.0 noborder\nset xrange [-0.55:%d-0.45]\nset yrange "
                  "[-0.55:%d-0.45]\nunset colorbox\n"
                  "set palette defined (0 '#f7fbff', 50 '#6baed6', 100 '#08306b')\nset xlabel ",
                  nx, ny);
    report_escape_gnuplot(gp, axis[0]);
    base_text_add(gp, "\n");
    axis_names(gp, "x", x, nx);
    base_text_add(gp, "\n");
    axis_names(gp, "y", y, ny);
    base_text_add(gp, "\nd = ");
    report_figure_data(f, false);
    base_text_add(gp, "\n");
    if (panels > 1) base_text_add(gp, "set multiplot layout 1,3 margins 0.07,0.985,0.15,0.9 spacing 0.055,0\n");
    for (int p = 0; p < panels; p++) panel(gp, p, p ? &accuracy[p - 1] : &score, axis[1], nx, panels);
    if (panels > 1) base_text_add(gp, "unset multiplot\n");
    base_text_add(&f->caption,
                  "%s%s, on the validation images for every pair that was tried. The orange frame marks the pair that "
                  "was chosen; the "
                  "test set had no part in it.",
                  objective ? objective : "Score",
                  panels > 1 ? ", and the two accuracies that it is computed from (percent)" : "");
    const char *heading = base_text_of(&f->title, &gp->st);
    return report_figure_add(f, heading, panels > 1 ? 1160 : 760, panels > 1 ? 430 : 540);
}

/* The searches of one label and seed on different forget sets, in the order of the runs. */
typedef struct {
    const ReportRun *run;
    StoreArray axis[2], score;
} Search;
typedef struct {
    Search *at;
    int count;
} Searches;

static BaseStatus collect(const ReportFigures *f, size_t label, const char *axis[2], Searches *s)
{
    BaseStatus st = BASE_OK;
    const ReportLabel *l = &f->e->labels[label];
    BASE_TRY(BASE_ALLOC(l->count, &s->at));
    for (size_t i = 0; i < l->count && f->job[label]; i++) {
        const ReportRun *run = l->runs[i];
        Search *next = &s->at[s->count];
        const char *key = store_run_text(run->store, "/search", "key"), *before = NULL, *own[2];
        if (run->failed || run->seed != f->job[label]->seed ||
            axes_of(f->e, run->store, own, next->axis, &next->score) != 2)
            continue;
        if (s->count > 0) before = store_run_text(next[-1].run->store, "/search", "key");
        if (key && before && strcmp(key, before) == 0) continue; /* one search serves both */
        next->run = run;
        if (s->count++ == 0) memcpy(axis, own, sizeof own);
    }
out:
    return st;
}

/* The rows of panel @p p; false where its values are not those of the first panel. */
static bool write_panel(const Searches *s, int p, const double *x, int nx, const double *y, int ny, BaseText *csv)
{
    double own_x[LEVELS], own_y[LEVELS], chosen = store_run_f64(s->at[p].run->store, "/search", "chosen");
    int own_nx, own_ny;
    if (!levels_of(&s->at[p].axis[0], own_x, &own_nx) || !levels_of(&s->at[p].axis[1], own_y, &own_ny) ||
        own_nx != nx || own_ny != ny || memcmp(x, own_x, (size_t)nx * sizeof *x) != 0 ||
        memcmp(y, own_y, (size_t)ny * sizeof *y) != 0)
        return false;
    for (int64_t i = 0; i < s->at[p].score.count; i++) {
        double vx = ((const double *)s->at[p].axis[0].data)[i], vy = ((const double *)s->at[p].axis[1].data)[i];
        base_text_add(csv, "%d,", p);
        report_escape_csv(csv, s->at[p].run->forget);
        base_text_add(csv, ",%.10g,%.10g,%d,%d,%d", vx, vy, level_at(x, vx), level_at(y, vy), (double)i == chosen);
        add_value(csv, &s->at[p].score, i);
        base_text_add(csv, "\n");
    }
    return true;
}

/* The vertical axis is said once in a row of panels. */
static void class_panel(ReportFigures *f, const Searches *s, int p, int columns, int width, int height)
{
    static const char *const COLOURS[] = {"#222222", "#ffffff"}, *const TESTS[] = {"<", ">="};
    BaseText *gp = &f->gp, title = {0};
    double cell = (width - 70.0) / columns, left = (70 + p % columns * cell) / width,
           top = 1 - (40 + p / columns * 250.0) / height;
    report_run_classes(s->at[p].run, &title);
    base_text_add(gp,
                  "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\n"
                  "set bmargin at screen %.4f\nset title ",
                  left, left + (cell - 18) / width, top, top - 175.0 / height);
    report_escape_gnuplot(gp, base_text_of(&title, &gp->st));
    base_text_free(&title);
    base_text_add(gp,
                  " offset 0,-0.5\n%s\nplot d skip 1 using ($1 == %d ? $5 : NaN):6:(0.48):(0.48):8 with boxxyerror lc "
                  "palette notitle, \\\n  d skip 1 using ($1 == %d && $7 == 1 ? $5 : NaN):6:(0.46):(0.46) with "
                  "boxxyerror fs empty border lc rgb '#D55E00' lw 3 notitle",
                  p % columns ? "unset ylabel; unset ytics" : "eval axis", p, p);
    for (int i = 0; i < 2; i++)
        base_text_add(
            gp,
            ", \\\n  d skip 1 using ($1 == %d && $8 %s mid ? $5 : NaN):6:(sprintf('%%.2f', $8)) with labels font "
            "',8' textcolor rgb '%s' notitle",
            p, TESTS[i], COLOURS[i]);
    base_text_add(gp, "\n");
}

static int columns_of(int panels) { return panels < COLUMNS ? panels : COLUMNS; }
static int width_of(int columns) { return 80 + 255 * columns; }
static int height_of(int panels) { return 30 + 250 * ((panels + columns_of(panels) - 1) / columns_of(panels)); }

static void draw_classes(ReportFigures *f, const Searches *s, int panels, const char *axis[2], double lo, double hi)
{
    BaseText *gp = &f->gp, axes = {0};
    double x[LEVELS], y[LEVELS];
    int nx, ny;
    levels_of(&s->at[0].axis[0], x, &nx);
    levels_of(&s->at[0].axis[1], y, &ny);
    const int columns = columns_of(panels), width = width_of(columns), height = height_of(panels);
    report_figure_preamble(gp);
    base_text_add(gp,
                  "unset grid\nset border 0\nset style fill solid 1.0 noborder\nset xrange [-0.55:%d-0.45]\nset yrange "
                  "[-0.55:%d-0.45]\nunset colorbox\n"
                  "set palette defined (0 '#f7fbff', 50 '#6baed6', 100 '#08306b')\nset cbrange [%.10g:%.10g]\nmid = "
                  "%.10g\nset xlabel ",
                  nx, ny, lo, hi, (lo + hi) / 2);
    report_escape_gnuplot(gp, axis[0]);
    base_text_add(gp, " offset 0,0.5\n");
    axis_names(gp, "x", x, nx);
    base_text_add(&axes, "set ylabel ");
    report_escape_gnuplot(&axes, axis[1]);
    base_text_add(&axes, " offset 1,0; ");
    axis_names(&axes, "y", y, ny);
    base_text_add(gp, "\naxis = ");
    report_escape_gnuplot(gp, base_text_of(&axes, &gp->st));
    base_text_free(&axes);
    base_text_add(gp, "\n");
    base_text_add(gp, "d = ");
    report_figure_data(f, false);
    base_text_add(gp, "\nset multiplot\n");
    for (int p = 0; p < panels; p++) class_panel(f, s, p, columns, width, height);
    base_text_add(gp, "unset multiplot\n");
}

static BaseStatus classes_of(ReportFigures *f, size_t label, bool first)
{
    BaseStatus st = BASE_OK;
    BaseText *csv = &f->csv;
    const char *axis[2];
    double x[LEVELS], y[LEVELS], lo = INFINITY, hi = -INFINITY;
    int nx, ny;
    Searches s = {0};
    BASE_TRY(collect(f, label, axis, &s));
    if (s.count < 2 || !levels_of(&s.at[0].axis[0], x, &nx) || !levels_of(&s.at[0].axis[1], y, &ny)) goto out;
    report_figure_begin(f, "searches", first ? NULL : f->e->labels[label].label, "panel,forget,");
    report_escape_csv(csv, axis[0]);
    base_text_add(csv, ",");
    report_escape_csv(csv, axis[1]);
    base_text_add(csv, ",column,row,chosen,score\n");
    for (int p = 0; p < s.count; p++) {
        if (!write_panel(&s, p, x, nx, y, ny, csv)) {
            st = csv->st;
            goto out;
        }
        for (int64_t i = 0; i < s.at[p].score.count; i++) {
            double v = ((const double *)s.at[p].score.data)[i];
            if (isfinite(v)) lo = fmin(lo, v), hi = fmax(hi, v);
        }
    }
    if (!(hi > lo)) lo = isfinite(lo) ? lo : 0, hi = lo + 1;
    const int panels = s.count < CLASSES ? s.count : CLASSES, columns = columns_of(panels);
    draw_classes(f, &s, panels, axis, lo, hi);
    base_text_add(&f->title, "Searches of %s, class by class", f->e->labels[label].label);
    base_text_add(&f->caption, "Score of every pair that was tried, on the validation images; one panel for each ");
    if (panels < s.count)
        base_text_add(&f->caption, "of the first %d of %d searches (the numbers of the other %d are in the .csv), ",
                      panels, s.count, s.count - panels);
    else
        base_text_add(&f->caption, "forgotten class, ");
    base_text_add(&f->caption, "the same colours in all (seed %.0f). The orange frame marks the pair that was chosen.",
                  s.at[0].run->seed);
    const char *heading = base_text_of(&f->title, &f->gp.st);
    st = report_figure_add(f, heading, width_of(columns), height_of(panels));
out:
    base_free(s.at);
    return st;
}

BaseStatus report_figure_search(ReportFigures *f)
{
    BaseStatus st = BASE_OK;
    int drawn = 0, drawn_classes = 0;
    for (size_t l = 0; l < f->e->label_count && drawn < 3; l++) {
        size_t before = f->count;
        BASE_TRY(search_of(f, l, drawn == 0));
        drawn += f->count > before;
        before = f->count;
        BASE_TRY(classes_of(f, l, drawn_classes == 0));
        drawn_classes += f->count > before;
    }
out:
    return st;
}
