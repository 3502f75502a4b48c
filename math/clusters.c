/* math/clusters.c - sums over clusters in the place of sums over points. An AUC is, to first order,
 *     AUC + mean over members of (V10 - AUC) + mean over non-members of (V01 - AUC)      (math/roc.c)
 * so that each cluster adds a + b, its members' and its non-members' terms, and the variance is that of a sum of independent
 * terms: sum of a^2 + sum of b^2 + 2 sum of a b, each times G / (G - 1) of the clusters that it is over. */
#include "math/clusters.h"

#include <math.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"

double math_clusters_variance(const double *v, const uint8_t *counts, const MathGroups *clusters)
{
    double mean = 0, square = 0;
    int64_t n = 0, used = 0, all = clusters->start[clusters->count];
    for (int64_t i = 0; i < all; i++) {
        if (counts && !counts[i]) continue;
        mean += v[i];
        n++;
    }
    if (n < 2) return NAN;
    mean /= (double)n;
    for (int64_t g = 0; g < clusters->count; g++) {
        double own = 0;
        bool any = false;
        for (int64_t k = clusters->start[g]; k < clusters->start[g + 1]; k++) {
            int64_t i = clusters->point[k];
            if (counts && !counts[i]) continue;
            own += v[i] - mean;
            any = true;
        }
        square += own * own;
        used += any;
    }
    if (used < 2) return NAN;
    return square * (double)used / (double)(used - 1) / ((double)n * (double)n);
}

static double of_clusters(double square, int64_t G)
{
    return G > 1 ? square * (double)G / (double)(G - 1) : (double)NAN;
}

MathClustersAuc math_clusters_auc_variance(const double *v, const uint8_t *member, const uint8_t *counts,
                                           const MathGroups *clusters)
{
    double mean[2] = {0, 0}, square[2] = {0, 0}, cross = 0;
    int64_t n[2] = {0, 0}, used[2] = {0, 0}, joint = 0, all = clusters->start[clusters->count];
    for (int64_t i = 0; i < all; i++) {
        if (counts && !counts[i]) continue;
        mean[member[i]] += v[i];
        n[member[i]]++;
    }
    for (int kind = 0; kind < 2; kind++) mean[kind] /= (double)n[kind];
    for (int64_t g = 0; g < clusters->count; g++) {
        double own[2] = {0, 0};
        bool any[2] = {false, false};
        for (int64_t k = clusters->start[g]; k < clusters->start[g + 1]; k++) {
            int64_t i = clusters->point[k];
            if (counts && !counts[i]) continue;
            own[member[i]] += v[i] - mean[member[i]];
            any[member[i]] = true;
        }
        for (int kind = 0; kind < 2; kind++) {
            square[kind] += own[kind] * own[kind];
            used[kind] += any[kind];
        }
        cross += own[0] * own[1];
        joint += any[0] || any[1];
    }
    MathClustersAuc out = {.both = 0, .fewest = base_smaller(used[0], used[1])};
    for (int kind = 0; kind < 2; kind++)
        out.of[kind] = of_clusters(square[kind], used[kind]) / ((double)n[kind] * (double)n[kind]);
    if (cross != 0) out.both = 2 * of_clusters(cross, joint) / ((double)n[0] * (double)n[1]);
    return out;
}

void math_clusters_auc_bounds(MathAuc *auc, int64_t clusters, bool untied, double level)
{
    MathAuc over = {auc->value, NAN, NAN, auc->se, clusters, clusters};
    if (!isnan(auc->se))
        math_auc_bounds(&over, untied, math_stats_t_quantile((1 + level) / 2, (double)(clusters - 1)), level);
    auc->lo = over.lo;
    auc->hi = over.hi;
}

BaseStatus math_clusters_auc(const double *score, const uint8_t *member, const int32_t *cluster, int64_t n,
                             double level, MathAuc *out)
{
    BaseStatus st = BASE_OK;
    MathGroups clusters = {0};
    MathAuc auc;
    double *placed = NULL;
    bool untied = false;
    st = math_auc_level(score, member, n, level, out);
    if (st != BASE_OK || !cluster) return st;
    auc = *out;
    BASE_TRY(BASE_ALLOC_RAW(n, &placed));
    BASE_TRY(math_groups_make(cluster, n, true, &clusters));
    BASE_TRY(math_auc_placements(score, member, n, placed));
    for (int64_t i = 0; i < n; i++) untied = untied || score[i] != score[0];
    MathClustersAuc v = math_clusters_auc_variance(placed, member, NULL, &clusters);
    auc.se = sqrt(v.of[0] + v.of[1] + v.both);
    math_clusters_auc_bounds(&auc, v.fewest, untied, level);
    *out = auc;
out:
    base_free(placed);
    math_groups_free(&clusters);
    if (st != BASE_OK) *out = (MathAuc){NAN, NAN, NAN, NAN, 0, 0};
    return st;
}

/* Of the clusters' sums less the mean. */
static double skewness(const double *x, double mean, const MathGroups *clusters)
{
    double square = 0, cube = 0, G = (double)clusters->count;
    for (int64_t g = 0; g < clusters->count; g++) {
        double own = 0;
        for (int64_t k = clusters->start[g]; k < clusters->start[g + 1]; k++) own += x[clusters->point[k]] - mean;
        square += own * own / G;
        cube += own * own * own / G;
    }
    return cube / (square * sqrt(square));
}

BaseStatus math_clusters_mean(const double *x, const int32_t *cluster, int64_t n, double level, MathEstimate *out)
{
    BaseStatus st = BASE_OK;
    MathGroups clusters = {0};
    double below, above;
    *out = math_stats_mean_skewed(x, n, level);
    if (!cluster || n < 1) return BASE_OK;
    BASE_TRY(math_groups_make(cluster, n, true, &clusters));
    out->lo = out->hi = NAN;
    if (clusters.count < 2) goto out;
    double se = sqrt(math_clusters_variance(x, NULL, &clusters));
    math_stats_skewed_reach(skewness(x, out->value, &clusters), clusters.count, level, &below, &above);
    out->lo = out->value - below * se;
    out->hi = out->value + above * se;
out:
    math_groups_free(&clusters);
    return st;
}

BaseStatus math_clusters_share(const uint8_t *yes, const int32_t *cluster, int64_t n, double level, MathEstimate *out)
{
    BaseStatus st = BASE_OK;
    MathGroups clusters = {0};
    double *v = NULL;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += yes[i] != 0;
    *out = math_stats_share(count, n, level);
    if (!cluster || n < 1) return BASE_OK;
    BASE_TRY(math_groups_make(cluster, n, true, &clusters));
    MathEstimate own = math_estimate(out->value, n);
    if (count == 0 || count == n) {
        own = math_stats_share(count ? clusters.count : 0, clusters.count, level);
    } else if (clusters.count > 1) {
        BASE_TRY(BASE_ALLOC_RAW(n, &v));
        for (int64_t i = 0; i < n; i++) v[i] = yes[i] != 0;
        double variance = math_clusters_variance(v, NULL, &clusters), p = out->value;
        double wider = math_stats_t_quantile((1 + level) / 2, (double)(n - 1)) /
                       math_stats_t_quantile((1 + level) / 2, (double)(clusters.count - 1));
        own = math_stats_share_effective(p, fmin((double)n, p * (1 - p) / variance * wider * wider), level);
    }
    out->lo = own.lo;
    out->hi = own.hi;
out:
    math_groups_free(&clusters);
    base_free(v);
    if (st != BASE_OK) *out = math_estimate(NAN, 0);
    return st;
}

BaseStatus math_clusters_draw(const int32_t *cluster, int64_t n, uint64_t seed, uint8_t *drawn)
{
    MathGroups clusters = {0};
    BaseStatus st = math_groups_make(cluster, n, true, &clusters);
    if (st != BASE_OK) return st;
    BaseRandom random = base_random_make(seed, "one_of_each_cluster", 0);
    for (int64_t i = 0; i < n; i++) drawn[i] = 0;
    for (int64_t g = 0; g < clusters.count; g++) {
        int64_t size = clusters.start[g + 1] - clusters.start[g];
        int64_t at = size > 1 ? (int64_t)base_random_below(&random, (uint64_t)size) : 0;
        drawn[clusters.point[clusters.start[g] + at]] = 1;
    }
    math_groups_free(&clusters);
    return BASE_OK;
}
