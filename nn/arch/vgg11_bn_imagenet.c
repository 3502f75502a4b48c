#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K) { return nn_vgg_draw(g, nn_vgg_plan_a, 4096, K); }

const NnArch nn_arch_vgg11_bn_imagenet = {
    BASE_ENTRY_PLAIN("vgg11_bn_imagenet", "VGG-11 with batch norm, 224x224 form: classifier 25088-4096-4096-K",
                     "Simonyan & Zisserman 2015, configuration A"),
    3, 224, 224, build};
