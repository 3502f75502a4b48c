/* nn/arch/resnet.c - residual networks (arXiv 1512.03385), torchvision's names and its stride on the 3x3 convolution. */
#include "nn/arch/arch.h"

typedef struct {
    int blocks[4];   /* per stage; 64, 128, 256, 512 channels */
    bool bottleneck; /* 1x1, 3x3, 1x1 with four times the channels out; else 3x3, 3x3 */
    bool large;      /* 7x7 stride-2 stem and a max pool, for 224x224; else a 3x3 stem, for 32x32 */
} Form;

enum { EXPANSION = 4 };

static NnNode conv_norm(NnGraph *g, NnNode x, const char *block, int number, int64_t K, int64_t kernel, int64_t stride)
{
    x = nn_conv(g, x, nn_name(g, "%s.conv%d", block, number), K, kernel, stride, kernel / 2, false);
    return nn_batch_norm(g, x, nn_name(g, "%s.bn%d", block, number));
}

static NnNode draw_block(NnGraph *g, NnNode x, const char *block, const Form *form, int64_t width, int64_t stride)
{
    int64_t in[3], K = form->bottleneck ? EXPANSION * width : width;
    nn_node_shape(g, x, in);
    NnNode y = form->bottleneck ? conv_norm(g, x, block, 1, width, 1, 1) : conv_norm(g, x, block, 1, width, 3, stride);
    y = nn_relu(g, y);
    y = form->bottleneck ? conv_norm(g, y, block, 2, width, 3, stride) : conv_norm(g, y, block, 2, K, 3, 1);
    if (form->bottleneck) y = conv_norm(g, nn_relu(g, y), block, 3, K, 1, 1);
    if (stride != 1 || in[0] != K) { /* drawn last: state_dict order */
        x = nn_conv(g, x, nn_name(g, "%s.downsample.0", block), K, 1, stride, 0, false);
        x = nn_batch_norm(g, x, nn_name(g, "%s.downsample.1", block));
    }
    return nn_relu(g, nn_add(g, y, x));
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    NnNode x =
        nn_conv(g, nn_input(g), "conv1", 64, form->large ? 7 : 3, form->large ? 2 : 1, form->large ? 3 : 1, false);
    x = nn_relu(g, nn_batch_norm(g, x, "bn1"));
    if (form->large) x = nn_max_pool(g, x, 3, 2, 1);
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < form->blocks[stage]; i++)
            x = draw_block(g, x, nn_name(g, "layer%d.%d", stage + 1, i), form, 64 << stage, stage && !i ? 2 : 1);
    return nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), "fc", K, true);
}

#define ROW(label, title, is_large, side, stem, ...)                                                                   \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN(label, title ", " stem,                                                              \
                                  "Deep Residual Learning for Image Recognition, arXiv 1512.03385"),                   \
        .C = 3, .H = side, .W = side, .larger = true, .smaller = is_large,                                             \
        .form = &(const Form){.large = is_large, __VA_ARGS__}, .build = build                                          \
    }
#define SMALL(depth, ...)                                                                                              \
    ROW("resnet" #depth, "ResNet-" #depth, false, 32, "32x32 form: 3x3 stem, no max pool; takes larger images too",    \
        __VA_ARGS__)
#define LARGE(depth, ...)                                                                                              \
    ROW("resnet" #depth "_imagenet", "ResNet-" #depth, true, 224,                                                      \
        "ImageNet form: 7x7 stem, max pool; takes images of any size", __VA_ARGS__)

static const NnArch TABLE[] = {
    SMALL(18, .blocks = {2, 2, 2, 2}),
    SMALL(34, .blocks = {3, 4, 6, 3}),
    SMALL(50, .blocks = {3, 4, 6, 3}, .bottleneck = true),
    SMALL(101, .blocks = {3, 4, 23, 3}, .bottleneck = true),
    SMALL(152, .blocks = {3, 8, 36, 3}, .bottleneck = true),
    LARGE(18, .blocks = {2, 2, 2, 2}),
    LARGE(34, .blocks = {3, 4, 6, 3}),
    LARGE(50, .blocks = {3, 4, 6, 3}, .bottleneck = true),
    LARGE(101, .blocks = {3, 4, 23, 3}, .bottleneck = true),
    LARGE(152, .blocks = {3, 8, 36, 3}, .bottleneck = true),
};
const BaseRows nn_arch_resnet = BASE_ROWS(TABLE);
