/* eval/zrf_repository.c - ZRF as the published code of Bad Teaching (and of SSD, which took it over) computes it, for
 * comparison with printed tables: 1 - mean over images and CLASSES of (m (log m - log p) + m (log m - log q)) / 2,
 * m = (p + q) / 2. The arguments of KL are swapped (KL(m || p) in place of KL(p || m)) and the mean divides by K as
 * well, so that it tends to 1 as K grows. Where a probability is 0 in float32 that code gives an infinity; here the
 * logarithms are exact, so that a masked class gives a large negative number. */
#include <math.h>

#include "eval/compare/compare.h"

static double one(const double *log_p, const double *log_q, int64_t K)
{
    double sum = 0;
    for (int64_t k = 0; k < K; k++) {
        double log_m = fmax(log_p[k], log_q[k]) + eval_compare_mean_log(log_p[k], log_q[k]);
        sum += exp(log_m) * (log_m - (log_p[k] + log_q[k]) / 2);
    }
    return 1 - sum / (double)K;
}

static BaseStatus compute(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->untrained_split, one, out);
}

const EvalMetric eval_zrf_repository = {
    .entry = BASE_ENTRY_PLAIN("zrf_repository",
                              "ZRF as the published code computes it: arguments of KL swapped, divided by K",
                              "Bad Teaching, metrics.py of its repository"),
    .unit = "1",
    .title = "ZRF (repository)",
    .ideal = EVAL_IDEAL_RETRAINED,
    .direction = EVAL_UP,
    .decimals = -1,
    .in_scores = 95,
    .per_split = true,
    .on_train = true,
    .compute = compute,
};
