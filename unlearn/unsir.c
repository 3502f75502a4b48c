/* unlearn/unsir.c - error-maximising noise, impair, repair (Tarun et al. 2023, "UNSIR"):
 *   noise    for each forgotten class c, N of noise_images images ~ N(0, 1):
 *            min over N of  -CE(f_0(N), c) + noise_decay mean over images of ||N_i||^2       Adam; f_0: original, eval
 *   impair   one or more epochs of CE on noise under its own class (each noise image noise_repeats times) and on a
 *            retained sample, mixed
 *   repair   one or more epochs of CE on the retained sample alone
 * A batch holds noise and retained images in the proportion of their numbers; noise comes in turn. Data: retained images
 * (1000 a class as in the authors' notebook); noise_steps passes over the noise, then the epochs, with gradients. No
 * image of a forgotten class is looked at. Defaults: the authors' notebook (Adam, batches of 256), but for what the
 * preset sets and docs/deviations.md explains:
 *   noise_used    of the noise images of a class only the first so many are trained on. The notebook loops over the first
 *                 dimension of one image, its 3 channels, where the 256 images of the batch must be meant.
 *   noise_mode    train: the noise is shaped against batch statistics, and the network's running ones follow it. The
 *                 notebook does not switch modes.
 *   noise_labels  own: each class's noise has that class as its label; first: the first forgotten class (the notebook
 *                 writes class 0, the first of those that it forgets).
 *   impair_lr, repair_lr   a tenth of the notebook's 0.02 and 0.01, which were tuned for one network (Kodge et al. 2024
 *                 impair with 2e-4).
 */
#include <math.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps; /* epochs and lr unused: the phases have their own */
    int64_t noise_images, noise_used, noise_mode, noise_labels, noise_steps, noise_repeats, impair_epochs,
        repair_epochs;
    double noise_lr, noise_decay, impair_lr, repair_lr;
} Params;
enum { EVAL, TRAIN };
static const char *const MODES[] = {"eval", "train", NULL};
enum { OWN, FIRST };
static const char *const LABELS[] = {"own", "first", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("noise_used=3 noise_mode=train noise_labels=first impair_lr=0.02 repair_lr=0.01"),
    BASE_PARAM_I64(Params, noise_images, 256, 1, 65536, "number of noise images shaped for each forgotten class"),
    BASE_PARAM_I64(Params, noise_used, 0, 0, 65536, "number of those that are trained on; 0: all"),
    BASE_PARAM_CHOICE(Params, noise_mode, EVAL, MODES, "statistics of batch norms while the noise images are shaped"),
    BASE_PARAM_CHOICE(Params, noise_labels, OWN, LABELS,
                      "label of the noise images: their own class, or the first forgotten one"),
    BASE_PARAM_I64(Params, noise_steps, 40, 0, 100000, "number of optimiser steps that shape the noise images"),
    BASE_PARAM_F64(Params, noise_lr, 0.1, 0, 100, "learning rate of the steps that shape the noise images (Adam)"),
    BASE_PARAM_F64(Params, noise_decay, 0.1, 0, 1e6, "weight of the squared norm of the noise images"),
    BASE_PARAM_I64(Params, noise_repeats, 20, 1, 100000, "number of times each noise image is seen in an impair epoch"),
    BASE_PARAM_I64(Params, impair_epochs, 1, 0, 100000, "impair epochs: passes over noise and retained images"),
    BASE_PARAM_F64(Params, impair_lr, 0.002, 0, 100, "learning rate of the impair epochs"),
    BASE_PARAM_I64(Params, repair_epochs, 1, 0, 100000, "repair epochs: passes over retained images"),
    BASE_PARAM_F64(Params, repair_lr, 0.001, 0, 100, "learning rate of the repair epochs"),
    BASE_PARAM_I64(UnlearnSteps, batch_size, 256, 2, 65536, "images per step"),
    BASE_PARAM_F64(UnlearnSteps, momentum, 0.9, 0, 0.9999, "sgd: fraction of the last update carried over"),
    BASE_PARAM_F64(UnlearnSteps, weight_decay, 0, 0, 10, "multiple of a parameter added to its gradient"),
    BASE_PARAM_CHOICE(UnlearnSteps, optimizer, NN_ADAM, unlearn_optimizer_names, "step rule of impair and repair"),
    UNLEARN_AUGMENT_ROW,
    UNLEARN_RETAIN_ROW(1000),
    UNLEARN_LAYERS_ROW,
};
static const char *const TUNABLE[] = {
    "noise_used", "noise_labels", "noise_repeats", "impair_epochs", "impair_lr", "repair_epochs",    "repair_lr",
    "batch_size", "momentum",     "weight_decay",  "optimizer",     "layers",    "retain_per_class", NULL};

/* ---- noise ---- */

typedef struct {
    float *x;       /* [classes, images, size] */
    int32_t *y;     /* [classes] */
    float *buffers; /* running statistics after the noise was shaped in train mode; NULL: the original's */
    int64_t classes, images, size;
} Noise;

static void release(void *state)
{
    Noise *n = state;
    if (!n) return;
    base_free(n->x);
    base_free(n->y);
    base_free(n->buffers);
    base_free(n);
}

static BaseStatus shape_class(const UnlearnContext *context, const Params *p, Noise *n, int64_t rank)
{
    BaseStatus st = BASE_OK;
    UnlearnProber prober = {0};
    NnOptimizer *optimizer = NULL;
    int64_t count = n->images * n->size;
    float *x = n->x + rank * count, *dx = NULL, pull = (float)(2 * p->noise_decay / (double)n->images);
    int32_t *y = NULL;
    BaseRandom random = base_random_make(context->seed, "unsir_noise", (uint64_t)n->y[rank]);
    for (int64_t i = 0; i < count; i++) x[i] = (float)base_random_normal(&random);
    BASE_TRY(unlearn_prober_open(context, p->noise_mode == TRAIN ? NN_MODE_TRAIN_INPUT : NN_MODE_EVAL_INPUT, NULL,
                                 n->images, &prober));
    int64_t buffers = nn_net_buffer_count(prober.net);
    if (n->buffers && rank > 0) memcpy(nn_net_edit_buffers(prober.net), n->buffers, (size_t)buffers * sizeof(float));
    BASE_TRY(nn_optimizer_create(NN_ADAM, count, 0, 0, false, &optimizer));
    BASE_TRY(BASE_ALLOC(count, &dx));
    BASE_TRY(BASE_ALLOC(n->images, &y));
    for (int64_t i = 0; i < n->images; i++) y[i] = n->y[rank];
    for (int64_t step = 0; step < p->noise_steps; step++) {
        BASE_TRY(base_cancel_check());
        BaseRandom dropout = base_random_make(context->seed, "unsir_dropout", (uint64_t)(rank * p->noise_steps + step));
        BASE_TRY(nn_engine_forward(prober.engine, x, n->images, base_random_u64(&dropout), prober.logits));
        BASE_TRY(unlearn_prober_gradient(&prober, y, n->images));
        BASE_TRY(nn_engine_input_gradient(prober.engine, dx));
        for (int64_t i = 0; i < count; i++) dx[i] = pull * x[i] - dx[i];
        nn_optimizer_step(optimizer, x, dx, NULL, p->noise_lr);
        base_progress("unsir noise", rank * p->noise_steps + step + 1, n->classes * p->noise_steps, NULL);
    }
    if (n->buffers) memcpy(n->buffers, nn_net_buffers(prober.net), (size_t)buffers * sizeof(float));
out:
    unlearn_prober_close(&prober);
    nn_optimizer_free(optimizer);
    base_free(dx);
    base_free(y);
    return st;
}

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    Noise *n = NULL;
    int64_t shape[3], rank = 0;
    *state = NULL;
    nn_net_input_shape(context->original, shape);
    BASE_TRY(BASE_ALLOC(1, &n));
    n->classes = context->forget->classes.count;
    n->images = p->noise_images;
    n->size = shape[0] * shape[1] * shape[2];
    BASE_TRY(BASE_ALLOC(n->classes * n->images * n->size, &n->x));
    BASE_TRY(BASE_ALLOC(n->classes, &n->y));
    if (p->noise_mode == TRAIN) BASE_TRY(BASE_ALLOC(nn_net_buffer_count(context->original), &n->buffers));
    for (int64_t c = 0; c < context->forget->classes.K; c++)
        if (context->forget->classes.in[c]) n->y[rank++] = (int32_t)c;
    for (rank = 0; rank < n->classes; rank++) BASE_TRY(shape_class(context, p, n, rank));
    *state = n;
    n = NULL;
out:
    release(n);
    return st;
}

/* ---- impair, repair ---- */

/* Noise images of a class that are trained on. */
static int64_t used(const Params *p, const Noise *noise)
{
    return p->noise_used > 0 && p->noise_used < noise->images ? p->noise_used : noise->images;
}

/* A batch of retained and noise images in one. */
typedef struct {
    float *x;
    int32_t *y;
    int64_t next; /* noise images handed out: classes in turn */
} Mix;

static void mix(const Params *p, const Noise *noise, const DataBatch *retain, int64_t added, Mix *m, DataBatch *out)
{
    memcpy(m->x, retain->x, (size_t)(retain->n * noise->size) * sizeof *m->x);
    memcpy(m->y, retain->y, (size_t)retain->n * sizeof *m->y);
    for (int64_t i = retain->n; i < retain->n + added; i++, m->next++) {
        int64_t rank = m->next % noise->classes, image = m->next / noise->classes % used(p, noise);
        memcpy(m->x + i * noise->size, noise->x + (rank * noise->images + image) * noise->size,
               (size_t)noise->size * sizeof *m->x);
        m->y[i] = noise->y[p->noise_labels == FIRST ? 0 : rank];
    }
    *out = (DataBatch){.x = m->x, .y = m->y, .n = retain->n + added};
}

static BaseStatus impair(const UnlearnContext *context, const Params *p, const Noise *noise, const UnlearnSides *sides,
                         UnlearnLearner *learner)
{
    BaseStatus st = BASE_OK;
    DataLoader *loader = NULL;
    Mix m = {0};
    int64_t batch = p->steps.batch_size, R = sides->retain.n, Z = noise->classes * used(p, noise) * p->noise_repeats;
    int64_t kept = (int64_t)llround((double)batch * (double)R / (double)(R + Z));
    kept = kept < 1 ? 1 : kept > batch - 1 ? batch - 1 : kept;
    const UnlearnLoss loss = {.ce = 1};
    const UnlearnUpdate update = {.lr = p->impair_lr};
    BASE_TRY(BASE_ALLOC(batch * noise->size, &m.x));
    BASE_TRY(BASE_ALLOC(batch, &m.y));
    BASE_TRY(unlearn_loader(context, context->original, &p->steps, &sides->retain, kept, &loader));
    UnlearnCycle cycle = {.loader = loader};
    int64_t steps = p->impair_epochs * ((R + Z + batch - 1) / batch);
    for (int64_t i = 0; i < steps; i++) {
        DataBatch retain, mixed;
        BASE_TRY(unlearn_cycle_next(&cycle, &retain));
        mix(p, noise, &retain, batch - kept, &m, &mixed);
        BASE_TRY(unlearn_learner_add(learner, &mixed, &loss));
        BASE_TRY(unlearn_learner_update(learner, &update));
    }
out:
    data_loader_free(loader);
    base_free(m.x);
    base_free(m.y);
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const Noise *noise = state;
    int64_t shaped = noise->classes * noise->images;
    UnlearnTraining t = {.passes = (double)(shaped * p->noise_steps)};
    const UnlearnLoss loss = {.ce = 1};
    const UnlearnUpdate repair = {.lr = p->repair_lr};
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, UNLEARN_NO_IMAGES, &t.sides));
    int64_t kept = t.sides.retain.n;
    const UnlearnLearnerConfig config = {
        .label = "unsir",
        .total = (double)(p->impair_epochs * (kept + noise->classes * used(p, noise) * p->noise_repeats) +
                          p->repair_epochs * kept)};
    if (noise->buffers)
        memcpy(nn_net_edit_buffers(net), noise->buffers, (size_t)nn_net_buffer_count(net) * sizeof(float));
    /* each phase starts its optimiser afresh */
    BASE_TRY(unlearn_training_open(context, net, &p->steps, &config, &t));
    BASE_TRY(impair(context, p, noise, &t.sides, t.learner));
    BASE_TRY(unlearn_learner_restart(t.learner, &p->steps));
    for (int64_t e = 0; e < p->repair_epochs; e++)
        BASE_TRY(unlearn_learner_epoch(t.learner, t.retain, e, &loss, &repair));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    return st;
}

const UnlearnMethod unlearn_unsir = {
    .entry = BASE_ENTRY("unsir", "learns error-maximising noise, trains on it, then repairs with retained images",
                        "Tarun et al. 2023, UNSIR", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT | UNLEARN_ONLY_CLASSES,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = release,
    .check = unlearn_steps_check,
};
