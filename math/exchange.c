/* math/exchange.c - one model against R others made alike, and families of such tests. */
#include "math/exchange.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/special.h"

double math_exchange_tails(double t, double freedom)
{
    if (isnan(t) || !(freedom > 0)) return NAN;
    if (isinf(t)) return 0;
    double square = t * t, far = freedom / (freedom + square);
    return far < 0.5 ? math_incomplete_beta(far, freedom / 2, 0.5, false)
                     : math_incomplete_beta(square / (freedom + square), 0.5, freedom / 2, true);
}

static const double ROUNDING = 1e-9;

static MathExchange by_rank(double judged, const double *others, int64_t R, MathExchange out)
{
    int64_t below = 0, above = 0;
    for (int64_t i = 0; i < R; i++) {
        double off = others[i] - judged;
        below += off <= ROUNDING * (1 + fabs(judged));
        above += off >= -ROUNDING * (1 + fabs(judged));
    }
    out.ranked = true;
    out.p = fmin(1, 2 * (double)(1 + base_smaller(below, above)) / (double)(R + 1));
    return out;
}

MathExchange math_exchange(double judged, const double *others, int64_t R, double floor)
{
    MathExchange out = {.p = NAN, .centre = NAN, .offset = NAN, .share = 1, .freedom = (double)(R - 1)};
    double mean = 0, square = 0;
    if (R < 2) return out;
    for (int64_t i = 0; i < R; i++) mean += others[i] / (double)R;
    for (int64_t i = 0; i < R; i++) square += (others[i] - mean) * (others[i] - mean);
    out.centre = mean;
    out.offset = judged - mean;
    if (!isfinite(out.offset) || isnan(square)) return out;
    square /= (double)(R - 1);
    bool alike = square <= ROUNDING * ROUNDING * (1 + mean * mean); /* equal but for the order of sums */
    if (alike && !(floor > 0)) return by_rank(judged, others, R, out);
    out.reach = sqrt(fmax(square, floor) * (1 + 1 / (double)R));
    out.share = sqrt(square / fmax(square, floor)); /* 0 where all of it is the floor */
    out.p = math_exchange_tails(out.offset / out.reach, out.freedom);
    return out;
}

double math_exchange_half(const MathExchange *x, double points, double level)
{
    if (x->ranked || isnan(x->p)) return NAN;
    double t = math_stats_t_quantile((1 + level) / 2, x->freedom), z = math_normal_quantile((1 + level) / 2);
    return sqrt(t * t * x->reach * x->reach + z * z * points);
}

double math_exchange_evidence(const MathExchange *x)
{
    if (x->ranked || isnan(x->p)) return 1;
    double v = x->freedom, n = (v + 1) / (v + 2), g = 1 + 25 * n;
    double t = x->offset / x->reach, square = t * t / v;
    return exp((v + 1) / 2 * (log1p(square) - log1p(square / g)) - log(g) / 2);
}

double math_simes(double *p, int64_t n)
{
    if (n == 0) return NAN;
    qsort(p, (size_t)n, sizeof *p, base_ascending_f64);
    double least = 1;
    for (int64_t i = 0; i < n; i++) least = fmin(least, (double)n * p[i] / (double)(i + 1));
    return least;
}

void math_holm(const double *p, int64_t n, double *adjusted)
{
    int64_t left = 0, at = -1;
    double reached = 0, last = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        adjusted[i] = NAN;
        left += !isnan(p[i]);
    }
    for (; left > 0; left--) { /* the next in ascending order, equal ones by their place */
        int64_t next = -1;
        for (int64_t i = 0; i < n; i++)
            if ((p[i] > last || (p[i] == last && i > at)) && (next < 0 || p[i] < p[next])) next = i;
        reached = fmax(reached, fmin(1, (double)left * p[next]));
        adjusted[next] = reached;
        last = p[at = next];
    }
}

BaseStatus math_closed(const double *p, const bool *in, int64_t n, double *adjusted)
{
    BaseStatus st = BASE_OK;
    double *others = NULL, *set = NULL;
    int64_t inside = 0, outside = 0;
    *adjusted = NAN;
    BASE_TRY(BASE_ALLOC(n, &others));
    BASE_TRY(BASE_ALLOC(n, &set));
    for (int64_t i = 0; i < n; i++) {
        if (in[i])
            inside++;
        else
            others[outside++] = p[i];
    }
    BASE_CHECK(inside > 0, BASE_EARG, "a closed test of no hypothesis");
    qsort(others, (size_t)outside, sizeof *others, base_ascending_f64);
    double most = 0;
    for (int64_t k = 0; k <= outside; k++) {
        int64_t at = 0;
        for (int64_t i = 0; i < n; i++)
            if (in[i]) set[at++] = p[i];
        memcpy(set + at, others + outside - k, (size_t)k * sizeof *set);
        most = fmax(most, math_simes(set, inside + k));
    }
    *adjusted = most;
out:
    base_free(others);
    base_free(set);
    return st;
}
