/* tests/unlearn/twin.h - training steps by hand, in double, on the naive network of tests/nn/naive.h: the twin of
 * unlearn/gradient. Batches are whole sides, so that no order matters. */
#ifndef TESTS_UNLEARN_TWIN_H
#define TESTS_UNLEARN_TWIN_H

#include "tests/nn/naive.h"
#include "tests/unlearn/small_data.h"

enum { PIXELS = 3 * 12 * 12 };

/** Images and labels of one side, copied. */
typedef struct {
    int64_t n;
    float x[64 * PIXELS];
    int32_t y[64];
} Side;

static inline Side *side_of(const Small *s, bool forgotten)
{
    Side *side = NULL;
    assert_ok(BASE_ALLOC(1, &side));
    for (int64_t i = 0; i < s->set.N; i++) {
        if (s->forget.classes.in[s->set.labels[i]] != forgotten) continue;
        memcpy(side->x + side->n * PIXELS, (const float *)s->set.images + i * PIXELS, PIXELS * sizeof(float));
        side->y[side->n++] = s->set.labels[i];
    }
    return side;
}

/** The network's numbers in double, with momentum; @p net gives the graph and the running statistics. */
typedef struct {
    const NnNet *net;
    int64_t count, K;
    double *w, *v, *g;
    double lr, momentum, decay;
    const uint8_t *mask; /* NULL: everything moves */
} Twin;

static inline Twin twin_open(const NnNet *net, double lr, double momentum, double decay)
{
    Twin t = {.net = net,
              .count = nn_net_param_count(net),
              .K = nn_net_classes(net),
              .lr = lr,
              .momentum = momentum,
              .decay = decay};
    t.w = naive_doubles(t.count);
    t.v = naive_doubles(t.count);
    t.g = naive_doubles(t.count);
    for (int64_t i = 0; i < t.count; i++) t.w[i] = (double)nn_net_params(net)[i];
    return t;
}

static inline void twin_close(Twin *t)
{
    base_free(t->w);
    base_free(t->v);
    base_free(t->g);
}

/** L = ce CE(z, y) + kl T^2 KL(softmax(t / T) || softmax(z / T)), means; teacher [n, K] or NULL. @p weights [n] of the
 *  images in the mean of CE, NULL: 1 / n. */
typedef struct {
    double ce, kl, T;
    const double *teacher, *weights;
} TwinLoss;

static inline void twin_softmax(const double *z, int64_t K, double T, double *p)
{
    double sum = 0;
    for (int64_t k = 0; k < K; k++) sum += p[k] = exp(z[k] / T); /* logits here are small */
    for (int64_t k = 0; k < K; k++) p[k] /= sum;
}

/** Adds @p loss's gradient over n images to t->g. @p logits [n, K], @p dx [n, pixels]: out where not NULL. */
static inline void twin_add(Twin *t, bool train, const float *x, const int32_t *y, int64_t n, TwinLoss loss,
                            double *logits, double *dx)
{
    Naive a = naive_create(t->net, n, train);
    int last = nn_graph_size(a.graph) - 1;
    double *d = naive_doubles(n * t->K), *grads = naive_doubles(t->count), p[16], q[16];
    memcpy(a.params, t->w, (size_t)t->count * sizeof *t->w);
    naive_forward(&a, x);
    for (int64_t i = 0; i < n; i++) {
        const double *z = a.value[last] + i * t->K;
        twin_softmax(z, t->K, 1, p);
        double weight = loss.weights ? loss.weights[i] : 1 / (double)n;
        for (int64_t k = 0; k < t->K; k++) d[i * t->K + k] = loss.ce * weight * (p[k] - (k == y[i]));
        if (!loss.teacher) continue;
        twin_softmax(z, t->K, loss.T, p);
        twin_softmax(loss.teacher + i * t->K, t->K, loss.T, q);
        for (int64_t k = 0; k < t->K; k++) d[i * t->K + k] += loss.kl * loss.T * (p[k] - q[k]) / (double)n;
    }
    if (logits) memcpy(logits, a.value[last], (size_t)(n * t->K) * sizeof *logits);
    naive_backward(&a, d, grads);
    if (dx) memcpy(dx, a.diff[0], (size_t)naive_size(&a, 0) * sizeof *dx);
    for (int64_t i = 0; i < t->count; i++) t->g[i] += grads[i];
    base_free(d);
    base_free(grads);
    naive_free(&a);
}

/** What twin_add adds, alone: to @p out [count]. */
static inline void twin_gradient(Twin *t, bool train, const float *x, const int32_t *y, int64_t n, TwinLoss loss,
                                 double *out)
{
    double *before = t->g;
    t->g = out;
    memset(out, 0, (size_t)t->count * sizeof *out);
    twin_add(t, train, x, y, n, loss, NULL, NULL);
    t->g = before;
}

static inline double twin_dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/** Cuts t->g to the norm @p most. */
static inline void twin_clip(Twin *t, double most)
{
    double norm = sqrt(twin_dot(t->g, t->g, t->count));
    for (int64_t i = 0; norm > most && i < t->count; i++) t->g[i] *= most / norm;
}

/** One step of SGD along t->g, which becomes 0. */
static inline void twin_step(Twin *t)
{
    for (int64_t i = 0; i < t->count; i++) {
        double g = t->g[i] + t->decay * t->w[i];
        t->g[i] = 0;
        if (t->mask && !t->mask[i]) continue;
        t->v[i] = t->momentum * t->v[i] + g;
        t->w[i] -= t->lr * t->v[i];
    }
}

/** The edits agree: max|got - want| <= tolerance max|want - start|. Float32 steps against double ones: a gradient is
 *  good to about 1e-5 of its largest entry, and a later step sees the earlier ones' error: 1e-4 each, 1e-3 is asked. */
static inline void twin_same(const Twin *t, const float *got, const float *start)
{
    double off = 0, edit = 0;
    for (int64_t i = 0; i < t->count; i++) {
        off = fmax(off, fabs((double)got[i] - t->w[i]));
        edit = fmax(edit, fabs(t->w[i] - (double)start[i]));
        assert_true(isfinite(got[i]));
    }
    if (!(off <= 1e-3 * edit) || !(edit > 0)) fail_msg("edit off by %g of %g", off, edit);
}

/* One batch a side, plain SGD with momentum and decay. */
#define STEPS "batch_size=64", "lr=0.05", "momentum=0.5", "weight_decay=0.01"

static inline Twin twin_of(const Small *s) { return twin_open(s->net, 0.05, 0.5, 0.01); }
static const TwinLoss CE __attribute__((unused)) = {.ce = 1};

static inline void finish(Small *s, Twin *t, NnNet *net, Side *retain, Side *forget)
{
    if (net) twin_same(t, nn_net_params(net), nn_net_params(s->net));
    nn_net_free(net);
    twin_close(t);
    base_free(retain);
    base_free(forget);
    small_close(s);
}

/* What stays must stay to the bit: @p mask [param_count], and the running statistics where @p norms. */
static inline void frozen_stay(const Small *s, const NnNet *net, const uint8_t *mask, bool norms)
{
    for (int64_t i = 0; i < nn_net_param_count(net); i++)
        if (!mask[i]) assert_true(nn_net_params(net)[i] == nn_net_params(s->net)[i]);
    size_t bytes = (size_t)nn_net_buffer_count(net) * sizeof(float);
    if (norms) assert_memory_equal(nn_net_buffers(net), nn_net_buffers(s->net), bytes);
}

static inline void mask_from(const Small *s, const char *first, uint8_t *mask)
{
    int count;
    bool on = false;
    const NnSlice *slices = nn_net_param_slices(s->net, &count);
    for (int i = 0; i < count; i++) {
        on = on || strcmp(slices[i].name, first) == 0;
        memset(mask + slices[i].offset, on, (size_t)slices[i].count);
    }
}

static inline void same_as_group(const Small *s, const NnNet *net, const char *group, const float *start)
{
    Twin t = twin_open(net, 0, 0, 0);
    double *want = small_params(s->file, group, net);
    memcpy(t.w, want, (size_t)t.count * sizeof *want);
    twin_same(&t, nn_net_params(net), start);
    base_free(want);
    twin_close(&t);
}

/* Labels of the forgotten images as the twin wants them: in the side's order. */
static inline void side_labels(const Small *s, const int32_t *labels, int32_t *out)
{
    for (int64_t i = 0; i < s->set.N; i++)
        if (s->forget.classes.in[s->set.labels[i]]) *out++ = labels[i];
}

static inline void relabel_by_hand(const Small *s, Twin *t, const int32_t *labels, const Side *forget,
                                   const Side *retain, int epochs)
{
    int32_t y[64];
    side_labels(s, labels, y);
    for (int e = 0; e < epochs; e++) {
        twin_add(t, true, forget->x, y, forget->n, CE, NULL, NULL);
        twin_step(t);
        if (!retain) continue;
        twin_add(t, true, retain->x, retain->y, retain->n, CE, NULL, NULL);
        twin_step(t);
    }
}

#endif
