/* unlearn/gradient/relabel.c - random labels from a stream per image, or the class that one step of FGSM leads to. */
#include "unlearn/gradient/relabel.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"

static BaseStatus own_labels(const DataSet *set, int32_t **out)
{
    BaseStatus st = BASE_ALLOC_RAW(set->N, out);
    if (st == BASE_OK) memcpy(*out, set->labels, (size_t)set->N * sizeof **out);
    return st;
}

BaseStatus unlearn_random_labels(const UnlearnContext *context, const DataView *view, int32_t **out)
{
    BaseStatus st = BASE_OK;
    const DataClasses *forget = context->forget;
    int32_t *labels = NULL;
    *out = NULL;
    BASE_TRY(own_labels(view->set, &labels));
    for (int64_t i = 0; i < view->n; i++) {
        int64_t at = data_view_at(view, i);
        BaseRandom random = base_random_make(context->seed, "random_label", (uint64_t)at);
        int64_t rank = (int64_t)base_random_below(&random, (uint64_t)(forget->K - forget->count));
        for (int64_t k = 0; k < forget->K; k++)
            if (!forget->in[k] && rank-- == 0) labels[at] = (int32_t)k;
    }
    *out = labels;
out:
    return st;
}

/* What FGSM works with. */
typedef struct {
    NnNet *net;
    NnEngine *engine;
    DataLoader *loader;
    float *x, *dx, *logits, *dlogits, *grads;
    int64_t C, area, K;
} Attack;

static void attack_free(Attack *a)
{
    data_loader_free(a->loader);
    nn_engine_free(a->engine);
    nn_net_free(a->net);
    base_free(a->x);
    base_free(a->dx);
    base_free(a->logits);
    base_free(a->dlogits);
    base_free(a->grads);
}

static BaseStatus attack_make(const UnlearnContext *context, const DataView *view, int64_t batch, Attack *a)
{
    BaseStatus st = BASE_OK;
    int64_t shape[3];
    nn_net_input_shape(context->original, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    a->C = shape[0];
    a->area = shape[1] * shape[2];
    a->K = nn_net_classes(context->original);
    BASE_TRY(nn_net_clone(context->original, &a->net));
    BASE_TRY(nn_engine_create(a->net, NN_MODE_EVAL_INPUT, context->precision, batch, &a->engine));
    BASE_TRY(data_loader_create(view, &config, &a->loader));
    BASE_TRY(BASE_ALLOC(batch * a->C * a->area, &a->x));
    BASE_TRY(BASE_ALLOC(batch * a->C * a->area, &a->dx));
    BASE_TRY(BASE_ALLOC(batch * a->K, &a->logits));
    BASE_TRY(BASE_ALLOC(batch * a->K, &a->dlogits));
    BASE_TRY(BASE_ALLOC(nn_net_param_count(a->net), &a->grads));
out:
    return st;
}

/* a->x becomes the images moved by bound along the sign of the gradient, within the range of pixels. */
static void move(const DataSet *set, double bound, const DataBatch *batch, Attack *a)
{
    for (int64_t j = 0; j < batch->n * a->C * a->area; j++) {
        int64_t c = j / a->area % a->C, raw = c < set->C ? c : 0;
        double sign = (double)((a->dx[j] > 0) - (a->dx[j] < 0)), x = (double)batch->x[j];
        if (set->normalise) {
            double mean = (double)set->mean[raw], sd = (double)set->std[raw];
            x = (fmin(1, fmax(0, x * sd + mean + bound * sign)) - mean) / sd;
        } else {
            x += bound * sign;
        }
        a->x[j] = (float)x;
    }
}

static int32_t best_retained(const float *z, const DataClasses *forget)
{
    int64_t best = -1;
    for (int64_t k = 0; k < forget->K; k++)
        if (!forget->in[k] && (best < 0 || z[k] > z[best])) best = k;
    return (int32_t)best;
}

BaseStatus unlearn_nearest_labels(const UnlearnContext *context, const DataView *view, double bound, int32_t **out)
{
    enum { BATCH = 128 };
    BaseStatus st = BASE_OK;
    Attack a = {0};
    int32_t *labels = NULL;
    *out = NULL;
    BASE_TRY(own_labels(view->set, &labels));
    BASE_TRY(attack_make(context, view, view->n < BATCH ? view->n : BATCH, &a));
    BASE_TRY(data_loader_start(a.loader, 0));
    for (int64_t done = 0; done < view->n;) {
        DataBatch batch;
        BASE_TRY(data_loader_next(a.loader, &batch));
        BASE_TRY(nn_engine_forward(a.engine, batch.x, batch.n, 0, a.logits));
        nn_loss_cross_entropy(a.logits, batch.y, batch.n, a.K, 0, a.dlogits);
        BASE_TRY(nn_engine_backward(a.engine, a.dlogits, a.grads));
        BASE_TRY(nn_engine_input_gradient(a.engine, a.dx));
        move(view->set, bound, &batch, &a);
        BASE_TRY(nn_engine_forward(a.engine, a.x, batch.n, 0, a.logits));
        for (int64_t i = 0; i < batch.n; i++)
            labels[batch.index[i]] = best_retained(a.logits + i * a.K, context->forget);
        done += batch.n;
        base_progress("nearest classes", done, view->n, NULL);
    }
    *out = labels;
    labels = NULL;
out:
    attack_free(&a);
    base_free(labels);
    return st;
}

BaseStatus unlearn_relabel(const UnlearnContext *context, const UnlearnSteps *steps, const UnlearnSides *sides,
                           const int32_t *labels, const uint8_t *mask, const char *label, NnNet *net, double *passes)
{
    BaseStatus st = BASE_OK;
    DataLoader *forget = NULL, *retain = NULL;
    UnlearnLearner *learner = NULL;
    const UnlearnLoss wrong = {.ce = 1, .labels = labels}, right = {.ce = 1};
    const UnlearnUpdate update = {.lr = steps->lr};
    const UnlearnLearnerConfig config = {.mask = mask,
                                         .batch = steps->batch_size,
                                         .label = label,
                                         .total = (double)(steps->epochs * (sides->forget.n + sides->retain.n))};
    BASE_TRY(unlearn_loader(context, net, &sides->forget, steps->batch_size, &forget));
    if (sides->retain.n > 0) BASE_TRY(unlearn_loader(context, net, &sides->retain, steps->batch_size, &retain));
    BASE_TRY(unlearn_learner_make(context, net, steps, &config, &learner));
    for (int64_t e = 0; e < steps->epochs; e++) {
        BASE_TRY(unlearn_learner_epoch(learner, forget, e, &wrong, &update));
        if (retain) BASE_TRY(unlearn_learner_epoch(learner, retain, e, &right, &update));
    }
    *passes += unlearn_learner_passes(learner);
out:
    unlearn_learner_free(learner);
    data_loader_free(forget);
    data_loader_free(retain);
    return st;
}
