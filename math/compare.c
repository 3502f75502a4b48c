/* math/compare.c - differences between attacks' results and verdicts on them (math/compare.h). */
#include "math/compare.h"

#include <math.h>

#include "base/memory.h"
#include "base/order.h"

/* var(a), var(b) and cov(a, b) of two AUCs from their placements: each a sum of a part from members and one from
 * non-members, with ddof 1. */
static void covariances(const double *va, const double *vb, const uint8_t *member, int64_t n, double out[3])
{
    for (int i = 0; i < 3; i++) out[i] = 0;
    for (int kind = 0; kind < 2; kind++) {
        long double mean[2] = {0, 0}, sum[3] = {0, 0, 0};
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++) {
            if (member[i] != kind) continue;
            mean[0] += va[i];
            mean[1] += vb[i];
            count++;
        }
        for (int k = 0; k < 2; k++) mean[k] /= count;
        for (int64_t i = 0; i < n; i++) {
            if (member[i] != kind) continue;
            long double x = va[i] - mean[0], y = vb[i] - mean[1];
            sum[0] += x * x;
            sum[1] += y * y;
            sum[2] += x * y;
        }
        for (int k = 0; k < 3; k++) out[k] += (double)(sum[k] / (count - 1) / count);
    }
}

static MathEstimate estimate_of(const MathAuc *auc)
{
    return (MathEstimate){auc->value, auc->lo, auc->hi, base_smaller(auc->P, auc->N)};
}

BaseStatus math_auc_paired(const double *a, const double *b, const uint8_t *member, int64_t n, double level,
                           MathAucDifference *out)
{
    BaseStatus st = BASE_OK;
    double *place[2] = {NULL, NULL}, cov[3];
    bool alike = true;
    *out = (MathAucDifference){{NAN, NAN, NAN, 0}, {NAN, NAN, NAN, NAN, 0, 0}, {NAN, NAN, NAN, NAN, 0, 0}, NAN, NAN};
    BASE_TRY(math_auc_level(a, member, n, level, &out->a));
    BASE_TRY(math_auc_level(b, member, n, level, &out->b));
    for (int k = 0; k < 2; k++) BASE_TRY(BASE_ALLOC_RAW(n, &place[k]));
    BASE_TRY(math_auc_placements(a, member, n, place[0]));
    BASE_TRY(math_auc_placements(b, member, n, place[1]));
    int64_t pairs = base_smaller(out->a.P, out->a.N);
    out->difference = math_estimate(out->a.value - out->b.value, pairs);
    if (pairs < 2) goto out;
    for (int64_t i = 0; i < n && alike; i++) alike = place[0][i] == place[1][i];
    covariances(place[0], place[1], member, n, cov);
    out->correlation = cov[2] / sqrt(cov[0] * cov[1]); /* 0 / 0: NaN */
    double variance = cov[0] + cov[1] - 2 * cov[2];
    out->se = variance > 0 ? sqrt(variance) : 0;
    if (alike) {
        double most = math_stats_share_upper(0, pairs, (1 - level) / 2);
        out->difference.lo = -most;
        out->difference.hi = most;
    } else if (math_auc_near_end(&out->a) || math_auc_near_end(&out->b) || !(variance > 0)) {
        double r = variance > 0 && cov[0] > 0 && cov[1] > 0 ? out->correlation : 0;
        out->difference = math_stats_difference(estimate_of(&out->a), estimate_of(&out->b), r);
    } else {
        double half = math_stats_normal_quantile((1 + level) / 2) * out->se;
        out->difference.lo = out->difference.value - half;
        out->difference.hi = out->difference.value + half;
    }
out:
    for (int k = 0; k < 2; k++) base_free(place[k]);
    return st;
}

const char *math_verdict_name(MathVerdict verdict)
{
    static const char *const NAMES[] = {"leaks", "over-forgotten", "indistinguishable", "underpowered"};
    return NAMES[verdict];
}

MathVerdict math_verdict(MathEstimate wide, MathEstimate narrow, double margin)
{
    if (narrow.lo > -margin && narrow.hi < margin) return MATH_INDISTINGUISHABLE;
    if (wide.lo > 0) return MATH_LEAKS;
    if (wide.hi < 0) return MATH_OVER_FORGOTTEN;
    return MATH_UNDERPOWERED;
}
