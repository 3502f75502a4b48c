/* unlearn/gradient/learner.c - one engine and one optimiser; running statistics that are frozen are put back. */
#include "unlearn/gradient/learner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/linalg.h"
#include "unlearn/layers/select.h"

struct UnlearnLearner {
    const UnlearnContext *context;
    NnNet *net;
    NnEngine *engine;
    NnOptimizer *optimizer;
    uint8_t *mask;                             /* [param_count]; NULL: everything moves */
    uint8_t *moving;                           /* [buffer_count] running statistics that move; NULL: all */
    float *kept;                               /* [buffer_count] where some do not */
    float *logits, *dlogits, *teacher, *other; /* [batch, K] */
    int32_t *y;                                /* [batch] */
    float *sum, *grads;                        /* [param_count] */
    int64_t K, count, batch, steps, parts;     /* parts: batches since the last step */
    bool filled;                               /* something is in sum */
    double passes, done, total;
    const char *label;
    bool nesterov;
};

static void learner_free(UnlearnLearner *l)
{
    if (!l) return;
    nn_engine_free(l->engine);
    nn_optimizer_free(l->optimizer);
    base_free(l->mask);
    base_free(l->moving);
    base_free(l->kept);
    base_free(l->logits);
    base_free(l->dlogits);
    base_free(l->teacher);
    base_free(l->other);
    base_free(l->y);
    base_free(l->sum);
    base_free(l->grads);
    base_free(l);
}

/* What may move: nothing is allocated where everything may. */
static BaseStatus restrict_to(UnlearnLearner *l, const UnlearnSteps *steps, const UnlearnLearnerConfig *c)
{
    BaseStatus st = BASE_OK;
    uint8_t *named = NULL;
    int layers;
    int64_t buffers = nn_net_buffer_count(l->net);
    nn_net_layers(l->net, &layers);
    if (!c->selected) BASE_TRY(unlearn_layers_select(l->net, steps->layers.s, &named));
    const uint8_t *selected = named ? named : c->selected;
    bool all = !memchr(selected, 0, (size_t)layers);
    if (all && !c->mask) goto out;
    BASE_TRY(BASE_ALLOC(l->count, &l->mask));
    BASE_TRY(BASE_ALLOC(buffers, &l->moving));
    BASE_TRY(BASE_ALLOC(buffers, &l->kept));
    unlearn_steps_mask(l->net, selected, l->mask, l->moving);
    for (int64_t i = 0; c->mask && i < l->count; i++) l->mask[i] = l->mask[i] && c->mask[i];
    if (c->statistics) memset(l->moving, 1, (size_t)buffers);
    memcpy(l->kept, nn_net_buffers(l->net), (size_t)buffers * sizeof *l->kept);
out:
    base_free(named);
    return st;
}

BaseStatus unlearn_learner_restart(UnlearnLearner *l, const UnlearnSteps *steps)
{
    nn_optimizer_free(l->optimizer);
    l->optimizer = NULL;
    return nn_optimizer_create((NnOptimizerKind)steps->optimizer, l->count, steps->momentum, steps->weight_decay,
                               l->nesterov, &l->optimizer);
}

BaseStatus unlearn_learner_create(const UnlearnContext *context, NnNet *net, const UnlearnSteps *steps,
                                  const UnlearnLearnerConfig *config, UnlearnLearner **out)
{
    BaseStatus st = BASE_OK;
    UnlearnLearner *l = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &l));
    *l = (UnlearnLearner){.context = context,
                          .net = net,
                          .K = nn_net_classes(net),
                          .count = nn_net_param_count(net),
                          .batch = config->batch,
                          .label = config->label,
                          .total = config->total,
                          .nesterov = config->nesterov};
    BASE_TRY(restrict_to(l, steps, config));
    BASE_TRY(BASE_ALLOC(l->batch * l->K, &l->logits));
    BASE_TRY(BASE_ALLOC(l->batch * l->K, &l->dlogits));
    BASE_TRY(BASE_ALLOC(l->batch * l->K, &l->teacher));
    BASE_TRY(BASE_ALLOC(l->batch * l->K, &l->other));
    BASE_TRY(BASE_ALLOC(l->batch, &l->y));
    BASE_TRY(BASE_ALLOC(l->count, &l->sum));
    BASE_TRY(BASE_ALLOC(l->count, &l->grads));
    BASE_TRY(nn_engine_create(net, NN_MODE_TRAIN, context->precision, l->batch, &l->engine));
    BASE_TRY(unlearn_learner_restart(l, steps));
    *out = l;
    l = NULL;
out:
    learner_free(l);
    return st;
}

/* The teachers' logits of a batch, each image by its own one, in l->teacher. l->y holds the labels. */
static BaseStatus ask_teachers(UnlearnLearner *l, const DataBatch *batch, const UnlearnLoss *loss)
{
    BaseStatus st = BASE_OK;
    if (loss->kl == 0) return BASE_OK;
    BASE_TRY(nn_engine_forward(loss->teacher, batch->x, batch->n, 0, l->teacher));
    l->passes += (double)batch->n;
    if (loss->other) {
        BASE_TRY(nn_engine_forward(loss->other, batch->x, batch->n, 0, l->other));
        l->passes += (double)batch->n;
    }
    for (int64_t i = 0; loss->other && i < batch->n; i++)
        if (data_forget_holds(loss->other_for, batch->y[i], batch->index[i]))
            memcpy(l->teacher + i * l->K, l->other + i * l->K, (size_t)l->K * sizeof *l->teacher);
    if (loss->alter) loss->alter(loss->user, batch, l->K, l->teacher);
out:
    return st;
}

/* The gradient on @p batch, to @p into. */
static BaseStatus take_gradient(UnlearnLearner *l, const DataBatch *batch, const UnlearnLoss *loss, float *into)
{
    BaseStatus st = BASE_OK;
    BaseRandom dropout = base_random_make(l->context->seed, "unlearn_dropout", (uint64_t)(l->steps * 16 + l->parts));
    double value = 0;
    for (int64_t i = 0; i < batch->n; i++) l->y[i] = loss->labels ? loss->labels[batch->index[i]] : batch->y[i];
    BASE_TRY(base_cancel_check());
    BASE_TRY(ask_teachers(l, batch, loss));
    BASE_TRY(nn_engine_forward(l->engine, batch->x, batch->n, base_random_u64(&dropout), l->logits));
    if (loss->own)
        BASE_TRY(loss->own(loss->user, batch, l->logits, l->dlogits, &value));
    else
        value = unlearn_loss(loss, l->logits, l->y, l->teacher, batch->n, l->K, l->dlogits);
    BASE_CHECK(isfinite(value), BASE_ENUMERIC, "the loss is %g", value);
    BASE_TRY(nn_engine_backward(l->engine, l->dlogits, into));
    l->parts++;
    l->passes += (double)batch->n;
    l->done += (double)batch->n;
    base_progress(l->label, (int64_t)l->done, (int64_t)l->total, NULL);
out:
    if (st == BASE_ENUMERIC) base_error_prefix(st, "diverged at step %lld (try a smaller lr)", (long long)l->steps + 1);
    return st;
}

BaseStatus unlearn_learner_add(UnlearnLearner *l, const DataBatch *batch, const UnlearnLoss *loss)
{
    BaseStatus st = take_gradient(l, batch, loss, l->filled ? l->grads : l->sum);
    for (int64_t i = 0; st == BASE_OK && l->filled && i < l->count; i++) l->sum[i] += l->grads[i];
    l->filled = l->filled || st == BASE_OK;
    return st;
}

BaseStatus unlearn_learner_gradient(UnlearnLearner *l, const DataBatch *batch, const UnlearnLoss *loss, float *out)
{
    BaseStatus st = take_gradient(l, batch, loss, out);
    for (int64_t i = 0; st == BASE_OK && l->mask && i < l->count; i++)
        if (!l->mask[i]) out[i] = 0;
    return st;
}

void unlearn_learner_take(UnlearnLearner *l, const float *gradient, double weight)
{
    for (int64_t i = 0; i < l->count; i++) l->sum[i] = (l->filled ? l->sum[i] : 0) + (float)weight * gradient[i];
    l->filled = true;
}

void unlearn_learner_clip(UnlearnLearner *l, double most)
{
    for (int64_t i = 0; most > 0 && l->mask && i < l->count; i++)
        if (!l->mask[i]) l->sum[i] = 0; /* what does not move has no gradient */
    double norm = most > 0 ? sqrt(math_dot(l->sum, l->sum, l->count)) : 0;
    if (norm > most) math_scale(l->sum, l->count, (float)(most / norm));
}

BaseStatus unlearn_learner_update(UnlearnLearner *l, const UnlearnUpdate *update)
{
    BaseStatus st = BASE_OK;
    const float *w = nn_net_params(l->net), l1 = (float)update->l1;
    BASE_CHECK(l->filled, BASE_EARG, "a step without a gradient");
    for (int64_t i = 0; update->scale && i < l->count; i++) l->sum[i] *= update->scale[i];
    for (int64_t i = 0; l1 != 0 && i < l->count; i++) l->sum[i] += l1 * (float)((w[i] > 0) - (w[i] < 0));
    unlearn_learner_clip(l, update->clip);
    nn_optimizer_step(l->optimizer, nn_net_edit_params(l->net), l->sum, l->mask, update->lr);
    float *buffers = l->moving ? nn_net_edit_buffers(l->net) : NULL;
    for (int64_t i = 0; buffers && i < nn_net_buffer_count(l->net); i++)
        if (!l->moving[i]) buffers[i] = l->kept[i];
    l->steps++;
    l->parts = 0;
    l->filled = false;
out:
    return st;
}

BaseStatus unlearn_learner_epoch(UnlearnLearner *l, DataLoader *loader, int64_t epoch, const UnlearnLoss *loss,
                                 const UnlearnUpdate *update)
{
    BaseStatus st = BASE_OK;
    int64_t batches = data_loader_batches(loader);
    BASE_TRY(data_loader_start(loader, epoch));
    for (int64_t i = 0; i < batches; i++) {
        DataBatch batch;
        bool done;
        BASE_TRY(unlearn_watch_done(update->watch, &done));
        if (done) break;
        BASE_TRY(data_loader_next(loader, &batch));
        if (batch.n == 1 && i > 0) break; /* a batch norm has no variance to divide by */
        BASE_TRY(unlearn_learner_add(l, &batch, loss));
        BASE_TRY(unlearn_learner_update(l, update));
    }
out:
    return st;
}

BaseStatus unlearn_loader(const UnlearnContext *context, const NnNet *net, const UnlearnSteps *steps,
                          const DataView *view, int64_t batch, DataLoader **out)
{
    bool augment = steps->augment == UNLEARN_AUGMENT_AS_TRAINING && context->training && context->training->augment;
    return nn_train_loader(net, view, batch, augment, context->seed, out);
}

BaseStatus unlearn_cycle_next(UnlearnCycle *cycle, DataBatch *out)
{
    BaseStatus st = BASE_OK;
    if (cycle->started) BASE_TRY(data_loader_next(cycle->loader, out));
    if (!cycle->started || out->n == 0 || (out->n == 1 && data_loader_batches(cycle->loader) > 1)) {
        BASE_TRY(data_loader_start(cycle->loader, cycle->epoch++));
        cycle->started = true;
        BASE_TRY(data_loader_next(cycle->loader, out));
    }
out:
    return st;
}

BaseStatus unlearn_training_open(const UnlearnContext *context, NnNet *net, const UnlearnSteps *steps,
                                 const UnlearnLearnerConfig *config, UnlearnTraining *t)
{
    BaseStatus st = BASE_OK;
    const UnlearnSides *sides = &t->sides;
    UnlearnLearnerConfig own = *config;
    if (own.batch == 0) own.batch = steps->batch_size;
    if (own.total == 0) own.total = (double)(steps->epochs * (sides->retain.n + sides->forget.n));
    if (sides->retain.n > 0 && !t->retain)
        BASE_TRY(unlearn_loader(context, net, steps, &sides->retain, steps->batch_size, &t->retain));
    if (sides->forget.n > 0 && !t->forget)
        BASE_TRY(unlearn_loader(context, net, steps, &sides->forget, steps->batch_size, &t->forget));
    BASE_TRY(unlearn_learner_create(context, net, steps, &own, &t->learner));
out:
    return st;
}

BaseStatus unlearn_training_open_mixed(const UnlearnContext *context, NnNet *net, const UnlearnSteps *steps,
                                       const UnlearnLearnerConfig *config, UnlearnTraining *t)
{
    BaseStatus st = BASE_OK;
    UnlearnLearnerConfig own = *config;
    BASE_TRY(unlearn_sides_merge(&t->sides, &t->both));
    const DataView view = data_view_of(context->train.set, &t->both);
    own.batch = steps->batch_size;
    own.total = (double)(steps->epochs * view.n);
    BASE_TRY(unlearn_loader(context, net, steps, &view, steps->batch_size, &t->forget));
    BASE_TRY(unlearn_learner_create(context, net, steps, &own, &t->learner));
out:
    return st;
}

void unlearn_training_report(const UnlearnTraining *t, UnlearnReport *report)
{
    unlearn_sides_report(&t->sides, t->passes + t->learner->passes + unlearn_watch_passes(t->watch), report);
    report->judged = t->judged + unlearn_watch_passes(t->watch);
}

void unlearn_training_close(UnlearnTraining *t)
{
    unlearn_watch_free(t->watch);
    learner_free(t->learner);
    data_loader_free(t->retain);
    data_loader_free(t->forget);
    data_index_free(&t->both);
    unlearn_sides_free(&t->sides);
    *t = (UnlearnTraining){0};
}

BaseStatus unlearn_teacher_create(const UnlearnContext *context, const NnNet *net, int64_t batch, UnlearnTeacher *out)
{
    BaseStatus st = BASE_OK;
    UnlearnTeacher t = {0};
    *out = t;
    BASE_TRY(nn_net_clone(net, &t.net));
    BASE_TRY(nn_engine_create(t.net, NN_MODE_EVAL, context->precision, batch, &t.engine));
    *out = t;
    t = (UnlearnTeacher){0};
out:
    unlearn_teacher_free(&t);
    return st;
}

void unlearn_teacher_free(UnlearnTeacher *teacher)
{
    nn_engine_free(teacher->engine);
    nn_net_free(teacher->net);
    *teacher = (UnlearnTeacher){0};
}
