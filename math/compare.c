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

void math_class_auc_free(MathClassAuc *classes)
{
    if (!classes) return;
    base_free(classes->each);
    *classes = (MathClassAuc){0};
}

typedef struct {
    double *score;
    uint8_t *member;
    int64_t n, P;
} ClassPoints;

static void take_class(const double *score, const uint8_t *member, const int32_t *label, int64_t n, int64_t c,
                       ClassPoints *out)
{
    out->n = out->P = 0;
    for (int64_t i = 0; i < n; i++) {
        if (label[i] != c) continue;
        out->P += member[i];
        out->score[out->n] = score[i];
        out->member[out->n++] = member[i];
    }
}

static void summarise(MathClassAuc *out, double level, MathEstimate *part, double *value)
{
    int64_t count = 0;
    for (int64_t c = 0; c < out->C; c++) {
        if (isnan(out->each[c].value)) continue;
        value[count] = out->each[c].value;
        part[count++] =
            (MathEstimate){out->each[c].value, out->each[c].lo, out->each[c].hi, out->each[c].P + out->each[c].N};
    }
    out->macro = math_stats_mean_of(part, count);
    out->other = math_stats_mean(value, count, level, NULL);
}

BaseStatus math_class_auc(const double *score, const uint8_t *member, const int32_t *label, int64_t n, int64_t C,
                          double level, MathClassAuc *out)
{
    BaseStatus st = BASE_OK;
    ClassPoints points = {0};
    MathClassAuc result = {.C = C, .worst = {-INFINITY, -INFINITY, -INFINITY, 0}, .worst_class = -1};
    MathEstimate *part = NULL;
    double *value = NULL;
    *out = (MathClassAuc){0};
    BASE_CHECK(C >= 1, BASE_EARG, "there are %lld classes; at least 1 is needed", (long long)C);
    for (int64_t i = 0; i < n; i++)
        BASE_CHECK(label[i] >= 0 && label[i] < C, BASE_EARG, "the label of point %lld is %d; labels are 0 to %lld",
                   (long long)i, label[i], (long long)C - 1);
    BASE_TRY(BASE_ALLOC_RAW(n, &points.score));
    BASE_TRY(BASE_ALLOC_RAW(n, &points.member));
    BASE_TRY(BASE_ALLOC(C, &result.each));
    BASE_TRY(BASE_ALLOC_RAW(C, &part));
    BASE_TRY(BASE_ALLOC_RAW(C, &value));
    for (int64_t c = 0; c < C; c++) {
        take_class(score, member, label, n, c, &points);
        result.each[c] = (MathAuc){NAN, NAN, NAN, NAN, points.P, points.n - points.P};
        if (points.P == 0 || points.P == points.n) continue;
        BASE_TRY(math_auc_level(points.score, points.member, points.n, level, &result.each[c]));
        result.judged++;
    }
    BASE_CHECK(result.judged > 0, BASE_EARG, "none of %lld classes has both members and non-members", (long long)C);
    for (int64_t c = 0; c < C; c++) {
        MathAuc all;
        if (isnan(result.each[c].value)) continue;
        take_class(score, member, label, n, c, &points);
        BASE_TRY(math_auc_level(points.score, points.member, points.n, 1 - (1 - level) / (double)result.judged, &all));
        if (isnan(all.lo)) { /* one point of a kind: no bound below 1 holds for all classes */
            all.lo = 0;
            all.hi = 1;
        }
        if (all.value > result.worst.value) {
            result.worst.value = all.value;
            result.worst.n = points.n;
            result.worst_class = c;
        }
        if (all.lo > result.worst.lo) result.worst.lo = all.lo;
        if (all.hi > result.worst.hi) result.worst.hi = all.hi;
    }
    summarise(&result, level, part, value);
    *out = result;
    result.each = NULL;
out:
    base_free(points.score);
    base_free(points.member);
    base_free(part);
    base_free(value);
    math_class_auc_free(&result);
    return st;
}
