/* mia/verdict/exposed.c - which of the forgotten points stand out by themselves. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/groups.h"
#include "mia/verdict/parts.h"

/* A class with fewer held-out points has no scale of its own, and none of its points is judged. */
enum { LEAST = 20 };

/* The score less the retrained models' mean, less the median of the held-out points of its class, over their
 * interquartile range; NaN in a class with too few of them. */
static BaseStatus excess(const MiaGameScores *g, double *out)
{
    BaseStatus st = BASE_OK;
    double *held_out = NULL;
    MathGroups classes = {0};
    BASE_TRY(BASE_ALLOC(g->n, &held_out));
    BASE_TRY(math_groups_make(g->label, g->n, false, &classes));
    for (int64_t i = 0; i < g->n; i++) {
        double mean = 0;
        for (int64_t r = 0; r < g->retrained.M; r++) mean += g->retrained.score[r * g->n + i] / (double)g->retrained.M;
        out[i] = g->unlearned.score[i] - mean;
    }
    for (int64_t c = 0; c < classes.count; c++) {
        const int32_t *point = classes.point + classes.start[c];
        int64_t N = 0, n = classes.start[c + 1] - classes.start[c];
        for (int64_t k = 0; k < n; k++)
            if (!g->member[point[k]]) held_out[N++] = out[point[k]];
        if (N > 0) qsort(held_out, (size_t)N, sizeof *held_out, base_ascending_f64);
        double middle = N ? math_stats_quantile(held_out, N, 0.5) : 0;
        double range = N ? math_stats_quantile(held_out, N, 0.75) - math_stats_quantile(held_out, N, 0.25) : 0;
        for (int64_t k = 0; k < n; k++) {
            double *e = &out[point[k]];
            *e = N < LEAST ? NAN : (*e - middle) / (range > 0 ? range : 1);
        }
    }
out:
    base_free(held_out);
    math_groups_free(&classes);
    return st;
}

/* The first judged point of this kind in a cluster stands for it, so that large clusters have no better chance to stand out;
 * NaN: there is none. */
static double first_of(const MiaGameScores *g, const MathGroups *clusters, int64_t c, int kind, const double *e)
{
    for (int64_t k = clusters->start[c]; k < clusters->start[c + 1]; k++) {
        int64_t i = clusters->point[k];
        if (g->member[i] == kind && !isnan(e[i])) return e[i];
    }
    return NAN;
}

/* How many of @p sorted [N] are at least @p value; at most where @p below. */
static int64_t as_far(const double *sorted, int64_t N, double value, bool below)
{
    int64_t lo = 0, hi = N; /* the first that is not less, or that is more */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (below ? sorted[mid] <= value : sorted[mid] < value)
            lo = mid + 1;
        else
            hi = mid;
    }
    return below ? lo : N - lo;
}

/* Two-sided: too familiar gives away as too unfamiliar does. */
static double conformal(double value, const double *held_out, int64_t N)
{
    int64_t fewer = base_smaller(as_far(held_out, N, value, false), as_far(held_out, N, value, true));
    return fmin(1, 2 * (double)(1 + fewer) / (double)(N + 1));
}

/* The largest p that Benjamini and Hochberg reject; 0: none. Sorts @p p. */
static double largest_rejected(double *p, int64_t n)
{
    double most = 0;
    qsort(p, (size_t)n, sizeof *p, base_ascending_f64);
    for (int64_t i = 0; i < n; i++)
        if (p[i] <= MIA_EXPOSED_FDR * (double)(i + 1) / (double)n) most = p[i];
    return most;
}

/* The part, by @p key, whose points stand out most; @p apart [n] p of the judged points, NaN of all others. */
static BaseStatus worst_part(const int32_t *key, const double *apart, int64_t n, double most, MiaExposedPart *out)
{
    BaseStatus st = BASE_OK;
    MathGroups parts = {0};
    double *own = NULL, least = INFINITY;
    int64_t judged = 0;
    *out = (MiaExposedPart){.p = NAN};
    if (!key) return BASE_OK;
    BASE_TRY(math_groups_make(key, n, false, &parts));
    BASE_TRY(BASE_ALLOC(n, &own));
    for (int64_t g = 0; g < parts.count; g++) {
        int64_t count = 0, found = 0;
        for (int64_t k = parts.start[g]; k < parts.start[g + 1]; k++) {
            double p = apart[parts.point[k]];
            if (isnan(p)) continue;
            own[count++] = p;
            found += most > 0 && p <= most;
        }
        if (count == 0) continue;
        judged++;
        double p = math_simes(own, count);
        if (p >= least) continue;
        least = p;
        *out = (MiaExposedPart){key[parts.point[parts.start[g]]], count, found, NAN};
    }
    if (judged > 1) out->p = fmin(1, least * (double)judged);
out:
    math_groups_free(&parts);
    base_free(own);
    return st;
}

/* p of every member point, 1 where it is not judged; those of the judged points alone, NaN elsewhere; the largest that is rejected. */
static BaseStatus judge_points(const MiaGameScores *g, const double *e, double *p, double *apart, double *most,
                               MiaExposed *out)
{
    BaseStatus st = BASE_OK;
    MathGroups clusters = {0};
    double *held_out = NULL, *each = NULL;
    int64_t N = 0, n = 0;
    BASE_TRY(math_groups_make(g->cluster, g->n, true, &clusters));
    BASE_TRY(BASE_ALLOC(g->n, &held_out));
    BASE_TRY(BASE_ALLOC(g->n, &each));
    for (int64_t c = 0; c < clusters.count; c++) {
        double value = first_of(g, &clusters, c, 0, e);
        if (!isnan(value)) held_out[N++] = value;
    }
    qsort(held_out, (size_t)N, sizeof *held_out, base_ascending_f64);
    for (int64_t c = 0; c < clusters.count; c++) {
        double value = first_of(g, &clusters, c, 1, e), own = isnan(value) ? 1 : conformal(value, held_out, N);
        if (!isnan(value)) each[n++] = own;
        for (int64_t k = clusters.start[c]; k < clusters.start[c + 1]; k++) {
            int64_t i = clusters.point[k];
            p[i] = own;
            apart[i] = !isnan(value) && g->member[i] && !isnan(e[i]) ? own : NAN;
            if (!isnan(apart[i])) value = NAN; /* the first of the cluster stands for it */
        }
    }
    *most = largest_rejected(each, n);
    out->clusters = n;
    for (int64_t k = 0; k < n; k++) out->clusters_found += *most > 0 && each[k] <= *most;
out:
    math_groups_free(&clusters);
    base_free(held_out);
    base_free(each);
    return st;
}

BaseStatus mia_expose(const MiaAuditScores *scores, int64_t attacks, MiaExposed *out)
{
    BaseStatus st = BASE_OK;
    double *e = NULL, *p = NULL, *apart = NULL, most;
    const MiaAuditScores *by = NULL;
    *out = (MiaExposed){0};
    for (int64_t i = 0; i < attacks; i++)
        if (!by && scores[i].panel && !scores[i].fitted && scores[i].game[MIA_GAME_FORGET].n > 0 &&
            scores[i].game[MIA_GAME_FORGET].unlearned.M > 0)
            by = &scores[i];
    if (!by) return BASE_OK;
    const MiaGameScores *g = &by->game[MIA_GAME_FORGET];
    BASE_TRY(BASE_ALLOC(g->n, &e));
    BASE_TRY(BASE_ALLOC(g->n, &p));
    BASE_TRY(excess(g, e));
    BASE_TRY(BASE_ALLOC(g->n, &apart));
    BASE_TRY(judge_points(g, e, p, apart, &most, out));
    BASE_TRY(worst_part(g->label, apart, g->n, most, &out->worst_class));
    BASE_TRY(worst_part(g->subgroup, apart, g->n, most, &out->worst_subgroup));
    for (int64_t i = 0; i < g->n; i++) {
        if (!g->member[i]) continue;
        out->found += most > 0 && p[i] <= most;
        p[out->n++] = p[i];
    }
    out->attack = by->attack;
    out->p = p;
    p = NULL;
out:
    base_free(e);
    base_free(p);
    base_free(apart);
    return st;
}
