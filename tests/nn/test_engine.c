#include "tests/support/support.h"

#include <math.h>

#include "tests/nn/cases.h"

static int watched_count;

/* many_channels is slow and adds nothing to the gradient of the input */
static int last_mode(const TwinCase *c) { return c->draw == many_channels ? NN_MODE_EVAL_GRAD : NN_MODE_TRAIN_INPUT; }

/* float32 rounds each operation by 2^-24; sums of some hundred terms through ten layers stay below 1e-5 of the largest.
 * Winograd's transforms multiply by up to 8 and 1/24 each way, and their sums cancel: its errors, 2^-24 times some ten,
 * are independent, and a layer of 576 terms stays below 4e-6 of its largest output. */
static void test_f32_equals_the_twin(void **state)
{
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++)
        for (int mode = NN_MODE_EVAL; mode <= last_mode(&CASES[i]); mode++)
            twin_check(&CASES[i], NULL, (NnMode)mode, NN_F32, 1e-5, 2e-5, &watched_count, NULL);
    assert_true(watched_count >= 3);
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
            twin_check(&CASES[i], NULL, (NnMode)mode, NN_BF16, 0.06, 0.2, &watched_count, NULL);
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
            /* no kind of node that the others lack, and slow */
            if (c->draw == many_channels || c->draw == taken_along) continue;
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

static const struct CMUnitTest tests[] = {
    FIXTURE_TEST(test_logits_of_the_reference),          FIXTURE_TEST(test_gradients_of_the_reference),
    cmocka_unit_test(test_twin_gradient_by_differences), cmocka_unit_test(test_f32_equals_the_twin),
    cmocka_unit_test(test_bf16_is_near_the_twin),
};
SUPPORT_MAIN(tests)
