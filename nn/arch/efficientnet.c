/* nn/arch/efficientnet.c - EfficientNet B0 to B7 (arXiv 1905.11946), one network, deeper and wider, with torchvision's names. timm's
 * B5 to B7 normalise by another epsilon, and its "tf_" networks are TensorFlow's: an epsilon of 1e-3, and padding that differs from
 * side to side where a stride is 2. These are networks of their own, with timm's names; its other ones are torchvision's (nn/naming_timm.c). */
#include <math.h>

#include "nn/arch/blocks.h"

typedef struct {
    double width, depth, dropout;
    double epsilon, momentum; /* of batch norms */
    bool timm;                /* its names, else torchvision's */
    bool same;                /* TensorFlow's padding */
} Form;

static const struct {
    int expand, kernel, stride, channels, blocks;
} STAGES[] = {{1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3},
              {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1}};
enum { STEM = 32 };
static const double DEPTH_DROPOUT = 0.2; /* of the last block; stochastic depth grows with depth */

static NnNode silu(NnGraph *g, NnNode x) { return nn_activation(g, x, NN_SILU); }

static NnNode conv_norm(NnGraph *g, NnNode x, const char *conv_name, const char *norm, NnConv conv, const Form *form)
{
    if (form->same)
        conv = nn_blocks_same(g, x, conv);
    else
        conv.pad_h = conv.kernel_h / 2;
    x = nn_conv_of(g, x, conv_name, conv);
    return nn_batch_norm_of(g, x, norm, form->epsilon, form->momentum);
}

/* Layers of a block: the first is left out where it would not widen. */
enum { WIDEN, FILTER, NARROW };
typedef struct {
    const char *name;
    bool widens;
} Block;

static NnNode layer(NnGraph *g, NnNode x, const Block *b, int which, NnConv conv, const Form *form)
{
    static const char *const TIMM[2][3] = {{"", "conv_dw", "conv_pw"}, {"conv_pw", "conv_dw", "conv_pwl"}};
    const int number = b->widens ? which : which - 1, gated = number + (which == NARROW);
    if (form->timm)
        return conv_norm(g, x, nn_name(g, "%s.%s", b->name, TIMM[b->widens][which]),
                         nn_name(g, "%s.bn%d", b->name, number + 1), conv, form);
    return conv_norm(g, x, nn_name(g, "%s.block.%d.0", b->name, gated), nn_name(g, "%s.block.%d.1", b->name, gated),
                     conv, form);
}

static NnNode gate(NnGraph *g, NnNode x, const Block *b, int64_t squeeze, const Form *form)
{
    if (!form->timm)
        return nn_blocks_squeeze(g, x, nn_name(g, "%s.block.%d", b->name, b->widens ? 2 : 1), squeeze, silu,
                                 NN_SIGMOID);
    return nn_blocks_gate(g, x, nn_name(g, "%s.se.conv_reduce", b->name), nn_name(g, "%s.se.conv_expand", b->name),
                          squeeze, silu, NN_SIGMOID);
}

static NnNode draw_block(NnGraph *g, NnNode x, const char *name, const Form *form, int stage, int64_t K, int64_t stride,
                         double drop)
{
    int64_t in[3];
    nn_node_shape(g, x, in);
    const int64_t wide = nn_blocks_divisible((double)(in[0] * STAGES[stage].expand), 8);
    const Block b = {name, wide != in[0]};
    const NnConv each = {.K = wide, .kernel_h = STAGES[stage].kernel, .stride = stride, .groups = wide};
    NnNode y = x;
    if (b.widens) y = silu(g, layer(g, y, &b, WIDEN, (NnConv){.K = wide, .kernel_h = 1, .stride = 1}, form));
    y = silu(g, layer(g, y, &b, FILTER, each, form));
    y = gate(g, y, &b, in[0] > 4 ? in[0] / 4 : 1, form);
    y = layer(g, y, &b, NARROW, (NnConv){.K = K, .kernel_h = 1, .stride = 1}, form);
    return stride == 1 && in[0] == K ? nn_add(g, nn_stochastic_depth(g, y, drop), x) : y;
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    const bool timm = form->timm;
    const NnConv stem = {.K = nn_blocks_divisible(STEM * form->width, 8), .kernel_h = 3, .stride = 2};
    NnNode x =
        conv_norm(g, nn_input(g), timm ? "conv_stem" : "features.0.0", timm ? "bn1" : "features.0.1", stem, form);
    int total = 0, done = 0, stages = (int)BASE_COUNT(STAGES);
    for (int s = 0; s < stages; s++) total += (int)ceil(STAGES[s].blocks * form->depth);
    int64_t channels = 0;
    x = silu(g, x);
    for (int s = 0; s < stages; s++) {
        channels = nn_blocks_divisible(STAGES[s].channels * form->width, 8);
        int blocks = (int)ceil(STAGES[s].blocks * form->depth);
        for (int i = 0; i < blocks; i++, done++)
            x = draw_block(g, x, timm ? nn_name(g, "blocks.%d.%d", s, i) : nn_name(g, "features.%d.%d", s + 1, i), form,
                           s, channels, i ? 1 : STAGES[s].stride, DEPTH_DROPOUT * done / total);
    }
    x = conv_norm(g, x, timm ? "conv_head" : "features.8.0", timm ? "bn2" : "features.8.1",
                  (NnConv){.K = 4 * channels, .kernel_h = 1, .stride = 1}, form);
    x = nn_flatten(g, nn_avg_pool(g, silu(g, x), 0, 1));
    return nn_linear(g, nn_dropout(g, x, form->dropout), timm ? "classifier" : "classifier.1", K, true);
}

#define ROW(label, title, side, as, ...)                                                                               \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN(label, title ", made for " #side "x" #side " pixels; images of any size",            \
                                  "arXiv 1905.11946"),                                                                 \
        .C = 3, .H = side, .W = side, .larger = true, .smaller = true, .like = as, .form = &(const Form){__VA_ARGS__}, \
        .build = build                                                                                                 \
    }
#define OURS(number, side, ...)                                                                                        \
    ROW("efficientnet_b" #number, "EfficientNet-B" #number, side, NULL, __VA_ARGS__, false, false)
#define TIMM(number, side, ...)                                                                                        \
    ROW("timm_efficientnet_b" #number, "timm's EfficientNet-B" #number, side, NULL, __VA_ARGS__, 1e-5, 0.1, true, false)
#define TF(number, side, as, ...)                                                                                      \
    ROW("tf_efficientnet_b" #number, "TensorFlow's EfficientNet-B" #number " in timm", side, as, __VA_ARGS__, 1e-3,    \
        0.1, true, true)
static const NnArch TABLE[] = {
    OURS(0, 224, 1.0, 1.0, 0.2, 1e-5, 0.1),
    OURS(1, 240, 1.0, 1.1, 0.2, 1e-5, 0.1),
    OURS(2, 288, 1.1, 1.2, 0.3, 1e-5, 0.1),
    OURS(3, 300, 1.2, 1.4, 0.3, 1e-5, 0.1),
    OURS(4, 380, 1.4, 1.8, 0.4, 1e-5, 0.1),
    OURS(5, 456, 1.6, 2.2, 0.4, 1e-3, 0.01),
    OURS(6, 528, 1.8, 2.6, 0.5, 1e-3, 0.01),
    OURS(7, 600, 2.0, 3.1, 0.5, 1e-3, 0.01),
    TIMM(5, 448, 1.6, 2.2, 0.4),
    TIMM(6, 528, 1.8, 2.6, 0.5),
    TIMM(7, 600, 2.0, 3.1, 0.5),
    TF(0, 224, "efficientnet_b0", 1.0, 1.0, 0.2),
    TF(1, 240, "efficientnet_b1", 1.0, 1.1, 0.2),
    TF(2, 260, "efficientnet_b2", 1.1, 1.2, 0.3),
    TF(3, 300, "efficientnet_b3", 1.2, 1.4, 0.3),
    TF(4, 380, "efficientnet_b4", 1.4, 1.8, 0.4),
    TF(5, 456, "timm_efficientnet_b5", 1.6, 2.2, 0.4),
    TF(6, 528, "timm_efficientnet_b6", 1.8, 2.6, 0.5),
    TF(7, 600, "timm_efficientnet_b7", 2.0, 3.1, 0.5),
};
const BaseRows nn_arch_efficientnet = BASE_ROWS(TABLE);
