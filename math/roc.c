/* math/roc.c - with psi(x, y) = [x > y] + [x = y] / 2 over members x and non-members y, AUC = mean psi. DeLong's
 * variance:
 *     V10_i = mean over y of psi(x_i, y)      V01_j = mean over x of psi(x, y_j)      (the "placements")
 *     var(AUC) = var(V10) / P + var(V01) / N,  variances with ddof 1.
 * The placements follow from midranks in O(n log n); walking the sorted scores group of ties by group of
 * ties gives the same numbers: V10 = (N below + N in the group / 2) / N, V01 = (P above + P in the group / 2) / P. */
#include "math/roc.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/groups.h"

typedef struct {
    double score;
    int64_t members, nonmembers; /* with exactly this score */
} Group;

static int descending(const void *a, const void *b)
{
    double x = ((const Group *)a)->score, y = ((const Group *)b)->score;
    return (x < y) - (x > y);
}

/* The distinct scores from the highest down, with how many of each kind have each. *groups owned. */
static BaseStatus group_ties(const double *score, const uint8_t *member, int64_t n, Group **groups, int64_t *count,
                             int64_t *P)
{
    BaseStatus st = BASE_OK;
    Group *g = NULL;
    int64_t kept = 0;
    *groups = NULL;
    *P = 0;
    for (int64_t i = 0; i < n; i++) {
        BASE_CHECK(!isnan(score[i]), BASE_ENUMERIC, "the score of point %lld of %lld is NaN", (long long)i,
                   (long long)n);
        BASE_CHECK(member[i] <= 1, BASE_EARG, "membership of point %lld is %d; it must be 0 or 1", (long long)i,
                   member[i]);
        *P += member[i];
    }
    BASE_CHECK(*P > 0, BASE_EARG, "no members among %lld points: a ROC needs both kinds", (long long)n);
    BASE_CHECK(*P < n, BASE_EARG, "no non-members among %lld points: a ROC needs both kinds", (long long)n);
    BASE_TRY(BASE_ALLOC_RAW(n, &g));
    for (int64_t i = 0; i < n; i++) g[i] = (Group){score[i], member[i], !member[i]};
    qsort(g, (size_t)n, sizeof *g, descending);
    for (int64_t i = 0; i < n; i++) {
        if (kept && g[kept - 1].score == g[i].score) {
            g[kept - 1].members += g[i].members;
            g[kept - 1].nonmembers += g[i].nonmembers;
        } else {
            g[kept++] = g[i];
        }
    }
    *groups = g;
    *count = kept;
    g = NULL;
out:
    base_free(g);
    return st;
}

/* Which of the groups, whose scores fall, has this score. */
static int64_t group_of(const Group *groups, int64_t count, double score)
{
    int64_t lo = 0, hi = count - 1;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (groups[mid].score > score)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void math_roc_free(MathRoc *roc)
{
    if (!roc) return;
    base_free(roc->fpr);
    base_free(roc->tpr);
    base_free(roc->threshold);
    *roc = (MathRoc){0};
}

BaseStatus math_roc(const double *score, const uint8_t *member, int64_t n, MathRoc *out)
{
    BaseStatus st = BASE_OK;
    Group *groups = NULL;
    int64_t count = 0, P = 0;
    MathRoc roc = {0};
    *out = (MathRoc){0};
    BASE_TRY(group_ties(score, member, n, &groups, &count, &P));
    roc.P = P;
    roc.N = n - P;
    roc.count = count + 1;
    BASE_TRY(BASE_ALLOC_RAW(roc.count, &roc.fpr));
    BASE_TRY(BASE_ALLOC_RAW(roc.count, &roc.tpr));
    BASE_TRY(BASE_ALLOC_RAW(roc.count, &roc.threshold));
    int64_t tp = 0, fp = 0;
    roc.fpr[0] = roc.tpr[0] = 0;
    roc.threshold[0] = INFINITY;
    for (int64_t i = 0; i < count; i++) {
        tp += groups[i].members;
        fp += groups[i].nonmembers;
        roc.tpr[i + 1] = (double)tp / (double)roc.P;
        roc.fpr[i + 1] = (double)fp / (double)roc.N;
        roc.threshold[i + 1] = groups[i].score;
    }
    *out = roc;
    roc = (MathRoc){0};
out:
    base_free(groups);
    math_roc_free(&roc);
    return st;
}

/* AUC and its standard error from the tie groups; *untied: some pair is not a tie. */
static void delong(const Group *groups, int64_t count, int64_t P, int64_t N, MathAuc *out, bool *untied)
{
    *untied = count > 1;
    int64_t twice = 0; /* twice the number of won pairs: exact */
    int64_t above = 0, below = N;
    for (int64_t i = 0; i < count; i++) {
        below -= groups[i].nonmembers;
        twice += groups[i].members * (2 * below + groups[i].nonmembers);
    }
    double auc = (double)twice / (2 * (double)P * (double)N), s10 = 0, s01 = 0;
    below = N;
    for (int64_t i = 0; i < count; i++) {
        double p = (double)groups[i].members, q = (double)groups[i].nonmembers;
        below -= groups[i].nonmembers;
        double off10 = ((double)below + q / 2) / (double)N - auc, off01 = ((double)above + p / 2) / (double)P - auc;
        s10 += p * off10 * off10;
        s01 += q * off01 * off01;
        above += groups[i].members;
    }
    out->value = auc;
    out->P = P;
    out->N = N;
    out->se = P > 1 && N > 1 ? sqrt(s10 / (double)(P - 1) / (double)P + s01 / (double)(N - 1) / (double)N) : NAN;
}

bool math_auc_near_end(const MathAuc *auc)
{
    double end = fmin(auc->value, 1 - auc->value);
    return end < 0.01 || end * (double)base_smaller(auc->P, auc->N) < 0.5;
}

void math_auc_bounds(MathAuc *auc, bool untied, double quantile, double level)
{
    int64_t pairs = base_smaller(auc->P, auc->N);
    double value = auc->value, tail = (1 - level) / 2;
    if (!untied) {
        /* every pair tied: as for AUC 0 and 1, the error is 0; what may be untied is bounded, in either direction */
        double most = math_stats_share_upper(0, pairs, tail);
        auc->lo = 0.5 - most / 2;
        auc->hi = 0.5 + most / 2;
    } else if (value <= 0 || value >= 1) {
        MathEstimate exact = math_stats_share(value >= 1 ? pairs : 0, pairs, level);
        auc->lo = exact.lo;
        auc->hi = exact.hi;
    } else if (!isnan(auc->se)) {
        double logit = log(value) - log1p(-value), half = quantile * auc->se / (value * (1 - value));
        auc->lo = 1 / (1 + exp(half - logit));
        auc->hi = 1 / (1 + exp(-half - logit));
        if (!math_auc_near_end(auc)) return;
        double trials = value * (1 - value) / (auc->se * auc->se);
        MathEstimate wider = math_stats_share_effective(value, fmin(trials, (double)pairs), level);
        auc->lo = fmin(auc->lo, wider.lo);
        auc->hi = fmax(auc->hi, wider.hi);
    }
}

BaseStatus math_auc_level(const double *score, const uint8_t *member, int64_t n, double level, MathAuc *out)
{
    Group *groups = NULL;
    int64_t count = 0, P = 0;
    bool untied = false;
    *out = (MathAuc){NAN, NAN, NAN, NAN, 0, 0};
    if (!(level > 0 && level < 1))
        return base_error_set(BASE_EARG, "the level of an interval is %g; it must be between 0 and 1", level);
    BaseStatus st = group_ties(score, member, n, &groups, &count, &P);
    if (st != BASE_OK) return st;
    delong(groups, count, P, n - P, out, &untied);
    base_free(groups);
    math_auc_bounds(out, untied, math_stats_normal_quantile((1 + level) / 2), level);
    return BASE_OK;
}

BaseStatus math_auc(const double *score, const uint8_t *member, int64_t n, MathAuc *out)
{
    return math_auc_level(score, member, n, 0.95, out);
}

BaseStatus math_auc_placements(const double *score, const uint8_t *member, int64_t n, double *out)
{
    BaseStatus st = BASE_OK;
    Group *groups = NULL;
    int64_t count = 0, P = 0, above = 0, below = 0;
    double *place[2] = {NULL, NULL}; /* [count]: of a non-member, of a member in this group */
    BASE_TRY(group_ties(score, member, n, &groups, &count, &P));
    for (int k = 0; k < 2; k++) BASE_TRY(BASE_ALLOC_RAW(count, &place[k]));
    below = n - P;
    for (int64_t i = 0; i < count; i++) {
        below -= groups[i].nonmembers;
        place[1][i] = ((double)below + (double)groups[i].nonmembers / 2) / (double)(n - P);
        place[0][i] = ((double)above + (double)groups[i].members / 2) / (double)P;
        above += groups[i].members;
    }
    for (int64_t i = 0; i < n; i++) out[i] = place[member[i]][group_of(groups, count, score[i])];
out:
    base_free(groups);
    for (int k = 0; k < 2; k++) base_free(place[k]);
    return st;
}

BaseStatus math_roc_within(const double *score, const uint8_t *member, const int32_t *fold, int64_t n, double *out)
{
    BaseStatus st = BASE_OK;
    MathGroups folds = {0};
    Group *groups = NULL;
    double *own = NULL;
    uint8_t *kind = NULL;
    BASE_TRY(math_groups_make(fold, n, false, &folds));
    BASE_TRY(BASE_ALLOC_RAW(n, &own));
    BASE_TRY(BASE_ALLOC_RAW(n, &kind));
    for (int64_t f = 0; f < folds.count; f++) {
        const int32_t *point = folds.point + folds.start[f];
        int64_t size = folds.start[f + 1] - folds.start[f], count = 0, P = 0, below = 0;
        for (int64_t k = 0; k < size; k++) {
            own[k] = score[point[k]];
            kind[k] = member[point[k]];
        }
        BASE_TRY(group_ties(own, kind, size, &groups, &count, &P));
        for (int64_t g = count - 1; g >= 0; g--) { /* from the lowest score; own[g] is then the rank of group g */
            int64_t tied = groups[g].members + groups[g].nonmembers;
            own[g] = ((double)below + (double)tied / 2) / (double)size;
            below += tied;
        }
        for (int64_t k = 0; k < size; k++) out[point[k]] = own[group_of(groups, count, score[point[k]])];
        base_free(groups);
        groups = NULL;
    }
out:
    base_free(groups);
    base_free(own);
    base_free(kind);
    math_groups_free(&folds);
    return st;
}

/* The share of members above the k-th largest non-member, 1 <= k <= N: -1 without those that tie with it, 1 with them, 0
 * with half of them. */
static double share_above(const MathRoc *roc, int64_t k, int ties)
{
    if (k < 1) return 0;
    if (k > roc->N) return 1;
    int64_t lo = 1, hi = roc->count - 1; /* the first point with k non-members at or above it */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (llround(roc->fpr[mid] * (double)roc->N) >= k)
            hi = mid;
        else
            lo = mid + 1;
    }
    return ties < 0 ? roc->tpr[lo - 1] : ties > 0 ? roc->tpr[lo] : (roc->tpr[lo - 1] + roc->tpr[lo]) / 2;
}

/* The first c with P(Bin(n, p) >= c) <= @p error, or with < 1 - @p error. */
static int64_t tail(int64_t n, double p, double error, bool lower)
{
    int64_t lo = 0, hi = n + 1;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        double above = math_stats_binomial_upper(mid, n, p);
        if (lower ? above < 1 - error : above <= error)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

double math_roc_tpr(const MathRoc *roc, double fpr)
{
    double k = fpr * (double)(roc->N + 1), part = k - floor(k);
    if (!(k >= 1)) return NAN;
    double value = (1 - part) * share_above(roc, (int64_t)k, 0);
    return part > 0 ? value + part * share_above(roc, (int64_t)k + 1, 0) : value;
}

MathTprAtFpr math_roc_tpr_at_fpr(const MathRoc *roc, double fpr)
{
    MathTprAtFpr out = {NAN, NAN, NAN, NAN, NAN, roc->N};
    int64_t at = 0;
    out.value = math_roc_tpr(roc, fpr);
    if (isnan(out.value)) return out;
    while (at + 1 < roc->count && roc->fpr[at + 1] <= fpr) at++; /* fpr and tpr rise together */
    out.within = roc->tpr[at];
    out.realised_fpr = roc->fpr[at];
    double low = share_above(roc, tail(roc->N, fpr, 0.025, true) - 1, -1),
           high = share_above(roc, tail(roc->N, fpr, 0.025, false), 1);
    MathEstimate above = math_stats_share_effective(out.value, (double)roc->P, 0.95);
    if (out.value <= 0 || out.value >= 1) above = math_stats_share(out.value >= 1 ? roc->P : 0, roc->P, 0.95);
    out.lo = fmax(0, out.value - hypot(out.value - fmin(low, out.value), out.value - above.lo));
    out.hi = fmin(1, out.value + hypot(fmax(high, out.value) - out.value, above.hi - out.value));
    return out;
}

double math_roc_best_balanced(const MathRoc *roc, double *threshold)
{
    int64_t best = 0, most = 0;
    for (int64_t i = 1; i < roc->count; i++) { /* TPR - FPR in whole numbers: equals must compare as equals */
        int64_t tp = llround(roc->tpr[i] * (double)roc->P), fp = llround(roc->fpr[i] * (double)roc->N);
        int64_t gain = tp * roc->N - fp * roc->P;
        if (gain <= most) continue;
        most = gain;
        best = i;
    }
    if (threshold) *threshold = roc->threshold[best];
    return (roc->tpr[best] + 1 - roc->fpr[best]) / 2;
}
