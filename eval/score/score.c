/* eval/score/score.c - shapes and finite numbers checked once, then counts; log1p keeps small losses exact. */
#include "eval/score/score.h"

#include <math.h>

#include "base/memory.h"
#include "base/order.h"

bool eval_part_defined(const EvalContext *context, EvalSplit split, EvalPart part)
{
    return context->split[split] && (part == EVAL_PART_ALL || (context->forget && context->forget->classes.count > 0));
}

bool eval_part_has(const EvalContext *context, EvalPart part, const EvalPredictions *p, int64_t i)
{
    return part == EVAL_PART_ALL ||
           data_forget_holds(context->forget, p->labels[i], eval_position(p, i)) == (part == EVAL_PART_FORGET);
}

static BaseStatus check(const EvalContext *context, EvalSplit split, EvalPart part)
{
    BaseStatus st = BASE_OK;
    const EvalPredictions *p = context->split[split];
    const char *name = eval_split_name(split);
    BASE_CHECK(p->n >= 0 && p->K >= 1, BASE_ESHAPE, "predictions on the %s split have shape %lld x %lld", name,
               (long long)p->n, (long long)p->K);
    BASE_CHECK(part == EVAL_PART_ALL || context->forget->classes.K == p->K, BASE_ESHAPE,
               "predictions on the %s split have %lld classes, the data set has %lld", name, (long long)p->K,
               part == EVAL_PART_ALL ? 0LL : (long long)context->forget->classes.K);
    for (int64_t i = 0; i < p->n; i++) {
        BASE_CHECK(p->labels[i] >= 0 && p->labels[i] < p->K, BASE_ESHAPE,
                   "the label of image %lld of the %s split is %d; there are classes 0..%lld", (long long)i, name,
                   (int)p->labels[i], (long long)p->K - 1);
        for (int64_t j = 0; j < p->K; j++)
            BASE_CHECK(isfinite(p->logits[i * p->K + j]), BASE_ENUMERIC,
                       "the logit of image %lld of the %s split, class %lld, is %g", (long long)i, name, (long long)j,
                       (double)p->logits[i * p->K + j]);
    }
out:
    return st;
}

BaseStatus eval_part_count(const EvalContext *context, EvalSplit split, EvalPart part, int64_t *right, int64_t *n)
{
    const EvalPredictions *p = context->split[split];
    *right = *n = 0;
    BaseStatus st = check(context, split, part);
    if (st != BASE_OK) return st;
    for (int64_t i = 0; i < p->n; i++) {
        if (!eval_part_has(context, part, p, i)) continue;
        *right += base_largest_at(p->logits + i * p->K, p->K) == p->labels[i];
        ++*n;
    }
    return BASE_OK;
}

BaseStatus eval_part_accuracy(const EvalContext *context, EvalSplit split, EvalPart part, MathEstimate *out)
{
    int64_t right, n;
    *out = math_estimate(NAN, 0);
    if (!eval_part_defined(context, split, part)) return BASE_OK;
    BaseStatus st = eval_part_count(context, split, part, &right, &n);
    if (st != BASE_OK) return st;
    MathEstimate share = math_stats_share(right, n, 0.95);
    *out = (MathEstimate){100 * share.value, 100 * share.lo, 100 * share.hi, share.n};
    return BASE_OK;
}

/* logsumexp(z) - z_y in double */
static double cross_entropy(const float *z, int64_t K, int32_t y)
{
    double most = z[base_largest_at(z, K)], sum = 0;
    for (int64_t j = 0; j < K; j++)
        if (j != y) sum += exp(z[j] - most);
    double own = z[y] - most; /* log1p keeps small losses: log(e^own + sum) - own = log1p(sum / e^own) */
    return own >= 0 ? log1p(sum) : log(exp(own) + sum) - own;
}

BaseStatus eval_part_loss(const EvalContext *context, EvalSplit split, EvalPart part, MathEstimate *out)
{
    BaseStatus st = BASE_OK;
    double *loss = NULL;
    int64_t n = 0;
    *out = math_estimate(NAN, 0);
    if (!eval_part_defined(context, split, part)) return BASE_OK;
    const EvalPredictions *p = context->split[split];
    BASE_TRY(check(context, split, part));
    BASE_TRY(BASE_ALLOC_RAW(p->n, &loss));
    for (int64_t i = 0; i < p->n; i++)
        if (eval_part_has(context, part, p, i)) loss[n++] = cross_entropy(p->logits + i * p->K, p->K, p->labels[i]);
    *out = math_stats_mean_skewed(loss, n, 0.95);
out:
    base_free(loss);
    return st;
}
