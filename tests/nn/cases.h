/* tests/nn/cases.h - networks that between them have every kind of layer, and the network of the fixtures. */
#ifndef TESTS_NN_CASES_H
#define TESTS_NN_CASES_H

#include "base/random.h"
#include "nn/backend.h"
#include "tests/nn/naive.h"
#include "tests/nn/small.h"
#include "tests/nn/twin.h"

/* Odd channel counts, strides, paddings, shared and repeated inputs. */

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

/* 64 channels and 68 tiles of 4x4: what float32 runs by Winograd's algorithm; the last one with its tiles cut off. Of
 * 16 images one value lies so near a ReLU's kink that the last digits decide. */
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

/* Grouped, depthwise, dilated and rectangular kernels, with batch norms to fold in and sums to add; 32 channels fill
 * oneDNN's blocks, others do not. */
static NnNode grouped(NnGraph *g)
{
    NnNode x = nn_conv(g, nn_input(g), "a", 32, 3, 1, 1, true);
    NnNode y = nn_conv_of(g, x, "b", (NnConv){.K = 32, .kernel_h = 3, .pad_h = 1, .groups = 32});
    y = nn_relu(g, nn_batch_norm(g, y, "bn"));
    y = nn_batch_norm(g, nn_conv_of(g, y, "c", (NnConv){.K = 32, .kernel_h = 3, .pad_h = 1, .groups = 8}), "cn");
    x = nn_relu(g, nn_add(g, y, x));
    y = nn_conv_of(g, x, "d", (NnConv){.K = 32, .kernel_h = 3, .pad_h = 2, .dilation = 2, .groups = 2, .bias = true});
    x = nn_relu(g, nn_add(g, y, x));
    x = nn_conv_of(g, x, "e", (NnConv){.K = 48, .kernel_h = 1, .kernel_w = 5, .pad_w = 2, .stride = 2, .bias = true});
    x = nn_relu(g, nn_conv_of(g, x, "f", (NnConv){.K = 12, .kernel_h = 3, .kernel_w = 2, .pad_h = 1, .groups = 6}));
    x = nn_conv_of(g, x, "h", (NnConv){.K = 24, .kernel_h = 5, .pad_h = 2, .stride = 2, .groups = 12, .bias = true});
    return nn_linear(g, nn_flatten(g, x), "i", 4, true);
}

/* Padded on one side, more there, or less, in height and width apart; depthwise, grouped, dilated; pools of which some windows lie
 * half outside. */
static NnNode one_sided(NnGraph *g)
{
    NnNode x =
        nn_conv_of(g, nn_input(g), "a", (NnConv){.K = 32, .kernel_h = 3, .stride = 2, .more_h = 1, .bias = true});
    NnNode y = nn_conv_of(g, x, "b", (NnConv){.K = 32, .kernel_h = 5, .pad_h = 1, .more_h = 2, .groups = 32});
    x = nn_conv_of(g, nn_relu(g, nn_batch_norm(g, y, "bn")), "c",
                   (NnConv){.K = 16, .kernel_h = 3, .kernel_w = 2, .pad_h = 2, .pad_w = 1, .more_h = -2, .more_w = -1});
    x = nn_max_pool_of(g, nn_relu(g, x), 3, 2, 0, 1, 2);
    y = nn_conv_of(
        g, x, "d",
        (NnConv){
            .K = 16, .kernel_h = 3, .pad_h = 2, .more_h = -1, .more_w = 1, .kernel_w = 3, .pad_w = 1, .groups = 4});
    y = nn_conv_of(g, y, "e", (NnConv){.K = 12, .kernel_h = 2, .dilation = 2, .more_h = 2, .bias = true});
    return nn_linear(g, nn_flatten(g, nn_max_pool_of(g, y, 2, 1, 1, -1, -1)), "f", 4, true);
}

/* A gate as in squeeze-and-excitation, a learned vector, PReLUs, group norms, concatenations in blocks and by pixels, pooling down
 * and up, layer norm and a linear layer on pixels; batch norms of other epsilons. */
static NnNode channels(NnGraph *g)
{
    NnNode v = nn_vector(g, "v", 10), x = nn_conv(g, nn_input(g), "a", 32, 3, 1, 1, true);
    NnNode s = nn_activation(g, nn_conv(g, nn_avg_pool(g, x, 0, 0), "s", 32, 1, 1, 0, true), NN_SIGMOID);
    x = nn_batch_norm_of(g, nn_scale(g, x, s), "an", 1e-3, 0.01);
    NnNode y = nn_prelu(g, nn_conv(g, x, "b", 16, 3, 1, 1, true), "bp", true);
    x = nn_concat(g, nn_concat(g, x, y),
                  nn_prelu(g, nn_conv(g, nn_group_norm(g, y, "bg", 4), "c", 10, 3, 1, 1, true), "cp", false));
    x = nn_adaptive_pool(g, nn_adaptive_pool(g, nn_adaptive_pool(g, x, 3, 4), 5, 9), 4, 4);
    y = nn_group_norm(g, nn_conv(g, x, "d", 10, 3, 1, 1, true), "dg", 5);
    y = nn_token_linear(g, nn_layer_norm(g, y, "dn", NN_LAYER_NORM_EPSILON), "e", 24);
    y = nn_scale(g, nn_token_linear(g, nn_activation(g, y, NN_GELU), "f", 10), v);
    x = nn_add(g, nn_adaptive_pool(g, nn_conv(g, x, "h", 10, 1, 1, 0, true), 4, 4), nn_stochastic_depth(g, y, 0));
    return nn_linear(g, nn_flatten(g, x), "i", 4, true);
}

/* Of two tokens that are read, each goes through a classifier of its own. */
static NnNode two_heads(NnGraph *g)
{
    NnNode token = nn_class_token_behind(g, nn_class_token(g, "token", 2, 12), "behind", 1, 12);
    NnNode x = nn_tokens(g, nn_conv(g, nn_input(g), "proj", 12, 4, 4, 0, true), token, "positions");
    x = nn_add(g, nn_attention(g, nn_layer_norm(g, x, "n", 1e-6), "a", 2), x);
    NnNode y = nn_linear(g, nn_token(g, x, 0), "head", 4, true), z = nn_linear(g, nn_token(g, x, 1), "dist", 4, true);
    return nn_activation(g, nn_add(g, y, z), NN_HALF);
}

/* Windows of 2 and 3 pixels on maps that they fill and do not fill, moved along both sides, one side and none; patches merged
 * from odd sides; a padded map that others read too; features that fill no vector of the processor. */
static NnNode windows(NnGraph *g)
{
    NnNode x = nn_conv(g, nn_input(g), "a", 12, 3, 2, 1, true);
    x = nn_add(g, nn_window_attention(g, nn_layer_norm(g, x, "n1", 1e-5), "b", 2, 2, 0), x);
    x = nn_add(g, nn_window_attention(g, nn_layer_norm(g, x, "n2", 1e-5), "c", 3, 2, 1), x);
    NnNode y = nn_window_attention(g, x, "d", 1, 3, 2);
    x = nn_add(g, nn_stochastic_depth(g, y, 0), x);
    x = nn_token_linear_plain(g, nn_layer_norm(g, nn_patch_merge(g, x), "n3", 1e-5), "e", 20);
    x = nn_window_attention(g, nn_activation(g, x, NN_GELU), "f", 5, 2, 1);
    x = nn_add(g, nn_pad(g, x, 4, 4), nn_window_attention(g, nn_pad(g, x, 4, 4), "h", 2, 4, 2));
    x = nn_patch_merge(g, x);
    return nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), "i", 4, true);
}

static NnNode draw_function(NnGraph *g, NnNode x, int function)
{
    return function == NN_LEAKY_RELU ? nn_leaky_relu(g, x, 0.2) : nn_activation(g, x, (NnFunction)function);
}

/* Each function once on a map of its own and once on one that others read too. */
static NnNode activations(NnGraph *g)
{
    static const NnFunction ALL[] = {NN_SIGMOID, NN_TANH,       NN_SILU, NN_HARD_SIGMOID, NN_HARD_SWISH,
                                     NN_RELU6,   NN_LEAKY_RELU, NN_GELU, NN_GELU_TANH,    NN_HALF};
    enum { COUNT = sizeof ALL / sizeof *ALL };
    NnNode x = nn_conv(g, nn_input(g), "a", 16, 3, 1, 1, true);
    for (int i = 0; i < COUNT; i++) {
        NnNode y = nn_batch_norm(g, nn_conv(g, x, nn_name(g, "b%d", i), 16, 1, 1, 0, true), nn_name(g, "n%d", i));
        y = nn_activation(g, nn_add(g, y, y), ALL[i]); /* far enough out for the kinks */
        x = nn_add(g, y, i == 4 ? nn_leaky_relu(g, x, 0.2) : nn_activation(g, x, ALL[(i + 4) % COUNT]));
    }
    return nn_linear(g, nn_flatten(g, x), "c", 4, true);
}

/* What plain eval takes along in one step: each function behind a folded batch norm, a depthwise convolution, a linear
 * layer and a sum, and a layer scale with dropped-out depth and a residual behind a linear layer. */
static NnNode taken_along(NnGraph *g)
{
    NnNode x = nn_conv(g, nn_input(g), "a", 32, 3, 1, 1, true), sum = x;
    for (int i = NN_SIGMOID; i <= NN_HALF; i++) {
        NnNode v = nn_vector(g, nn_name(g, "v%d", i), 32), y = nn_conv(g, x, nn_name(g, "b%d", i), 32, 1, 1, 0, true);
        const NnConv each = {.K = 32, .kernel_h = 3, .pad_h = 1, .groups = 32, .bias = true};
        y = draw_function(g, nn_batch_norm(g, y, nn_name(g, "n%d", i)), i);
        y = draw_function(g, nn_conv_of(g, y, nn_name(g, "c%d", i), each), i);
        y = draw_function(g, nn_add(g, nn_conv(g, y, nn_name(g, "d%d", i), 32, 1, 1, 0, true), x), i);
        y = draw_function(g, nn_token_linear(g, y, nn_name(g, "e%d", i), 48), i);
        y = nn_scale(g, nn_token_linear(g, y, nn_name(g, "f%d", i), 32), v);
        sum = nn_add(g, nn_stochastic_depth(g, y, 0), sum);
    }
    x = nn_activation(g, nn_linear(g, nn_flatten(g, sum), "h", 16, true), NN_GELU);
    return nn_linear(g, nn_add(g, nn_linear(g, x, "i", 16, true), x), "j", 4, true);
}

static const TwinCase CASES[] = {
    {"odd_sizes", odd_sizes, 3, 9, 7, 3},
    {"residual", twin_residual, 4, 8, 8, 12},
    {"perceptron", perceptron, 2, 1, 1, 16},
    {"perceptron", perceptron, 5, 2, 1, 16},
    {"branches", branches, 3, 7, 7, 6},
    {"small_maps", small_maps, 16, 4, 4, 6},
    {"many_channels", many_channels, 3, 8, 8, 17},
    {"pooled", pooled, 3, 8, 12, 7},
    {"grouped", grouped, 3, 9, 8, 5},
    {"one_sided", one_sided, 3, 11, 12, 5},
    {"channels", channels, 3, 7, 9, 5},
    {"activations", activations, 3, 5, 4, 5},
    {"taken_along", taken_along, 3, 5, 4, 5},
    {"transformer", small_transformer, 3, 12, 8, 5},
    {"two_heads", two_heads, 3, 12, 8, 5},
    {"windows", windows, 3, 11, 7, 5},
    {"distilled", small_distilled, 3, 12, 8, 5},
    {"pooled_tokens", small_pooled, 3, 12, 8, 5},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

/* ---- reference values ---- */

typedef struct {
    NnNet *net;
    float *x;
    int32_t *y;
    IoHdf5 *file;
} Fixture;

static inline int setup(void **state)
{
    Fixture *f = NULL;
    int64_t n;
    assert_ok(BASE_ALLOC(1, &f));
    assert_ok(io_hdf5_open(support_fixture("network.h5"), &f->file));
    f->net = small_net();
    small_set(f->file, "params", f->net);
    f->x = support_read_f32(f->file, "x", &n);
    f->y = support_read_i32(f->file, "y", &n);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    Fixture *f = *state;
    io_hdf5_close(f->file);
    nn_net_free(f->net);
    base_free(f->x);
    base_free(f->y);
    base_free(f);
    return 0;
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
