/* unlearn/neggrad.c - gradient ascent on the forgotten images ("NegGrad", "GA"):
 *   w <- w + lr * d/dw  1/|B| sum over B in D_f of CE(f_w(x), y)
 * The loss has no upper bound: ascent goes on where nothing is left to forget, and then destroys the network. It ends
 * before the first step at which the accuracy on forgotten images is at or below `stop` (the code of DUCK stops at 0.01
 * as well), so that lr decides how fast and not how far; stop below 0 takes every step, as the code of Unlearn-Sparse.
 * `clip` bounds the gradient's norm. Data: forgotten images; at most epochs passes with gradients, and a forward pass
 * of the watched ones per step.
 * Defaults: Unlearn-Sparse takes lr 1e-4 for 5 epochs, too little where a class is few steps; here a larger lr, clipped
 * and stopped.
 */
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    double clip;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("clip=0 stop=-1 epochs=5 batch_size=256 lr=0.0001 augment=as_training"),
    BASE_PARAM_F64(Params, clip, 1, 0, 1e9, "largest norm of a gradient, to which longer ones are cut; 0: no limit"),
    UNLEARN_STEP_ROWS(10, 64, 3e-3, 0.9, 5e-4, NN_SGD),
    UNLEARN_STOP_ROW,
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnTraining t = {0};
    const UnlearnLoss loss = {.ce = -1};
    BASE_TRY(unlearn_sides_open(context, UNLEARN_NO_IMAGES, p->steps.forget_samples, &t.sides));
    BASE_TRY(unlearn_training_open(context, net, &p->steps, &(UnlearnLearnerConfig){.label = "neggrad"}, &t));
    BASE_TRY(unlearn_watch_create(context, net, &t.sides.forget, p->steps.stop, &t.watch));
    const UnlearnUpdate update = {.lr = p->steps.lr, .clip = p->clip, .watch = t.watch};
    for (int64_t e = 0; e < p->steps.epochs; e++)
        BASE_TRY(unlearn_learner_epoch(t.learner, t.forget, e, &loss, &update));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    return st;
}

const UnlearnMethod unlearn_neggrad = {
    .entry = BASE_ENTRY("neggrad", "ascends the loss on the forgotten classes", "GA in the code of Unlearn-Sparse",
                        Params, PARAMS),
    .needs = UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
