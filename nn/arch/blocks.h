/* nn/arch/blocks.h - what several families draw alike. */
#ifndef NN_ARCH_BLOCKS_H
#define NN_ARCH_BLOCKS_H

#include "nn/arch/arch.h"

/** @p v as a multiple of @p divisor, at least that, and not below 0.9 v: torchvision's _make_divisible. */
static inline int64_t nn_blocks_divisible(double v, int64_t divisor)
{
    int64_t whole = (int64_t)(v + (double)divisor / 2) / divisor * divisor;
    if (whole < divisor) whole = divisor;
    return (double)whole < 0.9 * v ? whole + divisor : whole;
}

/** A square convolution with TensorFlow's padding "same", as timm's networks with "tf_" in front have it: as many outputs as
 *  strides begin on the map, and of an odd sum of both sides' padding the larger part below and on the right. */
static inline NnConv nn_blocks_same(const NnGraph *g, NnNode x, NnConv conv)
{
    int64_t shape[3], total[2];
    nn_node_shape(g, x, shape);
    for (int i = 0; i < 2; i++) {
        int64_t side = shape[1 + i], last = (side - 1) / conv.stride * conv.stride; /* where the last kernel begins */
        total[i] = last + conv.kernel_h > side ? last + conv.kernel_h - side : 0;
    }
    conv.kernel_w = conv.kernel_h;
    conv.pad_h = total[0] / 2, conv.more_h = total[0] % 2;
    conv.pad_w = total[1] / 2, conv.more_w = total[1] % 2;
    return conv;
}

/** Squeeze-and-excitation (arXiv 1709.01507): the map scaled by a gate of its own means, which goes through @p squeeze
 *  channels (the layer @p down), @p inner and the layer @p up. */
static inline NnNode nn_blocks_gate(NnGraph *g, NnNode x, const char *down, const char *up, int64_t squeeze,
                                    NnNode (*inner)(NnGraph *, NnNode), NnFunction gate)
{
    int64_t shape[3];
    nn_node_shape(g, x, shape);
    NnNode s = nn_conv(g, nn_avg_pool(g, x, 0, 1), down, squeeze, 1, 1, 0, true);
    s = nn_conv(g, inner(g, s), up, shape[0], 1, 1, 0, true);
    return nn_scale(g, x, nn_activation(g, s, gate));
}

/** The same as torchvision names it, <name>.fc1 and <name>.fc2. */
static inline NnNode nn_blocks_squeeze(NnGraph *g, NnNode x, const char *name, int64_t squeeze,
                                       NnNode (*inner)(NnGraph *, NnNode), NnFunction gate)
{
    return nn_blocks_gate(g, x, nn_name(g, "%s.fc1", name), nn_name(g, "%s.fc2", name), squeeze, inner, gate);
}

#endif
