/* math/models.c - telling two kinds of model apart (math/compare.h, math_auc_of_models). */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/bootstrap.h"
#include "math/compare.h"

/* Placements of the scores of A models among those of B and the other way round: *out [(A + B), n], owned. */
static BaseStatus place(const double *a, int64_t A, const double *b, int64_t B, int64_t n, double **out)
{
    BaseStatus st = BASE_OK;
    double *score = NULL, *result = NULL;
    uint8_t *kind = NULL;
    int64_t total = (A + B) * n;
    *out = NULL;
    BASE_TRY(BASE_ALLOC_RAW(total, &score));
    BASE_TRY(BASE_ALLOC_RAW(total, &kind));
    BASE_TRY(BASE_ALLOC_RAW(total, &result));
    memcpy(score, a, (size_t)(A * n) * sizeof *score);
    memcpy(score + A * n, b, (size_t)(B * n) * sizeof *score);
    for (int64_t i = 0; i < total; i++) kind[i] = i < A * n;
    BASE_TRY(math_auc_placements(score, kind, total, result));
    *out = result;
    result = NULL;
out:
    base_free(score);
    base_free(kind);
    base_free(result);
    return st;
}

static double mean_of(const double *x, int64_t n)
{
    long double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return (double)(sum / n);
}

/* Variance, ddof 1, of the means of M rows of x [M, n]. */
static double variance_of_rows(const double *x, int64_t M, int64_t n)
{
    double mean = mean_of(x, M * n), sum = 0;
    for (int64_t m = 0; m < M; m++) {
        double off = mean_of(x + m * n, n) - mean;
        sum += off * off;
    }
    return sum / (double)(M - 1);
}

static double variance_of_points(const double *placed, int64_t A, int64_t B, int64_t n)
{
    double centre = 2 * mean_of(placed, A * n), sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double over = 0, under = 0;
        for (int64_t m = 0; m < A; m++) over += placed[m * n + i];
        for (int64_t m = A; m < A + B; m++) under += placed[m * n + i];
        double off = over / (double)A + under / (double)B - centre;
        sum += off * off;
    }
    return sum / (double)(n - 1);
}

static double squared_t(double level, int64_t freedom)
{
    double t = math_stats_t_quantile((1 + level) / 2, (double)freedom);
    return t * t;
}

BaseStatus math_auc_of_models(const double *a, int64_t A, const double *b, int64_t B, int64_t n, double level,
                              MathEstimate *out, bool *over_models)
{
    BaseStatus st = BASE_OK;
    double *placed = NULL;
    *out = math_estimate(NAN, n);
    *over_models = A > 1 || B > 1;
    BASE_CHECK(level > 0 && level < 1, BASE_EARG, "the level of an interval is %g; it must be between 0 and 1", level);
    BASE_CHECK(A >= 1 && B >= 1 && n >= 2, BASE_EARG,
               "%lld and %lld models on %lld points: comparing them needs 1 of each kind and 2 points", (long long)A,
               (long long)B, (long long)n);
    BASE_TRY(place(a, A, b, B, n, &placed));
    double value = mean_of(placed, A * n);
    if (value <= 0 || value >= 1) {
        MathEstimate exact = math_stats_share(value >= 1 ? n : 0, n, level);
        *out = (MathEstimate){value, exact.lo, exact.hi, n};
        goto out;
    }
    double square = squared_t(level, n - 1) * variance_of_points(placed, A, B, n) / (double)n;
    double s2[2] = {A > 1 ? variance_of_rows(placed, A, n) : 0, B > 1 ? variance_of_rows(placed + A * n, B, n) : 0};
    const int64_t count[2] = {A, B};
    for (int k = 0; k < 2 && *over_models; k++) {
        int64_t own = count[k] - 1, other = count[k] < MATH_FEW_MODELS ? count[1 - k] - 1 : 0;
        double pooled = ((double)own * s2[k] + (double)other * s2[1 - k]) / (double)(own + other);
        square += squared_t(level, own + other) * pooled / (double)count[k];
    }
    if (!(square > 0)) { /* every score tied: as in math_auc */
        double most = math_stats_share_upper(0, n, (1 - level) / 2) / 2;
        *out = (MathEstimate){value, value - most, value + most, n};
        goto out;
    }
    double half = sqrt(square) / (value * (1 - value)), logit = log(value) - log1p(-value);
    *out = (MathEstimate){value, 1 / (1 + exp(half - logit)), 1 / (1 + exp(-half - logit)), n};
out:
    base_free(placed);
    return st;
}
