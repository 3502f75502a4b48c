/* SVD unlearning against float64 reference edits and against a naive double twin of its sampled form. */
#include "tests/unlearn/small_data.h"

#include <math.h>

#include "base/random.h"
#include "nn/arch/arch.h"
#include "unlearn/layers/sample.h"
#include "unlearn/layers/select.h"

/* The edit is a difference that float32 activations (1e-6 relative), alpha_r = 100 and the projection each blur a
 * little: 1e-3 of the largest entry of the edit. A missing transpose, a window off by one or a wrong sample change it
 * by 0.1 and more. */
#define EDIT_TOLERANCE 1e-3

#define EVERYTHING "patches=all", "retain_per_class=0", "forget_samples=0"

static void check_weights(const Small *s, const NnNet *got, const double *want, const uint8_t *edited)
{
    int slice_count, layer_count;
    const NnSlice *slices = nn_net_param_slices(got, &slice_count);
    const NnLayer *layers = nn_net_layers(got, &layer_count);
    const float *a = nn_net_params(got), *b = nn_net_params(s->net);
    for (int i = 0; i < slice_count; i++) {
        int layer = -1;
        for (int j = 0; j < layer_count; j++)
            if (layers[j].weight == i) layer = j;
        if (layer < 0 || (edited && !edited[layer])) { /* biases, batch norm, layers left out: bit for bit */
            assert_memory_equal(a + slices[i].offset, b + slices[i].offset, (size_t)slices[i].count * sizeof *a);
            continue;
        }
        double error = small_edit_error(slices + i, a, want, b);
        if (!(error <= EDIT_TOLERANCE)) fail_msg("%s: the edit is off by %g", slices[i].name, error);
    }
    assert_memory_equal(nn_net_buffers(got), nn_net_buffers(s->net), (size_t)nn_net_buffer_count(got) * sizeof(float));
    assert_int_equal(*nn_net_batches_tracked((NnNet *)(uintptr_t)got), *nn_net_batches_tracked(s->net));
}

static void test_reference(void **state)
{
    (void)state;
    static const char *const ROUTES[] = {"route=auto", "route=closed", "route=svd", "route=eigen", "route=reference"};
    Small *s = small_open("2");
    double *want = small_params(s->file, "unlearn_class2/params", s->net);
    for (int i = 0; i < 5; i++) {
        NnNet *net = NULL;
        UnlearnReport report = {0};
        assert_ok(small_run(s, "svd", SETTINGS(EVERYTHING, ROUTES[i]), &net, &report));
        check_weights(s, net, want, NULL);
        assert_int_equal(report.layer_count, 4);
        assert_int_equal(report.samples_retain, 38);
        assert_int_equal(report.samples_forget, 10);
        assert_near(report.passes, 48, 0, 0);
        assert_near(report.alpha_retain, 100, 0, 0);
        assert_near(report.alpha_forget, 3, 0, 0);
        assert_int_equal(report.layers[0].n_retain, 38 * 144);
        assert_int_equal(report.layers[1].n_forget, 10 * 36);
        assert_int_equal(report.layers[2].features, 108);
        assert_string_equal(report.layers[3].name, "fc2");
        for (int j = 0; j < 4; j++) {
            const UnlearnLayer *row = report.layers + j;
            assert_int_equal(row->spectrum_retain != NULL, i > 1);
            assert_int_equal(row->spectrum_forget != NULL, i > 1);
            assert_true(row->weight_change > 0 && row->forget_removed > row->retain_removed && row->retain_removed > 0);
            assert_true(row->forget_removed < 1 && row->rank_retain >= 1 && row->rank_forget >= 1 &&
                        row->trace_retain > 0);
            if (!row->spectrum_retain) continue;
            double sum = 0, squares = 0;
            for (int64_t k = 0; k < row->spectrum_count; k++) {
                sum += row->spectrum_retain[k], squares += row->spectrum_retain[k] * row->spectrum_retain[k];
                assert_true(k == 0 || row->spectrum_forget[k] <= row->spectrum_forget[k - 1]);
            }
            assert_near(sum, 1, 1e-5, 0);
            assert_near(row->rank_retain, 1 / squares, 0, 1e-5);
        }
        unlearn_report_free(&report);
        nn_net_free(net);
    }
    base_free(want);
    small_close(s);
}

static void test_spectra(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL;
    UnlearnReport report = {0};
    double *want = small_params(s->file, "unlearn_class2/params", s->net);
    assert_ok(small_run(s, "svd", SETTINGS(EVERYTHING, "spectra=true"), &net, &report));
    check_weights(s, net, want, NULL);
    for (int j = 0; j < 4; j++) assert_true(report.layers[j].spectrum_retain && report.layers[j].spectrum_forget);
    base_free(want);
    unlearn_report_free(&report);
    nn_net_free(net);
    small_close(s);
}

/* An attention's packed weight has no dot in front of "weight"; timm calls it otherwise. */
static void test_layer_names(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"encoder.layers.encoder_layer_3.self_attention.in_proj_weight",
                                        "encoder.layers.encoder_layer_3.self_attention.in_proj",
                                        "encoder.layers.encoder_layer_3.self_attention.in_proj_bias",
                                        "blocks.3.attn.qkv.weight", "blocks.3.attn.qkv"};
    const NnArch *arch;
    NnNet *net;
    int count;
    assert_ok(nn_arch_find("vit_b_32", &arch));
    assert_ok(nn_arch_build_at(arch, (int64_t[]){3, 160, 160}, 3, false, &net));
    const NnLayer *layers = nn_net_layers(net, &count);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        uint8_t *selected;
        assert_ok(unlearn_layers_select(net, NAMES[i], &selected));
        for (int l = 0; l < count; l++)
            assert_int_equal(selected[l],
                             !strcmp(layers[l].name, "encoder.layers.encoder_layer_3.self_attention.in_proj"));
        base_free(selected);
    }
    uint8_t *selected;
    assert_fails(unlearn_layers_select(net, "module.heads.head", &selected), BASE_EUSAGE, "no layer named");
    assert_null(selected);
    nn_net_set_prefix(net, "module."); /* as the file says that the weights are from */
    assert_ok(unlearn_layers_select(net, "module.heads.head.weight", &selected));
    assert_true(selected[count - 1]);
    base_free(selected);
    nn_net_free(net);
}

static void test_layers(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL;
    double *want = small_params(s->file, "unlearn_class2/params", s->net);
    assert_ok(small_run(s, "svd", SETTINGS(EVERYTHING, "layers=last"), &net, NULL));
    check_weights(s, net, want, (const uint8_t[]){0, 0, 0, 1});
    nn_net_free(net);
    static const struct {
        const char *text;
        uint8_t edited[4];
    } PLACES[] = {{"layers=first 3", {1, 1, 1, 0}}, {"layers=last 2", {0, 0, 1, 1}}, {"layers=only 2", {0, 1, 0, 0}}};
    for (int i = 0; i < 3; i++) {
        assert_ok(small_run(s, "svd", SETTINGS(EVERYTHING, PLACES[i].text), &net, NULL));
        check_weights(s, net, want, PLACES[i].edited);
        nn_net_free(net);
    }
    assert_fails(small_run(s, "svd", SETTINGS("layers=first 5"), &net, NULL), BASE_EUSAGE, "1 to 4");
    nn_net_free(net);
    assert_fails(small_run(s, "svd", SETTINGS("layers=only x"), &net, NULL), BASE_EUSAGE, "1 to 4");
    nn_net_free(net);
    /* by their own names, and as PyTorch prints their parameters */
    static const char *const NAMES[] = {"layers=[conv2, fc1]", "layers=[conv2.weight, fc1.bias]"};
    for (int i = 0; i < 2; i++) {
        assert_ok(small_run(s, "svd", SETTINGS(EVERYTHING, NAMES[i]), &net, NULL));
        check_weights(s, net, want, (const uint8_t[]){0, 1, 1, 0});
        nn_net_free(net);
    }
    assert_fails(small_run(s, "svd", SETTINGS("layers=[conv2.weigh]"), &net, NULL), BASE_EUSAGE, "conv2.weigh");
    nn_net_free(net);
    assert_fails(small_run(s, "svd", SETTINGS("layers=[conv1, cnv2]"), &net, NULL), BASE_EUSAGE,
                 "did you mean 'conv2'?");
    nn_net_free(net);
    assert_fails(small_run(s, "svd", SETTINGS("layers=[]"), &net, NULL), BASE_EUSAGE, "names no layer");
    assert_memory_equal(nn_net_params(net), nn_net_params(s->net), (size_t)nn_net_param_count(net) * sizeof(float));
    nn_net_free(net);
    base_free(want);
    small_close(s);
}

/* ---- the sampled form: windows, chosen patches and the projection in double, one value at a time ---- */

static float *tap_all(const NnNet *net, const DataView *view, int number)
{
    int count;
    const NnLayer *layer = nn_net_layers(net, &count) + number;
    NnNet *copy = NULL;
    NnEngine *engine = NULL;
    float *x = NULL, *map = NULL, *logits = NULL;
    int64_t size = view->set->C * view->set->H * view->set->W;
    assert_ok(nn_net_clone(net, &copy));
    assert_ok(nn_engine_create(copy, NN_MODE_EVAL, NN_F32, view->n, &engine));
    assert_ok(BASE_ALLOC(view->n * size, &x));
    assert_ok(BASE_ALLOC(view->n * layer->C * layer->H * layer->W, &map));
    assert_ok(BASE_ALLOC(view->n * nn_net_classes(net), &logits));
    for (int64_t i = 0; i < view->n; i++)
        memcpy(x + i * size, (const float *)view->set->images + data_view_at(view, i) * size, (size_t)size * sizeof *x);
    assert_ok(nn_engine_forward(engine, x, view->n, 0, logits));
    assert_ok(nn_engine_tap(engine, number, map));
    nn_engine_free(engine);
    nn_net_free(copy);
    base_free(x);
    base_free(logits);
    return map;
}

/* G = X^T X / ||X||^2 over the patches that (seed, side, layer) selects, of one group's channels. */
static double *naive_gram(const NnLayer *l, int64_t group, const float *map, int64_t images, int number, uint64_t seed,
                          const char *side, int64_t most)
{
    char stream[64];
    int64_t kh = l->kernel_h, kw = l->kernel_w, d = l->dilation, f = l->features, y0 = 0, x0 = 0, h = l->H, w = l->W,
            *chosen = NULL, high = (kh - 1) * d + 1, wide = (kw - 1) * d + 1, channels = l->C / l->groups;
    bool conv = l->kind == NN_LAYER_CONV;
    double *g = NULL, *row = NULL, trace = 0;
    assert_ok(BASE_ALLOC(f * f, &g));
    assert_ok(BASE_ALLOC(f, &row));
    if (conv) {
        snprintf(stream, sizeof stream, "%s_window", side);
        BaseRandom random = base_random_make(seed, stream, (uint64_t)number);
        if (h > 3 * high) h = 3 * high;
        if (w > 3 * wide) w = 3 * wide;
        y0 = (int64_t)base_random_below(&random, (uint64_t)(l->H - h + 1));
        x0 = (int64_t)base_random_below(&random, (uint64_t)(l->W - w + 1));
    }
    int64_t oh = conv ? (h + 2 * l->pad_h + l->more_h - high) / l->stride + 1 : h,
            ow = conv ? (w + 2 * l->pad_w + l->more_w - wide) / l->stride + 1 : w;
    int64_t total = images * oh * ow, take = (conv || h * w > 1) && total > most ? most : total;
    assert_ok(BASE_ALLOC(total, &chosen));
    for (int64_t i = 0; i < total; i++) chosen[i] = i;
    if (take < total) {
        snprintf(stream, sizeof stream, "%s_patches", side);
        BaseRandom random = base_random_make(seed, stream, (uint64_t)number);
        base_random_choose(&random, total, take, chosen);
    }
    for (int64_t r = 0; r < take; r++) {
        int64_t image = chosen[r] / (oh * ow), i = chosen[r] / ow % oh, j = chosen[r] % ow, at = 0;
        for (int64_t c = group * channels; c < (group + 1) * channels; c++) {
            for (int64_t ky = 0; conv && ky < kh; ky++) {
                for (int64_t kx = 0; kx < kw; kx++, at++) {
                    int64_t y = i * l->stride - l->pad_h + ky * d, x = j * l->stride - l->pad_w + kx * d;
                    bool in = y >= 0 && y < h && x >= 0 && x < w;
                    row[at] = in ? (double)map[((image * l->C + c) * l->H + y0 + y) * l->W + x0 + x] : 0;
                }
            }
            if (!conv) row[c] = (double)map[((image * l->C + c) * h + i) * w + j]; /* a token or pixel */
        }
        for (int64_t a = 0; a < f; a++) {
            trace += row[a] * row[a];
            for (int64_t b = 0; b < f; b++) g[a * f + b] += row[a] * row[b];
        }
    }
    for (int64_t i = 0; i < f * f; i++) g[i] /= trace;
    base_free(row);
    base_free(chosen);
    return g;
}

/* rows <- alpha rows G ((alpha - 1) G + I)^-1 by elimination; G symmetric, rows [m, f]. */
static void naive_project(const double *g, int64_t f, double alpha, double *rows, int64_t m)
{
    double *a = NULL, *b = NULL;
    assert_ok(BASE_ALLOC(f * f, &a));
    assert_ok(BASE_ALLOC(f * m, &b)); /* A b = alpha G rows^T */
    for (int64_t i = 0; i < f; i++) {
        for (int64_t j = 0; j < f; j++) a[i * f + j] = (alpha - 1) * g[i * f + j] + (i == j);
        for (int64_t r = 0; r < m; r++)
            for (int64_t j = 0; j < f; j++) b[i * m + r] += alpha * g[i * f + j] * rows[r * f + j];
    }
    for (int64_t c = 0; c < f; c++) { /* positive definite: no pivoting needed */
        for (int64_t i = 0; i < f; i++) {
            double factor = a[i * f + c] / a[c * f + c];
            if (i == c || factor == 0) continue;
            for (int64_t j = c; j < f; j++) a[i * f + j] -= factor * a[c * f + j];
            for (int64_t r = 0; r < m; r++) b[i * m + r] -= factor * b[c * m + r];
        }
    }
    for (int64_t r = 0; r < m; r++)
        for (int64_t i = 0; i < f; i++) rows[r * f + i] = b[i * m + r] / a[i * f + i];
    base_free(a);
    base_free(b);
}

/* Adds tr(P_r P_f) and tr(P_f) of the dense projections. */
static void naive_shared(const double *gr, const double *gf, int64_t f, double alpha_r, double alpha_f, double *part,
                         double *whole)
{
    double *p = NULL;
    assert_ok(BASE_ALLOC(f * f, &p));
    for (int64_t i = 0; i < f; i++) p[i * f + i] = 1;
    naive_project(gf, f, alpha_f, p, f);
    for (int64_t i = 0; i < f; i++) *whole += p[i * f + i];
    naive_project(gr, f, alpha_r, p, f);
    for (int64_t i = 0; i < f; i++) *part += p[i * f + i];
    base_free(p);
}

static void check_sampled(Small *s, const char *route)
{
    DataIndex retain = {0}, forget = {0};
    const double alpha_r = 30, alpha_f = 10;
    const int64_t most = 150;
    assert_ok(unlearn_sample_retain(&s->context, 6, NULL, &retain));
    assert_ok(unlearn_sample_forget(&s->context, 11, &forget));
    assert_int_equal(retain.n, 18);
    assert_int_equal(forget.n, 11);
    double *want = NULL, shared[16];
    assert_ok(BASE_ALLOC(nn_net_param_count(s->net), &want));
    for (int64_t i = 0; i < nn_net_param_count(s->net); i++) want[i] = (double)nn_net_params(s->net)[i];
    int count;
    const NnLayer *layers = nn_net_layers(s->net, &count);
    const NnSlice *slices = nn_net_param_slices(s->net, &(int){0});
    for (int i = 0; i < count; i++) {
        DataView vr = data_view_of(&s->set, &retain), vf = data_view_of(&s->set, &forget);
        float *mr = tap_all(s->net, &vr, i), *mf = tap_all(s->net, &vf, i);
        double part = 0, whole = 0;
        for (int64_t g = 0; g < layers[i].groups; g++) {
            double *gr = naive_gram(layers + i, g, mr, retain.n, i, s->context.seed, "retain", most);
            double *gf = naive_gram(layers + i, g, mf, forget.n, i, s->context.seed, "forget", most);
            int64_t K = layers[i].K / layers[i].groups, f = layers[i].features;
            double *w = want + slices[layers[i].weight].offset + g * K * f, *y = NULL;
            assert_ok(BASE_ALLOC(K * f, &y));
            memcpy(y, w, (size_t)(K * f) * sizeof *y);
            naive_shared(gr, gf, f, alpha_r, alpha_f, &part, &whole);
            naive_project(gr, f, alpha_r, y, K); /* W P_r */
            for (int64_t j = 0; j < K * f; j++) y[j] = w[j] - y[j];
            naive_project(gf, f, alpha_f, y, K); /* W (I - P_r) P_f */
            for (int64_t j = 0; j < K * f; j++) w[j] -= y[j];
            base_free(gr), base_free(gf), base_free(y);
        }
        shared[i] = part / whole;
        base_free(mr), base_free(mf);
    }
    NnNet *net = NULL;
    assert_ok(small_run(
        s, "svd",
        SETTINGS("alpha_r=30", "alpha_f=10", "retain_per_class=6", "forget_samples=11", "max_patches=150", route), &net,
        NULL));
    check_weights(s, net, want, NULL);
    nn_net_free(net);
    UnlearnReport report = {0};
    assert_ok(small_run(s, "svd",
                        SETTINGS("alpha_r=30", "alpha_f=10", "retain_per_class=6", "forget_samples=11",
                                 "max_patches=150", "spectra=true"),
                        &net, &report));
    /* float32 products and an eigensolver of relative error 1e-6 against elimination in double */
    for (int i = 0; i < count; i++) assert_near(report.layers[i].shared, shared[i], 1e-4, 0);
    unlearn_report_free(&report);
    nn_net_free(net);
    base_free(want);
    data_index_free(&retain);
    data_index_free(&forget);
}

static void test_sampled_twin(void **state)
{
    (void)state;
    Small *s = small_open("1,4");
    check_sampled(s, "route=auto");
    small_close(s);
}

/* With another network. */
static Small *open_with(NnNode (*draw)(NnGraph *))
{
    Small *s = small_open("1,4");
    NnGraph *g = NULL;
    nn_net_free(s->net);
    assert_ok(nn_graph_create(3, 12, 12, &g));
    NnNode x = draw(g);
    assert_ok(nn_net_create_take(g, x, &s->net));
    nn_net_init(s->net, 4);
    s->context.original = s->net;
    return s;
}

/* Q, K and V share one weight and its rows, the tokens after layer norm; max_patches caps tokens: 150 of 18 * 10. */
static void test_sampled_tokens(void **state)
{
    (void)state;
    Small *s = open_with(small_transformer);
    int count;
    const NnLayer *layers = nn_net_layers(s->net, &count);
    assert_int_equal(count, 10); /* patches; twice projection, output, two of the MLP; classifier */
    assert_string_equal(layers[1].name, "a0.in_proj");
    assert_true(layers[1].K == 36 && layers[1].features == 12 && layers[1].H == 10);
    check_sampled(s, "route=auto");
    small_close(s);
}

/* Inside windows: rows are pixels, of Q, K and V those of the padded map (8 * 8 of 6 * 6), of their output the map's own. */
static void test_sampled_windows(void **state)
{
    (void)state;
    Small *s = open_with(small_windows);
    int count;
    const NnLayer *layers = nn_net_layers(s->net, &count);
    assert_int_equal(count,
                     8); /* patches; twice Q, K and V, output; the perceptron of the second, reduction; classifier */
    assert_string_equal(layers[3].name, "b.qkv");
    assert_true(layers[3].K == 36 && layers[3].features == 12 && layers[3].H == 8 && layers[3].W == 8);
    assert_true(layers[4].K == 12 && layers[4].H == 6 && layers[4].W == 6);
    check_sampled(s, "route=auto");
    small_close(s);
}

/* Depthwise, grouped, dilated and rectangular kernels: each group of a layer is edited by itself, on every route. */
static NnNode grouped(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "a", 8, 3, 1, 1, true));
    x = nn_conv_of(g, x, "depthwise", (NnConv){.K = 16, .kernel_h = 3, .pad_h = 1, .groups = 8, .bias = true});
    x = nn_conv_of(g, nn_relu(g, x), "grouped",
                   (NnConv){.K = 12, .kernel_h = 1, .kernel_w = 3, .pad_w = 1, .stride = 2, .groups = 4});
    x = nn_conv_of(g, nn_relu(g, x), "dilated",
                   (NnConv){.K = 6, .kernel_h = 3, .pad_h = 2, .dilation = 2, .groups = 2});
    return nn_linear(g, nn_flatten(g, nn_relu(g, x)), "head", 5, true);
}

static void test_sampled_groups(void **state)
{
    (void)state;
    static const char *const ROUTES[] = {"route=auto", "route=closed", "route=eigen", "route=svd", "route=reference"};
    Small *s = open_with(grouped);
    int count;
    const NnLayer *layers = nn_net_layers(s->net, &count);
    assert_true(layers[1].groups == 8 && layers[1].features == 9 && layers[2].groups == 4 && layers[2].features == 12);
    for (size_t i = 0; i < BASE_COUNT(ROUTES); i++) check_sampled(s, ROUTES[i]);
    small_close(s);
}

/* Padding of one side, as TensorFlow has it. */
static NnNode one_sided(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_conv_of(g, nn_input(g), "a", (NnConv){.K = 8, .kernel_h = 3, .stride = 2, .more_h = 1}));
    x = nn_relu(
        g, nn_conv_of(g, x, "b", (NnConv){.K = 16, .kernel_h = 5, .stride = 2, .pad_h = 1, .more_h = 1, .groups = 8}));
    x = nn_conv_of(g, x, "c",
                   (NnConv){.K = 6, .kernel_h = 3, .kernel_w = 2, .pad_h = 2, .pad_w = 1, .more_h = -2, .more_w = -1});
    return nn_linear(g, nn_flatten(g, nn_relu(g, x)), "head", 5, true);
}

static void test_one_sided(void **state)
{
    (void)state;
    static const char *const ROUTES[] = {"route=auto", "route=eigen", "route=svd", "route=reference"};
    Small *s = open_with(one_sided);
    for (size_t i = 0; i < BASE_COUNT(ROUTES); i++) check_sampled(s, ROUTES[i]);
    small_close(s);
}

static BaseStatus edit_once(void *user)
{
    const Small *s = user;
    const UnlearnMethod *svd = NULL;
    UnlearnReport report = {0};
    NnNet *net = NULL;
    void *params = NULL;
    BaseStatus st = BASE_OK;
    BASE_TRY(unlearn_find("svd", &svd));
    BASE_TRY(base_alloc_bytes(1, svd->entry.params_size, &params));
    base_param_defaults(svd->entry.params, svd->entry.param_count, params);
    BASE_TRY(nn_net_clone(s->net, &net));
    BASE_TRY(unlearn_run(svd, &s->context, params, net, &report));
out:
    unlearn_report_free(&report);
    base_free(params);
    nn_net_free(net);
    return st;
}

static void test_groups_without_memory(void **state)
{
    (void)state;
    Small *s = open_with(grouped);
    support_fail_some_allocations(edit_once, s, 23, 4000);
    small_close(s);
}

static void test_samples(void **state)
{
    (void)state;
    Small *s = small_open("0,2,3");
    DataIndex a = {0}, b = {0};
    assert_ok(unlearn_sample_retain(&s->context, 4, NULL, &a));
    assert_ok(unlearn_sample_retain(&s->context, 4, NULL, &b));
    assert_int_equal(a.n, 8);
    assert_memory_equal(a.at, b.at, (size_t)a.n * sizeof *a.at);
    for (int64_t i = 0; i < a.n; i++) {
        assert_int_equal(s->forget.classes.in[s->set.labels[a.at[i]]], 0); /* none of ANY forgotten class */
        assert_true(i == 0 || a.at[i] > a.at[i - 1]);
    }
    data_index_free(&a);
    data_index_free(&b);
    assert_ok(unlearn_sample_retain(&s->context, 0, NULL, &a));
    assert_int_equal(a.n, 48 - 10 - 10 - 9);
    data_index_free(&a);
    DataClasses without = {0};
    assert_ok(data_classes_parse(&s->set, "4", &without)); /* of the retained 1 and 4 */
    assert_ok(unlearn_sample_retain(&s->context, 4, &without, &a));
    assert_int_equal(a.n, 4);
    for (int64_t i = 0; i < a.n; i++) assert_int_equal(s->set.labels[a.at[i]], 1);
    data_classes_free(&without);
    data_index_free(&a);
    NnNet *net = NULL;
    UnlearnReport report = {0};
    assert_ok(small_run(s, "svd", SETTINGS("retain_without=4", "retain_per_class=3"), &net, &report));
    assert_int_equal(report.samples_retain, 3);
    unlearn_report_free(&report);
    nn_net_free(net);
    assert_fails(small_run(s, "svd", SETTINGS("retain_without=9"), &net, NULL), BASE_EUSAGE, "retain_without");
    nn_net_free(net);
    assert_fails(small_run(s, "svd", SETTINGS("retain_without=[1, 4]"), &net, NULL), BASE_EUSAGE, "retained");
    nn_net_free(net);
    assert_ok(unlearn_sample_forget(&s->context, 7, &a)); /* 3 + 2 + 2 */
    int64_t per_class[5] = {0};
    for (int64_t i = 0; i < a.n; i++) {
        per_class[s->set.labels[a.at[i]]]++;
        assert_true(i == 0 || a.at[i] > a.at[i - 1]);
    }
    assert_true(per_class[0] == 3 && per_class[2] == 2 && per_class[3] == 2 && a.n == 7);
    data_index_free(&a);
    assert_ok(unlearn_sample_forget(&s->context, 900, &a));
    assert_int_equal(a.n, 10 + 10 + 9);
    data_index_free(&a);
    assert_ok(unlearn_sample_forget(&s->context, 0, &a));
    assert_int_equal(a.n, 10 + 10 + 9);
    data_index_free(&a);
    assert_fails(unlearn_sample_forget(&s->context, 2, &a), BASE_EUSAGE, "forget_samples = 2");
    const int64_t part[] = {0, 1, 2, 5, 6, 7}; /* labels 0 1 2 0 1 2: class 3 has no image here */
    s->context.train = (DataView){&s->set, part, 6};
    assert_fails(unlearn_sample_forget(&s->context, 0, &a), BASE_EUSAGE, "class 3");
    const int64_t inside[] = {0, 2, 3};
    s->context.train = (DataView){&s->set, inside, 3};
    assert_fails(unlearn_sample_retain(&s->context, 0, NULL, &a), BASE_EUSAGE, "retained");
    small_close(s);
}

static BaseStatus sum_nothing(void *user, void *x, int64_t n, bool wide)
{
    (void)x, (void)n, (void)wide;
    (*(int *)user)++;
    return BASE_OK;
}

/* With a sum over processes set, every layer stays primal and is summed: one process gives the same edit. */
static void test_reduce(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL;
    int calls = 0;
    double *want = small_params(s->file, "unlearn_class2/params", s->net);
    s->context.reduce = sum_nothing;
    s->context.user = &calls;
    s->context.block_count = UNLEARN_BLOCKS;
    assert_ok(small_run(s, "svd", SETTINGS(EVERYTHING), &net, NULL));
    check_weights(s, net, want, NULL);
    assert_int_equal(calls, 2 * 4 * 2 + 1 + 7); /* sides, layers, Gram and count; the passes; agreements */
    nn_net_free(net);
    assert_fails(small_run(s, "svd", SETTINGS(EVERYTHING, "route=svd"), &net, NULL), BASE_EUSAGE, "layer conv1");
    nn_net_free(net);
    base_free(want);
    small_close(s);
}

static BaseStatus run_once(void *user)
{
    BaseStatus st = BASE_OK;
    const Small *s = user;
    const UnlearnMethod *method;
    UnlearnReport report = {0};
    NnNet *net = NULL;
    struct {
        double bytes[512];
    } params;
    BASE_TRY(unlearn_find("svd", &method));
    assert_true(method->entry.params_size <= sizeof params);
    base_param_defaults(method->entry.params, method->entry.param_count, &params);
    BASE_TRY(
        base_param_set(method->entry.params, method->entry.param_count, &params, "svd", "max_patches", "50", "test"));
    BASE_TRY(
        base_param_set(method->entry.params, method->entry.param_count, &params, "svd", "spectra", "true", "test"));
    BASE_TRY(nn_net_clone(s->net, &net));
    BASE_TRY(unlearn_run(method, &s->context, &params, net, &report));
out:
    unlearn_report_free(&report);
    nn_net_free(net);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    Small *s = small_open("2");
    support_fail_allocations(run_once, s, 2000);
    small_close(s);
}

/* A grid's points are single runs, bit for bit: the work kept between them is the same work. */
static void test_grid(void **state)
{
    (void)state;
    static const char *const PAIRS[][2] = {{"alpha_r=100", "alpha_f=3"},
                                           {"alpha_r=10", "alpha_f=3"},
                                           {"alpha_r=100", "alpha_f=30"},
                                           {"alpha_r=10", "alpha_f=3"}};
    Small *s = small_open("2");
    UnlearnContext grid = s->context;
    NnNet *work = NULL, *single = NULL;
    UnlearnReport report = {0};
    const UnlearnMethod *svd;
    void *kept = NULL;
    assert_ok(unlearn_find("svd", &svd));
    assert_ok(nn_net_clone(s->net, &work));
    grid.grid = true;
    for (size_t i = 0; i < BASE_COUNT(PAIRS); i++) {
        const char *const settings[] = {PAIRS[i][0], PAIRS[i][1], NULL};
        void *params = small_params_of(svd, settings);
        if (!kept) assert_ok(svd->prepare(&grid, params, &kept));
        nn_net_copy(work, s->net);
        assert_ok(svd->apply(&grid, kept, params, work, &report));
        for (int j = 0; j < report.layer_count; j++) {
            assert_true(report.layers[j].weight_change > 0);
            assert_true(isnan(report.layers[j].forget_removed)); /* left out: its points are judged by their networks */
        }
        unlearn_report_free(&report);
        assert_ok(small_run(s, "svd", settings, &single, &report));
        assert_memory_equal(nn_net_params(work), nn_net_params(single),
                            (size_t)nn_net_param_count(work) * sizeof(float));
        unlearn_report_free(&report);
        nn_net_free(single);
        base_free(params);
    }
    svd->release(kept);
    nn_net_free(work);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_reference),
    cmocka_unit_test(test_spectra),
    cmocka_unit_test(test_layers),
    cmocka_unit_test(test_layer_names),
    cmocka_unit_test(test_sampled_twin),
    cmocka_unit_test(test_sampled_tokens),
    cmocka_unit_test(test_sampled_windows),
    cmocka_unit_test(test_sampled_groups),
    cmocka_unit_test(test_groups_without_memory),
    cmocka_unit_test(test_samples),
    cmocka_unit_test(test_one_sided),
    cmocka_unit_test(test_reduce),
    cmocka_unit_test(test_no_memory),
    cmocka_unit_test(test_grid),
};
SUPPORT_MAIN(tests)
