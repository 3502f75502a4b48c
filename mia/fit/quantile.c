/* mia/fit/quantile.c - Newton for a Gaussian of varying width, majorisation for the pinball loss. */
#include "mia/fit/quantile.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"

enum { TURNS = 200, NEWTON_STEPS = 50, HALVINGS = 40, MAJORISATIONS = 500 };
/* Both of the values' spread. The ridge alone moves a fit by a few millionths of it. */
static const double CORNER = 1e-6, RESOLVED = 3e-5;

/* Scratch of both: rows scaled by the roots of weights, the normal equations' matrix, one right side. */
typedef struct {
    double *scaled, *matrix, *weight, *residual, *step, *trial;
} Work;

static void work_free(Work *w)
{
    base_free(w->scaled);
    base_free(w->matrix);
    base_free(w->weight);
    base_free(w->residual);
    base_free(w->step);
    base_free(w->trial);
}

static BaseStatus work_alloc(const MiaQuantileRows *rows, Work *w)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(rows->n * rows->d, &w->scaled));
    BASE_TRY(BASE_ALLOC_RAW(rows->d * rows->d, &w->matrix));
    BASE_TRY(BASE_ALLOC_RAW(rows->n, &w->weight));
    BASE_TRY(BASE_ALLOC_RAW(rows->n, &w->residual));
    BASE_TRY(BASE_ALLOC_RAW(rows->d, &w->step));
    BASE_TRY(BASE_ALLOC_RAW(rows->d, &w->trial));
out:
    return st;
}

double mia_quantile_dot(const double *a, const double *b, int64_t d)
{
    double sum = 0;
    for (int64_t j = 0; j < d; j++) sum += a[j] * b[j];
    return sum;
}

static double spread(const MiaQuantileRows *rows)
{
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < rows->n; i++) mean += rows->value[i] / (double)rows->n;
    for (int64_t i = 0; i < rows->n; i++) squares += (rows->value[i] - mean) * (rows->value[i] - mean);
    return fmax(sqrt(squares / (double)rows->n), 1e-9 * fmax(fabs(mean), 1));
}

double mia_quantile_resolution(const MiaQuantileRows *rows) { return RESOLVED * spread(rows); }

/* Where all values are one, so is every quantile, exactly: a solved one would differ from it by rounding, and what lies
 * above it, in deviations that are rounding too, would be any number. */
static bool one_value(const MiaQuantileRows *rows, double *fit)
{
    for (int64_t i = 1; i < rows->n; i++)
        if (rows->value[i] != rows->value[0]) return false;
    memset(fit, 0, (size_t)rows->d * sizeof *fit);
    fit[0] = rows->value[0];
    return true;
}

/* @p right [d] becomes (X^T W X + ridge) ^-1 right for the weights in w->weight. */
static BaseStatus solve(const MiaQuantileRows *rows, Work *w, double *right)
{
    BaseStatus st = BASE_OK;
    int64_t d = rows->d;
    for (int64_t i = 0; i < rows->n; i++) {
        double root = sqrt(w->weight[i]);
        for (int64_t j = 0; j < d; j++) w->scaled[i * d + j] = root * rows->x[i * d + j];
    }
    memset(w->matrix, 0, (size_t)(d * d) * sizeof *w->matrix);
    BASE_TRY(math_gram_block_f64(false, rows->n, d, w->scaled, d, w->matrix, d));
    for (int64_t j = 0; j < d; j++) {
        double *own = &w->matrix[j * d + j];
        *own = *own > 0 ? *own * (j ? 1 + rows->ridge : 1 + 1e-14) : 1;
    }
    BASE_TRY(math_cholesky_f64(d, w->matrix));
    BASE_TRY(math_cholesky_solve_f64(d, w->matrix, 1, right));
out:
    return st;
}

/* sum_i g . x_i + r_i^2 exp(-2 g . x_i) / 2 */
static double likelihood(const MiaQuantileRows *rows, const double *residual, const double *g)
{
    double sum = 0;
    for (int64_t i = 0; i < rows->n; i++) {
        double at = mia_quantile_dot(g, rows->x + i * rows->d, rows->d);
        sum += at + residual[i] * residual[i] * exp(-2 * at) / 2;
    }
    return sum;
}

/* Newton on g for the residuals in w; the ridge only damps the step here. */
static BaseStatus fit_log_sd(const MiaQuantileRows *rows, Work *w, double *g)
{
    BaseStatus st = BASE_OK;
    int64_t d = rows->d;
    double now = likelihood(rows, w->residual, g);
    for (int round = 0; round < NEWTON_STEPS; round++) {
        memset(w->step, 0, (size_t)d * sizeof *w->step);
        for (int64_t i = 0; i < rows->n; i++) {
            const double *x = rows->x + i * d;
            double square = w->residual[i] * w->residual[i] * exp(-2 * mia_quantile_dot(g, x, d));
            w->weight[i] = 2 * square;
            for (int64_t j = 0; j < d; j++) w->step[j] += (1 - square) * x[j];
        }
        BASE_TRY(solve(rows, w, w->step));
        double length = 1, lower = INFINITY;
        for (int half = 0; half < HALVINGS && !(lower < now); half++, length /= 2) {
            for (int64_t j = 0; j < d; j++) w->trial[j] = g[j] - length * w->step[j];
            lower = likelihood(rows, w->residual, w->trial);
        }
        if (!(lower < now)) break;
        memcpy(g, w->trial, (size_t)d * sizeof *g);
        bool done = now - lower < 1e-12 * fabs(now);
        now = lower;
        if (done) break;
    }
out:
    return st;
}

static BaseStatus fit_mean(const MiaQuantileRows *rows, Work *w, const double *g, double least, double *mu)
{
    BaseStatus st = BASE_OK;
    int64_t d = rows->d;
    memset(mu, 0, (size_t)d * sizeof *mu);
    for (int64_t i = 0; i < rows->n; i++) {
        const double *x = rows->x + i * d;
        w->weight[i] = exp(-2 * mia_quantile_dot(g, x, d));
        for (int64_t j = 0; j < d; j++) mu[j] += w->weight[i] * rows->value[i] * x[j];
    }
    BASE_TRY(solve(rows, w, mu));
    for (int64_t i = 0; i < rows->n; i++) {
        double r = rows->value[i] - mia_quantile_dot(mu, rows->x + i * d, d);
        w->residual[i] = fmax(fabs(r), least);
    }
out:
    return st;
}

BaseStatus mia_quantile_gaussian(const MiaQuantileRows *rows, double *mu, double *g)
{
    BaseStatus st = BASE_OK;
    Work w = {0};
    double scale = spread(rows), before = INFINITY;
    memset(g, 0, (size_t)rows->d * sizeof *g);
    g[0] = log(scale);
    if (one_value(rows, mu)) return BASE_OK;
    BASE_TRY(work_alloc(rows, &w));
    for (int turn = 0; turn < TURNS; turn++) {
        BASE_TRY(fit_mean(rows, &w, g, CORNER * scale, mu));
        BASE_TRY(fit_log_sd(rows, &w, g));
        double now = likelihood(rows, w.residual, g);
        if (!(before - now > 1e-11 * fabs(now))) break;
        before = now;
    }
    for (int64_t j = 0; j < rows->d; j++)
        BASE_CHECK(isfinite(mu[j]) && isfinite(g[j]), BASE_ENUMERIC,
                   "quantile regression: coefficient %lld is %g (mean) and %g (log of the deviation)", (long long)j,
                   mu[j], g[j]);
out:
    work_free(&w);
    return st;
}

BaseStatus mia_quantile_pinball(const MiaQuantileRows *rows, double level, double *q)
{
    BaseStatus st = BASE_OK;
    Work w = {0};
    int64_t d = rows->d;
    double scale = spread(rows), *last;
    if (one_value(rows, q)) return BASE_OK;
    BASE_TRY(work_alloc(rows, &w));
    last = w.trial;
    for (int64_t i = 0; i < rows->n; i++) w.weight[i] = 1; /* least squares first */
    for (int round = 0; round < MAJORISATIONS; round++) {
        for (int64_t j = 0; j < d; j++) w.step[j] = 0;
        for (int64_t i = 0; i < rows->n; i++) {
            double pull = w.weight[i] * rows->value[i] + (round > 0 ? 2 * level - 1 : 0);
            for (int64_t j = 0; j < d; j++) w.step[j] += pull * rows->x[i * d + j];
        }
        BASE_TRY(solve(rows, &w, w.step));
        memcpy(last, q, (size_t)d * sizeof *q);
        memcpy(q, w.step, (size_t)d * sizeof *q);
        double moved = 0;
        for (int64_t i = 0; i < rows->n; i++) {
            const double *x = rows->x + i * d;
            double at = mia_quantile_dot(q, x, d);
            if (round > 0) moved = fmax(moved, fabs(at - mia_quantile_dot(last, x, d)));
            w.weight[i] = 1 / (CORNER * scale + fabs(rows->value[i] - at));
        }
        if (round > 0 && moved < 1e-7 * scale) break;
    }
    for (int64_t j = 0; j < d; j++)
        BASE_CHECK(isfinite(q[j]), BASE_ENUMERIC, "quantile regression: coefficient %lld is %g", (long long)j, q[j]);
out:
    work_free(&w);
    return st;
}
