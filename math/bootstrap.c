/* math/bootstrap.c - the two-way bootstrap (math/bootstrap.h). Every model's points are sorted once; a draw then is a
 * walk over them with how often each point was drawn. */
#include "math/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"

typedef struct {
    double score;
    int64_t point;
} Place;

/* Beside the public statistics: the TPR at each FPR's threshold on the points as they are, held fixed in the draws. */
enum { FPRS = MATH_BOOTSTRAP_FPRS, FIXED = MATH_STATISTICS, ALL = FIXED + FPRS };

/* One model: points from the highest score down. */
typedef struct {
    int32_t *point;               /* [n] */
    uint8_t *last;                /* [n] 1: the last of its group of ties */
    int64_t called;               /* how many of them lie at or above the threshold; -1: no threshold */
    int64_t cut[FPRS];            /* how many lie above each FPR's threshold */
    double low[FPRS], high[FPRS]; /* TPR at the edges (see edges) */
} Ranking;

typedef struct {
    Ranking *model; /* [M] */
    int64_t M;
    double *full; /* [M, ALL] on the points as they are */
} Side;

static int descending(const void *a, const void *b)
{
    const Place *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->point > y->point) - (x->point < y->point);
}

static void side_free(Side *side)
{
    if (side->model)
        for (int64_t m = 0; m < side->M; m++) {
            base_free(side->model[m].point);
            base_free(side->model[m].last);
        }
    base_free(side->model);
    base_free(side->full);
}

/* Every statistic of one model, each point counted weight[i] times; P, N: the weights' sums. */
static void walk(const Ranking *r, const uint8_t *member, const int32_t *weight, int64_t n, int64_t P, int64_t N,
                 const int64_t *allowed, double *out)
{
    int64_t reached[FPRS] = {0}, fixed[FPRS] = {0};
    int64_t tp = 0, fp = 0, group_tp = 0, group_fp = 0, twice = 0;
    out[MATH_STATISTIC_BALANCED] = r->called == 0 ? 0.5 : NAN;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = r->point[i], w = weight[at];
        group_tp += member[at] ? w : 0;
        group_fp += member[at] ? 0 : w;
        if (!r->last[i]) continue;
        twice += group_fp * (2 * tp + group_tp); /* won pairs, twice: members above, ties half */
        tp += group_tp;
        fp += group_fp;
        group_tp = group_fp = 0;
        for (int k = 0; k < FPRS; k++) {
            if (fp <= allowed[k]) reached[k] = tp;
            if (i < r->cut[k]) fixed[k] = tp;
        }
        if (i + 1 == r->called)
            out[MATH_STATISTIC_BALANCED] = ((double)tp / (double)P + 1 - (double)fp / (double)N) / 2;
    }
    out[MATH_STATISTIC_AUC] = (double)twice / (2 * (double)P * (double)N);
    for (int k = 0; k < FPRS; k++) {
        out[MATH_STATISTIC_TPR + k] = allowed[k] ? (double)reached[k] / (double)P : NAN;
        out[FIXED + k] = (double)fixed[k] / (double)P;
    }
}

/* What is fixed about N non-members: how many may lie above the threshold of an FPR, and, with K ~ Bin(N, fpr) of them
 * above the true threshold, low <= K <= high but for an error either way. */
typedef struct {
    int64_t allowed[FPRS], low[FPRS], high[FPRS];
} Ranks;

/* The true threshold of an FPR lies between the low-th and the (high+1)-th largest non-member, so its TPR lies between
 * those of these two edges, whatever the ROC's slope. A plain bootstrap of the TPR misses by far where N fpr is a
 * handful: the threshold that is read off the same points has a true FPR of (K + 1) / (N + 1) on average. */
static void edges(Ranking *r, const uint8_t *member, int64_t n, int64_t P, const Ranks *ranks)
{
    int64_t fp = 0, tp = 0;
    bool found[FPRS] = {false};
    for (int k = 0; k < FPRS; k++) {
        r->cut[k] = 0;
        r->low[k] = r->high[k] = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        tp += member[r->point[i]];
        fp += !member[r->point[i]];
        if (!r->last[i]) continue;
        for (int k = 0; k < FPRS; k++) {
            if (fp <= ranks->allowed[k]) r->cut[k] = i + 1;
            if (fp <= ranks->high[k]) r->high[k] = (double)tp / (double)P;
            if (found[k] || ranks->low[k] == 0 || fp < ranks->low[k]) continue;
            r->low[k] = (double)tp / (double)P;
            found[k] = true;
        }
    }
}

static Ranks ranks_of(int64_t N, const double *fpr, double error)
{
    Ranks out;
    for (int k = 0; k < FPRS; k++) {
        out.allowed[k] = (int64_t)floor(fpr[k] * (double)N * (1 + 1e-12));
        for (int side = 0; side < 2; side++) {
            int64_t lo = 0, hi = N + 1;
            while (lo < hi) { /* the first c where P(X >= c) is small enough */
                int64_t mid = lo + (hi - lo) / 2;
                double tail = math_stats_binomial_upper(mid, N, fpr[k]);
                if (side == 0 ? tail < 1 - error : tail <= error)
                    hi = mid;
                else
                    lo = mid + 1;
            }
            *(side == 0 ? &out.low[k] : &out.high[k]) = lo - 1;
        }
    }
    return out;
}

static BaseStatus side_make(const MathModelScores *in, const uint8_t *member, int64_t n, int64_t P, const Ranks *ranks,
                            const char *name, Side *out)
{
    BaseStatus st = BASE_OK;
    Place *place = NULL;
    int32_t *once = NULL;
    BASE_CHECK(in->M >= 1, BASE_EARG, "there is no model %s; at least 1 is needed", name);
    out->M = in->M;
    BASE_TRY(BASE_ALLOC(in->M, &out->model));
    BASE_TRY(BASE_ALLOC(in->M * ALL, &out->full));
    BASE_TRY(BASE_ALLOC_RAW(n, &place));
    BASE_TRY(BASE_ALLOC_RAW(n, &once));
    for (int64_t i = 0; i < n; i++) once[i] = 1;
    for (int64_t m = 0; m < in->M; m++) {
        const double *score = in->score + m * n;
        Ranking *r = &out->model[m];
        BASE_TRY(BASE_ALLOC_RAW(n, &r->point));
        BASE_TRY(BASE_ALLOC_RAW(n, &r->last));
        r->called = in->threshold ? 0 : -1;
        for (int64_t i = 0; i < n; i++) {
            BASE_CHECK(!isnan(score[i]), BASE_ENUMERIC, "the score of point %lld by model %s %lld is NaN", (long long)i,
                       name, (long long)m);
            place[i] = (Place){score[i], i};
            if (in->threshold && score[i] >= in->threshold[m]) r->called++;
        }
        qsort(place, (size_t)n, sizeof *place, descending);
        for (int64_t i = 0; i < n; i++) {
            r->point[i] = (int32_t)place[i].point;
            r->last[i] = i + 1 == n || place[i].score != place[i + 1].score;
        }
        edges(r, member, n, P, ranks);
        walk(r, member, once, n, P, n - P, ranks->allowed, out->full + m * ALL);
    }
out:
    base_free(place);
    base_free(once);
    return st;
}

/* Mean of each statistic over the models, model m counted times[m] times. */
static void mean_of_models(const Side *side, const int32_t *times, const uint8_t *member, const int32_t *weight,
                           int64_t n, int64_t P, const int64_t *allowed, double *out)
{
    double one[ALL];
    for (int s = 0; s < ALL; s++) out[s] = 0;
    for (int64_t m = 0; m < side->M; m++) {
        if (times[m] == 0) continue;
        walk(&side->model[m], member, weight, n, P, n - P, allowed, one);
        for (int s = 0; s < ALL; s++) out[s] += times[m] * one[s] / (double)side->M;
    }
}

/* Over the draws, of a, b and their product; less the full values, so that nothing cancels. */
typedef struct {
    double sum[2], square[2], cross;
} Moments;

/* What judging needs: the two sides, the points, and the statistics on them as they are. */
typedef struct {
    Side side[2];
    int sides;
    const uint8_t *member;
    int64_t n, P;
    int64_t *index; /* [n] members first */
    Ranks ranks;
    double full[2][ALL];
    Moments moments[ALL];
} Work;

static void draw_all(Work *w, const MathBootstrapOptions *options, int32_t *weight, int32_t *times)
{
    BaseRandom points = base_random_make(options->seed, "bootstrap_points", 0);
    BaseRandom models[2] = {base_random_make(options->seed, "bootstrap_models", 0),
                            base_random_make(options->seed, "bootstrap_models", 1)};
    double value[2][ALL] = {{0}};
    int64_t n = w->n, P = w->P;
    for (int64_t d = 0; d < options->draws; d++) {
        memset(weight, 0, (size_t)n * sizeof *weight);
        for (int64_t i = 0; i < P; i++) weight[w->index[base_random_below(&points, (uint64_t)P)]]++;
        for (int64_t i = P; i < n; i++) weight[w->index[P + (int64_t)base_random_below(&points, (uint64_t)(n - P))]]++;
        for (int k = 0; k < w->sides; k++) {
            Side *side = &w->side[k];
            memset(times, 0, (size_t)side->M * sizeof *times);
            for (int64_t m = 0; m < side->M; m++) times[base_random_below(&models[k], (uint64_t)side->M)]++;
            mean_of_models(side, times, w->member, weight, n, P, w->ranks.allowed, value[k]);
        }
        for (int s = 0; s < ALL; s++) {
            double x = value[0][s] - w->full[0][s], y = value[1][s] - w->full[1][s];
            Moments *to = &w->moments[s];
            to->sum[0] += x;
            to->sum[1] += y;
            to->square[0] += x * x;
            to->square[1] += y * y;
            to->cross += x * y;
        }
    }
}

/* The variance of a mean over models in two parts. models: S^2 / M on freedom degrees; points: the rest. */
typedef struct {
    double models, points, freedom;
} Spread;

/* S^2 over the models of one side, ddof 1 */
static double variance_of_models(const Side *side, int s, double mean)
{
    double sum = 0;
    for (int64_t m = 0; m < side->M; m++) {
        double off = side->full[m * ALL + s] - mean;
        sum += off * off;
    }
    return sum / (double)(side->M - 1);
}

/* How fast a share moves with a shift of Gaussian scores: phi(Phi^-1(share)) */
static double slope(double share)
{
    double z = math_stats_normal_quantile(share);
    return exp(-z * z / 2);
}

/* Of side k. Few models take S^2 pooled with the other side's, carried over on the probit scale, on which shares of
 * different height vary alike. */
static Spread spread_of(const Work *w, int k, int s, double draws)
{
    const Side *side = &w->side[k], *other = &w->side[1 - k];
    const Moments *m = &w->moments[s];
    double drawn = (m->square[k] - m->sum[k] * m->sum[k] / draws) / (draws - 1), M = (double)side->M;
    double own = side->M > 1 ? variance_of_models(side, s, w->full[k][s]) : 0, across = own;
    Spread out = {0, drawn - own / M * (M - 1) / M, M - 1}; /* the draws hold (M - 1) / M of the models' part */
    if (w->sides == 2 && side->M < MATH_FEW_MODELS && other->M > 1) {
        double here = slope(w->full[k][s]), there = slope(w->full[1 - k][s]), lent = (double)(other->M - 1);
        double scale = here > 0 && there > 0 ? here / there : 1;
        across = (out.freedom * own + lent * variance_of_models(other, s, w->full[1 - k][s]) * scale * scale) /
                 (out.freedom + lent);
        out.freedom += lent;
    }
    out.models = across / M;
    if (out.points < 0) out.points = 0;
    return out;
}

/* Half the width of an interval whose variance has parts of different degrees of freedom: each with its own t quantile.
 * A single t with Satterthwaite's degrees is too short here: a small S^2 of two or three models gives many degrees. */
static double half_width(Spread spread, double points, double freedom, double level)
{
    double t = math_stats_t_quantile((1 + level) / 2, freedom);
    double u = spread.models > 0 ? math_stats_t_quantile((1 + level) / 2, spread.freedom) : 0;
    return sqrt(t * t * points + u * u * spread.models);
}

static MathEstimate share_interval(const Work *w, int k, int s, double draws, double level)
{
    double value = w->full[k][s];
    int64_t P = w->P, N = w->n - P, least = base_smaller(P, N);
    MathEstimate out = math_estimate(value, w->n);
    if (isnan(value)) return out;
    if (value <= 0 || value >= 1) { /* every model at the end: exact over points */
        int64_t count = s > MATH_STATISTIC_BALANCED ? P : least;
        MathEstimate exact = math_stats_share(value >= 1 ? count : 0, count, level);
        return (MathEstimate){value, exact.lo, exact.hi, w->n};
    }
    Spread spread = spread_of(w, k, s, draws);
    if (!(spread.points > 0) && !(spread.models > 0)) { /* all tied: as in math_auc */
        double most = math_stats_share_upper(0, least, (1 - level) / 2) / 2;
        return (MathEstimate){value, value - most, value + most, w->n};
    }
    double logit = log(value) - log1p(-value);
    double half = half_width(spread, spread.points, (double)(least - 1), level) / (value * (1 - value));
    out.lo = 1 / (1 + exp(half - logit));
    out.hi = 1 / (1 + exp(-half - logit));
    if (fmin(value, 1 - value) * (double)least < 0.5) { /* as in math_auc, near the ends */
        double trials = value * (1 - value) / (spread.points + spread.models);
        MathEstimate wider = math_stats_share_effective(value, fmin(trials, (double)least), level);
        out.lo = fmin(out.lo, wider.lo);
        out.hi = fmax(out.hi, wider.hi);
    }
    return out;
}

/* The TPR at fpr[f] has two independent sources of chance, joined as MOVER does: where the threshold is (the edges),
 * and the members above one threshold. */
static MathEstimate tpr_interval(const Work *w, int k, int f, double draws, double level)
{
    MathEstimate out = math_estimate(w->full[k][MATH_STATISTIC_TPR + f], w->n);
    if (isnan(out.value)) return out;
    double low = 0, high = 0, M = (double)w->side[k].M;
    for (int64_t m = 0; m < w->side[k].M; m++) {
        low += w->side[k].model[m].low[f] / M;
        high += w->side[k].model[m].high[f] / M;
    }
    MathEstimate fixed = share_interval(w, k, FIXED + f, draws, level);
    out.lo = fmax(0, out.value - hypot(out.value - low, out.value - fixed.lo));
    out.hi = fmin(1, out.value + hypot(high - out.value, fixed.hi - out.value));
    return out;
}

static MathEstimate difference_interval(const Work *w, int s, MathEstimate a, MathEstimate b, double draws,
                                        double level)
{
    const Moments *m = &w->moments[s];
    double cov = (m->cross - m->sum[0] * m->sum[1] / draws) / (draws - 1);
    double var[2], freedom = (double)((w->P < w->n - w->P ? w->P : w->n - w->P) - 1);
    for (int k = 0; k < 2; k++) var[k] = (m->square[k] - m->sum[k] * m->sum[k] / draws) / (draws - 1);
    bool inside = a.value > 0 && a.value < 1 && b.value > 0 && b.value < 1 && var[0] > 0 && var[1] > 0;
    if (s >= MATH_STATISTIC_TPR || !inside)
        return math_stats_difference(a, b, inside ? cov / sqrt(var[0] * var[1]) : 0);
    MathEstimate out = math_estimate(a.value - b.value, w->n);
    Spread x = spread_of(w, 0, s, draws), y = spread_of(w, 1, s, draws);
    double points = x.points + y.points - 2 * cov;
    double one = half_width(x, points > 0 ? points : 0, freedom, level), two = half_width(y, 0, freedom, level);
    double half = sqrt(one * one + two * two);
    if (w->side[0].M == 1 && w->side[1].M == 1 && !(half > 0)) return math_stats_difference(a, b, 0);
    out.lo = out.value - half;
    out.hi = out.value + half;
    return out;
}

static void judge(const Work *w, const MathBootstrapOptions *options, MathBootstrap *out)
{
    double draws = (double)options->draws, level = options->level;
    for (int k = 0; k < w->sides; k++) {
        MathEstimate *to = k == 0 ? out->a : out->b;
        for (int s = 0; s < MATH_STATISTIC_TPR; s++) to[s] = share_interval(w, k, s, draws, level);
        for (int f = 0; f < MATH_BOOTSTRAP_FPRS; f++) to[MATH_STATISTIC_TPR + f] = tpr_interval(w, k, f, draws, level);
    }
    for (int s = 0; s < MATH_STATISTICS && w->sides == 2; s++)
        out->difference[s] = difference_interval(w, s, out->a[s], out->b[s], draws, level);
}

static BaseStatus check(const uint8_t *member, int64_t n, const MathBootstrapOptions *options, int64_t *P)
{
    BaseStatus st = BASE_OK;
    *P = 0;
    BASE_CHECK(options->level > 0 && options->level < 1, BASE_EARG,
               "the level of an interval is %g; it must be between 0 and 1", options->level);
    BASE_CHECK(options->draws >= 100, BASE_EARG, "%lld bootstrap draws; at least 100 are needed",
               (long long)options->draws);
    for (int k = 0; k < MATH_BOOTSTRAP_FPRS; k++)
        BASE_CHECK(options->fpr[k] > 0 && options->fpr[k] < 1, BASE_EARG,
                   "a false positive rate is %g; it must be between 0 and 1", options->fpr[k]);
    BASE_CHECK(n <= INT32_MAX, BASE_ELIMIT, "%lld points; at most %d are counted here", (long long)n, INT32_MAX);
    for (int64_t i = 0; i < n; i++) {
        BASE_CHECK(member[i] <= 1, BASE_EARG, "membership of point %lld is %d; it must be 0 or 1", (long long)i,
                   member[i]);
        *P += member[i];
    }
    BASE_CHECK(*P >= 2 && *P <= n - 2, BASE_EARG, "%lld members and %lld non-members: a bootstrap needs 2 of each kind",
               (long long)*P, (long long)(n - *P));
out:
    return st;
}

BaseStatus math_bootstrap(const MathModelScores *a, const MathModelScores *b, const uint8_t *member, int64_t n,
                          const MathBootstrapOptions *options, MathBootstrap *out)
{
    BaseStatus st = BASE_OK;
    Work w = {.sides = b ? 2 : 1, .member = member, .n = n};
    int32_t *weight = NULL, *times = NULL;
    *out = (MathBootstrap){0};
    for (int s = 0; s < MATH_STATISTICS; s++) out->a[s] = out->b[s] = out->difference[s] = math_estimate(NAN, n);
    BASE_TRY(check(member, n, options, &w.P));
    w.ranks = ranks_of(n - w.P, options->fpr, (1 - options->level) / 2);
    BASE_TRY(side_make(a, member, n, w.P, &w.ranks, "a", &w.side[0]));
    if (b) BASE_TRY(side_make(b, member, n, w.P, &w.ranks, "b", &w.side[1]));
    BASE_TRY(BASE_ALLOC_RAW(n, &w.index));
    BASE_TRY(BASE_ALLOC_RAW(n, &weight));
    BASE_TRY(BASE_ALLOC_RAW(b ? base_larger(a->M, b->M) : a->M, &times));
    int64_t members = 0, others = w.P;
    for (int64_t i = 0; i < n; i++) w.index[member[i] ? members++ : others++] = i;
    for (int k = 0; k < w.sides; k++)
        for (int64_t m = 0; m < w.side[k].M; m++)
            for (int s = 0; s < ALL; s++) w.full[k][s] += w.side[k].full[m * ALL + s] / (double)w.side[k].M;
    draw_all(&w, options, weight, times);
    judge(&w, options, out);
    out->over_models = a->M > 1 || (b && b->M > 1);
out:
    for (int k = 0; k < 2; k++) side_free(&w.side[k]);
    base_free(w.index);
    base_free(weight);
    base_free(times);
    return st;
}
