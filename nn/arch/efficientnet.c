/* nn/arch/efficientnet.c - EfficientNet B0 to B7 (arXiv 1905.11946), torchvision's names: one network, deeper and wider. */
#include <math.h>

#include "nn/arch/blocks.h"

typedef struct {
    double width, depth, dropout;
    double epsilon, momentum; /* of batch norms */
} Form;

static const struct {
    int expand, kernel, stride, channels, blocks;
} STAGES[] = {{1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3},
              {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1}};
enum { STEM = 32 };
static const double DEPTH_DROPOUT = 0.2; /* of the last block; stochastic depth grows with depth */

static NnNode conv_norm(NnGraph *g, NnNode x, const char *name, NnConv conv, const Form *form)
{
    x = nn_conv_of(g, x, nn_name(g, "%s.0", name), conv);
    return nn_batch_norm_of(g, x, nn_name(g, "%s.1", name), form->epsilon, form->momentum);
}

static NnNode silu(NnGraph *g, NnNode x) { return nn_activation(g, x, NN_SILU); }

static NnNode draw_block(NnGraph *g, NnNode x, const char *name, const Form *form, int stage, int64_t K, int64_t stride,
                         double drop)
{
    int64_t in[3];
    int at = 0, kernel = STAGES[stage].kernel;
    nn_node_shape(g, x, in);
    int64_t wide = nn_blocks_divisible((double)(in[0] * STAGES[stage].expand), 8);
    NnNode y = x;
    if (wide != in[0])
        y = silu(g, conv_norm(g, y, nn_name(g, "%s.block.%d", name, at++), (NnConv){.K = wide, .kernel_h = 1}, form));
    const NnConv each = {.K = wide, .kernel_h = kernel, .pad_h = kernel / 2, .stride = stride, .groups = wide};
    y = silu(g, conv_norm(g, y, nn_name(g, "%s.block.%d", name, at++), each, form));
    y = nn_blocks_squeeze(g, y, nn_name(g, "%s.block.%d", name, at++), in[0] > 4 ? in[0] / 4 : 1, silu, NN_SIGMOID);
    y = conv_norm(g, y, nn_name(g, "%s.block.%d", name, at), (NnConv){.K = K, .kernel_h = 1}, form);
    return stride == 1 && in[0] == K ? nn_add(g, nn_stochastic_depth(g, y, drop), x) : y;
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    const NnConv stem = {.K = nn_blocks_divisible(STEM * form->width, 8), .kernel_h = 3, .pad_h = 1, .stride = 2};
    NnNode x = silu(g, conv_norm(g, nn_input(g), "features.0", stem, form));
    int total = 0, done = 0, stages = (int)BASE_COUNT(STAGES);
    for (int s = 0; s < stages; s++) total += (int)ceil(STAGES[s].blocks * form->depth);
    int64_t channels = 0;
    for (int s = 0; s < stages; s++) {
        channels = nn_blocks_divisible(STAGES[s].channels * form->width, 8);
        int blocks = (int)ceil(STAGES[s].blocks * form->depth);
        for (int i = 0; i < blocks; i++, done++)
            x = draw_block(g, x, nn_name(g, "features.%d.%d", s + 1, i), form, s, channels, i ? 1 : STAGES[s].stride,
                           DEPTH_DROPOUT * done / total);
    }
    x = conv_norm(g, x, nn_name(g, "features.%d", stages + 1), (NnConv){.K = 4 * channels, .kernel_h = 1}, form);
    x = nn_flatten(g, nn_avg_pool(g, silu(g, x), 0, 1));
    return nn_linear(g, nn_dropout(g, x, form->dropout), "classifier.1", K, true);
}

#define ROW(number, side, ...)                                                                                         \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN(                                                                                     \
            "efficientnet_b" #number,                                                                                  \
            "EfficientNet-B" #number ", made for " #side "x" #side " pixels; images of any size", "arXiv 1905.11946"), \
        .C = 3, .H = side, .W = side, .larger = true, .smaller = true, .form = &(const Form){__VA_ARGS__},             \
        .build = build                                                                                                 \
    }
static const NnArch TABLE[] = {
    ROW(0, 224, 1.0, 1.0, 0.2, 1e-5, 0.1),  ROW(1, 240, 1.0, 1.1, 0.2, 1e-5, 0.1),
    ROW(2, 288, 1.1, 1.2, 0.3, 1e-5, 0.1),  ROW(3, 300, 1.2, 1.4, 0.3, 1e-5, 0.1),
    ROW(4, 380, 1.4, 1.8, 0.4, 1e-5, 0.1),  ROW(5, 456, 1.6, 2.2, 0.4, 1e-3, 0.01),
    ROW(6, 528, 1.8, 2.6, 0.5, 1e-3, 0.01), ROW(7, 600, 2.0, 3.1, 0.5, 1e-3, 0.01),
};
const BaseRows nn_arch_efficientnet = BASE_ROWS(TABLE);
