/* mia/verdict/exposed.c - which of the forgotten points stand out by themselves. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "mia/verdict/parts.h"

/* The score less the retrained models' mean, less the median of the held-out points of its class, over their
 * interquartile range. */
static BaseStatus excess(const MiaGameScores *g, double *out)
{
    BaseStatus st = BASE_OK;
    double *held_out = NULL;
    uint8_t *done = NULL;
    BASE_TRY(BASE_ALLOC(g->n, &held_out));
    BASE_TRY(BASE_ALLOC(g->n, &done));
    for (int64_t i = 0; i < g->n; i++) {
        double mean = 0;
        for (int64_t r = 0; r < g->retrained.M; r++) mean += g->retrained.score[r * g->n + i] / (double)g->retrained.M;
        out[i] = g->unlearned.score[i] - mean;
    }
    for (int64_t i = 0; i < g->n; i++) {
        int64_t N = 0;
        if (done[i]) continue;
        for (int64_t k = i; k < g->n; k++)
            if (!g->member[k] && (!g->label || g->label[k] == g->label[i])) held_out[N++] = out[k];
        for (int64_t k = 0; k < i; k++)
            if (!g->member[k] && g->label && g->label[k] == g->label[i]) held_out[N++] = out[k];
        qsort(held_out, (size_t)N, sizeof *held_out, base_ascending_f64);
        double middle = N ? math_stats_quantile(held_out, N, 0.5) : 0;
        double range = N ? math_stats_quantile(held_out, N, 0.75) - math_stats_quantile(held_out, N, 0.25) : 0;
        for (int64_t k = i; k < g->n; k++) {
            if (g->label && g->label[k] != g->label[i]) continue;
            out[k] = (out[k] - middle) / (range > 0 ? range : 1);
            done[k] = 1;
        }
    }
out:
    base_free(held_out);
    base_free(done);
    return st;
}

/* A cluster of one kind: the largest excess of its points, and then its p. Without clusters each point is one. */
typedef struct {
    double value;
    int32_t cluster;
} Cluster;

static int by_number(const void *a, const void *b)
{
    const Cluster *x = a, *y = b;
    return (x->cluster > y->cluster) - (x->cluster < y->cluster);
}

static int64_t clusters_of(const MiaGameScores *g, const double *e, int kind, Cluster *out)
{
    int64_t n = 0, count = 0;
    for (int64_t i = 0; i < g->n; i++)
        if (g->member[i] == kind) out[n++] = (Cluster){e[i], g->cluster ? g->cluster[i] : (int32_t)i};
    qsort(out, (size_t)n, sizeof *out, by_number);
    for (int64_t i = 0; i < n; i++) {
        if (count > 0 && out[count - 1].cluster == out[i].cluster)
            out[count - 1].value = fmax(out[count - 1].value, out[i].value);
        else
            out[count++] = out[i];
    }
    return count;
}

static int by_value(const void *a, const void *b)
{
    return base_ascending_f64(&((const Cluster *)a)->value, &((const Cluster *)b)->value);
}

/* Conformal p of every member cluster, in place of its value: held-out clusters that stand out as much. */
static void conformal(Cluster *member, int64_t n, Cluster *held_out, int64_t N)
{
    qsort(held_out, (size_t)N, sizeof *held_out, by_value);
    for (int64_t i = 0; i < n; i++) {
        int64_t lo = 0, hi = N; /* the first that is not below */
        while (lo < hi) {
            int64_t mid = lo + (hi - lo) / 2;
            if (held_out[mid].value < member[i].value)
                lo = mid + 1;
            else
                hi = mid;
        }
        member[i].value = (double)(1 + N - lo) / (double)(N + 1);
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

static double p_of(const Cluster *member, int64_t n, int32_t cluster)
{
    const Cluster key = {0, cluster};
    const Cluster *found = bsearch(&key, member, (size_t)n, sizeof key, by_number);
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
