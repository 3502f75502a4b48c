/* mia/line/fit.c - the features, the error bound and the method behind line.h.
 *
 * Features. With x measured from the middle of the fitted range, |x| <= h, and z = 2 gamma h^2,
 *     exp(-gamma (x - x')^2) = sum_k phi_k(x) phi_k(x'),   phi_k(x) = exp(-gamma x^2) c_k t^k,   c_k = sqrt(z^k / k!),
 * t = x / h, the Taylor series of exp(2 gamma x x'). phi_k(x)^2 is a Poisson probability, so features are at most 1,
 * sum_k phi_k^2 = 1, and what the first r leave out is sum_{k >= r} phi_k(x)^2 <= T_r = P(Poisson(z) >= r): 2e-19 for
 * confidences at r = 16.
 *
 * Error. Strong convexity of the primal: |w - w*|^2 / 2 <= duality gap of (w, b) with any feasible a. For w of r
 * features and w_a = sum_i a_i y_i phi(x_i), with m_i = y_i d(x_i), that gap is
 *     sum_i [(u_i - a_i) max(0, 1 - m_i) + a_i max(0, m_i - 1)] + |w - w_a|^2 / 2,
 * each term >= 0 (nothing cancels); what of w_a the features left out hold is at most (sum a)^2 T_r / 2 of the last, and
 * sum a <= 2 C min(members, non-members). Given w, b minimises a sum of hinges: a weighted median, an order statistic, so
 * it moves no further than w does. As |phi(x)| = 1,
 *     |d(x) - d*(x)| <= 2 |w - w*| <= 2 sqrt(2 gap)   for every x.
 * Where b is an interval, its middle is taken, as libsvm does.
 *
 * Method. Interior point on the dual: interior.c.
 *
 * Many points. Only where m_i = 1 may a_i lie between its bounds, and the more separable the classes the more
 * iterations it takes to find where that is. So neighbours of one sign are first put together, some thousand groups; of
 * their (w, b) points with m_i < 1 - near keep a_i = u_i and those with m_i > 1 + near a_i = 0, which adds constants to
 * w_a and to the balance, and the rest are solved for exactly. Whatever was assumed, the gap over all points proves the
 * result; while it does not, near grows and the last (w, b) choose. */
#include "base/order.h"
#include "mia/line/line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "math/special.h"
#include "mia/line/interior.h"

enum {
    GROUPS = 2048, /* of a sign, and as many again where points are sparse */
    MANY = 8 * GROUPS
};
/* T_r takes at most 1e-4 of MIA_LINE_ERROR. */
static const double TAIL_ERROR = 1e-4, NEAR_FIRST = 0.02, NEAR_LAST = 0.5;

static int compare_points(const void *left, const void *right)
{
    const MiaPoint *a = left, *b = right;
    if (a->x < b->x || a->x > b->x) return a->x < b->x ? -1 : 1;
    return (a->sign > b->sign) - (a->sign < b->sign);
}

typedef struct {
    double at; /* first: what they are sorted by */
    int64_t count;
} Hinge;

/* The middle of the b that minimise sum_i count_i max(0, 1 - y_i (f_i + b)): the slope is minus the members at the left
 * end and rises by count_i at each y_i - f_i. Counts are whole, so a flat piece is found exactly. f in inv. */
static BaseStatus offset(MiaInterior *v, const MiaPoint *points)
{
    BaseStatus st = BASE_OK;
    Hinge *hinges = NULL;
    int64_t slope = 0, i = 0;
    BASE_TRY(BASE_ALLOC_RAW(v->m, &hinges));
    for (i = 0; i < v->m; i++) {
        hinges[i] = (Hinge){v->y[i] - v->inv[i], points[i].count};
        if (v->y[i] > 0) slope -= points[i].count;
    }
    qsort(hinges, (size_t)v->m, sizeof *hinges, base_ascending_f64);
    for (i = 0; slope + hinges[i].count < 0; i++) slope += hinges[i].count;
    slope += hinges[i].count;
    v->b = slope == 0 && i + 1 < v->m ? (hinges[i].at + hinges[i + 1].at) / 2 : hinges[i].at;
out:
    base_free(hinges);
    return st;
}

/* The proven bound on |d - d*|. */
static BaseStatus judge(MiaInterior *v, const MiaPoint *points, double tail, double *error)
{
    BaseStatus st = BASE_OK;
    double gap = 0, balance = 0, room = 0, total[MIA_INTERIOR_SIDE];
    for (int64_t i = 0; i < v->m; i++) {
        balance += v->y[i] * v->a[i];
        room += v->a[i] * v->s[i] / v->u[i];
    }
    for (int64_t i = 0; i < v->m; i++) { /* sum y a = 0, by those points that are free to move */
        double more = v->y[i] * v->a[i] * v->s[i] / v->u[i] * balance / room;
        v->a[i] -= more;
        v->s[i] += more;
    }
    balance = 0;
    mia_interior_sums(v, total);
    mia_interior_lag(v, total);
    for (int k = 0; k < v->r; k++) gap += v->lag[k] * v->lag[k] / 2;
    mia_interior_decide(v, v->inv);
    BASE_TRY(offset(v, points));
    for (int64_t i = 0; i < v->m; i++) {
        double lack = 1 - v->y[i] * (v->inv[i] + v->b);
        gap += lack > 0 ? v->s[i] * lack : -v->a[i] * lack;
        balance += v->y[i] * v->a[i];
    }
    *error = 2 * sqrt(2 * (gap + fabs(balance * v->b))) + tail;
out:
    return st;
}

/* P(Poisson(z) >= r), from above: the terms fall by z / (k + 1) or faster once k + 1 > z. */
static double poisson_tail(double z, int r)
{
    if (z <= 0) return r == 0;
    double first = exp(r * log(z) - z - math_log_gamma(r + 1.0));
    return r + 1 > z ? first / (1 - z / (r + 1)) : 1;
}

/* Distinct points in order, each with its sign and count; @p points [n]. */
static int64_t merge(MiaPoint *points, int64_t n)
{
    int64_t m = 0;
    qsort(points, (size_t)n, sizeof *points, compare_points);
    for (int64_t i = 0; i < n; i++) {
        if (m && compare_points(&points[m - 1], &points[i]) == 0)
            points[m - 1].count++;
        else
            points[m++] = points[i];
    }
    return m;
}

static void take_weights(MiaInterior *to, const MiaInterior *from)
{
    memcpy(to->w, from->w, sizeof to->w);
    memcpy(to->p, from->p, sizeof to->p);
    to->b = from->b;
}

/* Neighbours of one sign as one point at their mean, at most so many and no wider than a share of the range. */
static int64_t group(const MiaPoint *points, int64_t m, double width, MiaPoint *groups)
{
    int64_t n = 0, last[2] = {-1, -1}, taken[2] = {0, 0}, most = (m + GROUPS - 1) / GROUPS;
    double first[2] = {0, 0};
    for (int64_t i = 0; i < m; i++) {
        int side = points[i].sign > 0;
        if (last[side] < 0 || taken[side] == most || points[i].x - first[side] > width) {
            last[side] = n++;
            groups[last[side]] = (MiaPoint){points[i].x, points[i].sign, 0};
            first[side] = points[i].x;
            taken[side] = 0;
        }
        MiaPoint *g = groups + last[side];
        g->count += points[i].count;
        g->x += (points[i].x - g->x) * (double)points[i].count / (double)g->count;
        taken[side]++;
    }
    return n;
}

/* Fixes the a of all points that the weights leave no doubt about; @p loose [m]: the numbers of the others. */
static int64_t fix(MiaInterior *v, double near, int64_t *loose)
{
    int64_t n = 0;
    mia_interior_decide(v, v->inv);
    for (int64_t i = 0; i < v->m; i++) {
        double margin = v->y[i] * (v->inv[i] + v->b);
        v->a[i] = margin < 1 - near ? v->u[i] : 0;
        v->s[i] = v->u[i] - v->a[i];
        if (fabs(margin - 1) <= near) loose[n++] = i;
    }
    return n;
}

/* *solved: v holds a, w and b of which judge proves what is wanted. */
static BaseStatus solve_many(MiaInterior *v, const MiaPoint *points, double C, double tail, MiaLine *line, bool *solved)
{
    BaseStatus st = BASE_OK;
    MiaPoint *some = NULL;
    int64_t *loose = NULL;
    MiaInterior *part = NULL;
    *solved = false;
    BASE_TRY(BASE_ALLOC_RAW(v->m, &some));
    BASE_TRY(BASE_ALLOC_RAW(v->m, &loose));
    int64_t n = group(points, v->m, 2 * line->half / GROUPS, some);
    BASE_TRY(mia_interior_create(some, n, C, line, &part));
    mia_interior_run(part, &line->iterations);
    take_weights(v, part);
    for (double near = NEAR_FIRST; near <= NEAR_LAST && !*solved; near *= 5) {
        n = fix(v, near, loose);
        if (n == 0) continue;
        if (n > v->m / 2) break;
        for (int64_t i = 0; i < n; i++) some[i] = points[loose[i]];
        mia_interior_free(part);
        part = NULL;
        BASE_TRY(mia_interior_create(some, n, C, line, &part));
        mia_interior_sums(v, part->fixed); /* of the fixed ones: the others' a is 0 */
        mia_interior_run(part, &line->iterations);
        take_weights(v, part);
        for (int64_t i = 0; i < n; i++) {
            v->a[loose[i]] = part->a[i];
            v->s[loose[i]] = part->s[i];
        }
        BASE_TRY(judge(v, points, tail, &line->error));
        *solved = line->error <= MIA_LINE_ERROR;
    }
out:
    mia_interior_free(part);
    base_free(some);
    base_free(loose);
    return st;
}

static BaseStatus fit(const MiaPoint *points, int64_t m, double C, double tail, MiaLine *line)
{
    BaseStatus st = BASE_OK;
    MiaInterior *v = NULL;
    BASE_TRY(mia_interior_create(points, m, C, line, &v));
    if (m > MANY) BASE_TRY(solve_many(v, points, C, tail, line, &line->solved));
    if (!line->solved) {
        memset(v->w, 0, sizeof v->w);
        v->b = 0;
        mia_interior_run(v, &line->iterations);
        BASE_TRY(judge(v, points, tail, &line->error));
        line->solved = line->error <= MIA_LINE_ERROR; /* NaN: not solved */
    }
    line->b = v->b;
    memcpy(line->p, v->p, sizeof line->p);
out:
    mia_interior_free(v);
    return st;
}

BaseStatus mia_line_fit(const double *x, const uint8_t *member, int64_t n, double C, double gamma, MiaLine *out)
{
    BaseStatus st = BASE_OK;
    MiaPoint *points = NULL;
    int64_t members = 0;
    *out = (MiaLine){.gamma = gamma, .rank = 1};
    BASE_TRY(BASE_ALLOC_RAW(n, &points));
    for (int64_t i = 0; i < n; i++) {
        points[i] = (MiaPoint){x[i], member[i] ? 1 : -1, 1};
        members += member[i] != 0;
    }
    int64_t nonmembers = n - members, m = merge(points, n);
    if (members == 0 || nonmembers == 0) goto out;
    out->middle = points[0].x + (points[m - 1].x - points[0].x) / 2;
    out->half = fmax(points[m - 1].x - out->middle, out->middle - points[0].x);
    double z = 2 * gamma * out->half * out->half, sum = 2 * C * (double)base_smaller(members, nonmembers);
    double tail = 2 * sum * sqrt(poisson_tail(z, 1));
    while (!(tail <= TAIL_ERROR) && ++out->rank <= MIA_LINE_RANK) tail = 2 * sum * sqrt(poisson_tail(z, out->rank));
    if (out->rank <= MIA_LINE_RANK) BASE_TRY(fit(points, m, C, tail, out));
out:
    base_free(points);
    return st;
}

double mia_line_decide(const MiaLine *line, double x)
{
    double away = x - line->middle, t = line->half > 0 ? away / line->half : 0, sum = 0;
    for (int k = line->rank - 1; k >= 0; k--) sum = sum * t + line->p[k];
    double shrink = exp(-line->gamma * away * away);
    return (shrink > 0 ? shrink * sum : 0) + line->b;
}
