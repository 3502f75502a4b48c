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

enum { PAIRS_EACH = 16 };

int64_t mia_ulira_pair_count(int64_t U, int64_t R)
{
    return U * R <= MIA_ULIRA_ALL ? U * R : PAIRS_EACH * (U > R ? U : R);
}

void mia_ulira_pair(int64_t U, int64_t R, int64_t at, int64_t *u, int64_t *r)
{
    bool all = U * R <= MIA_ULIRA_ALL;
    *u = all ? at / R : at / PAIRS_EACH % U;
    *r = all ? at % R : (at / PAIRS_EACH + at % PAIRS_EACH) % R;
}

/* Squared standard error of the mean of row (or column) means; *count: of those that have any. */
static double error_of(const double *right, const double *seen, int64_t models, bool columns, double mean,
                       int64_t *count)
{
    double squares = 0;
    *count = 0;
    for (int64_t a = 0; a < models; a++) {
        double sum = 0, n = 0;
        for (int64_t b = 0; b < models; b++) {
            int64_t at = columns ? b * models + a : a * models + b;
            sum += right[at];
            n += seen[at];
        }
        if (n == 0) continue;
        squares += (sum / n - mean) * (sum / n - mean);
        ++*count;
    }
    return squares / (double)(*count - 1) / (double)*count;
}

MathEstimate mia_ulira_balanced(const double *right, const double *seen, int64_t models)
{
    double sum = 0, n = 0;
    int64_t u, r;
    for (int64_t i = 0; i < models * models; i++) sum += right[i], n += seen[i];
    if (n == 0) return math_estimate(NAN, 0);
    double error = error_of(right, seen, models, false, sum / n, &u) + error_of(right, seen, models, true, sum / n, &r);
    MathEstimate out = math_estimate(sum / n, u + r);
    int64_t least = u < r ? u : r;
    if (least < 2) return out;
    double half = math_stats_t_quantile(0.975, (double)(least - 1)) * sqrt(error);
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
