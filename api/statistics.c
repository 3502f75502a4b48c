/* api/statistics.c - shares; ROC curves, their numbers, and bounds on epsilon, from scores. */
#include <math.h>
#include <string.h>

#include "api/call.h"
#include "base/order.h"
#include "base/text.h"
#include "math/epsilon.h"
#include "math/stats.h"

static BaseStatus check_level(double level)
{
    if (level > 0 && level < 1) return BASE_OK;
    return base_error_set(BASE_EARG, "level = %g: must be above 0 and below 1", level);
}

expunge_status expunge_share(int64_t count, int64_t n, double level, expunge_estimate *share)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(share);
    BASE_CHECK(n >= 0 && count >= 0 && count <= n, BASE_EARG, "count = %lld of n = %lld: must be from 0 to n",
               (long long)count, (long long)n);
    BASE_TRY(check_level(level));
    const MathEstimate found = math_stats_share(count, n, level);
    *share = (expunge_estimate){found.value, found.lo, found.hi};
out:
    return api_leave(&call, st);
}

static BaseStatus check_points(const double *score, const uint8_t *member, int64_t n)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(n >= 2, BASE_EARG, "n = %lld: a member and a non-member are needed at least", (long long)n);
    API_GIVEN(score);
    API_GIVEN(member);
    for (int64_t i = 0; i < n; i++)
        BASE_CHECK(member[i] <= 1, BASE_EARG, "member[%lld] = %d: must be 1 (a member) or 0", (long long)i, member[i]);
out:
    return st;
}

expunge_status expunge_auc(const double *score, const uint8_t *member, int64_t n, double level, expunge_estimate *auc)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    MathAuc found;
    api_enter(&call);
    API_GIVEN(auc);
    BASE_TRY(check_points(score, member, n));
    BASE_TRY(check_level(level));
    BASE_TRY(math_auc_level(score, member, n, level, &found));
    *auc = (expunge_estimate){found.value, found.lo, found.hi};
out:
    return api_leave(&call, st);
}

expunge_status expunge_tpr_at_fpr(const double *score, const uint8_t *member, int64_t n, double fpr,
                                  expunge_estimate *tpr)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    MathRoc roc = {0};
    api_enter(&call);
    API_GIVEN(tpr);
    BASE_TRY(check_points(score, member, n));
    BASE_CHECK(fpr > 0 && fpr < 1, BASE_EARG, "fpr = %g: must be above 0 and below 1", fpr);
    BASE_TRY(math_roc(score, member, n, &roc));
    MathTprAtFpr found = math_roc_tpr_at_fpr(&roc, fpr);
    *tpr = (expunge_estimate){found.value, found.lo, found.hi};
out:
    math_roc_free(&roc);
    return api_leave(&call, st);
}

expunge_status expunge_roc(const double *score, const uint8_t *member, int64_t n, double *fpr, double *tpr,
                           double *threshold, int64_t room, int64_t *count)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    MathRoc roc = {0};
    api_enter(&call);
    API_GIVEN(count);
    BASE_TRY(check_points(score, member, n));
    BASE_CHECK(room >= 0, BASE_EARG, "room = %lld: must not be negative", (long long)room);
    BASE_TRY(math_roc(score, member, n, &roc));
    *count = roc.count;
    const size_t bytes = (size_t)base_smaller(room, roc.count) * sizeof(double);
    if (fpr) memcpy(fpr, roc.fpr, bytes);
    if (tpr) memcpy(tpr, roc.tpr, bytes);
    if (threshold) memcpy(threshold, roc.threshold, bytes);
out:
    math_roc_free(&roc);
    return api_leave(&call, st);
}

/* ---- epsilon ---- */

static BaseStatus find_method(const char *name, MathEpsilonMethod *out)
{
    const char *names[MATH_EPSILON_METHODS];
    for (int m = 0; m < MATH_EPSILON_METHODS; m++) {
        names[m] = math_epsilon_method_name((MathEpsilonMethod)m);
        *out = (MathEpsilonMethod)m;
        if (strcmp(names[m], name) == 0 && m != MATH_EPSILON_ONE_RUN) return BASE_OK;
    }
    if (strcmp(name, names[MATH_EPSILON_ONE_RUN]) == 0)
        return base_error_set(BASE_EUSAGE, "method '%s': is the function expunge_epsilon_one_run", name);
    const char *near = base_text_nearest(name, names, MATH_EPSILON_METHODS);
    return base_error_set(BASE_ENOTFOUND, "method '%.40s': must be split, simultaneous or gaussian%s%s%s", name,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static expunge_epsilon_bound bound_of(const MathEpsilon *e)
{
    return (expunge_epsilon_bound){.epsilon = e->epsilon, .largest = e->largest, .threshold = e->threshold};
}

expunge_status expunge_epsilon(const char *method, const double *score, const uint8_t *member, int64_t n, double delta,
                               double alpha, uint64_t seed, expunge_epsilon_bound *bound)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    MathEpsilonMethod which;
    MathEpsilon found;
    api_enter(&call);
    API_GIVEN(method);
    API_GIVEN(bound);
    BASE_TRY(find_method(method, &which));
    BASE_TRY(check_points(score, member, n));
    if (which == MATH_EPSILON_SPLIT)
        BASE_TRY(math_epsilon_split(score, member, n, delta, alpha, seed, &found));
    else if (which == MATH_EPSILON_GAUSSIAN)
        BASE_TRY(math_epsilon_gaussian(score, member, n, delta, alpha, &found));
    else
        BASE_TRY(math_epsilon_simultaneous(score, member, n, delta, alpha, &found));
    *bound = bound_of(&found);
out:
    return api_leave(&call, st);
}

expunge_status expunge_epsilon_one_run(const double *score, const uint8_t *member, int64_t n, int64_t in, int64_t out,
                                       bool independent_coins, double delta, double alpha, uint64_t seed,
                                       expunge_epsilon_bound *bound)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    MathEpsilon found;
    api_enter(&call);
    API_GIVEN(bound);
    BASE_TRY(check_points(score, member, n));
    BASE_TRY(math_epsilon_one_run(score, member, n, in, out, independent_coins, delta, alpha, seed, &found));
    *bound = bound_of(&found);
out:
    return api_leave(&call, st);
}
