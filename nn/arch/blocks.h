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

/** Squeeze-and-excitation (arXiv 1709.01507) as torchvision names it, <name>.fc1 and <name>.fc2: the map scaled by a gate
 *  of its own means, which goes through @p squeeze channels and @p inner. */
static inline NnNode nn_blocks_squeeze(NnGraph *g, NnNode x, const char *name, int64_t squeeze,
                                       NnNode (*inner)(NnGraph *, NnNode), NnFunction gate)
{
    int64_t shape[3];
    nn_node_shape(g, x, shape);
    NnNode s = nn_conv(g, nn_avg_pool(g, x, 0, 1), nn_name(g, "%s.fc1", name), squeeze, 1, 1, 0, true);
    s = nn_conv(g, inner(g, s), nn_name(g, "%s.fc2", name), shape[0], 1, 1, 0, true);
    return nn_scale(g, x, nn_activation(g, s, gate));
}

#endif
