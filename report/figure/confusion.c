/* report/figure/confusion.c - where the test images of each class go, before and after: two heat maps of row shares. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum {
    NAMED = 30,
    NUMBERED = 12,
    DRAWN = 200
}; /* classes up to which axes have names, cells numbers; beyond: no figure */

/* [K, K] counts, whatever integer type a writer chose. */
static bool counts_of(const StoreRun *run, const char *path, StoreArray *out)
{
    return run && store_run_array(run, path, out) && out->ndim == 2 && out->shape[0] == out->shape[1] &&
           out->shape[0] > 0 && out->shape[0] <= DRAWN && (out->type == STORE_I64 || out->type == STORE_I32);
}

static double count_at(const StoreArray *m, int64_t i)
{
    return m->type == STORE_I64 ? (double)((const int64_t *)m->data)[i] : (double)((const int32_t *)m->data)[i];
}

static double share_at(const StoreArray *m, int64_t row, int64_t column)
{
    int64_t K = m->shape[0];
    double sum = 0;
    for (int64_t j = 0; j < K; j++) sum += count_at(m, row * K + j);
    return sum > 0 ? 100 * count_at(m, row * K + column) / sum : 0;
}

static void panel(ReportFigures *f, const char *title, int column, int64_t K, bool left)
{
    BaseText *gp = &f->gp;
    base_text_add(gp, "set title ");
    report_escape_gnuplot(gp, title);
    base_text_add(gp, "\nset ylabel '%s'\nplot ", left ? "true class" : "");
    report_figure_data(f, false);
    base_text_add(gp, " skip 1 using 2:1:%d with image%s notitle", column, K <= NAMED ? " pixels" : "");
    if (K <= NUMBERED) {
        const char *const colours[] = {"#222222", "#ffffff"}, *const tests[] = {"<", ">="};
        for (int i = 0; i < 2; i++) {
            base_text_add(
                gp,
                ", \\\n  '' skip 1 using ($%d %s 55 && $%d >= 0.5 ? $2 : NaN):1:(sprintf('%%.0f', $%d)) with labels "
                "font ',9' textcolor rgb '%s' notitle",
                column, tests[i], column, column, colours[i]);
        }
    }
    base_text_add(gp, "\n");
}

static BaseStatus confusion_of(ReportFigures *f, size_t label, bool first)
{
    BaseText *csv = &f->csv, *gp = &f->gp, *title = &f->title, heading = {0};
    StoreArray after, before;
    const StoreRun *run = f->full[label];
    int original = report_figures_rank(f, REPORT_RANK_ORIGINAL);
    const char *const *names = NULL;
    size_t name_count = 0;
    if (!counts_of(run, "/confusion/test", &after)) return BASE_OK;
    bool two = counts_of(run, "/confusion/test_original", &before) ||
               (original >= 0 && counts_of(f->full[original], "/confusion/test", &before));
    int64_t K = after.shape[0];
    two = two && before.shape[0] == K;
    report_figure_begin(f, "confusion", first ? NULL : f->e->labels[label].label,
                        "true,predicted,after_percent,after_count");
    base_text_add(csv, "%s\n", two ? ",before_percent,before_count" : "");
    for (int64_t i = 0; i < K; i++) {
        for (int64_t j = 0; j < K; j++) {
            base_text_add(csv, "%lld,%lld,%.6g,%.0f", (long long)i, (long long)j, share_at(&after, i, j),
                          count_at(&after, i * K + j));
            if (two) base_text_add(csv, ",%.6g,%.0f", share_at(&before, i, j), count_at(&before, i * K + j));
            base_text_add(csv, "\n");
        }
    }
    report_figure_preamble(gp);
    base_text_add(
        gp,
        "unset grid\nset border 15\nset palette defined (0 '#ffffff', 25 '#c6dbef', 60 '#4292c6', 100 '#08306b')\n"
        "set cbrange [0:100]\nset xrange [-0.5:%lld-0.5]\nset yrange [%lld-0.5:-0.5]\nset size ratio 1\n"
        "set xlabel 'predicted class'\nset cblabel 'share of the true class (%%)'\n",
        (long long)K, (long long)K);
    if (store_run_texts(run, "/class_names", &names, &name_count) && (int64_t)name_count == K && K <= NAMED) {
        report_figure_names(gp, "x", names, name_count, true);
        report_figure_names(gp, "y", names, name_count, false);
    }
    report_escape_plain(title, f->e->labels[label].label);
    base_text_add(title, ": ");
    report_figure_job(f->job[label], title);
    const char *job = base_text_of(title, &gp->st);
    if (two) {
        base_text_add(gp, "set multiplot layout 1,2 margins 0.14,0.90,0.21,0.91 spacing 0.12,0\nunset colorbox\n");
        panel(f, "before (original model)", 5, K, true);
        base_text_add(gp, "set colorbox\n");
    }
    panel(f, job, 3, K, !two);
    if (two) base_text_add(gp, "unset multiplot\n");
    base_text_add(
        &f->caption,
        "Share of each true class's test images that the model puts into each class, %s %s. A forgotten class should "
        "scatter over its row as in a retrained model.",
        two ? "before and after" : "after", job);
    base_text_add(&heading, "Confusion: %s", job);
    BaseStatus st = report_figure_add(f, base_text_of(&heading, &gp->st), two ? 1160 : 700, two ? 560 : 620);
    base_text_free(&heading);
    return st;
}

BaseStatus report_figure_confusion(ReportFigures *f)
{
    BaseStatus st = BASE_OK;
    int featured = report_figures_featured(f), retrained = report_figures_rank(f, REPORT_RANK_RETRAINED);
    if (featured >= 0) BASE_TRY(confusion_of(f, (size_t)featured, true));
    if (retrained >= 0) BASE_TRY(confusion_of(f, (size_t)retrained, featured < 0));
out:
    return st;
}
