/* eval/representation.c - forgetting judged on representations: what is asked of the network's last features (the inputs
 * of its classifier, which are not changed by an edit of the classifier alone) on test images of the forgotten classes
 * (eval/probe/probe.h makes them).
 *   knn_forget     100 * right / n: images whose nearest neighbours among training images are mostly of their class
 *                  (cosine, 5 neighbours: main_knn.py of UUEF). No layer is trained for it. Clopper-Pearson interval.
 *   cka_retrained  unbiased linear CKA to the retrained network's features of the same images (eval/probe/cka.h),
 *   cka_original   to the original's. Left out without the other network. */
#include <math.h>

#include "eval/probe/cka.h"

static BaseStatus knn_forget(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    *out = math_estimate(NAN, 0);
    if (!context->probed || context->probed->n == 0) return BASE_OK;
    MathEstimate share = math_stats_share(context->probed->near, context->probed->n, 0.95);
    *out = (MathEstimate){100 * share.value, 100 * share.lo, 100 * share.hi, share.n};
    return BASE_OK;
}

static BaseStatus cka_retrained(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    return eval_probe_cka(context->features, context->retrained_features, out);
}

static BaseStatus cka_original(const EvalContext *context, EvalSplit split, MathEstimate *out)
{
    (void)split;
    return eval_probe_cka(context->features, context->original_features, out);
}

#define CKA .unit = "1", .range = {-1, 1}, .decimals = 3, .only_classes = true
static const EvalMetric TABLE[] = {
    {.entry = BASE_ENTRY_PLAIN("knn_forget",
                               "accuracy of 5 nearest neighbours by the last features on the forgotten classes",
                               "main_knn.py of UUEF"),
     .unit = "%",
     .title = "kNN_f",
     .ideal = EVAL_IDEAL_RETRAINED,
     .range = {0, 100},
     .decimals = 2,
     .in_scores = 89,
     .only_classes = true,
     .compute = knn_forget},
    {.entry = BASE_ENTRY_PLAIN("cka_retrained",
                               "linear CKA of the last features to the retrained network's on the forgotten classes",
                               "Kornblith et al. 2019, arXiv 1905.00414, with the unbiased HSIC"),
     .title = "CKA to retrained",
     .ideal = EVAL_IDEAL_NUMBER,
     .ideal_value = 1,
     .direction = EVAL_UP,
     .in_scores = 88,
     .compute = cka_retrained,
     CKA},
    {.entry =
         BASE_ENTRY_PLAIN("cka_original", "linear CKA of the last features to the original's on the forgotten classes",
                          "Kornblith et al. 2019, arXiv 1905.00414, with the unbiased HSIC"),
     .title = "CKA to original",
     .ideal = EVAL_IDEAL_RETRAINED,
     .in_scores = 84,
     .compute = cka_original,
     CKA},
};
const BaseRows eval_representation = BASE_ROWS(TABLE);
