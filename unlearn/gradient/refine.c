/* unlearn/gradient/refine.c - selects the layers that move, renews them where asked, then trains epoch by epoch. */
#include "unlearn/gradient/refine.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "unlearn/layers/select.h"

static BaseStatus select_moving(const NnNet *net, const UnlearnRefine *refine, uint8_t **selected)
{
    return refine->last > 0 ? unlearn_layers_last(net, refine->last, selected)
                            : unlearn_layers_select(net, refine->steps->layers.s, selected);
}

const char *const unlearn_rate_names[] = {"constant", "restarts", "cosine", "tent", NULL};
const char *const unlearn_statistics_names[] = {"frozen", "moving", NULL};

UnlearnRefine unlearn_last_refine(const UnlearnLast *last, UnlearnRenew renew, const char *label)
{
    return (UnlearnRefine){.steps = &last->steps,
                           .last = last->k,
                           .renew = renew,
                           .rate = (UnlearnRate)last->schedule,
                           .lr_min = last->lr_min,
                           .clip = last->clip,
                           .statistics = last->statistics != 0,
                           .label = label};
}

BaseStatus unlearn_last_check(const UnlearnContext *context, const void *last)
{
    uint8_t *selected;
    BaseStatus st = unlearn_layers_last(context->original, ((const UnlearnLast *)last)->k, &selected);
    base_free(selected);
    return st;
}

/* Fresh numbers for the selected layers alone. */
static void renew_layers(const UnlearnContext *context, const uint8_t *selected, NnNet *net)
{
    int count, slice_count;
    const NnLayer *layers = nn_net_layers(net, &count);
    const NnSlice *slices = nn_net_param_slices(net, &slice_count);
    float *w = nn_net_edit_params(net);
    for (int i = 0; i < count; i++) {
        if (!selected[i]) continue;
        const NnSlice *weight = &slices[layers[i].weight], *bias = layers[i].bias < 0 ? NULL : &slices[layers[i].bias];
        BaseRandom random = base_random_make(context->seed, "kaiming", base_hash_fnv1a(weight->name));
        const double deviation = sqrt(2 / (double)layers[i].features);
        for (int64_t j = 0; j < weight->count; j++)
            w[weight->offset + j] = (float)(deviation * base_random_normal(&random));
        for (int64_t j = 0; bias && j < bias->count; j++) w[bias->offset + j] = 0;
    }
}

/* Fresh numbers for the selected layers and the norms after them. */
static BaseStatus renew(const UnlearnContext *context, const uint8_t *selected, NnNet *net)
{
    BaseStatus st = BASE_OK;
    NnNet *fresh = NULL;
    uint8_t *params = NULL, *buffers = NULL;
    int64_t count = nn_net_param_count(net), buffer_count = nn_net_buffer_count(net);
    BASE_TRY(nn_net_clone(net, &fresh));
    BASE_TRY(BASE_ALLOC(count, &params));
    BASE_TRY(BASE_ALLOC(buffer_count, &buffers));
    nn_net_init(fresh, context->seed);
    unlearn_steps_mask(net, selected, params, buffers);
    float *w = nn_net_edit_params(net), *b = nn_net_edit_buffers(net);
    for (int64_t i = 0; i < count; i++)
        if (params[i]) w[i] = nn_net_params(fresh)[i];
    for (int64_t i = 0; i < buffer_count; i++)
        if (buffers[i]) b[i] = nn_net_buffers(fresh)[i];
out:
    nn_net_free(fresh);
    base_free(params);
    base_free(buffers);
    return st;
}

static double cosine(double share) { return (1 + cos(3.14159265358979323846 * share)) / 2; }

double unlearn_refine_rate(const UnlearnRefine *refine, int64_t e)
{
    const double lr = refine->steps->lr, low = refine->lr_min;
    const int64_t E = refine->steps->epochs, top = (E + 1) / 2;
    int64_t length = 1;
    switch (refine->rate) {
    case UNLEARN_RATE_RESTARTS:
        for (; e >= length; length *= 2) e -= length;
        return low + (lr - low) * cosine((double)e / (double)length);
    case UNLEARN_RATE_COSINE: return lr * cosine((double)e / (double)E);
    case UNLEARN_RATE_TENT: return lr * fmin((double)(e + 1) / (double)top, (double)(E - e) / (double)(E + 1 - top));
    case UNLEARN_RATE_CONSTANT: break;
    }
    return lr;
}

BaseStatus unlearn_refine(const UnlearnContext *context, const UnlearnRefine *refine, NnNet *net, UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const UnlearnSteps *steps = refine->steps;
    UnlearnTraining t = {0};
    uint8_t *selected = NULL;
    const UnlearnLoss loss = {.ce = 1};
    BASE_TRY(select_moving(net, refine, &selected));
    if (refine->renew == UNLEARN_RENEW_ALL) BASE_TRY(renew(context, selected, net));
    if (refine->renew == UNLEARN_RENEW_LAYERS) renew_layers(context, selected, net);
    BASE_TRY(unlearn_sides_open(context, steps->retain_per_class, UNLEARN_NO_IMAGES, &t.sides));
    const UnlearnLearnerConfig config = {
        .selected = selected, .statistics = refine->statistics, .label = refine->label};
    BASE_TRY(unlearn_training_open(context, net, steps, &config, &t));
    for (int64_t e = 0; e < steps->epochs; e++) {
        const UnlearnUpdate update = {.lr = unlearn_refine_rate(refine, e),
                                      .scale = refine->scale,
                                      .l1 = refine->l1 * (1 - (double)e / (double)steps->epochs),
                                      .clip = refine->clip};
        BASE_TRY(unlearn_learner_epoch(t.learner, t.retain, e, &loss, &update));
    }
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    base_free(selected);
    return st;
}
