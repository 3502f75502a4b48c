/* unlearn/ssd.c - selective synaptic dampening (Foster et al. 2024):
 *   I_D, I_f   importance over all and over forgotten images: mean over batches of the squared batch-mean gradient
 *   w_i <- beta w_i where I_f,i > alpha I_D,i,   beta = min(lambda I_D,i / I_f,i, 1)        eval mode
 * D is the sample of retained images and that of forgotten ones together. The squares are of batch means, so what is
 * computed depends on which images share a batch: `order` says so.
 *   mixed   drawn by the seed: the order of the set does not matter, nor does it matter that it is sorted by class
 *   class   class after class, the forgotten ones last, as the authors' code builds the sets
 *   set     as the set has them
 * With batch_size 1 the importance is the diagonal of the empirical Fisher matrix itself, in any order.
 * Data: both; one pass over D and one over D_f with gradients, nothing is trained. alpha 10, lambda 1 as in the
 * authors' code for ResNet-18; a vision transformer wants a smaller alpha.
 */
#include "base/memory.h"
#include "base/random.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/steps.h"

typedef struct {
    UnlearnSteps steps;
    double alpha, lambda;
    int64_t order;
} Params;
enum { MIXED, CLASS, SET };
static const char *const ORDERS[] = {"mixed", "class", "set", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("order=class"),
    BASE_PARAM_F64(Params, alpha, 10, 0, 1e9,
                   "ratio of importance, forgotten to all, above which a weight is dampened"),
    BASE_PARAM_F64(Params, lambda, 1, 0, 1e9, "lambda of the factor lambda I_D / I_f, at most 1, of a dampened weight"),
    BASE_PARAM_I64(UnlearnSteps, batch_size, 64, 1, 65536, "images per gradient"),
    BASE_PARAM_CHOICE(Params, order, MIXED, ORDERS, "order in which images are put into batches"),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
};
static const char *const TUNABLE[] = {"alpha", "lambda", NULL};

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
    BASE_TRY(unlearn_importance(context, &view, p->steps.batch_size, UNLEARN_LABELS_TRUE,
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

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const float *both = state;
    UnlearnSides sides = {0};
    int64_t count = nn_net_param_count(net);
    float *w = nn_net_edit_params(net);
    for (int64_t i = 0; i < count; i++) {
        double all = (double)both[i], forget = (double)both[count + i];
        if (!(forget > p->alpha * all)) continue;
        double beta = p->lambda * all / forget;
        w[i] = (float)((double)w[i] * (beta < 1 ? beta : 1));
    }
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, p->steps.forget_samples, &sides));
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
