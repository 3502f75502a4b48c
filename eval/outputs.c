/* eval/outputs.c - how far the softmax outputs p_u of the network under test are from another network's: means over
 * the images of forgotten classes with their intervals over images.
 *   activation_distance  ||p_u - p_r||_2, p_r of the retrained network. 0: the same answers, to every class. A second
 *                        retraining from another seed does not reach 0 either.
 *   js_retrained         JS(p_u, p_r) = KL(p_u || m) / 2 + KL(p_r || m) / 2 in nats, with m = (p_u + p_r) / 2: 0 to
 *                        log 2. Unlike an accuracy it sees where the forgotten images went. The published code of LoTUS
 *                        divides the probabilities by their sum over all images first, and by the number of images
 *                        again: not done.
 *   tv_retrained         sum_k |p_u,k - p_r,k| / 2, the total variation: 0 the same answers, 1 no class in common.
 *   zrf                  1 - JS(p_u, p_0), p_0 of a network of the same shape that was never trained (Bad Teaching):
 *                        1 - log 2 to 1. High: the answers look like those of a network that knows nothing. A retrained
 *                        network does not reach 1, so its value is the one to come near to.
 *   zrf_repository       ZRF as the published code of Bad Teaching (and of SSD, which took it over) computes it, for
 *                        comparison with printed tables: 1 - mean over images and CLASSES of
 *                        (m (log m - log p) + m (log m - log q)) / 2, m = (p + q) / 2. The arguments of KL are swapped
 *                        (KL(m || p) in place of KL(p || m)) and the mean divides by K as well, so that it tends to 1
 *                        as K grows. Where a probability is 0 in float32 that code gives an infinity; here the
 *                        logarithms are exact, so that a masked class gives a large negative number. */
#include <math.h>

#include "eval/compare/compare.h"

static double distance(const double *log_p, const double *log_q, int64_t K)
{
    double sum = 0;
    for (int64_t k = 0; k < K; k++) {
        double off = exp(log_p[k]) - exp(log_q[k]);
        sum += off * off;
    }
    return sqrt(sum);
}

static double total_variation(const double *log_p, const double *log_q, int64_t K)
{
    double sum = 0;
    for (int64_t k = 0; k < K; k++) sum += fabs(exp(log_p[k]) - exp(log_q[k]));
    return fmin(1, sum / 2); /* rounding can pass it */
}

static double likeness(const double *log_p, const double *log_q, int64_t K)
{
    return 1 - eval_compare_js(log_p, log_q, K);
}

static double published_likeness(const double *log_p, const double *log_q, int64_t K)
{
    double sum = 0;
    for (int64_t k = 0; k < K; k++) {
        double log_m = fmax(log_p[k], log_q[k]) + eval_compare_mean_log(log_p[k], log_q[k]);
        sum += exp(log_m) * (log_m - (log_p[k] + log_q[k]) / 2);
    }
    return 1 - sum / (double)K;
}

static BaseStatus activation_distance(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->retrained_split, distance, out);
}

static BaseStatus js_retrained(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->retrained_split, eval_compare_js, out);
}

static BaseStatus tv_retrained(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->retrained_split, total_variation, out);
}

static BaseStatus zrf(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->untrained_split, likeness, out);
}

static BaseStatus zrf_repository(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    return eval_compare_mean(context, split, EVAL_PART_FORGET, context->untrained_split, published_likeness, out);
}

#define TO_RETRAINED                                                                                                   \
    .ideal = EVAL_IDEAL_NUMBER, .direction = EVAL_DOWN, .decimals = -1, .per_split = true, .of_forgotten = true
#define TO_UNTRAINED                                                                                                   \
    .unit = "1", .ideal = EVAL_IDEAL_RETRAINED, .direction = EVAL_UP, .decimals = -1, .per_split = true,               \
    .on_train = true, .of_forgotten = true
static const EvalMetric TABLE[] = {
    {.entry = BASE_ENTRY_PLAIN("activation_distance",
                               "mean distance to the retrained network's outputs on the forgotten classes",
                               "Golatkar et al.; Bad Teaching, metrics.py of its repository"),
     .unit = "1",
     .title = "act. dist.",
     .range = {0, 1.4142135623730951},
     .in_scores = 97,
     .compute = activation_distance,
     TO_RETRAINED},
    {.entry = BASE_ENTRY_PLAIN("js_retrained",
                               "Jensen-Shannon divergence from the retrained network on the forgotten classes",
                               "Bad Teaching; LoTUS"),
     .unit = "nats",
     .title = "JS to retrained",
     .range = {0, 0.69314718055994531},
     .in_scores = 98,
     .compute = js_retrained,
     TO_RETRAINED},
    {.entry = BASE_ENTRY_PLAIN("tv_retrained",
                               "total variation from the retrained network's outputs on the forgotten classes",
                               "code of supreme-unlearning"),
     .unit = "1",
     .title = "TV to retrained",
     .range = {0, 1},
     .in_scores = 85,
     .compute = tv_retrained,
     TO_RETRAINED},
    {.entry = BASE_ENTRY_PLAIN(
         "zrf", "1 - Jensen-Shannon divergence (nats) from an untrained network on the forgotten classes",
         "Bad Teaching"),
     .title = "ZRF",
     .in_scores = 96,
     .compute = zrf,
     TO_UNTRAINED},
    {.entry = BASE_ENTRY_PLAIN("zrf_repository",
                               "ZRF as the published code computes it: arguments of KL swapped, divided by K",
                               "Bad Teaching, metrics.py of its repository"),
     .title = "ZRF (repository)",
     .in_scores = 95,
     .compute = zrf_repository,
     TO_UNTRAINED},
};
const BaseRows eval_outputs = BASE_ROWS(TABLE);
