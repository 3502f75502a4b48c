/* eval/composite.c - a (1 - f) with a = ACC_r and f = ACC_f as shares: 1 where everything is kept and everything
 * forgotten; what Kodge et al. 2024 choose alpha_r and alpha_f by. Interval: a and f are independent binomials, so by
 * the delta method var = (1 - f)^2 var(a) + a^2 var(f). At f = 0, the usual case, a plug-in var(f) = 0 would leave out
 * one of the two, so the half-widths are those of the Clopper-Pearson intervals, on the side that moves the product the
 * same way (MOVER). */
#include <math.h>

#include "eval/score/score.h"

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    int64_t right, n;
    *out = math_estimate(NAN, 0);
    if (!eval_part_defined(context, split, EVAL_PART_FORGET)) return BASE_OK;
    BaseStatus st = eval_part_count(context, split, EVAL_PART_RETAIN, &right, &n);
    if (st != BASE_OK) return st;
    MathEstimate a = math_stats_share(right, n, 0.95);
    st = eval_part_count(context, split, EVAL_PART_FORGET, &right, &n);
    if (st != BASE_OK) return st;
    MathEstimate f = math_stats_share(right, n, 0.95);
    if (isnan(a.value) || isnan(f.value)) return BASE_OK;
    out->value = a.value * (1 - f.value);
    out->lo = fmax(0, out->value - hypot((1 - f.value) * (a.value - a.lo), a.value * (f.hi - f.value)));
    out->hi = fmin(1, out->value + hypot((1 - f.value) * (a.hi - a.value), a.value * (f.value - f.lo)));
    out->n = a.n + f.n;
    return BASE_OK;
}

const EvalMetric eval_composite = {
    .entry = BASE_ENTRY_PLAIN("composite", "retained accuracy times 1 - forgotten accuracy",
                              "Kodge et al. 2024, arXiv 2312.00761"),
    .unit = "1",
    .title = "ACC_r(1-ACC_f)",
    .ideal = EVAL_IDEAL_RETRAINED,
    .direction = EVAL_UP,
    .role = EVAL_ROLE_SCORE,
    .range = {0, 1},
    .decimals = -1,
    .in_results = 40,
    .per_split = true,
    .only_classes = true, /* f of retraining is far from 0 where its class stays */
    .compute = compute,
};
