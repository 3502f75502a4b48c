/* unlearn/gradient/gradients.c - sums and squares of batch gradients; the top share by counting keys, not sorting. */
#include "unlearn/gradient/gradients.h"

#include <math.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"

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

BaseStatus unlearn_prober_open(const UnlearnContext *context, NnMode mode, const DataView *view, int64_t batch,
                               UnlearnProber *p)
{
    BaseStatus st = BASE_OK;
    int64_t shape[3];
    nn_net_input_shape(context->original, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    *p = (UnlearnProber){.K = nn_net_classes(context->original)};
    BASE_TRY(nn_net_clone(context->original, &p->net));
    BASE_TRY(nn_engine_create(p->net, mode, context->precision, batch, &p->engine));
    BASE_TRY(BASE_ALLOC(batch * p->K, &p->logits));
    BASE_TRY(BASE_ALLOC(batch * p->K, &p->dlogits));
    BASE_TRY(BASE_ALLOC(nn_net_param_count(p->net), &p->grads));
    if (view) BASE_TRY(data_loader_create(view, &config, &p->loader));
    if (view) BASE_TRY(data_loader_start(p->loader, 0));
out:
    return st;
}

BaseStatus unlearn_prober_gradient(UnlearnProber *p, const int32_t *y, int64_t n)
{
    nn_loss_cross_entropy(p->logits, y, n, p->K, 0, p->dlogits);
    return nn_engine_backward(p->engine, p->dlogits, p->grads);
}

/* Of the mean of ||z||^2: dz = 2 z / n. */
static BaseStatus output_gradient(UnlearnProber *p, int64_t n)
{
    for (int64_t i = 0; i < n * p->K; i++) p->dlogits[i] = 2 * p->logits[i] / (float)n;
    return nn_engine_backward(p->engine, p->dlogits, p->grads);
}

void unlearn_prober_close(UnlearnProber *p)
{
    data_loader_free(p->loader);
    nn_engine_free(p->engine);
    nn_net_free(p->net);
    base_free(p->logits);
    base_free(p->dlogits);
    base_free(p->grads);
}

BaseStatus unlearn_gradients(const UnlearnContext *context, const DataView *view, int64_t batch, UnlearnLabels labels,
                             const char *label, UnlearnTakeGradient take, void *user)
{
    BaseStatus st = BASE_OK;
    UnlearnProber p = {0};
    int32_t *y = NULL;
    batch = batch < view->n ? batch : view->n;
    BASE_TRY(BASE_ALLOC(batch, &y));
    BASE_TRY(unlearn_prober_open(context, NN_MODE_EVAL_GRAD, view, batch, &p));
    for (int64_t done = 0; done < view->n;) {
        DataBatch images;
        BASE_TRY(base_cancel_check());
        BASE_TRY(data_loader_next(p.loader, &images));
        BASE_TRY(nn_engine_forward(p.engine, images.x, images.n, 0, p.logits));
        for (int64_t i = 0; i < images.n; i++)
            y[i] = labels == UNLEARN_LABELS_DRAWN ? draw_label(p.logits + i * p.K, p.K, context->seed, images.index[i])
                                                  : images.y[i];
        BASE_TRY(labels == UNLEARN_LABELS_NONE ? output_gradient(&p, images.n)
                                               : unlearn_prober_gradient(&p, y, images.n));
        BASE_TRY(take(user, p.grads, images.n));
        done += images.n;
        base_progress(label, done, view->n, NULL);
    }
out:
    unlearn_prober_close(&p);
    base_free(y);
    return st;
}

typedef enum { PLAIN, SQUARE, ABSOLUTE } Term;
typedef struct {
    float *sum;
    int64_t count, batches;
    Term term;
} Sum;

static BaseStatus take_sum(void *user, const float *grad, int64_t n)
{
    Sum *s = user;
    (void)n;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < s->count; i++)
        s->sum[i] += s->term == SQUARE ? grad[i] * grad[i] : s->term == ABSOLUTE ? fabsf(grad[i]) : grad[i];
    s->batches++;
    return BASE_OK;
}

BaseStatus unlearn_importance(const UnlearnContext *context, const DataView *view, int64_t batch, UnlearnLabels labels,
                              const char *label, float *out)
{
    Sum s = {out, nn_net_param_count(context->original), 0, labels == UNLEARN_LABELS_NONE ? ABSOLUTE : SQUARE};
    memset(out, 0, (size_t)s.count * sizeof *out);
    BaseStatus st = unlearn_gradients(context, view, batch, labels, label, take_sum, &s);
    for (int64_t i = 0; st == BASE_OK && i < s.count; i++) out[i] /= (float)s.batches;
    return st;
}

BaseStatus unlearn_saliency(const UnlearnContext *context, const DataView *view, int64_t batch, float *out)
{
    Sum s = {out, nn_net_param_count(context->original), 0, PLAIN};
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

/* The k-th largest (k from 1); of those equal to it, *left are among the k. Floats of one sign order as their bits do: two
 * passes over 16 bits each find it. */
static BaseStatus kth_largest(const float *v, int64_t n, int64_t k, uint32_t *bits, int64_t *left)
{
    BaseStatus st = BASE_OK;
    int64_t *counts = NULL;
    *left = k;
    BASE_TRY(BASE_ALLOC(0x10000, &counts));
    for (int64_t i = 0; i < n; i++) counts[bits_of(v[i]) >> 16]++;
    uint32_t high = find_key(counts, left);
    memset(counts, 0, 0x10000 * sizeof *counts);
    for (int64_t i = 0; i < n; i++)
        if (bits_of(v[i]) >> 16 == high) counts[bits_of(v[i]) & 0xffff]++;
    *bits = high << 16 | find_key(counts, left);
out:
    base_free(counts);
    return st;
}

BaseStatus unlearn_top_share(const float *v, int64_t n, double share, uint8_t *mask)
{
    BaseStatus st = BASE_OK;
    int64_t k = (int64_t)floor(share * (double)n), left;
    uint32_t threshold;
    memset(mask, 0, (size_t)n);
    if (k < 1) return BASE_OK;
    BASE_TRY(kth_largest(v, n, k, &threshold, &left));
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = bits_of(v[i]);
        mask[i] = bits > threshold || (bits == threshold && left-- > 0);
    }
out:
    return st;
}

/* Position percent / 100 (n - 1) among the ascending values. */
BaseStatus unlearn_percentile(const float *v, int64_t n, double percent, double *out)
{
    BaseStatus st = BASE_OK;
    double at = percent / 100 * (double)(n - 1);
    int64_t low = (int64_t)floor(at), left;
    uint32_t bits[2];
    float value[2];
    for (int64_t j = 0; j < 2; j++) BASE_TRY(kth_largest(v, n, low + j < n ? n - low - j : 1, &bits[j], &left));
    memcpy(value, bits, sizeof value);
    *out = (double)value[0] + ((double)value[1] - (double)value[0]) * (at - (double)low);
out:
    return st;
}
