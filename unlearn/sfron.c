/* unlearn/sfron.c - ascent on the forgotten images, weighted and on their own weights alone, between steps of descent
 * on the retained ones (SFRon; Huang et al., NeurIPS 2024, arXiv 2409.19732; formula and defaults of their public
 * code, sfron.py for classification). With F_f, F_r the mean over batches of the squared batch-mean gradient
 * (original, eval mode; gradients.h) and T steps t = 0, 1, ... on retained batches:
 *   m_i = 1 where (F_f,i + 1e-15) / (F_r,i + 1e-15) >= ratio, else 0
 *   where t is a multiple of `every`, first   w <- step along  -cut(m * weight c_t grad sum_j q_j CE_j)  on B_f,
 *        q_j = 1 / (CE_j^power + 1e-15) over the sum of these in B_f, a constant; cut: to the norm `clip`
 *   then  w <- step along grad CE on B_r          c_t = (1 + cos(pi t / T)) / 2; the learning rate is lr c_t in both
 * One optimiser for both: a masked weight still moves by its momentum and by weight decay. The code's slow copy of the
 * weights has the factor 1, that is, none. Ascent has no lower end: while at most `stop` of the forgotten images are
 * recognised its steps are left out (below 0: none is).
 * T is retain_steps; the batches of both sides come round and round.
 * Data: both; one pass over each for the mask, then the steps, with gradients. Defaults: the authors' for a random
 * 10% of CIFAR-10 with ResNet-18, where 1500 steps of 128 are 4.3 passes over 45000 images.
 */
#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    int64_t retain_steps, every;
    double ratio, weight, power, clip;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("stop=-1 augment=as_training"),
    BASE_PARAM_F64(Params, ratio, 1, 0, 1e9,
                   "ratio of importance, forgotten to retained, from which on a weight takes part in the ascent"),
    BASE_PARAM_F64(Params, weight, 25, 0, 1e9, "weight of the ascent at the first step, which falls as a cosine"),
    BASE_PARAM_F64(Params, power, 0.5, 0, 10, "power of an image's own loss by which its weight in the ascent falls"),
    BASE_PARAM_I64(Params, every, 5, 1, 1000000, "steps on retained images for each step of ascent"),
    BASE_PARAM_F64(Params, clip, 7, 0, 1e9,
                   "largest norm of an ascent's gradient, to which longer ones are cut; 0: any"),
    BASE_PARAM_I64(Params, retain_steps, 1500, 1, 1000000000, "number of steps on retained images"),
    UNLEARN_STEP_PLAIN_ROWS(128, 0.01, 0.9, 5e-4, NN_SGD),
    UNLEARN_STOP_ROW,
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};
static const char *const TUNABLE[] = {"ratio",    "weight",  "power", "every",  "clip",      "retain_steps", "lr",
                                      "momentum", "augment", "stop",  "layers", "optimizer", "weight_decay", NULL};

/* Of a side's images in an order drawn by the seed, since squares are of batch means. */
static BaseStatus importance(const UnlearnContext *context, const Params *p, const UnlearnSides *sides, bool forgotten,
                             float *out)
{
    BaseStatus st = BASE_OK;
    DataIndex order = {0};
    const DataIndex *side = forgotten ? &sides->forget_index : &sides->retain_index;
    BaseRandom random = base_random_make(context->seed, "sfron_order", forgotten);
    BASE_TRY(BASE_ALLOC(side->n, &order.at));
    order.n = side->n;
    for (int64_t i = 0; i < side->n; i++) order.at[i] = side->at[i];
    base_random_shuffle(&random, order.at, order.n);
    const DataView view = data_view_of(context->train.set, &order);
    BASE_TRY(unlearn_importance(context, &view, p->steps.batch_size, UNLEARN_LABELS_TRUE,
                                forgotten ? "importance for forgotten" : "importance for retained", out));
out:
    data_index_free(&order);
    return st;
}

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnSides sides = {0};
    int64_t count = nn_net_param_count(context->original);
    float *both = NULL; /* [2, count] of the forgotten and of the retained images */
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

typedef struct {
    const float *both; /* [2, count] */
    float *gradient;   /* [count] */
    int64_t count;
} Ascent;

/* One step away from a batch of forgotten images. @p fall: c_t. */
static BaseStatus ascend(UnlearnTraining *t, UnlearnCycle *forget, double fall, const Params *p, const Ascent *a)
{
    BaseStatus st = BASE_OK;
    DataBatch batch;
    const UnlearnLoss lose = {.ce = -p->weight * fall, .power = p->power};
    const UnlearnUpdate update = {.lr = p->steps.lr * fall, .clip = p->clip};
    BASE_TRY(unlearn_cycle_next(forget, &batch));
    BASE_TRY(unlearn_learner_gradient(t->learner, &batch, &lose, a->gradient));
    for (int64_t i = 0; i < a->count; i++) {
        double share = ((double)a->both[i] + 1e-15) / ((double)a->both[a->count + i] + 1e-15);
        if (!(share >= p->ratio)) a->gradient[i] = 0;
    }
    unlearn_learner_take(t->learner, a->gradient, 1);
    BASE_TRY(unlearn_learner_update(t->learner, &update));
out:
    return st;
}

static BaseStatus steps(UnlearnTraining *t, const Params *p, int64_t count, const Ascent *a)
{
    static const double PI = 3.14159265358979323846;
    BaseStatus st = BASE_OK;
    UnlearnCycle retain = {.loader = t->retain}, forget = {.loader = t->forget};
    const UnlearnLoss keep = {.ce = 1};
    for (int64_t i = 0; i < count; i++) {
        DataBatch batch;
        double fall = (1 + cos(PI * (double)i / (double)count)) / 2;
        bool gone = true;
        if (i % p->every == 0) BASE_TRY(unlearn_watch_done(t->watch, &gone));
        if (!gone) BASE_TRY(ascend(t, &forget, fall, p, a));
        BASE_TRY(unlearn_cycle_next(&retain, &batch));
        BASE_TRY(unlearn_learner_add(t->learner, &batch, &keep));
        BASE_TRY(unlearn_learner_update(t->learner, &(UnlearnUpdate){.lr = p->steps.lr * fall}));
    }
out:
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnTraining t = {0};
    Ascent a = {.both = state, .count = nn_net_param_count(net)};
    BASE_TRY(BASE_ALLOC(a.count, &a.gradient));
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, p->steps.forget_samples, &t.sides));
    t.passes = (double)(t.sides.retain.n + t.sides.forget.n); /* the mask's */
    int64_t count = p->retain_steps;
    const UnlearnLearnerConfig config = {
        .label = "sfron", .total = (double)(count + (count + p->every - 1) / p->every) * (double)p->steps.batch_size};
    BASE_TRY(unlearn_training_open(context, net, &p->steps, &config, &t));
    BASE_TRY(unlearn_watch_create(context, net, &t.sides.forget, p->steps.stop, &t.watch));
    BASE_TRY(steps(&t, p, count, &a));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    base_free(a.gradient);
    return st;
}

const UnlearnMethod unlearn_sfron = {
    .entry = BASE_ENTRY("sfron", "ascends on the weights of the forgotten classes between steps on the retained ones",
                        "Huang et al. 2024, SFRon", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = base_free,
    .check = unlearn_steps_check,
};
