/* unlearn/jit.c - smooths the network around the forgotten images (JiT, "just in time"; Foster et al. 2024, arXiv
 * 2402.01401):
 *   min over w   sum over x in B in D_f of  1/N sum over e_1 .. e_N of  ||f_w(x) - c|| / ||e_j||,   c = f_w(x + e_j)
 *   e_j ~ N(0, noise^2) for each number of the image as the network takes it; x + e_j is clamped to the range of the batch,
 *   and e_j is what is left of it
 * f_w(x) are the logits; c is held fixed, no gradient goes through it. No label is looked at. The sum over the batch is the
 * authors', so that lr goes with the size of a batch.
 * The network is in train mode, as the authors': batch statistics and dropout of x and of x + e are each their own, and the
 * running statistics follow both. Tried in eval mode on Fashion-MNIST, it lost 20 points more of the retained classes.
 * The loss is least where the network answers the same to everything: a pass ends before the first step at which the
 * accuracy on forgotten images is at or below `stop`; below 0 it takes every step, as the authors'.
 * Data: forgotten images; at most epochs times 1 + N passes, one of them with gradients, with a forward pass of the watched
 * images per step. Published values: the authors' for a VGG network on CIFAR. Their loop does not clear gradients, so that
 * step t goes along the sum of t gradients: a momentum of 1 for one pass, of which 0.9999 misses at most t / 10000.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    int64_t draws;
    double noise;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("draws=25 epochs=1 lr=0.0003 momentum=0.9999 stop=-1"),
    BASE_PARAM_I64(Params, draws, 10, 1, 10000, "number N of disturbed copies of an image"),
    BASE_PARAM_F64(Params, noise, 0.5, 1e-6, 1e6,
                   "standard deviation of the noise, in units of the normalised input of the network"),
    UNLEARN_STEP_ROWS(20, 128, 3e-5, 0, 0, NN_SGD),
    UNLEARN_STOP_ROW,
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};

/* What the loss needs beside the batch. */
typedef struct {
    const Params *p;
    uint64_t seed;
    NnEngine *engine;       /* of the same network */
    float *moved, *answers; /* [batch, pixels], [batch, K] */
    int64_t K, pixels, draw;
    double passes;
} Around;

/* a->moved: the images of @p batch with noise, within the range of its numbers. */
static void disturb(const Around *a, const DataBatch *batch)
{
    float low = batch->x[0], high = batch->x[0];
    for (int64_t j = 0; j < batch->n * a->pixels; j++) {
        low = fminf(low, batch->x[j]);
        high = fmaxf(high, batch->x[j]);
    }
    for (int64_t i = 0; i < batch->n; i++) {
        BaseRandom random = base_random_make(a->seed, "jit_noise", (uint64_t)(a->draw * a->p->steps.batch_size + i));
        for (int64_t j = i * a->pixels; j < (i + 1) * a->pixels; j++)
            a->moved[j] = fminf(high, fmaxf(low, batch->x[j] + (float)(a->p->noise * base_random_normal(&random))));
    }
}

static double distance(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return sqrt(sum);
}

/* d/dz of ||z - c|| / ||e|| is (z - c) / (||z - c|| ||e||), taken for 0 where z = c, or where nothing was moved. */
static BaseStatus loss_around(void *user, const DataBatch *batch, const float *logits, float *dlogits, double *value)
{
    BaseStatus st = BASE_OK;
    Around *a = user;
    const double each = 1 / (double)a->p->draws;
    *value = 0;
    memset(dlogits, 0, (size_t)(batch->n * a->K) * sizeof *dlogits);
    for (int64_t j = 0; j < a->p->draws; j++, a->draw++) {
        BaseRandom dropout = base_random_make(a->seed, "jit_dropout", (uint64_t)a->draw);
        disturb(a, batch);
        BASE_TRY(nn_engine_forward(a->engine, a->moved, batch->n, base_random_u64(&dropout), a->answers));
        a->passes += (double)batch->n;
        for (int64_t i = 0; i < batch->n; i++) {
            const float *z = logits + i * a->K, *c = a->answers + i * a->K;
            double out = distance(z, c, a->K),
                   in = distance(batch->x + i * a->pixels, a->moved + i * a->pixels, a->pixels);
            if (!(out > 0 && in > 0)) continue;
            *value += each * out / in;
            for (int64_t k = 0; k < a->K; k++)
                dlogits[i * a->K + k] += (float)(each * ((double)z[k] - (double)c[k]) / (out * in));
        }
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
    Around a = {.p = p, .seed = context->seed, .K = nn_net_classes(net)};
    int64_t shape[3];
    nn_net_input_shape(net, shape);
    a.pixels = shape[0] * shape[1] * shape[2];
    const UnlearnLoss loss = {.own = loss_around, .user = &a};
    BASE_TRY(unlearn_sides_open(context, UNLEARN_NO_IMAGES, s->forget_samples, &t.sides));
    BASE_TRY(BASE_ALLOC(s->batch_size * a.pixels, &a.moved));
    BASE_TRY(BASE_ALLOC(s->batch_size * a.K, &a.answers));
    BASE_TRY(nn_engine_create(net, NN_MODE_TRAIN, context->precision, s->batch_size, &a.engine));
    BASE_TRY(unlearn_training_open(context, net, s, &(UnlearnLearnerConfig){.label = "jit"}, &t));
    BASE_TRY(unlearn_watch_create(context, net, &t.sides.forget, s->stop, &t.watch));
    const UnlearnUpdate update = {.lr = s->lr, .watch = t.watch};
    for (int64_t e = 0; e < s->epochs; e++) BASE_TRY(unlearn_learner_epoch(t.learner, t.forget, e, &loss, &update));
    t.passes = a.passes;
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    nn_engine_free(a.engine);
    base_free(a.moved);
    base_free(a.answers);
    return st;
}

const UnlearnMethod unlearn_jit = {
    .entry = BASE_ENTRY("jit", "makes the answers on the forgotten classes change less with their images",
                        "Foster et al. 2024, JiT", Params, PARAMS),
    .needs = UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = unlearn_steps_check,
};
