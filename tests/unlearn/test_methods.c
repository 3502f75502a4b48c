/* The frame, the controls and the retrained ideal. */
#include "tests/unlearn/small_data.h"

#include <math.h>

#include "math/linalg.h"

static bool same_bits(const NnNet *a, const NnNet *b)
{
    return memcmp(nn_net_params(a), nn_net_params(b), (size_t)nn_net_param_count(a) * sizeof(float)) == 0 &&
           memcmp(nn_net_buffers(a), nn_net_buffers(b), (size_t)nn_net_buffer_count(a) * sizeof(float)) == 0;
}

static void test_frame(void **state)
{
    (void)state;
    const UnlearnMethod *method = NULL;
    assert_fails(unlearn_find("svdd", &method), BASE_ENOTFOUND, "did you mean 'svd'");
    assert_null(method);
    Small *s = small_open("2");
    NnNet *net = NULL;
    UnlearnReport report;
    assert_ok(small_run(s, "none", NULL, &net, &report));
    assert_true(same_bits(net, s->net));
    assert_true(report.layer_count == 0 && isnan(report.alpha_retain) && report.prepare_seconds >= 0);
    unlearn_report_free(&report);
    nn_net_free(net);
    memset(s->forget.classes.in, 0, 5);
    s->forget.classes.count = 0;
    assert_fails(small_run(s, "none", NULL, &net, NULL), BASE_EUSAGE, "method none: 0 of 5 classes");
    nn_net_free(net);
    memset(s->forget.classes.in, 1, 5);
    s->forget.classes.count = 5;
    assert_fails(small_run(s, "svd", NULL, &net, NULL), BASE_EUSAGE, "one must stay");
    nn_net_free(net);
    s->forget.classes.count = 1;
    s->context.train.n = 0;
    assert_fails(small_run(s, "svd", NULL, &net, NULL), BASE_EUSAGE, "no image");
    nn_net_free(net);
    small_close(s);
}

static BaseStatus spoil(const UnlearnContext *context, void *state, const void *params, NnNet *net,
                        UnlearnReport *report)
{
    (void)context, (void)state, (void)params;
    nn_net_edit_params(net)[nn_net_param_count(net) - 1] = NAN;
    return BASE_ALLOC(3, &report->layers);
}

static void test_not_finite(void **state)
{
    (void)state;
    static const UnlearnMethod spoiler = {.entry = BASE_ENTRY_PLAIN("spoiler", "", ""), .apply = spoil};
    Small *s = small_open("2");
    NnNet *net = NULL;
    UnlearnReport report;
    assert_ok(nn_net_clone(s->net, &net));
    assert_fails(unlearn_run(&spoiler, &s->context, NULL, net, &report), BASE_ENUMERIC, "fc2.bias is not finite");
    assert_null(report.layers);
    nn_net_free(net);
    small_close(s);
}

static void test_mask_logit(void **state)
{
    (void)state;
    Small *s = small_open("1,3");
    NnNet *net = NULL;
    float *logits = NULL, *before = NULL;
    assert_ok(small_run(s, "mask_logit", NULL, &net, NULL));
    assert_ok(BASE_ALLOC(48 * 5, &logits));
    assert_ok(BASE_ALLOC(48 * 5, &before));
    assert_ok(nn_predict(s->net, &s->context.train, NN_F32, "test", before));
    assert_ok(nn_predict(net, &s->context.train, NN_F32, "test", logits));
    for (int i = 0; i < 48; i++) {
        for (int k = 0; k < 5; k++) {
            if (s->forget.classes.in[k])
                assert_near((double)logits[i * 5 + k], -1e4, 1e-3, 0);
            else
                assert_near((double)logits[i * 5 + k], (double)before[i * 5 + k], 1e-6, 1e-6);
        }
    }
    nn_net_free(net);
    base_free(logits);
    base_free(before);

    NnGraph *g = NULL;
    NnNet *bare = NULL;
    assert_ok(nn_graph_create(3, 12, 12, &g));
    assert_ok(nn_net_create_take(g, nn_linear(g, nn_flatten(g, nn_input(g)), "head", 5, false), &bare));
    s->context.original = bare;
    const UnlearnMethod *method = NULL;
    UnlearnReport report;
    assert_ok(unlearn_find("mask_logit", &method));
    assert_fails(unlearn_run(method, &s->context, NULL, bare, &report), BASE_EUSAGE, "head has no bias");
    nn_net_free(bare);

    assert_ok(nn_graph_create(3, 12, 12, &g)); /* SqueezeNet's classifier, whose ReLU would make 0 of -10000 */
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "map", 5, 1, 1, 0, true));
    assert_ok(nn_net_create_take(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), &bare));
    s->context.original = bare;
    assert_fails(unlearn_run(method, &s->context, NULL, bare, &report), BASE_EUSAGE, "outputs of the classifier map");
    nn_net_free(bare);
    small_close(s);
}

static NnTrainConfig quick_training(int64_t epochs)
{
    NnTrainConfig config = {0};
    base_param_defaults(nn_train_params, nn_train_param_count, &config);
    config.epochs = epochs;
    config.batch_size = 16;
    config.augment = false;
    return config;
}

/* Retraining is training from the seed's initialisation on the retained images: done here by hand. */
static void test_retrain(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    NnNet *net = NULL, *want = NULL;
    UnlearnReport report;
    assert_fails(small_run(s, "retrain", NULL, &net, NULL), BASE_EUSAGE, "training settings");
    nn_net_free(net);
    NnTrainConfig config = quick_training(2);
    s->context.training = &config;
    assert_ok(small_run(s, "retrain", NULL, &net, &report));
    assert_int_equal(report.samples_retain, 48 - 10 - 9);
    assert_int_equal(report.samples_forget, 0);
    assert_near(report.passes, 2 * 29, 0, 0);
    unlearn_report_free(&report);
    DataIndex forget = {0}, retain = {0};
    assert_ok(data_forget_partition(&s->context.train, &s->forget, &forget, &retain));
    DataView view = data_view_of(&s->set, &retain);
    assert_ok(nn_net_clone(s->net, &want));
    nn_net_init(want, 11);
    assert_ok(nn_train(want, &view, &config, NN_F32, 11, "test", NULL));
    assert_true(same_bits(net, want));
    assert_false(same_bits(net, s->net));
    nn_net_free(net);
    assert_ok(small_run(s, "retrain", SETTINGS("epochs=1"), &net, &report));
    assert_near(report.passes, 29, 0, 0);
    assert_false(same_bits(net, want));
    unlearn_report_free(&report);
    nn_net_free(net);
    nn_net_free(want);
    data_index_free(&forget);
    data_index_free(&retain);
    small_close(s);
}

/* W' keeps what is orthogonal to the random rows: W - W' has rank r and W' (W - W')^T = 0. */
static void test_random_projection(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL, *svd = NULL;
    UnlearnReport report, of_svd;
    assert_ok(small_run(s, "random_projection", SETTINGS("patches=all"), &net, &report));
    assert_ok(small_run(s, "svd", SETTINGS("patches=all"), &svd, &of_svd));
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    for (int i = 0; i < count; i++) {
        int64_t K = layers[i].K, f = layers[i].features, size = K * f;
        const float *a = nn_net_params(net) + slices[layers[i].weight].offset;
        const float *w = nn_net_params(s->net) + slices[layers[i].weight].offset;
        float *d = NULL, *product = NULL;
        assert_ok(BASE_ALLOC(size, &d));
        assert_ok(BASE_ALLOC(K * K, &product));
        for (int64_t j = 0; j < size; j++) d[j] = w[j] - a[j];
        assert_ok(math_gemm(false, true, K, K, f, 1, a, d, 0, product));
        double change = sqrt(math_dot(d, d, size) / math_dot(w, w, size));
        for (int64_t j = 0; j < K * K; j++) assert_near((double)product[j], 0, 1e-5 * math_dot(w, w, size), 0);
        /* r is rounded and the share of W in r random directions scatters: the same size to a factor */
        double want = of_svd.layers[i].weight_change, least = sqrt(1 / (double)f);
        assert_near(report.layers[i].weight_change, change, 1e-6, 1e-4);
        assert_true(change > 0.3 * want && change < 3 * (want > least ? want : least));
        base_free(d);
        base_free(product);
    }
    assert_int_equal(report.layer_count, of_svd.layer_count);
    unlearn_report_free(&report);
    unlearn_report_free(&of_svd);
    nn_net_free(net);
    nn_net_free(svd);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_frame),   cmocka_unit_test(test_not_finite),        cmocka_unit_test(test_mask_logit),
    cmocka_unit_test(test_retrain), cmocka_unit_test(test_random_projection),
};
SUPPORT_MAIN(tests)
