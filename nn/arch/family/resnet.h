/* nn/arch/family/resnet.h - residual networks (arXiv 1512.03385), torchvision's names and its stride on the 3x3
 * convolution. */
#ifndef NN_ARCH_FAMILY_RESNET_H
#define NN_ARCH_FAMILY_RESNET_H

#include "nn/graph.h"

typedef struct {
    int blocks[4];   /* per stage; 64, 128, 256, 512 channels */
    bool bottleneck; /* 1x1, 3x3, 1x1 with four times the channels out; else 3x3, 3x3 */
    bool large;      /* 7x7 stride-2 stem and a max pool, for 224x224; else a 3x3 stem, for 32x32 */
} NnResnet;
NnNode nn_resnet_draw(NnGraph *g, const NnResnet *form, int64_t K);

#endif
