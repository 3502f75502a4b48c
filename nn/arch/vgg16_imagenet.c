#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const NnVgg FORM = {.depth = 16, .norm = false, .hidden = 4096};
    return nn_vgg_draw(g, &FORM, K);
}

const NnArch nn_arch_vgg16_imagenet = {
    .entry = BASE_ENTRY_PLAIN("vgg16_imagenet", "VGG-16, 224x224 form: 13 convolutions, classifier 25088-4096-4096-K",
                              "arXiv 1409.1556, configuration D"),
    .C = 3,
    .H = 224,
    .W = 224,
    .build = build};
