/* What an engine keeps between calls, dropout, and what it refuses. */
#include "tests/support/support.h"

#include <math.h>

#include "tests/nn/cases.h"

/* r = (1 - momentum) r + momentum batch, the variance with m / (m - 1); float32 rounding only. */
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
        double m = (double)(c->n * node->H * node->W), move = node->momentum;
        for (int64_t k = 0; k < node->C; k++) {
            int64_t mean = slices[node->mean].offset + k, var = slices[node->var].offset + k;
            assert_near(nn_net_buffers(net)[mean], (1 - move) * nn_net_buffers(before)[mean] + move * naive.mean[i][k],
                        tolerance, tolerance);
            assert_near(nn_net_buffers(net)[var],
                        (1 - move) * nn_net_buffers(before)[var] + move * naive.var[i][k] * m / (m - 1), tolerance,
                        tolerance);
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
    static const TwinCase OTHER = {"channels", channels, 3, 7, 9, 5}; /* with a momentum of its own */
    check_statistics(&CASES[1], NN_F32, 1e-6);
    check_statistics(&OTHER, NN_F32, 1e-6);
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

typedef struct {
    NnEngine *all, *one;
    const NnLayer *layers;
    const uint8_t *wanted;
    int64_t n;
    int seen;
} Taking;

/* The input handed over has the bits of the one kept, and only the layer whose turn it is has one. */
static BaseStatus take(void *user, int layer)
{
    Taking *t = user;
    const NnLayer *l = t->layers + layer;
    float *a = twin_floats(t->n * l->C * l->H * l->W), *b = twin_floats(t->n * l->C * l->H * l->W);
    assert_true(t->wanted[layer]);
    assert_ok(nn_engine_tap_pixels(t->all, layer, NN_F32, a));
    assert_ok(nn_engine_tap_pixels(t->one, layer, NN_F32, b));
    assert_memory_equal(a, b, (size_t)(t->n * l->C * l->H * l->W) * sizeof *a);
    assert_fails(nn_engine_tap(t->one, layer ? 0 : 1, b), BASE_EARG, "this is not its turn");
    base_free(a);
    base_free(b);
    t->seen++;
    return BASE_OK;
}

static void check_take(const TwinCase *c, NnPrecision precision)
{
    NnNet *net = twin_net(c);
    int count;
    Taking t = {.layers = nn_net_layers(net, &count), .n = c->n};
    int64_t K = nn_net_classes(net), bytes, half;
    float *x = twin_normals(c->n * c->C * c->H * c->W, "x"), *want = twin_floats(c->n * K),
          *got = twin_floats(c->n * K), *none = twin_floats(c->n * K);
    assert_ok(nn_engine_create(net, NN_MODE_EVAL, precision, c->n, &t.all));
    assert_ok(nn_engine_forward(t.all, x, c->n, 0, want));
    for (int from = 0; count > 1 && from < 2; from++) { /* all layers; all but the first, as far as the last of them */
        uint8_t wanted[64] = {0};
        bool whole = from == 0;
        for (int i = from; i < count; i++) wanted[i] = 1;
        t.wanted = wanted;
        t.seen = 0;
        assert_ok(nn_engine_create(net, NN_MODE_EVAL, precision, c->n, &t.one));
        assert_ok(nn_engine_take(t.one, wanted, whole, take, &t));
        assert_ok(nn_engine_bytes(t.one, c->n, &bytes));
        assert_true(bytes >= c->n * c->C * c->H * c->W * (int64_t)sizeof(float)); /* its copy of the images alone */
        if (c->n > 1) { /* another size takes the place of the first, and gives it back */
            assert_ok(nn_engine_bytes(t.one, c->n / 2, &half));
            assert_true(half < bytes);
        }
        memset(got, 0, (size_t)(c->n * K) * sizeof *got);
        for (int round = 0; round < 2; round++) assert_ok(nn_engine_forward(t.one, x, c->n, 0, got));
        assert_int_equal(t.seen, 2 * (count - from));
        assert_memory_equal(got, whole ? want : none, (size_t)(c->n * K) * sizeof *got);
        assert_fails(nn_engine_tap(t.one, 1, got), BASE_EARG, "this is not its turn");
        nn_engine_free(t.one);
    }
    nn_engine_free(t.all);
    nn_net_free(net);
    base_free(x);
    base_free(want);
    base_free(got);
    base_free(none);
}

static void test_kept_inputs(void **state)
{
    Fixture *f = *state;
    NnEngine *engine = NULL;
    float logits[16 * 5], *map = twin_floats(16 * 8 * 36);
    for (int i = 0; i < CASE_COUNT; i++) {
        check_keep(&CASES[i], NN_F32);
        check_take(&CASES[i], NN_F32);
        if (nn_precision_available(NN_BF16) != NN_BF16) continue;
        check_keep(&CASES[i], NN_BF16);
        check_take(&CASES[i], NN_BF16);
    }
    assert_ok(nn_engine_create(f->net, NN_MODE_EVAL, NN_F32, 16, &engine));
    assert_ok(nn_engine_keep(engine, NULL));
    assert_fails(nn_engine_keep(engine, NULL), BASE_EARG, "can be set only once");
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
static void dropout_masks(bool whole, double p, NnPrecision precision, uint64_t key, NnMode mode, float *logits,
                          float *dx)
{
    NnGraph *g = NULL;
    NnNet *net = NULL;
    NnEngine *engine = NULL;
    assert_ok(nn_graph_create(WIDTH, 1, 1, &g));
    NnNode x = nn_linear(g, nn_input(g), "a", WIDTH, true);
    x = whole ? nn_stochastic_depth(g, x, p) : nn_dropout(g, x, p);
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
        dropout_masks(false, p, (NnPrecision)bf16, 7, NN_MODE_TRAIN, a, dx);
        for (int i = 0; i < ROWS * WIDTH; i++) {
            if (a[i] != 0) assert_near(a[i], 1 / (1 - p), 0, bf16 ? 0.004 : 1e-6);
            kept += a[i] != 0;
            column[i % WIDTH] += a[i] != 0;
        }
        /* a share of 12800 draws: standard deviation 0.0038; five of them */
        assert_near(kept / (ROWS * WIDTH), 1 - p, 0.019, 0);
        for (int i = 0; i < WIDTH; i++) assert_near(dx[i], column[i] / (1 - p), 1e-3, bf16 ? 0.004 : 1e-5);
        dropout_masks(false, p, (NnPrecision)bf16, 7, NN_MODE_TRAIN, b, NULL);
        assert_memory_equal(a, b, ROWS * WIDTH * sizeof *a);
        dropout_masks(false, p, (NnPrecision)bf16, 8, NN_MODE_TRAIN, b, NULL);
        for (int i = 0; i < ROWS * WIDTH; i++) same += (a[i] != 0) == (b[i] != 0);
        assert_near(same / (ROWS * WIDTH), p * p + (1 - p) * (1 - p), 0.025, 0);
        dropout_masks(false, p, (NnPrecision)bf16, 7, NN_MODE_EVAL, b, NULL);
        for (int i = 0; i < ROWS * WIDTH; i++) assert_near(b[i], 1, 0, 0);
        dropout_masks(false, p, (NnPrecision)bf16, 7, NN_MODE_EVAL_GRAD, b, dx);
        for (int i = 0; i < WIDTH; i++) assert_near(dx[i], ROWS, 0, 0);
    }
    base_free(a);
    base_free(b);
}

/* Images are kept or dropped as a whole, alike on the way back; elsewhere nothing happens. */
static void test_stochastic_depth(void **state)
{
    (void)state;
    float *a = twin_floats(ROWS * WIDTH), dx[WIDTH];
    double p = 0.25, kept = 0;
    for (int bf16 = 0; bf16 <= (nn_precision_available(NN_BF16) == NN_BF16); bf16++, kept = 0) {
        dropout_masks(true, p, (NnPrecision)bf16, 7, NN_MODE_TRAIN, a, dx);
        for (int i = 0; i < ROWS * WIDTH; i++) {
            assert_near(a[i], a[i / WIDTH * WIDTH], 0, 0);
            if (a[i] != 0) assert_near(a[i], 1 / (1 - p), 0, bf16 ? 0.004 : 1e-6);
            kept += a[i] != 0;
        }
        /* a share of 200 draws: standard deviation 0.031; four of them */
        assert_near(kept / (ROWS * WIDTH), 1 - p, 0.125, 0);
        for (int i = 0; i < WIDTH; i++) assert_near(dx[i], kept / WIDTH / (1 - p), 1e-3, bf16 ? 0.004 : 1e-5);
        dropout_masks(true, p, (NnPrecision)bf16, 7, NN_MODE_EVAL, a, NULL);
        for (int i = 0; i < ROWS * WIDTH; i++) assert_near(a[i], 1, 0, 0);
    }
    base_free(a);
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

typedef struct {
    const TwinCase *c;
    const NnNet *net;
    float *x, *logits, *grads;
} Wide;

static BaseStatus train_once(void *user)
{
    const Wide *w = user;
    NnNet *net = NULL;
    NnEngine *engine = NULL;
    BaseStatus st = BASE_OK;
    BASE_TRY(nn_net_clone(w->net, &net));
    BASE_TRY(nn_engine_create(net, NN_MODE_TRAIN, NN_F32, w->c->n, &engine));
    BASE_TRY(nn_engine_forward(engine, w->x, w->c->n, 0, w->logits));
    BASE_TRY(nn_engine_backward(engine, w->logits, w->grads));
out:
    nn_engine_free(engine);
    nn_net_free(net);
    return st;
}

/* The same of every operation that the small network has not. */
static void test_failed_allocations_of_operations(void **state)
{
    (void)state;
    static const TwinCase OF[] = {{"grouped", grouped, 3, 9, 8, 2}, {"channels", channels, 3, 7, 9, 2}};
    for (int i = 0; i < 2; i++) {
        NnNet *net = twin_net(&OF[i]);
        Wide w = {&OF[i], net, twin_normals(2 * 3 * OF[i].H * OF[i].W, "x"), twin_floats(2 * 4),
                  twin_floats(nn_net_param_count(net))};
        support_fail_some_allocations(train_once, &w, 7, 4000);
        nn_net_free(net);
        base_free(w.x);
        base_free(w.logits);
        base_free(w.grads);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_running_statistics),
    FIXTURE_TEST(test_edits_are_seen),
    FIXTURE_TEST(test_kept_inputs),
    cmocka_unit_test(test_dropout),
    cmocka_unit_test(test_stochastic_depth),
    FIXTURE_TEST(test_bad_calls),
    cmocka_unit_test(test_a_batch_of_one_has_no_statistics),
    FIXTURE_TEST(test_not_finite),
    FIXTURE_TEST(test_failed_allocations),
    cmocka_unit_test(test_failed_allocations_of_operations),
};
SUPPORT_MAIN(tests)
