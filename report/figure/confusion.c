/* report/figure/confusion.c - where the test images of each class go, before and after: two heat maps of row shares. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure/draw.h"

enum {
    NAMED = 30,
    NUMBERED = 12,
    DRAWN = 200, /* classes up to which axes have names, cells numbers; beyond: no figure */
    TITLE_WIDTH = 50
};

/* [K, K] counts, whatever integer type a writer chose. */
static bool counts_of(const StoreRun *run, const char *path, StoreArray *out)
{
    return run && store_run_array(run, path, out) && out->ndim == 2 && out->shape[0] == out->shape[1] &&
           out->shape[0] > 0 && (out->type == STORE_I64 || out->type == STORE_I32);
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

/* What of a matrix is drawn: classes first..last, whose places on axes with names begin at 0. */
typedef struct {
    int64_t K, first, last, count, origin;
    bool two; /* before and after */
} Shown;

static void panel(ReportFigures *f, const char *title, int column, const Shown *s, bool left)
{
    BaseText *gp = &f->gp;
    long long origin = s->origin;
    base_text_add(gp, "set title ");
    report_escape_gnuplot(gp, title);
    base_text_add(gp, "\nset ylabel '%s'\nplot ", left ? "true class" : "");
    report_figure_data(f, false);
    base_text_add(gp, " skip 1 using ($2-%lld):($1-%lld):%d with image%s notitle", origin, origin, column,
                  s->count <= NAMED ? " pixels" : "");
    if (s->count <= NUMBERED) {
        const char *const colours[] = {"#222222", "#ffffff"}, *const tests[] = {"<", ">="};
        for (int i = 0; i < 2; i++) {
            base_text_add(gp,
                          ", \\\n  '' skip 1 using ($%d %s 55 && $%d >= 0.5 ? $2-%lld : "
                          "NaN):($1-%lld):(sprintf('%%.0f', $%d)) with labels font ',9' textcolor rgb '%s' notitle",
                          column, tests[i], column, origin, origin, column, colours[i]);
        }
    }
    base_text_add(gp, "\n");
}

static void write_shares(const StoreArray *after, const StoreArray *before, const Shown *s, BaseText *csv)
{
    base_text_add(csv, "%s\n", s->two ? ",before_percent,before_count" : "");
    for (int64_t i = s->first; i <= s->last; i++) {
        for (int64_t j = s->first; j <= s->last; j++) {
            base_text_add(csv, "%lld,%lld,%.6g,%.0f", (long long)i, (long long)j, share_at(after, i, j),
                          count_at(after, i * s->K + j));
            if (s->two) base_text_add(csv, ",%.6g,%.0f", share_at(before, i, j), count_at(before, i * s->K + j));
            base_text_add(csv, "\n");
        }
    }
}

/* Axes, with the classes' names where there is room for them. */
static void axes(const StoreRun *run, Shown *s, BaseText *gp)
{
    const char *const *names = NULL;
    size_t name_count = 0;
    bool named =
        store_run_texts(run, "/class_names", &names, &name_count) && (int64_t)name_count == s->K && s->count <= NAMED;
    s->origin = named ? s->first : 0;
    long long lo = s->first - s->origin, hi = s->last - s->origin;
    base_text_add(
        gp,
        "unset grid\nset border 15\nset palette defined (0 '#ffffff', 25 '#c6dbef', 60 '#4292c6', 100 '#08306b')\n"
        "set cbrange [0:100]\nset xrange [%lld-0.5:%lld+0.5]\nset yrange [%lld+0.5:%lld-0.5]\nset size ratio 1\n"
        "set xlabel 'predicted class'\nset cblabel 'share of the true class (%%)'\n",
        lo, hi, hi, lo);
    if (!named) return;
    report_figure_names(gp, "x", names + s->first, (size_t)s->count, true);
    report_figure_names(gp, "y", names + s->first, (size_t)s->count, false);
}

static BaseStatus confusion_of(ReportFigures *f, size_t label, bool first)
{
    BaseText *gp = &f->gp, *title = &f->title, heading = {0};
    StoreArray after, before;
    Shown s = {0};
    const StoreRun *run = f->full[label];
    int original = report_figures_rank(f, REPORT_RANK_ORIGINAL);
    if (!counts_of(run, "/confusion/test", &after)) return BASE_OK;
    s.two = counts_of(run, "/confusion/test_original", &before) ||
            (original >= 0 && counts_of(f->full[original], "/confusion/test", &before));
    s.K = after.shape[0];
    s.two = s.two && before.shape[0] == s.K;
    bool range = report_confusion_range(run, s.K, &s.first, &s.last);
    s.count = s.last - s.first + 1;
    if (s.count > DRAWN) return BASE_OK;
    report_figure_begin(f, "confusion", first ? NULL : f->e->labels[label].label,
                        "true,predicted,after_percent,after_count");
    write_shares(&after, &before, &s, &f->csv);
    report_figure_preamble(gp);
    axes(run, &s, gp);
    report_escape_plain(title, f->e->labels[label].label);
    base_text_add(title, ": ");
    report_figure_job(f->job[label], title);
    const char *job = base_text_of(title, &gp->st);
    if (s.two) {
        base_text_add(gp, "set multiplot layout 1,2 margins 0.14,0.90,0.21,0.91 spacing 0.12,0\nunset colorbox\n");
        panel(f, "before (original model)", 5, &s, true);
        base_text_add(gp, "set colorbox\n");
    }
    const char *short_name = report_text_width(job) > TITLE_WIDTH ? f->e->labels[label].label : job;
    panel(f, short_name, 3, &s, !s.two);
    if (s.two) base_text_add(gp, "unset multiplot\n");
    base_text_add(
        &f->caption,
        "Share of each true class's test images that the model puts into each class, %s %s. A forgotten class should "
        "scatter over its row as in a retrained model.",
        s.two ? "before and after" : "after", job);
    if (range)
        base_text_add(&f->caption, " Classes %lld to %lld; what a row lacks of 100%% goes to other classes.",
                      (long long)s.first, (long long)s.last);
    base_text_add(&heading, "Confusion: %s", job);
    BaseStatus st = report_figure_add(f, base_text_of(&heading, &gp->st), s.two ? 1160 : 700, s.two ? 560 : 620);
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
