/* mia/ulira/ulira.c - means and sums of squares that join and part, so that leaving models out costs little. */
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

MiaUliraFit mia_ulira_fit(MiaSpread s, MiaUliraPredictive how)
{
    double sd = sqrt(s.squares / (s.n - 1));
    MiaUliraFit fit = {.how = how, .centre = s.mean, .scale = sd + MIA_DENSITY_TINY, .df = s.n - 1};
    if (how == MIA_ULIRA_NORMAL) return fit;
    fit.scale = sd * sqrt(1 + 1 / s.n) + MIA_DENSITY_TINY;
    fit.peak = mia_density_student_peak(fit.scale, fit.df);
    return fit;
}

double mia_ulira_log_density(const MiaUliraFit *fit, double x)
{
    return fit->how == MIA_ULIRA_NORMAL ? mia_density_normal(x, fit->centre, fit->scale)
                                        : mia_density_student(x, fit->centre, fit->scale, fit->df, fit->peak);
}

MiaUnits mia_ulira_units(const MiaInput *in, int most)
{
    if (most > MIA_ULIRA_UNITS) most = MIA_ULIRA_UNITS;
    return (MiaUnits){in->U < most ? (int)in->U : most, in->R < most ? (int)in->R : most};
}

int mia_ulira_unit_of(const MiaInput *in, MiaUnits units, int64_t model)
{
    return model < in->U ? (int)(model % units.unlearned) : units.unlearned + (int)((model - in->U) % units.retrained);
}

/* A difference of sums keeps no digits where what is taken away made up nearly all of it. */
MiaSpread mia_ulira_rest(const MiaSpread *unit, int units, MiaSpread all, int a, int b, int c)
{
    MiaSpread rest = all;
    const int LESS[] = {a, b, c};
    for (int k = 0; k < 3; k++)
        if (LESS[k] >= 0 && unit[LESS[k]].n > 0) rest = mia_ulira_part(rest, unit[LESS[k]]);
    if (rest.squares > 1e-6 * all.squares || all.squares == 0) return rest;
    rest = (MiaSpread){0, 0, 0};
    for (int k = 0; k < units; k++)
        if (k != a && k != b && k != c) rest = mia_ulira_join(rest, unit[k]);
    return rest;
}

static double balanced(const MiaVerdicts *v) { return (v->right[0] / v->seen[0] + v->right[1] / v->seen[1]) / 2; }

MathEstimate mia_ulira_balanced(const MiaVerdicts runs[MIA_ULIRA_RUNS], MiaUnits units, int64_t models)
{
    const int FROM[] = {0, units.unlearned, units.unlearned + units.retrained};
    MathEstimate out = math_estimate(balanced(&runs[0]), models); /* 0 / 0: NaN */
    double variance = 0;
    int least = MIA_ULIRA_UNITS;
    for (int kind = 0; kind < 2; kind++) {
        int n = FROM[kind + 1] - FROM[kind];
        double mean = 0, squares = 0;
        if (n == 0) continue;
        if (n < least) least = n;
        for (int g = FROM[kind]; g < FROM[kind + 1]; g++) mean += balanced(&runs[1 + g]) / n;
        for (int g = FROM[kind]; g < FROM[kind + 1]; g++) squares += pow(balanced(&runs[1 + g]) - mean, 2);
        variance += squares * (n - 1) / n;
    }
    if (isnan(variance) || isnan(out.value) || least < 2) return out;
    double half = math_stats_t_quantile(0.975, least - 1) * sqrt(variance);
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
