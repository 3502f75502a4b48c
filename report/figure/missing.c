/* report/figure/missing.c - a class missing from the retained sample: change of every class's test accuracy against the
 * same method with nothing left out. One row per class left out, its own cell framed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/escape.h"
#include "report/figure/draw.h"

enum { ROWS = 40, NAMED = 30 };

typedef struct {
    const char *family;
    double *accuracy[ROWS]; /* [K] percent, owned */
    const char *value[ROWS];
    int count;
    int64_t K;
    char **names; /* [K], owned texts */
} Grid;

/* Accuracy of each class, from the diagonal. */
static BaseStatus accuracy_of(const StoreRun *run, int64_t K, double **out)
{
    BaseStatus st = BASE_OK;
    StoreArray m;
    double *accuracy = NULL;
    *out = NULL;
    if (!store_run_array(run, "/confusion/test", &m) || m.ndim != 2 || m.shape[0] != K || m.shape[1] != K ||
        m.type != STORE_I64)
        return BASE_OK;
    BASE_TRY(BASE_ALLOC(K, &accuracy));
    for (int64_t i = 0; i < K; i++) {
        const int64_t *row = (const int64_t *)m.data + i * K;
        int64_t sum = 0;
        for (int64_t j = 0; j < K; j++) sum += row[j];
        accuracy[i] = sum > 0 ? 100.0 * (double)row[i] / (double)sum : NAN;
    }
    *out = accuracy;
out:
    return st;
}

static BaseStatus take_names(const StoreRun *run, Grid *g)
{
    BaseStatus st = BASE_OK;
    const char *const *names;
    size_t count;
    if (!store_run_texts(run, "/class_names", &names, &count) || count > NAMED) return BASE_OK;
    BASE_TRY(BASE_ALLOC(count, &g->names));
    g->K = (int64_t)count;
    for (size_t i = 0; i < count; i++) BASE_TRY(base_strdup(names[i], &g->names[i]));
out:
    return st;
}

/* The first family over retain_without. */
static BaseStatus collect(const ReportFigures *f, Grid *g)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    for (size_t l = 0; l < f->e->label_count && g->count < ROWS; l++) {
        const char *family, *parameter, *value;
        if (!f->job[l] || !report_figure_each_of(&f->e->labels[l], &family, &parameter, &value)) continue;
        if (strcmp(parameter, "retain_without") != 0 || (g->family && strcmp(g->family, family) != 0)) continue;
        store_run_free(run);
        run = NULL;
        BASE_TRY(store_run_read(f->job[l]->file, &run));
        if (!g->family) BASE_TRY(take_names(run, g));
        g->family = family;
        if (g->K > 0) BASE_TRY(accuracy_of(run, g->K, &g->accuracy[g->count]));
        if (g->K > 0 && g->accuracy[g->count]) g->value[g->count++] = value;
    }
out:
    store_run_free(run);
    return st;
}

static void grid_free(Grid *g)
{
    for (int i = 0; i < ROWS; i++) base_free(g->accuracy[i]);
    for (int64_t c = 0; g->names && c < g->K; c++) base_free(g->names[c]);
    base_free(g->names);
}

/* The class that a value names, by number or name; -1: several, or none. */
static int64_t class_of(const Grid *g, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);
    if (*value && !*end && number >= 0 && number < g->K) return number;
    for (int64_t c = 0; c < g->K; c++)
        if (strcmp(g->names[c], value) == 0) return c;
    return -1;
}

static int write_rows(const Grid *g, int whole, const char *names[ROWS], BaseText *csv)
{
    int rows = 0;
    for (int i = 0; i < g->count; i++) {
        int64_t own = class_of(g, g->value[i]);
        if (i == whole) continue;
        names[rows] = own >= 0 ? g->names[own] : g->value[i];
        for (int64_t c = 0; c < g->K; c++) {
            double change = g->accuracy[i][c] - g->accuracy[whole][c];
            if (isnan(change)) continue;
            base_text_add(csv, "%d,", rows);
            report_escape_csv(csv, names[rows]);
            base_text_add(csv, ",%lld,%.6g,%.6g,%d\n", (long long)c, change, g->accuracy[i][c], c == own);
        }
        rows++;
    }
    return rows;
}

BaseStatus report_figure_missing(ReportFigures *f)
{
    BaseStatus st = BASE_OK;
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    Grid g = {0};
    const char *names[ROWS];
    int whole = 0;
    BASE_TRY(collect(f, &g));
    while (whole < g.count && *g.value[whole]) whole++;
    if (whole == g.count || g.count < 2) goto out;
    report_figure_begin(f, "missing", NULL, "row,left_out,class,change_points,accuracy_percent,left_out_itself\n");
    int rows = write_rows(&g, whole, names, csv);
    report_figure_preamble(gp);
    base_text_add(gp,
                  "unset grid\nset border 0\nset style fill solid 1.0 noborder\nset xrange [-0.55:%lld-0.45]\n"
                  "set yrange [%d-0.45:-0.55]\nset ylabel 'left out of the retained sample'\nset xlabel 'class'\n"
                  "set palette defined (-100 '#8c2d04', -50 '#ec7014', -10 '#fee391', 0 '#ffffff', 10 '#c6dbef', 50 "
                  "'#4292c6', 100 '#08306b')\nset cbrange [-100:100]\nset cblabel 'change of accuracy (points)'\n",
                  (long long)g.K, rows);
    report_figure_names(gp, "x", (const char *const *)g.names, (size_t)g.K, true);
    report_figure_names(gp, "y", names, (size_t)rows, false);
    base_text_add(gp, "d = ");
    report_figure_data(f, false);
    base_text_add(
        gp,
        "\nplot d skip 1 using 3:1:(0.48):(0.48):4 with boxxyerror lc palette notitle, \\\n"
        "  d skip 1 using ($6 == 1 ? $3 : NaN):1:(0.46):(0.46) with boxxyerror fs empty border lc rgb '#222222' lw 2 "
        "notitle, \\\n"
        "  d skip 1 using (abs($4) < 45 ? $3 : NaN):1:(sprintf('%%+.0f', $4)) with labels font ',9' textcolor rgb "
        "'#222222' notitle, \\\n"
        "  d skip 1 using (abs($4) >= 45 ? $3 : NaN):1:(sprintf('%%+.0f', $4)) with labels font ',9' textcolor rgb "
        "'#ffffff' notitle\n");
    base_text_add(caption, "Change of each class's test accuracy, in points, when one class (row) has no image in the "
                           "retained sample of ");
    base_text_add(caption, "%s (", g.family);
    for (size_t l = 0; l < f->e->label_count; l++) {
        const char *a, *b, *c;
        if (!f->job[l] || !report_figure_each_of(&f->e->labels[l], &a, &b, &c)) continue;
        report_figure_job(f->job[l], caption);
        break;
    }
    base_text_add(caption, "). Framed: the class itself. If it turns orange, nothing protected what the class needs.");
    st = report_figure_add(f, "A class missing from the retained sample", 900, 190 + 38 * (rows > 4 ? rows : 4));
out:
    grid_free(&g);
    return st;
}
