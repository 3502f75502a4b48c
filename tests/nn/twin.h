/* tests/nn/twin.h - a network on oneDNN against its plain twin (naive.h): logits, taps, gradients. */
#ifndef TESTS_NN_TWIN_H
#define TESTS_NN_TWIN_H

#include "base/random.h"
#include "math/threads.h"
#include "nn/backend.h"
#include "nn/tuning.h"
#include "tests/nn/naive.h"

typedef struct {
    const char *name;
    NnNode (*draw)(NnGraph *g);
    int64_t C, H, W, n;
} TwinCase;
static inline NnNode twin_residual(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_input(g), "stem", 16, 3, 1, 1, false), "stemn"));
    NnNode y = nn_relu(g, nn_batch_norm(g, nn_conv(g, x, "a", 16, 3, 1, 1, false), "an"));
    y = nn_batch_norm(g, nn_conv(g, y, "b", 16, 3, 1, 1, false), "bn");
    x = nn_max_pool(g, nn_relu(g, nn_add(g, y, x)), 3, 2, 1);
    y = nn_relu(g, nn_batch_norm(g, nn_conv(g, x, "c", 32, 3, 2, 1, false), "cn"));
    y = nn_batch_norm(g, nn_conv(g, y, "d", 32, 3, 1, 1, true), "dn");
    NnNode z = nn_batch_norm(g, nn_conv(g, x, "e", 32, 1, 2, 0, false), "en");
    x = nn_relu(g, nn_add(g, y, z));
    x = nn_relu(g, nn_batch_norm(g, nn_linear(g, nn_flatten(g, x), "f", 5, true), "fn"));
    return nn_linear(g, x, "g", 3, true);
}

static inline NnNet *twin_net(const TwinCase *c)
{
    NnGraph *g = NULL;
    NnNet *net = NULL;
    assert_ok(nn_graph_create(c->C, c->H, c->W, &g));
    NnNode out = c->draw(g);
    assert_ok(nn_net_create_take(g, out, &net));
    nn_net_init(net, 3);
    int count;
    BaseRandom r = base_random_make(5, c->name, 0);
    const NnSlice *slices = nn_net_param_slices(net, &count);
    for (int i = 0; i < count; i++)
        for (int64_t k = 0; slices[i].role >= NN_NORM_WEIGHT && k < slices[i].count; k++)
            nn_net_edit_params(net)[slices[i].offset + k] += (float)(0.3 * base_random_normal(&r));
    slices = nn_net_buffer_slices(net, &count);
    for (int i = 0; i < count; i++)
        for (int64_t k = 0; k < slices[i].count; k++) {
            float *value = &nn_net_edit_buffers(net)[slices[i].offset + k];
            *value = slices[i].role == NN_RUNNING_VAR ? (float)(0.5 + base_random_uniform(&r))
                                                      : (float)(0.2 * base_random_normal(&r));
        }
    return net;
}

static inline float *twin_normals(int64_t count, const char *purpose)
{
    float *out = NULL;
    BaseRandom r = base_random_make(9, purpose, 0);
    assert_ok(BASE_ALLOC(count, &out));
    for (int64_t i = 0; i < count; i++) out[i] = (float)base_random_normal(&r);
    return out;
}

static inline float *twin_floats(int64_t count)
{
    float *out = NULL;
    assert_ok(BASE_ALLOC(count, &out));
    return out;
}

static inline void twin_taps(NnEngine *engine, const Naive *naive, double tolerance)
{
    int count;
    const NnLayer *layers = nn_net_layers(naive->net, &count);
    for (int i = 0; i < nn_graph_size(naive->graph); i++) {
        const NnNodeInfo *node = naive_node(naive, i);
        if (node->layer < 0) continue;
        assert_string_equal(layers[node->layer].name, node->name);
        int64_t size = naive_size(naive, node->in[0]);
        float *tap = twin_floats(size);
        assert_ok(nn_engine_tap(engine, node->layer, tap));
        assert_close_f32(tap, naive->value[node->in[0]], size, tolerance);
        base_free(tap);
    }
}

/* |got - want| / |want|, Euclidean */
static inline double twin_distance(const float *got, const double *want, int64_t n)
{
    double off = 0, norm = 0;
    for (int64_t i = 0; i < n; i++) {
        off += pow(got[i] - want[i], 2);
        norm += want[i] * want[i];
    }
    return sqrt(off / norm);
}

/* The watched map and its gradient against the twin's; cases without a map behind a ReLU must be refused. */
static inline void twin_watched(NnEngine *engine, const Naive *naive, const int64_t shape[3], double forward_tolerance,
                                double grad_tolerance)
{
    int at = nn_graph_size(naive->graph) - 1;
    while (naive_node(naive, at)->kind != NN_NODE_RELU || naive_node(naive, at)->H < 2 || naive_node(naive, at)->W < 2)
        at--;
    int64_t size = naive_size(naive, at);
    float *map = twin_floats(size), *gradient = twin_floats(size);
    assert_int_equal(shape[0] * shape[1] * shape[2] * naive->n, size);
    assert_ok(nn_engine_watched(engine, map, gradient));
    assert_close_f32(map, naive->value[at], size, forward_tolerance);
    assert_close_f32(gradient, naive->diff[at], size, grad_tolerance);
    base_free(map);
    base_free(gradient);
}

/* Forward, taps and (but in plain eval) backward of one network against its twin. @p watched, or NULL: counts the
 * networks of which a map was watched as well. @p hash, or NULL: of the logits and gradients, bit for bit. */
static inline void twin_check(const TwinCase *c, const NnTuning *tuning, NnMode mode, NnPrecision precision,
                              double forward_tolerance, double grad_tolerance, int *watched, char hash[BASE_HASH_HEX])
{
    NnNet *net = twin_net(c);
    BaseHash *sum = NULL;
    nn_net_set_tuning(net, tuning);
    NnEngine *engine = NULL;
    int64_t K = nn_net_classes(net), params = nn_net_param_count(net);
    float *x = twin_normals(c->n * c->C * c->H * c->W, "x"), *logits = twin_floats(c->n * K);
    float *dlogits = twin_normals(c->n * K, "dlogits"), *grads = twin_floats(params);
    double *want = naive_doubles(params), *dwant = naive_doubles(c->n * K);
    int64_t shape[3];
    bool watches = false;
    Naive naive = naive_create(net, c->n, mode == NN_MODE_TRAIN || mode == NN_MODE_TRAIN_INPUT);
    naive_forward(&naive, x);
    assert_ok(nn_engine_create(net, mode, precision, c->n, &engine));
    if (watched && mode == NN_MODE_EVAL_GRAD && precision == NN_F32)
        watches = nn_engine_watch(engine, 2, shape) == BASE_OK;
    assert_ok(nn_engine_forward(engine, x, c->n, 0, logits));
    assert_close_f32(logits, naive.value[nn_graph_size(naive.graph) - 1], c->n * K, forward_tolerance);
    twin_taps(engine, &naive, forward_tolerance);
    if (mode != NN_MODE_EVAL) {
        for (int64_t i = 0; i < c->n * K; i++) dwant[i] = dlogits[i];
        naive_backward(&naive, dwant, want);
        assert_ok(nn_engine_backward(engine, dlogits, grads));
        if (precision == NN_F32)
            assert_close_f32(grads, want, params, grad_tolerance);
        else
            assert_near(twin_distance(grads, want, params), 0, grad_tolerance, 0);
        if (watches) twin_watched(engine, &naive, shape, forward_tolerance, grad_tolerance);
        if (watched) *watched += watches;
    }
    if (mode == NN_MODE_EVAL_INPUT || mode == NN_MODE_TRAIN_INPUT) {
        float *dx = twin_floats(naive_size(&naive, 0));
        assert_ok(nn_engine_input_gradient(engine, dx));
        if (precision == NN_F32)
            assert_close_f32(dx, naive.diff[0], naive_size(&naive, 0), grad_tolerance);
        else
            assert_near(twin_distance(dx, naive.diff[0], naive_size(&naive, 0)), 0, 1.25 * grad_tolerance,
                        0); /* the deepest */
        base_free(dx);
    }
    assert_ok(base_hash_create(&sum));
    base_hash_add(sum, logits, (size_t)(c->n * K) * sizeof *logits);
    if (mode != NN_MODE_EVAL) base_hash_add(sum, grads, (size_t)params * sizeof *grads);
    if (hash) base_hash_finish(sum, hash);
    base_hash_free(sum);
    nn_engine_free(engine);
    naive_free(&naive);
    nn_net_free(net);
    base_free(x);
    base_free(logits);
    base_free(dlogits);
    base_free(grads);
    base_free(want);
    base_free(dwant);
}

/* ---- tables that force an algorithm ---- */

static inline NnTuning *twin_table(void)
{
    NnTuning *t = NULL;
    assert_ok(nn_tuning_create(&t));
    return t;
}

static inline NnTuningRow twin_row(const NnLayer *layer, int64_t n, NnPrecision precision, int pass, int algorithm)
{
    return (NnTuningRow){.isa = nn_backend_isa(),
                         .threads = math_threads_get(),
                         .precision = precision,
                         .pass = (NnPass)pass,
                         .n = n,
                         .C = layer->C,
                         .H = layer->H,
                         .W = layer->W,
                         .K = layer->K,
                         .kernel = layer->kernel_h,
                         .stride = layer->stride,
                         .pad = layer->pad_h,
                         .algorithm = (NnConvAlgorithm)algorithm};
}

/* @p algorithms[pass] for every convolution of the case's network that it can run; *forced: how many rows. */
static inline NnTuning *twin_forcing(const TwinCase *c, NnPrecision precision, const int algorithms[NN_PASSES],
                                     int *forced)
{
    NnNet *net = twin_net(c);
    NnTuning *t = twin_table();
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    *forced = 0;
    for (int i = 0; i < count; i++)
        for (int pass = 0; pass < NN_PASSES; pass++) {
            NnTuningRow row = twin_row(&layers[i], c->n, precision, pass, algorithms[pass]);
            NnConvAlgorithm there;
            const NnLayer *l = &layers[i];
            bool plain = l->groups == 1 && l->dilation == 1 && l->kernel_h == l->kernel_w && l->pad_h == l->pad_w &&
                         l->more_h == 0 && l->more_w == 0;
            if (l->kind != NN_LAYER_CONV || !plain || !nn_backend_possible(&row)) continue;
            if (nn_tuning_find(t, &row, &there)) continue; /* two layers of one shape */
            assert_ok(nn_tuning_add(t, &row));
            ++*forced;
        }
    nn_net_free(net);
    return t;
}

#endif
