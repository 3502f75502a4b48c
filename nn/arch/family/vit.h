/* nn/arch/family/vit.h - vision transformers (arXiv 2010.11929), torchvision's names and maths: a class token,
 * learned positions, pre-norm blocks, the classifier on the normed class token. */
#ifndef NN_ARCH_FAMILY_VIT_H
#define NN_ARCH_FAMILY_VIT_H

#include "io/tensors.h"
#include "nn/graph.h"

typedef struct {
    int64_t patch; /* side of the square patches */
    int64_t features, heads, blocks, hidden;
} NnVit;
extern const NnVit nn_vit_base_16, nn_vit_base_32, nn_vit_large_16;

NnNode nn_vit_draw(NnGraph *g, const NnVit *form, int64_t K);
/** Side of the square images that a checkpoint's positions stand for; 0 where it has none or they make no square. */
int64_t nn_vit_side(const NnVit *form, const IoTensors *tensors);

#endif
