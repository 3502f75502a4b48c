/* report/compare.c - differences are taken run by run, between networks of one class and one seed, and folded afterwards. */
#include "report/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math/exchange.h"
#include "report/fold.h"

/* The mean of a label's runs of one class and seed; of the class where that seed has none (*own is then false). NaN: none. */
static double partner(const ReportLabel *label, const ReportRun *run, const ReportQuantity *q, bool *own)
{
    const ReportLabel part = report_same_set(label, run->forget);
    MathEstimate one;
    double sum[2] = {0, 0};
    int n[2] = {0, 0};
    for (size_t i = 0; i < part.count; i++) {
        if (!report_value(part.runs[i], q, &one)) continue;
        bool same = part.runs[i]->seed == run->seed;
        sum[same] += one.value;
        n[same]++;
    }
    *own = n[1] > 0;
    return *own ? sum[1] / n[1] : n[0] ? sum[0] / n[0] : (double)NAN;
}

/* The same, but only of that seed. */
static double own_partner(const ReportLabel *label, const ReportRun *run, const ReportQuantity *q)
{
    bool own;
    double value = partner(label, run, q, &own);
    return own ? value : (double)NAN;
}

/* ------------------------------------------------------------ gaps */

MathEstimate report_mean_gap(const ReportExperiment *e, const ReportLabel *label,
                             const ReportQuantity *const *quantities, size_t count, double *sd)
{
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    MathEstimate one;
    bool shared = false;
    *sd = NAN;
    if (!retrained || retrained == label) return math_estimate(NAN, 0);
    for (size_t i = 0; i < label->count; i++) {
        double sum = 0;
        int terms = 0;
        for (size_t q = 0; q < count; q++) {
            bool own;
            if (!report_value(label->runs[i], quantities[q], &one)) continue;
            double reference = partner(retrained, label->runs[i], quantities[q], &own);
            if (isnan(reference)) continue;
            shared = shared || !own;
            sum += fabs(one.value - reference);
            terms++;
        }
        label->scratch[i] = terms ? sum / terms : (double)NAN;
    }
    const ReportFold fold = report_fold(label);
    if (fold.cells == 0) return math_estimate(NAN, 0);
    MathEstimate gap = report_fold_mean(&fold, true, sd); /* distances are skewed */
    if (gap.lo < 0) gap.lo = 0;                           /* a distance */
    if (shared && fold.seeds > 1) gap.lo = gap.hi = NAN;  /* what varies with the retrained network is in every seed */
    return gap;
}

MathEstimate report_gap(const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *q, double *sd)
{
    return report_mean_gap(e, label, &q, 1, sd);
}

/* Mean distance of two runs over the quantities that both have; NaN: none. */
static double apart(const ReportRun *a, const ReportRun *b, const ReportQuantity *const *quantities, size_t count)
{
    MathEstimate x, y;
    double sum = 0;
    int terms = 0;
    for (size_t q = 0; q < count; q++) {
        if (!report_value(a, quantities[q], &x) || !report_value(b, quantities[q], &y)) continue;
        sum += fabs(x.value - y.value);
        terms++;
    }
    return terms ? sum / terms : (double)NAN;
}

MathEstimate report_floor(const ReportExperiment *e, const ReportQuantity *const *quantities, size_t count)
{
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    double sum = 0;
    int64_t pairs = 0;
    for (size_t i = 0; retrained && i < retrained->count; i++)
        for (size_t k = i + 1; k < retrained->count && !strcmp(retrained->runs[k]->forget, retrained->runs[i]->forget);
             k++) {
            double one = apart(retrained->runs[i], retrained->runs[k], quantities, count);
            if (isnan(one)) continue;
            sum += one;
            pairs++;
        }
    return math_estimate(pairs ? sum / (double)pairs : (double)NAN, pairs);
}

/* ------------------------------------------------------------ who is best */

/* Two-sided p of the paired t test over the seeds of what was folded; NaN where there are too few of them, or where all
 * are off by the same: t is then 0 divided into it, and says nothing of what another seed would give. */
static double p_over_seeds(const ReportFold *f, MathEstimate *mean)
{
    const double NOTHING = 1e-9; /* what rounding leaves of equal numbers */
    double sd;
    *mean = math_stats_mean(f->seed, f->seeds, 1 - REPORT_LEVEL, &sd);
    if (f->broken || f->seeds < REPORT_SEEDS_LEAST || isnan(sd)) return NAN;
    if (fabs(mean->value) < NOTHING) return 1;
    return sd < NOTHING ? (double)NAN : math_exchange_tails(mean->value / (sd / sqrt(f->seeds)), f->seeds - 1);
}

MathEstimate report_difference(const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *q, double *p)
{
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED);
    MathEstimate one, unused;
    *p = NAN;
    if (!retrained) return math_estimate(NAN, 0);
    for (size_t i = 0; i < label->count; i++)
        label->scratch[i] =
            report_value(label->runs[i], q, &one) ? one.value - own_partner(retrained, label->runs[i], q) : (double)NAN;
    const ReportFold fold = report_fold(label);
    if (fold.cells == 0) return math_estimate(NAN, 0);
    *p = p_over_seeds(&fold, &unused);
    MathEstimate mean = report_fold_mean(&fold, false, NULL);
    if (fold.seeds < 2) mean.lo = mean.hi = NAN; /* over classes or unlearnings: not what the others' are over */
    return mean;
}

/* How far a run is from what the quantity should be: lower is better. NaN where that is not known. */
static double shortfall(const ReportLabel *retrained, const ReportRun *run, const ReportQuantity *q)
{
    MathEstimate one;
    char *end;
    if (!report_value(run, q, &one)) return NAN;
    if (strcmp(q->ideal, "retrained") == 0)
        return retrained ? fabs(one.value - own_partner(retrained, run, q)) : (double)NAN;
    double ideal = strtod(q->ideal, &end);
    if (*q->ideal && !*end) return fabs(one.value - ideal);
    return strcmp(q->arrow, "↑") == 0 ? -one.value : strcmp(q->arrow, "↓") == 0 ? one.value : (double)NAN;
}

static double mean_shortfall(const ReportLabel *retrained, const ReportLabel *label, const ReportQuantity *q)
{
    for (size_t i = 0; i < label->count; i++) label->scratch[i] = shortfall(retrained, label->runs[i], q);
    const ReportFold fold = report_fold(label);
    return fold.cells ? report_fold_mean(&fold, false, NULL).value : (double)NAN;
}

/* p of a's shortfall less b's, of the same class and seed; NaN where a is not the nearer one. */
static double p_nearer(const ReportLabel *retrained, const ReportLabel *a, const ReportLabel *b,
                       const ReportQuantity *q)
{
    MathEstimate mean;
    for (size_t i = 0; i < a->count; i++) {
        const ReportLabel part = report_same_set(b, a->runs[i]->forget);
        double sum = 0, off;
        int n = 0;
        for (size_t j = 0; j < part.count; j++) {
            if (part.runs[j]->seed != a->runs[i]->seed) continue;
            if (!isnan(off = shortfall(retrained, part.runs[j], q))) sum += off, n++;
        }
        a->scratch[i] = n ? shortfall(retrained, a->runs[i], q) - sum / n : (double)NAN;
    }
    const ReportFold fold = report_fold(a);
    double p = p_over_seeds(&fold, &mean);
    return mean.value < 0 ? p : (double)NAN;
}

const ReportLabel *report_best(const ReportExperiment *e, const ReportQuantity *q)
{
    const ReportLabel *retrained = report_label_of(e, REPORT_RANK_RETRAINED), *best = NULL;
    double least = INFINITY, *p = e->scratch, *adjusted = p + e->label_count;
    int64_t others = 0;
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        double mean = label->rank == REPORT_RANK_METHOD ? mean_shortfall(retrained, label, q) : (double)NAN;
        if (mean < least) best = label, least = mean;
    }
    for (size_t l = 0; l < e->label_count && best; l++) {
        const ReportLabel *other = &e->labels[l];
        if (other == best || other->rank != REPORT_RANK_METHOD || isnan(mean_shortfall(retrained, other, q))) continue;
        p[others] = p_nearer(retrained, best, other, q);
        if (isnan(p[others++])) return NULL;
    }
    math_holm(p, others, adjusted);
    for (int64_t i = 0; i < others; i++)
        if (adjusted[i] > REPORT_LEVEL) return NULL;
    return others > 0 ? best : NULL;
}
