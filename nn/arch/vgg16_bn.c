#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K) { return nn_vgg_draw(g, nn_vgg_plan_d, 512, K); }

const NnArch nn_arch_vgg16_bn = {
    BASE_ENTRY_PLAIN("vgg16_bn", "VGG-16 with batch norm, 32x32 form: 13 convolutions, classifier 512-512-512-K",
                     "Simonyan & Zisserman 2015, configuration D"),
    3, 32, 32, build};
