#include "nn/arch/arch.h"
#include "nn/arch/family/vgg.h"

static NnNode build(NnGraph *g, int64_t K)
{
    static const int PLAN[] = {64, NN_VGG_POOL, 128, NN_VGG_POOL, 256, 256, NN_VGG_POOL,
                               512, 512, NN_VGG_POOL, 512, 512, NN_VGG_POOL, NN_VGG_END};
    return nn_vgg_draw(g, PLAN, 512, K);
}

const NnArch nn_arch_vgg11_bn = {
    BASE_ENTRY_PLAIN("vgg11_bn", "VGG-11 with batch norm, 32x32 form: 8 convolutions, classifier 512-512-512-K",
                     "Simonyan & Zisserman 2015, configuration A"),
    3, 32, 32, build};
