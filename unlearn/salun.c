/* unlearn/salun.c - random_label on the weights that matter for the forgotten images alone (SalUn):
 *   m = 1 for the `share` of all parameters with the largest |d/dw sum over D_f of CE(f_w(x), y)|     original w, eval
 *   w moves where m = 1, by random_label's steps
 * The sum is over batches of batch_size of mean gradients. Exactly the share moves: of equal gradients (a third are 0 in
 * some networks) the first ones. A masked weight does not move at all: neither weight decay nor momentum reaches it, which
 * the authors' code reaches by putting it back after each step. Running statistics are not parameters and follow the
 * data.
 * Data: both; one pass over D_f for the mask, then epochs passes, all with gradients. Defaults: SalUn's code.
 */
#include "base/memory.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/relabel.h"

typedef struct {
    UnlearnRandom random;
    double share;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("labels=again augment=as_training"),
    UNLEARN_RANDOM_ROW,
    UNLEARN_BATCHES_ROW,
    BASE_PARAM_F64(Params, share, 0.5, 0, 1, "share of all parameters that may move: those with the largest gradients"),
    UNLEARN_STEP_ROWS(10, 256, 0.013, 0.9, 5e-4, NN_SGD),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};
static const char *const TUNABLE[] = {"share",        "labels",    "epochs",           "lr",     "momentum",
                                      "weight_decay", "optimizer", "retain_per_class", "layers", NULL};

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnSides sides = {0};
    float *saliency = NULL;
    *state = NULL;
    BASE_TRY(BASE_ALLOC(nn_net_param_count(context->original), &saliency));
    BASE_TRY(unlearn_sides_open(context, UNLEARN_NO_IMAGES, p->random.steps.forget_samples, &sides));
    BASE_TRY(unlearn_saliency(context, &sides.forget, p->random.steps.batch_size, saliency));
    *state = saliency;
    saliency = NULL;
out:
    unlearn_sides_free(&sides);
    base_free(saliency);
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnTraining t = {0};
    uint8_t *mask = NULL;
    int32_t *labels = NULL;
    int64_t count = nn_net_param_count(net);
    BASE_TRY(BASE_ALLOC(count, &mask));
    BASE_TRY(unlearn_top_share(state, count, p->share, mask));
    BASE_TRY(unlearn_sides_open(context, p->random.steps.retain_per_class, p->random.steps.forget_samples, &t.sides));
    BASE_TRY(unlearn_random_first(context, &p->random, &t.sides.forget, &labels));
    t.passes = (double)t.sides.forget.n; /* the mask's */
    const UnlearnRelabel relabel = {labels, mask, p->random.batches == UNLEARN_BATCHES_MIXED, "salun"};
    BASE_TRY(unlearn_relabel(context, &p->random.steps, &relabel, net, &t));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    base_free(mask);
    base_free(labels);
    return st;
}

const UnlearnMethod unlearn_salun = {
    .entry = BASE_ENTRY("salun", "random_label on the weights that are most salient for the forgotten classes",
                        "SalUn, code of Unlearn-Saliency", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = base_free,
    .check = unlearn_steps_check,
};
