/* eval/compare/compare.c - softmax differences in the log domain and in double; means with their intervals. */
#include "eval/compare/compare.h"

#include <math.h>

#include "base/memory.h"

/* Both sets of predictions through the checks of eval/score, and the other's shape and labels against the first's. */
static BaseStatus check(const EvalContext *context, EvalSplit split, EvalPart part, const EvalPredictions *other)
{
    BaseStatus st = BASE_OK;
    const EvalPredictions *p = context->split[split];
    EvalContext swapped = *context;
    int64_t right, n;
    swapped.split[split] = other;
    BASE_TRY(eval_part_count(context, split, part, &right, &n));
    BASE_TRY(eval_part_count(&swapped, split, part, &right, &n));
    BASE_CHECK(p->n == other->n && p->K == other->K, BASE_ESHAPE,
               "predictions on the %s split are %lld x %lld, those to compare with %lld x %lld", eval_split_name(split),
               (long long)p->n, (long long)p->K, (long long)other->n, (long long)other->K);
    for (int64_t i = 0; i < p->n; i++)
        BASE_CHECK(p->labels[i] == other->labels[i], BASE_ESHAPE,
                   "image %lld of the %s split has the label %d, and %d in the predictions to compare with",
                   (long long)i, eval_split_name(split), (int)p->labels[i], (int)other->labels[i]);
out:
    return st;
}

static void log_softmax(const float *z, int64_t K, double *out)
{
    double most = z[0], sum = 0;
    for (int64_t k = 1; k < K; k++) most = fmax(most, z[k]);
    for (int64_t k = 0; k < K; k++) sum += exp(z[k] - most);
    for (int64_t k = 0; k < K; k++) out[k] = z[k] - most - log(sum);
}

BaseStatus eval_compare_mean(const EvalContext *context, EvalSplit split, EvalPart part,
                             const EvalPredictions *const other[EVAL_SPLITS], EvalCompare compare, MathEstimate *out)
{
    BaseStatus st = BASE_OK;
    double *figure = NULL, *rows = NULL;
    int64_t n = 0;
    *out = math_estimate(NAN, 0);
    if (!eval_part_defined(context, split, part) || !other[split]) return BASE_OK;
    const EvalPredictions *p = context->split[split], *q = other[split];
    BASE_TRY(check(context, split, part, q));
    BASE_TRY(BASE_ALLOC_RAW(p->n, &figure));
    BASE_TRY(BASE_ALLOC_RAW(2 * p->K, &rows));
    for (int64_t i = 0; i < p->n; i++) {
        if (!eval_part_has(context, part, p, i)) continue;
        log_softmax(p->logits + i * p->K, p->K, rows);
        log_softmax(q->logits + i * p->K, p->K, rows + p->K);
        figure[n++] = compare(rows, rows + p->K, p->K);
    }
    *out = math_stats_mean_skewed(figure, n, 0.95);
out:
    base_free(figure);
    base_free(rows);
    return st;
}

/* Owned, [2, n]: the classes that the network gives to each image, and those that the other one does. */
static BaseStatus answers(const EvalContext *context, EvalSplit split, EvalPart part, const EvalPredictions *other,
                          int32_t **out)
{
    BaseStatus st = BASE_OK;
    const EvalPredictions *p = context->split[split];
    BASE_TRY(check(context, split, part, other));
    BASE_TRY(BASE_ALLOC_RAW(2 * p->n, out));
    eval_predicted(p, *out);
    eval_predicted(other, *out + p->n);
out:
    return st;
}

BaseStatus eval_compare_accuracy(const EvalContext *context, EvalSplit split, EvalPart part,
                                 const EvalPredictions *const other[EVAL_SPLITS], EvalPaired *out)
{
    BaseStatus st = BASE_OK;
    double gained = 0, lost = 0;
    int32_t *predicted = NULL;
    *out = (EvalPaired){NAN, NAN, 0};
    if (!eval_part_defined(context, split, part) || !other[split]) return BASE_OK;
    const EvalPredictions *p = context->split[split];
    BASE_TRY(answers(context, split, part, other[split], &predicted));
    for (int64_t i = 0; i < p->n; i++) {
        if (!eval_part_has(context, part, p, i)) continue;
        bool mine = predicted[i] == p->labels[i], theirs = predicted[p->n + i] == p->labels[i];
        gained += mine && !theirs;
        lost += !mine && theirs;
        out->n++;
    }
    if (out->n == 0) goto out;
    double n = (double)out->n, b = gained + 0.5, c = lost + 0.5;
    out->difference = (gained - lost) / n;
    out->error = sqrt(b + c - (b - c) * (b - c) / (n + 2)) / (n + 2);
out:
    base_free(predicted);
    return st;
}

BaseStatus eval_compare_answers(const EvalContext *context, EvalSplit split, EvalPart part,
                                const EvalPredictions *const other[EVAL_SPLITS], int64_t *same, int64_t *n)
{
    BaseStatus st = BASE_OK;
    int32_t *predicted = NULL;
    *same = *n = 0;
    if (!eval_part_defined(context, split, part) || !other[split]) return BASE_OK;
    const EvalPredictions *p = context->split[split];
    BASE_TRY(answers(context, split, part, other[split], &predicted));
    for (int64_t i = 0; i < p->n; i++) {
        if (!eval_part_has(context, part, p, i)) continue;
        *same += predicted[i] == predicted[p->n + i];
        ++*n;
    }
out:
    base_free(predicted);
    return st;
}

double eval_compare_js(const double *log_p, const double *log_q, int64_t K)
{
    double sum = 0;
    for (int64_t k = 0; k < K; k++) {
        double high = fmax(log_p[k], log_q[k]), off = eval_compare_mean_log(log_p[k], log_q[k]);
        sum += (exp(log_p[k]) * (log_p[k] - high - off) + exp(log_q[k]) * (log_q[k] - high - off)) / 2;
    }
    return fmax(sum, 0); /* rounding alone makes it negative */
}

double eval_compare_mean_log(double log_p, double log_q) { return log1p(exp(-fabs(log_p - log_q))) - log1p(1); }
