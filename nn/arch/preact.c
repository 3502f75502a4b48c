/* nn/arch/preact.c - residual networks with norm and ReLU before each convolution ("Identity Mappings in Deep Residual
 * Networks", arXiv 1603.05027), 32x32 form: the names of kuangliu's code, as nn/naming.h turns them into torchvision's.
 * That code has no norm behind the last block; others (rows with _bn) have one, called bn, as the paper. */
#include "nn/arch/arch.h"

typedef struct {
    int blocks[4];
    bool bottleneck, norm;
} Form;

static NnNode norm_relu(NnGraph *g, NnNode x, const char *block, int number)
{
    return nn_relu(g, nn_batch_norm(g, x, nn_name(g, "%s.bn%d", block, number)));
}

static NnNode draw_block(NnGraph *g, NnNode x, const char *block, const Form *form, int64_t width, int64_t stride)
{
    int64_t in[3], K = form->bottleneck ? 4 * width : width;
    nn_node_shape(g, x, in);
    NnNode start = norm_relu(g, x, block, 1), y = start;
    if (form->bottleneck) {
        y = nn_conv(g, y, nn_name(g, "%s.conv1", block), width, 1, 1, 0, false);
        y = nn_conv(g, norm_relu(g, y, block, 2), nn_name(g, "%s.conv2", block), width, 3, stride, 1, false);
        y = nn_conv(g, norm_relu(g, y, block, 3), nn_name(g, "%s.conv3", block), K, 1, 1, 0, false);
    } else {
        y = nn_conv(g, y, nn_name(g, "%s.conv1", block), K, 3, stride, 1, false);
        y = nn_conv(g, norm_relu(g, y, block, 2), nn_name(g, "%s.conv2", block), K, 3, 1, 1, false);
    }
    if (stride == 1 && in[0] == K) return nn_add(g, y, x);
    return nn_add(g, y, nn_conv(g, start, nn_name(g, "%s.downsample.0", block), K, 1, stride, 0, false));
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    NnNode x = nn_conv(g, nn_input(g), "conv1", 64, 3, 1, 1, false);
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < form->blocks[stage]; i++)
            x = draw_block(g, x, nn_name(g, "layer%d.%d", stage + 1, i), form, 64 << stage, stage && !i ? 2 : 1);
    if (form->norm) x = nn_relu(g, nn_batch_norm(g, x, "bn"));
    return nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), "fc", K, true);
}

#define ROW(depth, suffix, with, last, ...)                                                                            \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN("preact_resnet" #depth suffix,                                                       \
                                  "pre-activation ResNet-" #depth ", 32x32 form" with "; takes larger images too",     \
                                  "arXiv 1603.05027"),                                                                 \
        .C = 3, .H = 32, .W = 32, .larger = true, .form = &(const Form){.norm = last, __VA_ARGS__}, .build = build     \
    }
#define ROWS(depth, ...)                                                                                               \
    ROW(depth, "", ", no norm at its end", false, __VA_ARGS__),                                                        \
        ROW(depth, "_bn", ", a norm at its end", true, __VA_ARGS__)
static const NnArch TABLE[] = {
    ROWS(18, .blocks = {2, 2, 2, 2}),
    ROWS(34, .blocks = {3, 4, 6, 3}),
    ROWS(50, .blocks = {3, 4, 6, 3}, .bottleneck = true),
    ROWS(101, .blocks = {3, 4, 23, 3}, .bottleneck = true),
    ROWS(152, .blocks = {3, 8, 36, 3}, .bottleneck = true),
};
const BaseRows nn_arch_preact = BASE_ROWS(TABLE);
