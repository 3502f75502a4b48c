#include "mia/ulira/ulira.h"

#include <math.h>

#include "mia/density/density.h"
#include "mia/models/models.h"

const char *const mia_ulira_predictives[] = {"student", "normal", NULL};

MiaSpread mia_ulira_spread(const double *x, int64_t n)
{
    MiaSpread s = {(double)n, 0, 0};
    for (int64_t i = 0; i < n; i++) s.mean += x[i] / s.n;
    for (int64_t i = 0; i < n; i++) s.squares += (x[i] - s.mean) * (x[i] - s.mean);
    return s;
}

MiaSpread mia_ulira_join(MiaSpread a, MiaSpread b)
{
    if (a.n == 0 || b.n == 0) return a.n == 0 ? b : a;
    double n = a.n + b.n, gap = b.mean - a.mean;
    return (MiaSpread){n, a.mean + gap * b.n / n, a.squares + b.squares + gap * gap * a.n * b.n / n};
}

MiaSpread mia_ulira_part(MiaSpread a, MiaSpread b)
{
    double n = a.n - b.n;
    if (n <= 0) return (MiaSpread){0, 0, 0};
    double mean = a.mean + (a.mean - b.mean) * b.n / n, gap = b.mean - mean;
    double squares = a.squares - b.squares - gap * gap * b.n * n / a.n;
    return (MiaSpread){n, mean, squares > 0 ? squares : 0};
}

double mia_ulira_log_predict(MiaSpread s, MiaUliraPredictive predictive, double x)
{
    double sd = sqrt(s.squares / (s.n - 1));
    if (predictive == MIA_ULIRA_NORMAL) return mia_density_normal(x, s.mean, sd + MIA_DENSITY_TINY);
    return mia_density_student(x, s.mean, sd * sqrt(1 + 1 / s.n) + MIA_DENSITY_TINY, s.n - 1);
}

/* Mean and squared standard error of the values that are not NaN. */
static int64_t mean_of(const double *x, int64_t n, double *mean, double *error)
{
    int64_t kept = 0;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(x[i])) sum += x[i], kept++;
    *mean = sum / (double)kept;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(x[i])) squares += (x[i] - *mean) * (x[i] - *mean);
    *error = squares / (double)(kept - 1) / (double)kept;
    return kept;
}

MathEstimate mia_ulira_balanced(const double *unlearned, int64_t U, const double *retrained, int64_t R)
{
    double mean_u, mean_r, error_u, error_r;
    int64_t u = mean_of(unlearned, U, &mean_u, &error_u), r = mean_of(retrained, R, &mean_r, &error_r);
    if (u == 0 || r == 0) return math_estimate(NAN, u + r);
    MathEstimate out = math_estimate((mean_u + mean_r) / 2, u + r);
    int64_t least = u < r ? u : r;
    if (least < 2) return out;
    double half = math_stats_t_quantile(0.975, (double)(least - 1)) * sqrt(error_u + error_r) / 2;
    out.lo = fmax(0, out.value - half);
    out.hi = fmin(1, out.value + half);
    return out;
}

BaseStatus mia_ulira_check(const MiaInput *in)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(in->U >= 2 && in->R >= 2, BASE_EARG,
               "%lld unlearned and %lld retrained models; a spread needs at least 2 of each", (long long)in->U,
               (long long)in->R);
    BASE_TRY(mia_models_check_target(in, in->unlearned_logits, in->U, "unlearned"));
    BASE_TRY(mia_models_check_target(in, in->retrained_logits, in->R, "retrained"));
out:
    return st;
}
