/* unlearn/lotus.c - distilling the original's own answers, made uncertain on what is to be forgotten (LoTUS; Spartalis
 * et al., CVPR 2025, arXiv 2503.18314; formula and defaults of their public code, lotus_class.py). t: the
 * original's logits, eval mode; s = softmax(f_w(x)); g: K draws of the Gumbel distribution, anew for each image and
 * epoch:
 *   min over w   mean over D_f and a share of D_r together of  -sum_k q_k log s_k
 *   q = softmax((t + g) / tau) on a forgotten, the unit vector of argmax(t + g) on a retained image
 *   tau = exp(alpha (acc_f - acc_u)) at the start of each epoch; it ends there where acc_f - acc_u <= stop
 * acc_f: the student's accuracy on the forgotten images, eval mode. acc_u: what the ORIGINAL knows of images that it
 * was not trained on. These are held-out images of the forgotten ones' classes, of the validation part of the training
 * split (at most about 1024), never test images, each class with its share of the forgotten ones; the authors take half
 * of the test split. For a class of which nothing is kept acc_u is 0, as theirs. Without a validation part it is 0 as well, with a warning, unless `unseen` gives
 * it.
 * The paper's loss is the cross-entropy above; here it is the KL divergence, whose gradient is the same. A retained
 * image's target is so a draw from the original's softmax.
 * alpha = 0 is the authors' scripts' 32 for whole classes and 2 for listed images (8 on CIFAR-10). Their AdamW's decay
 * (5e-4, a factor of 1 - 5e-8 a step) is left out: weight_decay here is added to the gradient.
 * Data: both, validation images where images are listed; (1 + 1 for the teacher) passes per epoch with gradients, and
 * a forward pass over D_f before each.
 */
#include <math.h>

#include "base/log.h"
#include "base/order.h"
#include "base/random.h"
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    double alpha, retain_share, unseen;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("lr=0.0001 stop=-0.01 augment=as_training"),
    BASE_PARAM_F64(Params, alpha, 0, 0, 1e3,
                   "growth of log tau with the accuracy on forgotten less unseen images; 0: 32, of listed images 2"),
    BASE_PARAM_F64(Params, retain_share, 0.3, 0, 1, "share of the retained images used, equal for all classes"),
    BASE_PARAM_F64(Params, unseen, -1, -1, 1,
                   "accuracy on unseen images; below 0: 0, of listed images the original's on held-out ones"),
    BASE_PARAM_F64(UnlearnSteps, stop, UNLEARN_STOP, -1, 1,
                   "accuracy on forgotten less unseen images at or below which no further epoch follows"),
    UNLEARN_STEP_ROWS(10, 128, 3e-4, 0.9, 0, NN_ADAM),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};
static const double OF_CLASSES = 32, OF_IMAGES = 2; /* alpha */
static const float NEVER = -1e4F;                   /* a logit whose probability is 0 */

typedef struct {
    const UnlearnContext *context;
    int64_t epoch;
    double tau;
} Tempering;

static double gumbel(BaseRandom *random) { return -log(fmax(-log1p(-base_random_uniform(random)), 1e-300)); }

/* UnlearnLoss.alter. Draws: stream (seed, "gumbel", epoch N + position). */
static void temper(void *user, const DataBatch *batch, int64_t K, float *logits)
{
    const Tempering *t = user;
    for (int64_t i = 0; i < batch->n; i++) {
        float *z = logits + i * K;
        uint64_t draw = (uint64_t)(t->epoch * t->context->train.set->N + batch->index[i]);
        BaseRandom random = base_random_make(t->context->seed, "gumbel", draw);
        for (int64_t k = 0; k < K; k++) z[k] = (float)((double)z[k] + gumbel(&random));
        int64_t best = base_largest_at(z, K);
        bool forgotten = data_forget_holds(t->context->forget, batch->y[i], batch->index[i]);
        for (int64_t k = 0; k < K; k++) z[k] = forgotten ? (float)((double)z[k] / t->tau) : k == best ? 0 : NEVER;
    }
}

static BaseStatus unseen_accuracy(const UnlearnContext *context, const Params *p, NnNet *original, bool whole,
                                  double *accuracy, double *passes)
{
    BaseStatus st = BASE_OK;
    *accuracy = p->unseen < 0 ? 0 : p->unseen;
    if (p->unseen >= 0 || whole) return BASE_OK;
    BASE_TRY(unlearn_unseen_share(context, original, accuracy, passes));
    if (!isnan(*accuracy)) goto out;
    *accuracy = 0;
    base_warning(
        "no held-out images of the classes of the forgotten ones: 'unseen' is 0, and these are forgotten as whole "
        "classes are; set it to the accuracy that a retrained network has on them");
out:
    return st;
}

static BaseStatus epochs(const UnlearnContext *context, const Params *p, NnNet *net, const UnlearnTeacher *teacher,
                         UnlearnTraining *t)
{
    BaseStatus st = BASE_OK;
    Tempering tempering = {.context = context};
    const UnlearnLoss loss = {
        .kl = 1, .temperature = 1, .teacher = teacher->engine, .alter = temper, .user = &tempering};
    double unseen;
    bool whole;
    BASE_TRY(unlearn_keeps_none(context, &whole));
    double alpha = p->alpha > 0 ? p->alpha : whole ? OF_CLASSES : OF_IMAGES;
    BASE_TRY(unseen_accuracy(context, p, net, whole, &unseen, &t->judged));
    for (int64_t e = 0; e < p->steps.epochs; e++) {
        int64_t right;
        BASE_TRY(unlearn_count_known(context, net, &t->sides.forget, NULL, &right));
        t->judged += (double)t->sides.forget.n;
        double ahead = (double)right / (double)t->sides.forget.n - unseen;
        if (ahead <= p->steps.stop) break;
        tempering.epoch = e;
        tempering.tau = exp(alpha * ahead);
        BASE_TRY(unlearn_learner_epoch(t->learner, t->forget, e, &loss, &(UnlearnUpdate){.lr = p->steps.lr}));
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
    const UnlearnSteps *s = &p->steps;
    UnlearnTraining t = {0};
    UnlearnTeacher teacher = {0};
    BASE_TRY(unlearn_sides_open_share(context, p->retain_share, s->forget_samples, &t.sides));
    BASE_TRY(unlearn_training_open_mixed(context, net, s, &(UnlearnLearnerConfig){.label = "lotus"}, &t));
    BASE_TRY(unlearn_teacher_create(context, context->original, s->batch_size, &teacher));
    BASE_TRY(epochs(context, p, net, &teacher, &t));
    t.passes = t.judged;
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    unlearn_teacher_free(&teacher);
    return st;
}

const UnlearnMethod unlearn_lotus = {
    .entry = BASE_ENTRY("lotus", "follows the original's answers, made uncertain on the forgotten classes",
                        "Spartalis et al. 2025, LoTUS", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
