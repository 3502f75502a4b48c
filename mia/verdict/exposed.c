/* mia/verdict/exposed.c - which of the forgotten points stand out by themselves. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "mia/verdict/parts.h"

/* A class with fewer held-out points has no scale of its own, and none of its points is judged. */
enum { LEAST = 20 };

typedef struct {
    int32_t label, point;
} Labelled;

static int by_label(const void *a, const void *b)
{
    const Labelled *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    return (x->point > y->point) - (x->point < y->point);
}

/* The score less the retrained models' mean, less the median of the held-out points of its class, over their
 * interquartile range; NaN in a class with too few of them. */
static BaseStatus excess(const MiaGameScores *g, double *out)
{
    BaseStatus st = BASE_OK;
    double *held_out = NULL;
    Labelled *order = NULL;
    BASE_TRY(BASE_ALLOC(g->n, &held_out));
    BASE_TRY(BASE_ALLOC(g->n, &order));
    for (int64_t i = 0; i < g->n; i++) {
        double mean = 0;
        for (int64_t r = 0; r < g->retrained.M; r++) mean += g->retrained.score[r * g->n + i] / (double)g->retrained.M;
        out[i] = g->unlearned.score[i] - mean;
        order[i] = (Labelled){g->label ? g->label[i] : 0, (int32_t)i};
    }
    qsort(order, (size_t)g->n, sizeof *order, by_label);
    for (int64_t start = 0, end; start < g->n; start = end) {
        int64_t N = 0;
        for (end = start; end < g->n && order[end].label == order[start].label; end++)
            if (!g->member[order[end].point]) held_out[N++] = out[order[end].point];
        if (N > 0) qsort(held_out, (size_t)N, sizeof *held_out, base_ascending_f64);
        double middle = N ? math_stats_quantile(held_out, N, 0.5) : 0;
        double range = N ? math_stats_quantile(held_out, N, 0.75) - math_stats_quantile(held_out, N, 0.25) : 0;
        for (int64_t k = start; k < end; k++) {
            double *e = &out[order[k].point];
            *e = N < LEAST ? NAN : (*e - middle) / (range > 0 ? range : 1);
        }
    }
out:
    base_free(held_out);
    base_free(order);
    return st;
}

/* The first point of a cluster of one kind stands for it, so that large clusters have no better chance to stand out; its
 * excess, and then its p. Without clusters each point is one. */
typedef struct {
    double value;
    int32_t cluster;
} Cluster;

static int by_number(const void *a, const void *b)
{
    const Cluster *x = a, *y = b;
    if (x->cluster != y->cluster) return x->cluster < y->cluster ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

static int64_t clusters_of(const MiaGameScores *g, const double *e, int kind, Cluster *out)
{
    int64_t n = 0, count = 0;
    for (int64_t i = 0; i < g->n; i++)
        if (g->member[i] == kind && !isnan(e[i])) out[n++] = (Cluster){e[i], g->cluster ? g->cluster[i] : (int32_t)i};
    qsort(out, (size_t)n, sizeof *out, by_number);
    for (int64_t i = 0; i < n; i++)
        if (count == 0 || out[count - 1].cluster != out[i].cluster) out[count++] = out[i];
    return count;
}

static int by_value(const void *a, const void *b)
{
    return base_ascending_f64(&((const Cluster *)a)->value, &((const Cluster *)b)->value);
}

/* Held-out clusters whose excess is at least @p value; at most where @p below. */
static int64_t as_far(const Cluster *held_out, int64_t N, double value, bool below)
{
    int64_t lo = 0, hi = N; /* the first that is not less, or that is more */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (below ? held_out[mid].value <= value : held_out[mid].value < value)
            lo = mid + 1;
        else
            hi = mid;
    }
    return below ? lo : N - lo;
}

/* Two-sided conformal p of every member cluster, in place of its excess: too familiar gives away as too unfamiliar does. */
static void conformal(Cluster *member, int64_t n, Cluster *held_out, int64_t N)
{
    qsort(held_out, (size_t)N, sizeof *held_out, by_value);
    for (int64_t i = 0; i < n; i++) {
        int64_t fewer =
            base_smaller(as_far(held_out, N, member[i].value, false), as_far(held_out, N, member[i].value, true));
        member[i].value = fmin(1, 2 * (double)(1 + fewer) / (double)(N + 1));
    }
}

/* The largest p that Benjamini and Hochberg reject; 0: none. */
static double largest_rejected(const Cluster *member, int64_t n, double *sorted)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) sorted[i] = member[i].value;
    qsort(sorted, (size_t)n, sizeof *sorted, base_ascending_f64);
    for (int64_t i = 0; i < n; i++)
        if (sorted[i] <= MIA_EXPOSED_FDR * (double)(i + 1) / (double)n) most = sorted[i];
    return most;
}

static int same_number(const void *a, const void *b)
{
    const Cluster *x = a, *y = b;
    return (x->cluster > y->cluster) - (x->cluster < y->cluster);
}

static double p_of(const Cluster *member, int64_t n, int32_t cluster)
{
    const Cluster key = {0, cluster}, *found = bsearch(&key, member, (size_t)n, sizeof key, same_number);
    return found ? found->value : 1;
}

BaseStatus mia_expose(const MiaAuditScores *scores, int64_t attacks, MiaExposed *out)
{
    BaseStatus st = BASE_OK;
    double *e = NULL, *p = NULL;
    Cluster *member = NULL, *held_out = NULL;
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
    BASE_TRY(BASE_ALLOC(g->n, &member));
    BASE_TRY(BASE_ALLOC(g->n, &held_out));
    BASE_TRY(excess(g, e));
    int64_t n = clusters_of(g, e, 1, member), N = clusters_of(g, e, 0, held_out), count = 0;
    conformal(member, n, held_out, N);
    double most = largest_rejected(member, n, e);
    for (int64_t i = 0; i < g->n; i++) {
        if (!g->member[i]) continue;
        p[count] = p_of(member, n, g->cluster ? g->cluster[i] : (int32_t)i);
        out->found += most > 0 && p[count] <= most;
        count++;
    }
    out->attack = by->attack;
    out->p = p;
    out->n = count;
    p = NULL;
out:
    base_free(e);
    base_free(p);
    base_free(member);
    base_free(held_out);
    return st;
}
