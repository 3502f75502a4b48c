/* unlearn/gradient/watch.c - a fixed sample of forgotten images, held in memory and counted right in eval mode; of listed
 * images each stands for as many as its class has in the list, as the held-out ones do that it is compared with. */
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
    double *weight, total;  /* [n] forgotten images that one stands for; their sum */
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
    base_free(w->weight);
    base_free(w);
}

/* Adds the right answers on images of each class to right [K], and where it is not NULL their number to all [K]. */
static BaseStatus count_by_class(const UnlearnContext *context, NnNet *net, const DataView *view, const char *label,
                                 int64_t *right, int64_t *all)
{
    BaseStatus st = BASE_OK;
    float *logits = NULL;
    int64_t K = nn_net_classes(net);
    BASE_TRY(BASE_ALLOC_RAW(view->n * K, &logits));
    BASE_TRY(nn_predict(net, view, context->precision, label, logits));
    for (int64_t i = 0; i < view->n; i++) {
        const int32_t y = data_view_label(view, i);
        right[y] += base_largest_at(logits + i * K, K) == y;
        if (all) all[y]++;
    }
out:
    base_free(logits);
    return st;
}

BaseStatus unlearn_count_known(const UnlearnContext *context, NnNet *net, const DataView *view, const char *label,
                               int64_t *right)
{
    BaseStatus st = BASE_OK;
    int64_t *of_class = NULL, K = view->set->K;
    *right = 0;
    BASE_TRY(BASE_ALLOC(K, &of_class));
    BASE_TRY(count_by_class(context, net, view, label, of_class, NULL));
    for (int64_t c = 0; c < K; c++) *right += of_class[c];
out:
    base_free(of_class);
    return st;
}

/* How many images of each class are forgotten and kept of those trained on: gone [K], kept [K], zeroed by the caller. */
static void mix_of(const UnlearnContext *context, int64_t *gone, int64_t *kept)
{
    const DataView *train = &context->train;
    for (int64_t i = 0; i < train->n; i++) {
        const int32_t y = data_view_label(train, i);
        (data_forget_holds(context->forget, y, data_view_at(train, i)) ? gone : kept)[y]++;
    }
}

BaseStatus unlearn_keeps_none(const UnlearnContext *context, bool *none)
{
    BaseStatus st = BASE_OK;
    int64_t *gone = NULL, *kept = NULL, K = context->train.set->K;
    *none = true;
    BASE_TRY(BASE_ALLOC(K, &gone));
    BASE_TRY(BASE_ALLOC(K, &kept));
    mix_of(context, gone, kept);
    for (int64_t c = 0; c < K; c++) *none = *none && !(gone[c] && kept[c]);
out:
    base_free(gone);
    base_free(kept);
    return st;
}

/* Counts on a sample of held-out images of the classes: right [K], all [K]. */
static BaseStatus count_unseen(const UnlearnContext *context, NnNet *net, int64_t *right, int64_t *all, double *passes)
{
    BaseStatus st = BASE_OK;
    DataIndex same = {0}, others = {0}, sample = {0};
    const DataClasses *classes = &context->forget->classes;
    if (context->validation.n > 0) BASE_TRY(data_partition(&context->validation, classes, &same, &others));
    if (same.n == 0) goto out;
    const DataView view = data_view_of(context->validation.set, &same);
    int64_t each = (UNLEARN_UNSEEN + classes->count - 1) / classes->count;
    BASE_TRY(data_sample(&view, each, context->seed, "unseen", &sample));
    const DataView unseen = data_view_of(context->validation.set, &sample);
    BASE_TRY(count_by_class(context, net, &unseen, NULL, right, all));
    *passes += (double)unseen.n;
out:
    data_index_free(&same);
    data_index_free(&others);
    data_index_free(&sample);
    return st;
}

BaseStatus unlearn_unseen_share(const UnlearnContext *context, NnNet *net, double *share, double *passes)
{
    BaseStatus st = BASE_OK;
    int64_t *gone = NULL, *kept = NULL, *right = NULL, *all = NULL, K = context->train.set->K;
    double known = 0, weight = 0;
    bool some = false; /* classes of which images are kept */
    BASE_TRY(BASE_ALLOC(K, &gone));
    BASE_TRY(BASE_ALLOC(K, &kept));
    BASE_TRY(BASE_ALLOC(K, &right));
    BASE_TRY(BASE_ALLOC(K, &all));
    mix_of(context, gone, kept);
    for (int64_t c = 0; c < K; c++) some = some || (gone[c] && kept[c]);
    if (some) BASE_TRY(count_unseen(context, net, right, all, passes));
    for (int64_t c = 0; c < K; c++) {
        if (!gone[c] || (kept[c] && !all[c])) continue; /* nothing says what is to be known of it */
        weight += (double)gone[c];
        if (kept[c]) known += (double)(gone[c] * right[c]) / (double)all[c];
    }
    *share = weight > 0 ? known / weight : NAN;
out:
    base_free(gone);
    base_free(kept);
    base_free(right);
    base_free(all);
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
        *stop = fmax(share, UNLEARN_STOP); /* share is 0 where classes are listed whole */
    return st;
}

/* Every class has the same number of watched images; in a list it has its own share of them all. */
static BaseStatus weigh(const DataView *forget, bool by_image, UnlearnWatch *w)
{
    BaseStatus st = BASE_OK;
    int64_t *all = NULL, *watched = NULL, K = forget->set->K;
    BASE_TRY(BASE_ALLOC(K, &all));
    BASE_TRY(BASE_ALLOC(K, &watched));
    for (int64_t i = 0; i < forget->n; i++) all[data_view_label(forget, i)]++;
    for (int64_t i = 0; i < w->n; i++) watched[w->labels[i]]++;
    for (int64_t i = 0; i < w->n; i++) {
        w->weight[i] = by_image ? (double)all[w->labels[i]] / (double)watched[w->labels[i]] : 1;
        w->total += w->weight[i];
    }
out:
    base_free(all);
    base_free(watched);
    return st;
}

BaseStatus unlearn_watch_create(const UnlearnContext *context, NnNet *net, const DataView *forget, double stop,
                                UnlearnWatch **out)
{
    BaseStatus st = BASE_OK;
    UnlearnWatch *w = NULL;
    DataIndex sample = {0};
    int64_t classes = context->forget->classes.count, shape[3];
    const bool by_image = data_forget_by_image(context->forget);
    double passes = 0;
    *out = NULL;
    if (stop < 0) return BASE_OK;
    if (stop == UNLEARN_STOP && by_image) BASE_TRY(stop_as_unseen(context, net, &stop, &passes));
    BASE_TRY(data_sample(forget, (UNLEARN_WATCHED + classes - 1) / classes, context->seed, "watch", &sample));
    nn_net_input_shape(net, shape);
    int64_t pixels = shape[0] * shape[1] * shape[2];
    BASE_TRY(BASE_ALLOC(1, &w));
    *w = (UnlearnWatch){.n = sample.n, .K = nn_net_classes(net), .stop = stop, .passes = passes};
    BASE_TRY(BASE_ALLOC_RAW(w->n * pixels, &w->images));
    BASE_TRY(BASE_ALLOC_RAW(w->n * w->K, &w->logits));
    BASE_TRY(BASE_ALLOC_RAW(w->n, &w->labels));
    BASE_TRY(BASE_ALLOC_RAW(w->n, &w->weight));
    for (int64_t i = 0; i < w->n; i++) {
        BASE_TRY(data_image(forget->set, sample.at[i], shape[0], shape[1], shape[2], w->images + i * pixels));
        w->labels[i] = forget->set->labels[sample.at[i]];
    }
    BASE_TRY(weigh(forget, by_image, w));
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
    double right = 0;
    *done = false;
    if (!w) return BASE_OK;
    BASE_TRY(nn_engine_forward(w->engine, w->images, w->n, 0, w->logits));
    w->passes += (double)w->n;
    for (int64_t i = 0; i < w->n; i++)
        if (base_largest_at(w->logits + i * w->K, w->K) == w->labels[i]) right += w->weight[i];
    *done = right <= w->stop * w->total * (1 + 1e-9); /* both are sums that round */
out:
    return st;
}

double unlearn_watch_passes(const UnlearnWatch *w) { return w ? w->passes : 0; }
