#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K) { return nn_vgg_draw(g, nn_vgg_plan_a, 512, K); }

const NnArch nn_arch_vgg11_bn = {
    BASE_ENTRY_PLAIN("vgg11_bn", "VGG-11 with batch norm, 32x32 form: 8 convolutions, classifier 512-512-512-K",
                     "Simonyan & Zisserman 2015, configuration A"),
    3, 32, 32, build};
