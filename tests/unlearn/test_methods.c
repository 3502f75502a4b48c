/* The frame, the controls and the retrained ideal. */
#include "tests/unlearn/small_data.h"

#include <math.h>

#include "math/linalg.h"
#include "unlearn/layers/select.h"

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

/* Two classifiers that are averaged, one of them drawn before a layer that only the other one is behind. */
static NnNet *two_classifiers(void)
{
    NnGraph *g = NULL;
    NnNet *net = NULL;
    assert_ok(nn_graph_create(3, 12, 12, &g));
    NnNode x = nn_flatten(g, small_block(g, nn_input(g), 1, 4));
    NnNode one = nn_relu(g, nn_linear(g, x, "one", 5, true));
    x = nn_relu(g, nn_linear(g, x, "fc", 20, true));
    x = nn_activation(g, nn_add(g, nn_linear(g, x, "two", 5, true), one), NN_HALF);
    assert_ok(nn_net_create_take(g, x, &net));
    nn_net_init(net, 3);
    return net;
}

static void test_select_two_classifiers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t k;
        uint8_t want[4]; /* conv1, one, fc, two */
    } CASES[] = {{"last", 1, {0, 1, 0, 1}},
                 {"last 1", 1, {0, 1, 0, 1}},
                 {"last 2", 2, {0, 1, 1, 1}},
                 {"last 3", 3, {1, 1, 1, 1}},
                 {"last 4", 4, {1, 1, 1, 1}}};
    NnNet *net = two_classifiers(), *single = small_net();
    int layers[NN_CLASSIFIERS];
    assert_int_equal(nn_net_classifiers(net, layers), 2);
    assert_int_equal(layers[0], 1);
    assert_int_equal(layers[1], 3);
    assert_int_equal(nn_net_classifiers(single, layers), 1);
    assert_int_equal(layers[0], 3);
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        uint8_t *selected;
        assert_ok(unlearn_layers_select(net, CASES[i].text, &selected));
        assert_memory_equal(selected, CASES[i].want, 4);
        base_free(selected);
        assert_ok(unlearn_layers_last(net, CASES[i].k, &selected));
        assert_memory_equal(selected, CASES[i].want, 4);
        base_free(selected);
    }
    nn_net_free(single);
    nn_net_free(net);
}

/* What is done to the classifier is done to both, and to nothing else. */
static void test_two_classifiers(void **state)
{
    (void)state;
    static const struct {
        const char *method, *settings[4];
        bool biases;
    } CASES[] = {{"cf_k", {"k=1", "epochs=1"}, true},
                 {"eu_k", {"k=1", "epochs=1"}, true},
                 {"eu_k", {"k=1", "epochs=1", "renew=layers"}, true},
                 {"finetune", {"layers=last", "epochs=1"}, true},
                 {"svd", {"layers=last"}, false},
                 {"last_layer", {NULL}, false}};
    Small *s = small_open("2");
    NnNet *net;
    int count;
    nn_net_free(s->net);
    s->context.original = s->net = two_classifiers();
    const NnSlice *slices = nn_net_param_slices(s->net, &count);
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        assert_ok(small_run(s, CASES[i].method, CASES[i].settings, &net, NULL));
        for (int p = 0; p < count; p++) {
            const char *name = slices[p].name;
            bool classifier = strncmp(name, "one.", 4) == 0 || strncmp(name, "two.", 4) == 0;
            bool same = memcmp(nn_net_params(net) + slices[p].offset, nn_net_params(s->net) + slices[p].offset,
                               (size_t)slices[p].count * sizeof(float)) == 0;
            if (same == (classifier && (CASES[i].biases || slices[p].ndim > 1)))
                fail_msg("%s: %s %s", CASES[i].method, name, same ? "stayed" : "moved");
        }
        nn_net_free(net);
    }
    float *w = nn_net_edit_params(s->net);
    for (int64_t j = 0; j < nn_net_param_count(s->net); j++) w[j] += 3;
    assert_ok(small_run(s, "fisher", NULL, &net, NULL));
    const float *noise = nn_net_params(net);
    for (int p = 0; p < count; p++) {
        const int64_t row = slices[p].count / slices[p].shape[0];
        const bool classifier = strncmp(slices[p].name, "one.", 4) == 0 || strncmp(slices[p].name, "two.", 4) == 0;
        for (int64_t j = 2 * row; classifier && j < 3 * row; j++) /* 0 and noise of deviation sqrt(1e-3) */
            assert_near((double)noise[slices[p].offset + j], 0, 0.2, 0);
    }
    nn_net_free(net);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_frame),
    cmocka_unit_test(test_not_finite),
    cmocka_unit_test(test_mask_logit),
    cmocka_unit_test(test_retrain),
    cmocka_unit_test(test_random_projection),
    cmocka_unit_test(test_select_two_classifiers),
    cmocka_unit_test(test_two_classifiers),
};
SUPPORT_MAIN(tests)
