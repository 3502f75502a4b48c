/* unlearn/delete.c - distilling the original without the true class (DELETE; Zhou et al., CVPR 2025, arXiv 2503.23751):
 *   min over w   1/|B| sum over B in D_f of  KL(softmax(t') || softmax(f_w(x)))
 *   t' = the original's logits of x, that of y taken for minus infinity                    teacher in eval mode
 * so that the student forgets y and goes on to divide what is left among the other classes as the original did; the
 * authors' code writes -1e10. Of several forgotten classes an image loses its own alone, as there.
 * Data: forgotten images; epochs passes with gradients, and as many of the teacher. Defaults: the authors' configuration
 * for CIFAR-10 and ResNet-18 (20 epochs, batches of 128, lr 1e-4, momentum 0.9, no decay).
 */
#include "unlearn/gradient/learner.h"

static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("augment=as_training"),
    UNLEARN_STEP_ROWS(20, 128, 1e-4, 0.9, 0, NN_SGD),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};

/* The softmax of the true class becomes 0, and 0 log 0 is 0. */
static void without_truth(void *user, const DataBatch *batch, int64_t K, float *logits)
{
    (void)user;
    for (int64_t i = 0; i < batch->n; i++) logits[i * K + batch->y[i]] = -1e10F;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const UnlearnSteps *s = values;
    UnlearnTraining t = {0};
    UnlearnTeacher teacher = {0};
    const UnlearnUpdate update = {.lr = s->lr};
    BASE_TRY(unlearn_sides_open(context, UNLEARN_NO_IMAGES, s->forget_samples, &t.sides));
    BASE_TRY(unlearn_teacher_create(context, context->original, s->batch_size, &teacher));
    BASE_TRY(unlearn_training_open(context, net, s, &(UnlearnLearnerConfig){.label = "delete"}, &t));
    const UnlearnLoss loss = {.kl = 1, .temperature = 1, .teacher = teacher.engine, .alter = without_truth};
    for (int64_t e = 0; e < s->epochs; e++) BASE_TRY(unlearn_learner_epoch(t.learner, t.forget, e, &loss, &update));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    unlearn_teacher_free(&teacher);
    return st;
}

const UnlearnMethod unlearn_delete = {
    .entry = BASE_ENTRY("delete", "follows the original on the forgotten classes as if their own logits were not there",
                        "Zhou et al. 2025, DELETE", UnlearnSteps, PARAMS),
    .needs = UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
