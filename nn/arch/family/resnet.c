#include "nn/arch/family/resnet.h"

enum { EXPANSION = 4 };

static NnNode conv_norm(NnGraph *g, NnNode x, const char *block, int number, int64_t K, int64_t kernel, int64_t stride)
{
    x = nn_conv(g, x, nn_name(g, "%s.conv%d", block, number), K, kernel, stride, kernel / 2, false);
    return nn_batch_norm(g, x, nn_name(g, "%s.bn%d", block, number));
}

static NnNode draw_block(NnGraph *g, NnNode x, const char *block, const NnResnet *form, int64_t width, int64_t stride)
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

NnNode nn_resnet_draw(NnGraph *g, const NnResnet *form, int64_t K)
{
    NnNode x =
        nn_conv(g, nn_input(g), "conv1", 64, form->large ? 7 : 3, form->large ? 2 : 1, form->large ? 3 : 1, false);
    x = nn_relu(g, nn_batch_norm(g, x, "bn1"));
    if (form->large) x = nn_max_pool(g, x, 3, 2, 1);
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < form->blocks[stage]; i++)
            x = draw_block(g, x, nn_name(g, "layer%d.%d", stage + 1, i), form, 64 << stage, stage && !i ? 2 : 1);
    return nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 1)), "fc", K, true);
}
