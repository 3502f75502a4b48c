/* Features. With x measured from the middle of the fitted range, |x| <= h, and z = 2 gamma h^2,
 *     exp(-gamma (x - x')^2) = sum_k phi_k(x) phi_k(x'),   phi_k(x) = exp(-gamma x^2) c_k t^k,   c_k = sqrt(z^k / k!),
 * t = x / h, the Taylor series of exp(2 gamma x x'). phi_k(x)^2 is a Poisson probability, so features are at most 1,
 * sum_k phi_k^2 = 1, and what the first r leave out is sum_{k >= r} phi_k(x)^2 <= T_r = P(Poisson(z) >= r): 2e-19 at r
 * = 16 for confidences.
 *
 * Error. Strong convexity of the primal: |w - w*|^2 / 2 <= duality gap of (w, b) with any feasible a. For w of r
 * features and w_a = sum_i a_i y_i phi(x_i), with m_i = y_i d(x_i), that gap is sum_i (u_i - a_i) max(0, 1 - m_i) + a_i
 * max(0, m_i - 1)   +   |w - w_a|^2 / 2, each term >= 0 (nothing cancels); what of w_a the features left out hold is at
 * most (sum a)^2 T_r / 2 of the last, and sum a
 * <= 2 C min(members, non-members). Given w, b minimises a sum of hinges: a weighted median, an order statistic, so it
 * moves no further than w does. As |phi(x)| = 1, |d(x) - d*(x)| <= 2 |w - w*| <= 2 sqrt(2 gap),   for every x. Where b
 * is an interval, its middle is taken, as libsvm does.
 *
 * Method. Interior point on the dual (predictor and corrector, one step length for all):
 *     min |w|^2 / 2 - sum a,   0 <= a_i <= u_i = C times how often the point occurs,   sum_i y_i a_i = 0,
 * with z, v the multipliers of the bounds, s = u - a. Eliminating all but (w, b) leaves r + 1 equations,
 *     (diag(1, ..., 1, 0) + F' D^-1 F) (dw, db) = F' D^-1 (y q),   D = z / a + v / s,   F = [phi, 1],
 * and F' D^-1 F is made of moments: sum_i phi_j phi_k / D_i = c_j c_k sum_i exp(-2 gamma x_i^2) t_i^(j + k) / D_i. So
 * an iteration is O(n r), not O(n r^2). One thread: a pass is
 * under a millisecond, less than what waiting for a second thread costs on a busy machine (70 ms an iteration,
 * measured).
 *
 * Many points. Only where m_i = 1 may a_i lie between its bounds, and the more separable the classes the more
 * iterations it takes to find where that is. So neighbours of one sign are first put together, some thousand groups; of
 * their (w, b) points with m_i < 1 - near keep a_i = u_i and those with m_i > 1 + near a_i = 0, which adds constants to
 * w_a and to the balance, and the rest are solved for exactly. Whatever was assumed, the gap over all points proves the
 * result; while it does not, near grows and the last (w, b) choose. */
#include "mia/line/line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"

enum {
    CHUNK = 1024,
    LANES = 8,
    BLOCK = 4 * LANES,
    MOMENTS = 2 * MIA_LINE_RANK,
    SIDE = MIA_LINE_RANK + 1,
    ROUNDS = 300,
    GROUPS = 2048, /* of a sign, and as many again where points are sparse */
    MANY = 8 * GROUPS
};
/* 2 sqrt(2 gap) = 3e-4 at the end of the rounds; T_r takes at most 1e-4 more. */
static const double GAP = 1e-8, TAIL_ERROR = 1e-4, NEAR_FIRST = 0.02, NEAR_LAST = 0.5;

/* The two inner loops, built for each width of vectors too; a product and a sum are never fused, so bits are the same.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

typedef struct {
    double x;
    int64_t sign, count;
} Point;

/* Arrays [m], one entry a distinct point; below t all in one block. */
typedef struct {
    int64_t m, chunks;
    int r;
    double c[MIA_LINE_RANK], p[MIA_LINE_RANK], b;         /* p_k = c_k w_k */
    double w[MIA_LINE_RANK], lag[MIA_LINE_RANK], balance; /* lag = sum a y phi - w, balance = -sum a y: to become 0 */
    double fixed[SIDE]; /* what points that are not among the m add to these two sums, without c_k */
    double dp[MIA_LINE_RANK], db, target, step;                     /* target: of a z and of s v; 0 in the predictor */
    bool correct;                                                   /* da, dz, dv hold the predictor */
    double *t, *e, *y, *u, *a, *s, *z, *v, *da, *dz, *dv, *q, *inv; /* e = exp(-gamma x^2), inv = 1 / D */
    double *sums;                                                   /* [chunks, SUMS] */
    double matrix[SIDE * SIDE], cut[SIDE * SIDE], right[SIDE];
} Solver;
enum { ARRAYS = 13, SUMS = MOMENTS + 2 * MIA_LINE_RANK + 8 };

static int compare_points(const void *left, const void *right)
{
    const Point *a = left, *b = right;
    if (a->x < b->x || a->x > b->x) return a->x < b->x ? -1 : 1;
    return (a->sign > b->sign) - (a->sign < b->sign);
}

/* out[k] = sum_i weight_i t_i^k; @p weight [n] is used up. */
WIDE static void moments(int64_t n, const double *t, double *weight, int count, double *out)
{
    double sum[MOMENTS][LANES];
    memset(sum, 0, (size_t)count * sizeof sum[0]);
    for (int64_t at = 0; at < n; at += BLOCK) {
        double power[BLOCK] = {0}, by[BLOCK] = {0};
        size_t size = (size_t)(n - at < BLOCK ? n - at : BLOCK) * sizeof(double);
        memcpy(power, weight + at, size);
        memcpy(by, t + at, size);
        for (int k = 0; k < count; k++) {
            for (int l = 0; l < LANES; l++)
                sum[k][l] += (power[l] + power[l + LANES]) + (power[l + 2 * LANES] + power[l + 3 * LANES]);
            for (int l = 0; l < BLOCK; l++) power[l] *= by[l];
        }
    }
    for (int k = 0; k < count; k++) {
        out[k] = 0;
        for (int l = 0; l < LANES; l++) out[k] += sum[k][l];
    }
}

/* out[i] = sum_k p_k t_i^k */
WIDE static void polynomials(int64_t n, const double *t, const double *p, int count, double *out)
{
    for (int64_t at = 0; at < n; at += BLOCK) {
        double value[BLOCK] = {0}, by[BLOCK] = {0};
        size_t size = (size_t)(n - at < BLOCK ? n - at : BLOCK) * sizeof(double);
        memcpy(by, t + at, size);
        for (int k = count - 1; k >= 0; k--)
            for (int l = 0; l < BLOCK; l++) value[l] = value[l] * by[l] + p[k];
        memcpy(out + at, value, size);
    }
}

/* Runs @p work over the chunks; total [count]: their sums in order, or the least of them for the last @p least. */
typedef void (*ChunkWork)(Solver *v, int64_t first, int64_t n, double *sums);
static void over_chunks(Solver *v, ChunkWork work, int count, int least, double *total)
{
    for (int64_t i = 0; i < v->chunks; i++) {
        int64_t first = i * CHUNK, n = v->m - first < CHUNK ? v->m - first : CHUNK;
        work(v, first, n, v->sums + i * SUMS);
    }
    for (int k = 0; k < count; k++) {
        total[k] = v->sums[k];
        for (int64_t i = 1; i < v->chunks; i++) {
            double next = v->sums[i * SUMS + k];
            if (k < count - least)
                total[k] += next;
            else
                total[k] = fmin(total[k], next);
        }
    }
}

/* sum_i y_i a_i phi_k(x_i) without c_k, and sum_i y_i a_i last */
static void work_weights(Solver *v, int64_t first, int64_t n, double *sums)
{
    double weight[CHUNK], balance = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        weight[i] = v->y[at] * v->a[at];
        balance += weight[i];
        weight[i] *= v->e[at];
    }
    moments(n, v->t + first, weight, v->r, sums);
    sums[v->r] = balance;
}

/* What z da + a dz and v ds + s dv must be. */
static void wanted(const Solver *v, int64_t at, double *cz, double *cv)
{
    *cz = v->target - v->a[at] * v->z[at];
    *cv = v->target - v->s[at] * v->v[at];
    if (!v->correct) return;
    *cz -= v->da[at] * v->dz[at];
    *cv += v->da[at] * v->dv[at]; /* ds = -da */
}

/* q of the step to come and its moments: [0, r) with phi, [r] with 1. */
static void right_side(Solver *v, int64_t first, int64_t n, const double *residual, double *sums)
{
    double weight[CHUNK], last = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        double cz, cv;
        wanted(v, at, &cz, &cv);
        double q = residual[i] + cz / v->a[at] - cv / v->s[at];
        v->q[at] = q;
        weight[i] = v->y[at] * q * v->inv[at];
        last += weight[i];
        weight[i] *= v->e[at];
    }
    moments(n, v->t + first, weight, v->r, sums);
    sums[v->r] = last;
}

/* 1 - m + z - v: zero but for rounding */
static void residuals(const Solver *v, int64_t first, int64_t n, double *residual)
{
    polynomials(n, v->t + first, v->p, v->r, residual);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        residual[i] = 1 - v->y[at] * (v->e[at] * residual[i] + v->b) + v->z[at] - v->v[at];
    }
}

/* Moments of the matrix: [0, 2r - 1) phi phi, then r of phi with 1, then 1 with 1; then the predictor's right side. */
static void work_matrix(Solver *v, int64_t first, int64_t n, double *sums)
{
    double weight[CHUNK], residual[CHUNK], one = 0;
    int r = v->r;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        v->inv[at] = 1 / (v->z[at] / v->a[at] + v->v[at] / v->s[at]);
        one += v->inv[at];
        weight[i] = v->inv[at] * v->e[at];
    }
    moments(n, v->t + first, weight, r, sums + 2 * r - 1);
    for (int64_t i = 0; i < n; i++) weight[i] *= v->e[first + i];
    moments(n, v->t + first, weight, 2 * r - 1, sums);
    sums[3 * r - 1] = one;
    residuals(v, first, n, residual);
    right_side(v, first, n, residual, sums + 3 * r);
}

static void work_right(Solver *v, int64_t first, int64_t n, double *sums)
{
    double residual[CHUNK];
    residuals(v, first, n, residual);
    right_side(v, first, n, residual, sums);
}

static double least(double a, double b) { return a < b ? a : b; }

/* da, dz, dv of (dp, db). Sums: a z + s v after a step of length x is [0] + [1] x + [2] x^2; [3] the longest step. */
static void work_direction(Solver *v, int64_t first, int64_t n, double *sums)
{
    double change[CHUNK];
    double now = 0, linear = 0, square = 0, longest = INFINITY;
    polynomials(n, v->t + first, v->dp, v->r, change);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        double a = v->a[at], s = v->s[at], z = v->z[at], u = v->v[at], cz, cv;
        wanted(v, at, &cz, &cv);
        double da = (v->q[at] - v->y[at] * (v->e[at] * change[i] + v->db)) * v->inv[at];
        double dz = (cz - z * da) / a, dv = (cv + u * da) / s;
        now += a * z + s * u;
        linear += a * dz + z * da + s * dv - u * da;
        square += da * dz - da * dv;
        if (da < 0) longest = least(longest, -a / da);
        if (da > 0) longest = least(longest, s / da);
        if (dz < 0) longest = least(longest, -z / dz);
        if (dv < 0) longest = least(longest, -u / dv);
        v->da[at] = da;
        v->dz[at] = dz;
        v->dv[at] = dv;
    }
    sums[0] = now;
    sums[1] = linear;
    sums[2] = square;
    sums[3] = longest;
}

/* Takes the step, and sums what the new weights are made of. */
static void work_step(Solver *v, int64_t first, int64_t n, double *sums)
{
    for (int64_t at = first; at < first + n; at++) {
        v->a[at] += v->step * v->da[at];
        v->s[at] -= v->step * v->da[at];
        v->z[at] += v->step * v->dz[at];
        v->v[at] += v->step * v->dv[at];
    }
    work_weights(v, first, n, sums);
}

/* What w still lacks of its sums. */
static void lag_fill(Solver *v, const double *total)
{
    for (int k = 0; k < v->r; k++) {
        v->p[k] = v->c[k] * v->w[k];
        v->lag[k] = v->c[k] * (total[k] + v->fixed[k]) - v->w[k];
    }
    v->balance = -(total[v->r] + v->fixed[v->r]);
}

/* (dp, db) from the moments of the right side. */
static BaseStatus solve(Solver *v, const double *total)
{
    int r = v->r;
    for (int k = 0; k < r; k++) v->right[k] = v->c[k] * total[k] + v->lag[k];
    v->right[r] = total[r] - v->balance;
    BaseStatus st = BASE_ENUMERIC;
    for (double ridge = 0; st != BASE_OK && ridge<1e-8; ridge = ridge> 0 ? 10 * ridge : 1e-15) {
        memcpy(v->cut, v->matrix, sizeof(double) * (size_t)(r + 1) * (size_t)(r + 1));
        for (int k = 0; k <= r; k++) v->cut[k * (r + 2)] *= 1 + ridge; /* only the direction suffers */
        st = math_cholesky_f64(r + 1, v->cut);
    }
    if (st == BASE_OK) st = math_cholesky_solve_f64(r + 1, v->cut, 1, v->right);
    if (st != BASE_OK) return st;
    for (int k = 0; k < r; k++) v->dp[k] = v->c[k] * v->right[k];
    v->db = v->right[r];
    return BASE_OK;
}

static void matrix_fill(Solver *v, const double *total)
{
    int r = v->r, side = r + 1;
    for (int j = 0; j < r; j++)
        for (int k = 0; k <= j; k++) v->matrix[j * side + k] = v->c[j] * v->c[k] * total[j + k] + (j == k);
    for (int k = 0; k < r; k++) v->matrix[r * side + k] = v->c[k] * total[2 * r - 1 + k];
    v->matrix[r * side + r] = total[3 * r - 1];
}

/* One iteration; false: the numbers end here. *gap: of the point it left. */
static bool iterate(Solver *v, double *gap)
{
    double total[SUMS], moved[4];
    int r = v->r;
    v->target = 0;
    v->correct = false;
    over_chunks(v, work_matrix, 4 * r + 1, 0, total);
    matrix_fill(v, total);
    if (solve(v, total + 3 * r) != BASE_OK) return false;
    over_chunks(v, work_direction, 4, 1, moved);
    *gap = moved[0];
    for (int k = 0; k < r; k++) *gap = fmax(*gap, v->lag[k] * v->lag[k]);
    if (!(*gap > GAP)) return false;
    double step = fmin(1, moved[3]), left = (moved[0] + step * (moved[1] + step * moved[2])) / moved[0];
    v->target = moved[0] / (2 * (double)v->m) * fmin(1, left * left * left);
    v->correct = true;
    over_chunks(v, work_right, r + 1, 0, total);
    if (solve(v, total) != BASE_OK) return false;
    over_chunks(v, work_direction, 4, 1, moved);
    if (!isfinite(moved[1]) || !isfinite(moved[2])) return false;
    v->step = fmin(1, 0.99 * moved[3]);
    over_chunks(v, work_step, r + 1, 0, total);
    for (int k = 0; k < r; k++) v->w[k] += v->step * v->right[k];
    v->b += v->step * v->db;
    lag_fill(v, total);
    return v->step > 1e-8;
}

typedef struct {
    double at;
    int64_t count;
} Hinge;

static int compare_hinges(const void *left, const void *right)
{
    const Hinge *a = left, *b = right;
    return (a->at > b->at) - (a->at < b->at);
}

/* The middle of the b that minimise sum_i count_i max(0, 1 - y_i (f_i + b)): the slope is minus the members at the left
 * end and rises by count_i at each y_i - f_i. Counts are whole, so a flat piece is found exactly. f in inv. */
static BaseStatus offset(Solver *v, const Point *points)
{
    BaseStatus st = BASE_OK;
    Hinge *hinges = NULL;
    int64_t slope = 0, i = 0;
    BASE_TRY(BASE_ALLOC_RAW(v->m, &hinges));
    for (i = 0; i < v->m; i++) {
        hinges[i] = (Hinge){v->y[i] - v->inv[i], points[i].count};
        if (v->y[i] > 0) slope -= points[i].count;
    }
    qsort(hinges, (size_t)v->m, sizeof *hinges, compare_hinges);
    for (i = 0; slope + hinges[i].count < 0; i++) slope += hinges[i].count;
    slope += hinges[i].count;
    v->b = slope == 0 && i + 1 < v->m ? (hinges[i].at + hinges[i + 1].at) / 2 : hinges[i].at;
out:
    base_free(hinges);
    return st;
}

/* The proven bound on |d - d*|. */
static BaseStatus judge(Solver *v, const Point *points, double tail, double *error)
{
    BaseStatus st = BASE_OK;
    double gap = 0, balance = 0, room = 0, total[SUMS];
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
    over_chunks(v, work_weights, v->r + 1, 0, total);
    lag_fill(v, total);
    for (int k = 0; k < v->r; k++) gap += v->lag[k] * v->lag[k] / 2;
    polynomials(v->m, v->t, v->p, v->r, v->inv);
    for (int64_t i = 0; i < v->m; i++) v->inv[i] *= v->e[i];
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

/* The middle of the box, w = 0 and b = 0: there every complementary product is much the same. */
static void start(Solver *v)
{
    double total[SUMS];
    for (int64_t i = 0; i < v->m; i++) {
        v->a[i] = v->s[i] = v->u[i] / 2;
        v->z[i] = 1;
        v->v[i] = 2; /* z - v = y (w . phi + b) - 1 */
    }
    over_chunks(v, work_weights, v->r + 1, 0, total);
    lag_fill(v, total);
}

/* P(Poisson(z) >= r), from above: the terms fall by z / (k + 1) or faster once k + 1 > z. */
static double poisson_tail(double z, int r)
{
    if (z <= 0) return r == 0;
    double first = exp(r * log(z) - z - lgamma(r + 1.0));
    return r + 1 > z ? first / (1 - z / (r + 1)) : 1;
}

/* Distinct points in order, each with its sign and count; @p points [n]. */
static int64_t merge(Point *points, int64_t n)
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

static void solver_free(Solver *v)
{
    if (!v) return;
    base_free(v->sums);
    base_free(v->t);
    base_free(v);
}

static BaseStatus solver_create(const Point *points, int64_t m, double C, const MiaLine *line, Solver **out)
{
    BaseStatus st = BASE_OK;
    Solver *v = NULL;
    double z = 2 * line->gamma * line->half * line->half;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &v));
    v->m = m;
    v->chunks = (m + CHUNK - 1) / CHUNK;
    v->r = line->rank;
    BASE_TRY(BASE_ALLOC(ARRAYS * m, &v->t));
    BASE_TRY(BASE_ALLOC(v->chunks * SUMS, &v->sums));
    double **arrays[ARRAYS] = {&v->t, &v->e,  &v->y,  &v->u,  &v->a, &v->s,  &v->z,
                               &v->v, &v->da, &v->dz, &v->dv, &v->q, &v->inv};
    for (int i = 1; i < ARRAYS; i++) *arrays[i] = v->t + i * m;
    for (int64_t i = 0; i < m; i++) {
        double x = points[i].x - line->middle;
        v->t[i] = line->half > 0 ? x / line->half : 0;
        v->e[i] = exp(-line->gamma * x * x);
        v->y[i] = (double)points[i].sign;
        v->u[i] = C * (double)points[i].count;
    }
    v->c[0] = 1;
    for (int k = 1; k < v->r; k++) v->c[k] = v->c[k - 1] * sqrt(z / k);
    *out = v;
    v = NULL;
out:
    solver_free(v);
    return st;
}

static void iterations(Solver *v, MiaLine *line)
{
    double gap;
    start(v);
    for (int i = 0; i < ROUNDS && iterate(v, &gap); i++) line->iterations++;
    base_error_clear(); /* a matrix that rounding made indefinite only ends the rounds: the bound says what they gave */
}

static void take_weights(Solver *to, const Solver *from)
{
    memcpy(to->w, from->w, sizeof to->w);
    memcpy(to->p, from->p, sizeof to->p);
    to->b = from->b;
}

/* Neighbours of one sign as one point at their mean, at most so many and no wider than a share of the range. */
static int64_t group(const Point *points, int64_t m, double width, Point *groups)
{
    int64_t n = 0, last[2] = {-1, -1}, taken[2] = {0, 0}, most = (m + GROUPS - 1) / GROUPS;
    double first[2] = {0, 0};
    for (int64_t i = 0; i < m; i++) {
        int side = points[i].sign > 0;
        if (last[side] < 0 || taken[side] == most || points[i].x - first[side] > width) {
            last[side] = n++;
            groups[last[side]] = (Point){points[i].x, points[i].sign, 0};
            first[side] = points[i].x;
            taken[side] = 0;
        }
        Point *g = groups + last[side];
        g->count += points[i].count;
        g->x += (points[i].x - g->x) * (double)points[i].count / (double)g->count;
        taken[side]++;
    }
    return n;
}

/* Fixes the a of all points that the weights leave no doubt about; @p loose [m]: the numbers of the others. */
static int64_t fix(Solver *v, double near, int64_t *loose)
{
    int64_t n = 0;
    polynomials(v->m, v->t, v->p, v->r, v->inv);
    for (int64_t i = 0; i < v->m; i++) {
        double margin = v->y[i] * (v->inv[i] * v->e[i] + v->b);
        v->a[i] = margin < 1 - near ? v->u[i] : 0;
        v->s[i] = v->u[i] - v->a[i];
        if (fabs(margin - 1) <= near) loose[n++] = i;
    }
    return n;
}

/* *solved: v holds a, w and b of which judge proves what is wanted. */
static BaseStatus solve_many(Solver *v, const Point *points, double C, double tail, MiaLine *line, bool *solved)
{
    BaseStatus st = BASE_OK;
    Point *some = NULL;
    int64_t *loose = NULL;
    Solver *part = NULL;
    double total[SUMS];
    *solved = false;
    BASE_TRY(BASE_ALLOC_RAW(v->m, &some));
    BASE_TRY(BASE_ALLOC_RAW(v->m, &loose));
    int64_t n = group(points, v->m, 2 * line->half / GROUPS, some);
    BASE_TRY(solver_create(some, n, C, line, &part));
    iterations(part, line);
    take_weights(v, part);
    for (double near = NEAR_FIRST; near <= NEAR_LAST && !*solved; near *= 5) {
        n = fix(v, near, loose);
        if (n == 0) continue;
        if (n > v->m / 2) break;
        for (int64_t i = 0; i < n; i++) some[i] = points[loose[i]];
        solver_free(part);
        part = NULL;
        BASE_TRY(solver_create(some, n, C, line, &part));
        over_chunks(v, work_weights, v->r + 1, 0, total); /* of the fixed ones: the others' a is 0 */
        memcpy(part->fixed, total, sizeof part->fixed);
        iterations(part, line);
        take_weights(v, part);
        for (int64_t i = 0; i < n; i++) {
            v->a[loose[i]] = part->a[i];
            v->s[loose[i]] = part->s[i];
        }
        BASE_TRY(judge(v, points, tail, &line->error));
        *solved = line->error <= MIA_LINE_ERROR;
    }
out:
    solver_free(part);
    base_free(some);
    base_free(loose);
    return st;
}

static BaseStatus fit(const Point *points, int64_t m, double C, double tail, MiaLine *line)
{
    BaseStatus st = BASE_OK;
    Solver *v = NULL;
    BASE_TRY(solver_create(points, m, C, line, &v));
    if (m > MANY) BASE_TRY(solve_many(v, points, C, tail, line, &line->solved));
    if (!line->solved) {
        memset(v->w, 0, sizeof v->w);
        v->b = 0;
        iterations(v, line);
        BASE_TRY(judge(v, points, tail, &line->error));
        line->solved = line->error <= MIA_LINE_ERROR; /* NaN: not solved */
    }
    line->b = v->b;
    memcpy(line->p, v->p, sizeof line->p);
out:
    solver_free(v);
    return st;
}

BaseStatus mia_line_fit(const double *x, const uint8_t *member, int64_t n, double C, double gamma, MiaLine *out)
{
    BaseStatus st = BASE_OK;
    Point *points = NULL;
    int64_t members = 0;
    *out = (MiaLine){.gamma = gamma, .rank = 1};
    BASE_TRY(BASE_ALLOC_RAW(n, &points));
    for (int64_t i = 0; i < n; i++) {
        points[i] = (Point){x[i], member[i] ? 1 : -1, 1};
        members += member[i] != 0;
    }
    int64_t nonmembers = n - members, m = merge(points, n);
    if (members == 0 || nonmembers == 0) goto out;
    out->middle = points[0].x + (points[m - 1].x - points[0].x) / 2;
    out->half = fmax(points[m - 1].x - out->middle, out->middle - points[0].x);
    double z = 2 * gamma * out->half * out->half, sum = 2 * C * (double)(members < nonmembers ? members : nonmembers);
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
