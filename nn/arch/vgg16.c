#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const NnVgg FORM = {.depth = 16, .norm = false, .hidden = 512};
    return nn_vgg_draw(g, &FORM, K);
}

const NnArch nn_arch_vgg16 = {.entry = BASE_ENTRY_PLAIN("vgg16",
                                                        "VGG-16, 32x32 form: 13 convolutions, classifier 512-512-512-K",
                                                        "arXiv 1409.1556, configuration D"),
                              .C = 3,
                              .H = 32,
                              .W = 32,
                              .build = build};
