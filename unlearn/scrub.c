/* unlearn/scrub.c - a student that learns to disagree with its teacher on forgotten images and to agree on retained
 * ones (Kurmanji et al. 2023), the two in turn. Teacher t: the original, eval mode. Each epoch:
 *   while epoch <= max_epochs, over D_f:   min over w of  -T^2 KL(softmax(t / T) || softmax(z / T))
 *   then over D_r:   min over w of  gamma CE(z, y) + alpha T^2 KL(softmax(t / T) || softmax(z / T))
 * lr falls tenfold after epochs 3, 5 and 9. The code of Kodge et al. 2024 returns a copy, and its attack then scores
 * the original: here the network given is the student.
 *
 * rewind (SCRUB+R): after the last epoch the student's error on images of the forgotten classes that no
 * model has trained on (the validation part) is the reference, and the epoch is taken whose error on D_f is closest to
 * it (the first such).
 *
 * The maximisation has no upper bound: a whole class in small batches is so many steps that they diverge. A pass over
 * D_f ends before the first step at which the accuracy on forgotten images is at or below `stop`; below 0 it takes
 * every step, as the paper.
 *
 * Data: both; (1 + 1 for the teacher) passes per epoch over D_r, and at most as many over D_f in the first max_epochs,
 * with gradients, with a forward pass of the watched images per step; with rewind one pass over D_f an epoch more.
 * Defaults: the authors' notebook large_scale_unlearning, whose loaders have batches of 512 forgotten and, whatever its
 * sgda_batch_size of 128 says, 256 retained images.
 */
#include <math.h>

#include "base/memory.h"
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    int64_t max_epochs, forget_batch;
    double gamma, alpha, temperature;
    bool rewind;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("stop=-1 batch_size=256"),
    BASE_PARAM_I64(Params, max_epochs, 2, 0, 100000,
                   "number of first epochs that also drive the student away from the teacher on forgotten images"),
    BASE_PARAM_I64(Params, forget_batch, 512, 1, 65536, "forgotten images per step away from the teacher"),
    BASE_PARAM_F64(Params, gamma, 0.99, 0, 1e6, "weight of the cross-entropy on retained images"),
    BASE_PARAM_F64(Params, alpha, 0.001, 0, 1e6, "weight of the distance to the teacher on retained images"),
    BASE_PARAM_F64(Params, temperature, 4, 1e-3, 1e3, "temperature T of the softmax in the distance to the teacher"),
    BASE_PARAM_BOOL(Params, rewind, false,
                    "return to the epoch whose errors on forgotten and on unseen images are closest"),
    UNLEARN_STEP_ROWS(3, 128, 5e-4, 0.9, 5e-4, NN_SGD),
    UNLEARN_STOP_ROW,
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};

/* The students of all epochs and their errors; where rewind is on. */
typedef struct {
    NnNet **nets;  /* [epochs] */
    double *error; /* [epochs] on D_f, 0..1 */
    DataIndex unseen, rest;
    double passes;
} Rewind;

static BaseStatus error_on(const UnlearnContext *context, NnNet *net, const DataView *view, double *error)
{
    int64_t right;
    BaseStatus st = unlearn_count_known(context, net, view, "scrub rewind", &right);
    *error = (double)(view->n - right) / (double)view->n;
    return st;
}

static BaseStatus rewind_open(const UnlearnContext *context, int64_t epochs, Rewind *r)
{
    BaseStatus st = BASE_OK;
    if (context->validation.n > 0)
        BASE_TRY(data_partition(&context->validation, &context->forget->classes, &r->unseen, &r->rest));
    BASE_CHECK(
        r->unseen.n > 0, BASE_EUSAGE,
        "rewind needs images of the forgotten classes that no model was trained on: set a validation part aside");
    BASE_TRY(BASE_ALLOC(epochs, &r->nets));
    BASE_TRY(BASE_ALLOC(epochs, &r->error));
out:
    return st;
}

static void rewind_close(Rewind *r, int64_t epochs)
{
    for (int64_t e = 0; r->nets && e < epochs; e++) nn_net_free(r->nets[e]);
    base_free(r->nets);
    base_free(r->error);
    data_index_free(&r->unseen);
    data_index_free(&r->rest);
}

static BaseStatus rewind_keep(const UnlearnContext *context, const DataView *forget, int64_t epoch, NnNet *net,
                              Rewind *r)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(nn_net_clone(net, &r->nets[epoch]));
    BASE_TRY(error_on(context, net, forget, &r->error[epoch]));
    r->passes += (double)forget->n;
out:
    return st;
}

static BaseStatus rewind_choose(const UnlearnContext *context, int64_t epochs, NnNet *net, Rewind *r)
{
    BaseStatus st = BASE_OK;
    DataView unseen = data_view_of(context->validation.set, &r->unseen);
    double reference;
    int64_t best = 0;
    BASE_TRY(error_on(context, net, &unseen, &reference));
    r->passes += (double)unseen.n;
    for (int64_t e = 1; e < epochs; e++)
        if (fabs(r->error[e] - reference) < fabs(r->error[best] - reference)) best = e;
    nn_net_copy(net, r->nets[best]);
out:
    return st;
}

static double rate(double lr, int64_t epoch) /* epoch from 0 */
{
    static const int64_t FALLS[] = {3, 5, 9};
    for (size_t i = 0; i < BASE_COUNT(FALLS); i++)
        if (epoch + 1 > FALLS[i]) lr /= 10;
    return lr;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const UnlearnSteps *s = &p->steps;
    int64_t batch = s->batch_size > p->forget_batch ? s->batch_size : p->forget_batch;
    int64_t drives = p->max_epochs < s->epochs ? p->max_epochs : s->epochs;
    UnlearnTraining t = {0};
    UnlearnTeacher teacher = {0};
    Rewind rewind = {0};
    if (p->rewind) BASE_TRY(rewind_open(context, s->epochs, &rewind));
    BASE_TRY(unlearn_sides_open(context, s->retain_per_class, s->forget_samples, &t.sides));
    const UnlearnLearnerConfig config = {
        .batch = batch, .label = "scrub", .total = (double)(s->epochs * t.sides.retain.n + drives * t.sides.forget.n)};
    BASE_TRY(unlearn_loader(context, net, s, &t.sides.forget, p->forget_batch, &t.forget));
    BASE_TRY(unlearn_teacher_create(context, context->original, batch, &teacher));
    BASE_TRY(unlearn_training_open(context, net, s, &config, &t));
    BASE_TRY(unlearn_watch_create(context, net, &t.sides.forget, s->stop, &t.watch));
    const UnlearnLoss away = {.kl = -1, .temperature = p->temperature, .teacher = teacher.engine};
    const UnlearnLoss near = {.ce = p->gamma, .kl = p->alpha, .temperature = p->temperature, .teacher = teacher.engine};
    for (int64_t e = 0; e < s->epochs; e++) {
        const UnlearnUpdate update = {.lr = rate(s->lr, e)};
        const UnlearnUpdate watched = {.lr = update.lr, .watch = t.watch};
        if (e < drives) BASE_TRY(unlearn_learner_epoch(t.learner, t.forget, e, &away, &watched));
        BASE_TRY(unlearn_learner_epoch(t.learner, t.retain, e, &near, &update));
        if (p->rewind) BASE_TRY(rewind_keep(context, &t.sides.forget, e, net, &rewind));
    }
    if (p->rewind) BASE_TRY(rewind_choose(context, s->epochs, net, &rewind));
    t.passes = t.judged = rewind.passes;
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    unlearn_teacher_free(&teacher);
    rewind_close(&rewind, s->epochs);
    return st;
}

const UnlearnMethod unlearn_scrub = {
    .entry =
        BASE_ENTRY("scrub", "a student diverges from its teacher on the forgotten classes and follows it on the others",
                   "Kurmanji et al. 2023, SCRUB", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
