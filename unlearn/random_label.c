/* unlearn/random_label.c - training on with wrong labels for the forgotten images ("RL"; order of the passes
 * as in the code of SalUn):
 *   each epoch   min over w of CE(f_w(x), y') on D_f,   then of CE(f_w(x), y) on D_r
 * labels = once: y' is drawn once per image, uniformly from the RETAINED classes, so that it is never the true label, nor
 * another one that must go; again: anew in each epoch from all classes, the true one too. batches = mixed: one shuffled
 * pass over both an epoch, as SalUn's code on CIFAR-100 and Tiny ImageNet. Data: both; epochs passes with gradients. Defaults: SalUn's code (10 epochs, lr 0.013, batches of 256).
 */
#include "base/memory.h"
#include "unlearn/gradient/relabel.h"

static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("labels=again augment=as_training"),
    UNLEARN_RANDOM_ROW,
    UNLEARN_BATCHES_ROW,
    UNLEARN_STEP_ROWS(10, 256, 0.013, 0.9, 5e-4, NN_SGD),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const UnlearnRandom *p = values;
    const UnlearnSteps *steps = &p->steps;
    UnlearnTraining t = {0};
    int32_t *labels = NULL;
    BASE_TRY(unlearn_sides_open(context, steps->retain_per_class, steps->forget_samples, &t.sides));
    BASE_TRY(unlearn_random_first(context, p, &t.sides.forget, &labels));
    const UnlearnRelabel relabel = {labels, NULL, p->batches == UNLEARN_BATCHES_MIXED, "random_label"};
    BASE_TRY(unlearn_relabel(context, steps, &relabel, net, &t));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    base_free(labels);
    return st;
}

const UnlearnMethod unlearn_random_label = {
    .entry = BASE_ENTRY("random_label", "trains further with wrong labels for the forgotten classes",
                        "RL in the code of SalUn", UnlearnRandom, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
