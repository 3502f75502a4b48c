/* tests/nn/small.h - the small network of tests/fixtures/network.h5, and its numbers in and out of fixture groups. */
#ifndef TESTS_NN_SMALL_H
#define TESTS_NN_SMALL_H

#include <stdio.h>

#include "nn/net.h"
#include "tests/support/support.h"

static inline NnNode small_block(NnGraph *g, NnNode x, int number, int64_t K)
{
    x = nn_conv(g, x, nn_name(g, "conv%d", number), K, 3, 1, 1, true);
    x = nn_relu(g, nn_batch_norm(g, x, nn_name(g, "bn%d", number)));
    return nn_max_pool(g, x, 2, 2, 0);
}

static inline NnNet *small_net(void)
{
    NnGraph *g = NULL;
    NnNet *net = NULL;
    assert_ok(nn_graph_create(3, 12, 12, &g));
    NnNode x = small_block(g, small_block(g, nn_input(g), 1, 8), 2, 12);
    x = nn_relu(g, nn_linear(g, nn_flatten(g, x), "fc1", 20, true));
    x = nn_linear(g, x, "fc2", 5, true);
    assert_ok(nn_net_create_take(g, x, &net));
    return net;
}

/* Every node of a transformer: two blocks, of two and three heads, a GELU on a value that others read too. */
static inline NnNode small_transformer_of(NnGraph *g, int64_t tokens, double epsilon)
{
    NnNode token = nn_class_token(g, "token", tokens, 12);
    NnNode x = nn_tokens(g, nn_conv(g, nn_input(g), "proj", 12, 4, 4, 0, true), token, "positions");
    for (int i = 0; i < 2; i++) {
        NnNode y = nn_attention(g, nn_layer_norm(g, x, nn_name(g, "l%d", i), epsilon), nn_name(g, "a%d", i), 2 + i);
        x = nn_add(g, y, x);
        y = nn_token_linear(g, nn_layer_norm(g, x, nn_name(g, "m%d", i), epsilon), nn_name(g, "u%d", i), 20);
        y = i ? nn_add(g, nn_activation(g, y, NN_GELU), y) : nn_activation(g, y, NN_GELU);
        x = nn_add(g, nn_token_linear(g, y, nn_name(g, "v%d", i), 12), x);
    }
    return nn_linear(g, nn_layer_norm(g, nn_first_token(g, x), "ln", epsilon), "head", 5, true);
}

static inline NnNode small_transformer(NnGraph *g) { return small_transformer_of(g, 1, NN_LAYER_NORM_EPSILON); }
/* A distillation token too, and an epsilon that shows. */
static inline NnNode small_distilled(NnGraph *g) { return small_transformer_of(g, 2, 0.1); }

/* No class token: the mean of all tokens is classified. */
static inline NnNode small_pooled(NnGraph *g)
{
    NnNode x = nn_tokens(g, nn_conv(g, nn_input(g), "proj", 12, 4, 4, 0, true), -1, "positions");
    x = nn_add(g, nn_attention(g, nn_layer_norm(g, x, "l", 1e-5), "a", 3), x);
    return nn_linear(g, nn_avg_pool(g, x, 0, 1), "head", 5, true);
}

/* Windows of 4 pixels on a map of 6x6, at rest and moved, a merging of patches between them and the classifier. */
static inline NnNode small_windows(NnGraph *g)
{
    NnNode x = nn_conv(g, nn_input(g), "proj", 12, 2, 2, 0, true);
    for (int i = 0; i < 2; i++) {
        NnNode y = nn_layer_norm(g, x, nn_name(g, "l%d", i), 1e-5);
        x = nn_add(g, nn_window_attention(g, y, i ? "b" : "a", 3, 4, 2 * i), x);
    }
    x = nn_add(g, nn_token_linear(g, nn_activation(g, nn_layer_norm(g, x, "l2", 1e-5), NN_GELU), "mlp", 12), x);
    x = nn_token_linear_plain(g, nn_layer_norm(g, nn_patch_merge(g, x), "l3", 1e-5), "reduction", 20);
    return nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), "head", 5, true);
}

static inline void small_read(IoHdf5 *file, const char *group, const NnSlice *slices, int count, double *out)
{
    for (int i = 0; i < count; i++) {
        char path[256];
        int64_t n = 0;
        snprintf(path, sizeof path, "%s/%s", group, slices[i].name);
        double *values = support_read_f64(file, path, &n);
        assert_int_equal(n, slices[i].count);
        memcpy(out + slices[i].offset, values, (size_t)n * sizeof *values);
        base_free(values);
    }
}

/** Parameters (or running statistics) of a fixture group as one block; owned by the caller. */
static inline double *small_params(IoHdf5 *file, const char *group, const NnNet *net)
{
    int count = 0;
    double *out = NULL;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    assert_ok(BASE_ALLOC(nn_net_param_count(net), &out));
    small_read(file, group, slices, count, out);
    return out;
}

static inline double *small_buffers(IoHdf5 *file, const char *group, const NnNet *net)
{
    int count = 0;
    double *out = NULL;
    const NnSlice *slices = nn_net_buffer_slices(net, &count);
    assert_ok(BASE_ALLOC(nn_net_buffer_count(net), &out));
    small_read(file, group, slices, count, out);
    return out;
}

static inline void small_set(IoHdf5 *file, const char *group, NnNet *net)
{
    double *params = small_params(file, group, net), *buffers = small_buffers(file, group, net);
    float *p = nn_net_edit_params(net), *b = nn_net_edit_buffers(net);
    for (int64_t i = 0; i < nn_net_param_count(net); i++) p[i] = (float)params[i];
    for (int64_t i = 0; i < nn_net_buffer_count(net); i++) b[i] = (float)buffers[i];
    base_free(params);
    base_free(buffers);
}

#endif
