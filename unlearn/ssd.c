/* unlearn/ssd.c - selective synaptic dampening (Foster et al. 2024):
 *   I_D, I_f   importance over all and over forgotten images: mean over batches of the squared batch-mean gradient
 *   w_i <- beta w_i where I_f,i > alpha I_D,i,   beta = min(lambda I_D,i / I_f,i, 1)        eval mode
 * D is the sample of retained images and that of forgotten ones together. The squares are of batch means, so what is
 * computed depends on which images share a batch: `order` says so.
 *   mixed   drawn by the seed: the order of the set does not matter, nor does it matter that it is sorted by class
 *   class   class after class, the forgotten ones last, as the authors' code builds the sets
 *   set     as the set has them
 * Variants of it:
 *   SSD-Det (deterministic, public code of SUPREME)   batch_size 1: the importance is the mean of single images' squared
 *           gradients, the diagonal of the empirical Fisher matrix itself, in any order
 *   LFSSD (loss-free, arXiv 2402.19308)   importance output_norm: mean over batches of |d/dw mean ||f(x)||^2|, f(x) the
 *           logits; no label is looked at
 *   ASSD (adaptive; after the formula in the public code of SUPREME)   threshold percentile: alpha is the percentile
 *           100 - ln(1 + 100 |D_f| / |D|) of all finite I_f,i / I_D,i
 * Data: both; one pass over D and one over D_f with gradients, nothing is trained. alpha 10, lambda 1 as in the
 * authors' code for ResNet-18; a vision transformer wants a smaller alpha.
 */
#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/steps.h"

typedef struct {
    UnlearnSteps steps;
    double alpha, lambda;
    int64_t threshold, importance, order;
} Params;
enum { MIXED, CLASS, SET };
enum { GIVEN, PERCENTILE };
enum { SQUARED_GRADIENT, OUTPUT_NORM };
static const char *const ORDERS[] = {"mixed", "class", "set", NULL};
static const char *const THRESHOLDS[] = {"alpha", "percentile", NULL};
static const char *const IMPORTANCES[] = {"squared_gradient", "output_norm", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("order=class"),
    BASE_PARAM_F64(Params, alpha, 10, 0, 1e9,
                   "ratio of importance, forgotten to all, above which a weight is dampened"),
    BASE_PARAM_F64(Params, lambda, 1, 0, 1e9, "lambda of the factor lambda I_D / I_f, at most 1, of a dampened weight"),
    BASE_PARAM_CHOICE(
        Params, threshold, GIVEN, THRESHOLDS,
        "ratio above which a weight is dampened: alpha, or a percentile of all ratios that grows with the "
        "share of forgotten images (ASSD)"),
    BASE_PARAM_CHOICE(
        Params, importance, SQUARED_GRADIENT, IMPORTANCES,
        "importance of a weight: the squared gradient of the loss, or the size of that of the squared norm "
        "of the logits, without labels (LFSSD)"),
    BASE_PARAM_I64(UnlearnSteps, batch_size, 64, 1, 65536, "images per gradient; 1: SSD-Det"),
    BASE_PARAM_CHOICE(Params, order, MIXED, ORDERS, "order in which images are put into batches"),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
};
static const char *const TUNABLE[] = {"alpha", "lambda", "threshold", NULL};

/* The importance over both sides, or over the forgotten alone. */
static BaseStatus importance(const UnlearnContext *context, const Params *p, const UnlearnSides *sides, bool all,
                             float *out)
{
    BaseStatus st = BASE_OK;
    DataIndex index = {0};
    BaseRandom random = base_random_make(context->seed, "ssd_order", all);
    if (p->order != SET)
        BASE_TRY(unlearn_sides_by_class(context, sides, all, &index));
    else if (all)
        BASE_TRY(unlearn_sides_merge(sides, &index));
    if (p->order == MIXED) base_random_shuffle(&random, index.at, index.n);
    DataView view = index.at ? data_view_of(context->train.set, &index) : sides->forget;
    BASE_TRY(unlearn_importance(context, &view, p->steps.batch_size,
                                p->importance == OUTPUT_NORM ? UNLEARN_LABELS_NONE : UNLEARN_LABELS_TRUE,
                                all ? "importance for all" : "importance for forgotten", out));
out:
    data_index_free(&index);
    return st;
}

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnSides sides = {0};
    int64_t count = nn_net_param_count(context->original);
    float *both = NULL; /* [2, count] for all and for the forgotten */
    *state = NULL;
    BASE_TRY(BASE_ALLOC(2 * count, &both));
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, p->steps.forget_samples, &sides));
    BASE_TRY(importance(context, p, &sides, true, both));
    BASE_TRY(importance(context, p, &sides, false, both + count));
    *state = both;
    both = NULL;
out:
    base_free(both);
    unlearn_sides_free(&sides);
    return st;
}

/* ASSD's alpha, of importances @p both [2, count] and the sizes of the samples. */
static BaseStatus percentile_of(const float *both, int64_t count, const UnlearnSides *sides, double *alpha)
{
    BaseStatus st = BASE_OK;
    float *ratios = NULL;
    int64_t n = 0;
    double share = (double)sides->forget.n / (double)(sides->forget.n + sides->retain.n);
    BASE_TRY(BASE_ALLOC(count, &ratios));
    for (int64_t i = 0; i < count; i++) {
        float ratio = both[i] > 0 ? both[count + i] / both[i] : INFINITY;
        if (isfinite(ratio)) ratios[n++] = ratio;
    }
    *alpha = INFINITY; /* no weight matters: none is dampened */
    if (n > 0) BASE_TRY(unlearn_percentile(ratios, n, 100 - log1p(100 * share), alpha));
out:
    base_free(ratios);
    return st;
}

static void dampen(const float *both, int64_t count, double alpha, double lambda, float *w)
{
    for (int64_t i = 0; i < count; i++) {
        double all = (double)both[i], forget = (double)both[count + i];
        if (!(forget > alpha * all)) continue;
        double beta = lambda * all / forget;
        w[i] = (float)((double)w[i] * (beta < 1 ? beta : 1));
    }
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnSides sides = {0};
    int64_t count = nn_net_param_count(net);
    double alpha = p->alpha;
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, p->steps.forget_samples, &sides));
    if (p->threshold == PERCENTILE) BASE_TRY(percentile_of(state, count, &sides, &alpha));
    dampen(state, count, alpha, p->lambda, nn_net_edit_params(net));
    unlearn_sides_report(&sides, (double)(sides.retain.n + 2 * sides.forget.n), report);
out:
    unlearn_sides_free(&sides);
    return st;
}

const UnlearnMethod unlearn_ssd = {
    .entry = BASE_ENTRY("ssd", "dampens the weights that matter more for the forgotten classes than for all",
                        "Foster et al. 2024, SSD", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = base_free,
};
