/* Representations by layer, against a network of plain loops in double, and the last layer against the metrics. */
#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "eval/probe/layers.h"
#include "tests/eval/hsic.h"
#include "tests/nn/naive.h"

enum { TRAIN = 90, TEST = 60, SIDE = 6, CHANNELS = 2, K = 3, LAYERS = 5, FORGOTTEN = 1 };

typedef struct {
    DataSet train, test;
    DataForget forget;
    NnNet *nets[3]; /* under test, original, retrained */
    EvalSubject subject;
    EvalProbeConfig config;
} World;

/* Not a ReLU: rows with one value that is not 0 would all have a cosine of 1, and rounding would choose the neighbours. */
static NnNode smooth(NnGraph *g, NnNode x) { return nn_activation(g, x, NN_TANH); }

/* Two convolutions, the second with a stride, and three linear layers. */
static NnNet *small_net(uint64_t seed)
{
    NnGraph *g;
    NnNet *net;
    assert_ok(nn_graph_create(CHANNELS, SIDE, SIDE, &g));
    NnNode x = smooth(g, nn_conv(g, nn_input(g), "first", 5, 3, 1, 1, true));
    x = smooth(g, nn_conv(g, x, "second", 4, 3, 2, 1, true));
    x = smooth(g, nn_linear(g, nn_flatten(g, x), "third", 7, true));
    x = smooth(g, nn_linear(g, x, "fourth", 6, false));
    assert_ok(nn_net_create_take(g, nn_linear(g, x, "head", K, true), &net));
    nn_net_init(net, seed);
    return net;
}

static void fill(DataSet *set, const char *name, int n, uint64_t seed)
{
    static char *names[] = {"a", "b", "c"};
    const int64_t size = CHANNELS * SIDE * SIDE;
    BaseRandom random = base_random_make(seed, "layers_test", 0);
    float *x = NULL;
    *set = (DataSet){.name = (char *)name,
                     .N = n,
                     .C = CHANNELS,
                     .H = SIDE,
                     .W = SIDE,
                     .K = K,
                     .type = DATA_F32,
                     .class_names = names};
    assert_ok(BASE_ALLOC(n * size, &x));
    assert_ok(BASE_ALLOC(n, &set->labels));
    set->images = x;
    for (int i = 0; i < n; i++) {
        set->labels[i] = i % K;
        for (int64_t j = 0; j < size; j++)
            x[i * size + j] = (float)(base_random_normal(&random) + 0.5 * (j % K == i % K));
    }
}

static void world_open(World *w)
{
    *w = (World){0};
    fill(&w->train, "train", TRAIN, 1);
    fill(&w->test, "test", TEST, 2);
    assert_ok(data_forget_classes(&w->train, "1", &w->forget));
    for (int i = 0; i < 3; i++) w->nets[i] = small_net((uint64_t)i);
    base_param_defaults(eval_probe_params, eval_probe_param_count, &w->config);
    w->config.per_class = 20;
    w->config.layers = true;
    w->subject = (EvalSubject){.net = w->nets[0],
                               .original = w->nets[1],
                               .train = data_view_all(&w->train),
                               .test = data_view_all(&w->test),
                               .forget = &w->forget,
                               .precision = NN_F32,
                               .seed = 7};
}

static void world_close(World *w)
{
    for (int i = 0; i < 3; i++) nn_net_free(w->nets[i]);
    data_forget_free(&w->forget);
    base_free(w->train.images);
    base_free(w->train.labels);
    base_free(w->test.images);
    base_free(w->test.labels);
}

/* ---- the twin: [LAYERS][n * C], C in width ---- */

static void naive_inputs(const NnNet *net, const DataView *view, double *rows[LAYERS], int64_t width[LAYERS])
{
    const int64_t size = CHANNELS * SIDE * SIDE;
    float *x = NULL;
    int found = 0;
    assert_ok(BASE_ALLOC(view->n * size, &x));
    for (int64_t i = 0; i < view->n; i++)
        memcpy(x + i * size, (const float *)view->set->images + data_view_at(view, i) * size, sizeof *x * (size_t)size);
    Naive a = naive_create(net, view->n, false);
    naive_forward(&a, x);
    for (int node = 0; node < nn_graph_size(a.graph); node++) {
        const NnNodeInfo *info = naive_node(&a, node);
        if (info->kind != NN_NODE_CONV && info->kind != NN_NODE_LINEAR) continue;
        const NnNodeInfo *in = naive_node(&a, info->in[0]);
        const int64_t pixels = in->H * in->W;
        width[found] = in->C;
        rows[found] = naive_doubles(view->n * in->C);
        for (int64_t i = 0; i < view->n * in->C; i++)
            for (int64_t j = 0; j < pixels; j++)
                rows[found][i] += a.value[info->in[0]][i * pixels + j] / (double)pixels;
        found++;
    }
    assert_int_equal(found, LAYERS);
    naive_free(&a);
    base_free(x);
}

static double naive_cka(const double *x, const double *y, int64_t width, int64_t n)
{
    return (double)(naive_hsic(x, width, y, width, n) /
                    sqrtl(naive_hsic(x, width, x, width, n) * naive_hsic(y, width, y, width, n)));
}

/* Right answers of the five nearest by cosine; of classes with as many votes, the nearest neighbour's. */
static int naive_near(const double *known, const DataView *train, const double *judged, const DataView *test,
                      int64_t width)
{
    int right = 0;
    for (int64_t i = 0; i < test->n; i++) {
        double best[5] = {-2, -2, -2, -2, -2};
        int32_t label[5] = {0};
        for (int64_t k = 0; k < train->n; k++) {
            double xy = 0, xx = 0, yy = 0;
            for (int64_t d = 0; d < width; d++) {
                const double x = known[k * width + d], y = judged[i * width + d];
                xy += x * y;
                xx += x * x;
                yy += y * y;
            }
            double cosine = xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
            int at = 5;
            while (at > 0 && cosine > best[at - 1]) at--;
            for (int m = 4; m > at; m--) best[m] = best[m - 1], label[m] = label[m - 1];
            if (at < 5) best[at] = cosine, label[at] = data_view_label(train, k);
        }
        int votes[K] = {0}, winner = 0;
        for (int m = 0; m < 5; m++) votes[label[m]]++;
        for (int m = 4; m >= 0; m--)
            if (votes[label[m]] >= votes[label[winner]]) winner = m;
        right += label[winner] == data_view_label(test, i);
    }
    return right;
}

static void against_the_twin(void **state)
{
    (void)state;
    World w;
    EvalProbeSets sets;
    EvalLayers got;
    double *known[LAYERS], *judged[3][LAYERS];
    int64_t width[LAYERS];
    int differ = 0;
    world_open(&w);
    assert_ok(eval_probe_layers(&w.subject, &w.config, w.nets[2], EVAL_LAYERS_HELD, &got));
    assert_ok(eval_probe_sets(&w.subject, &w.config, &sets));
    assert_int_equal(got.count, LAYERS);
    assert_int_equal(got.n, TEST / K);
    assert_int_equal(sets.known.n, 20 * K);
    naive_inputs(w.nets[0], &sets.known, known, width);
    for (int i = 0; i < 3; i++) naive_inputs(w.nets[i], &sets.judged, judged[i], width);
    for (int l = 0; l < LAYERS; l++) {
        /* Features are sums of at most 64 products through at most four layers in float32: 4 * 64 * 6e-8, about 1e-5 of
         * their size at worst; centring and leaving out diagonals leaves a tenth of the kernels or more. */
        assert_near(got.cka_original[l].value, naive_cka(judged[0][l], judged[1][l], width[l], got.n), 1e-4, 0);
        assert_near(got.cka_retrained[l].value, naive_cka(judged[0][l], judged[2][l], width[l], got.n), 1e-4, 0);
        int right = naive_near(known[l], &sets.known, judged[0][l], &sets.judged, width[l]);
        assert_near(got.knn[l].value, 100.0 * right / (double)got.n, 0, 1e-12);
        assert_int_equal(got.knn[l].n, got.n);
        differ += l > 0 && fabs(got.cka_original[l].value - got.cka_retrained[l].value) > 0.01;
    }
    assert_near(got.cka_original[0].value, 1, 1e-12, 0); /* the images themselves */
    assert_true(differ > 0);
    for (int l = 0; l < LAYERS; l++) {
        base_free(known[l]);
        for (int i = 0; i < 3; i++) base_free(judged[i][l]);
    }
    eval_probe_sets_free(&sets);
    eval_layers_free(&got);
    world_close(&w);
}

static MathEstimate ask(const char *name, const EvalContext *context)
{
    const BaseEntry *entry;
    MathEstimate out;
    assert_ok(base_registry_find(&eval_registry, name, &entry));
    assert_ok(((const EvalMetric *)entry)->compute(context, EVAL_TEST, &out));
    return out;
}

/* The last layer's numbers are the metrics'. */
static void the_last_layer(void **state)
{
    (void)state;
    World w;
    EvalLayers got;
    EvalFeatures features[3];
    EvalProbed probed;
    world_open(&w);
    w.config.epochs = 1;
    assert_ok(eval_probe_layers(&w.subject, &w.config, w.nets[2], EVAL_LAYERS_HELD, &got));
    assert_ok(eval_probe(&w.subject, &w.config, &probed));
    for (int i = 0; i < 3; i++) assert_ok(eval_probe_forgotten(&w.subject, &w.config, w.nets[i], &features[i]));
    const EvalContext context = {.probed = &probed,
                                 .features = &features[0],
                                 .original_features = &features[1],
                                 .retrained_features = &features[2]};
    const MathEstimate want[] = {ask("knn_forget", &context), ask("cka_original", &context),
                                 ask("cka_retrained", &context)};
    assert_memory_equal(&got.knn[LAYERS - 1], &want[0], sizeof *want);
    assert_memory_equal(&got.cka_original[LAYERS - 1], &want[1], sizeof *want);
    assert_memory_equal(&got.cka_retrained[LAYERS - 1], &want[2], sizeof *want);
    for (int i = 0; i < 3; i++) eval_features_free(&features[i]);
    eval_layers_free(&got);
    world_close(&w);
}

/* A layer at a time, two at a time, or all of them: the same bits. */
static void in_passes(void **state)
{
    (void)state;
    World w;
    EvalLayers all, some;
    world_open(&w);
    assert_ok(eval_probe_layers(&w.subject, &w.config, w.nets[2], EVAL_LAYERS_HELD, &all));
    const int64_t HELD[] = {0, (60 + 3 * 20) * (2 + 5) * 4};
    for (int i = 0; i < 2; i++) {
        assert_ok(eval_probe_layers(&w.subject, &w.config, w.nets[2], HELD[i], &some));
        assert_memory_equal(some.knn, all.knn, LAYERS * sizeof *all.knn);
        assert_memory_equal(some.cka_original, all.cka_original, LAYERS * sizeof *all.knn);
        assert_memory_equal(some.cka_retrained, all.cka_retrained, LAYERS * sizeof *all.knn);
        eval_layers_free(&some);
    }
    eval_layers_free(&all);
    world_close(&w);
}

static void what_is_not_defined(void **state)
{
    (void)state;
    World w;
    EvalLayers got;
    world_open(&w);
    assert_ok(eval_probe_layers(&w.subject, &w.config, NULL, EVAL_LAYERS_HELD, &got)); /* nothing retrained */
    for (int l = 0; l < LAYERS; l++) {
        assert_true(isnan(got.cka_retrained[l].value));
        assert_true(isfinite(got.cka_original[l].value) && isfinite(got.knn[l].value));
    }
    eval_layers_free(&got);
    for (int i = 0; i < TRAIN; i++) w.train.labels[i] = 0; /* no image of the class to be near to */
    assert_ok(eval_probe_layers(&w.subject, &w.config, w.nets[2], EVAL_LAYERS_HELD, &got));
    for (int l = 0; l < LAYERS; l++) assert_true(isnan(got.knn[l].value) && isfinite(got.cka_retrained[l].value));
    eval_layers_free(&got);
    const bool SWITCHES[][2] = {{false, true}, {true, false}};
    for (int i = 0; i < 2; i++) {
        w.config.enabled = SWITCHES[i][0];
        w.config.layers = SWITCHES[i][1];
        assert_ok(eval_probe_layers(&w.subject, &w.config, w.nets[2], EVAL_LAYERS_HELD, &got));
        assert_int_equal(got.count, 0);
        assert_null(got.knn);
    }
    w.config.enabled = w.config.layers = true;
    for (int i = 0; i < TEST; i++) w.test.labels[i] = 0;
    assert_ok(eval_probe_layers(&w.subject, &w.config, w.nets[2], EVAL_LAYERS_HELD, &got));
    assert_int_equal(got.count, 0);
    world_close(&w);
}

/* The cosine of two numbers is 1 or -1: a layer behind one channel has no neighbours. */
static void one_channel(void **state)
{
    (void)state;
    World w;
    EvalLayers got;
    NnGraph *g;
    world_open(&w);
    NnNet *net;
    assert_ok(nn_graph_create(CHANNELS, SIDE, SIDE, &g));
    NnNode x = nn_conv(g, nn_conv(g, nn_input(g), "a", 1, 3, 1, 0, true), "b", 3, 3, 1, 0, true);
    assert_ok(nn_net_create_take(g, nn_linear(g, nn_flatten(g, x), "head", K, true), &net));
    nn_net_init(net, 3);
    w.subject.net = w.subject.original = net;
    assert_ok(eval_probe_layers(&w.subject, &w.config, net, EVAL_LAYERS_HELD, &got));
    assert_int_equal(got.count, 3);
    for (int l = 0; l < 3; l++) {
        assert_int_equal(isnan(got.knn[l].value), l == 1);
        assert_near(got.cka_original[l].value, 1, 1e-12, 0);
    }
    eval_layers_free(&got);
    nn_net_free(net);
    /* and a grey image in two channels */
    const int64_t area = SIDE * SIDE;
    for (int64_t i = 0; i < TRAIN; i++) {
        float *image = (float *)w.train.images + i * CHANNELS * area;
        memcpy(image + area, image, sizeof *image * (size_t)area);
    }
    w.subject.net = w.subject.original = w.nets[0];
    assert_ok(eval_probe_layers(&w.subject, &w.config, NULL, EVAL_LAYERS_HELD, &got));
    for (int l = 0; l < LAYERS; l++) assert_int_equal(isnan(got.knn[l].value), l == 0);
    eval_layers_free(&got);
    world_close(&w);
}

static BaseStatus everything(void *user)
{
    World *w = user;
    EvalLayers got;
    BaseStatus st = eval_probe_layers(&w->subject, &w->config, w->nets[2], 0, &got);
    eval_layers_free(&got);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    World w;
    world_open(&w);
    support_fail_some_allocations(everything, &w, 5, 4000);
    world_close(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(against_the_twin),    cmocka_unit_test(the_last_layer), cmocka_unit_test(in_passes),
    cmocka_unit_test(what_is_not_defined), cmocka_unit_test(one_channel),    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
