/* Grad-CAM against a twin that knows the gradient in closed form, and against finite differences. */
#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "data/set/build.h"
#include "eval/saliency/saliency.h"

enum { N = 24, C = 2, H = 9, W = 8, K = 4, MAPS = 3 };

/* conv 3x3 -> ReLU -> flatten -> linear: the last ReLU map is A, and dz_y / dA = the classifier's row y. */
static NnNet *make_net(void)
{
    NnGraph *g = NULL;
    NnNet *net = NULL;
    assert_ok(nn_graph_create(C, H, W, &g));
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "conv", MAPS, 3, 1, 1, true));
    assert_ok(nn_net_create_take(g, nn_linear(g, nn_flatten(g, x), "fc", K, true), &net));
    nn_net_init(net, 7);
    return net;
}

static DataSet *make_set(void)
{
    DataSet *set = NULL;
    BaseRandom r = base_random_make(3, "pixels", 0);
    assert_ok(data_set_create("synthetic", DATA_F32, N, C, H, W, K, &set));
    for (int64_t i = 0; i < N * C * H * W; i++) ((float *)set->images)[i] = (float)base_random_uniform(&r);
    for (int64_t i = 0; i < N; i++) set->labels[i] = (int32_t)(i % K);
    assert_ok(data_set_name_classes(set, NULL));
    assert_ok(data_set_finish(set, "images", "labels"));
    return set;
}

/* A [MAPS, H, W] in double */
static void naive_map(const NnNet *net, const float *x, double *a)
{
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    const float *w = nn_net_params(net) + slices[0].offset, *b = nn_net_params(net) + slices[1].offset;
    for (int k = 0; k < MAPS; k++)
        for (int i = 0; i < H; i++)
            for (int j = 0; j < W; j++) {
                double sum = b[k];
                for (int c = 0; c < C; c++)
                    for (int u = -1; u <= 1; u++)
                        for (int v = -1; v <= 1; v++)
                            if (i + u >= 0 && i + u < H && j + v >= 0 && j + v < W)
                                sum += (double)w[((k * C + c) * 3 + u + 1) * 3 + v + 1] *
                                       (double)x[(c * H + i + u) * W + j + v];
                a[(k * H + i) * W + j] = fmax(0, sum);
            }
}

static double naive_logit(const NnNet *net, const double *a, int y)
{
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    const float *w = nn_net_params(net) + slices[2].offset, *b = nn_net_params(net) + slices[3].offset;
    double sum = b[y];
    for (int p = 0; p < MAPS * H * W; p++) sum += (double)w[y * MAPS * H * W + p] * a[p];
    return sum;
}

/* The map of one image, its gradient by central differences: z is linear in A, so h = 1e-3 errs by rounding alone. */
static void naive_cam(const NnNet *net, const float *x, int y, float *map)
{
    double a[MAPS * H * W], sum[H * W] = {0}, h = 1e-3;
    naive_map(net, x, a);
    for (int k = 0; k < MAPS; k++) {
        double weight = 0;
        for (int p = 0; p < H * W; p++) {
            double kept = a[k * H * W + p], sides[2];
            for (int s = 0; s < 2; s++) {
                a[k * H * W + p] = kept + (s ? h : -h);
                sides[s] = naive_logit(net, a, y);
            }
            a[k * H * W + p] = kept;
            weight += (sides[1] - sides[0]) / (2 * h) / (H * W);
        }
        for (int p = 0; p < H * W; p++) sum[p] += weight * a[k * H * W + p];
    }
    for (int p = 0; p < H * W; p++) map[p] = (float)fmax(0, sum[p]);
}

/* float32 sums of some hundred terms of the same size against double: 1e-5 of the largest map value. */
static void test_twin(void **state)
{
    (void)state;
    NnNet *net = make_net();
    DataSet *set = make_set();
    DataForget forget = {0};
    EvalSaliency s, again;
    const EvalSaliencyConfig config = {.enabled = true, .images = 3, .side = 5};
    assert_ok(data_forget_classes(set, "2", &forget));
    const EvalSubject subject = {.net = net,
                                 .original = net,
                                 .train = data_view_all(set),
                                 .test = data_view_all(set),
                                 .forget = &forget,
                                 .seed = 5};
    assert_ok(eval_saliency_check(net, &config));
    assert_ok(eval_saliency(&subject, net, &config, &s));
    assert_true(s.n == 6 && s.C == C && s.H == H && s.W == W && s.h == H && s.w == W);
    int positive = 0;
    for (int64_t i = 0; i < s.n; i++) {
        const float *x = s.pictures + i * C * H * W;
        double a[MAPS * H * W], z[K], total = 0;
        float want[H * W];
        int best = 0;
        assert_int_equal(s.forgotten[i], i < 3);
        assert_int_equal(s.labels[i] == 2, i < 3);
        naive_cam(net, x, s.labels[i], want);
        for (int p = 0; p < H * W; p++) positive += want[p] > 0;
        for (int p = 0; p < H * W; p++) assert_near(s.maps[i * H * W + p], want[p], 1e-5, 1e-4);
        naive_map(net, x, a);
        for (int k = 0; k < K; k++) {
            z[k] = naive_logit(net, a, k);
            if (z[k] > z[best]) best = k;
        }
        for (int k = 0; k < K; k++) total += exp(z[k] - z[best]);
        assert_int_equal(s.predicted[i], best);
        assert_near(s.confidence[i], exp(z[s.labels[i]] - z[best]) / total, 1e-6, 0);
    }
    assert_true(positive > 20); /* else the maps would agree on nothing */
    assert_ok(eval_saliency(&subject, net, &config, &again));
    assert_memory_equal(s.maps, again.maps, (size_t)(s.n * s.h * s.w) * sizeof *s.maps);
    eval_saliency_free(&s);
    eval_saliency_free(&again);
    data_forget_free(&forget);
    data_set_free(set);
    nn_net_free(net);
}

static void test_refused(void **state)
{
    (void)state;
    NnNet *net = make_net();
    const EvalSaliencyConfig large = {.enabled = true, .images = 3, .side = 9}, off = {.enabled = false, .side = 9};
    assert_fails(eval_saliency_check(net, &large), BASE_EUSAGE, "saliency: this network has no map of 9 x 9");
    assert_ok(eval_saliency_check(net, &off));
    nn_net_free(net);
}

typedef struct {
    const EvalSubject *subject;
    const NnNet *net;
} Once;

static BaseStatus once(void *user)
{
    const Once *o = user;
    EvalSaliency s;
    const EvalSaliencyConfig config = {.enabled = true, .images = 1, .side = 5};
    BaseStatus st = eval_saliency(o->subject, o->net, &config, &s);
    eval_saliency_free(&s);
    return st;
}

static void test_allocations(void **state)
{
    (void)state;
    NnNet *net = make_net();
    DataSet *set = make_set();
    DataForget forget = {0};
    assert_ok(data_forget_classes(set, "2", &forget));
    const EvalSubject subject = {.net = net, .original = net, .test = data_view_all(set), .forget = &forget};
    Once o = {&subject, net};
    support_fail_allocations(once, &o, 2000);
    data_forget_free(&forget);
    data_set_free(set);
    nn_net_free(net);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_twin),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_allocations),
};
SUPPORT_MAIN(tests)
