#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const NnVgg FORM = {.depth = 11, .norm = false, .hidden = 4096};
    return nn_vgg_draw(g, &FORM, K);
}

const NnArch nn_arch_vgg11_imagenet = {
    .entry = BASE_ENTRY_PLAIN("vgg11_imagenet", "VGG-11, 224x224 form: 8 convolutions, classifier 25088-4096-4096-K",
                              "arXiv 1409.1556, configuration A"),
    .C = 3,
    .H = 224,
    .W = 224,
    .build = build};
