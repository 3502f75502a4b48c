/* unlearn/munba.c - forgetting and keeping as two players who bargain over each step (MUNBa; Wu and Harandi, ICCV
 * 2025, arXiv 2411.15537; the closed form is that of their public code, MUNBa.py). A step takes one batch of either
 * side:
 *   g_r = grad CE(f_w(x), y) on B_r      g_f = grad CE(f_w(x), y') on B_f, y' a wrong label as random_label's
 *   g1 = <g_r, g_r>    g2 = <g_r, g_f>    g3 = <g_f, g_f>
 *   a_r = sqrt((g1 g3 - g2 sqrt(g1 g3)) / (g1^2 g3 - g1 g2^2 + guard))     a_f = (1 - g1 a_r^2) / (g2 a_r + guard)
 *   w moves along a_r g_r + a_f g_f, cut to the norm `clip`;  along g_r + 0.1 g_f where there is no agreement: a_r or
 *   a_f is not a positive float32, or with guard 0 |g_r| or |g_f| is below FLOOR
 * With guard 0 and s = sqrt(g1 g3) that is a_r = sqrt(s / (g1 (s + g2))), a_f = sqrt(s / (g3 (s + g2))), which is
 * never 0 / 0 where the two are orthogonal: both players are paid alike, a_r |g_r| = a_f |g_f|, and the sum has the
 * norm sqrt(2) whatever the gradients are. So the direction is the bisector of the two, and clip 1 gives every step
 * the same length. The authors' guard of 1e-8 shrinks a_r where the gradients are short (norms of 0.01).
 * An epoch is a pass over the retained images; those steps for which no batch of forgotten images is left are plain
 * steps of CE on B_r, not cut. Where the forgotten images are more, the retained ones come round again (the authors'
 * loop breaks off with an error).
 * Products are over what may move. Each of the two batches has batch statistics of its own.
 * Data: both; (1 + 1) passes per epoch, with gradients. Defaults: the authors' arguments for ResNet-18 on CIFAR-10, but
 * batches of 64: a class is few joint steps.
 */
#include <float.h>
#include <math.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/linalg.h"
#include "unlearn/gradient/relabel.h"

typedef struct {
    UnlearnRandom random;
    double clip, guard;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("labels=again guard=1e-8 batch_size=256 augment=as_training"),
    UNLEARN_RANDOM_ROW,
    BASE_PARAM_F64(Params, clip, 1, 0, 1e9,
                   "largest norm of a joint gradient, to which longer ones are cut; 0: no limit"),
    BASE_PARAM_F64(Params, guard, 0, 0, 1, "constant added to both denominators of the two weights"),
    UNLEARN_STEP_ROWS(10, 64, 0.01, 0.9, 5e-4, NN_SGD),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};
static const double FAILED = 0.1; /* weight of g_f where there is no agreement */
/* The gradient of a logit is p - 1 or p, and float32 knows p next to 1 to this: a side with a shorter gradient has what
 * it wants, and a weight of 1 / |g| would make a whole step of nothing (two classes, or one that is kept). */
static const double FLOOR = (double)FLT_EPSILON;

/* The two weights of one step. */
static void bargain(double g1, double g2, double g3, double guard, double *retain, double *forget)
{
    double s = sqrt(g1 * g3), a_r, a_f;
    if (guard > 0) {
        a_r = sqrt((g1 * g3 - g2 * s) / (g1 * g1 * g3 - g1 * g2 * g2 + guard));
        a_f = (1 - g1 * a_r * a_r) / (g2 * a_r + guard);
    } else {
        a_r = sqrt(s / (g1 * (s + g2)));
        a_f = sqrt(s / (g3 * (s + g2)));
    }
    const double most = (double)FLT_MAX;
    bool agreed = a_r > 0 && a_f > 0 && a_r <= most && a_f <= most; /* false for NaN, too */
    if (guard == 0) agreed = agreed && sqrt(g1) >= FLOOR && sqrt(g3) >= FLOOR;
    *retain = agreed ? a_r : 1;
    *forget = agreed ? a_f : FAILED;
}

/* Gradients of the two sides, [param_count] each. */
typedef struct {
    float *retain, *forget;
    int64_t count;
} Players;

static BaseStatus joint_step(UnlearnTraining *t, const DataBatch *retain, const DataBatch *forget,
                             const UnlearnLoss *wrong, const Params *p, Players *g)
{
    BaseStatus st = BASE_OK;
    const UnlearnLoss right = {.ce = 1};
    const UnlearnUpdate update = {.lr = p->random.steps.lr, .clip = p->clip};
    double a_r, a_f;
    BASE_TRY(unlearn_learner_gradient(t->learner, retain, &right, g->retain));
    BASE_TRY(unlearn_learner_gradient(t->learner, forget, wrong, g->forget));
    bargain(math_dot(g->retain, g->retain, g->count), math_dot(g->retain, g->forget, g->count),
            math_dot(g->forget, g->forget, g->count), p->guard, &a_r, &a_f);
    unlearn_learner_take(t->learner, g->retain, a_r);
    unlearn_learner_take(t->learner, g->forget, a_f);
    BASE_TRY(unlearn_learner_update(t->learner, &update));
out:
    return st;
}

static BaseStatus epoch(UnlearnTraining *t, UnlearnCycle *cycle, int64_t number, const UnlearnLoss *wrong,
                        const Params *p, Players *g)
{
    BaseStatus st = BASE_OK;
    const UnlearnLoss right = {.ce = 1};
    const UnlearnUpdate plain = {.lr = p->random.steps.lr};
    int64_t pairs = data_loader_batches(t->forget), steps = base_larger(data_loader_batches(t->retain), pairs);
    BASE_TRY(data_loader_start(t->forget, number));
    for (int64_t i = 0; i < steps; i++) {
        DataBatch retain, forget = {0};
        BASE_TRY(unlearn_cycle_next(cycle, &retain));
        if (i < pairs) BASE_TRY(data_loader_next(t->forget, &forget));
        if (forget.n > 1 || (forget.n == 1 && i == 0)) { /* one image alone has no variance to divide by */
            BASE_TRY(joint_step(t, &retain, &forget, wrong, p, g));
            continue;
        }
        BASE_TRY(unlearn_learner_add(t->learner, &retain, &right));
        BASE_TRY(unlearn_learner_update(t->learner, &plain));
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
    const UnlearnSteps *s = &p->random.steps;
    UnlearnTraining t = {0};
    Players g = {.count = nn_net_param_count(net)};
    int32_t *labels = NULL;
    BASE_TRY(BASE_ALLOC(g.count, &g.retain));
    BASE_TRY(BASE_ALLOC(g.count, &g.forget));
    BASE_TRY(unlearn_sides_open(context, s->retain_per_class, s->forget_samples, &t.sides));
    BASE_TRY(unlearn_random_labels(context, &t.sides.forget, &labels));
    BASE_TRY(unlearn_training_open(context, net, s, &(UnlearnLearnerConfig){.label = "munba"}, &t));
    UnlearnCycle cycle = {.loader = t.retain};
    const UnlearnLoss wrong = {.ce = 1, .labels = labels};
    for (int64_t e = 0; e < s->epochs; e++) {
        if (p->random.labels == UNLEARN_RANDOM_AGAIN) unlearn_random_labels_again(context, &t.sides.forget, e, labels);
        BASE_TRY(epoch(&t, &cycle, e, &wrong, p, &g));
    }
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    base_free(labels);
    base_free(g.retain);
    base_free(g.forget);
    return st;
}

const UnlearnMethod unlearn_munba = {
    .entry = BASE_ENTRY("munba", "each step is a bargain between keeping and wrong labels for the forgotten classes",
                        "Wu and Harandi 2025, MUNBa", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
