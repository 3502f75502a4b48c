#include "tests/support/support.h"

#include <math.h>

#include "nn/net.h"
#include "tests/nn/small.h"

static void test_shapes(void **state)
{
    (void)state;
    NnGraph *g = NULL;
    int64_t s[3];
    assert_ok(nn_graph_create(3, 33, 30, &g));
    NnNode x = nn_conv(g, nn_input(g), "a", 10, 5, 2, 1, false);
    nn_node_shape(g, x, s); /* (33 + 2 - 5) / 2 + 1, (30 + 2 - 5) / 2 + 1 */
    assert_true(s[0] == 10 && s[1] == 16 && s[2] == 14);
    nn_node_shape(g, nn_max_pool(g, x, 3, 2, 1), s);
    assert_true(s[0] == 10 && s[1] == 8 && s[2] == 7);
    nn_node_shape(g, nn_avg_pool(g, x, 3, 3), s);
    assert_true(s[0] == 10 && s[1] == 5 && s[2] == 4);
    nn_node_shape(g, nn_avg_pool(g, x, 0, 0), s);
    assert_true(s[0] == 10 && s[1] == 1 && s[2] == 1);
    nn_node_shape(g, nn_flatten(g, x), s);
    assert_true(s[0] == 10 * 16 * 14 && s[1] == 1 && s[2] == 1);
    nn_node_shape(g, 99, s);
    assert_true(s[0] == 0);
    nn_graph_free(g);
    nn_graph_free(NULL);
}

typedef NnNode (*Draw)(NnGraph *g);
static NnNode no_name(NnGraph *g) { return nn_conv(g, nn_input(g), "", 1, 1, 1, 0, true); }
static NnNode twice(NnGraph *g)
{
    return nn_linear(g, nn_flatten(g, nn_conv(g, nn_input(g), "a", 2, 1, 1, 0, true)), "a", 2, true);
}
static NnNode too_large_kernel(NnGraph *g) { return nn_conv(g, nn_input(g), "a", 2, 7, 1, 0, true); }
static NnNode no_channels(NnGraph *g) { return nn_conv(g, nn_input(g), "a", 0, 1, 1, 0, true); }
static NnNode no_stride(NnGraph *g) { return nn_conv(g, nn_input(g), "a", 2, 1, 0, 0, true); }
static NnNode huge(NnGraph *g) { return nn_conv(g, nn_input(g), "a", INT64_MAX, 1, 1, 0, true); }
static NnNode linear_on_map(NnGraph *g) { return nn_linear(g, nn_input(g), "fc", 2, true); }
static NnNode uneven_add(NnGraph *g) { return nn_add(g, nn_input(g), nn_flatten(g, nn_input(g))); }
static NnNode all_dropped(NnGraph *g) { return nn_dropout(g, nn_input(g), 1.0); }
static NnNode pool_padding(NnGraph *g) { return nn_max_pool(g, nn_input(g), 3, 2, 2); }
static NnNode foreign_node(NnGraph *g) { return nn_relu(g, 7); }
static NnNode map_output(NnGraph *g) { return nn_conv(g, nn_input(g), "a", 2, 1, 1, 0, true); }
static NnNode loose_layer(NnGraph *g)
{
    nn_conv(g, nn_input(g), "loose", 2, 1, 1, 0, true);
    return nn_linear(g, nn_flatten(g, nn_input(g)), "fc", 2, true);
}
static NnNode no_layer(NnGraph *g) { return nn_flatten(g, nn_input(g)); }
static NnNode input_only(NnGraph *g) { return nn_input(g); }
static NnNode odd_groups(NnGraph *g)
{
    return nn_conv_of(g, nn_input(g), "a", (NnConv){.K = 3, .kernel_h = 1, .groups = 2});
}
static NnNode uneven_concat(NnGraph *g) { return nn_concat(g, nn_input(g), nn_flatten(g, nn_input(g))); }
static NnNode gate_of_a_map(NnGraph *g) { return nn_scale(g, nn_input(g), nn_input(g)); }
static NnNode short_vector(NnGraph *g) { return nn_scale(g, nn_input(g), nn_vector(g, "v", 2)); }
static NnNode steep(NnGraph *g) { return nn_leaky_relu(g, nn_input(g), 2); }
static NnNode no_pool(NnGraph *g) { return nn_adaptive_pool(g, nn_input(g), 0, 3); }
static NnNode odd_norm(NnGraph *g) { return nn_group_norm(g, nn_input(g), "n", 2); }
static NnNode no_dilation(NnGraph *g)
{
    return nn_conv_of(g, nn_input(g), "a", (NnConv){.K = 1, .kernel_h = 1, .dilation = -1});
}
static NnNode odd_heads(NnGraph *g) { return nn_attention(g, nn_input(g), "a", 3); } /* 1 feature */
static NnNode first_of_a_map(NnGraph *g) { return nn_first_token(g, nn_input(g)); }
static NnNode far_token(NnGraph *g) { return nn_token(g, nn_token_linear(g, nn_input(g), "a", 3), 4); }
static NnNode no_class_token(NnGraph *g) { return nn_tokens(g, nn_input(g), nn_input(g), "p"); }
static NnNode wide_class_token(NnGraph *g) { return nn_tokens(g, nn_input(g), nn_class_token(g, "c", 1, 2), "p"); }
static NnNode same_norms(NnGraph *g) { return nn_layer_norm(g, nn_layer_norm(g, nn_input(g), "n", 1e-6), "n", 1e-6); }
static NnNode no_features(NnGraph *g) { return nn_class_token(g, "c", 1, 0); }
static NnNode odd_windows(NnGraph *g) { return nn_window_attention(g, nn_input(g), "a", 3, 2, 1); } /* 1 feature */
static NnNode no_window(NnGraph *g) { return nn_window_attention(g, nn_input(g), "a", 1, 0, 0); }
static NnNode far_shift(NnGraph *g) { return nn_window_attention(g, nn_input(g), "a", 1, 2, 2); }
static NnNode loose_windows(NnGraph *g)
{
    NnNode bias = nn_position_bias(g, "b", 3, 1);
    return nn_window_core(g, nn_token_linear(g, nn_input(g), "a", 3), bias, 4, 4, 1);
}
static NnNode shared_table(NnGraph *g)
{
    NnNode bias = nn_position_bias(g, "b", 2, 1);
    NnNode x = nn_window_core(g, nn_token_linear(g, nn_input(g), "a", 3), bias, 4, 4, 0);
    x = nn_window_core(g, nn_token_linear(g, x, "c", 3), bias, 4, 4, 1);
    return nn_linear(g, nn_flatten(g, x), "fc", 2, true);
}
static NnNode no_table(NnGraph *g) { return nn_window_core(g, nn_input(g), nn_input(g), 4, 4, 0); }
static NnNode less_padding(NnGraph *g) { return nn_pad(g, nn_input(g), 3, 4); }
/* the first error is the one that is told */
static NnNode two_errors(NnGraph *g) { return nn_dropout(g, nn_linear(g, nn_input(g), "fc", 2, true), 3); }

static void test_builder_errors(void **state)
{
    (void)state;
    static const struct {
        Draw draw;
        BaseStatus status;
        const char *part;
    } ROWS[] = {
        {no_name, BASE_EARG, "without a name"},
        {twice, BASE_EARG, "two layers are called 'a'"},
        {too_large_kernel, BASE_ESHAPE, "kernel 7"},
        {no_channels, BASE_ESHAPE, "0 output channels"},
        {no_stride, BASE_ESHAPE, "stride 0"},
        {huge, BASE_ESHAPE, "over"},
        {linear_on_map, BASE_ESHAPE, "flatten"},
        {uneven_add, BASE_ESHAPE, "differ"},
        {all_dropped, BASE_EARG, "must be in [0, 1)"},
        {pool_padding, BASE_ESHAPE, "half the kernel"},
        {foreign_node, BASE_EARG, "node 7"},
        {map_output, BASE_ESHAPE, "logits must be flat"},
        {loose_layer, BASE_EARG, "loose does not lead"},
        {no_layer, BASE_EARG, "no convolution"},
        {input_only, BASE_EARG, "output node 0"},
        {uneven_concat, BASE_ESHAPE, "4x4 and of 1x1"},
        {gate_of_a_map, BASE_ESHAPE, "one number per channel"},
        {short_vector, BASE_ESHAPE, "[2, 1, 1] for 1 channels"},
        {steep, BASE_EARG, "slope 2"},
        {no_pool, BASE_ESHAPE, "0x3"},
        {odd_norm, BASE_ESHAPE, "in 2 groups"},
        {no_dilation, BASE_ESHAPE, "dilation -1"},
        {odd_groups, BASE_ESHAPE, "in 2 groups"},
        {odd_heads, BASE_ESHAPE, "divide evenly"},
        {first_of_a_map, BASE_ESHAPE, "turn the map into tokens first"},
        {far_token, BASE_ESHAPE, "token 4 of 4"},
        {no_class_token, BASE_ESHAPE, "must be class tokens of 1 features"},
        {wide_class_token, BASE_ESHAPE, "must be class tokens of 1 features"},
        {same_norms, BASE_EARG, "two layers are called 'n'"},
        {no_features, BASE_ESHAPE, "0 features"},
        {odd_windows, BASE_ESHAPE, "divide evenly"},
        {no_window, BASE_ESHAPE, "windows of 0x0"},
        {far_shift, BASE_ESHAPE, "less than the window"},
        {loose_windows, BASE_ESHAPE, "windows of 3x3 must fill it"},
        {shared_table, BASE_EARG, "b is read twice"},
        {no_table, BASE_ESHAPE, "table of position biases"},
        {less_padding, BASE_ESHAPE, "4x4 map to 3x4"},
        {two_errors, BASE_ESHAPE, "fc"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        NnGraph *g = NULL;
        NnNet *net = NULL;
        assert_ok(nn_graph_create(1, 4, 4, &g));
        NnNode out = ROWS[i].draw(g);
        assert_fails(nn_net_create_take(g, out, &net), ROWS[i].status, ROWS[i].part);
        assert_null(net);
    }
    NnGraph *g = NULL;
    assert_fails(nn_graph_create(0, 4, 4, &g), BASE_ESHAPE, "[0, 4, 4]");
    assert_null(g);
}

static void test_slices(void **state)
{
    static const struct {
        const char *name;
        NnRole role;
        int64_t count;
    } WANT[] = {
        {"conv1.weight", NN_WEIGHT, 8 * 27}, {"conv1.bias", NN_BIAS, 8},           {"bn1.weight", NN_NORM_WEIGHT, 8},
        {"bn1.bias", NN_NORM_BIAS, 8},       {"conv2.weight", NN_WEIGHT, 12 * 72}, {"conv2.bias", NN_BIAS, 12},
        {"bn2.weight", NN_NORM_WEIGHT, 12},  {"bn2.bias", NN_NORM_BIAS, 12},       {"fc1.weight", NN_WEIGHT, 20 * 108},
        {"fc1.bias", NN_BIAS, 20},           {"fc2.weight", NN_WEIGHT, 100},       {"fc2.bias", NN_BIAS, 5}};
    (void)state;
    NnNet *net = small_net();
    int count;
    int64_t offset = 0, shape[3];
    const NnSlice *slices = nn_net_param_slices(net, &count);
    assert_int_equal(count, sizeof WANT / sizeof *WANT);
    for (int i = 0; i < count; i++) {
        assert_string_equal(slices[i].name, WANT[i].name);
        assert_int_equal(slices[i].role, WANT[i].role);
        assert_int_equal(slices[i].count, WANT[i].count);
        assert_int_equal(slices[i].offset, offset);
        offset += slices[i].count;
    }
    assert_int_equal(offset, nn_net_param_count(net));
    assert_true(slices[4].ndim == 4 && slices[4].shape[0] == 12 && slices[4].shape[1] == 8 && slices[4].shape[3] == 3);
    assert_true(slices[8].ndim == 2 && slices[8].shape[0] == 20 && slices[8].shape[1] == 108);
    slices = nn_net_buffer_slices(net, &count);
    assert_int_equal(count, 4);
    assert_string_equal(slices[3].name, "bn2.running_var");
    assert_int_equal(slices[3].offset, 8 + 8 + 12);
    assert_int_equal(nn_net_buffer_count(net), 40);
    const NnLayer *layers = nn_net_layers(net, &count);
    assert_int_equal(count, 4);
    assert_string_equal(layers[1].name, "conv2");
    assert_true(layers[1].weight == 4 && layers[1].bias == 5 && layers[1].features == 72 && layers[1].H == 6);
    assert_true(layers[2].kind == NN_LAYER_LINEAR && layers[2].features == 108 && layers[2].K == 20);
    nn_net_input_shape(net, shape);
    assert_true(shape[0] == 3 && shape[1] == 12 && shape[2] == 12);
    assert_int_equal(nn_net_classes(net), 5);
    assert_int_equal(nn_net_flops(net), 2 * (8 * 27 * 144 + 12 * 72 * 36 + 20 * 108 + 5 * 20));
    nn_net_free(net);
}

/* Uniform on (-b, b), b = 1/sqrt(fan_in): mean 0, variance b^2/3. Over n draws the mean's standard deviation is
 * b/sqrt(3n), that of the variance b^2 sqrt(4/45n); five of each. */
static void test_init(void **state)
{
    (void)state;
    NnNet *net = small_net(), *other = small_net();
    nn_net_init(net, 1);
    nn_net_init(other, 1);
    int count;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    assert_memory_equal(nn_net_params(net), nn_net_params(other), (size_t)nn_net_param_count(net) * sizeof(float));
    for (int i = 0; i < count; i++) {
        const float *v = nn_net_params(net) + slices[i].offset;
        if (slices[i].role >= NN_NORM_WEIGHT) {
            for (int64_t k = 0; k < slices[i].count; k++) assert_near(v[k], slices[i].role == NN_NORM_WEIGHT, 0, 0);
            continue;
        }
        const NnSlice *weight = slices[i].role == NN_WEIGHT ? &slices[i] : &slices[i - 1];
        double n = (double)slices[i].count, b = 1 / sqrt((double)(weight->count / weight->shape[0])), mean = 0, var = 0;
        for (int64_t k = 0; k < slices[i].count; k++) {
            assert_true(fabs(v[k]) <= b);
            mean += v[k] / n;
            var += v[k] * v[k] / n;
        }
        assert_near(mean, 0, 5 * b / sqrt(3 * n), 0);
        assert_near(var, b * b / 3, 5 * b * b * sqrt(4 / (45 * n)), 0);
    }
    for (int64_t i = 0; i < 8; i++) {
        assert_near(nn_net_buffers(net)[i], 0, 0, 0);
        assert_near(nn_net_buffers(net)[8 + i], 1, 0, 0);
    }
    nn_net_init(other, 2);
    assert_true(nn_net_params(net)[0] != nn_net_params(other)[0]);
    nn_net_free(net);
    nn_net_free(other);
}

static void test_copies_and_hash(void **state)
{
    (void)state;
    NnNet *net = small_net(), *clone = NULL;
    char a[BASE_HASH_HEX], b[BASE_HASH_HEX];
    nn_net_init(net, 1);
    *nn_net_batches_tracked(net) = 9;
    assert_ok(nn_net_clone(net, &clone));
    assert_int_equal(*nn_net_batches_tracked(clone), 9);
    assert_ok(nn_net_hash(net, a));
    assert_ok(nn_net_hash(clone, b));
    assert_string_equal(a, b);
    uint64_t version = nn_net_version(clone);
    nn_net_edit_params(clone)[3] += 1;
    assert_true(nn_net_version(clone) > version);
    assert_ok(nn_net_hash(clone, b));
    assert_string_not_equal(a, b);
    version = nn_net_version(clone);
    nn_net_copy(clone, net);
    assert_true(nn_net_version(clone) > version);
    assert_ok(nn_net_hash(clone, b));
    assert_string_equal(a, b);
    nn_net_edit_buffers(clone)[0] = 1;
    assert_ok(nn_net_hash(clone, b));
    assert_string_not_equal(a, b);
    nn_net_free(net); /* the clone stands alone */
    assert_string_equal(nn_net_layers(clone, &(int){0})[0].name, "conv1");
    nn_net_free(clone);
    nn_net_free(NULL);
}

static BaseStatus build_once(void *user)
{
    (void)user;
    BaseStatus st = BASE_OK;
    NnGraph *g = NULL;
    NnNet *net = NULL, *clone = NULL, *wide = NULL;
    BASE_TRY(nn_graph_create(2, 4, 4, &g));
    NnNode x = nn_batch_norm(g, nn_conv(g, nn_input(g), nn_name(g, "a%d", 1), 3, 3, 1, 1, true), "n");
    for (int i = 0; i < 40; i++) x = nn_relu(g, x);
    x = nn_linear(g, nn_flatten(g, x), "fc", 2, true);
    BASE_TRY(nn_net_create_take(g, x, &net));
    BASE_TRY(nn_net_clone(net, &clone));
    BASE_TRY(nn_net_widen(net, 3, &wide));
out:
    nn_net_free(net);
    nn_net_free(clone);
    nn_net_free(wide);
    return st;
}

/* The old outputs keep their numbers, the new ones are 0, everything else is the same. */
static void test_widen(void **state)
{
    (void)state;
    NnGraph *g = NULL;
    NnNet *net = NULL, *wide = NULL;
    int count, wide_count;
    assert_ok(nn_graph_create(2, 4, 4, &g));
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_input(g), "conv", 3, 3, 1, 1, false), "bn"));
    assert_ok(nn_net_create_take(g, nn_linear(g, nn_flatten(g, x), "head", 4, true), &net));
    nn_net_init(net, 1);
    nn_net_edit_buffers(net)[4] = 3;
    *nn_net_batches_tracked(net) = 7;
    assert_ok(nn_net_widen(net, 6, &wide));
    assert_int_equal(nn_net_classes(wide), 6);
    assert_int_equal(*nn_net_batches_tracked(wide), 7);
    assert_memory_equal(nn_net_buffers(wide), nn_net_buffers(net), 6 * sizeof(float));
    const NnSlice *a = nn_net_param_slices(net, &count), *b = nn_net_param_slices(wide, &wide_count);
    assert_int_equal(count, wide_count);
    for (int i = 0; i < count; i++) {
        const float *from = nn_net_params(net) + a[i].offset, *to = nn_net_params(wide) + b[i].offset;
        assert_string_equal(a[i].name, b[i].name);
        assert_int_equal(b[i].count, i < count - 2 ? a[i].count : a[i].count / 4 * 6);
        assert_memory_equal(from, to, (size_t)a[i].count * sizeof(float));
        for (int64_t j = a[i].count; j < b[i].count; j++) assert_true(to[j] == 0);
    }
    nn_net_free(wide);
    assert_fails(nn_net_widen(net, 3, &wide), BASE_EARG, "3 outputs");
    nn_net_free(net);
    assert_ok(nn_graph_create(2, 1, 1, &g));
    assert_ok(nn_net_create_take(g, nn_relu(g, nn_linear(g, nn_input(g), "head", 4, true)), &net));
    assert_fails(nn_net_widen(net, 6, &wide), BASE_ESHAPE, "linear");
    assert_null(wide);
    nn_net_free(net);
}

static void test_failed_allocations(void **state)
{
    (void)state;
    support_fail_allocations(build_once, NULL, 200);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shapes), cmocka_unit_test(test_builder_errors),  cmocka_unit_test(test_slices),
    cmocka_unit_test(test_init),   cmocka_unit_test(test_copies_and_hash), cmocka_unit_test(test_failed_allocations),
    cmocka_unit_test(test_widen),
};
SUPPORT_MAIN(tests)
