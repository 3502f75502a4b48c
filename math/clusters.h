/* math/clusters.h - numbers of points that may depend on each other: those of one cluster (copies, one person) in any way;
 * clusters are independent draws. With every point a cluster of its own they are the usual ones. */
#ifndef MATH_CLUSTERS_H
#define MATH_CLUSTERS_H

#include "math/groups.h"
#include "math/roc.h"

/** The variance of the mean of v over the points marked in @p counts (NULL: all), clusters taken whole: with G clusters
 *  and n points, G / (G - 1) sum over clusters of (sum of v - mean)^2 / n^2. NaN for one cluster. O(n). */
double math_clusters_variance(const double *v, const uint8_t *counts, const MathGroups *clusters);

/** What an AUC varies by over points: Obuchowski (1997, Biometrics 53), which is DeLong's variance over clusters. */
typedef struct {
    double of[2];   /* non-members' and members' part; NaN for one cluster of the kind */
    double both;    /* of clusters with points of both kinds, whose parts do not vary independently; may be negative */
    int64_t fewest; /* clusters of the kind that has fewer */
} MathClustersAuc;
/** @p v the placements (math_auc_placements), or a difference of such: what varies is the mean over members plus the mean over
 *  non-members. @p member, @p counts [n] as above. O(n). */
MathClustersAuc math_clusters_auc_variance(const double *v, const uint8_t *member, const uint8_t *counts,
                                           const MathGroups *clusters);

/** Lo and hi of an AUC from value and se, which rest on so many clusters of the smaller kind: t on clusters - 1. */
void math_clusters_auc_bounds(MathAuc *auc, int64_t clusters, bool untied, double level);
/** AUC of all points with an interval over clusters. @p cluster [n]; NULL: math_auc_level. P, N: points. */
BaseStatus math_clusters_auc(const double *score, const uint8_t *member, const int32_t *cluster, int64_t n,
                             double level, MathAuc *out);

/** A mean and a share of all n points with intervals over clusters: as math_stats_mean_skewed, and Clopper-Pearson's on as many trials as have the
 *  share's variance, fewer as Student's quantile is larger than the one for n (Korn and Graubard 1998, Survey Methodology 24).
 *  No interval for one cluster. @p cluster [n]; NULL: math_stats_mean_skewed,
 *  math_stats_share. */
BaseStatus math_clusters_mean(const double *x, const int32_t *cluster, int64_t n, double level, MathEstimate *out);
BaseStatus math_clusters_share(const uint8_t *yes, const int32_t *cluster, int64_t n, double level, MathEstimate *out);

/** Marks one point of each cluster, drawn by lot under @p seed: @p drawn [n] 0/1. Not the first one: where a cluster has
 *  members and non-members, that would often be a member, and members would come from other clusters than non-members. */
BaseStatus math_clusters_draw(const int32_t *cluster, int64_t n, uint64_t seed, uint8_t *drawn);

#endif
