#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const NnVgg FORM = {.depth = 19, .norm = false, .hidden = 512};
    return nn_vgg_draw(g, &FORM, K);
}

const NnArch nn_arch_vgg19 = {.entry = BASE_ENTRY_PLAIN("vgg19",
                                                        "VGG-19, 32x32 form: 16 convolutions, classifier 512-512-512-K",
                                                        "arXiv 1409.1556, configuration E"),
                              .C = 3,
                              .H = 32,
                              .W = 32,
                              .build = build};
