#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "nn/engine.h"
#include "tests/nn/naive.h"
#include "tests/nn/small.h"
#include "tests/nn/twin.h"

/* ---- networks: between them every kind of layer, odd channel counts, strides, paddings, shared and repeated inputs
 * ---- */

static NnNode odd_sizes(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_input(g), "a", 5, 5, 1, 2, false), "an"));
    x = nn_relu(g, nn_conv(g, x, "b", 7, 3, 2, 1, true));
    x = nn_avg_pool(g, nn_conv(g, x, "c", 19, 1, 1, 0, false), 0, 0);
    return nn_linear(g, nn_dropout(g, nn_flatten(g, x), 0.0), "d", 4, false);
}

static NnNode perceptron(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_linear(g, nn_flatten(g, nn_input(g)), "a", 5, true), "an"));
    x = nn_relu(g, nn_batch_norm(g, nn_linear(g, x, "b", 5, true), "bn"));
    return nn_linear(g, x, "c", 3, true);
}

static NnNode branches(NnGraph *g)
{
    NnNode x = nn_batch_norm(g, nn_input(g), "norm"); /* on the input itself */
    x = nn_max_pool(g, x, 2, 2, 0);                   /* drops the last row and column of an odd map */
    NnNode a = nn_conv(g, x, "a", 6, 3, 1, 1, true), b = nn_conv(g, a, "b", 6, 3, 1, 1, false);
    NnNode c = nn_add(g, nn_relu(g, nn_add(g, a, b)), a);
    c = nn_add(g, c, c);
    c = nn_batch_norm(g, nn_avg_pool(g, nn_relu(g, c), 2, 1), "cn");
    NnNode v = nn_flatten(g, nn_avg_pool(g, c, 0, 0)), w = nn_relu(g, nn_linear(g, v, "d", 6, true));
    return nn_linear(g, nn_relu(g, nn_add(g, v, w)), "e", 3, true);
}

/* 4x4, 2x2 and 1x1 maps of many channels, where bf16 takes another route */
static NnNode small_maps(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_input(g), "a", 32, 3, 1, 1, true), "an"));
    x = nn_relu(g, nn_batch_norm(g, nn_conv(g, x, "b", 48, 3, 1, 1, true), "bn"));
    NnNode y = nn_relu(g, nn_conv(g, x, "c", 64, 3, 2, 1, true));
    y = nn_batch_norm(g, nn_conv(g, y, "d", 64, 3, 1, 1, false), "dn");
    y = nn_relu(g, nn_add(g, y, nn_conv(g, x, "e", 64, 1, 2, 0, false)));
    y = nn_relu(g, nn_conv(g, y, "f", 32, 3, 2, 1, true));
    return nn_linear(g, nn_flatten(g, nn_conv(g, y, "h", 32, 3, 1, 1, false)), "i", 4, true);
}

/* 64 channels and 64 tiles of 4x4: what float32 runs by Winograd's algorithm; the last one with its tiles cut off */
static NnNode many_channels(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "a", 64, 3, 1, 1, true));
    NnNode y = nn_relu(g, nn_batch_norm(g, nn_conv(g, x, "b", 64, 3, 1, 1, true), "bn"));
    y = nn_relu(g, nn_add(g, nn_batch_norm(g, nn_conv(g, y, "c", 64, 3, 1, 1, false), "cn"), x));
    y = nn_relu(g, nn_conv(g, nn_avg_pool(g, y, 2, 1), "d", 64, 3, 1, 1, true));
    return nn_linear(g, nn_flatten(g, nn_max_pool(g, y, 2, 2, 0)), "e", 4, true);
}

/* batch norm, ReLU and 2x2 pooling of 64 and 128 channels: one step in bf16 */
static NnNode pooled(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_input(g), "a", 64, 3, 1, 1, true), "an"));
    x = nn_conv(g, nn_max_pool(g, x, 2, 2, 0), "b", 128, 3, 1, 1, false);
    x = nn_max_pool(g, nn_relu(g, nn_batch_norm(g, x, "bn")), 2, 2, 0);
    return nn_linear(g, nn_flatten(g, x), "c", 4, true);
}

static const TwinCase CASES[] = {
    {"odd_sizes", odd_sizes, 3, 9, 7, 3},
    {"residual", twin_residual, 4, 8, 8, 12},
    {"perceptron", perceptron, 2, 1, 1, 16},
    {"perceptron", perceptron, 5, 2, 1, 16},
    {"branches", branches, 3, 7, 7, 6},
    {"small_maps", small_maps, 16, 4, 4, 6},
    {"many_channels", many_channels, 3, 8, 8, 16},
    {"pooled", pooled, 3, 8, 12, 7},
    {"transformer", small_transformer, 3, 12, 8, 5},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

/* many_channels is slow and adds nothing to the gradient of the input */
static int last_mode(const TwinCase *c) { return c->draw == many_channels ? NN_MODE_EVAL_GRAD : NN_MODE_EVAL_INPUT; }

/* float32 rounds each operation by 2^-24; sums of some hundred terms through ten layers stay below 1e-5 of the largest.
 * Winograd's transforms multiply by up to 8 and 1/24 each way, and their sums cancel: its errors, 2^-24 times some ten,
 * are independent, and a layer of 576 terms stays below 4e-6 of its largest output. */
static void test_f32_equals_the_twin(void **state)
{
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++)
        for (int mode = NN_MODE_EVAL; mode <= last_mode(&CASES[i]); mode++)
            twin_check(&CASES[i], NULL, (NnMode)mode, NN_F32, 1e-5, 2e-5, NULL);
}

/* bf16 rounds inputs, weights and activations by up to 2^-9 each. The rounding errors of a sum are independent, so a
 * layer adds about 2^-9 sqrt(3) = 0.0034 of its output's size; batch statistics over a handful of images multiply this
 * over up to ten layers: 0.06 forward. Backward the same would be 0.01 in the Euclidean norm, but a ReLU or a maximum
 * whose winner changes moves a whole term, one in some hundred here: 0.2. A missing or doubled term gives 0.5 and more.
 */
static void test_bf16_is_near_the_twin(void **state)
{
    (void)state;
    if (nn_precision_available(NN_BF16) != NN_BF16) skip();
    for (int i = 0; i < CASE_COUNT; i++)
        for (int mode = NN_MODE_EVAL; mode <= last_mode(&CASES[i]); mode++)
            twin_check(&CASES[i], NULL, (NnMode)mode, NN_BF16, 0.06, 0.2, NULL);
}

/* d sum(dlogits * logits) / dx of the twin's last backward pass; x is float32, so that h = 2^-10 is exact but for its
 * rounding next to x: 2^-24 / 2^-10 of the slope, and ReLUs that turn within h are rare. */
static void input_by_differences(Naive *naive, float *x, const double *dlogits, BaseRandom *r)
{
    int64_t size = naive_size(naive, 0);
    int last = nn_graph_size(naive->graph) - 1, good = 0;
    double *dx = naive_doubles(size), largest = 0;
    memcpy(dx, naive->diff[0], (size_t)size * sizeof *dx);
    for (int64_t j = 0; j < size; j++) largest = fmax(largest, fabs(dx[j]));
    for (int k = 0; k < 8; k++) {
        int64_t j = (int64_t)base_random_below(r, (uint64_t)size);
        float kept = x[j], at[2] = {kept - 0x1p-10F, kept + 0x1p-10F};
        double sums[2] = {0, 0};
        for (int side = 0; side < 2; side++) {
            x[j] = at[side];
            naive_forward(naive, x);
            for (int64_t e = 0; e < naive_size(naive, last); e++) sums[side] += dlogits[e] * naive->value[last][e];
        }
        x[j] = kept;
        good += fabs((sums[1] - sums[0]) / ((double)at[1] - (double)at[0]) - dx[j]) <= 1e-3 * largest;
    }
    assert_true(good >= 7);
    base_free(dx);
}

/* The twin itself: central differences of sum(dlogits * logits) in double, truncation h^2 = 1e-10 and rounding 1e-16/h.
 */
static void test_twin_gradient_by_differences(void **state)
{
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++)
        for (int train = 0; train <= 1; train++) {
            const TwinCase *c = &CASES[i];
            if (c->draw == many_channels) continue; /* no kind of node that the others lack, and slow */
            NnNet *net = twin_net(c);
            Naive naive = naive_create(net, c->n, train);
            int64_t K = nn_net_classes(net), params = nn_net_param_count(net);
            int last = nn_graph_size(naive.graph) - 1;
            float *x = twin_normals(c->n * c->C * c->H * c->W, "x"), *d = twin_normals(c->n * K, "dlogits");
            double *dlogits = naive_doubles(c->n * K), *grads = naive_doubles(params), largest = 0;
            for (int64_t j = 0; j < c->n * K; j++) dlogits[j] = d[j];
            naive_forward(&naive, x);
            naive_backward(&naive, dlogits, grads);
            for (int64_t j = 0; j < params; j++) largest = fmax(largest, fabs(grads[j]));
            BaseRandom r = base_random_make(1, "pick", (uint64_t)i);
            if (!train) input_by_differences(&naive, x, dlogits, &r);
            naive_forward(&naive, x);
            for (int k = 0; k < 8; k++) {
                int64_t j = (int64_t)base_random_below(&r, (uint64_t)params);
                double kept = naive.params[j], sums[2], h = 1e-6;
                for (int side = 0; side < 2; side++) {
                    naive.params[j] = kept + (side ? h : -h);
                    naive_forward(&naive, x);
                    sums[side] = 0;
                    for (int64_t e = 0; e < c->n * K; e++) sums[side] += dlogits[e] * naive.value[last][e];
                }
                naive.params[j] = kept;
                assert_near((sums[1] - sums[0]) / (2 * h), grads[j], 1e-6 * largest, 0);
            }
            naive_free(&naive);
            nn_net_free(net);
            base_free(x);
            base_free(d);
            base_free(dlogits);
            base_free(grads);
        }
}

/* ---- reference values ---- */

typedef struct {
    NnNet *net;
    float *x;
    int32_t *y;
    IoHdf5 *file;
} Fixture;

static int setup(void **state)
{
    Fixture *f = NULL;
    int64_t n;
    assert_ok(BASE_ALLOC(1, &f));
    assert_ok(io_hdf5_open(support_fixture("network.h5"), true, &f->file));
    f->net = small_net();
    small_set(f->file, "params", f->net);
    f->x = support_read_f32(f->file, "x", &n);
    f->y = support_read_i32(f->file, "y", &n);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    io_hdf5_close(f->file);
    nn_net_free(f->net);
    base_free(f->x);
    base_free(f->y);
    base_free(f);
    return 0;
}

/* Gradient of the mean cross-entropy with respect to the logits, in double. */
static void cross_entropy_grad(const float *logits, const int32_t *y, int64_t n, int64_t K, float *grad)
{
    for (int64_t i = 0; i < n; i++) {
        double top = -INFINITY, sum = 0;
        for (int64_t k = 0; k < K; k++) top = fmax(top, logits[i * K + k]);
        for (int64_t k = 0; k < K; k++) sum += exp(logits[i * K + k] - top);
        for (int64_t k = 0; k < K; k++)
            grad[i * K + k] = (float)((exp(logits[i * K + k] - top) / sum - (k == y[i])) / (double)n);
    }
}

/* One engine serves several n, and eval equals eval with gradients. */
static void test_logits_of_the_reference(void **state)
{
    static const int64_t SIZES[] = {48, 7, 1, 48, 7};
    Fixture *f = *state;
    int64_t count;
    double *want = support_read_f64(f->file, "logits_eval", &count);
    float logits[48 * 5];
    for (int mode = 0; mode < 2; mode++) {
        NnEngine *engine = NULL;
        assert_ok(nn_engine_create(f->net, mode ? NN_MODE_EVAL_GRAD : NN_MODE_EVAL, NN_F32, 48, &engine));
        for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
            memset(logits, 0, sizeof logits);
            assert_ok(nn_engine_forward(engine, f->x, SIZES[i], 0, logits));
            assert_close_f32(logits, want, SIZES[i] * 5, 1e-5);
        }
        nn_engine_free(engine);
    }
    assert_int_equal(count, 48 * 5);
    base_free(want);
}

static void test_gradients_of_the_reference(void **state)
{
    Fixture *f = *state;
    NnEngine *engine = NULL;
    int64_t total = nn_net_param_count(f->net);
    double *want = small_params(f->file, "train/gradients_batch0", f->net);
    float logits[16 * 5], dlogits[16 * 5], *grads = twin_floats(total), *again = twin_floats(total);
    assert_ok(nn_engine_create(f->net, NN_MODE_TRAIN, NN_F32, 16, &engine));
    assert_ok(nn_engine_forward(engine, f->x, 16, 0, logits));
    cross_entropy_grad(logits, f->y, 16, 5, dlogits);
    assert_ok(nn_engine_backward(engine, dlogits, grads));
    assert_close_f32(grads, want, total, 1e-5);
    assert_int_equal(*nn_net_batches_tracked(f->net), 1);
    /* the same bits again */
    assert_ok(nn_engine_forward(engine, f->x, 16, 0, logits));
    assert_ok(nn_engine_backward(engine, dlogits, again));
    assert_memory_equal(grads, again, (size_t)total * sizeof *grads);
    nn_engine_free(engine);
    base_free(grads);
    base_free(again);
    base_free(want);
}

/* ---- state between calls ---- */

/* r = 0.9 r + 0.1 batch, the variance with m / (m - 1); float32 rounding only. */
static void check_statistics(const TwinCase *c, NnPrecision precision, double tolerance)
{
    NnNet *net = twin_net(c), *before = NULL;
    NnEngine *engine = NULL;
    assert_ok(nn_net_clone(net, &before));
    Naive naive = naive_create(net, c->n, true);
    float *x = twin_normals(c->n * c->C * c->H * c->W, "x"), *logits = twin_floats(c->n * nn_net_classes(net));
    naive_forward(&naive, x);
    assert_ok(nn_engine_create(net, NN_MODE_TRAIN, precision, c->n, &engine));
    assert_ok(nn_engine_forward(engine, x, c->n, 0, logits));
    int count;
    const NnSlice *slices = nn_net_buffer_slices(net, &count);
    for (int i = 0; i < nn_graph_size(naive.graph); i++) {
        const NnNodeInfo *node = naive_node(&naive, i);
        if (node->mean < 0) continue;
        double m = (double)(c->n * node->H * node->W);
        for (int64_t k = 0; k < node->C; k++) {
            int64_t mean = slices[node->mean].offset + k, var = slices[node->var].offset + k;
            assert_near(nn_net_buffers(net)[mean], 0.9 * nn_net_buffers(before)[mean] + 0.1 * naive.mean[i][k],
                        tolerance, tolerance);
            assert_near(nn_net_buffers(net)[var],
                        0.9 * nn_net_buffers(before)[var] + 0.1 * naive.var[i][k] * m / (m - 1), tolerance, tolerance);
        }
    }
    nn_engine_free(engine);
    naive_free(&naive);
    nn_net_free(net);
    nn_net_free(before);
    base_free(x);
    base_free(logits);
}

/* bf16: inputs and weights rounded by up to 2^-9, of which a tenth enters the running values */
static void test_running_statistics(void **state)
{
    (void)state;
    check_statistics(&CASES[1], NN_F32, 1e-6);
    if (nn_precision_available(NN_BF16) == NN_BF16) check_statistics(&CASES[7], NN_BF16, 1e-3);
}

/* An edit of parameters or of running statistics reaches an engine that already ran. */
static void test_edits_are_seen(void **state)
{
    Fixture *f = *state;
    NnEngine *engine = NULL;
    float before[5], after[5];
    int count;
    const NnSlice *params = nn_net_param_slices(f->net, &count);
    int64_t last_bias = params[count - 1].offset;
    assert_ok(nn_engine_create(f->net, NN_MODE_EVAL, NN_F32, 1, &engine));
    assert_ok(nn_engine_forward(engine, f->x, 1, 0, before));
    nn_net_edit_params(f->net)[last_bias] += 2;
    assert_ok(nn_engine_forward(engine, f->x, 1, 0, after));
    assert_near(after[0], before[0] + 2.0, 1e-5, 0);
    assert_near(after[1], before[1], 0, 0);
    for (int64_t i = 0; i < nn_net_buffer_count(f->net); i++) nn_net_edit_buffers(f->net)[i] *= 4;
    assert_ok(nn_engine_forward(engine, f->x, 1, 0, before));
    assert_true(fabsf(before[1] - after[1]) > 1e-3f);
    nn_engine_free(engine);
}

/* Storage that serves again changes no bit: neither of logits nor of what is kept for a tap. */
static void check_keep(const TwinCase *c, NnPrecision precision)
{
    NnNet *net = twin_net(c);
    NnEngine *all = NULL, *one = NULL;
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    int64_t K = nn_net_classes(net);
    float *x = twin_normals(c->n * c->C * c->H * c->W, "x"), *want = twin_floats(c->n * K),
          *got = twin_floats(c->n * K);
    assert_ok(nn_engine_create(net, NN_MODE_EVAL, precision, c->n, &all));
    assert_ok(nn_engine_forward(all, x, c->n, 0, want));
    for (int kept = -1; kept < count; kept++) {
        uint8_t keep[64] = {0};
        assert_true(count <= 64);
        if (kept >= 0) keep[kept] = 1;
        assert_ok(nn_engine_create(net, NN_MODE_EVAL, precision, c->n, &one));
        assert_ok(nn_engine_keep(one, kept < 0 ? NULL : keep));
        for (int round = 0; round < 2; round++) {
            assert_ok(nn_engine_forward(one, x, c->n, 0, got));
            assert_memory_equal(got, want, (size_t)(c->n * K) * sizeof *got);
        }
        for (int i = 0; i < count; i++) {
            int64_t size = c->n * layers[i].C * layers[i].H * layers[i].W;
            float *a = twin_floats(size), *b = twin_floats(size);
            assert_ok(nn_engine_tap(all, i, a));
            bool there = nn_engine_tap(one, i, b) == BASE_OK;
            assert_true(there || i != kept);
            if (there) assert_memory_equal(a, b, (size_t)size * sizeof *a);
            base_free(a);
            base_free(b);
        }
        nn_engine_free(one);
    }
    nn_engine_free(all);
    nn_net_free(net);
    base_free(x);
    base_free(want);
    base_free(got);
}

static void test_kept_inputs(void **state)
{
    Fixture *f = *state;
    NnEngine *engine = NULL;
    float logits[16 * 5], *map = twin_floats(16 * 8 * 36);
    for (int i = 0; i < CASE_COUNT; i++) {
        check_keep(&CASES[i], NN_F32);
        if (nn_precision_available(NN_BF16) == NN_BF16) check_keep(&CASES[i], NN_BF16);
    }
    assert_ok(nn_engine_create(f->net, NN_MODE_EVAL, NN_F32, 16, &engine));
    assert_ok(nn_engine_keep(engine, NULL));
    assert_fails(nn_engine_keep(engine, NULL), BASE_EARG, "said once");
    assert_ok(nn_engine_forward(engine, f->x, 16, 0, logits));
    assert_fails(nn_engine_tap(engine, 1, map), BASE_EARG, "conv2: the engine was told not to keep it");
    nn_engine_free(engine);
    assert_ok(nn_engine_create(f->net, NN_MODE_TRAIN, NN_F32, 16, &engine));
    assert_fails(nn_engine_keep(engine, NULL), BASE_EARG, "plain eval");
    nn_engine_free(engine);
    base_free(map);
}

/* ---- dropout: identity, dropout, identity: the logits are the mask ---- */

enum { WIDTH = 64, ROWS = 200 };
static void dropout_masks(double p, NnPrecision precision, uint64_t key, NnMode mode, float *logits, float *dx)
{
    NnGraph *g = NULL;
    NnNet *net = NULL;
    NnEngine *engine = NULL;
    assert_ok(nn_graph_create(WIDTH, 1, 1, &g));
    NnNode x = nn_dropout(g, nn_linear(g, nn_input(g), "a", WIDTH, true), p);
    assert_ok(nn_net_create_take(g, nn_linear(g, x, "b", WIDTH, false), &net));
    float *params = nn_net_edit_params(net), *ones = twin_floats(ROWS * WIDTH),
          *grads = twin_floats(nn_net_param_count(net));
    for (int i = 0; i < WIDTH; i++) params[i * WIDTH + i] = params[WIDTH * WIDTH + WIDTH + i * WIDTH + i] = 1;
    for (int i = 0; i < ROWS * WIDTH; i++) ones[i] = 1;
    assert_ok(nn_engine_create(net, mode, precision, ROWS, &engine));
    assert_ok(nn_engine_forward(engine, ones, ROWS, key, logits));
    if (dx) { /* the bias of a gathers mask / (1 - p) over rows */
        assert_ok(nn_engine_backward(engine, ones, grads));
        memcpy(dx, grads + WIDTH * WIDTH, WIDTH * sizeof *dx);
    }
    nn_engine_free(engine);
    nn_net_free(net);
    base_free(ones);
    base_free(grads);
}

static void test_dropout(void **state)
{
    (void)state;
    float *a = twin_floats(ROWS * WIDTH), *b = twin_floats(ROWS * WIDTH), dx[WIDTH];
    for (int bf16 = 0; bf16 <= (nn_precision_available(NN_BF16) == NN_BF16); bf16++) {
        double p = 0.25, kept = 0, same = 0, column[WIDTH] = {0};
        dropout_masks(p, (NnPrecision)bf16, 7, NN_MODE_TRAIN, a, dx);
        for (int i = 0; i < ROWS * WIDTH; i++) {
            if (a[i] != 0) assert_near(a[i], 1 / (1 - p), 0, bf16 ? 0.004 : 1e-6);
            kept += a[i] != 0;
            column[i % WIDTH] += a[i] != 0;
        }
        /* a share of 12800 draws: standard deviation 0.0038; five of them */
        assert_near(kept / (ROWS * WIDTH), 1 - p, 0.019, 0);
        for (int i = 0; i < WIDTH; i++) assert_near(dx[i], column[i] / (1 - p), 1e-3, bf16 ? 0.004 : 1e-5);
        dropout_masks(p, (NnPrecision)bf16, 7, NN_MODE_TRAIN, b, NULL);
        assert_memory_equal(a, b, ROWS * WIDTH * sizeof *a);
        dropout_masks(p, (NnPrecision)bf16, 8, NN_MODE_TRAIN, b, NULL);
        for (int i = 0; i < ROWS * WIDTH; i++) same += (a[i] != 0) == (b[i] != 0);
        assert_near(same / (ROWS * WIDTH), p * p + (1 - p) * (1 - p), 0.025, 0);
        dropout_masks(p, (NnPrecision)bf16, 7, NN_MODE_EVAL, b, NULL);
        for (int i = 0; i < ROWS * WIDTH; i++) assert_near(b[i], 1, 0, 0);
        dropout_masks(p, (NnPrecision)bf16, 7, NN_MODE_EVAL_GRAD, b, dx);
        for (int i = 0; i < WIDTH; i++) assert_near(dx[i], ROWS, 0, 0);
    }
    base_free(a);
    base_free(b);
}

/* ---- errors ---- */

static void test_bad_calls(void **state)
{
    Fixture *f = *state;
    NnEngine *engine = NULL;
    float logits[16 * 5] = {0}, *grads = twin_floats(nn_net_param_count(f->net));
    assert_fails(nn_engine_create(f->net, NN_MODE_EVAL, NN_F32, 0, &engine), BASE_EARG, "batch of 0");
    assert_null(engine);
    assert_ok(nn_engine_create(f->net, NN_MODE_EVAL, NN_F32, 4, &engine));
    assert_fails(nn_engine_tap(engine, 0, logits), BASE_EARG, "conv1");
    assert_fails(nn_engine_forward(engine, f->x, 5, 0, logits), BASE_EARG, "1 to 4");
    assert_fails(nn_engine_forward(engine, f->x, 0, 0, logits), BASE_EARG, "1 to 4");
    assert_fails(nn_engine_backward(engine, logits, grads), BASE_EARG, "eval");
    assert_ok(nn_engine_forward(engine, f->x, 4, 0, logits));
    assert_fails(nn_engine_tap(engine, 4, logits), BASE_EARG, "0 to 3");
    assert_fails(nn_engine_input_gradient(engine, logits), BASE_EARG, "no gradient of the input");
    nn_engine_free(engine);
    nn_engine_free(NULL);
    assert_ok(nn_engine_create(f->net, NN_MODE_TRAIN, NN_F32, 4, &engine));
    assert_fails(nn_engine_backward(engine, logits, grads), BASE_EARG, "without a forward");
    nn_engine_free(engine);
    NnPrecision precision;
    assert_fails(nn_precision_parse("f16", &precision), BASE_EUSAGE, "f32 or bf16");
    assert_ok(nn_precision_parse("bf16", &precision));
    assert_string_equal(nn_precision_name(precision), "bf16");
    base_free(grads);
}

static void test_a_batch_of_one_has_no_statistics(void **state)
{
    (void)state;
    NnNet *net = twin_net(&CASES[2]);
    NnEngine *engine = NULL;
    float x[2] = {1, 2}, logits[3];
    assert_ok(nn_engine_create(net, NN_MODE_TRAIN, NN_F32, 4, &engine));
    assert_fails(nn_engine_forward(engine, x, 1, 0, logits), BASE_ESHAPE, "batch of 1");
    nn_engine_free(engine);
    nn_net_free(net);
}

static void test_not_finite(void **state)
{
    Fixture *f = *state;
    static const float BAD[] = {NAN, INFINITY, -INFINITY};
    NnEngine *engine = NULL;
    float logits[16 * 5], dlogits[16 * 5] = {0}, *grads = twin_floats(nn_net_param_count(f->net));
    assert_ok(nn_engine_create(f->net, NN_MODE_EVAL_GRAD, NN_F32, 16, &engine));
    assert_ok(nn_engine_forward(engine, f->x, 16, 0, logits));
    dlogits[3] = NAN;
    assert_fails(nn_engine_backward(engine, dlogits, grads), BASE_ENUMERIC, "gradient");
    for (int i = 0; i < 3; i++) { /* the first pixel and weight: ReLUs and maxima follow, which could swallow them */
        float kept = f->x[0];
        f->x[0] = BAD[i];
        assert_fails(nn_engine_forward(engine, f->x, 16, 0, logits), BASE_ENUMERIC, "input");
        f->x[0] = kept;
        kept = nn_net_params(f->net)[0];
        nn_net_edit_params(f->net)[0] = BAD[i];
        assert_fails(nn_engine_forward(engine, f->x, 16, 0, logits), BASE_ENUMERIC, "parameters");
        assert_fails(nn_engine_backward(engine, dlogits, grads), BASE_EARG, "without a forward");
        nn_net_edit_params(f->net)[0] = kept;
        kept = nn_net_buffers(f->net)[0];
        nn_net_edit_buffers(f->net)[0] = BAD[i];
        assert_fails(nn_engine_forward(engine, f->x, 16, 0, logits), BASE_ENUMERIC, "running statistics");
        nn_net_edit_buffers(f->net)[0] = kept;
    }
    int count;
    const NnSlice *last = &nn_net_param_slices(f->net, &count)[10];
    for (int64_t k = 0; k < last->count; k++) nn_net_edit_params(f->net)[last->offset + k] = 3e38f;
    assert_fails(nn_engine_forward(engine, f->x, 16, 0, logits), BASE_ENUMERIC, "overflow");
    nn_engine_free(engine);
    base_free(grads);
}

static BaseStatus run_once(void *user)
{
    Fixture *f = user;
    NnEngine *engine = NULL;
    float logits[4 * 5];
    static float grads[8192];
    BaseStatus st = BASE_OK;
    BASE_TRY(nn_engine_create(f->net, NN_MODE_TRAIN, NN_F32, 4, &engine));
    BASE_TRY(nn_engine_forward(engine, f->x, 4, 0, logits));
    BASE_TRY(nn_engine_backward(engine, logits, grads));
out:
    nn_engine_free(engine);
    return st;
}

static void test_failed_allocations(void **state)
{
    Fixture *f = *state;
    assert_true(nn_net_param_count(f->net) <= 8192);
    support_fail_allocations(run_once, f, 400);
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
    FIXTURE_TEST(test_logits_of_the_reference),
    FIXTURE_TEST(test_gradients_of_the_reference),
    cmocka_unit_test(test_twin_gradient_by_differences),
    cmocka_unit_test(test_f32_equals_the_twin),
    cmocka_unit_test(test_bf16_is_near_the_twin),
    cmocka_unit_test(test_running_statistics),
    FIXTURE_TEST(test_edits_are_seen),
    FIXTURE_TEST(test_kept_inputs),
    cmocka_unit_test(test_dropout),
    FIXTURE_TEST(test_bad_calls),
    cmocka_unit_test(test_a_batch_of_one_has_no_statistics),
    FIXTURE_TEST(test_not_finite),
    FIXTURE_TEST(test_failed_allocations),
};
SUPPORT_MAIN(tests)
