/* math/holdout.c - thresholds chosen on one part of the points and judged on the rest. */
#include "math/holdout.h"

#include <math.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"

BaseStatus math_holdout_split(const uint8_t *member, int64_t n, double share, uint64_t seed, uint8_t *choosing)
{
    BaseStatus st = BASE_OK;
    int64_t *drawn = NULL, total[2] = {0, 0};
    BASE_CHECK(share > 0 && share < 1, BASE_EARG, "the share of points to choose on is %g; it must be in (0, 1)",
               share);
    for (int64_t i = 0; i < n; i++) total[member[i] != 0]++;
    BASE_CHECK(total[0] >= 2 && total[1] >= 2, BASE_EARG,
               "%lld members and %lld non-members: a threshold chosen on other points needs 2 of each kind",
               (long long)total[1], (long long)total[0]);
    BASE_TRY(BASE_ALLOC_RAW(base_larger(total[0], total[1]), &drawn));
    for (int kind = 0; kind < 2; kind++) {
        int64_t count = llround(share * (double)total[kind]), at = 0, next = 0;
        if (count < 1) count = 1;
        if (count > total[kind] - 1) count = total[kind] - 1;
        BaseRandom random = base_random_make(seed, "holdout", (uint64_t)kind);
        base_random_choose(&random, total[kind], count, drawn);
        for (int64_t i = 0; i < n; i++) {
            if ((member[i] != 0) != kind) continue;
            choosing[i] = next < count && drawn[next] == at++;
            next += choosing[i];
        }
    }
out:
    base_free(drawn);
    return st;
}

int64_t math_holdout_take(const double *score, const uint8_t *member, const uint8_t *choosing, int64_t n, int part,
                          double *score_out, uint8_t *member_out)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        if (choosing[i] != part) continue;
        score_out[count] = score[i];
        member_out[count++] = member[i];
    }
    return count;
}

double math_holdout_between(const MathRoc *roc, int64_t at)
{
    double here = roc->threshold[at];
    if (at + 1 >= roc->count) return here;
    double next = roc->threshold[at + 1], middle = next + (here - next) / 2;
    return isfinite(middle) && middle > next ? middle : here;
}

BaseStatus math_holdout_balanced(const double *score, const uint8_t *member, int64_t n, double threshold, double level,
                                 MathBalanced *out)
{
    BaseStatus st = BASE_OK;
    int64_t P = 0, tp = 0, tn = 0;
    *out = (MathBalanced){{NAN, NAN, NAN, 0}, {NAN, NAN, NAN, 0}, {NAN, NAN, NAN, 0}, threshold};
    for (int64_t i = 0; i < n; i++) {
        P += member[i] != 0;
        if (member[i])
            tp += score[i] >= threshold;
        else
            tn += score[i] < threshold;
    }
    BASE_CHECK(P > 0 && P < n, BASE_EARG, "%lld members among %lld points: balanced accuracy needs both kinds",
               (long long)P, (long long)n);
    out->tpr = math_stats_share(tp, P, level);
    out->tnr = math_stats_share(tn, n - P, level);
    out->balanced = math_stats_mean_of((const MathEstimate[]){out->tpr, out->tnr}, 2);
out:
    return st;
}

BaseStatus math_holdout_best_balanced(const double *score, const uint8_t *member, int64_t n, uint64_t seed,
                                      double level, MathBalanced *out)
{
    BaseStatus st = BASE_OK;
    uint8_t *choosing = NULL, *kind = NULL;
    double *part = NULL, threshold;
    MathRoc roc = {0};
    BASE_TRY(BASE_ALLOC_RAW(n, &choosing));
    BASE_TRY(BASE_ALLOC_RAW(n, &kind));
    BASE_TRY(BASE_ALLOC_RAW(n, &part));
    BASE_TRY(math_holdout_split(member, n, 0.5, seed, choosing));
    BASE_TRY(math_roc(part, kind, math_holdout_take(score, member, choosing, n, 1, part, kind), &roc));
    math_roc_best_balanced(&roc, &threshold);
    int64_t at = 0;
    while (roc.threshold[at] != threshold) at++;
    threshold = math_holdout_between(&roc, at);
    int64_t rest = math_holdout_take(score, member, choosing, n, 0, part, kind);
    BASE_TRY(math_holdout_balanced(part, kind, rest, threshold, level, out));
out:
    base_free(choosing);
    base_free(kind);
    base_free(part);
    math_roc_free(&roc);
    return st;
}
