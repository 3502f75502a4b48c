/* unlearn/neggrad_plus.c - descent on retained and ascent on forgotten images in one step (Kurmanji et al. 2023,
 * "NegGrad+"; Kodge et al. 2024 call it "Stable Ascent"):
 *   L = beta * mean over B_r of CE(f_w(x), y)  -  (1 - beta) * mean over B_f of CE(f_w(x), y)
 * An epoch is one pass over the retained images; the batches of forgotten images come round and round. Each of the two
 * batches has batch statistics of its own. Data: both; (1 + up to 1) passes per epoch, with gradients.
 */
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    double beta, clip;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW(""),
    BASE_PARAM_F64(Params, beta, 0.99, 0, 1, "weight of the descent on retained images; the ascent has 1 - beta"),
    BASE_PARAM_F64(Params, clip, 0, 0, 1e9, "largest norm of a gradient, to which longer ones are cut; 0: no limit"),
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

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnTraining t = {0};
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, p->steps.forget_samples, &t.sides));
    const UnlearnLearnerConfig config = {.label = "neggrad_plus",
                                         .total = 2 * (double)(p->steps.epochs * t.sides.retain.n)};
    BASE_TRY(unlearn_training_open(context, net, &p->steps, &config, &t));
    UnlearnCycle cycle = {.loader = t.forget};
    for (int64_t e = 0; e < p->steps.epochs; e++) BASE_TRY(epoch(t.learner, t.retain, &cycle, e, p));
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
