/* unlearn/gradient/gradients.c - sums and squares of batch gradients; the top share by counting keys, not sorting. */
#include "unlearn/gradient/gradients.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/pipeline/loader.h"

static int32_t draw_label(const float *z, int64_t K, uint64_t seed, int64_t position)
{
    BaseRandom random = base_random_make(seed, "own_label", (uint64_t)position);
    double top = (double)z[0], mass = 0;
    for (int64_t k = 1; k < K; k++) top = fmax(top, (double)z[k]);
    for (int64_t k = 0; k < K; k++) mass += exp((double)z[k] - top);
    double left = base_random_uniform(&random) * mass;
    for (int64_t k = 0; k < K; k++)
        if ((left -= exp((double)z[k] - top)) < 0) return (int32_t)k;
    return (int32_t)(K - 1);
}

typedef struct {
    NnNet *net;
    NnEngine *engine;
    DataLoader *loader;
    float *logits, *dlogits, *grads;
    int32_t *y;
} Room;

static BaseStatus room_make(const UnlearnContext *context, const DataView *view, int64_t batch, Room *r)
{
    BaseStatus st = BASE_OK;
    int64_t shape[3], K = nn_net_classes(context->original);
    nn_net_input_shape(context->original, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(nn_net_clone(context->original, &r->net));
    BASE_TRY(nn_engine_create(r->net, NN_MODE_EVAL_GRAD, context->precision, batch, &r->engine));
    BASE_TRY(data_loader_create(view, &config, &r->loader));
    BASE_TRY(BASE_ALLOC(batch * K, &r->logits));
    BASE_TRY(BASE_ALLOC(batch * K, &r->dlogits));
    BASE_TRY(BASE_ALLOC(batch, &r->y));
    BASE_TRY(BASE_ALLOC(nn_net_param_count(r->net), &r->grads));
out:
    return st;
}

static void room_free(Room *r)
{
    data_loader_free(r->loader);
    nn_engine_free(r->engine);
    nn_net_free(r->net);
    base_free(r->logits);
    base_free(r->dlogits);
    base_free(r->y);
    base_free(r->grads);
}

BaseStatus unlearn_gradients(const UnlearnContext *context, const DataView *view, int64_t batch, UnlearnLabels labels,
                             const char *label, UnlearnTakeGradient take, void *user)
{
    BaseStatus st = BASE_OK;
    Room r = {0};
    int64_t K = nn_net_classes(context->original);
    batch = batch < view->n ? batch : view->n;
    BASE_TRY(room_make(context, view, batch, &r));
    BASE_TRY(data_loader_start(r.loader, 0));
    for (int64_t done = 0; done < view->n;) {
        DataBatch images;
        BASE_TRY(data_loader_next(r.loader, &images));
        BASE_TRY(nn_engine_forward(r.engine, images.x, images.n, 0, r.logits));
        for (int64_t i = 0; i < images.n; i++)
            r.y[i] = labels == UNLEARN_LABELS_TRUE ? images.y[i]
                                                   : draw_label(r.logits + i * K, K, context->seed, images.index[i]);
        nn_loss_cross_entropy(r.logits, r.y, images.n, K, 0, r.dlogits);
        BASE_TRY(nn_engine_backward(r.engine, r.dlogits, r.grads));
        BASE_TRY(take(user, r.grads, images.n));
        done += images.n;
        base_progress(label, done, view->n, NULL);
    }
out:
    room_free(&r);
    return st;
}

typedef struct {
    float *sum;
    int64_t count, batches;
    bool square;
} Sum;

static BaseStatus take_sum(void *user, const float *grad, int64_t n)
{
    Sum *s = user;
    (void)n;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < s->count; i++) s->sum[i] += s->square ? grad[i] * grad[i] : grad[i];
    s->batches++;
    return BASE_OK;
}

BaseStatus unlearn_importance(const UnlearnContext *context, const DataView *view, int64_t batch, UnlearnLabels labels,
                              const char *label, float *out)
{
    Sum s = {out, nn_net_param_count(context->original), 0, true};
    memset(out, 0, (size_t)s.count * sizeof *out);
    BaseStatus st = unlearn_gradients(context, view, batch, labels, label, take_sum, &s);
    for (int64_t i = 0; st == BASE_OK && i < s.count; i++) out[i] /= (float)s.batches;
    return st;
}

BaseStatus unlearn_saliency(const UnlearnContext *context, const DataView *view, int64_t batch, float *out)
{
    Sum s = {out, nn_net_param_count(context->original), 0, false};
    memset(out, 0, (size_t)s.count * sizeof *out);
    BaseStatus st = unlearn_gradients(context, view, batch, UNLEARN_LABELS_TRUE, "saliency", take_sum, &s);
    for (int64_t i = 0; st == BASE_OK && i < s.count; i++) out[i] = fabsf(out[i]);
    return st;
}

static uint32_t bits_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* The highest 16-bit key whose values and all above it are at least k; *k becomes the place within that key. */
static uint32_t find_key(const int64_t *counts, int64_t *k)
{
    uint32_t key = 0xffff;
    for (; key > 0 && counts[key] < *k; key--) *k -= counts[key];
    return key;
}

/* Floats of one sign order as their bits do: two passes over 16 bits each find the k-th largest. */
BaseStatus unlearn_top_share(const float *v, int64_t n, double share, uint8_t *mask)
{
    BaseStatus st = BASE_OK;
    int64_t *counts = NULL, k = (int64_t)floor(share * (double)n);
    if (k < 1) k = 1;
    BASE_TRY(BASE_ALLOC(0x10000, &counts));
    for (int64_t i = 0; i < n; i++) counts[bits_of(v[i]) >> 16]++;
    uint32_t high = find_key(counts, &k);
    memset(counts, 0, 0x10000 * sizeof *counts);
    for (int64_t i = 0; i < n; i++)
        if (bits_of(v[i]) >> 16 == high) counts[bits_of(v[i]) & 0xffff]++;
    uint32_t threshold = high << 16 | find_key(counts, &k);
    for (int64_t i = 0; i < n; i++) mask[i] = bits_of(v[i]) >= threshold;
out:
    base_free(counts);
    return st;
}
