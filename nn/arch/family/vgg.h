/* nn/arch/family/vgg.h - VGG (arXiv 1409.1556), torchvision's names: a convolution, its norm (where there is
 * one), ReLU and pool count as one each in "features.N"; three linear layers with dropout in "classifier.N". */
#ifndef NN_ARCH_FAMILY_VGG_H
#define NN_ARCH_FAMILY_VGG_H

#include "nn/graph.h"

typedef struct {
    int depth;      /* 11, 13, 16, 19: torchvision's configurations A, B, D, E */
    bool norm;      /* batch norm behind each convolution */
    int64_t hidden; /* units of the two hidden linear layers: 512 in the 32x32 form, 4096 in the 224x224 form, whose 7x7
                       map needs no adaptive pooling */
} NnVgg;
NnNode nn_vgg_draw(NnGraph *g, const NnVgg *form, int64_t K);

#endif
