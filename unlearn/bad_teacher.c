/* unlearn/bad_teacher.c - a student between two teachers (Bad Teaching): the original t for retained images, an
 * untrained network b of the same shape for forgotten ones.
 *   min over w   mean over D_f and a share of D_r together of  T^2 KL(softmax(u / T) || softmax(z / T)),
 *                u = b(x) for a forgotten and t(x) for a retained image; both teachers in eval mode
 * divergence = mean is the authors' code: KL divided by the number of classes, without T^2. Adam notices no more of it
 * than its 1e-8 beside the root. b has nn_net_init's numbers of a stream of its own.
 * Data: both; (1 + 2 for the teachers) passes per epoch, with gradients. Defaults: the authors' notebook (Adam, lr 1e-4,
 * one epoch, 30% of the retained images, T = 1).
 */
#include "base/random.h"
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    double retain_share, temperature;
    int64_t divergence;
} Params;
enum { DIVERGENCE_SUM, DIVERGENCE_MEAN };
static const char *const DIVERGENCES[] = {"sum", "mean", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("divergence=mean"),
    BASE_PARAM_F64(Params, retain_share, 0.3, 0, 1, "share of the retained images used, equal for all classes"),
    BASE_PARAM_F64(Params, temperature, 1, 1e-3, 1e3, "temperature T of the softmax of the student and both teachers"),
    BASE_PARAM_CHOICE(Params, divergence, DIVERGENCE_SUM, DIVERGENCES,
                      "KL of an image: its sum over classes times T^2, or its mean over them"),
    UNLEARN_STEP_ROWS(1, 256, 1e-4, 0.9, 0, NN_ADAM),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};

static BaseStatus untrained(const UnlearnContext *context, int64_t batch, UnlearnTeacher *out)
{
    BaseStatus st = BASE_OK;
    BaseRandom random = base_random_make(context->seed, "bad_teacher", 0);
    BASE_TRY(unlearn_teacher_create(context, context->original, batch, out));
    nn_net_init(out->net, base_random_u64(&random));
out:
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const UnlearnSteps *s = &p->steps;
    UnlearnTraining t = {0};
    UnlearnTeacher good = {0}, bad = {0};
    const UnlearnUpdate update = {.lr = s->lr};
    BASE_TRY(unlearn_sides_open_share(context, p->retain_share, s->forget_samples, &t.sides));
    BASE_TRY(unlearn_training_open_mixed(context, net, s, &(UnlearnLearnerConfig){.label = "bad_teacher"}, &t));
    BASE_TRY(unlearn_teacher_create(context, context->original, s->batch_size, &good));
    BASE_TRY(untrained(context, s->batch_size, &bad));
    const double T = p->temperature, terms = (double)nn_net_classes(net) * T * T; /* UnlearnLoss has T^2 KL */
    const UnlearnLoss loss = {.kl = p->divergence == DIVERGENCE_MEAN ? 1 / terms : 1,
                              .temperature = T,
                              .teacher = good.engine,
                              .other = bad.engine,
                              .other_for = context->forget};
    for (int64_t e = 0; e < s->epochs; e++) BASE_TRY(unlearn_learner_epoch(t.learner, t.forget, e, &loss, &update));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    unlearn_teacher_free(&good);
    unlearn_teacher_free(&bad);
    return st;
}

const UnlearnMethod unlearn_bad_teacher = {
    .entry = BASE_ENTRY("bad_teacher", "follows an untrained teacher on the forgotten classes, the original elsewhere",
                        "Bad Teaching, code of its repository", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
