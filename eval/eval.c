/* eval/eval.c - asks every registered metric in turn, and leaves out those that are not defined for the split. */
#include "eval/eval.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"

#define X(name) extern const EvalMetric eval_##name;
#define F(name) extern const BaseRows eval_##name;
#include "eval/list.h"
static const BaseRows *const FILES[] = {
#define X(name) BASE_ROW(eval_##name),
#define F(name) &eval_##name,
#include "eval/list.h"
};
const BaseRegistry eval_registry = {"metric", FILES, BASE_COUNT(FILES), sizeof(EvalMetric)};

const char *eval_split_name(EvalSplit split)
{
    static const char *const NAMES[] = {"train", "validation", "test"};
    return (unsigned)split < EVAL_SPLITS ? NAMES[split] : "?";
}

int64_t eval_position(const EvalPredictions *p, int64_t i) { return p->at ? p->at[i] : -1; }

static BaseStatus add(const EvalContext *context, const EvalMetric *metric, EvalSplit split, EvalRow *rows, int *count)
{
    EvalRow row = {metric, split, math_estimate(NAN, 0)};
    BaseStatus st = metric->compute(context, split, &row.value);
    if (st != BASE_OK) return base_error_prefix(st, "metric %s", metric->entry.name);
    if (isinf(row.value.value))
        return base_error_set(BASE_ENUMERIC, "metric %s on the %s split is infinite", metric->entry.name,
                              eval_split_name(split));
    if (!isnan(row.value.value)) rows[(*count)++] = row;
    return BASE_OK;
}

BaseStatus eval_all(const EvalContext *context, EvalRow **rows, int *count)
{
    BaseStatus st = BASE_OK;
    EvalRow *found = NULL;
    int n = 0;
    *rows = NULL;
    *count = 0;
    BASE_TRY(BASE_ALLOC(base_registry_count(&eval_registry) * EVAL_SPLITS, &found));
    for (size_t i = 0; i < base_registry_count(&eval_registry); i++) {
        const EvalMetric *metric = base_registry_at(&eval_registry, i); /* its first member is the entry */
        if (metric->only_classes && context->forget && data_forget_by_image(context->forget)) continue;
        if (!metric->per_split) {
            BASE_TRY(add(context, metric, EVAL_TEST, found, &n));
            continue;
        }
        for (int split = 0; split < EVAL_SPLITS; split++)
            if (context->split[split]) BASE_TRY(add(context, metric, (EvalSplit)split, found, &n));
    }
    *rows = found;
    *count = n;
    found = NULL;
out:
    base_free(found);
    return st;
}

void eval_predicted(const EvalPredictions *p, int32_t *out)
{
    for (int64_t i = 0; i < p->n; i++) out[i] = (int32_t)base_largest_at(p->logits + i * p->K, p->K);
}

void eval_confusion(const EvalPredictions *p, int64_t *confusion)
{
    memset(confusion, 0, sizeof *confusion * (size_t)(p->K * p->K));
    for (int64_t i = 0; i < p->n; i++) {
        int64_t predicted = base_largest_at(p->logits + i * p->K, p->K);
        if (p->labels[i] >= 0 && p->labels[i] < p->K) confusion[p->labels[i] * p->K + predicted]++;
    }
}
