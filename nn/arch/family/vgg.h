/* nn/arch/family/vgg.h - VGG with batch norm (Simonyan & Zisserman 2015), torchvision's names: a convolution, its norm,
 * ReLU and pool count as one each in "features.N"; three linear layers with dropout in "classifier.N". */
#ifndef NN_ARCH_FAMILY_VGG_H
#define NN_ARCH_FAMILY_VGG_H

#include "nn/graph.h"

enum { NN_VGG_POOL = -1, NN_VGG_END = 0 };
/** The paper's configurations A (11 layers) and D (16). */
extern const int nn_vgg_plan_a[], nn_vgg_plan_d[];
/** @p plan: output channels, NN_VGG_POOL, ended by NN_VGG_END. @p hidden: units of the two hidden linear layers (512 in
 * the 32x32 form, 4096 in the 224x224 form, whose 7x7 map needs no adaptive pooling). */
NnNode nn_vgg_draw(NnGraph *g, const int *plan, int64_t hidden, int64_t K);

#endif
