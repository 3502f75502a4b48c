/* math/fisher.c - hypergeometric terms by their ratios from the mode on, and their convolution. */
#include "math/fisher.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"

static const double LEAST = 1e-18; /* of the largest term */

/* A distribution on first .. first + count - 1. */
typedef struct {
    double *p;
    int64_t first, count;
} Terms;

/* P(k + 1) / P(k) */
static double ratio(const MathStratum *s, int64_t k)
{
    double a = (double)s->drawn, b = (double)s->marked, n = (double)s->n, x = (double)k;
    return (a - x) * (b - x) / ((x + 1) * (n - a - b + x + 1));
}

static BaseStatus terms_of(const MathStratum *s, Terms *out)
{
    BaseStatus st = BASE_OK;
    int64_t least = base_larger(0, s->drawn + s->marked - s->n), most = base_smaller(s->drawn, s->marked);
    int64_t mode = (int64_t)(((double)s->drawn + 1) * ((double)s->marked + 1) / ((double)s->n + 2));
    mode = base_smaller(base_larger(mode, least), most);
    int64_t lo = mode, hi = mode;
    double sum = 1;
    for (double term = 1; lo > least; lo--) {
        term /= ratio(s, lo - 1);
        if (term < LEAST) break;
    }
    for (double term = 1; hi < most; hi++) {
        term *= ratio(s, hi);
        if (term < LEAST) break;
    }
    *out = (Terms){NULL, lo, hi - lo + 1};
    BASE_TRY(BASE_ALLOC_RAW(out->count, &out->p));
    out->p[mode - lo] = 1;
    for (int64_t k = mode; k > lo; k--) sum += out->p[k - 1 - lo] = out->p[k - lo] / ratio(s, k - 1);
    for (int64_t k = mode; k < hi; k++) sum += out->p[k + 1 - lo] = out->p[k - lo] * ratio(s, k);
    for (int64_t k = 0; k < out->count; k++) out->p[k] /= sum;
out:
    return st;
}

static BaseStatus convolve(Terms *all, const Terms *one)
{
    BaseStatus st = BASE_OK;
    Terms sum = {NULL, all->first + one->first, all->count + one->count - 1};
    BASE_TRY(BASE_ALLOC(sum.count, &sum.p));
    for (int64_t i = 0; i < all->count; i++)
        for (int64_t k = 0; k < one->count; k++) sum.p[i + k] += all->p[i] * one->p[k];
    base_free(all->p);
    *all = sum;
out:
    return st;
}

BaseStatus math_fisher(const MathStratum *stratum, int64_t strata, int64_t right, double *p)
{
    BaseStatus st = BASE_OK;
    Terms all = {NULL, 0, 1}, one = {0};
    int64_t least = 0, most = 0;
    *p = NAN;
    BASE_TRY(BASE_ALLOC_RAW(1, &all.p));
    all.p[0] = 1;
    for (int64_t s = 0; s < strata; s++) {
        least += base_larger(0, stratum[s].drawn + stratum[s].marked - stratum[s].n);
        most += base_smaller(stratum[s].drawn, stratum[s].marked);
        base_free(one.p);
        one = (Terms){0};
        BASE_TRY(terms_of(&stratum[s], &one));
        BASE_TRY(convolve(&all, &one));
    }
    double sum = 0;
    if (right <= least || right > most) {
        sum = right <= least;
    } else { /* the smaller terms first */
        for (int64_t k = all.count - 1; k >= 0 && all.first + k >= right; k--) sum += all.p[k];
    }
    *p = fmin(sum, 1);
out:
    base_free(all.p);
    base_free(one.p);
    return st;
}
