/* Random graphs, as a graph file may hold them, on oneDNN against their plain twin: operations in every order, values that
 * several nodes read, inputs given twice. */
#include "tests/nn/twin.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 9, OPEN = 64 };
static uint64_t drawn; /* number of the graph */

static int64_t upto(BaseRandom *r, int64_t n) { return (int64_t)(base_random_uniform(r) * (double)n); }

static NnNode convolution(NnGraph *g, BaseRandom *r, NnNode x, const char *name)
{
    int64_t s[3];
    nn_node_shape(g, x, s);
    int64_t groups = upto(r, 3) == 0 ? s[0] : 1, kernel_h = 1 + upto(r, s[1] < 3 ? s[1] : 3),
            kernel_w = 1 + upto(r, s[2] < 3 ? s[2] : 3);
    int64_t pad_h = upto(r, kernel_h), pad_w = upto(r, kernel_w);
    const NnConv conv = {.K = groups > 1 ? groups * (1 + upto(r, 2)) : 4 + upto(r, 12),
                         .kernel_h = kernel_h,
                         .kernel_w = kernel_w,
                         .stride = 1 + upto(r, 2),
                         .pad_h = pad_h,
                         .pad_w = pad_w,
                         .more_h = upto(r, kernel_h) - pad_h,
                         .more_w = upto(r, kernel_w) - pad_w,
                         .groups = groups,
                         .bias = upto(r, 2) == 0};
    return nn_conv_of(g, x, name, conv);
}

/* One of the operations that fit on @p x; @p y has been drawn, too. */
static NnNode step(NnGraph *g, BaseRandom *r, NnNode x, NnNode y, const char *name)
{
    static const NnFunction FUNCTIONS[] = {NN_SIGMOID, NN_TANH,       NN_SILU, NN_HARD_SIGMOID, NN_HARD_SWISH,
                                           NN_RELU6,   NN_LEAKY_RELU, NN_GELU, NN_GELU_TANH};
    int64_t s[3], t[3];
    nn_node_shape(g, x, s);
    nn_node_shape(g, y, t);
    bool same = memcmp(s, t, sizeof s) == 0, sides = s[1] == t[1] && s[2] == t[2];
    int64_t kernel = 1 + upto(r, s[1] < s[2] ? s[1] : s[2]);
    if (kernel > 3) kernel = 3;
    switch (upto(r, 18)) {
    case 0: return nn_batch_norm(g, x, name);
    case 1: return nn_relu(g, x);
    case 2: return nn_activation(g, x, FUNCTIONS[upto(r, sizeof FUNCTIONS / sizeof *FUNCTIONS)]);
    case 3: return nn_max_pool(g, x, kernel, 1 + upto(r, 2), upto(r, kernel / 2 + 1));
    case 4: return nn_avg_pool(g, x, kernel, 1 + upto(r, 2));
    case 5: return nn_adaptive_pool(g, x, 1 + upto(r, 6), 1 + upto(r, 6));
    case 6: return nn_add(g, x, same ? y : x);
    case 7:
        if (s[0] + t[0] < 40) return nn_concat(g, x, sides ? y : x);
        return nn_relu(g, x);
    case 8:
        return nn_scale(g, x, nn_activation(g, nn_token_linear(g, nn_avg_pool(g, y, 0, 1), name, s[0]), NN_SIGMOID));
    case 9: return nn_scale(g, x, nn_vector(g, name, s[0]));
    case 10: return nn_group_norm(g, x, name, s[0] % 2 ? 1 : 2);
    case 11: return nn_layer_norm(g, x, name, 1e-2);
    case 12: return nn_token_linear(g, x, name, 4 + upto(r, 8));
    case 13: return nn_prelu(g, x, name, upto(r, 2) == 0);
    case 14:
        if (s[2] != 1) x = nn_tokens(g, x, -1, nn_name(g, "%s.positions", name));
        return s[0] % 2 ? x : nn_attention(g, x, name, 2);
    case 15: return s[2] == 1 ? nn_first_token(g, x) : nn_flatten(g, nn_adaptive_pool(g, x, 1, 2));
    default: return convolution(g, r, x, name);
    }
}

/* What nobody read is pooled and classified together. */
static NnNode draw(NnGraph *g)
{
    BaseRandom r = base_random_make(11, "random graphs", drawn);
    NnNode open[OPEN] = {nn_input(g)}, last = -1;
    int count = 1;
    for (int i = 0; i < STEPS; i++) {
        NnNode x = open[count - 1 - upto(&r, count < 3 ? count : 3)], y = open[upto(&r, count)];
        open[count++] = step(g, &r, x, y, nn_name(g, "s%d", i));
        assert_ok(nn_graph_status(g));
    }
    for (int k = 1; k < count; k++) {
        bool read = false;
        for (int i = 0; i < nn_graph_size(g); i++) {
            const NnNodeInfo *node = nn_graph_node(g, i);
            read = read || node->in[0] == open[k] || node->in[1] == open[k];
        }
        for (int i = 0; i < k; i++) read = read || open[i] == open[k];
        if (read) continue;
        NnNode pooled = nn_avg_pool(g, open[k], 0, 1);
        last = last < 0 ? pooled : nn_concat(g, last, pooled);
    }
    return nn_linear(g, last < 0 ? nn_flatten(g, nn_input(g)) : last, "head", 3, true);
}

static void random_graphs(void **state)
{
    (void)state;
    const uint64_t many = getenv("EXPUNGE_LONG") ? 3000 : 150;
    for (drawn = 0; drawn < many; drawn++) {
        char name[32];
        snprintf(name, sizeof name, "random %d", (int)drawn);
        const TwinCase one = {name, draw, 3, 6, 5, 4};
        print_message("%s\n", name);
        twin_check(&one, NULL, NN_MODE_EVAL, NN_F32, 1e-4, 1e-3, NULL, NULL);
        twin_check(&one, NULL, NN_MODE_EVAL_INPUT, NN_F32, 1e-4, 1e-3, NULL, NULL);
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs)};
SUPPORT_MAIN(tests)
