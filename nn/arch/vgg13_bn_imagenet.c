#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const NnVgg FORM = {.depth = 13, .norm = true, .hidden = 4096};
    return nn_vgg_draw(g, &FORM, K);
}

const NnArch nn_arch_vgg13_bn_imagenet = {
    .entry = BASE_ENTRY_PLAIN("vgg13_bn_imagenet",
                              "VGG-13 with batch norm, 224x224 form: 10 convolutions, classifier 25088-4096-4096-K",
                              "arXiv 1409.1556, configuration B"),
    .C = 3,
    .H = 224,
    .W = 224,
    .build = build};
