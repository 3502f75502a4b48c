/* report/figure/destinations.c - where forgotten images go: the forgotten class's row of the confusion matrix before,
 * after, and in the retrained model, largest share first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum { MODELS = 3, SHOWN = 12, CLASSES = 100000 };

typedef struct {
    const char *title[MODELS];
    const int64_t *row[MODELS];                     /* [K] */
    int64_t sum[MODELS], K, forgotten, first, last; /* first to last: the only ones shown */
    int count;
} Rows;

static void take(const StoreRun *run, const char *path, const char *title, Rows *r)
{
    StoreArray m;
    if (!run || !store_run_array(run, path, &m) || m.ndim != 2 || m.shape[0] != m.shape[1] || m.type != STORE_I64)
        return;
    if ((r->K && m.shape[0] != r->K) || r->forgotten >= m.shape[0] || m.shape[0] > CLASSES) return;
    r->K = m.shape[0];
    r->row[r->count] = (const int64_t *)m.data + r->forgotten * r->K;
    r->sum[r->count] = 0;
    for (int64_t j = 0; j < r->K; j++) r->sum[r->count] += r->row[r->count][j];
    if (r->sum[r->count] > 0) r->title[r->count++] = title;
}

static double share(const Rows *r, int model, int64_t c)
{
    return 100.0 * (double)r->row[model][c] / (double)r->sum[model];
}

/* The classes of the range with the largest share in any model, by their shares summed. @return how many. */
static int choose(const Rows *r, int64_t chosen[SHOWN])
{
    double best[SHOWN];
    int count = 0;
    for (int64_t c = r->first; c <= r->last; c++) {
        double sum = 0;
        for (int m = 0; m < r->count; m++) sum += share(r, m, c);
        int at = count;
        while (at > 0 && sum > best[at - 1]) at--;
        if (sum <= 0 || at == SHOWN) continue;
        int move = (count < SHOWN ? count : SHOWN - 1) - at;
        memmove(best + at + 1, best + at, (size_t)move * sizeof *best);
        memmove(chosen + at + 1, chosen + at, (size_t)move * sizeof *chosen);
        best[at] = sum;
        chosen[at] = c;
        if (count < SHOWN) count++;
    }
    return count;
}

/* "after, most go to Shirt (45.1%) and Coat (30.2%)": the two nearest other classes of a model. */
static void nearest(const Rows *r, int model, const char *const *names, BaseText *out)
{
    int64_t first = -1, second = -1;
    for (int64_t c = r->first; c <= r->last; c++) {
        if (c == r->forgotten || r->row[model][c] == 0) continue;
        if (first < 0 || r->row[model][c] > r->row[model][first]) {
            second = first;
            first = c;
        } else if (second < 0 || r->row[model][c] > r->row[model][second]) {
            second = c;
        }
    }
    if (first < 0) return;
    base_text_add(out, " Nearest %s: %s (%.1f%%)", r->title[model], names[first], share(r, model, first));
    if (second >= 0) base_text_add(out, ", %s (%.1f%%)", names[second], share(r, model, second));
    base_text_add(out, ".");
}

static BaseStatus draw_rows(ReportFigures *f, const Rows *r, const char *const *names, const ReportRun *job)
{
    static const char *const COLOURS[MODELS] = {"#7F7F7F", "#0072B2", "#E69F00"};
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    int64_t chosen[SHOWN];
    const char *tics[SHOWN];
    int count = choose(r, chosen);
    report_figure_begin(f, "destinations", NULL, "place,class,name");
    for (int m = 0; m < r->count; m++) base_text_add(csv, ",%s_percent,%s_images", r->title[m], r->title[m]);
    base_text_add(csv, "\n");
    for (int i = 0; i < count; i++) {
        tics[i] = names[chosen[i]];
        base_text_add(csv, "%d,%lld,", i, (long long)chosen[i]);
        report_escape_csv(csv, tics[i]);
        for (int m = 0; m < r->count; m++)
            base_text_add(csv, ",%.6g,%lld", share(r, m, chosen[i]), (long long)r->row[m][chosen[i]]);
        base_text_add(csv, "\n");
    }
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set ylabel 'share of the forgotten images (%%)'\nset yrange [0:108]\nset ytics 0,20,100\n"
                  "set xrange [-0.6:%d-0.4]\nset key above center horizontal\nset style fill solid 1.0 noborder\n",
                  count);
    report_figure_names(gp, "x", tics, (size_t)count, true);
    base_text_add(gp, "d = ");
    report_figure_data(f, false);
    base_text_add(gp, "\nplot ");
    for (int m = 0; m < r->count; m++) {
        double at = 0.27 * (m - (r->count - 1) / 2.0);
        base_text_add(gp,
                      "%sd skip 1 using ($1+%g):%d:(0.25) with boxes lc rgb '%s' title '%s', \\\n"
                      "  d skip 1 using ($1+%g):%d:(sprintf('%%.0f', $%d)) with labels offset 0,0.6 font ',9' notitle",
                      m ? ", \\\n  " : "", at, 4 + 2 * m, COLOURS[m], r->title[m], at, 4 + 2 * m, 4 + 2 * m);
    }
    base_text_add(gp, "\n");
    base_text_add(caption, "What each model calls the test images of %s (", names[r->forgotten]);
    report_figure_job(job, caption);
    base_text_add(caption, ").");
    if (r->last - r->first + 1 < r->K)
        base_text_add(caption, " Among the classes %lld to %lld only.", (long long)r->first, (long long)r->last);
    for (int m = 0; m < r->count; m++) nearest(r, m, names, caption);
    return report_figure_add(f, "Where forgotten images go", 900, 500);
}

BaseStatus report_figure_destinations(ReportFigures *f)
{
    const char *const *names;
    size_t name_count;
    int at = report_figures_featured(f), retrained = report_figures_rank(f, REPORT_RANK_RETRAINED);
    Rows r = {0};
    if (at < 0 || !*f->job[at]->forget || report_run_images(f->job[at])) return BASE_OK;
    r.forgotten = strtol(f->job[at]->forget, NULL, 10); /* of several, the first */
    if (r.forgotten < 0) return BASE_OK;
    take(f->full[at], "/confusion/test_original", "before", &r);
    take(f->full[at], "/confusion/test", "after", &r);
    if (retrained >= 0) take(f->full[retrained], "/confusion/test", "retrained", &r);
    if (r.count < 2 || !store_run_texts(f->full[at], "/class_names", &names, &name_count) || (int64_t)name_count != r.K)
        return BASE_OK;
    report_confusion_range(f->full[at], r.K, &r.first, &r.last);
    return draw_rows(f, &r, names, f->job[at]);
}
