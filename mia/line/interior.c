/* mia/line/interior.c - an interior point method on the dual (predictor and corrector, one step length for all):
 *     min |w|^2 / 2 - sum a,   0 <= a_i <= u_i = C times how often the point occurs,   sum_i y_i a_i = 0,
 * with z, v the multipliers of the bounds, s = u - a. Eliminating all but (w, b) leaves r + 1 equations,
 *     (diag(1, ..., 1, 0) + F' D^-1 F) (dw, db) = F' D^-1 (y q),   D = z / a + v / s,   F = [phi, 1],
 * and F' D^-1 F is made of moments: sum_i phi_j phi_k / D_i = c_j c_k sum_i exp(-2 gamma x_i^2) t_i^(j + k) / D_i. So
 * an iteration is O(n r), not O(n r^2). One thread: a pass is under a millisecond, less than what waiting for a second
 * thread costs on a busy machine (70 ms for each iteration, measured). */
#include "mia/line/interior.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/target.h"
#include "math/linalg.h"

enum { CHUNK = 1024, LANES = 8, BLOCK = 4 * LANES, MOMENTS = 2 * MIA_LINE_RANK, ROUNDS = 300 };
enum { ARRAYS = 13, SUMS = MOMENTS + 2 * MIA_LINE_RANK + 8 };
static const double GAP = 1e-8; /* 2 sqrt(2 gap) = 3e-4 at the end of the rounds */

/* The two inner loops, built for each width of vectors too; a product and a sum are never fused, so bits are the same.
 */
#define WIDE BASE_CLONES("avx512f", "avx2", "default")

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
typedef void (*ChunkWork)(MiaInterior *v, int64_t first, int64_t n, double *sums);
static void over_chunks(MiaInterior *v, ChunkWork work, int count, int least, double *total)
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
static void work_weights(MiaInterior *v, int64_t first, int64_t n, double *sums)
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

void mia_interior_sums(MiaInterior *v, double *total) { over_chunks(v, work_weights, v->r + 1, 0, total); }

void mia_interior_decide(const MiaInterior *v, double *out)
{
    polynomials(v->m, v->t, v->p, v->r, out);
    for (int64_t i = 0; i < v->m; i++) out[i] *= v->e[i];
}

/* What z da + a dz and v ds + s dv must be. */
static void wanted(const MiaInterior *v, int64_t at, double *cz, double *cv)
{
    *cz = v->target - v->a[at] * v->z[at];
    *cv = v->target - v->s[at] * v->v[at];
    if (!v->correct) return;
    *cz -= v->da[at] * v->dz[at];
    *cv += v->da[at] * v->dv[at]; /* ds = -da */
}

/* q of the step to come and its moments: [0, r) with phi, [r] with 1. */
static void right_side(MiaInterior *v, int64_t first, int64_t n, const double *residual, double *sums)
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
static void residuals(const MiaInterior *v, int64_t first, int64_t n, double *residual)
{
    polynomials(n, v->t + first, v->p, v->r, residual);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        residual[i] = 1 - v->y[at] * (v->e[at] * residual[i] + v->b) + v->z[at] - v->v[at];
    }
}

/* Moments of the matrix: [0, 2r - 1) phi phi, then r of phi with 1, then 1 with 1; then the predictor's right side. */
static void work_matrix(MiaInterior *v, int64_t first, int64_t n, double *sums)
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

static void work_right(MiaInterior *v, int64_t first, int64_t n, double *sums)
{
    double residual[CHUNK];
    residuals(v, first, n, residual);
    right_side(v, first, n, residual, sums);
}

static double least(double a, double b) { return a < b ? a : b; }

/* da, dz, dv of (dp, db). Sums: a z + s v after a step of length x is [0] + [1] x + [2] x^2; [3] the longest step. */
static void work_direction(MiaInterior *v, int64_t first, int64_t n, double *sums)
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
static void work_step(MiaInterior *v, int64_t first, int64_t n, double *sums)
{
    for (int64_t at = first; at < first + n; at++) {
        v->a[at] += v->step * v->da[at];
        v->s[at] -= v->step * v->da[at];
        v->z[at] += v->step * v->dz[at];
        v->v[at] += v->step * v->dv[at];
    }
    work_weights(v, first, n, sums);
}

void mia_interior_lag(MiaInterior *v, const double *total)
{
    for (int k = 0; k < v->r; k++) {
        v->p[k] = v->c[k] * v->w[k];
        v->lag[k] = v->c[k] * (total[k] + v->fixed[k]) - v->w[k];
    }
    v->balance = -(total[v->r] + v->fixed[v->r]);
}

/* (dp, db) from the moments of the right side. */
static BaseStatus solve(MiaInterior *v, const double *total)
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

static void matrix_fill(MiaInterior *v, const double *total)
{
    int r = v->r, side = r + 1;
    for (int j = 0; j < r; j++)
        for (int k = 0; k <= j; k++) v->matrix[j * side + k] = v->c[j] * v->c[k] * total[j + k] + (j == k);
    for (int k = 0; k < r; k++) v->matrix[r * side + k] = v->c[k] * total[2 * r - 1 + k];
    v->matrix[r * side + r] = total[3 * r - 1];
}

/* One iteration; false: the numbers end here. *gap: of the point it left. */
static bool iterate(MiaInterior *v, double *gap)
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
    mia_interior_lag(v, total);
    return v->step > 1e-8;
}

/* The middle of the box, w = 0 and b = 0: there every complementary product is much the same. */
static void start(MiaInterior *v)
{
    double total[SUMS];
    for (int64_t i = 0; i < v->m; i++) {
        v->a[i] = v->s[i] = v->u[i] / 2;
        v->z[i] = 1;
        v->v[i] = 2; /* z - v = y (w . phi + b) - 1 */
    }
    mia_interior_sums(v, total);
    mia_interior_lag(v, total);
}

void mia_interior_free(MiaInterior *v)
{
    if (!v) return;
    base_free(v->sums);
    base_free(v->t);
    base_free(v);
}

BaseStatus mia_interior_create(const MiaPoint *points, int64_t m, double C, const MiaLine *line, MiaInterior **out)
{
    BaseStatus st = BASE_OK;
    MiaInterior *v = NULL;
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
    mia_interior_free(v);
    return st;
}

void mia_interior_run(MiaInterior *v, int *rounds)
{
    double gap;
    start(v);
    for (int i = 0; i < ROUNDS && iterate(v, &gap); i++) ++*rounds;
    base_error_clear(); /* a matrix that rounding made indefinite only ends the rounds: the bound says what they gave */
}
