/* math/epsilon.c - lower bounds on epsilon (math/epsilon.h). The simultaneous bound rests on order statistics. Let x be
 * the k-th largest non-member score, counting from 0. The true FPR of "member iff score > x" is at most the (k+1)-th
 * smallest of N uniform numbers, a Beta(k + 1, N - k), so it exceeds the Clopper-Pearson bound of k in N with
 * probability alpha at most although x was read off the same points; ties only lower it. Given x, the members above it
 * are binomial, so their bound is exact too. The same holds with the roles exchanged. With the ranks k fixed
 * beforehand, Bonferroni over them is a proof, which Bonferroni over the corners of the observed ROC hull is not. */
#include "math/epsilon.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/param.h"
#include "base/random.h"
#include "math/holdout.h"
#include "math/special.h"

const char *math_epsilon_method_name(MathEpsilonMethod method)
{
    static const char *const NAMES[] = {"split", "simultaneous", "gaussian", "one_run"};
    return NAMES[method];
}

const char *math_epsilon_method_text(MathEpsilonMethod method)
{
    static const char *const TEXTS[] = {
        "Clopper-Pearson at one threshold, chosen on a quarter of the points and judged on the others",
        "Clopper-Pearson at ranks fixed beforehand, simultaneous by Bonferroni",
        "mu of Gaussian differential privacy at ranks fixed beforehand, simultaneous; for Gaussian mechanisms only",
        "one training run (Steinke, arXiv 2305.08846); valid only if each point had its own fair coin"};
    return TEXTS[method];
}

typedef struct {
    double fpr, fnr; /* confident upper bounds */
} Rates;

static double epsilon_of(Rates u, double delta)
{
    double forward = (1 - u.fnr - delta) / u.fpr, backward = (1 - u.fpr - delta) / u.fnr;
    double ratio = forward > backward ? forward : backward;
    return ratio > 1 ? log(ratio) : 0;
}

/* The same for mu-GDP: Phi^-1(1 - upper FPR) - Phi^-1(upper FNR), at least 0 (Nasr 2023). */
static double mu_of(Rates u)
{
    double mu = -math_stats_normal_quantile(u.fpr) - math_stats_normal_quantile(u.fnr);
    return mu > 0 ? mu : 0;
}

/* each bound at error @p alpha */
static Rates rates(int64_t tp, int64_t P, int64_t fp, int64_t N, double alpha)
{
    return (Rates){math_stats_share_upper(fp, N, alpha), math_stats_share_upper(P - tp, P, alpha)};
}

double math_epsilon_clopper_pearson(int64_t tp, int64_t P, int64_t fp, int64_t N, double delta, double alpha)
{
    return epsilon_of(rates(tp, P, fp, N, alpha / 2), delta);
}

/* With x = eps/mu - mu/2 and the Mills ratio R = (1 - Phi) / phi, e^eps phi(x + mu) = phi(x), so
 *     delta = phi(x) (R(x) - R(x + mu)):   no exponential of eps is ever formed. R = 1 / hazard. */
double math_epsilon_log_delta(double epsilon, double mu)
{
    double x = epsilon / mu - mu / 2, rest = 1 / math_normal_hazard(x + mu);
    if (x >= 0) return -x * x / 2 - 0.5 * log(2 * M_PI) + log(1 / math_normal_hazard(x) - rest);
    return log(math_normal_upper(x) - math_normal_density(x) * rest);
}

double math_epsilon_of_mu(double mu, double delta)
{
    if (!(mu >= 0 && isfinite(mu) && delta >= 0 && delta < 1)) return NAN;
    if (mu == 0) return 0;
    if (delta == 0) return INFINITY;
    double want = log(delta), lo = 0, hi = 1;
    if (math_epsilon_log_delta(0, mu) <= want) return 0;
    while (math_epsilon_log_delta(hi, mu) > want) hi *= 2;
    for (;;) {
        double mid = lo + (hi - lo) / 2;
        if (mid <= lo || mid >= hi) return lo;
        if (math_epsilon_log_delta(mid, mu) > want)
            lo = mid;
        else
            hi = mid;
    }
}

static BaseStatus check_levels(double delta, double alpha)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(delta >= 0 && delta < 1, BASE_EARG, "delta is %g; it must be at least 0 and below 1", delta);
    BASE_CHECK(alpha > 0 && alpha < 1, BASE_EARG, "alpha is %g; it must be between 0 and 1", alpha);
out:
    return st;
}

static MathEpsilon fresh(MathEpsilonMethod method, double delta, double alpha)
{
    return (MathEpsilon){
        .method = method, .mu = NAN, .largest_mu = NAN, .delta = delta, .alpha = alpha, .threshold = NAN};
}

/* Wilson's (1927) upper bound: in closed form, to choose among many thresholds; what is reported is exact. */
static double wilson_upper(double k, double n, double z)
{
    double p = k / n, z2 = z * z / n;
    return (p + z2 / 2 + z * sqrt(p * (1 - p) / n + z2 / (4 * n)) / sqrt(n)) / (1 + z2);
}

static double promising_threshold(const MathRoc *roc, double delta, double alpha)
{
    double z = math_stats_normal_quantile(1 - alpha / 2), most = -INFINITY;
    int64_t best = 0;
    for (int64_t i = 0; i < roc->count; i++) {
        double fpr = wilson_upper(roc->fpr[i] * (double)roc->N, (double)roc->N, z);
        double fnr = wilson_upper((1 - roc->tpr[i]) * (double)roc->P, (double)roc->P, z);
        double forward = (1 - fnr - delta) / fpr, backward = (1 - fpr - delta) / fnr;
        double ratio = forward > backward ? forward : backward;
        if (ratio <= most) continue;
        most = ratio;
        best = i;
    }
    return math_holdout_between(roc, best);
}

BaseStatus math_epsilon_split(const double *score, const uint8_t *member, int64_t n, double delta, double alpha,
                              uint64_t seed, MathEpsilon *out)
{
    BaseStatus st = BASE_OK;
    uint8_t *choosing = NULL, *kind = NULL;
    double *part = NULL;
    MathRoc roc = {0}, whole = {0};
    MathEpsilon result = fresh(MATH_EPSILON_SPLIT, delta, alpha);
    *out = result;
    BASE_TRY(check_levels(delta, alpha));
    BASE_TRY(math_roc(score, member, n, &whole)); /* checks every score before any is left out */
    BASE_TRY(BASE_ALLOC_RAW(n, &choosing));
    BASE_TRY(BASE_ALLOC_RAW(n, &kind));
    BASE_TRY(BASE_ALLOC_RAW(n, &part));
    BASE_TRY(math_holdout_split(member, n, 0.25, seed, choosing));
    BASE_TRY(math_roc(part, kind, math_holdout_take(score, member, choosing, n, 1, part, kind), &roc));
    double threshold = promising_threshold(&roc, delta, alpha);
    int64_t rest = math_holdout_take(score, member, choosing, n, 0, part, kind), tp = 0, fp = 0;
    for (int64_t i = 0; i < rest; i++) {
        result.P += kind[i];
        tp += kind[i] && part[i] >= threshold;
        fp += !kind[i] && part[i] >= threshold;
    }
    result.N = rest - result.P;
    result.epsilon = math_epsilon_clopper_pearson(tp, result.P, fp, result.N, delta, alpha);
    result.largest = math_epsilon_clopper_pearson(result.P, result.P, 0, result.N, delta, alpha);
    if (result.epsilon > 0) result.threshold = threshold;
    *out = result;
out:
    base_free(choosing);
    base_free(kind);
    base_free(part);
    math_roc_free(&roc);
    math_roc_free(&whole);
    return st;
}

/* sorted base_ascending_f64: how many are below x, or at most x */
static int64_t count_below(const double *sorted, int64_t n, double x, bool equal_too)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (sorted[mid] < x || (equal_too && sorted[mid] == x))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The ranks: these shares of n, rounded down, without repetition. Wide enough apart that few are paid for. */
static const double SHARES[] = {0, 0.003, 0.01, 0.03, 0.1, 0.3};
enum { RANKS = BASE_COUNT(SHARES) };

static int ranks_of(int64_t n, int64_t rank[RANKS])
{
    int count = 0;
    for (int i = 0; i < RANKS; i++) {
        int64_t k = (int64_t)(SHARES[i] * (double)n);
        if (count == 0 || rank[count - 1] != k) rank[count++] = k;
    }
    return count;
}

typedef struct {
    Rates upper;
    double threshold;
} Point;

/* Simultaneous upper bounds at every rank. *alpha: in, for all; out, for each of the bounds. Returns how many points.
 */
static int simultaneous_points(const double *members, int64_t P, const double *others, int64_t N, double *alpha,
                               Point point[2 * RANKS])
{
    int64_t low[RANKS], high[RANKS];
    int lows = ranks_of(P, low), highs = ranks_of(N, high), count = 0;
    double each = *alpha / (2 * (lows + highs));
    *alpha = each;
    for (int i = 0; i < highs; i++) { /* member iff above the high[i]-th largest non-member */
        double x = others[N - 1 - high[i]];
        int64_t missed = count_below(members, P, x, true);
        point[count++] = (Point){rates(P - missed, P, high[i], N, each), nextafter(x, INFINITY)};
    }
    for (int i = 0; i < lows; i++) { /* member iff not below the low[i]-th smallest member */
        double x = members[low[i]];
        int64_t fp = N - count_below(others, N, x, false);
        point[count++] = (Point){rates(P - low[i], P, fp, N, each), x};
    }
    return count;
}

static BaseStatus simultaneous(const double *score, const uint8_t *member, int64_t n, MathEpsilon *result)
{
    BaseStatus st = BASE_OK;
    double *side[2] = {NULL, NULL}, each = result->alpha;
    int64_t count[2] = {0, 0};
    MathRoc roc = {0};
    Point point[2 * RANKS];
    bool gaussian = result->method == MATH_EPSILON_GAUSSIAN;
    BASE_TRY(check_levels(result->delta, result->alpha));
    BASE_TRY(math_roc(score, member, n, &roc)); /* for its checks */
    for (int k = 0; k < 2; k++) BASE_TRY(BASE_ALLOC_RAW(n, &side[k]));
    for (int64_t i = 0; i < n; i++) side[member[i]][count[member[i]]++] = score[i];
    for (int k = 0; k < 2; k++) qsort(side[k], (size_t)count[k], sizeof *side[k], base_ascending_f64);
    int points = simultaneous_points(side[1], count[1], side[0], count[0], &each, point);
    double most = 0;
    for (int i = 0; i < points; i++) {
        double value = gaussian ? mu_of(point[i].upper) : epsilon_of(point[i].upper, result->delta);
        if (value <= most) continue;
        most = value;
        result->threshold = point[i].threshold;
    }
    Rates faultless = rates(count[1], count[1], 0, count[0], each);
    result->P = count[1];
    result->N = count[0];
    if (gaussian) {
        result->mu = most;
        result->largest_mu = mu_of(faultless);
        result->epsilon = math_epsilon_of_mu(most, result->delta);
        result->largest = math_epsilon_of_mu(result->largest_mu, result->delta);
    } else {
        result->epsilon = most;
        result->largest = epsilon_of(faultless, result->delta);
    }
out:
    for (int k = 0; k < 2; k++) base_free(side[k]);
    math_roc_free(&roc);
    return st;
}

BaseStatus math_epsilon_simultaneous(const double *score, const uint8_t *member, int64_t n, double delta, double alpha,
                                     MathEpsilon *out)
{
    MathEpsilon result = fresh(MATH_EPSILON_SIMULTANEOUS, delta, alpha);
    BaseStatus st = simultaneous(score, member, n, &result);
    *out = st == BASE_OK ? result : fresh(MATH_EPSILON_SIMULTANEOUS, delta, alpha);
    return st;
}

BaseStatus math_epsilon_gaussian(const double *score, const uint8_t *member, int64_t n, double delta, double alpha,
                                 MathEpsilon *out)
{
    MathEpsilon result = fresh(MATH_EPSILON_GAUSSIAN, delta, alpha);
    *out = result;
    if (delta == 0)
        return base_error_set(BASE_EARG, "delta is 0: a Gaussian mechanism has no epsilon there; give delta > 0");
    BaseStatus st = simultaneous(score, member, n, &result);
    *out = st == BASE_OK ? result : fresh(MATH_EPSILON_GAUSSIAN, delta, alpha);
    return st;
}

double math_epsilon_one_run_p(int64_t m, int64_t r, int64_t v, double epsilon, double delta)
{
    double q = 1 / (1 + exp(-epsilon)), odds = exp(-epsilon); /* (1 - q) / q */
    double p = math_stats_binomial_upper(v, r, q);
    if (delta == 0 || v == 0 || p >= 1) return p < 1 ? p : 1;
    int64_t k = v - 1;
    double mass =
        exp(math_log_gamma((double)r + 1) - math_log_gamma((double)k + 1) - math_log_gamma((double)(r - k) + 1) -
            (double)k * log1p(odds) - (double)(r - k) * (epsilon + log1p(odds)));
    double sum = 0, worst = 0; /* P[v > Bin >= v - i] and its largest share of i */
    for (int64_t i = 1; i <= v; i++, k--) {
        sum += mass;
        if (sum > worst * (double)i) worst = sum / (double)i;
        mass *= (double)k / (double)(r - k + 1) * odds;
    }
    p += 2 * (double)m * delta * worst;
    return p < 1 ? p : 1;
}

static double one_run_epsilon(int64_t m, int64_t r, int64_t v, double delta, double alpha)
{
    double lo = 0, hi = 1;
    if (math_epsilon_one_run_p(m, r, v, 0, delta) > alpha) return 0;
    while (hi < 700 && math_epsilon_one_run_p(m, r, v, hi, delta) <= alpha) hi *= 2;
    while (hi - lo > 1e-12 * hi) {
        double mid = (lo + hi) / 2;
        if (math_epsilon_one_run_p(m, r, v, mid, delta) <= alpha)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

typedef struct {
    double score;
    uint64_t tie; /* ties go by lot: the order of the input may know who is a member */
    uint8_t member;
} Canary;

static int by_score(const void *a, const void *b)
{
    const Canary *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->tie > y->tie) - (x->tie < y->tie);
}

BaseStatus math_epsilon_one_run(const double *score, const uint8_t *member, int64_t n, int64_t in, int64_t out,
                                bool independent_coins, double delta, double alpha, uint64_t seed, MathEpsilon *result)
{
    BaseStatus st = BASE_OK;
    Canary *canary = NULL;
    int64_t right = 0;
    *result = fresh(MATH_EPSILON_ONE_RUN, delta, alpha);
    BASE_CHECK(independent_coins, BASE_EARG,
               "one-run auditing needs each point to be put in or left out by its own fair coin; for a chosen forget "
               "set use split or simultaneous");
    BASE_TRY(check_levels(delta, alpha));
    BASE_CHECK(in >= 0 && out >= 0 && in + out >= 1 && in <= n && out <= n - in, BASE_EARG,
               "%lld guesses \"in\" and %lld \"out\" for %lld points: there must be from 1 to %lld in all",
               (long long)in, (long long)out, (long long)n, (long long)n);
    BASE_TRY(BASE_ALLOC_RAW(n, &canary));
    BaseRandom random = base_random_make(seed, "one_run_ties", 0);
    for (int64_t i = 0; i < n; i++) {
        BASE_CHECK(!isnan(score[i]), BASE_ENUMERIC, "the score of point %lld of %lld is NaN", (long long)i,
                   (long long)n);
        BASE_CHECK(member[i] <= 1, BASE_EARG, "membership of point %lld is %d; it must be 0 or 1", (long long)i,
                   member[i]);
        canary[i] = (Canary){score[i], base_random_u64(&random), member[i]};
    }
    qsort(canary, (size_t)n, sizeof *canary, by_score);
    for (int64_t i = 0; i < in; i++) right += canary[i].member;
    for (int64_t i = n - out; i < n; i++) right += !canary[i].member;
    result->P = in;
    result->N = out;
    result->right = right;
    result->epsilon = one_run_epsilon(n, in + out, right, delta, alpha);
    result->largest = one_run_epsilon(n, in + out, in + out, delta, alpha);
out:
    base_free(canary);
    return st;
}
