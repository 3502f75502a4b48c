/* report/fold.c - runs ascend by class, seed and unlearning, so that what belongs together stands together. */
#include "report/fold.h"

#include <math.h>
#include <string.h>

static bool same_set(const ReportLabel *label, size_t a, size_t b)
{
    return strcmp(label->runs[a]->forget, label->runs[b]->forget) == 0;
}

/* The mean of each class and seed at the place of its first run, NaN at all others. Returns how many there are. */
static int fold_cells(const ReportLabel *label, double *x)
{
    int cells = 0;
    for (size_t start = 0, end; start < label->count; start = end) {
        double sum = 0;
        int n = 0;
        for (end = start;
             end < label->count && same_set(label, start, end) && label->runs[end]->seed == label->runs[start]->seed;
             end++) {
            if (!isnan(x[end])) sum += x[end], n++;
            x[end] = NAN;
        }
        if (n) x[start] = sum / n;
        cells += n > 0;
    }
    return cells;
}

/* The smallest seed above @p last that has a number; false: none. */
static bool next_seed(const ReportLabel *label, const double *x, double last, double *out)
{
    *out = INFINITY;
    for (size_t i = 0; i < label->count; i++)
        if (!isnan(x[i]) && label->runs[i]->seed > last && label->runs[i]->seed < *out) *out = label->runs[i]->seed;
    return !isinf(*out);
}

/* How many classes have all @p seeds; the others lose their cells where @p drop. */
static int whole_sets(const ReportLabel *label, double *x, int seeds, bool drop)
{
    int whole = 0;
    for (size_t start = 0, end; start < label->count; start = end) {
        int n = 0;
        for (end = start; end < label->count && same_set(label, start, end); end++) n += !isnan(x[end]);
        whole += n == seeds;
        for (size_t i = start; drop && n != seeds && i < end; i++) x[i] = NAN;
    }
    return whole;
}

ReportFold report_fold(const ReportLabel *label)
{
    double *x = label->scratch, *rest = x + label->count, at = -INFINITY;
    ReportFold out = {.cell = x, .seed = rest};
    for (size_t i = 0; i < label->count; i++)
        if (!isnan(x[i])) rest[out.runs++] = x[i];
    if (fold_cells(label, x) == 1) {
        for (size_t i = 0; i < label->count; i++)
            if (!isnan(x[i])) x[0] = x[i];
        out.seed = x, out.run = rest;
        out.cells = out.seeds = 1;
        return out;
    }
    while (next_seed(label, x, at, &at)) out.seeds++;
    if (out.seeds > 1) out.broken = whole_sets(label, x, out.seeds, false) == 0;
    if (out.seeds > 1 && !out.broken) whole_sets(label, x, out.seeds, true);
    at = -INFINITY;
    for (int s = 0; s < out.seeds && next_seed(label, x, at, &at); s++) {
        double sum = 0;
        int n = 0;
        for (size_t i = 0; i < label->count; i++)
            if (!isnan(x[i]) && label->runs[i]->seed == at) sum += x[i], n++;
        rest[s] = sum / n;
    }
    for (size_t i = 0; i < label->count; i++)
        if (!isnan(x[i])) x[out.cells++] = x[i];
    return out;
}

MathEstimate report_fold_mean(const ReportFold *f, bool skewed, double *sd)
{
    const bool over_seeds = f->seeds > 1 && !f->broken;
    const double *single = f->run ? f->run : f->cell, *x = over_seeds ? f->seed : single;
    const int64_t singles = f->run ? f->runs : f->cells, n = over_seeds ? f->seeds : singles;
    MathEstimate out = skewed ? math_stats_mean_skewed(x, n, 0.95) : math_stats_mean(x, n, 0.95, NULL);
    math_stats_mean(single, singles, 0.95, sd);
    if (f->broken) out.lo = out.hi = NAN;
    return out;
}
