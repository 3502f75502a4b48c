/* nn/arch/resnet.c - residual networks (arXiv 1512.03385), torchvision's names and its stride on the 3x3 convolution; ResNeXt (arXiv
 * 1611.05431), whose 3x3 convolutions have groups, and Wide ResNet (arXiv 1605.07146), where they are wider. */
#include "nn/arch/arch.h"

typedef struct {
    int blocks[4];   /* per stage; 64, 128, 256, 512 channels */
    bool bottleneck; /* 1x1, 3x3, 1x1 with four times the channels out; else 3x3, 3x3 */
    bool large;      /* 7x7 stride-2 stem and a max pool, for 224x224; else a 3x3 stem, for 32x32 */
    int groups;      /* of a bottleneck's 3x3 convolution; 0: 1 */
    int base;        /* channels of one group, of 64 of the block's; 0: 64 */
} Form;

enum { EXPANSION = 4 };
#define RESNET "Deep Residual Learning for Image Recognition, arXiv 1512.03385"

static NnNode conv_norm(NnGraph *g, NnNode x, const char *block, int number, int64_t K, int64_t kernel, int64_t stride,
                        int groups)
{
    const NnConv conv = {.K = K, .kernel_h = kernel, .pad_h = kernel / 2, .stride = stride, .groups = groups};
    x = nn_conv_of(g, x, nn_name(g, "%s.conv%d", block, number), conv);
    return nn_batch_norm(g, x, nn_name(g, "%s.bn%d", block, number));
}

static NnNode draw_block(NnGraph *g, NnNode x, const char *block, const Form *form, int64_t width, int64_t stride)
{
    int64_t in[3], K = form->bottleneck ? EXPANSION * width : width;
    nn_node_shape(g, x, in);
    int groups = form->groups ? form->groups : 1;
    int64_t inner = form->base ? width * form->base / 64 * groups : width;
    NnNode y =
        form->bottleneck ? conv_norm(g, x, block, 1, inner, 1, 1, 1) : conv_norm(g, x, block, 1, width, 3, stride, 1);
    y = nn_relu(g, y);
    y = form->bottleneck ? conv_norm(g, y, block, 2, inner, 3, stride, groups) : conv_norm(g, y, block, 2, K, 3, 1, 1);
    if (form->bottleneck) y = conv_norm(g, nn_relu(g, y), block, 3, K, 1, 1, 1);
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

#define ROW(label, title, paper, is_large, side, stem, ...)                                                            \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN(label, title ", " stem, paper), .C = 3, .H = side, .W = side, .larger = true,        \
        .smaller = is_large, .form = &(const Form){.large = is_large, __VA_ARGS__}, .build = build                     \
    }
#define SMALL(depth, ...)                                                                                              \
    ROW("resnet" #depth, "ResNet-" #depth, RESNET, false, 32,                                                          \
        "32x32 form: 3x3 stem, no max pool; takes larger images too", __VA_ARGS__)
#define ANY(label, title, paper, ...)                                                                                  \
    ROW(label, title, paper, true, 224, "ImageNet form: 7x7 stem, max pool; takes images of any size", __VA_ARGS__)
#define LARGE(depth, ...)          ANY("resnet" #depth "_imagenet", "ResNet-" #depth, RESNET, __VA_ARGS__)
#define DEEP(blocks_of_third, ...) .blocks = {3, 4, blocks_of_third, 3}, .bottleneck = true, __VA_ARGS__

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
    ANY("resnext50_32x4d", "ResNeXt-50 32x4d", "arXiv 1611.05431", DEEP(6, .groups = 32, .base = 4)),
    ANY("resnext101_32x8d", "ResNeXt-101 32x8d", "arXiv 1611.05431", DEEP(23, .groups = 32, .base = 8)),
    ANY("resnext101_64x4d", "ResNeXt-101 64x4d", "arXiv 1611.05431", DEEP(23, .groups = 64, .base = 4)),
    ANY("wide_resnet50_2", "Wide ResNet-50-2", "arXiv 1605.07146", DEEP(6, .base = 128)),
    ANY("wide_resnet101_2", "Wide ResNet-101-2", "arXiv 1605.07146", DEEP(23, .base = 128)),
};
const BaseRows nn_arch_resnet = BASE_ROWS(TABLE);
