/* unlearn/gradient/watch.c - a fixed sample of forgotten images, held in memory and counted right in eval mode. */
#include "unlearn/gradient/watch.h"

#include <math.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "data/pipeline/loader.h"
#include "nn/backend.h"

struct UnlearnWatch {
    NnEngine *engine;
    float *images, *logits; /* [n, C, H, W], [n, K] */
    int32_t *labels;        /* [n] */
    int64_t n, K;
    double stop, passes;
};

void unlearn_watch_free(UnlearnWatch *w)
{
    if (!w) return;
    nn_engine_free(w->engine);
    base_free(w->images);
    base_free(w->logits);
    base_free(w->labels);
    base_free(w);
}

BaseStatus unlearn_count_known(const UnlearnContext *context, NnNet *net, const DataView *view, const char *label,
                               int64_t *right)
{
    BaseStatus st = BASE_OK;
    float *logits = NULL;
    int64_t K = nn_net_classes(net);
    *right = 0;
    BASE_TRY(BASE_ALLOC_RAW(view->n * K, &logits));
    BASE_TRY(nn_predict(net, view, context->precision, label, logits));
    for (int64_t i = 0; i < view->n; i++) *right += base_largest_at(logits + i * K, K) == data_view_label(view, i);
out:
    base_free(logits);
    return st;
}

BaseStatus unlearn_unseen_share(const UnlearnContext *context, NnNet *net, double *share, double *passes)
{
    BaseStatus st = BASE_OK;
    DataIndex same = {0}, others = {0}, sample = {0};
    const DataClasses *classes = &context->forget->classes;
    int64_t right;
    *share = NAN;
    if (context->validation.n > 0) BASE_TRY(data_partition(&context->validation, classes, &same, &others));
    if (same.n == 0) goto out;
    const DataView view = data_view_of(context->validation.set, &same);
    int64_t each = (UNLEARN_UNSEEN + classes->count - 1) / classes->count;
    BASE_TRY(data_sample(&view, each, context->seed, "unseen", &sample));
    const DataView unseen = data_view_of(context->validation.set, &sample);
    BASE_TRY(unlearn_count_known(context, net, &unseen, NULL, &right));
    *share = (double)right / (double)unseen.n;
    *passes += (double)unseen.n;
out:
    data_index_free(&same);
    data_index_free(&others);
    data_index_free(&sample);
    return st;
}

/* *stop stays where no image is held out. */
static BaseStatus stop_as_unseen(const UnlearnContext *context, NnNet *net, double *stop, double *passes)
{
    double share;
    BaseStatus st = unlearn_unseen_share(context, net, &share, passes);
    if (st == BASE_OK && isnan(share))
        base_warning(
            "no held-out images of the classes of the forgotten ones: set 'stop' to the share of these that is "
            "to remain known; a retrained network knows more than %g of them",
            UNLEARN_STOP);
    else if (st == BASE_OK)
        *stop = share;
    return st;
}

BaseStatus unlearn_watch_create(const UnlearnContext *context, NnNet *net, const DataView *forget, double stop,
                                UnlearnWatch **out)
{
    BaseStatus st = BASE_OK;
    UnlearnWatch *w = NULL;
    DataIndex sample = {0};
    int64_t classes = context->forget->classes.count, shape[3];
    double passes = 0;
    *out = NULL;
    if (stop < 0) return BASE_OK;
    if (stop == UNLEARN_STOP && data_forget_by_image(context->forget))
        BASE_TRY(stop_as_unseen(context, net, &stop, &passes));
    BASE_TRY(data_sample(forget, (UNLEARN_WATCHED + classes - 1) / classes, context->seed, "watch", &sample));
    nn_net_input_shape(net, shape);
    int64_t pixels = shape[0] * shape[1] * shape[2];
    BASE_TRY(BASE_ALLOC(1, &w));
    *w = (UnlearnWatch){.n = sample.n, .K = nn_net_classes(net), .stop = stop, .passes = passes};
    BASE_TRY(BASE_ALLOC_RAW(w->n * pixels, &w->images));
    BASE_TRY(BASE_ALLOC_RAW(w->n * w->K, &w->logits));
    BASE_TRY(BASE_ALLOC_RAW(w->n, &w->labels));
    for (int64_t i = 0; i < w->n; i++) {
        BASE_TRY(data_image(forget->set, sample.at[i], shape[0], shape[1], shape[2], w->images + i * pixels));
        w->labels[i] = forget->set->labels[sample.at[i]];
    }
    BASE_TRY(nn_engine_create(net, NN_MODE_EVAL, context->precision, w->n, &w->engine));
    *out = w;
    w = NULL;
out:
    data_index_free(&sample);
    unlearn_watch_free(w);
    return st;
}

BaseStatus unlearn_watch_done(UnlearnWatch *w, bool *done)
{
    BaseStatus st = BASE_OK;
    int64_t right = 0;
    *done = false;
    if (!w) return BASE_OK;
    BASE_TRY(nn_engine_forward(w->engine, w->images, w->n, 0, w->logits));
    w->passes += (double)w->n;
    for (int64_t i = 0; i < w->n; i++) right += base_largest_at(w->logits + i * w->K, w->K) == w->labels[i];
    *done = (double)right <= w->stop * (double)w->n;
out:
    return st;
}

double unlearn_watch_passes(const UnlearnWatch *w) { return w ? w->passes : 0; }
