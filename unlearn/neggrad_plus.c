/* unlearn/neggrad_plus.c - descent on retained and ascent on forgotten images in one step.
 * rule = neggrad_plus (Kurmanji et al. 2023, "NegGrad+"):
 *   L = beta * mean over B_r of CE(f_w(x), y)  -  (1 - beta) * mean over B_f of CE(f_w(x), y)
 * rule = stable_ascent ("Stable Ascent", the code of Kodge et al. 2024): both losses have weight 1, the forgotten images
 * come first, and only their gradient is cut to `clip` before the other is added; steps with Nesterov's momentum; after
 * every `check_every` steps the forgotten images are looked at, and while at most 0.1% of them are recognised there is no
 * ascent.
 * An epoch is one pass over the retained images; the batches of forgotten images come round and round. Each of the two
 * batches has batch statistics of its own. Data: both; (1 + up to 1) passes per epoch, with gradients.
 */
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    double beta, clip;
    int64_t rule, check_every;
} Params;
enum { NEGGRAD_PLUS, STABLE_ASCENT };
static const char *const RULES[] = {"neggrad_plus", "stable_ascent", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW(""),
    BASE_PARAM_CHOICE(Params, rule, NEGGRAD_PLUS, RULES, "rule that joins descent and ascent"),
    BASE_PARAM_F64(Params, beta, 0.99, 0, 1, "weight of the descent on retained images; the ascent has 1 - beta"),
    BASE_PARAM_F64(
        Params, clip, 0, 0, 1e9,
        "largest norm of a gradient, to which longer ones are cut (stable_ascent: of the ascent's); 0: no limit"),
    BASE_PARAM_I64(Params, check_every, 100, 1, 1000000,
                   "stable_ascent: steps between two looks at the forgotten images"),
    UNLEARN_STEP_ROWS(1, 128, 0.01, 0.9, 5e-4, NN_SGD),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};

static BaseStatus epoch(UnlearnLearner *learner, DataLoader *retain, UnlearnCycle *forget, int64_t number,
                        const Params *p)
{
    BaseStatus st = BASE_OK;
    const UnlearnLoss keep = {.ce = p->beta}, lose = {.ce = p->beta - 1};
    const UnlearnUpdate update = {.lr = p->steps.lr, .clip = p->clip};
    BASE_TRY(data_loader_start(retain, number));
    for (int64_t i = 0; i < data_loader_batches(retain); i++) {
        DataBatch batch;
        BASE_TRY(data_loader_next(retain, &batch));
        if (batch.n == 1 && i > 0) break;
        BASE_TRY(unlearn_learner_add(learner, &batch, &keep));
        BASE_TRY(unlearn_cycle_next(forget, &batch));
        BASE_TRY(unlearn_learner_add(learner, &batch, &lose));
        BASE_TRY(unlearn_learner_update(learner, &update));
    }
out:
    return st;
}

static BaseStatus stable_epoch(UnlearnTraining *t, UnlearnCycle *forget, int64_t number, const Params *p,
                               int64_t *steps, bool *gone)
{
    BaseStatus st = BASE_OK;
    const UnlearnLoss keep = {.ce = 1}, lose = {.ce = -1};
    const UnlearnUpdate update = {.lr = p->steps.lr};
    BASE_TRY(data_loader_start(t->retain, number));
    for (int64_t i = 0; i < data_loader_batches(t->retain); i++) {
        DataBatch batch, away;
        BASE_TRY(data_loader_next(t->retain, &batch));
        if (batch.n == 1 && i > 0) break;
        if (!*gone) {
            BASE_TRY(unlearn_cycle_next(forget, &away));
            BASE_TRY(unlearn_learner_add(t->learner, &away, &lose));
            unlearn_learner_clip(t->learner, p->clip);
        }
        BASE_TRY(unlearn_learner_add(t->learner, &batch, &keep));
        BASE_TRY(unlearn_learner_update(t->learner, &update));
        if (++*steps % p->check_every == 0) BASE_TRY(unlearn_watch_done(t->watch, gone));
    }
out:
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnTraining t = {0};
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, p->steps.forget_samples, &t.sides));
    bool stable = p->rule == STABLE_ASCENT, gone = false;
    int64_t steps = 0;
    const UnlearnLearnerConfig config = {
        .label = "neggrad_plus", .nesterov = stable, .total = 2 * (double)(p->steps.epochs * t.sides.retain.n)};
    BASE_TRY(unlearn_training_open(context, net, &p->steps, &config, &t));
    UnlearnCycle cycle = {.loader = t.forget};
    if (stable) BASE_TRY(unlearn_watch_create(context, net, &t.sides.forget, 1e-3, &t.watch));
    for (int64_t e = 0; e < p->steps.epochs; e++)
        BASE_TRY(stable ? stable_epoch(&t, &cycle, e, p, &steps, &gone) : epoch(t.learner, t.retain, &cycle, e, p));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    return st;
}

const UnlearnMethod unlearn_neggrad_plus = {
    .entry = BASE_ENTRY("neggrad_plus", "descent on the retained and ascent on the forgotten classes at once",
                        "NegGrad+ in Kurmanji et al. 2023", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
